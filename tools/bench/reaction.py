"""How long until the output is off: after a verdict, and after the guard's death; simulated at every moment, and for real.

python tools/bench/reaction.py [--quick] [--json FILE] [--only simulated|real]

In simulated time 10^5 trips and as many deaths a baud rate, each against its formula. Then the real programs over a line
that takes the time of its characters, idle and beside busy loops and a disk writer. About 45 minutes; a half that is run
alone takes its rows' places in FILE and leaves the others there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import chain
from pathlib import Path

# whatever ends this program, what it started ends too
os.environ["JIDOKA_DIE_WITH_PARENT"] = "1"
# run as a file: peers come from tests/, rows from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jidoka_bridge.link.times import as_set
from jidoka_bridge.plan import Link

from tools.bench import _real_reaction
from tools.bench._rows import Row, bench
from tools.bench._withdrawal import BAUDS, all_phases, link_at

#: from the trigger to the guard: frame, verdict, local message, at most; it is added on both sides
BEFORE_MS = 20.0
SHIFTS, MOMENTS = 100, 1000
QUICK_SHIFTS, QUICK_MOMENTS = 4, 40
#: the formula may promise so much more than the worst that was seen
SLACK = 1.25
DEFAULT_MS = 340.0


def simulated(is_quick: bool) -> Iterator[Row]:
    """For each baud rate and kind: the worst as a share of the formula, and the other way round."""
    shifts, moments = (QUICK_SHIFTS, QUICK_MOMENTS) if is_quick else (SHIFTS, MOMENTS)
    for baud in BAUDS:
        found = all_phases(link_at(baud), shifts, moments, os.cpu_count() or 1)
        kinds = {
            "frame to coil": (
                found.withdraw_ms + BEFORE_MS,
                as_set(found.link, before_ms=BEFORE_MS).withdraw_ms,
            ),
            "death to coil": (found.silent_ms, found.times.silent_ms),
        }
        for kind, (worst_ms, formula_ms) in kinds.items():
            peer = f"formula {formula_ms:.1f} ms, worst {worst_ms:.1f} ms of {found.trips} at every moment of beat and scan"
            yield Row(f"{kind}, {baud} baud: worst / formula", worst_ms / formula_ms, "ratio", 1.0, peer=peer)
            yield Row(
                f"{kind}, {baud} baud: formula / worst",
                formula_ms / worst_ms,
                "ratio",
                None if is_quick else SLACK,
            )


def by_default() -> Iterator[Row]:
    """What a site gets that sets nothing: 19 200 baud, 10 ms scan."""
    times = as_set(Link("wire"))
    yield Row(
        "default link: silent agent to coil",
        times.silent_ms,
        "ms",
        DEFAULT_MS,
        peer="19200 baud, scan 10 ms, relay 15 ms",
    )
    yield Row("default link: verdict to coil", times.withdraw_ms, "ms", DEFAULT_MS)


HALVES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "simulated": lambda is_quick: chain(by_default(), simulated(is_quick)),
    "real": _real_reaction.rows,
}
REAL = "real, "


def others(half: str, file: Path) -> Iterator[Row]:
    """The other half's rows, as they stand in the file of figures; none where there is no file."""
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    for row in rows:
        if row["name"].startswith(REAL) != (half == "real"):
            yield Row(**{field.name: row[field.name] for field in fields(Row)})


def measure(half: str | None, file: Path | None, is_quick: bool) -> Iterator[Row]:
    """All rows in one order, whichever half was measured now."""
    for each, rows in HALVES.items():
        if half in (None, each):
            yield from rows(is_quick)
        elif file is not None and half is not None:
            yield from others(half, file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--only", choices=list(HALVES))
    parser.add_argument("--json", type=Path)
    given, rest = parser.parse_known_args()
    sys.argv[1:] = [*rest, *(["--json", str(given.json)] if given.json else [])]
    bench(__doc__ or "", lambda is_quick: measure(given.only, given.json, is_quick))
