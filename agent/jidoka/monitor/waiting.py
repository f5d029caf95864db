"""Features of records that wait to be summed up, sketched and sorted into histograms: a call for each costs more than they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from jidoka_bridge.messages import Decision
from numpy.typing import NDArray

from jidoka.monitor.baseline import Key

Floats = NDArray[np.float64]

#: a record: its decision, its features, (V,), which nobody may change afterwards, and its latency in ns
Kept = tuple[Decision, Floats, int]
#: so many records wait at most
MOST = 256


def grouped(waiting: Iterable[Kept]) -> Iterator[tuple[Key, Floats, int]]:
    """Each (recipe, position) that came, its (n, V) features in their order, and when the first of them was judged."""
    found: dict[Key, tuple[list[Floats], int]] = {}
    for row, values, _ in waiting:
        key = (row.recipe, row.position)
        if key in found:
            found[key][0].append(values)
        else:
            found[key] = ([values], row.judged_ns)
    for key, (rows, since_ns) in found.items():
        yield key, np.array(rows), since_ns
