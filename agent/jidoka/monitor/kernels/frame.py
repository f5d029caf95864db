"""Everything that is measured of a picture of bytes: one pass, integers only, a band of rows at a time.

Grey levels are counted in quarters (`QUARTERS`), so that the Laplacian and the noise mask of any picture fit 16 bits
and a band's worth of them fits the first cache. The loops are short and do one thing each, over unsigned indices: the
compiler turns each into vector instructions, which it does not for one long loop. A band is as many rows as come to
`BAND` pixels, laid end to end, so that a narrow picture doesn't pay for a loop's beginning and end in each of its rows.
"""

from __future__ import annotations

import numpy as np
from numba import int16, int32, njit, uint16, uint32, uint64
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE
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
    Bytes,
    Tables,
    Words,
    add_tables,
    fill_tones,
    finish,
    noise_level,
)

#: squares of bytes of a wider row overflow 32 bits
WIDEST = 32768
#: pixels of a band, or a row if that is wider: few enough for the first cache and for squares of bytes in 32 bits
BAND = 4096
#: so many squares of a Laplacian in quarters fit 32 bits
LAPLACIANS = 128
#: neighbouring pixels are counted in different tables: the same grey level twice needn't wait for itself
TABLES = 4

_1, _2, _3 = (np.uint64(n) for n in (1, 2, 3))
_16 = np.uint64(0xFFFF)
_S16, _S32, _S48, _S11 = (np.uint64(n) for n in (16, 32, 48, 11))


def _weights() -> NDArray[np.int16]:
    """A number for each pixel of a band, the same on every machine: what the fingerprint is made with."""
    word, found = int(SPREAD), []
    for _ in range(BAND):
        word = (word * int(MIX) + int(SPREAD)) % 2**64
        found.append(word >> 48)
    return np.array(found, np.uint16).view(np.int16)


_WEIGHTS = _weights()


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _split(  # noqa: PLR0917 - a kernel takes numbers, not records
    pixels: Bytes, at: int, W: int, planes: Bytes, r: int, g: int, b: int
) -> None:
    for x in range(uint64(W)):
        i = uint64(at) + x * _3
        planes[uint64(r) + x] = pixels[i]
        planes[uint64(g) + x] = pixels[i + _1]
        planes[uint64(b) + x] = pixels[i + _2]


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _sums(plane: Bytes, at: int, W: int) -> tuple[int, int]:
    total = int32(0)
    squares = int32(0)
    for x in range(uint64(at), uint64(at + W)):
        v = int32(plane[x])
        total = int32(total + v)
        squares = int32(squares + int32(v * v))
    return np.int64(total), np.int64(squares)


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _luma(  # noqa: PLR0917 - as above
    planes: Bytes, r: int, g: int, b: int, W: int, luma: Words, at: int
) -> None:
    for x in range(uint64(W)):
        v = uint16(
            uint16(uint16(RED) * planes[uint64(r) + x]) + uint16(uint16(GREEN) * planes[uint64(g) + x])
        )
        v = uint16(v + uint16(uint16(uint16(BLUE) * planes[uint64(b) + x]) + uint16(32)))
        luma[uint64(at) + x] = int16(v >> uint16(6))


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _grey(plane: Bytes, first: int, W: int, luma: Words, at: int) -> None:
    for x in range(uint64(W)):
        luma[uint64(at) + x] = int16(int16(plane[uint64(first) + x]) << int16(2))


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _weigh(luma: Words, at: int, n: int) -> int:
    total = int32(0)
    for x in range(uint64(n)):
        total = int32(total + int32(int32(luma[uint64(at) + x]) * int32(_WEIGHTS[x])))
    weighed: int = np.int64(total)
    return weighed


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _bend(  # noqa: PLR0917 - as above
    luma: Words, above: int, row: int, below: int, W: int, bend: Words
) -> None:
    """Second difference downwards."""
    for x in range(uint64(W)):
        v = luma[uint64(row) + x]
        bend[x] = int16(int16(luma[uint64(above) + x] + luma[uint64(below) + x]) - int16(v + v))


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _carry(luma: Words, source: int, n: int, target: int) -> None:
    """Forwards to an earlier place; a slice would be copied aside first."""
    for x in range(uint64(n)):
        luma[uint64(target) + x] = luma[uint64(source) + x]


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _mask(bend: Words, row: int, n: int, masks: Words, at: int) -> None:
    """n of |Immerkær's mask| in whole grey levels: the second difference across of that downwards."""
    for x in range(uint64(n)):
        i = uint64(row) + x
        v = int16(int16(bend[i] + bend[i + _2]) - int16(bend[i + _1] + bend[i + _1]))
        v = max(v, int16(-v))
        masks[uint64(at) + x] = int16(v + int16(2)) >> int16(2)


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _laplacian(bend: Words, luma: Words, row: int, n: int) -> tuple[int, int]:
    """Sum and sum of squares of n Laplacians: the second difference downwards and that across."""
    total = np.int64(0)
    squares = np.int64(0)
    for first in range(0, n, LAPLACIANS):
        some = int32(0)
        some2 = int32(0)
        for x in range(uint64(first), uint64(min(first + LAPLACIANS, n))):
            i = uint64(row) + x
            across = int16(int16(luma[i] + luma[i + _2]) - int16(luma[i + _1] + luma[i + _1]))
            v = int32(int16(bend[x + _1] + across))
            some = int32(some + v)
            some2 = int32(some2 + int32(v * v))
        total += np.int64(some)
        squares += np.int64(some2)
    return total, squares


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _ends(bend: Words, luma: Words, row: int, W: int, rows: int) -> tuple[int, int]:
    """What `_laplacian` over rows laid end to end sums up too much: two at the end of each but the last, across the edge."""
    total = np.int64(0)
    squares = np.int64(0)
    for y in range(1, rows):
        for x in range(uint64(y * W - 2), uint64(y * W)):
            i = uint64(row) + x
            across = int16(int16(luma[i] + luma[i + _2]) - int16(luma[i + _1] + luma[i + _1]))
            v = np.int64(int16(bend[x + _1] + across))
            total += v
            squares += v * v
    return total, squares


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _count(row: Words, fours: NDArray[np.uint64], at: int, n: int, tables: Tables) -> None:
    """Each of n values of `row` from `at` on, a multiple of 4. fours: the same memory, four values a word."""
    for i in range(uint64(at // 4), uint64((at + n) // 4)):
        word = fours[i]
        tables[0, word & _16] += uint32(1)
        tables[1, (word >> _S16) & _16] += uint32(1)
        tables[2, (word >> _S32) & _16] += uint32(1)
        tables[3, word >> _S48] += uint32(1)
    for x in range(uint64(at + n - n % 4), uint64(at + n)):
        tables[0, uint64(row[x])] += uint32(1)


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _count_masks(row: Words, fours: NDArray[np.uint64], n: int, tables: Tables) -> None:
    """`_count` of masks, into two tables: neighbouring ones are seldom alike, and two are cleared and added up sooner."""
    for i in range(uint64(n // 4)):
        word = fours[i]
        tables[0, word & _16] += uint32(1)
        tables[1, (word >> _S16) & _16] += uint32(1)
        tables[0, (word >> _S32) & _16] += uint32(1)
        tables[1, word >> _S48] += uint32(1)
    for x in range(uint64(n - n % 4), uint64(n)):
        tables[0, uint64(row[x])] += uint32(1)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def frame_bytes(  # noqa: PLR0917 - a kernel takes numbers, not records
    pixels: Bytes, N: int, H: int, W: int, C: int, is_planar: bool, is_bgr: bool, scale: float, offset: float,
    found: NDArray[np.float64],
) -> int:  # fmt: skip
    """Everything about a batch of N pictures together; returns 0: no byte is NaN.

    pixels: (N·H·W·C,) uint8 in memory order, C = 1 (grey) or 3, at least one and W ≤ WIDEST; is_planar: channels
    before rows; is_bgr: blue first; scale, offset: grey level = scale · pixel + offset;
    found: (FOUND,) float64, filled with FRAME_FEATURES: mean luma and its standard deviation, variance of the
    four-neighbour Laplacian, noise as a standard deviation, from the median of |Immerkær's mask| over every second
    row (edges are few: robust), mean chroma (NaN if grey); INFORMING: shares of the pixels at the lowest and the
    highest grey level, entropy in nat of the tones; then MEANS and STDS of red, green, blue (of grey: the first), FINGERPRINT (a
    whole number below 2^53 that two pictures in a row share only if they are the same) and HISTOGRAM.
    Pictures below 3 × 3 have no sharpness and no noise (NaN). Oracle: tests/naive.py.
    """
    band = max(BAND // W, 1)
    # the last two rows of the band before lie in front of the band's, which begins at a multiple of 4
    begin = (2 * W + 3) // 4 * 4
    luma = np.empty((begin + band * W + 3) // 4 * 4, np.int16)
    fours = luma.view(np.uint64)
    masks = np.empty(((band // 2 + 1) * W + 3) // 4 * 4, np.int16)
    masked_fours = masks.view(np.uint64)
    bend = np.empty((band + 1) * W, np.int16)
    planes = np.empty(3 * band * W if C == 3 and not is_planar else 0, np.uint8)
    bad: int = _frame_bytes(
        pixels, N, H, W, C, is_planar, is_bgr, scale, offset, found, luma, fours, masks, masked_fours, bend, planes,
        np.zeros((TABLES, LEVELS), np.uint32), np.zeros((2, NOISE_BINS), np.uint32), np.zeros(6, np.int64),
    )  # fmt: skip
    return bad


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _frame_bytes(  # noqa: PLR0917 - as above
    pixels: Bytes, N: int, H: int, W: int, C: int, is_planar: bool, is_bgr: bool, scale: float, offset: float,
    found: NDArray[np.float64], luma: Words, fours: NDArray[np.uint64], masks: Words, masked_fours: NDArray[np.uint64],
    bend: Words, planes: Bytes, tones: Tables, masked: Tables, totals: NDArray[np.int64],
) -> int:  # fmt: skip
    band = max(BAND // W, 1)
    begin = (2 * W + 3) // 4 * 4
    lap = 0
    lap2 = 0
    interior = 0
    sampled = 0
    fingerprint = SPREAD
    plane = H * W
    red, blue = (2, 0) if is_bgr else (0, 2)
    for n in range(N):
        for first in range(0, H, band):
            rows = min(band, H - first)
            size = rows * W
            if C == 1:
                at = n * plane + first * W
                total, squares = _sums(pixels, at, size)
                totals[0] += total
                totals[3] += squares
                _grey(pixels, at, size, luma, begin)
            elif is_planar:
                at = n * 3 * plane + first * W
                for c in range(3):
                    total, squares = _sums(pixels, at + c * plane, size)
                    totals[c] += total
                    totals[3 + c] += squares
                _luma(pixels, at + red * plane, at + plane, at + blue * plane, size, luma, begin)
            else:
                _split(pixels, 3 * (n * plane + first * W), size, planes, 0, size, 2 * size)
                for c in range(3):
                    total, squares = _sums(planes, c * size, size)
                    totals[c] += total
                    totals[3 + c] += squares
                _luma(planes, red * size, size, blue * size, size, luma, begin)
            _count(luma, fours, begin, size, tones)
            for some in range(0, size, BAND):
                weighed = _weigh(luma, begin + some, min(BAND, size - some))
                fingerprint = uint64(fingerprint * MIX + uint64(weighed))
            # rows that have one above and one below by now, and hadn't before
            y = max(1, first - 1)
            middle = begin + (y - first) * W
            middles = first + rows - 1 - y if W > 2 else 0
            if middles > 0:
                _bend(luma, middle - W, middle, middle + W, middles * W, bend)
                total, squares = _laplacian(bend, luma, middle, middles * W - 2)
                lap += total
                lap2 += squares
                total, squares = _ends(bend, luma, middle, W, middles)
                lap -= total
                lap2 -= squares
                interior += middles * (W - 2)
                count = 0
                for j in range(1 - y % 2, middles, 2):  # every second row: the odd ones
                    _mask(bend, j * W, W - 2, masks, count)
                    count += W - 2
                _count_masks(masks, masked_fours, count, masked)
                sampled += count
            _carry(luma, begin + size - 2 * W, 2 * W, begin - 2 * W)
    add_tables(tones)
    found[:] = 0.0
    count = N * plane
    fill_tones(tones[0], count, found)
    for c in range(3):
        place = c if C == 1 else (red, 1, blue)[c]
        mean = totals[place] / count
        spread = totals[3 + place] / count - mean * mean
        found[MEANS + c] = scale * mean + offset if c < C else np.nan
        found[STDS + c] = abs(scale) * np.sqrt(max(spread, 0.0)) if c < C else np.nan
        fingerprint = uint64(fingerprint * MIX + uint64(totals[c]))
        fingerprint = uint64(fingerprint * MIX + uint64(totals[3 + c]))
    finish(found, C, scale, offset)
    found[2] = np.nan
    found[3] = np.nan
    if interior > 0:
        mean = lap / interior
        found[2] = scale * scale * max(lap2 / interior - mean * mean, 0.0) / (QUARTERS * QUARTERS)
        found[3] = abs(scale) * noise_level(masked, sampled)
    found[FINGERPRINT] = np.float64(uint64(fingerprint ^ (fingerprint >> _S32)) >> _S11)
    return 0
