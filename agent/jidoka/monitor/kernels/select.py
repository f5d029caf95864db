"""Order statistics without sorting: for a few numbers by selection, for many by a histogram of their bits."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def kth_smallest(numbers: NDArray[np.float64], k: int) -> float:
    """The k-th smallest, counted from 0, of (n,) float64 without NaN, which are reordered. O(n) on average.

    Source: Hoare 1961 (FIND), with the median of three as pivot. Oracle: numpy.sort.
    """
    low = 0
    high = numbers.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        a = numbers[low]
        b = numbers[middle]
        c = numbers[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i = low
        j = high
        while i <= j:
            while numbers[i] < pivot:
                i += 1
            while numbers[j] > pivot:
                j -= 1
            if i <= j:
                numbers[i], numbers[j] = numbers[j], numbers[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    found: float = numbers[k]
    return found
