"""Bets on a record's normal score, gathered into Shiryaev–Roberts sums."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE

Floats = NDArray[np.float64]
Sevens = tuple[float, float, float, float, float, float, float]

#: sizes of the shifts that are bet on, in standard deviations of the feature, each upwards and downwards
SHIFTS: tuple[float, ...] = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
#: variances that are bet on, as multiples of the baseline's; the last is bet to come in one record of ten only (tails)
VARIANCES: tuple[float, ...] = (1.5, 2.0, 3.0, 2.0 / 3.0, 0.5, 0.25, 6.0)
TAIL_SHARE = 0.1
#: a ramp is bet to climb from one size of SHIFTS to the next after 64 records on average
CLIMB = 1.0 / 64.0
#: columns of a member's statistics: steps up, steps down, spread (6 variances, tails), ramps up, ramps down
STEPS, SPREAD, RAMPS, BETS = 0, 14, 21, 35
#: rows of a member's constants
SIZE, FACTOR, FIRST_SIZE, FIRST_FACTOR, SPREAD_FACTOR, WEIGHT, STEP_HEAD, SPREAD_HEAD = 0, 1, 2, 3, 4, 5, 6, 7
ROWS = 8
#: a statistic is cut here: far above any limit, far below overflow
CEILING = 1e200


@njit(**BARE)  # type: ignore[misc, unused-ignore]
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


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def powers(c: Floats, m: int, score: float) -> tuple[Sevens, Sevens]:
    """e^(d₁ z) of the seven sizes and e^(−d₁ z). Sizes come in doublings, so that two exponentials give all. In registers: an
    array would have to be fetched from the heap."""
    a = np.exp(c[m, 0, 0] * score)
    b = np.exp(c[m, 0, 1] * score)
    return _doubled(a, b), _doubled(1.0 / a, 1.0 / b)


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def _doubled(a: float, b: float) -> Sevens:
    a2 = a * a
    b2 = b * b
    a4 = a2 * a2
    b4 = b2 * b2
    return a, b, a2, b2, a4, b4, a4 * a4


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def jumps(c: Floats, m: int, score: float) -> tuple[Sevens, Sevens]:
    """e^(d₀ z) of the seven first sizes and e^(−d₀ z): doublings too as far as they aren't cut, and the cut ones are alike."""
    a = np.exp(c[m, 2, 0] * score)
    b = np.exp(c[m, 2, 1] * score)
    cut = np.exp(c[m, 2, 6] * score)
    return _cut(c, m, a, b, cut), _cut(c, m, 1.0 / a, 1.0 / b, 1.0 / cut)


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def _cut(c: Floats, m: int, a: float, b: float, cut: float) -> Sevens:
    a2 = a * a if c[m, 2, 2] == 2.0 * c[m, 2, 0] else cut
    b2 = b * b if c[m, 2, 3] == 2.0 * c[m, 2, 1] else cut
    a4 = a2 * a2 if c[m, 2, 4] == 2.0 * c[m, 2, 2] else cut
    b4 = b2 * b2 if c[m, 2, 5] == 2.0 * c[m, 2, 3] else cut
    return a, b, a2, b2, a4, b4, a4 * a4 if c[m, 2, 6] == 2.0 * c[m, 2, 4] else cut


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def advance(R: Floats, z: Floats, members: NDArray[np.int64], constants: Floats) -> float:
    """`advance_between` with scores that are known, z: (F,)."""
    mean: float = advance_between(R, z, z, members, constants)
    return mean


@njit(**BARE, inline="always")  # type: ignore[misc, unused-ignore]
def advance_between(
    R: Floats, lowest: Floats, highest: Floats, members: NDArray[np.int64], constants: Floats
) -> float:
    """One step of every bet of a group; returns the weighted mean statistic over the members.

    R: (M, 35) statistics of the bets, changed in place; lowest, highest: (F,) between which a record's normal scores
    lie: each bet is paid by the end that pays it least; members: (M,) rows of them; constants: (M, 8, 7): sizes d₁ and
    factors K₁ of the bets on a record after the first, d₀ and K₀ of the first one, factors of the bets on the spread,
    weights (of one step bet, one spread bet, one ramp), head starts. A factor of 0 drops a bet.
    Step: S ← K₁ e^(±d₁z) S + K₀ e^(±d₀z); spread: S ← K e^(a z²) (S + 1), a = (1 − 1/σ²)/2; ramp: a chain of stages
    d₁, each left for the next at the rate CLIMB. All are Shiryaev–Roberts sums over starts, so S − t is a
    supermartingale where every factor makes its bet fair; a member without a score keeps what it has.
    Source: Shiryaev 1963, Roberts 1966; as an e-process Ramdas et al. 2023. Oracle: tests/naive.py.
    """
    total = 0.0
    for m in range(members.shape[0]):
        score = lowest[members[m]]
        above = highest[members[m]]
        if not np.isnan(score):
            is_plain = constants[m, 2, 6] == constants[m, 0, 6]
            up, down = powers(constants, m, score)
            first = up
            last = down
            if not is_plain:
                first, last = jumps(constants, m, score)
            if above != score:
                down = powers(constants, m, above)[1]
                last = down if is_plain else jumps(constants, m, above)[1]
            start = 0
            while start < 6 and constants[m, 1, start] == 0.0:
                start += 1
            below_rise = 0.0  # the stage below, as it was
            below_fall = 0.0
            for k in range(7):
                K1 = constants[m, 1, k]
                K0 = constants[m, 3, k]
                L = K1 * up[k]
                D = K1 * down[k]
                R[m, k] = min(L * R[m, k] + K0 * first[k], CEILING)
                R[m, 7 + k] = min(D * R[m, 7 + k] + K0 * last[k], CEILING)
                stay = 1.0 - CLIMB if k < 6 else 1.0
                enter = 1.0 if k == start else 0.0
                rise = R[m, 21 + k]
                fall = R[m, 28 + k]
                R[m, 21 + k] = min(L * (rise * stay + CLIMB * below_rise + enter), CEILING)
                R[m, 28 + k] = min(D * (fall * stay + CLIMB * below_fall + enter), CEILING)
                below_rise = rise
                below_fall = fall
            near = score
            far = score
            if above != score:
                near = max(score, -above, 0.0)
                far = max(-score, above)
            e = np.exp(near * near / 12.0)
            e2 = e * e
            e3 = e2 * e
            e4 = e2 * e2
            e6 = e3 * e3
            R[m, 14] = min(constants[m, 4, 0] * e2 * (R[m, 14] + 1.0), CEILING)
            R[m, 15] = min(constants[m, 4, 1] * e3 * (R[m, 15] + 1.0), CEILING)
            R[m, 16] = min(constants[m, 4, 2] * e4 * (R[m, 16] + 1.0), CEILING)
            tail = 1.0 - TAIL_SHARE + TAIL_SHARE * e4 * e / np.sqrt(6.0)
            R[m, 20] = min(constants[m, 4, 6] * tail * (R[m, 20] + 1.0), CEILING)
            if far != near:
                e = np.exp(far * far / 12.0)
                e3 = e * e * e
                e6 = e3 * e3
            R[m, 17] = min(constants[m, 4, 3] / e3 * (R[m, 17] + 1.0), CEILING)
            R[m, 18] = min(constants[m, 4, 4] / e6 * (R[m, 18] + 1.0), CEILING)
            R[m, 19] = min(constants[m, 4, 5] / (e6 * e6 * e6) * (R[m, 19] + 1.0), CEILING)
        # several sums at once: one alone waits for each addition
        ups = 0.0
        downs = 0.0
        spread = 0.0
        rises = 0.0
        falls = 0.0
        for k in range(7):
            ups += R[m, k]
            downs += R[m, 7 + k]
            spread += R[m, 14 + k]
            rises += R[m, 21 + k]
            falls += R[m, 28 + k]
        steps = ups + downs
        ramps = rises + falls
        total += constants[m, 5, 0] * steps + constants[m, 5, 1] * spread + constants[m, 5, 2] * ramps
    mean: float = total / members.shape[0]
    return mean


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def restart(R: Floats, constants: Floats) -> None:
    """Every bet of a group where a stream that has run for long stands on average. R: (M, 35); constants: (M, 8, 7)."""
    R[:] = 0.0
    for m in range(R.shape[0]):
        for k in range(7):
            R[m, k] = R[m, 7 + k] = constants[m, 6, k]
            R[m, 14 + k] = constants[m, 7, k]


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def head(constants: Floats) -> float:
    """The weighted mean of the head starts: R − t − head is a supermartingale, so an alarm comes at A + head."""
    total = 0.0
    for m in range(constants.shape[0]):
        for k in range(7):
            total += 2.0 * constants[m, 5, 0] * constants[m, 6, k] + constants[m, 5, 1] * constants[m, 7, k]
    mean: float = total / max(constants.shape[0], 1)
    return mean
