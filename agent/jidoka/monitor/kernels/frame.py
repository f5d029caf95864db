"""Brightness, contrast, sharpness and noise of a picture in one pass over its pixels."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FRAME_FEATURES: tuple[str, ...] = ("brightness", "contrast", "sharpness", "noise")

#: luma of red, green, blue (ITU-R BT.601)
RED, GREEN, BLUE = 0.299, 0.587, 0.114
#: |response| of the noise mask reaches 8 · 255 grey levels
NOISE_BINS = 2041
#: the mask 1 -2 1 / -2 4 -2 / 1 -2 1 multiplies the standard deviation by 6 (Immerkær 1996);
#: the median of |N(0, 1)| is 0.6745
NOISE_SCALE = 1.0 / (6.0 * 0.6744897501960817)


#: sums may be reordered for speed; NaN and infinity keep their meaning
REORDER = {"reassoc", "contract"}


@njit(nogil=True, cache=True, fastmath=REORDER)  # type: ignore[misc, unused-ignore]
def frame_features(frames: NDArray[np.float32], scale: float, offset: float, out: NDArray[np.float64]) -> int:
    """Features of a batch of pictures together; returns how many pixels are NaN or infinite.

    frames: (N, H, W, C) uint8 or float32, any strides, C = 1 (grey) or 3 (red, green, blue), other C: the mean;
    scale, offset: grey level = scale · pixel + offset, which puts the manifest's range on 0 to 255;
    out: (4,) float64, filled with FRAME_FEATURES: mean luma, its standard deviation, variance of the
    four-neighbour Laplacian, and noise as a standard deviation, from the median of |Immerkær's mask| over a
    histogram of whole grey levels (the median of edges is small: robust). Pictures below 3 × 3 have no sharpness
    and no noise (NaN). Any NaN or infinite pixel makes all of them NaN. Oracle: tests/naive.py.
    """
    N, H, W, C = frames.shape
    rows = np.zeros((3, W), np.float64)
    # unsigned: as an index it needs no look at its sign
    masks = np.zeros(W, np.uint32)
    histogram = np.zeros(NOISE_BINS, np.int64)
    total = 0.0
    total2 = 0.0
    lap = 0.0
    lap2 = 0.0
    interior = 0
    bad = 0
    # sums are taken about the first pixel, which keeps the variance of a nearly flat picture exact
    pivot = 0.0
    for n in range(N):
        for y in range(H):
            new = rows[y % 3]
            if C == 1:
                for x in range(W):
                    new[x] = frames[n, y, x, 0]
            elif C == 3:
                for x in range(W):
                    new[x] = RED * frames[n, y, x, 0] + GREEN * frames[n, y, x, 1] + BLUE * frames[n, y, x, 2]
            else:
                for x in range(W):
                    value = 0.0
                    for c in range(C):
                        value += frames[n, y, x, c]
                    new[x] = value / C
            row_total = 0.0
            row_total2 = 0.0
            if n == 0 and y == 0 and W > 0:
                pivot = scale * new[0] + offset
            for x in range(W):
                value = scale * new[x] + offset
                new[x] = value
                row_total += value - pivot
                row_total2 += (value - pivot) * (value - pivot)
            if not np.isfinite(row_total2):
                for x in range(W):
                    if not np.isfinite(new[x]):
                        bad += 1
                        new[x] = 0.0
                if not np.isfinite(pivot):
                    pivot = 0.0
                continue
            total += row_total
            total2 += row_total2
            if y < 2 or bad > 0:
                continue
            a = rows[(y - 2) % 3]
            b = rows[(y - 1) % 3]
            for x in range(1, W - 1):
                cross = a[x] + new[x] + b[x - 1] + b[x + 1]
                laplacian = cross - 4.0 * b[x]
                lap += laplacian
                lap2 += laplacian * laplacian
                corners = a[x - 1] + a[x + 1] + new[x - 1] + new[x + 1]
                mask = abs(corners - 2.0 * cross + 4.0 * b[x])
                masks[x] = np.int32(min(mask + 0.5, NOISE_BINS - 1.0))
            for x in range(1, W - 1):
                histogram[np.uint64(masks[x])] += 1
            interior += max(W - 2, 0)
    if bad > 0 or N * H * W == 0:
        out[:] = np.nan
        return bad
    pixels = N * H * W
    mean = total / pixels
    out[0] = pivot + mean
    out[1] = np.sqrt(max(total2 / pixels - mean * mean, 0.0))
    out[2] = np.nan
    out[3] = np.nan
    if interior > 0:
        mean = lap / interior
        out[2] = max(lap2 / interior - mean * mean, 0.0)
        half = 0.5 * interior
        below = 0
        for bin_ in range(NOISE_BINS):
            count = histogram[bin_]
            if below + count >= half:
                low = max(bin_ - 0.5, 0.0)
                out[3] = NOISE_SCALE * (low + (half - below) / count * (bin_ + 0.5 - low))
                break
            below += count
    return 0
