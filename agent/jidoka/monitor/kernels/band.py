"""The band around an empirical tail that holds everywhere at once: Beta quantiles, and the level by simulation."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b) by its continued fraction (Lentz), about 1e-13 relative."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    h = d
    for m in range(1, 100_000):
        step = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 + step * d
        d = 1.0 / (d if abs(d) > tiny else tiny)
        c = 1.0 + step / c
        c = c if abs(c) > tiny else tiny
        h *= d * c
        step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 + step * d
        d = 1.0 / (d if abs(d) > tiny else tiny)
        c = 1.0 + step / c
        c = c if abs(c) > tiny else tiny
        h *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return front * h / a


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def tail_bounds(n: int, alpha: float) -> Floats:
    """(n + 1,) upper bounds of the share beyond a value that k of n reference values reach, k = 0 … n.

    BetaInv(1 − alpha; k + 1, n − k), and 1 for k = n. Source: Bates et al. 2023.
    """
    target = math.log(alpha)
    bounds = np.ones(n + 1)
    last = 0.0
    for k in range(n):
        # I_(1−p)(n − k, k + 1) falls from 1 to 0 as p rises; its log is smooth: regula falsi, Illinois variant
        low, high = last, 1.0
        f_low = math.log(beta_cdf(1.0 - low, float(n - k), k + 1.0)) - target
        f_high = -700.0 - target
        for _ in range(200):
            if high - low <= 1e-13 * high:
                break
            p = (low * f_high - high * f_low) / (f_high - f_low)
            # steps that hug an end are replaced by halving
            if not low + 0.01 * (high - low) < p < high - 0.01 * (high - low) and high - low > 0.02 * high:
                p = 0.5 * (low + high)
            p = min(max(p, low + 1e-14 * high), high - 1e-14 * high)
            if p <= low or p >= high:
                break
            value = beta_cdf(1.0 - p, float(n - k), k + 1.0)
            f = (math.log(value) if value > 0.0 else -700.0) - target
            if f > 0.0:
                low, f_low, f_high = p, f, 0.5 * f_high
            else:
                high, f_high, f_low = p, f, 0.5 * f_low
        bounds[k] = high  # the larger end: never too small
        last = low
    return bounds


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def widest_levels(bounds: Floats, repeats: int, seed: int) -> NDArray[np.int64]:
    """For each of `repeats` uniform samples: the index of the largest level whose band holds on both sides.

    bounds: (levels, n), row j = tail_bounds at alpha_j without the last, alpha rising with j.
    Returns (repeats,) int64; -1 where none holds.
    """
    np.random.seed(seed)
    levels, n = bounds.shape
    held = np.empty(repeats, np.int64)
    place = np.empty(n)
    for r in range(repeats):
        total = 0.0
        for i in range(n):
            total -= np.log1p(-np.random.random())
            place[i] = total
        total -= np.log1p(-np.random.random())
        j = levels - 1
        for k in range(n):
            lower = place[k] / total
            upper = 1.0 - place[n - 1 - k] / total
            while j >= 0 and (lower > bounds[j, k] or upper > bounds[j, k]):
                j -= 1
        held[r] = j
    return held
