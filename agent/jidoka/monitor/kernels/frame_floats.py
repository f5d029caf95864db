"""Everything that is measured of a picture of floats, or of more channels than three: one pass, a row at a time."""

from __future__ import annotations

import numpy as np
from numba import int16, int32, njit, uint16, uint32, uint64
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE
from jidoka.monitor.kernels.frame import _S11, _S32, _1, _2, _3
from jidoka.monitor.kernels.frame_found import (
    BLUE,
    FINGERPRINT,
    GREEN,
    LEVELS,
    MEANS,
    MIX,
    NOISE_BINS,
    QUARTERS,
    RED,
    SPREAD,
    STDS,
    fill_tones,
    finish,
    noise_level,
)

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

#: grey levels are cut here, so that no square overflows however wrong the manifest's range is
LARGEST = np.float32(1e9)
#: sums may be reordered for speed; NaN and infinity keep their meaning
REORDER = {"reassoc", "contract"}


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _fill_weights(weights: NDArray[np.int16]) -> None:
    """A number for each column, the same on every machine: what the fingerprint is made with."""
    word = SPREAD
    for x in range(weights.shape[0]):
        word = uint64(word * MIX + SPREAD)
        weights[x] = int16(uint16(word >> np.uint64(48)))


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _split(pixels: Singles, at: int, W: int, C: int, planes: Singles) -> None:
    if C == 3:  # a stride that the compiler knows
        for x in range(uint64(W)):
            i = uint64(at) + x * _3
            planes[x] = pixels[i]
            planes[uint64(W) + x] = pixels[i + _1]
            planes[uint64(2 * W) + x] = pixels[i + _2]
        return
    for c in range(C):
        for x in range(W):
            planes[c * W + x] = pixels[at + x * C + c]


@njit(**BARE, fastmath=REORDER)  # type: ignore[misc, unused-ignore]
def _sums(pixels: Singles, at: int, W: int, pivot: float) -> tuple[float, float]:
    """Sum and sum of squares about the pivot: infinite or NaN if one of the numbers is."""
    total = 0.0
    squares = 0.0
    for x in range(uint64(W)):
        v = np.float64(pixels[uint64(at) + x]) - pivot
        total += v
        squares += v * v
    return total, squares


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _add(  # noqa: PLR0917 - a kernel takes numbers, not records
    pixels: Singles, at: int, W: int, weight: np.float32, luma: Singles, row: int
) -> None:
    for x in range(uint64(W)):
        luma[uint64(row) + x] += weight * pixels[uint64(at) + x]


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _level(  # noqa: PLR0917 - as above
    luma: Singles, row: int, W: int, scale: np.float32, offset: np.float32, bins: NDArray[np.int32]
) -> None:
    """Grey levels from the weighted sums, and each one's quarter from 0 to 1020."""
    for x in range(uint64(W)):
        v = scale * luma[uint64(row) + x] + offset
        v = min(max(v, -LARGEST), LARGEST)
        luma[uint64(row) + x] = v
        v = np.float32(QUARTERS) * v + np.float32(0.5)
        bins[x] = int32(min(max(v, np.float32(0.0)), np.float32(LEVELS - 1)))


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _count(bins: NDArray[np.int32], n: int, counts: NDArray[np.uint32]) -> None:
    for x in range(uint64(n)):
        counts[uint64(bins[x])] += uint32(1)


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _weigh(bits: NDArray[np.int32], at: int, W: int, weights: NDArray[np.int16]) -> int:
    total = int32(0)
    for x in range(uint64(W)):
        total = int32(total + int32(bits[uint64(at) + x] * int32(int32(weights[x]) | int32(1))))
    weighed: int = np.int64(total)
    return weighed


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _bend(  # noqa: PLR0917 - as above
    luma: Singles, above: int, row: int, below: int, W: int, bend: Singles
) -> None:
    for x in range(uint64(W)):
        v = luma[uint64(row) + x]
        bend[x] = (luma[uint64(above) + x] + luma[uint64(below) + x]) - (v + v)


@njit(**BARE, fastmath=REORDER)  # type: ignore[misc, unused-ignore]
def _laplacian(bend: Singles, luma: Singles, row: int, W: int) -> tuple[float, float]:
    total = 0.0
    squares = 0.0
    for x in range(uint64(W - 2)):
        i = uint64(row) + x
        v = np.float64(bend[x + _1] + (luma[i] + luma[i + _2] - np.float32(2.0) * luma[i + _1]))
        total += v
        squares += v * v
    return total, squares


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _mask(bend: Singles, W: int, bins: NDArray[np.int32]) -> None:
    for x in range(uint64(W - 2)):
        v = abs(bend[x] + bend[x + _2] - np.float32(2.0) * bend[x + _1])
        bins[x] = int32(min(v + np.float32(0.5), np.float32(NOISE_BINS - 1)))


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _count_bad(pixels: Singles, at: int, apart: int, W: int, C: int) -> int:
    """Pixels of a row of which a channel is NaN or infinite. apart: from a channel to the next."""
    bad = 0
    for x in range(W):
        for c in range(C):
            if not np.isfinite(pixels[at + x + c * apart]):
                bad += 1
                break
    return bad


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def frame_floats(  # noqa: PLR0917 - a kernel takes numbers, not records
    pixels: Singles, N: int, H: int, W: int, C: int, is_planar: bool, is_bgr: bool, scale: float, offset: float,
    found: Floats,
) -> int:  # fmt: skip
    """As `frame_bytes`, of float32 and any number of channels; returns how many pixels are NaN or infinite.

    Of 2 channels, or more than 3, luma is their mean, and there are no MEANS and STDS. Any pixel that isn't finite
    makes everything NaN. Oracle: tests/naive.py.
    """
    luma = np.zeros(3 * W, np.float32)
    one = np.empty(1)
    bad: int = _frame_floats(
        pixels, N, H, W, C, is_planar, is_bgr, scale, offset, found, np.empty(C * W, np.float32), luma, luma.view(np.int32),
        np.empty(W, np.float32), np.empty(W, np.int32), np.empty(W, np.int16), np.zeros(LEVELS, np.uint32),
        np.zeros((1, NOISE_BINS), np.uint32), np.zeros((C, 2)), np.full(C, np.float32(1.0 / C)), np.empty(C), one,
        one.view(np.uint64),
    )  # fmt: skip
    return bad


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _frame_floats(  # noqa: PLR0917 - as above
    pixels: Singles, N: int, H: int, W: int, C: int, is_planar: bool, is_bgr: bool, scale: float, offset: float,
    found: Floats, planes: Singles, luma: Singles, bits: NDArray[np.int32], bend: Singles, bins: NDArray[np.int32],
    weights: NDArray[np.int16], tones: NDArray[np.uint32], masked: NDArray[np.uint32], totals: Floats, shares: Singles,
    pivots: Floats, one: Floats, word: NDArray[np.uint64],
) -> int:  # fmt: skip
    plane = H * W
    _fill_weights(weights)
    if C == 3:
        shares[0] = np.float32((BLUE if is_bgr else RED) / 256.0)
        shares[1] = np.float32(GREEN / 256.0)
        shares[2] = np.float32((RED if is_bgr else BLUE) / 256.0)
    # sums are taken about the first pixel, which keeps the variance of a nearly flat picture exact
    for c in range(C):
        pivots[c] = pixels[c * (plane if is_planar else 1)]
    pivot = 0.0
    total = 0.0
    total2 = 0.0
    lap = 0.0
    lap2 = 0.0
    interior = 0
    sampled = 0
    bad = 0
    fingerprint = SPREAD
    for n in range(N):
        for y in range(H):
            row = y % 3 * W
            if is_planar or C == 1:
                source, at, apart = pixels, n * C * plane + y * W, plane
            else:
                _split(pixels, C * (n * plane + y * W), W, C, planes)
                source, at, apart = planes, 0, W
            check = 0.0
            for c in range(C):
                some, some2 = _sums(source, at + c * apart, W, pivots[c])
                totals[c, 0] += some
                totals[c, 1] += some2
                check += some
            if not np.isfinite(check):
                bad += _count_bad(source, at, apart, W, C)
            if bad > 0:
                # a pivot that isn't finite makes every row look bad: they're counted one by one
                continue
            luma[row : row + W] = np.float32(0.0)
            for c in range(C):
                _add(source, at + c * apart, W, shares[c], luma, row)
            _level(luma, row, W, np.float32(scale), np.float32(offset), bins)
            _count(bins, W, tones)
            if n == 0 and y == 0:
                pivot = np.float64(luma[0])
            some, some2 = _sums(luma, row, W, pivot)
            total += some
            total2 += some2
            fingerprint = uint64(fingerprint * MIX + uint64(_weigh(bits, row, W, weights)))
            if y < 2 or W < 3:
                continue
            middle = (y - 1) % 3 * W
            _bend(luma, (y - 2) % 3 * W, middle, row, W, bend)
            some, some2 = _laplacian(bend, luma, middle, W)
            lap += some
            lap2 += some2
            interior += W - 2
            if y % 2 == 0:
                _mask(bend, W, bins)
                _count(bins, W - 2, masked[0])
                sampled += W - 2
    if bad > 0:
        found[:] = np.nan
        return bad
    found[:] = 0.0
    count = N * plane
    fill_tones(tones, count, found)
    for c in range(3):
        found[MEANS + c] = np.nan
        found[STDS + c] = np.nan
        if c < C and C in (1, 3):
            place = 2 - c if is_bgr and C == 3 else c
            mean = totals[place, 0] / count
            spread = totals[place, 1] / count - mean * mean
            found[MEANS + c] = scale * (pivots[place] + mean) + offset
            found[STDS + c] = abs(scale) * np.sqrt(max(spread, 0.0))
    mean = total / count
    found[0] = pivot + mean
    found[1] = np.sqrt(max(total2 / count - mean * mean, 0.0))
    finish(found, C, 1.0, 0.0)
    found[2] = np.nan
    found[3] = np.nan
    if interior > 0:
        mean = lap / interior
        found[2] = max(lap2 / interior - mean * mean, 0.0)
        found[3] = noise_level(masked, sampled)
    # luma alone can't tell two colours apart: the channels' sums can
    for c in range(C):
        one[0] = totals[c, 0]
        fingerprint = uint64(fingerprint * MIX + word[0])
    found[FINGERPRINT] = np.float64(uint64(fingerprint ^ (fingerprint >> _S32)) >> _S11)
    return 0
