"""The bank of bets on one feature: sizes, factors and weights, and which bets can't pay and are dropped."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.calibration import (
    cell_scores,
    deviates_for,
    shift_gain,
    shift_worth,
    spread_gain,
    spread_worth,
    worth,
)
from jidoka.monitor.detectors.whitening import Whitening, term_up_to
from jidoka.monitor.kernels.bets import (
    FACTOR,
    FIRST_FACTOR,
    FIRST_SIZE,
    ROWS,
    SHIFTS,
    SIZE,
    SPREAD_FACTOR,
    SPREAD_HEAD,
    STEP_HEAD,
    VARIANCES,
    WEIGHT,
)
from jidoka.monitor.kernels.whiten import COEFFICIENTS, MOST_ORDER

Floats = NDArray[np.float64]

#: how the stake is divided: steps, spread and tails, ramps
STAKES: dict[str, tuple[float, float, float]] = {"full": (0.70, 0.15, 0.15), "location": (1.0, 0.0, 0.0)}
#: a bet whose variance term is larger, or that needs more baselines' worth of records to pay, is dropped
MOST_VARIANCE, MOST_BASELINES = 4.0, 4.0
#: where the scale is followed because large records come together, what is left of that may raise a bet on the spread by no
#: more than this: sums of z² have heavier tails there than a variance term can tell
MOST_RESTLESS = 1.5
#: a bet of size d starts at 2 e^γ / d², the geometric mean of where it stands on a stream that has run for long (in
#: continuous time 2/(d² R) is a standard exponential there), but at no more than a hundredth of A. With a start at 0 every
#: change right after a start were found later than one in full run (SR-r: Moustakides, Polunchenko and Tartakovsky 2011).
HEAD_START, MOST_HEAD = 2.0 * math.exp(0.5772156649), 0.01


def bank(
    whitening: Whitening, limit: float, features: int, stakes: str = "full", *, is_explained: bool = False
) -> Floats | None:
    """(8, 7) constants of the bets on one feature as `advance` reads them; None if no bet is left.

    limit: A; features: how many share the group; is_explained: the coefficients of covariates need half of the 5 % by
    which the promise may fail. With a variance term v a bet's log-normaliser ψ counts v times, and its
    margin for the baseline's chance √v times.
    """
    n = whitening.innovations.size
    constants = np.zeros((ROWS, 7))
    nats = math.log(max(limit, 2.0) * max(features, 1))
    highest = float(cell_scores(n)[-1])
    bounds = 2 * features if is_explained else features
    for k, shift in enumerate(SHIFTS):
        size = shift * whitening.gain * whitening.ratio if whitening.order else shift
        first = min(shift * whitening.ratio, highest) if whitening.order else shift
        constants[SIZE, k], constants[FIRST_SIZE, k] = size, first
        lasts = 2.0 * nats / (size * size)
        # where large records come together, Σz has the variance that Σσ² has beside its own: E e^(dΣz − d²b/2) is about
        # e^(b d⁴ (v_s − 1)/4), v_s the variance term of z², as a variance term larger by d²(v_s − 1)/2 allows for
        restless = 0.5 * size * size * (term_up_to(whitening.spread_v, lasts) - 1.0)
        v = term_up_to(whitening.shift_v, lasts) + restless
        price = _price(shift_worth(n, size, bounds), v)
        pays = size * size - price
        if v > MOST_VARIANCE or pays <= 0.0 or nats / pays > MOST_BASELINES * n:
            continue
        constants[STEP_HEAD, k] = min(HEAD_START / (size * size), MOST_HEAD * limit)
        constants[FACTOR, k] = math.exp(-price)
        if whitening.order:
            price = _price(worth(shift_gain(cell_scores(n), first), deviates_for(bounds)), v)
        constants[FIRST_FACTOR, k] = math.exp(-price)
    most = MOST_RESTLESS if whitening.is_scaled else MOST_VARIANCE
    for k, variance in enumerate(VARIANCES):
        growth = 0.5 * (variance - 1.0 - math.log(variance)) * (0.1 if k == len(VARIANCES) - 1 else 1.0)
        v = term_up_to(whitening.spread_v, nats / growth)
        if v <= most and nats / growth <= MOST_BASELINES * n:
            typical = float(np.log(spread_gain(cell_scores(n), k)).mean())
            constants[SPREAD_HEAD, k] = min(0.5 * HEAD_START / growth, MOST_HEAD * limit)
            constants[SPREAD_FACTOR, k] = math.exp(-_price(spread_worth(n, k, bounds), v, typical))
    return _weighted(constants, STAKES[stakes])


def _price(logs: tuple[float, float], v: float, typical: float = 0.0) -> float:
    # typical: the mean log gain; what the mean gain has beyond it comes from the spread of sums, which v multiplies
    mean, widened = logs
    return typical + v * (mean - typical) + math.sqrt(v) * (widened - mean)


def _weighted(constants: Floats, stakes: tuple[float, float, float]) -> Floats | None:
    steps, spread = int((constants[FACTOR] > 0.0).sum()), int((constants[SPREAD_FACTOR] > 0.0).sum())
    shares = (stakes[0] * (steps > 0), stakes[1] * (spread > 0), stakes[2] * (steps > 0))
    total = sum(shares)
    if total == 0.0:
        return None
    constants[WEIGHT, :3] = (
        shares[0] / total / max(2 * steps, 1),
        shares[1] / total / max(spread, 1),
        shares[2] / total / 2.0,
    )
    return constants


def independent(features: int, limit: float, n: int = 10_000) -> Floats:
    """(M, 8, 7) constants for independent features with n reference records each."""
    whitening = Whitening(
        0, np.zeros(COEFFICIENTS + MOST_ORDER), 1.0, 1.0, 1.0, np.zeros(n), shift_v=(1.0,), spread_v=(1.0,)
    )
    one = bank(whitening, limit, features)
    assert one is not None, "the bets on an independent feature can pay"
    return np.repeat(one[None], features, axis=0)
