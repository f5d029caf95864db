"""What covariates explain of a record's features is taken out of them, and how sure that is."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE

Floats = NDArray[np.float64]

#: columns of a covariate's row in the table: where in a record it lies, what it was on average; slopes come behind
PLACE, CENTRE, SLOPES = 0, 1, 2
#: records at which what is explained may be wrong by more than this many standard deviations of what isn't have no score
MOST_DOUBT = 1.0


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def explain(x: Floats, table: Floats, doubts: Floats) -> None:
    """x[f] becomes what the covariates don't foretell of it, NaN where they lie too far from all that was learned.

    x: (F,), changed in place; doubts: (F,), filled with how far off that may be, in the feature's own units times the
    share of a lasting shift that its innovations keep; 0 for what isn't explained. table: (K, 2 + 2F + FK), a row for each
    covariate: its place in x, its centre, its slope in each feature, (of row 0) the feature's unit of doubt, and its row of
    each feature's (K, K) root of the covariance of the slopes, in those units. A covariate explains no other: its
    slopes and roots are 0.
    """
    K = table.shape[0]
    F = x.shape[0]
    roots = SLOPES + 2 * F
    for f in range(F):
        doubts[f] = 0.0
        unit = table[0, SLOPES + F + f]
        if unit == 0.0:
            continue
        square = 0.0
        for j in range(K):
            x[f] -= table[j, SLOPES + f] * (x[int(table[j, PLACE])] - table[j, CENTRE])
            width = 0.0
            for k in range(K):
                width += table[k, roots + f * K + j] * (x[int(table[k, PLACE])] - table[k, CENTRE])
            square += width * width
        doubt = np.sqrt(square)
        if not doubt <= MOST_DOUBT:  # NaN, where a covariate is missing, is none either
            x[f] = np.nan
        doubts[f] = doubt * unit
