"""A faulty line between guard and PLC, in simulated time: does the permissive ever outlive its reason?

python tools/bench/faults.py [--quick] [--json FILE] [--peer python|c|qemu] [--frames N] [--seed N]

Every error class of IEC 61784-3 in both directions at four baud rates; 10^6 frames against the reference model, 10^5
against the C firmware's core, and 10^4 in real time against the firmware in an emulated Cortex-M (about two minutes).
Beside it, in the same run: how many stale values pymodbus, libmodbus and this link take for current when answers come
late but in order, over real pseudo-terminals.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

# run as a file: the firmware's core comes through tests/, rows from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jidoka_bridge.link.times import needed
from jidoka_bridge.plan import Link

from tools.bench import _fault_board, _late_answers
from tools.bench._fault_classes import CLASSES, MS
from tools.bench._fault_plcs import CPlc, Plc, PythonPlc
from tools.bench._fault_world import Tally, World
from tools.bench._rows import AT_LEAST, Row

BAUDS = (9600, 19200, 38400, 115200)
DIRECTIONS = ("up", "down")
FRAMES = {"python": 1_000_000, "c": 100_000, "qemu": 10_000}
QUICK_FRAMES = {"python": 48_000, "c": 16_000, "qemu": 1_600}
PEERS: dict[str, Callable[[Link, int], Plc]] = {"python": PythonPlc, "c": CPlc}
NAMES = {"python": "the reference model", "c": "the C core", "qemu": "the emulated board"}
#: emulated boards side by side: their loops never rest, so more of them than twice the cores would stand still too long
TOGETHER = 4
#: the line in real time, in turn: emulated boards that share the cores answer late, so the beat is longer than it could be
REAL_LINES = (
    Link("real", baud=115200, function="23", beat_ms=80, reply_timeout_ms=65, hold_ms=400, lost_beats=3),
    Link("real", baud=19200, function="23", beat_ms=100, reply_timeout_ms=85, hold_ms=500, lost_beats=3),
    Link("real", baud=19200, function="16+03", beat_ms=160, reply_timeout_ms=65, hold_ms=800, lost_beats=3),
    Link("real", baud=9600, function="23", beat_ms=130, reply_timeout_ms=110, hold_ms=650, lost_beats=3),
)


def link_at(baud: int, function: str) -> Link:
    """The line as the plan would set it."""
    bare = Link("simulated", baud=baud, function=function)
    times = needed(bare)
    return Link(
        "simulated", baud=baud, function=function, beat_ms=int(times.beat_ms),
        reply_timeout_ms=int(times.reply_timeout_ms), hold_ms=int(times.hold_ms),
    )  # fmt: skip


def sites(peer: str, seed: int) -> Iterator[tuple[str, Link, World]]:
    """Every class, direction and baud rate once; every fourth line goes by function codes 16 and 03."""
    for number, (error, direction, baud) in enumerate(
        (error, direction, baud) for baud in BAUDS for error in CLASSES for direction in DIRECTIONS
    ):
        link = link_at(baud, "16+03" if number % 4 == 3 else "23")
        plc = PEERS[peer](link, seed + number)
        yield error, link, World(link, plc, error, direction, seed + number)


def run_boards(frames: int, seed: int) -> tuple[Tally, float]:
    """As `run`, in real time; with few frames the two directions of a class share one board."""
    whole, worst = Tally(), 0.0
    ways = DIRECTIONS if frames >= FRAMES["qemu"] else ("both",)
    cases = [(error, direction) for error in CLASSES for direction in ways]
    share = -(-frames // len(cases))
    for first in range(0, len(cases), TOGETHER):
        link = REAL_LINES[first // TOGETHER % len(REAL_LINES)]
        some = cases[first : first + TOGETHER]
        with _fault_board.boards(len(some), link) as emulators:
            worlds = [
                _fault_board.BoardWorld(link, emulator, *case, seed + first + number)
                for number, (emulator, case) in enumerate(zip(emulators, some, strict=True))
            ]
            _fault_board.run_together(worlds, share)
        for world in worlds:
            worst = max(worst, world.tally.late_ns / MS / bound_ms(link))
            whole.add(world.tally)
    return whole, worst


def bound_ms(link: Link) -> float:
    """The longest that a permissive may outlive the last frame that allowed it."""
    return link.hold_ms + link.beat_ms + 2.0 * link.scan_ms


def run(peer: str, frames: int, seed: int) -> tuple[Tally, float]:
    """All sites; (what happened, the longest that an output outlived its reason as a part of the bound)."""
    if peer == "qemu":
        return run_boards(frames, seed)
    whole, worst = Tally(), 0.0
    share = -(-frames // (len(CLASSES) * len(DIRECTIONS) * len(BAUDS)))
    for error, link, world in sites(peer, seed):
        del error
        tally = world.run(share)
        worst = max(worst, tally.late_ns / MS / bound_ms(link))
        whole.add(tally)
    return whole, worst


def rows(peer: str, frames: int, seed: int) -> Iterator[Row]:
    """The figures against one peer; the books go to stdout before them."""
    tally, worst = run(peer, frames, seed)
    print(f"\nagainst {NAMES[peer]}:")
    for title, counter in (("frames", tally.frames), ("touched by", tally.touched), ("at the PLC", tally.fates),
                           ("beats of the guard", tally.beats)):  # fmt: skip
        print(f"  {title}: " + ", ".join(f"{name} {count}" for name, count in sorted(counter.items())))
    name = f"{NAMES[peer]}: "
    yield Row(
        name + "frames sent", tally.frames["sent up"] + tally.frames["sent down"], "frames", frames, AT_LEAST
    )
    yield Row(name + "frames touched by a fault", sum(tally.touched.values()), "frames")
    # a board tells each change of its output, and shows it in each answer
    looks = "looks" if peer == "qemu" else "scans"
    yield Row(name + f"{looks} with the output above the guard's word", tally.above, looks, 0)
    yield Row(name + f"{looks} later than W + T_hb + 2 scans", tally.late, looks, 0)
    yield Row(name + "longest permissive, as a part of that bound", worst, "", 1.0)
    yield Row(name + "accepted presses", tally.presses, "presses")
    yield Row(name + "rises without an accepted press", max(0, tally.rises - tally.presses), "rises", 0)
    yield Row(name + "frames that nobody accounts for", tally.unaccounted, "frames", 0)
    yield Row(name + "stale blocks taken for current", tally.stale, "blocks", 0)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer frames, the same rows, at most 40 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument(
        "--peer", choices=sorted(FRAMES), action="append", help="PLC behind the line (default: all)"
    )
    parser.add_argument("--frames", type=int, help="frames in all, for each peer")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("guard").setLevel(logging.CRITICAL)
    found: list[Row] = []
    for peer in options.peer or list(FRAMES):
        frames = options.frames or (QUICK_FRAMES if options.quick else FRAMES)[peer]
        found += rows(peer, frames, options.seed)
    found += _late_answers.rows(20 if options.quick else 40)
    for row in found:
        held = (
            ""
            if row.reach is None
            else f"{row.sense} {row.reach:g}: {'holds' if row.holds else 'FALLS SHORT'}"
        )
        print(f"{row.name:66} {row.value:12.6g} {row.unit:8} {held}")
    if options.json:
        document = {
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
            "quick": options.quick,
            "rows": [{**asdict(row), "holds": row.holds} for row in found],
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row.holds is not False for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
