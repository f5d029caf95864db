"""The frozen reference: each feature's model of its own past, and the sorted innovations of the commissioning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.calibration import MOST_RECORDS
from jidoka.monitor.detectors.covariates import Explained, explain_records
from jidoka.monitor.detectors.whitening import Whitening, whiten
from jidoka.monitor.kernels.explain import SLOPES

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reference:
    """What F features looked like when all was well; never changed by what comes later (STATISTICS §3.2).

    names: F features; whitenings: of each; models: (F, 13), orders: (F,), values: (F, n) float64, rows sorted, counts:
    (F,) how many values a row holds; table: how they follow the covariates, of no row where there are none; explained: how
    that was found; doubts: (F,) how far off what isn't explained may be, on average. Build it with `freeze`.
    """

    names: tuple[str, ...]
    whitenings: tuple[Whitening, ...]
    models: Floats
    orders: Indices
    values: Floats
    counts: Indices
    table: Floats
    explained: Explained | None
    doubts: Floats

    def columns(self, records: Floats) -> Floats:
        """What of the baseline's records, (n, F), is judged: what no covariate explains."""
        return records if self.explained is None else self.explained.columns


def freeze(
    names: tuple[str, ...], records: Floats, bias: float = 0.0, covariates: tuple[int, ...] = (), features: int = 0
) -> Reference:  # fmt: skip
    """The reference of (n, F) records in the order they came; NaN = the record doesn't have the feature.

    bias: as of `whiten`; covariates: columns that explain the others; features: how many share the 95 % of their
    coefficients, 0 = all. Raises ValueError if a feature has no value or more than MOST_RECORDS.

    >>> reference = freeze(("brightness",), np.random.default_rng(1).standard_normal((1000, 1)))
    >>> int(reference.orders[0]), int(reference.counts[0]), reference.whitenings[0].tau  # independent: taken as it is
    (0, 1000, 1.0)
    """
    records = np.asarray(records, np.float64)
    many = len(names)
    if not many or records.shape[1] != many:
        raise ValueError("a reference needs at least one value of each feature")
    if len(records) > MOST_RECORDS:
        raise ValueError(f"a reference holds up to {MOST_RECORDS} records, not {len(records)}")
    explained = explain_records(records, covariates) if covariates else None
    columns = (records if explained is None else explained.columns).T
    found = tuple(whiten(np.ascontiguousarray(column), bias) for column in columns)
    counts = np.array([each.innovations.size for each in found], np.int64)
    if not counts.all():
        raise ValueError("a reference needs at least one value of each feature")
    values = np.full((many, int(counts.max())), np.inf)
    for f, each in enumerate(found):
        values[f, : counts[f]] = each.innovations
    models = np.array([each.model for each in found])
    table, doubts = np.zeros((0, SLOPES)), np.zeros(many)
    if explained is not None:
        table, doubts = explained.priced(found, features or many)
    orders = np.array([each.order for each in found], np.int64)
    return Reference(names, found, models, orders, values, counts, table, explained, doubts)
