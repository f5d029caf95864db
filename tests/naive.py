"""Naive twins of the numba kernels: plain numpy and scipy, slow, written from the definitions."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

SHIFTS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)


def frame_features(frames: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> tuple[np.ndarray, int]:
    """(brightness, contrast, sharpness, noise) of (N, H, W, C) pictures, and how many pixels aren't finite."""
    pixels = frames.astype(np.float64)
    channels = pixels.shape[-1]
    weights = {1: [1.0], 3: [0.299, 0.587, 0.114]}.get(channels, [1.0 / channels] * channels)
    luma = scale * sum(weight * pixels[..., c] for c, weight in enumerate(weights)) + offset
    bad = int((~np.isfinite(luma)).sum())
    if bad or luma.size == 0:
        return np.full(4, np.nan), bad
    sharpness = noise = np.nan
    if min(luma.shape[1:]) >= 3:
        m = luma[:, 1:-1, 1:-1]
        cross = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
        corners = luma[:, :-2, :-2] + luma[:, :-2, 2:] + luma[:, 2:, :-2] + luma[:, 2:, 2:]
        sharpness = (cross - 4 * m).var()
        noise = grouped_median(np.abs(corners - 2 * cross + 4 * m)) / (6 * stats.norm.ppf(0.75))
    return np.array([luma.mean(), luma.std(), sharpness, noise]), 0


def grouped_median(values: np.ndarray) -> float:
    """Median of values rounded to whole numbers, interpolated within its class (half a class at zero)."""
    counts = np.bincount(np.minimum((values + 0.5).astype(int).ravel(), 2040))
    ends = counts.cumsum()
    k = int(np.argmax(ends >= values.size / 2))
    low, high = max(k - 0.5, 0.0), k + 0.5
    return low + (values.size / 2 - (ends[k] - counts[k])) / counts[k] * (high - low)


def classifier_features(logits: np.ndarray, temperature: float = 1.0) -> tuple[np.ndarray, int, int]:
    """(top-1 confidence, entropy), top class of the first row, how many logits aren't finite."""
    bad = int((~np.isfinite(logits)).sum())
    if bad or logits.size == 0:
        return np.full(2, np.nan), -1, bad
    p = special.softmax(logits / temperature, axis=1)
    return np.array([p.max(axis=1).mean(), stats.entropy(p, axis=1).mean()]), int(logits[0].argmax()), 0


def tail_bounds(n: int, alpha: float) -> np.ndarray:
    k = np.arange(n)
    return np.append(special.betaincinv(k + 1.0, n - k.astype(float), 1 - alpha), 1.0)


def scores(x: float, reference: np.ndarray, bounds: np.ndarray, u: float) -> tuple[float, float, float]:
    """(up, down, plain) normal scores of one value, from the definitions of the p-values."""
    n = reference.size
    above, same, below = (reference > x).sum(), (reference == x).sum(), (reference < x).sum()
    up = (1 - u) * bounds[above] + u * bounds[above + same]
    down = u * bounds[below] + (1 - u) * bounds[below + same]
    plain = (below + (1 - u) * (same + 1)) / (n + 1)
    return stats.norm.isf(up), stats.norm.isf(down), stats.norm.ppf(plain)


def shiryaev_roberts(z: np.ndarray) -> list[float]:
    """The mean statistic after each record of z, (T, F, 3): the sum over every start of every bet's product."""
    means = []
    for t in range(1, len(z) + 1):
        total = 0.0
        for f in range(z.shape[1]):
            for side in (0, 1):
                for d in SHIFTS:
                    gains = np.exp(d * z[:t, f, side] - d * d / 2)
                    total += sum(np.prod(gains[start:]) for start in range(t))
        means.append(total / (14 * z.shape[1]))
    return means
