"""All that one record does to the detectors of its stream, in one call."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels.bets import PLAIN, advance, rank_scores

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def judge(  # noqa: PLR0917 - a kernel takes arrays, not records
    values: Floats, columns: Indices, reference: Floats, counts: Indices, tails: Floats, u: Floats, z: Floats,
    bets: Floats, members: Indices, spans: Indices, statistics: Floats, history: NDArray[np.float32], place: int,
) -> None:  # fmt: skip
    """Scores of one record, kept in the history, and one step of every watch's statistic.

    values: (V,) features of the record; columns: (F,) where in it the baseline's features lie, -1 = nowhere; reference,
    counts, tails, u, z: as of `rank_scores`; bets: (M, 2, 7) and members: (M,), of all watches one after the other, of
    which watch w has those from spans[w] to spans[w + 1]; statistics: (W,), filled as by `advance`, NaN where no
    member of the watch has a score: it didn't see this record; history: (H, F, 3), of which row `place` is filled.
    """
    F = columns.shape[0]
    x = np.empty(F)
    for f in range(F):
        x[f] = values[columns[f]] if columns[f] >= 0 else np.nan
    rank_scores(x, reference, counts, tails, u, z)
    for f in range(F):
        for k in range(3):
            history[place, f, k] = z[f, k]
    for w in range(statistics.shape[0]):
        first = spans[w]
        last = spans[w + 1]
        statistics[w] = np.nan
        for m in range(first, last):
            if not np.isnan(z[members[m], PLAIN]):
                statistics[w] = advance(bets[first:last], z, members[first:last])
                break


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def level_step(  # noqa: PLR0917 - as above
    z: Floats, members: Indices, sums: Floats, taken: Indices, needed: int, limits: Floats
) -> tuple[int, int]:
    """One record for the off-test: (1 accepted, 0 rejected, -1 not judged yet; scores of the member with fewest).

    z: (F, 3); members: (M,) rows of z; sums, taken: (M,) of the scores taken so far, changed in place; needed: of
    each; limits: (M,) of |mean|. A member that never had a score has no say.
    """
    fewest = needed + 1
    for m in range(members.shape[0]):
        score = z[members[m], PLAIN]
        if not np.isnan(score) and taken[m] < needed:
            sums[m] += score
            taken[m] += 1
        if taken[m] > 0:
            fewest = min(fewest, taken[m])
    if fewest != needed:
        return -1, fewest if fewest < needed else 0
    for m in range(members.shape[0]):
        if taken[m] > 0 and not abs(sums[m]) / needed <= limits[m]:
            return 0, needed
    return 1, needed


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def add_up(values: Floats, sums: Floats, counts: Indices) -> None:
    """sums += values and counts += 1 wherever there is a value. All (V,)."""
    for v in range(values.shape[0]):
        if not np.isnan(values[v]):
            sums[v] += values[v]
            counts[v] += 1
