"""The tap: what it adds to a call, with large tensors, through a gate, attached without a change, and from C.

python tools/bench/tap.py [--quick] [--json FILE]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# one thread a library, as on the machines this is for; before numpy is imported
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# run as a file: peers come from tests/, rows from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.bench import _arena_cost, _attach_cost, _c_cost, _gate_cost, _tap_cost  # noqa: E402
from tools.bench._rows import Row, bench  # noqa: E402


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows: the plain record, large ones, the gate, attach, the C library."""
    yield from _tap_cost.rows(is_quick)
    yield from _arena_cost.rows(is_quick)
    yield from _gate_cost.rows(is_quick)
    yield from _attach_cost.rows(is_quick)
    yield from _c_cost.rows(is_quick)


if __name__ == "__main__":
    bench(__doc__ or "", measure)
