"""One step of a command: its features, and whether it lies within the limits that its manifest sets."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE

Floats = NDArray[np.float64]

#: rows of `limits`: each (C,) float64, without a limit ∓inf. SAT_…: from there on a value counts as saturated;
#: DEADBAND: a smaller difference is no movement
LOW, HIGH, RATE, JERK, SAT_LOW, SAT_HIGH, DEADBAND = range(7)
#: rows of `accepted`: the last accepted command, and how fast it moved there; NaN = none yet
VALUE, VELOCITY = 0, 1
#: rows of `seen`: the last finite command, and its last difference beyond the deadband
LAST, MOVED = 0, 1
#: rows of `ring` and `counts`
SATURATED_CELLS, REVERSALS = 0, 1
#: rows of `found`: what can be wrong. Columns: how often, channel, value and limit of the first time
NOT_FINITE, OUT_OF_RANGE, TOO_FAST, TOO_SUDDEN, SATURATED, CHATTER, OFF_TRACK = range(7)
FAULTS = 7
#: limits are compared with this much of the command's own size in hand: float32 can't write most of them
SLACK = 1e-6
#: features are cut here, so that their sums stay finite however wild a command was
LARGEST = 1e300


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _note(found: Floats, fault: int, channel: int, value: float, limit: float) -> None:
    if found[fault, 0] == 0.0:
        found[fault, 1] = channel
        found[fault, 2] = value
        found[fault, 3] = limit
    found[fault, 0] += 1.0


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _bits(found: Floats) -> int:
    bits = 0
    for f in range(FAULTS):
        if found[f, 0] > 0.0:
            bits |= 1 << f
    return bits


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _windows(  # noqa: PLR0917 - a kernel takes arrays, not records
    limits: Floats, counts: NDArray[np.int64], windows: Floats, found: Floats, values: Floats, at: int
) -> None:  # fmt: skip
    """Shares of saturated cells and of reversals in the last commands: as features, and against their limits."""
    C = limits.shape[1]
    cells = 0
    most = 0
    saturated = 0
    for c in range(C):
        if np.isfinite(limits[SAT_LOW, c]) or np.isfinite(limits[SAT_HIGH, c]):
            cells += 1
            saturated += counts[SATURATED_CELLS, c]
            if counts[SATURATED_CELLS, c] > counts[SATURATED_CELLS, most]:
                most = c
    taken = counts[2, 0]
    if cells > 0:
        share = saturated / (cells * min(taken, int(windows[0])))
        values[at] = share
        if taken >= windows[0] and share > windows[1]:
            _note(found, SATURATED, most, share, windows[1])
    worst = 0
    for c in range(C):
        if counts[REVERSALS, c] > counts[REVERSALS, worst]:
            worst = c
    share = counts[REVERSALS, worst] / min(taken, int(windows[2]))
    values[at + 1] = share
    if taken >= windows[2] and share > windows[3]:
        _note(found, CHATTER, worst, share, windows[3])


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def command_step(  # noqa: PLR0917 - as above
    rows: NDArray[np.float32], limits: Floats, accepted: Floats, trial: Floats, seen: Floats,
    ring: NDArray[np.uint8], counts: NDArray[np.int64], windows: Floats, since_accepted: float, since_seen: float,
    period_s: float, found: Floats, values: Floats, at: int,
) -> int:  # fmt: skip
    """Judge the commands of one record, each row a step; returns what is wrong: bit f for row f of `found`.

    rows: (N, C) float32 or float64; limits: (7, C), see above; accepted: (2, C) the last accepted command; trial:
    (2, C), filled with what `accepted` becomes if the record is accepted; seen: (2, C), ring: (R, 2, C) and counts:
    (3, C) of the last R rows at most, counts[2, 0] all rows so far, all three changed in place; windows: (4,) rows and
    share of saturation, rows and share of chatter; since_accepted, since_seen: steps from the last accepted and the
    last seen row to the first one here; period_s: of a step; found: (7, 4), zeroed and filled; values[at:]: filled
    with C values and C |rates| (means over the rows), the saturation share (NaN without limits) and the largest
    channel's share of reversals. Any number that isn't finite makes all of these NaN. Oracle: tests/naive.py.
    """
    N, C = rows.shape
    R = ring.shape[0]
    found[:] = 0.0
    for c in range(C):
        trial[VALUE, c] = accepted[VALUE, c]
        trial[VELOCITY, c] = accepted[VELOCITY, c]
    bad = 0
    for f in range(2 * C + 2):
        values[at + f] = 0.0
    values[at + 2 * C] = np.nan
    rates = N - 1 if np.isnan(seen[LAST, 0]) else N
    for n in range(N):
        here = counts[2, 0] % R
        steps = since_accepted if n == 0 else 1.0
        moved_steps = since_seen if n == 0 else 1.0
        for c in range(C):
            for k in range(2):
                # what leaves its window
                width = int(windows[2 * k])
                if counts[2, 0] >= width:
                    counts[k, c] -= ring[(counts[2, 0] - width) % R, k, c]
            ring[here, 0, c] = 0
            ring[here, 1, c] = 0
            u = np.float64(rows[n, c])
            if not np.isfinite(u):
                bad += 1
                _note(found, NOT_FINITE, c, u, 0.0)
                continue
            slack = SLACK * abs(u)
            if u < limits[LOW, c] - slack:
                _note(found, OUT_OF_RANGE, c, u, limits[LOW, c])
            elif u > limits[HIGH, c] + slack:
                _note(found, OUT_OF_RANGE, c, u, limits[HIGH, c])
            before = trial[VALUE, c]
            velocity = np.nan
            if not np.isnan(before):
                slack = SLACK * max(abs(u), abs(before))
                elapsed = steps * period_s
                velocity = (u - before) / elapsed
                if abs(u - before) > limits[RATE, c] * elapsed + slack:
                    _note(found, TOO_FAST, c, velocity, limits[RATE, c])
                change = velocity - trial[VELOCITY, c]
                if abs(change) > limits[JERK, c] * elapsed + 2.0 * slack / period_s:
                    _note(found, TOO_SUDDEN, c, change / elapsed, limits[JERK, c])
            trial[VALUE, c] = u
            trial[VELOCITY, c] = velocity
            values[at + c] += min(max(u, -LARGEST), LARGEST)
            last = seen[LAST, c]
            if not np.isnan(last):
                difference = u - last
                values[at + C + c] += min(abs(difference) / (moved_steps * period_s), LARGEST)
                if abs(difference) > limits[DEADBAND, c]:
                    if difference * seen[MOVED, c] < 0.0:
                        ring[here, REVERSALS, c] = 1
                        counts[REVERSALS, c] += 1
                    seen[MOVED, c] = difference
            seen[LAST, c] = u
            if u <= limits[SAT_LOW, c] or u >= limits[SAT_HIGH, c]:
                ring[here, SATURATED_CELLS, c] = 1
                counts[SATURATED_CELLS, c] += 1
        counts[2, 0] += 1
    if bad > 0 or N == 0:
        for f in range(2 * C + 2):
            values[at + f] = np.nan
    else:
        _windows(limits, counts, windows, found, values, at + 2 * C)
        for c in range(C):
            values[at + c] /= N
            values[at + C + c] = values[at + C + c] / rates if rates > 0 else np.nan
    bits: int = _bits(found)
    return bits


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def residuals(  # noqa: PLR0917 - as above
    state: NDArray[np.float32], target: NDArray[np.float32], entries: NDArray[np.int64], limit: float,
    found: Floats, values: Floats, at: int,
) -> int:  # fmt: skip
    """|target − state| of each entry; returns the bit of OFF_TRACK if one exceeds the limit, else 0.

    state: (N, S), target: (N, T) float32; entries: (2, E), columns of state and of target; found: (7, 4), of which
    row OFF_TRACK is filled; values[at:at + E]: filled with means over the rows; one that isn't finite is NaN, and never
    exceeds. Oracle: tests/naive.py.
    """
    N = min(state.shape[0], target.shape[0])
    found[OFF_TRACK] = 0.0
    for e in range(entries.shape[1]):
        total = 0.0
        for n in range(N):
            residual = abs(np.float64(target[n, entries[1, e]]) - np.float64(state[n, entries[0, e]]))
            if residual > limit and np.isfinite(residual):
                _note(found, OFF_TRACK, e, residual, limit)
            total += residual
        values[at + e] = total / N if N > 0 and np.isfinite(total) else np.nan
    return 1 << OFF_TRACK if found[OFF_TRACK, 0] > 0.0 else 0
