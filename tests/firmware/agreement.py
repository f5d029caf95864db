"""Runs two programs through the same scans and finds the first one in which they differ.

python -m tests.firmware.agreement [--scans N] [--seed N]    C against Python; ends with 1 at a difference
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from jidoka_bridge.registers import Fault, PlcState

from tests.firmware.c_core import CCore
from tests.firmware.scans import Core, Inputs, Outcome, PythonCore, Settings
from tests.firmware.sequences import WRAP_MS, sequence

#: block C is compared once in so many scans: it changes slowly and takes long
C_EVERY = 97
SEQUENCE_SCANS = 20_000
SETTINGS = (Settings(), Settings(7, 500, 0), Settings(247, 2_550, 100), Settings(1, 200, 35))


class DifferenceError(AssertionError):
    """Two programs differ."""


def agree(  # noqa: PLR0917
    reference: Core, other: Core, seed: int, scans: int, settings: Settings, start_ms: int | None = None
) -> Counter[str]:
    """Run both; raises DifferenceError at the first difference. Returns how often what is interesting happened."""
    answers: list[Outcome] = []
    seen: Counter[str] = Counter()
    before: Outcome | None = None
    for number, inputs in enumerate(sequence(seed, scans, settings, answers, start_ms)):
        one, two = reference.scan(inputs), other.scan(inputs)
        if one != two:
            raise DifferenceError(_told(seed, number, inputs, one, two))
        if number % C_EVERY == 0 and reference.block_c() != other.block_c():
            raise DifferenceError(
                f"seed {seed}, scan {number}, block C:\n{reference.block_c()}\n{other.block_c()}"
            )
        _count(seen, before, one, inputs)
        before = one
        answers.append(one)
        del answers[:-2]
    return seen


def _count(seen: Counter[str], before: Outcome | None, now: Outcome, inputs: Inputs) -> None:
    seen["scans"] += 1
    seen["accepted presses"] += now.is_accepted
    if before is not None:
        seen["output changes"] += now.output != before.output
        if now.block_b[5] != before.block_b[5]:
            seen[f"state {PlcState(now.block_b[5] >> 8).name}"] += 1
            seen[f"fault {Fault(now.block_b[5] & 0xFF).name}"] += 1
    seen["past the wrap"] += inputs.now_ms >= WRAP_MS


def _told(seed: int, number: int, inputs: Inputs, one: Outcome, two: Outcome) -> str:
    words = [
        f"  B{place}: {a:#06x} {b:#06x}"
        for place, (a, b) in enumerate(zip(one.block_b, two.block_b, strict=True)) if a != b
    ]  # fmt: skip
    return "\n".join([f"seed {seed}, scan {number}: {inputs}", f"{one[:3]} against {two[:3]}", *words])


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=1_000_000, help="scans in all (default: 10^6)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    began_s = time.monotonic()
    for turn in range(-(-options.scans // SEQUENCE_SCANS)):
        settings = SETTINGS[turn % len(SETTINGS)]
        start_ms = 0 if turn % 5 == 4 else None
        try:
            seen += agree(
                PythonCore(settings),
                CCore(settings),
                options.seed + turn,
                min(SEQUENCE_SCANS, options.scans),
                settings,
                start_ms,
            )
        except DifferenceError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"C and Python agree over {seen['scans']} scans in {time.monotonic() - began_s:.0f} s")
    for what, times in sorted(seen.items()):
        print(f"{what:28} {times}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
