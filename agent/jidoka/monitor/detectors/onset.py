"""When a change began: the start that maximises the statistic, and the starts nearly as good."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels.bets import FACTOR, FIRST_SIZE, SIZE, SPREAD_FACTOR, VARIANCES

Floats = NDArray[np.float64]

#: log-likelihood below the best start that still belongs to the interval
ONSET_DEPTH = 4.0


class Onset(NamedTuple):
    """Rows of a history, oldest = 0: the likeliest start of the change and an interval of starts."""

    row: int
    low: int
    high: int


def onset(z: Floats, constants: Floats, direction: str) -> Onset:
    """The start that maximises the statistic of one feature and kind of change, and the starts nearly as good.

    z: (T,) scores since the statistic's last restart, oldest first, NaN = none; constants: (8, 7) of the feature's bank;
    direction: of shiryaev_roberts.DIRECTIONS. For each bet the start s maximises the first record's gain at s and
    the gains of all later ones; starts whose best bet lies within ONSET_DEPTH of the maximum make the interval.
    O(T · bets). Raises ValueError for an empty history.
    """
    if z.size == 0:
        raise ValueError("no history to look for an onset in")
    if direction in {"up", "down"}:
        scores = (z if direction == "up" else -z)[:, None]
        kept = constants[FACTOR] > 0.0
        first, later = (_shift(scores, constants[row, kept]) for row in (FIRST_SIZE, SIZE))
    else:
        is_wide = direction == "wider"
        kept = np.flatnonzero((constants[SPREAD_FACTOR] > 0.0) & ((np.array(VARIANCES) > 1.0) == is_wide))
        variances = np.array(VARIANCES)[kept]
        first = later = 0.5 * (1.0 - 1.0 / variances) * (z * z)[:, None] - 0.5 * np.log(variances)
    first, later = np.nan_to_num(first), np.nan_to_num(later)
    after = np.cumsum(later[::-1], axis=0)[::-1] - later
    best = (first + after).max(axis=1)
    row = int(best.argmax())
    near = np.flatnonzero(best >= best[row] - ONSET_DEPTH)
    return Onset(row, int(near[0]), int(near[-1]))


def _shift(scores: Floats, sizes: Floats) -> Floats:
    return scores * sizes - 0.5 * sizes * sizes
