"""Python, C and Structured Text against each other, and against judges of their own. Ends with 1 at what is wrong.

python -m tools.three_answers agree   [--scans N] [--seed N]       every output of every scan is the same
python -m tools.three_answers hostile [--sequences N] [--seed N]   no guard raises the output without a press
python -m tools.three_answers button  [--waveforms N] [--seed N]   presses are accepted exactly by the rule
python -m tools.three_answers mutants [--list]                     every wrong change of the block is noticed
Each takes --json FILE for its figures, and all but mutants, which runs whole in a minute, --quick.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tools.bench._rows import AT_LEAST, Row, write
from tools.three_answers import agreement, button, coverage, hostile, mutants
from tools.three_answers.scans import C, Python
from tools.three_answers.structured import Structured

ALL = (Python, C, Structured)


def _agree(options: argparse.Namespace) -> Counter[str]:
    scans = options.scans or (20_000 if options.quick else 1_000_000)
    seen = agreement.agree(ALL, options.seed, scans)
    seen["scans of long episodes"] = agreement.long_ones(ALL, 1_000 if options.quick else 0)["scans"]
    missed = coverage.missed()
    for arm in missed:
        print(f"never ran: line {arm.line}, {arm.what}")
    seen["ways through the block"], seen["never taken"] = coverage.arms(), len(missed)
    return seen


def _hostile(options: argparse.Namespace) -> Counter[str]:
    sequences = options.sequences or (2_000 if options.quick else 1_000_000)
    return hostile.run(options.seed, sequences, 40 if options.quick else hostile.ROOTS)


def _button(options: argparse.Namespace) -> Counter[str]:
    return button.run(options.seed, options.waveforms or (450 if options.quick else 100_000), ALL)


def _mutants(options: argparse.Namespace) -> Counter[str]:
    return mutants.run(options.list)


COMMANDS: dict[str, Callable[[argparse.Namespace], Counter[str]]] = {
    "agree": _agree, "hostile": _hostile, "button": _button, "mutants": _mutants,
}  # fmt: skip


#: what the first row counts: a command ends at the first of them, so figures are written only where there is none
WRONG = {
    "agree": "answers that differ", "hostile": "rises without a press", "button": "presses accepted against the rule",
    "mutants": "answers of the unchanged block that differ",
}  # fmt: skip
#: how many a full run has at least, and of what there may be none
FULL = {"scans": 1_000_000, "sequences": 1_000_000, "waveforms": 100_000}
NONE = ("survived", "never taken")


def _row(what: str, times: int, options: argparse.Namespace) -> Row:
    if what in NONE:
        return Row(what, times, "", 0.0)
    is_counted = not options.quick and what in FULL and (what == "scans") == (options.command == "agree")
    return Row(what, times, "", FULL[what] if is_counted else None, AT_LEAST, f"seed {options.seed}")


def main() -> int:
    """The command. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scans", type=int, help="agree: how many (default: 10^6)")
    parser.add_argument("--sequences", type=int, help="hostile: how many (default: 10^6)")
    parser.add_argument("--waveforms", type=int, help="button: how many (default: 10^5)")
    parser.add_argument("--list", action="store_true", help="mutants: name each")
    parser.add_argument("--quick", action="store_true", help="less of it (mutants: always all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    began_s = time.monotonic()
    try:
        seen = COMMANDS[options.command](options)
    except AssertionError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    for what, times in seen.items():
        print(f"{what:60} {times}")
    print(f"{'seconds':60} {time.monotonic() - began_s:.0f}")
    if options.json:
        rows = [
            Row(WRONG[options.command], 0, "", 0.0),
            *(_row(what, times, options) for what, times in seen.items()),
        ]
        write(options.json, rows, is_quick=options.quick and options.command != "mutants")
    return 1 if seen["survived"] or seen["never taken"] else 0


if __name__ == "__main__":
    sys.exit(main())
