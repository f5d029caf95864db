"""How far one baseline lies from another, feature by feature: so that a lamp that dies a little with each learning shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline

Floats = NDArray[np.float64]

#: what is worth a person's look: half a standard deviation, or a spread that is a third larger or smaller
LARGE_SHIFT, LARGE_RATIO = 0.5, 1.33


@dataclass(frozen=True)
class Distance:
    """One feature of two baselines.

    shift_sigma: difference of the means in standard deviations of the older one (NaN: it didn't vary); spread: ratio of the
    standard deviations, newer to older; ks: largest difference of the distribution functions, 0 to 1.
    """

    feature: str
    older_mean: float
    newer_mean: float
    shift_sigma: float
    spread: float
    ks: float

    @property
    def is_large(self) -> bool:
        """True where a person should look; what can't be told is large."""
        if math.isnan(self.shift_sigma) or math.isnan(self.spread):
            return self.older_mean != self.newer_mean
        return abs(self.shift_sigma) >= LARGE_SHIFT or not 1 / LARGE_RATIO < self.spread < LARGE_RATIO


def distances(older: Baseline, newer: Baseline) -> list[Distance]:
    """The features that both have, in the older one's order."""
    found = []
    for f, name in enumerate(older.names):
        if name not in newer.names:
            continue
        a, b = (_values(older.records[:, f]), _values(newer.records[:, newer.names.index(name)]))
        if not a.size or not b.size:
            continue
        sigma = float(a.std())
        shift = (float(b.mean()) - float(a.mean())) / sigma if sigma > 0.0 else math.nan
        spread = float(b.std()) / sigma if sigma > 0.0 else math.nan
        found.append(Distance(name, float(a.mean()), float(b.mean()), shift, spread, ks_distance(a, b)))
    return found


def ks_distance(a: Floats, b: Floats) -> float:
    """Two-sample Kolmogorov–Smirnov statistic of (n,) and (m,) values. Oracle: scipy.stats.ks_2samp.

    >>> ks_distance(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    0.0
    >>> ks_distance(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    1.0
    """
    a, b = np.sort(a), np.sort(b)
    every = np.concatenate([a, b])
    return float(
        np.abs(
            np.searchsorted(a, every, side="right") / a.size
            - np.searchsorted(b, every, side="right") / b.size
        ).max()
    )


def _values(column: Floats) -> Floats:
    return column[np.isfinite(column)]
