"""The frozen reference: sorted feature values of the commissioning, and how far their tails are widened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.band import alpha_for
from jidoka.monitor.kernels.band import tail_bounds
from jidoka.monitor.kernels.bets import rank_scores

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reference:
    """What F features looked like when all was well; never changed by what comes later (STATISTICS §3.2).

    names: F features; values: (F, n) float64, rows sorted; counts: (F,) how many values a row holds;
    tails: (F, n + 1) widened tail bounds. Build it with `freeze`.
    """

    names: tuple[str, ...]
    values: Floats
    counts: NDArray[np.int64]
    tails: Floats

    def scores(self, x: Floats, u: Floats, z: Floats) -> None:
        """Fill z, (F, 3), with the normal scores of one record x, (F,); u: (F,) uniform numbers for ties.

        >>> reference = freeze(("brightness",), np.arange(1.0, 1001.0)[:, None])
        >>> z = np.empty((1, 3))
        >>> reference.scores(np.array([2000.0]), np.array([0.5]), z)
        >>> [round(float(score), 2) for score in z[0]]  # up is capped by n, down says the opposite
        [2.35, -inf, 3.29]
        """
        rank_scores(x, self.values, self.counts, self.tails, u, z)


def freeze(names: tuple[str, ...], records: Floats) -> Reference:
    """The reference of (n, F) records in any order; NaN = the record doesn't have the feature.

    Raises ValueError if a feature has no value or more than band.MOST_RECORDS.
    """
    columns = [np.sort(column[~np.isnan(column)]) for column in np.asarray(records, np.float64).T]
    if not columns or not all(column.size for column in columns):
        raise ValueError("a reference needs at least one value of each feature")
    counts = np.array([column.size for column in columns], np.int64)
    longest = int(counts.max())
    values = np.full((len(names), longest), np.inf)
    tails = np.ones((len(names), longest + 1))
    bounds = {int(n): tail_bounds(int(n), alpha_for(int(n))) for n in set(counts.tolist())}
    for f, column in enumerate(columns):
        values[f, : column.size] = column
        tails[f, : column.size + 1] = bounds[column.size]
    return Reference(names, values, counts, tails)
