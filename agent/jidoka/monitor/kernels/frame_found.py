"""What of a picture is found, where it stands, and what the counted grey levels tell: the same for bytes and for floats."""

from __future__ import annotations

import numpy as np
from numba import int32, njit, uint32, uint64
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE

#: what drifts of any picture, and besides of one with colour: mean chroma (ITU-R BT.601 Cb and Cr about 0)
GREY_FEATURES: tuple[str, ...] = ("brightness", "contrast", "sharpness", "noise")
FRAME_FEATURES: tuple[str, ...] = (*GREY_FEATURES, "colour_blue", "colour_red")
#: what only informs: each stream more would cost the others sensitivity, and these found nothing sooner
INFORMING: tuple[str, ...] = ("dark_share", "bright_share", "tone_entropy")
#: bins of the luma histogram, each four grey levels wide
TONES = 64
#: places in what the kernels fill: features, INFORMING, mean and standard deviation of each channel, the fingerprint, the
#: share of the pixels in each of TONES
BLUE_AT, RED_AT, DARK_AT, BRIGHT_AT, ENTROPY_AT = 4, 5, 6, 7, 8
MEANS = len(FRAME_FEATURES) + len(INFORMING)
STDS, FINGERPRINT, HISTOGRAM = MEANS + 3, MEANS + 6, MEANS + 7
FOUND = HISTOGRAM + TONES

#: luma of red, green, blue, in 256ths (ITU-R BT.601)
RED, GREEN, BLUE = 77, 150, 29
#: parts of a grey level
QUARTERS = 4
LEVELS = 255 * QUARTERS + 1
#: chroma: (blue − luma) · CB and (red − luma) · CR reach ±127.5 (ITU-R BT.601)
CB, CR = 0.5 / 0.886, 0.5 / 0.701
#: |response| of the noise mask reaches 8 · 255 grey levels
NOISE_BINS = 2041
#: the mask 1 -2 1 / -2 4 -2 / 1 -2 1 multiplies the standard deviation by 6 (Immerkær 1996);
#: the median of |N(0, 1)| is 0.6745
NOISE_SCALE = 1.0 / (6.0 * 0.6744897501960817)
#: multipliers of the fingerprint (Knuth's MMIX and golden ratio)
MIX, SPREAD = np.uint64(6364136223846793005), np.uint64(0x9E3779B97F4A7C15)
_SIXTEEN = np.uint64(16)

Bytes = NDArray[np.uint8]
Words = NDArray[np.int16]
Tables = NDArray[np.uint32]


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def add_tables(tables: Tables) -> None:
    """All tables into the first."""
    for i in range(np.uint64(tables.shape[1])):
        tables[0, i] += tables[1, i] + tables[2, i] + tables[3, i]


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def noise_level(counts: Tables, interior: int) -> float:
    """Median of the values counted in whole numbers, spread over its class, as a standard deviation.

    counts: (T, NOISE_BINS), added up; interior: how many, > 0.
    """
    half = 0.5 * interior
    below = 0
    for bin_ in range(NOISE_BINS):
        count = 0
        for t in range(counts.shape[0]):
            count += np.int64(counts[t, bin_])
        if below + count >= half:
            low = max(bin_ - 0.5, 0.0)
            level: float = NOISE_SCALE * (low + (half - below) / count * (bin_ + 0.5 - low))
            return level
        below += count
    return np.nan


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def tone_entropy(found: NDArray[np.float64]) -> float:
    """Entropy in nat of the shares in found[HISTOGRAM:]."""
    entropy = 0.0
    for t in range(TONES):
        share = found[HISTOGRAM + t]
        if share > 0.0:
            entropy -= share * np.log(share)
    return entropy


@njit(**BARE, fastmath={"reassoc"})  # type: ignore[misc, unused-ignore]
def _sum_levels(counts: Tables) -> tuple[float, float]:
    """Sum and sum of squares of what was counted, in quarters: whole numbers, exact below 2^53 in any order."""
    total = 0.0
    squares = 0.0
    for q in range(uint64(LEVELS)):
        level = np.float64(int32(q))
        some = np.float64(int32(counts[q])) * level
        total += some
        squares += some * level
    return total, squares


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def fill_tones(counts: Tables, pixels: int, found: NDArray[np.float64]) -> None:
    """Everything that the luma histogram in quarters of a level tells. found: zeros."""
    mean, squares = _sum_levels(counts)
    # a tone is four levels, each rounded from four quarters
    rate = 1.0 / pixels
    for t in range(1, TONES - 1):
        total = uint32(0)
        for i in range(_SIXTEEN):
            total = uint32(total + counts[uint64(16 * t - 2) + i])
        found[HISTOGRAM + t] = rate * np.float64(total)
    lowest = 0
    highest = 0
    for i in range(14):
        lowest += np.int64(counts[i])
    for i in range(LEVELS - 15, LEVELS):
        highest += np.int64(counts[i])
    found[HISTOGRAM] = rate * lowest
    found[HISTOGRAM + TONES - 1] = rate * highest
    found[0] = mean / pixels / QUARTERS
    found[1] = np.sqrt(max(squares / pixels - (mean / pixels) * (mean / pixels), 0.0)) / QUARTERS
    found[DARK_AT] = (np.int64(counts[0]) + np.int64(counts[1])) / pixels
    bright = np.int64(counts[LEVELS - 1]) + np.int64(counts[LEVELS - 2]) + np.int64(counts[LEVELS - 3])
    found[BRIGHT_AT] = bright / pixels
    found[ENTROPY_AT] = tone_entropy(found)


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def finish(found: NDArray[np.float64], C: int, scale: float, offset: float) -> None:
    """Brightness from the channels' exact means, where there are three, and the chroma."""
    found[1] *= abs(scale)
    if C == 3:
        r = found[MEANS]
        g = found[MEANS + 1]
        b = found[MEANS + 2]
        found[0] = (RED * r + GREEN * g + BLUE * b) / 256.0
        # as differences, so that a picture without any colour has exactly none
        found[BLUE_AT] = CB * (RED * (b - r) + GREEN * (b - g)) / 256.0
        found[RED_AT] = CR * (GREEN * (r - g) + BLUE * (r - b)) / 256.0
    else:
        found[0] = scale * found[0] + offset
        found[BLUE_AT] = np.nan
        found[RED_AT] = np.nan
