"""All that one record does to the detectors of its stream, in one call."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE
from jidoka.monitor.kernels.bets import BETS, advance, advance_between, head, restart
from jidoka.monitor.kernels.explain import explain
from jidoka.monitor.kernels.whiten import MOST_ORDER, score_between, score_record

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def judge(  # noqa: PLR0917 - a kernel takes arrays, not records
    columns: Indices, table: Floats, models: Floats, orders: Indices, reference: Floats, counts: Indices,
    lags: Floats, seen: Indices, scale: Floats, ties: NDArray[np.uint64], z: Floats, bets: Floats, members: Indices,
    constants: Floats, spans: Indices, statistics: Floats, history: NDArray[np.float32], values: Floats, place: int,
) -> None:  # fmt: skip
    """Scores of one record, kept in the history, and one step of every watch's statistic.

    values: (V,) features of the record; columns: (F,) where in it the baseline's features lie, -1 = nowhere; table: as of
    `explain`, of no row where nothing is; models … ties: as of `score_record`; z: (3, F) as of `score_between`; bets: (M, 35), members: (M,) and constants: (M, 8, 7), of all watches one after the other, of
    which watch w has those from spans[w] to spans[w + 1]; statistics: (W,), filled as by `advance`, NaN where no
    member of the watch has a score: it didn't see this record; history: (H, F), of which row `place` is filled.
    """
    F = columns.shape[0]
    scores = z[0]  # and before, the values that they are of
    for f in range(F):
        scores[f] = values[columns[f]] if columns[f] >= 0 else np.nan
    is_known = table.shape[0] == 0
    if is_known:
        score_record(scores, models, orders, reference, counts, lags, seen, scale, ties, scores)
    else:
        explain(scores, table, z[1])
        score_between(scores, z[1], models, orders, reference, counts, lags, seen, scale, ties, z)
    for f in range(F):
        history[place, f] = scores[f]
    for w in range(statistics.shape[0]):
        first = spans[w]
        last = spans[w + 1]
        statistics[w] = np.nan
        for m in range(first, last):
            if not np.isnan(scores[members[m]]):
                ends = (scores, scores) if is_known else (z[1], z[2])
                statistics[w] = advance_between(
                    bets[first:last], ends[0], ends[1], members[first:last], constants[first:last]
                )
                break


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def alarms(  # noqa: PLR0917 - as above
    x: Floats, table: Floats, models: Floats, orders: Indices, reference: Floats, counts: Indices, ties: NDArray[np.uint64],
    members: Indices, constants: Floats, limit: float, found: Indices,
) -> int:  # fmt: skip
    """Records of x, (T, F), counted from 1, at which one watch's statistic reaches `limit`; it restarts after each.

    found: filled with as many as it holds at most. Returns how many. The same steps that `judge` takes live.
    """
    F = x.shape[1]
    count: int = _alarms(
        x, table, models, orders, reference, counts, ties, members, constants, limit, found,
        np.zeros((members.shape[0], BETS)), np.empty((3, F)), np.zeros((F, MOST_ORDER)), np.zeros(F, np.int64), np.ones(F),
    )  # fmt: skip
    return count


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _alarms(  # noqa: PLR0917 - as above
    x: Floats, table: Floats, models: Floats, orders: Indices, reference: Floats, counts: Indices, ties: NDArray[np.uint64],
    members: Indices, constants: Floats, limit: float, found: Indices, R: Floats, z: Floats, lags: Floats, seen: Indices,
    scale: Floats,
) -> int:  # fmt: skip
    T, F = x.shape
    scores = z[0]
    threshold = limit + head(constants)
    restart(R, constants)
    count = 0
    for t in range(T):
        for f in range(F):
            scores[f] = x[t, f]
        if table.shape[0] == 0:
            score_record(scores, models, orders, reference, counts, lags, seen, scale, ties, scores)
            statistic = advance(R, scores, members, constants)
        else:
            explain(scores, table, z[1])
            score_between(scores, z[1], models, orders, reference, counts, lags, seen, scale, ties, z)
            statistic = advance_between(R, z[1], z[2], members, constants)
        if statistic >= threshold:
            found[count] = t + 1
            count += 1
            if count == found.shape[0]:
                break
            restart(R, constants)
    return count


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def level_step(  # noqa: PLR0917 - as above
    lowest: Floats,
    highest: Floats,
    members: Indices,
    sums: Floats,
    taken: Indices,
    needed: int,
    limits: Floats,
) -> tuple[int, int]:
    """One record for the off-test: (1 accepted, 0 rejected, -1 not judged yet; scores of the member with fewest).

    lowest, highest: (F,) between which the scores lie; members: (M,) rows of them; sums: (2, M) of both, taken: (M,) how
    many so far, changed in place; needed: of each; limits: (M,) of |mean|: rejected is what lies beyond for sure. A
    member that never had a score has no say.
    """
    fewest = needed + 1
    for m in range(members.shape[0]):
        score = lowest[members[m]]
        if not np.isnan(score) and taken[m] < needed:
            sums[0, m] += score
            sums[1, m] += highest[members[m]]
            taken[m] += 1
        if taken[m] > 0:
            fewest = min(fewest, taken[m])
    if fewest != needed:
        return -1, fewest if fewest < needed else 0
    for m in range(members.shape[0]):
        if taken[m] > 0 and not (sums[0, m] / needed <= limits[m] and -sums[1, m] / needed <= limits[m]):
            return 0, needed
    return 1, needed


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def add_up(values: Floats, sums: Floats, counts: Indices) -> None:
    """sums += values and counts += 1 wherever there is a value. All (V,)."""
    for v in range(values.shape[0]):
        if not np.isnan(values[v]):
            sums[v] += values[v]
            counts[v] += 1
