"""What a classifier's answer tells of how sure it is, in one call for an inference."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE

OUTPUT_FEATURES: tuple[str, ...] = ("top1_confidence", "entropy", "margin", "energy", "max_logit")
#: so many of them drift; the others are for gates and people
DRIFTING = 2

Floats = NDArray[np.float64]

#: for numbers that are known to be finite, whose sums and maxima may be taken in any order
FINITE = {"nnan", "ninf", "nsz", "reassoc", "contract"}
_LOG2E = 1.0 / math.log(2.0)
#: ln 2 in two parts: n times the first is exact (Cody and Waite 1980)
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
#: adding it leaves a number rounded to a whole one in the lowest bits
_ROUND = 1.5 * 2.0**52
#: exp of less is nothing beside 1
_LEAST = -700.0
_EXPONENT, _ONE = np.int64(52), np.int64(1023)
#: Taylor's coefficients: within 1e-11 up to ln 2 / 2
_C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9 = (1.0 / math.factorial(k) for k in range(2, 10))
_SIGN, _REST, _LOWEST = np.int64(63), np.int64(2**63 - 1), np.int64(-(2**63))
#: so many are searched for the largest at once
BLOCK = 64


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _copy(logits: Floats, n: int, x: Floats) -> int:
    """One row as float64; returns how many are NaN or infinite."""
    bad = 0
    for k in range(x.shape[0]):
        v = np.float64(logits[n, k]) + 0.0  # of the two zeros, the one whose bits are 0
        x[k] = v
        bad += not abs(v) <= 1.7976931348623157e308
    return bad


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _key(bits: int) -> int:
    """A whole number for the bits of a float64, in the same order: whole numbers are compared four at a time."""
    key: int = np.int64(bits ^ ((bits >> _SIGN) & _REST))
    return key


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _highest(bits: NDArray[np.int64], first: int, last: int) -> int:
    key: int = _LOWEST
    for k in range(np.uint64(first), np.uint64(last)):
        key = max(key, _key(bits[k]))
    return key


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _top_two(
    x: Floats, bits: NDArray[np.int64], spare: Floats, spare_bits: NDArray[np.int64]
) -> tuple[int, float]:
    """Place of the first largest, and the second largest (itself if it is the only one). bits: the memory of x; spare,
    spare_bits: other memory, overwritten."""
    K = x.shape[0]
    key = _LOWEST
    block = 0
    second = _LOWEST
    for first in range(0, K, BLOCK):
        found = _highest(bits, first, min(first + BLOCK, K))
        if found > key:
            second = key
            key = found
            block = first
        else:
            second = max(second, found)
    top = block
    while _key(bits[top]) != key:
        top += 1
    last = min(block + BLOCK, K)
    second = max(second, _highest(bits, block, top), _highest(bits, top + 1, last))
    if K == 1:
        return top, x[top]
    spare_bits[0] = _key(second)  # its own inverse
    return top, spare[0]


@njit(**BARE, fastmath={"contract"})  # type: ignore[misc, unused-ignore]
def _twos(x: Floats, largest: float, rate: float, twos: Floats) -> None:
    """x ← (x − largest) · rate, not below _LEAST; twos: the nearest power of two's exponent, in the lowest bits."""
    for k in range(x.shape[0]):
        v = max((x[k] - largest) * rate, _LEAST)
        x[k] = v
        twos[k] = v * _LOG2E + _ROUND


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _scales(bits: NDArray[np.int64], scales: NDArray[np.int64]) -> None:
    """The powers of two themselves: their exponents, shifted to where a float64 has it."""
    for k in range(bits.shape[0]):
        scales[k] = (bits[k] + _ONE) << _EXPONENT


@njit(**BARE, fastmath={"contract"})  # type: ignore[misc, unused-ignore]
def _powers(x: Floats, twos: Floats, powers: Floats) -> None:
    """exp(x) in place of the powers of two. No call for each number, so that the compiler takes four at a time."""
    for k in range(x.shape[0]):
        n = twos[k] - _ROUND
        r = (x[k] - n * _LN2_HIGH) - n * _LN2_LOW
        p = _C8 + r * _C9
        p = _C7 + r * p
        p = _C6 + r * p
        p = _C5 + r * p
        p = _C4 + r * p
        p = _C3 + r * p
        p = _C2 + r * p
        powers[k] *= 1.0 + r * (1.0 + r * p)


@njit(**BARE, fastmath=FINITE)  # type: ignore[misc, unused-ignore]
def _totals(x: Floats, powers: Floats) -> tuple[float, float]:
    total = 0.0
    weighted = 0.0
    for k in range(x.shape[0]):
        total += powers[k]
        weighted += powers[k] * x[k]
    return total, weighted


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def classifier_features(logits: Floats, temperature: float, values: Floats, at: int) -> tuple[int, int]:
    """Softmax of each row; returns (top class of the first row or -1, how many logits are NaN or infinite).

    logits: (N, K) float32 or float64; temperature T: > 0, divides them; values[at:at + 5]: filled with
    OUTPUT_FEATURES, each the mean over the rows: the largest probability, the entropy in nat, how far the largest
    probability lies above the second (1 if there is no other class), the energy T · ln Σ exp(logit / T) (Liu et al.
    2020, without its minus), and the largest logit. The last two tell what softmax forgets: the size of the logits.
    Any NaN or infinite logit, or an empty answer, makes all NaN. Oracle: tests/naive.py.
    """
    scratch = np.empty(3 * logits.shape[1])
    found: tuple[int, int] = _classifier(logits, temperature, scratch, scratch.view(np.int64), values, at)
    return found


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _classifier(  # noqa: PLR0917 - a kernel takes numbers, not records
    logits: Floats, temperature: float, scratch: Floats, bits: NDArray[np.int64], values: Floats, at: int
) -> tuple[int, int]:
    """`classifier_features`. scratch: (3 K or more,), overwritten; bits: the same memory."""
    N, K = logits.shape
    for f in range(5):
        values[at + f] = np.nan
    x, twos, powers = scratch[:K], scratch[K : 2 * K], scratch[2 * K : 3 * K]
    x_bits, two_bits, power_bits = bits[:K], bits[K : 2 * K], bits[2 * K : 3 * K]
    bad = 0
    confidence = 0.0
    entropy = 0.0
    margin = 0.0
    energy = 0.0
    largest_sum = 0.0
    top_class = -1
    for n in range(N):
        bad += _copy(logits, n, x)
        if bad > 0 or K == 0:
            continue
        top, second = _top_two(x, x_bits, powers, power_bits)
        largest = x[top]
        if n == 0:
            top_class = top
        _twos(x, largest, 1.0 / temperature, twos)
        _scales(two_bits, power_bits)
        _powers(x, twos, powers)
        total, weighted = _totals(x, powers)
        confidence += 1.0 / total
        margin += (1.0 - (np.exp((second - largest) / temperature) if K > 1 else 0.0)) / total
        entropy += max(np.log(total) - weighted / total, 0.0)
        energy += largest + temperature * np.log(total)
        largest_sum += largest
    if bad > 0 or N == 0 or K == 0:
        return -1, bad
    values[at] = confidence / N
    values[at + 1] = entropy / N
    values[at + 2] = margin / N
    values[at + 3] = energy / N
    values[at + 4] = largest_sum / N
    return top_class, 0
