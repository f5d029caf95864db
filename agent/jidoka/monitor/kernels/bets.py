"""Ranks against a frozen reference, and Shiryaev–Roberts sums of normal-score bets on them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: sizes of the shifts that are bet on, in standard deviations, each upwards and downwards
SHIFTS: tuple[float, ...] = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
#: columns of a score row
UP, DOWN, PLAIN = 0, 1, 2
#: a statistic is cut here: far above any limit, far below overflow
CEILING = 1e200

# exp(−d²/2) for each shift
_K = tuple(float(np.exp(-0.5 * d * d)) for d in SHIFTS)
_K0, _K1, _K2, _K3, _K4, _K5, _K6 = _K


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def normal_quantile(p: float) -> float:
    """Φ⁻¹(p) to about 16 digits; ∓inf at 0 and 1, NaN outside. Source: Wichura 1988, AS 241 (PPND16)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return (
            q
            * (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
                   + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
                + 133.14166789178437745) * r + 3.387132872796366608)
            / (((((((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
                   + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
                + 42.313330701600911252) * r + 1.0)
        )  # fmt: skip
    r = p if q < 0.0 else 1.0 - p
    if not r > 0.0:
        if r == 0.0:
            return -np.inf if q < 0.0 else np.inf
        return np.nan
    r = np.sqrt(-np.log(r))
    if r <= 5.0:
        r -= 1.6
        value = (
            (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
                 + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
              + 4.6303378461565452959) * r + 1.42343711074968357734)
            / (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
                   + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
                + 2.05319162663775882187) * r + 1.0)
        )  # fmt: skip
    else:
        r -= 5.0
        value = (
            (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
                 + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
              + 5.4637849111641143699) * r + 6.6579046435011037772)
            / (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r
                    + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r
                 + 0.13692988092273580531) * r + 0.59983220655588793769) * r + 1.0)
        )  # fmt: skip
    found: float = -value if q < 0.0 else value
    return found


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def rank_scores(  # noqa: PLR0917 - a kernel takes arrays, not records
    x: Floats, reference: Floats, counts: NDArray[np.int64], tails: Floats, u: Floats, z: Floats
) -> None:
    """Normal scores of one record against a frozen reference.

    x: (F,) features, NaN = none; reference: (F, n) sorted rows, of which counts[f] hold values; tails: (F, n+1),
    tails[f, k] bounds the share beyond a value that k reference values reach; u: (F,) uniform in [0, 1), for
    ties; z: (F, 3), filled: UP = Φ⁻¹(1 − p) of the upper tail, DOWN of the lower one, both widened (so that they
    are never too large, with the band's confidence), PLAIN = Φ⁻¹((rank)/(n + 1)), not widened. NaN gives NaN.
    O(F log n). Oracle: tests/naive.py.
    """
    for f in range(x.shape[0]):
        value = x[f]
        n = counts[f]
        if np.isnan(value) or n == 0:
            z[f, 0] = z[f, 1] = z[f, 2] = np.nan
            continue
        row = reference[f, :n]
        below = np.searchsorted(row, value)  # values < x
        upto = below  # values ≤ x
        if below < n and row[below] == value:
            upto = np.searchsorted(row, value, side="right")
        # p is a mixture of the bounds at both ends of a tie: still uniform at best, never too small
        p = tails[f, n - upto] + u[f] * (tails[f, n - below] - tails[f, n - upto])
        z[f, 0] = -normal_quantile(p)
        p = tails[f, below] + (1.0 - u[f]) * (tails[f, upto] - tails[f, below])
        z[f, 1] = -normal_quantile(p)
        # the record's own place among n + 1, drawn evenly within its gap or its tie
        z[f, 2] = normal_quantile((below + (1.0 - u[f]) * (upto - below + 1)) / (n + 1))


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def advance(R: Floats, z: Floats, members: NDArray[np.int64]) -> float:
    """One step of R ← L·(R + 1) for every bet; returns the mean statistic over the members.

    R: (M, 2, 7) statistics of the bets, changed in place; z: (F, 3) scores; members: (M,) rows of z.
    L(d) = exp(d·z − d²/2). A member without a score keeps its statistic (R − t stays a supermartingale).
    Source: Shiryaev 1963, Roberts 1966; as an e-process Ramdas et al. 2023. Oracle: tests/naive.py.
    """
    total = 0.0
    for m in range(members.shape[0]):
        for side in range(2):
            bets = R[m, side]
            score = z[members[m], side]
            if not np.isnan(score):
                # shifts come in doublings, so two exponentials give all seven
                a = np.exp(0.35 * score)
                a2 = a * a
                a4 = a2 * a2
                b = np.exp(0.5 * score)
                b2 = b * b
                bets[0] = min(_K0 * a * (bets[0] + 1.0), CEILING)
                bets[1] = min(_K1 * b * (bets[1] + 1.0), CEILING)
                bets[2] = min(_K2 * a2 * (bets[2] + 1.0), CEILING)
                bets[3] = min(_K3 * b2 * (bets[3] + 1.0), CEILING)
                bets[4] = min(_K4 * a4 * (bets[4] + 1.0), CEILING)
                bets[5] = min(_K5 * b2 * b2 * (bets[5] + 1.0), CEILING)
                bets[6] = min(_K6 * a4 * a4 * (bets[6] + 1.0), CEILING)
            for k in range(7):
                total += bets[k]
    mean: float = total / (14.0 * members.shape[0])
    return mean


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def run_length(  # noqa: PLR0917 - as above
    x: Floats, reference: Floats, counts: NDArray[np.int64], tails: Floats, u: Floats, limit: float
) -> int:
    """How many records of x pass until the mean statistic over all features reaches `limit`; -1 if it never does.

    x: (T, F) records, u: (T, F) uniform. For rehearsals: the same two kernels that judge live records.
    """
    T, F = x.shape
    R = np.zeros((F, 2, 7))
    z = np.empty((F, 3))
    members = np.arange(F)
    for t in range(T):
        rank_scores(x[t], reference, counts, tails, u[t], z)
        if advance(R, z, members) >= limit:
            return t + 1
    return -1
