"""Numbers of which only the manifest's type is known: mean, spread, levels and the largest, in one pass."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels.detections import count_not_finite
from jidoka.monitor.kernels.select import kth_smallest

PLAIN_FEATURES: tuple[str, ...] = ("mean", "std", "low", "high", "max_abs")

#: up to so many numbers the levels are exact; beyond, within one class of BINS
EXACT = 2048
#: one class for each value of the upper 16 bits of a float32: 128 classes from each power of two to the next
BINS = 65536


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _edge(bin_: int, bits: NDArray[np.int32], view: NDArray[np.float32]) -> float:
    """The number nearest to zero or lowest whose class this is. bits, view: the same four bytes."""
    key = bin_ << 16
    # undo the order of the classes: negative numbers lie below, their bits inverted
    bits[0] = np.int32(key - 0x80000000) if key >= 0x80000000 else np.int32(-key - 1)
    return float(view[0])


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _level(  # noqa: PLR0917 - as below
    histogram: NDArray[np.uint32], rank: int, lowest: float, highest: float,
    bits: NDArray[np.int32], view: NDArray[np.float32],
) -> float:  # fmt: skip
    """The number of that rank, counted from 1, spread evenly over its class."""
    below = 0
    for bin_ in range(BINS):
        count = np.int64(histogram[bin_])
        if below + count >= rank:
            low = max(_edge(bin_, bits, view), lowest)
            high = min(_edge(bin_ + 1, bits, view), highest) if bin_ + 1 < BINS else highest
            level: float = low + (rank - below - 0.5) / count * (high - low)
            return level
        below += count
    return highest


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def plain_features(
    numbers: NDArray[np.float32], histogram: NDArray[np.uint32], values: NDArray[np.float64], at: int
) -> int:
    """Features of any numbers; returns how many are NaN or infinite.

    numbers: (n,) float32; histogram: (65536,) uint32, scratch; values[at:at + 5]: filled with PLAIN_FEATURES: mean,
    standard deviation, the 1 % and the 99 % level (the smallest number that so many don't exceed: exact up to EXACT
    numbers, beyond within 1/128 of itself), the largest size. NaN for none, or if any isn't finite.
    Oracle: tests/naive.py.
    """
    n = numbers.shape[0]
    for f in range(5):
        values[at + f] = np.nan
    bad: int = count_not_finite(numbers)
    if bad > 0 or n == 0:
        return bad
    pivot = np.float64(numbers[0])
    total = 0.0
    total2 = 0.0
    lowest = pivot
    highest = pivot
    for i in range(n):
        x = np.float64(numbers[i])
        lowest = min(lowest, x)
        highest = max(highest, x)
        total += x - pivot
        total2 += (x - pivot) * (x - pivot)
    mean = total / n
    values[at] = pivot + mean
    values[at + 1] = np.sqrt(max(total2 / n - mean * mean, 0.0))
    values[at + 4] = max(abs(lowest), abs(highest))
    low_rank = (n + 99) // 100
    high_rank = (99 * n + 99) // 100
    if n <= EXACT:
        copy = numbers.astype(np.float64)
        values[at + 2] = kth_smallest(copy, low_rank - 1)
        values[at + 3] = kth_smallest(copy, high_rank - 1)
        return 0
    histogram[:] = 0
    bits = numbers.view(np.int32)
    for i in range(n):
        b = np.int64(bits[i])
        key = b + 0x80000000 if b >= 0 else -b - 1
        histogram[key >> 16] += np.uint32(1)
    one = np.empty(1, np.int32)
    view = one.view(np.float32)
    values[at + 2] = _level(histogram, low_rank, lowest, highest, one, view)
    values[at + 3] = _level(histogram, high_rank, lowest, highest, one, view)
    return 0


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def entry_means(rows: NDArray[np.float32], values: NDArray[np.float64], at: int) -> int:
    """Each entry of the last axis, as a mean over the rows; returns how many numbers are NaN or infinite.

    rows: (N, C) float32; values[at:at + C]: filled; NaN for no row, or if any number isn't finite.
    """
    N, C = rows.shape
    bad: int = count_not_finite(rows.reshape(-1))
    for c in range(C):
        total = 0.0
        for n in range(N):
            total += np.float64(rows[n, c])
        values[at + c] = total / N if N > 0 and bad == 0 else np.nan
    return bad
