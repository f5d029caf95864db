"""From a feature's value to its normal score: innovation of an autoregression, its scale, its rank.

What every record goes through is written into its caller (`inline`): a call hands over each array in seven pieces.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE
from jidoka.monitor.kernels.bets import normal_quantile

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MOST_ORDER = 10
#: so many neighbours of a rank are counted rather than searched
WINDOW = 64
#: how slowly the predictable scale follows, its floor, and how many of its own sizes one record counts for at most
FORGET, FLOOR, MOST_SQUARES = 0.02, 0.1, 25.0
#: columns of a feature's model: centre, widest lag, variance of the innovations (0 = the scale isn't followed)
CENTRE, WIDEST, VARIANCE, COEFFICIENTS = 0, 1, 2, 3

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def uniform(state: NDArray[np.uint64]) -> float:
    """The next uniform number in [0, 1); state: (1,). Source: SplitMix64 (Steele, Lea and Flood 2014)."""
    state[0] += _GAMMA
    x = state[0]
    x = (x ^ (x >> _S30)) * _MIX_1
    x = (x ^ (x >> _S27)) * _MIX_2
    x = x ^ (x >> _S31)
    found: float = np.float64(x >> _S11) * 2.0**-53
    return found


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def innovation(  # noqa: PLR0917 - a kernel takes arrays, not records
    x: float, models: Floats, order: int, lags: Floats, seen: Indices, scale: Floats, f: int
) -> float:
    """What the last `order` values didn't foretell of this one; NaN until so many came without a gap.

    models: (F, 13) centre, widest lag, variance, coefficients; lags: (F, 10) newest first, seen: (F,) how many of them
    hold, scale: (F,) the predictable scale: row f is changed in place. A lag counts for no more than the widest, so that
    one gross value doesn't make the next ones gross. NaN in: the lags begin anew.
    """
    if np.isnan(x):
        seen[f] = 0
        return np.nan
    u = x - models[f, 0]
    own = min(max(u, -models[f, 1]), models[f, 1])
    is_known = seen[f] >= order
    for i in range(order):
        u -= models[f, 3 + i] * lags[f, i]
    for i in range(order - 1, 0, -1):
        lags[f, i] = lags[f, i - 1]
    if order > 0:
        lags[f, 0] = own
        seen[f] = min(seen[f] + 1, order)
    if not is_known:
        return np.nan
    if models[f, 2] > 0.0:
        u /= np.sqrt(models[f, 2])
        size = max(scale[f], FLOOR)
        scale[f] = (1.0 - FORGET) * scale[f] + FORGET * min(u * u, MOST_SQUARES * size)
        u /= np.sqrt(size)
    found: float = u
    return found


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def score_among(u: float, reference: Floats, f: int, n: int, ties: NDArray[np.uint64]) -> float:
    """`normal_score` among the first n values of row f. Halves until WINDOW are left, and counts those: halving waits for
    memory at each step, counting goes many at a time."""
    below = 0
    left = n
    while left > WINDOW:
        half = left >> 1
        below += half if reference[f, below + half - 1] < u else 0
        left -= half
    count = 0
    if n < WINDOW:
        for i in range(np.uint64(n)):
            count += reference[f, i] < u
        below = count
    else:
        first = np.uint64(min(below, n - WINDOW))
        for i in range(np.uint64(WINDOW)):
            count += reference[f, first + i] < u
        below = np.int64(first) + count
    if below < n and reference[f, below] == u:
        upto = np.searchsorted(reference[f, :n], u, side="right")
        below += int(uniform(ties) * (upto - below + 1))
    z: float = normal_quantile((below + 0.5) / (n + 1.0))
    return z


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def normal_score(u: float, reference: Floats, ties: NDArray[np.uint64]) -> float:
    """Φ⁻¹((k + ½)/(n + 1)), k = how many of the n sorted reference values lie below u, drawn evenly within a tie."""
    z: float = score_among(u, reference.reshape((1, reference.shape[0])), 0, reference.shape[0], ties)
    return z


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def score_record(  # noqa: PLR0917 - as above
    x: Floats, models: Floats, orders: Indices, reference: Floats, counts: Indices, lags: Floats, seen: Indices,
    scale: Floats, ties: NDArray[np.uint64], z: Floats,
) -> None:  # fmt: skip
    """Normal scores of one record. x, z: (F,), NaN = none, may be the same; models: (F, 13); reference: (F, n) sorted innovations."""
    for f in range(x.shape[0]):
        u = innovation(x[f], models, orders[f], lags, seen, scale, f)
        z[f] = np.nan if np.isnan(u) else score_among(u, reference, f, counts[f], ties)


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def score_between(  # noqa: PLR0917 - as above
    x: Floats, doubts: Floats, models: Floats, orders: Indices, reference: Floats, counts: Indices, lags: Floats,
    seen: Indices, scale: Floats, ties: NDArray[np.uint64], z: Floats,
) -> None:  # fmt: skip
    """As `score_record`, of values that may be wrong. doubts: (F,) by how much an innovation may be off, 0 = not at all; z:
    (3, F) the score as it is, the lowest and the highest that it may truly have; x and doubts may be its first two rows.
    """
    for f in range(x.shape[0]):
        size = max(scale[f], FLOOR)
        u = innovation(x[f], models, orders[f], lags, seen, scale, f)
        if np.isnan(u):
            z[0, f] = z[1, f] = z[2, f] = np.nan
            continue
        width = doubts[f]  # before z is filled: it may be the same memory
        z[0, f] = z[1, f] = z[2, f] = score_among(u, reference, f, counts[f], ties)
        if width > 0.0:
            if models[f, 2] > 0.0:
                width /= np.sqrt(models[f, 2] * size)
            z[1, f] = score_among(u - width, reference, f, counts[f], ties)
            z[2, f] = score_among(u + width, reference, f, counts[f], ties)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def innovations(x: Floats, model: Floats, order: int, found: Floats) -> int:
    """The innovations of a whole series, without those that have none: how many were filled into found, (n,)."""
    models = model.reshape((1, model.shape[0]))
    lags, seen, scale = np.zeros((1, MOST_ORDER)), np.zeros(1, np.int64), np.ones(1)
    count: int = _innovations(x, models, order, lags, seen, scale, found)
    return count


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _innovations(  # noqa: PLR0917 - as above
    x: Floats, models: Floats, order: int, lags: Floats, seen: Indices, scale: Floats, found: Floats
) -> int:
    count = 0
    for t in range(x.shape[0]):
        u = innovation(x[t], models, order, lags, seen, scale, 0)
        if not np.isnan(u):
            found[count] = u
            count += 1
    return count


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def burg(x: Floats, most: int) -> tuple[Floats, Floats]:
    """Autoregressions of every order up to `most` of a series without its mean, by Burg's method.

    x: (n,). Returns coefficients (most + 1, most), row p of order p, and the prediction error's variance, (most + 1,).
    Source: Burg 1967; the recursion as in Percival and Walden 1993, ch. 9.5.
    """
    n = x.shape[0]
    a = np.zeros((most + 1, most))
    power = np.zeros(most + 1)
    forward = x.copy()
    backward = x.copy()
    total = 0.0
    for t in range(n):
        total += x[t] * x[t]
    power[0] = total / n
    for p in range(1, most + 1):
        above = 0.0
        below = 0.0
        for t in range(p, n):
            above += forward[t] * backward[t - 1]
            below += forward[t] * forward[t] + backward[t - 1] * backward[t - 1]
        k = 2.0 * above / below if below > 0.0 else 0.0
        for i in range(p - 1):
            a[p, i] = a[p - 1, i] - k * a[p - 1, p - 2 - i]
        a[p, p - 1] = k
        power[p] = power[p - 1] * (1.0 - k * k)
        for t in range(n - 1, p - 1, -1):
            ahead = forward[t]
            forward[t] = ahead - k * backward[t - 1]
            backward[t] = backward[t - 1] - k * ahead
    return a, power
