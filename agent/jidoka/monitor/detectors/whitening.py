"""How a feature depends on its own past, and what of it is new: an autoregression by Burg, its τ, its scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.calibration import cell_scores
from jidoka.monitor.kernels.whiten import COEFFICIENTS, MOST_ORDER, burg, innovations

Floats = NDArray[np.float64]

#: a lag counts for at most so many standard deviations
WIDEST_LAG = 8.0
#: the corrected sum of coefficients is held below this
LARGEST_SUM = 0.9995
#: Ljung and Box's statistic of |z| over so many lags beyond which the scale is followed: χ²₁₀ at 99.9 %
SCALE_LAGS, SCALE_LIMIT = 10, 29.6
#: blocks are up to n / FEWEST_BLOCKS long
FEWEST_BLOCKS = 12
#: standard errors that are taken off the variance terms of innovations whose scale is steady: what is left of the largest of
#: a dozen block variances is noise, and would tax every bet with a third of what it gains
SHRUNK = 1.0
#: a block variance beyond this many standard errors of an independent series' says that it isn't one
DEPENDENT_ERRORS = 3.0


@dataclass(frozen=True, eq=False)
class Whitening:
    """One feature's model. order: p, 0 = its records are taken as they are; model: (13,) as the kernels read it.

    tau: integrated autocorrelation time in records, 1 = independent; ratio: s_x / s_e; gain: φ(1), what of a lasting shift
    the innovations keep; innovations: (n',) sorted; shift_v, spread_v: variance terms v_b of z and of z² over blocks of
    1, 2, 4 … records, 1 where nothing speaks against independence.
    """

    order: int
    model: Floats
    tau: float
    ratio: float
    gain: float
    innovations: Floats
    shift_v: tuple[float, ...]
    spread_v: tuple[float, ...]

    @property
    def is_scaled(self) -> bool:
        """True if the scale of the innovations is followed."""
        return bool(self.model[2] > 0.0)


def whiten(column: Floats, bias: float = 0.0) -> Whitening:
    """The model of one feature's records in the order they came, NaN = none.

    bias: is added to the sum of the coefficients, to show what an error in them does. Raises ValueError if no record has
    the feature.
    """
    present = column[~np.isnan(column)]
    if not present.size:
        raise ValueError("a reference needs at least one value of each feature")
    n, centre, size = present.size, float(present.mean()), float(present.std())
    x = np.nan_to_num((present - centre) / size) if size > 0.0 and math.isfinite(size) else np.zeros(n)
    most = min(MOST_ORDER, n // 20)
    coefficients, power = burg(np.clip(x, -WIDEST_LAG, WIDEST_LAG), most)
    costs = n * np.log(np.maximum(power, 1e-12)) + np.arange(most + 1) * math.log(max(n, 2))
    order = int(costs.argmin()) if size > 0.0 else 0
    phi = corrected(coefficients[order, :order], n)
    if order:
        phi = phi + bias / order
    model = np.zeros(COEFFICIENTS + MOST_ORDER)
    model[0], model[1] = (centre, WIDEST_LAG * size) if order else (0.0, 0.0)
    model[COEFFICIENTS : COEFFICIENTS + order] = phi
    u = _innovations(column, model, order)
    if is_restless(u):
        model[2] = float(u.var()) or 0.0
        if model[2] > 0.0 and not order:
            model[0] = centre
        u = _innovations(column, model, order)
    z = scores_of(u)
    gain = 1.0 - float(phi.sum())
    raw = variance_terms(x)
    fitted = (
        float(power[order]) / max(1.0 - float(corrected(coefficients[order, :order], n).sum()), 1e-9) ** 2
    )
    return Whitening(
        order, model,
        max(1.0, fitted if order else 1.0, *raw) if order or is_dependent(raw, n) else 1.0,
        1.0 / math.sqrt(max(float(power[order]), 1e-9)), max(gain, 1e-6), np.sort(u),
        terms(z, SHRUNK if order and not model[2] else 0.0, is_fitted=order > 0),
        terms((z * z - 1.0) / math.sqrt(2.0), 0.0, is_fitted=bool(model[2])),
    )  # fmt: skip


def corrected(phi: Floats, n: int) -> Floats:
    """Coefficients with the small-sample bias of their sum taken out, −(p + (2 + …)·Σφ)/n (Shaman and Stine 1988)."""
    total = float(phi.sum())
    if total <= 0.0:
        return phi
    p = phi.size
    wanted = min(total + (p + (2.0 + p) * total) / n, LARGEST_SUM)
    found: Floats = phi * (wanted / total)
    return found


def _innovations(column: Floats, model: Floats, order: int) -> Floats:
    found: Floats = np.empty(column.size)
    kept: Floats = found[: innovations(column, model, order, found)].copy()
    return kept


def scores_of(u: Floats) -> Floats:
    """(n,) normal scores of a series within itself, ties by their mean rank, centred, with variance 1 where it varies."""
    n = u.size
    order = np.argsort(u, kind="stable")
    z = np.empty(n)
    z[order] = cell_scores(n - 1)[:n] if n > 1 else 0.0
    _, inverse, counts = np.unique(u, return_inverse=True, return_counts=True)
    if counts.size < n:
        z = (np.bincount(inverse, z) / counts)[inverse]
    z -= z.mean()
    deviation = float(z.std())
    return z / deviation if deviation > 1e-9 else np.zeros(n)


def variance_terms(z: Floats) -> list[float]:
    """v_b = b · mean(block mean²) for blocks of b = 1, 2, 4 … n / FEWEST_BLOCKS records of a series with variance 1."""
    found, b = [], 1
    while b == 1 or b <= z.size // FEWEST_BLOCKS:
        blocks = z[: z.size // b * b].reshape(-1, b).mean(axis=1)
        found.append(float(b * (blocks * blocks).mean()))
        b *= 2
    return found


def is_dependent(found: list[float], n: int) -> bool:
    """True if a block variance is beyond what an independent series of n records would show."""
    for i, v in enumerate(found[1:], 1):
        if v > 1.0 + DEPENDENT_ERRORS * math.sqrt(2.0 * 2**i / n) + 0.5 * DEPENDENT_ERRORS**2 * 2**i / n:
            return True
    return False


def terms(z: Floats, errors: float, *, is_fitted: bool) -> tuple[float, ...]:
    """Variance terms as the bets use them: 1 throughout where z looks independent, else less `errors` standard errors, ≥ 1.

    A block variance of n/b blocks has the relative error √(2b/n).
    """
    found = variance_terms(z)
    if not is_fitted and not is_dependent(found, z.size):
        return (1.0,) * len(found)
    return tuple(max(1.0, v * (1.0 - errors * math.sqrt(2.0 * 2**i / z.size))) for i, v in enumerate(found))


def is_restless(u: Floats) -> bool:
    """True if large innovations come together: Ljung and Box's (1978) test on |z|."""
    if u.size < 10 * SCALE_LAGS or u.std() == 0.0:
        return False
    a = np.abs(scores_of(u))
    a -= a.mean()
    n, power = a.size, float((a * a).sum())
    if power <= 0.0:
        return False
    lags = range(1, SCALE_LAGS + 1)
    total = sum((float((a[k:] * a[:-k]).sum()) / power) ** 2 / (n - k) for k in lags)
    return n * (n + 2.0) * total > SCALE_LIMIT


def term_up_to(found: tuple[float, ...], records: float) -> float:
    """The largest variance term over blocks of up to so many records."""
    last = 1 if records < 2.0 else int(math.log2(records)) + 1
    return max(found[: max(last, 1)])
