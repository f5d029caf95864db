"""Kill the guard, stop it, take its port and its disk away, kill every other program; and at every call in simulated time.

python tools/kill_guard.py [--rounds N] [--part simulated|guard|others] [--quick] [--json FILE]

N rounds each of SIGKILL and SIGSTOP of the guard (200), a tenth of that of everything else. Each round: the output is
withheld in time, by the PLC's clock; after the restart no acknowledgement, latch or lockout that was told is lost; and the
output doesn't rise before somebody has pressed the button. About 45 minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# whatever ends this program, what it started ends too
os.environ["JIDOKA_DIE_WITH_PARENT"] = "1"
# run as a file: what is killed comes from tests/, rows from bench/
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from jidoka.demo.rig import Rig

from tests.bridge.guard.cut_points import explore
from tests.processes import programs
from tools.bench._rows import AT_LEAST, Row, bench
from tools.killing import guard, others

FULL, QUICK = 200, 4


def rows_of(name: str, tally: guard.Tally, peer: str) -> Iterator[Row]:
    """How often, whether anything was wrong, and how much of the time was left at worst."""
    for wrong in tally.wrong[:10]:
        print(f"  {wrong}", file=sys.stderr)
    yield Row(
        f"{name}: rounds", tally.rounds, "rounds", peer=f"{tally.in_run} of them with the permissive on"
    )
    yield Row(f"{name}: lost, or risen by itself", len(tally.wrong), "times", 0.0)
    if tally.late_ms > float("-inf"):
        yield Row(f"{name}: output off, beyond its time at worst", tally.late_ms, "ms", 0.0, peer=peer)


def in_simulated_time(is_quick: bool) -> Iterator[Row]:
    found = explore(40, 7) if is_quick else explore()
    for wrong in found.wrong[:10]:
        print(f"  {wrong}", file=sys.stderr)
    peer = f"{found.calls} places before and after a call, {found.worlds} of them differ"
    yield Row(
        "cut-points: deaths tried", found.tried, "deaths", None if is_quick else found.worlds, AT_LEAST, peer
    )
    yield Row("cut-points: lost, or risen by itself", len(found.wrong), "times", 0.0)


def of_the_guard(rounds: int, few: int) -> Iterator[Row]:
    hold = f"hold time {guard.LINK['hold_ms']} ms and two scans, by the PLC's clock"
    with tempfile.TemporaryDirectory(prefix="jidoka-kill-") as folder, programs(Path(folder)) as start:
        floor = guard.Floor(Path(folder), start, random.Random(7))
        floor.begin()
        yield from rows_of("SIGKILL of the guard", guard.kill_rounds(floor, rounds), hold)
        yield from rows_of("SIGSTOP and SIGCONT of the guard", guard.stop_rounds(floor, rounds), hold)
        ports = guard.port_rounds(floor, few)
        yield from rows_of("port closed and back", ports, "")
        yield Row("port back under another number", ports.reenumerated, "rounds")
        yield from rows_of("guard's disk full", guard.disk_rounds(floor, few), "")


def of_the_others(few: int) -> Iterator[Row]:
    with contextlib.closing(Rig()) as rig:
        rig.learn(others.LEARN_RECORDS)
        rig.start()
        for victim in others.VICTIMS:
            peer = f"{victim.limit or 'hold_ms'} of the plan, lease, two beats, two scans"
            yield from rows_of(f"SIGKILL of the {victim.name}", others.kill_rounds(rig, victim, few), peer)
        yield from rows_of(
            "steward's disk full", others.full_disk(rig, max(1, few // 4)), "no_record_ms of the plan"
        )
        faults = others.ledger_faults(rig)
        yield Row("faults in the ledger after all that", len(faults), "faults", 0.0)


PARTS: dict[str, Callable[[bool, int], Iterator[Row]]] = {
    "simulated": lambda is_quick, _rounds: in_simulated_time(is_quick),
    "guard": lambda _is_quick, rounds: of_the_guard(rounds, max(1, rounds // 10)),
    "others": lambda is_quick, rounds: iter(()) if is_quick else of_the_others(max(1, rounds // 10)),
}


def measure(is_quick: bool, rounds: int, parts: list[str]) -> Iterator[Row]:
    for part in parts:
        yield from PARTS[part](is_quick, rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--part", choices=list(PARTS))
    given, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    chosen = [given.part] if given.part else list(PARTS)
    bench(
        __doc__ or "",
        lambda is_quick: measure(is_quick, given.rounds or (QUICK if is_quick else FULL), chosen),
    )
