"""Rows of a bench: what every bench prints, and the options that every bench has."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

AT_MOST = "at most"
AT_LEAST = "at least"


@dataclass(frozen=True)
class Row:
    """One figure. reach: what it is held against (None: shown for information); peer: what it was measured beside."""

    name: str
    value: float
    unit: str
    reach: float | None = None
    sense: str = AT_MOST
    peer: str = ""

    @property
    def holds(self) -> bool | None:
        """True if the reach is kept; None where there is none."""
        if self.reach is None:
            return None
        return self.value <= self.reach if self.sense == AT_MOST else self.value >= self.reach


Measure = Callable[[bool], Iterable[Row]]


def write(path: Path, rows: Iterable[Row], *, is_quick: bool = False) -> None:
    """Write a file of figures, as docs/figures has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "quick": is_quick,
        "rows": [{**asdict(row), "holds": row.holds} for row in rows],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def bench(description: str, measure: Measure, further: tuple[str, str, Measure] | None = None) -> None:
    """Run a bench from the command line: --quick takes at most 40 s, --json FILE writes what was measured.

    further: (option, what it says of itself, rows that are added when it is given), for what takes long.
    Ends with 0 if every reach is kept, else with 1.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, the same rows, at most 40 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    if further:
        parser.add_argument(f"--{further[0]}", action="store_true", help=further[1])
    options = parser.parse_args()
    rows = []
    more = further[2] if further and getattr(options, further[0]) else None
    for row in chain(measure(options.quick), more(options.quick) if more else ()):
        rows.append(row)
        held = (
            ""
            if row.reach is None
            else f"{row.sense} {row.reach:g}: {'holds' if row.holds else 'FALLS SHORT'}"
        )
        print(f"{row.name:62} {row.value:12.4g} {row.unit:8} {held}", flush=True)
    if options.json:
        write(options.json, rows, is_quick=options.quick)
    sys.exit(0 if all(row.holds is not False for row in rows) else 1)
