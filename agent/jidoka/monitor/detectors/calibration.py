"""What makes a bet on ranks fair for *this* baseline, with 95 % confidence, whatever the feature's law.

A record's rank among n reference values falls into cell j with the probability D_j of the gap there, and the gaps of n
values of any continuous law are Dirichlet(1, …, 1). A bet that pays g_j in cell j is worth X = Σ D_j g_j a record; dividing
by a high quantile of X makes it fair. `python -m jidoka.monitor.detectors.calibration` prints how often all bets are.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels.bets import SHIFTS, TAIL_SHARE, VARIANCES

Floats = NDArray[np.float64]

#: the promise: all bets of a group are fair at once for this baseline, with this confidence
CONFIDENCE = 0.95
#: the bets of one feature hang together: they break their bounds together about as often as so many alone would
ALONE = 10.0
#: a reference is never longer: the gain beyond is nil
MOST_RECORDS = 50_000


@lru_cache(maxsize=64)
def cell_scores(n: int) -> Floats:
    """(n + 1,) the normal score of each cell between n sorted reference values, lowest first."""
    normal = NormalDist()
    half = np.array([normal.inv_cdf((j + 0.5) / (n + 1)) for j in range((n + 1) // 2)])
    return np.concatenate([half, np.zeros((n + 1) % 2), -half[::-1]])


def shift_gain(z: Floats, size: float) -> Floats:
    """What a bet on a shift pays, unscaled: e^(d z)."""
    return np.exp(size * z)


def spread_gain(z: Floats, k: int) -> Floats:
    """What bet k on the spread pays, unscaled: φ_σ(z)/φ(z) without its constant, mixed with 1 for the tails."""
    gain = np.exp(0.5 * (1.0 - 1.0 / VARIANCES[k]) * z * z)
    if k == len(VARIANCES) - 1:
        gain = 1.0 - TAIL_SHARE + TAIL_SHARE * gain / math.sqrt(VARIANCES[k])
    return gain


def worth(gains: Floats, deviates: float) -> tuple[float, float]:
    """(log of the mean, log of the quantile) of X = Σ D_j g_j over baselines. gains: (n + 1,) g_j.

    deviates: the quantile as a normal deviate. By the first three moments: a sum of exponentials with different weights is
    close to a shifted gamma, whose quantile is Wilson and Hilferty's (1931).
    """
    cells = gains.size
    mean = float(gains.mean())
    off = gains - mean
    deviation = math.sqrt(float((off * off).sum()) / (cells * (cells + 1.0)))
    if deviation <= 1e-15 * mean:
        return math.log(mean), math.log(mean)
    skew = 2.0 * float((off**3).sum()) / cells**3 / deviation**3
    x = deviates
    if abs(skew) > 1e-9:
        x = 2.0 / skew * (max(1.0 + skew * deviates / 6.0 - skew * skew / 36.0, 0.0) ** 3 - 1.0)
    return math.log(mean), math.log(max(mean + deviation * x, mean))


def deviates_for(features: int) -> float:
    """How many standard deviations each bet of a group of features is widened by."""
    return NormalDist().inv_cdf(1.0 - (1.0 - CONFIDENCE) / (ALONE * max(features, 1)))


@lru_cache(maxsize=4096)
def shift_worth(n: int, size: float, features: int) -> tuple[float, float]:
    """`worth` of a bet on a shift with n reference values."""
    return worth(shift_gain(cell_scores(n), size), deviates_for(features))


@lru_cache(maxsize=1024)
def spread_worth(n: int, k: int, features: int) -> tuple[float, float]:
    """`worth` of bet k on the spread with n reference values."""
    return worth(spread_gain(cell_scores(n), k), deviates_for(features))


def coverage(n: int, repeats: int = 4000, seed: int = 1) -> float:
    """The share of baselines of n records for which every bet on a shift or the spread, both ways, is fair."""
    z = cell_scores(n)
    gains = [shift_gain(sign * z, d) for d in SHIFTS for sign in (1, -1)]
    logs = [shift_worth(n, d, 1)[1] for d in SHIFTS for _ in (1, -1)]
    gains += [spread_gain(z, k) for k in range(len(VARIANCES))]
    logs += [spread_worth(n, k, 1)[1] for k in range(len(VARIANCES))]
    table = np.array(gains)
    bounds = np.exp(logs)
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(repeats):
        gaps = rng.standard_exponential(n + 1)
        held += bool((table @ (gaps / gaps.sum()) <= bounds).all())
    return held / repeats


if __name__ == "__main__":
    for size in (100, 300, 1000, 10_000):
        print(size, coverage(size))  # noqa: T201
