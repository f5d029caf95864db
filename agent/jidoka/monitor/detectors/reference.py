"""The frozen reference: each feature's model of its own past, and the sorted innovations of the commissioning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.calibration import MOST_RECORDS
from jidoka.monitor.detectors.whitening import Whitening, whiten

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reference:
    """What F features looked like when all was well; never changed by what comes later (STATISTICS §3.2).

    names: F features; whitenings: of each; models: (F, 13), orders: (F,), values: (F, n) float64, rows sorted, counts:
    (F,) how many values a row holds. Build it with `freeze`.
    """

    names: tuple[str, ...]
    whitenings: tuple[Whitening, ...]
    models: Floats
    orders: Indices
    values: Floats
    counts: Indices


def freeze(names: tuple[str, ...], records: Floats, bias: float = 0.0) -> Reference:
    """The reference of (n, F) records in the order they came; NaN = the record doesn't have the feature.

    bias: as of `whiten`. Raises ValueError if a feature has no value or more than MOST_RECORDS.

    >>> reference = freeze(("brightness",), np.random.default_rng(1).standard_normal((1000, 1)))
    >>> int(reference.orders[0]), int(reference.counts[0]), reference.whitenings[0].tau  # independent: taken as it is
    (0, 1000, 1.0)
    """
    columns = np.asarray(records, np.float64).T
    if not len(names) or len(columns) != len(names):
        raise ValueError("a reference needs at least one value of each feature")
    if len(records) > MOST_RECORDS:
        raise ValueError(f"a reference holds up to {MOST_RECORDS} records, not {len(records)}")
    found = tuple(whiten(np.ascontiguousarray(column), bias) for column in columns)
    counts = np.array([each.innovations.size for each in found], np.int64)
    if not counts.all():
        raise ValueError("a reference needs at least one value of each feature")
    values = np.full((len(names), int(counts.max())), np.inf)
    for f, each in enumerate(found):
        values[f, : counts[f]] = each.innovations
    models = np.array([each.model for each in found])
    return Reference(names, found, models, np.array([each.order for each in found], np.int64), values, counts)
