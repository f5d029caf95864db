"""The link's cost: round trips beside pymodbus and libmodbus, how late beats leave, memory that stays as it is.

python tools/bench/link.py [--quick] [--json FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.bench import _beats, _round_trips
from tools.bench._rows import Row, bench


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows."""
    yield from _round_trips.rows(300 if is_quick else 3_000)
    yield from _beats.rows(is_quick)


if __name__ == "__main__":
    bench(__doc__ or "", measure)
