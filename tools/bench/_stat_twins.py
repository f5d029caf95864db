"""Peers as kernels: two of river's detectors, alarm for alarm, and an online MMD. tests/tools compares them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def page_hinkley(  # noqa: PLR0917 - a kernel takes arrays, not records
    x: Floats, delta: float, threshold: float, forget: float, least: int, most: int
) -> Whole:
    """Alarms of river.drift.PageHinkley(least, delta, threshold, forget, "both"), counted from 1; it starts anew
    after each. x: (T,); most: alarms, then it ends. Source: Page 1954; river's own recursion."""
    found = np.zeros(most, np.int64)
    count = 0
    n = 0
    mean = up = down = 0.0
    lowest, highest = np.inf, -1.0
    for t in range(x.shape[0]):
        n += 1
        mean += (x[t] - mean) / n
        deviation = x[t] - mean
        up = forget * up + deviation - delta
        down = forget * down + deviation + delta
        lowest = min(lowest, up)
        highest = max(highest, down)
        if n >= least and (up - lowest > threshold or highest - down > threshold):
            found[count] = t + 1
            count += 1
            n = 0
            mean = up = down = 0.0
            lowest, highest = np.inf, -1.0
            if count == most:
                break
    return found[:count]


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def kswin(  # noqa: PLR0917 - as above; numba wants loops
    x: Floats, window: int, recent: int, steps: int, seed: int, most: int
) -> Whole:
    """Alarms of river.drift.KSWIN(alpha, window, recent), counted from 1; its window is empty after each.

    Alpha is told as steps: the distance between `recent` records drawn from the older ones and the last `recent` is
    at least steps / recent. x: (T,); most: alarms, then it ends.

    Source: Raab, Heusinger & Schleif 2020; river's own windows.
    """
    np.random.seed(seed)
    found = np.zeros(most, np.int64)
    count = 0
    held = np.empty(window)  # a ring, its oldest record at `head`
    ranked = np.empty(window, np.int64)  # places in the ring, by value
    side = np.empty(window, np.int64)
    head = size = 0
    older = window - recent
    order = np.arange(older)
    for t in range(x.shape[0]):
        if size == window:
            r = 0
            while ranked[r] != head:
                r += 1
            for k in range(r, size - 1):
                ranked[k] = ranked[k + 1]
            size -= 1
            head = (head + 1) % window
        place = (head + size) % window
        held[place] = x[t]
        r = size
        while r > 0 and held[ranked[r - 1]] > x[t]:
            ranked[r] = ranked[r - 1]
            r -= 1
        ranked[r] = place
        size += 1
        if size < window:
            continue
        side[:] = 0
        for i in range(
            recent
        ):  # a random sample of the older ones without replacement, and all that are recent
            j = np.random.randint(i, older) if older > recent else i
            order[i], order[j] = order[j], order[i]
            side[(head + order[i]) % window] = 1
            side[(head + older + i) % window] = -1
        gap = largest = 0
        for k in range(window):
            gap += side[ranked[k]]
            if k + 1 == window or held[ranked[k + 1]] != held[ranked[k]]:
                largest = max(largest, abs(gap))
        if largest >= steps:
            found[count] = t + 1
            count += 1
            if count == most:
                break
            head = size = 0
    return found[:count]


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def looked_up(x: float, embedding: Floats, low: float, step: float) -> float:
    """The embedding at x, linear between its points, constant beyond them."""
    at = min(max((x - low) / step, 0.0), embedding.shape[0] - 1.001)
    g = int(at)
    value: float = embedding[g] + (at - g) * (embedding[g + 1] - embedding[g])
    return value


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def online_mmd(  # noqa: PLR0917 - as above
    x: Floats,
    start: Floats,
    embedding: Floats,
    low: float,
    step: float,
    gamma: float,
    threshold: float,
    most: int,
) -> Whole:
    """Alarms of MMD² between a sliding window and a fixed reference, counted from 1; it starts anew after each.

    x: (T,); start: (W,) clean records that fill the window at a start; embedding: (G,) mean of exp(−γ(x − r)²) over
    the reference r at low + i · step; threshold: without the reference's own term; most: alarms, then it ends.
    Source: Gretton et al. 2012; as an online test Cobb et al. 2022.
    """
    size = start.shape[0]
    held, near = start.copy(), np.empty(size)
    found = np.zeros(most, np.int64)
    count = 0
    within = between = 0.0
    at = 0
    is_new = True
    for t in range(x.shape[0]):
        if is_new:
            held[:] = start
            within = 0.0
            for i in range(size):
                near[i] = looked_up(held[i], embedding, low, step)
                for j in range(i):
                    within += 2.0 * np.exp(-gamma * (held[i] - held[j]) ** 2)
            between = near.sum()
            at = 0
            is_new = False
        for j in range(size):
            if j != at:
                within += 2.0 * (
                    np.exp(-gamma * (x[t] - held[j]) ** 2) - np.exp(-gamma * (held[at] - held[j]) ** 2)
                )
        held[at] = x[t]
        fresh = looked_up(x[t], embedding, low, step)
        between += fresh - near[at]
        near[at] = fresh
        at = (at + 1) % size
        if within / (size * (size - 1)) - 2.0 * between / size >= threshold:
            found[count] = t + 1
            count += 1
            is_new = True
            if count == most:
                break
    return found[:count]
