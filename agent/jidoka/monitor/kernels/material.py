"""Bets that more records lie beyond the baseline's range than are allowed: bounded means, no law assumed."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

#: marks of a value: within the range, below it, above it, and no value
WITHIN, BELOW, ABOVE, ABSENT = 0, 1, 2, 4
#: a statistic is cut here: far above any limit, far below overflow
CEILING = 1e200


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def share_step(  # noqa: PLR0917 - a kernel takes arrays, not records
    values: Floats, columns: Indices, low: Floats, high: Floats, allowed: Floats, blocks: Indices, odds: Floats,
    counts: Indices, beyond: Indices, R: Floats, marks: NDArray[np.uint8],
) -> float:  # fmt: skip
    """One record; returns the mean of all bets' statistics, NaN where no member has a value.

    values: (V,) of the record; columns, low, high, allowed, blocks: (M,) of each member its place in `values` (-1 =
    nowhere), its range, the share m₀ that may lie beyond one side of it, and records of a block; odds: (M, L) λ of each
    bet, 0 ≤ λ < 1/m₀; counts: (M,) records of the open block, beyond: (M, 2) those of them below and above; R: (M, 2, L)
    statistics. marks: (M,), filled. When a block of b records is full, with a share x̄ beyond: R ← (1 + λ(x̄ − m₀))(R + b).
    R − t is a supermartingale wherever the share foretold for a block isn't above m₀, whatever the law.
    Source: Waudby-Smith and Ramdas 2024 (bets on bounded means), Shiryaev 1963, Roberts 1966 (the sum over starts).
    """
    M, L = odds.shape
    is_seen = False
    total = 0.0
    for m in range(M):
        value = values[columns[m]] if columns[m] >= 0 else np.nan
        if np.isnan(value):
            marks[m] = ABSENT
        else:
            is_seen = True
            marks[m] = WITHIN
            if value < low[m]:
                marks[m] = BELOW
                beyond[m, 0] += 1
            elif value > high[m]:
                marks[m] = ABOVE
                beyond[m, 1] += 1
            counts[m] += 1
            if counts[m] >= blocks[m]:
                for side in range(2):
                    excess = beyond[m, side] / counts[m] - allowed[m]
                    for k in range(L):
                        R[m, side, k] = min(
                            (1.0 + odds[m, k] * excess) * (R[m, side, k] + counts[m]), CEILING
                        )
                    beyond[m, side] = 0
                counts[m] = 0
        for side in range(2):
            for k in range(L):
                total += R[m, side, k]
    return total / (2 * M * L) if is_seen else np.nan


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def share_alarms(  # noqa: PLR0917 - as above
    x: Floats,
    low: Floats,
    high: Floats,
    allowed: Floats,
    blocks: Indices,
    odds: Floats,
    limit: float,
    found: Indices,
) -> int:
    """Records of x, (T, M), counted from 1, at which the mean reaches `limit`; it restarts after each. The same steps as
    live. found: filled with as many as it holds at most. Returns how many."""
    M = x.shape[1]
    count: int = _share_alarms(
        x, np.arange(M), low, high, allowed, blocks, odds, limit, found, np.zeros(M, np.int64), np.zeros((M, 2), np.int64),
        np.zeros((M, 2, odds.shape[1])), np.zeros(M, np.uint8),
    )  # fmt: skip
    return count


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _share_alarms(  # noqa: PLR0917 - as above
    x: Floats, columns: Indices, low: Floats, high: Floats, allowed: Floats, blocks: Indices, odds: Floats, limit: float,
    found: Indices, counts: Indices, beyond: Indices, R: Floats, marks: NDArray[np.uint8],
) -> int:  # fmt: skip
    count = 0
    for t in range(x.shape[0]):
        statistic = share_step(x[t], columns, low, high, allowed, blocks, odds, counts, beyond, R, marks)
        if statistic >= limit:
            found[count] = t + 1
            count += 1
            if count == found.shape[0]:
                break
            counts[:] = 0
            beyond[:] = 0
            R[:] = 0.0
    return count
