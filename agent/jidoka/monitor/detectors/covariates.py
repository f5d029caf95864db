"""What the engineer knows to move features is regressed out of them, and the error of the coefficients is paid for.

A covariate (ambient temperature, a set point, the recipe's speed) may wander as it likes; what it doesn't explain of a
feature is whitened, ranked and bet on as before. Coefficients are frozen with the baseline. They are off by an unknown
but lasting amount, which looks like a shift that grows with the covariate's distance from what was learned: each record is
therefore ranked at both ends of what a 95 % region of all coefficients allows, and every bet is paid by the end that pays it
least. Nothing is promised for a relation that isn't linear; a rehearsal on halves with coefficients of their own is there to
show one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.calibration import CONFIDENCE
from jidoka.monitor.detectors.whitening import Whitening
from jidoka.monitor.kernels.explain import CENTRE, PLACE, SLOPES

Floats = NDArray[np.float64]

#: a setting names no more
MOST_COVARIATES = 8
#: over the baseline itself a feature may be in doubt by so many of its standard deviations, on average
WIDEST_DOUBT = 0.5
#: a feature refused because of the setting itself
IS_COVARIATE = "is a covariate: it may move, and explains the others"
_SMALLEST = 1e-9


@dataclass(frozen=True, eq=False)
class Explained:
    """How F features follow K covariates. columns: (n, F) what isn't explained, each as if its own record hadn't been
    learned from; table: (K, 2 + 2F + FK) as kernels.explain.explain reads it, its roots still those of one independent
    record's error (`Explained.priced`); sigmas: (F,) of what isn't explained; counts: (F,) records learned from; steady:
    covariates that didn't vary.
    """

    places: tuple[int, ...]
    columns: Floats
    table: Floats
    sigmas: Floats
    counts: NDArray[np.int64]
    steady: tuple[int, ...]

    def priced(self, whitenings: tuple[Whitening, ...], features: int) -> tuple[Floats, Floats]:
        """(table with what each feature's doubt comes to, (F,) doubts on average over the baseline, in σ of what isn't
        explained). features: how many share the region's 95 %.

        An error whose neighbours resemble each other over τ records counts as one of n/τ.
        """
        table, many, k = self.table.copy(), len(whitenings), len(self.places)
        average = np.zeros(many)
        for f, each in enumerate(whitenings):
            if table[0, SLOPES + many + f] == 0.0:
                continue
            free = max(self.counts[f] / each.tau - k - 1.0, 1.0)
            deviates = widest(k, 0.5 * (1.0 - CONFIDENCE) / max(features, 1)) * math.sqrt(1.0 + 2.0 / free)
            size = deviates * math.sqrt(each.tau)
            table[:, _roots(many, k, f)] *= size
            table[0, SLOPES + many + f] = self.sigmas[f] * (each.gain if each.order else 1.0)
            average[f] = size * math.sqrt(k / self.counts[f])
        return table, average

    def needed(self, f: int, average: float) -> int:
        """How many records the baseline must have for feature f to be known well enough."""
        return math.ceil(float(self.counts[f]) * (average / WIDEST_DOUBT) ** 2)


def explain_records(records: Floats, places: tuple[int, ...]) -> Explained:
    """Least squares of every other feature on the covariates in the columns `places`. records: (n, F), NaN = none.

    The ridge is that of Hoerl, Kennard and Baldwin (1975), K σ² / |b|² on covariates of variance 1: next to nothing where
    they explain much, and what keeps covariates that go together from being told apart by noise.
    """
    many, k = records.shape[1], len(places)
    columns, table = records.copy(), np.zeros((k, SLOPES + 2 * many + many * k))
    given = records[:, list(places)]
    whole = ~np.isnan(given).any(axis=1)
    sigmas, counts = np.ones(many), np.zeros(many, np.int64)
    if not whole.any():
        return Explained(places, columns, table, sigmas, counts, places)
    centres, sizes = given[whole].mean(axis=0), given[whole].std(axis=0)
    steady = tuple(place for place, size in zip(places, sizes, strict=True) if not size > 0.0)
    away = (given - centres) / np.where(sizes > 0.0, sizes, 1.0)
    table[:, PLACE], table[:, CENTRE] = places, centres
    for f in range(many):
        rows = whole & ~np.isnan(columns[:, f])
        counts[f] = rows.sum()
        if f in places or steady or counts[f] <= k + 1:
            continue
        columns[~whole, f] = np.nan
        slopes, inverse, left = _ridge(away[rows], columns[rows, f])
        leverage = 1.0 / counts[f] + np.einsum("ij,jk,ik->i", away[rows], inverse, away[rows])
        level = left.mean()
        columns[rows, f] = level + (left - level) / np.maximum(1.0 - leverage, 0.5)
        sigmas[f] = math.sqrt(float(((left - level) ** 2).sum()) / (counts[f] - k - 1))
        table[:, SLOPES + f] = slopes / sizes
        table[:, _roots(many, k, f)] = np.linalg.cholesky(inverse) / sizes[:, None]
        table[0, SLOPES + many + f] = 1.0
    return Explained(places, columns, table, sigmas, counts, steady)


def _roots(many: int, k: int, f: int) -> slice:
    """Columns of the table with feature f's root, of `many` features and k covariates."""
    first = SLOPES + 2 * many + f * k
    return slice(first, first + k)


def _ridge(z: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """(slopes, inverse of what they rest on, what is left) of y, (n,), on z, (n, K) of variance 1. The level stays in."""
    n, k = z.shape
    level = y.mean()
    squares = z.T @ z + _SMALLEST * n * np.eye(k)
    plain = np.linalg.solve(squares, z.T @ (y - level))
    left = y - level - z @ plain
    ridge = k * float(left @ left) / max(n - k - 1, 1) / max(float(plain @ plain), 1e-300)
    inverse = np.linalg.inv(squares + min(ridge, float(n)) * np.eye(k))
    slopes: Floats = inverse @ (z.T @ (y - level))
    return slopes, inverse, y - z @ slopes


def widest(covariates: int, error: float) -> float:
    """How many standard errors the region of so many coefficients reaches, with this chance that they lie outside.

    √ of χ²'s quantile (Scheffé 1953), for more than one by Wilson and Hilferty (1931).

    >>> round(widest(1, 0.05), 3), round(widest(3, 0.05), 2)  # √3.841, √7.815
    (1.96, 2.79)
    """
    if covariates == 1:
        return NormalDist().inv_cdf(1.0 - 0.5 * error)
    ninth = 2.0 / (9.0 * covariates)
    return math.sqrt(covariates * (1.0 - ninth + NormalDist().inv_cdf(1.0 - error) * math.sqrt(ninth)) ** 3)
