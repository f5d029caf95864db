"""Simulated lines for the slices' bench: when a gap is first seen, if one looks after every part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jidoka.monitor.slices.disparity import half_width
from numpy.typing import NDArray

#: parts that are simulated at once
PIECE = 10_000


def first_seen(rng: np.random.Generator, rates: Sequence[float], parts: int, alpha: float) -> int:
    """1-based part at which the confidence sequence of any slice leaves 0, 0 = never. rates: of each slice; every slice
    has as many parts as any other, on average; alpha: for each slice."""
    m = len(rates)
    by_slice, events = np.zeros(m), np.zeros(m)
    for begun in range(0, parts, PIECE):
        n, k = _piece(rng, rates, min(PIECE, parts - begun))
        n, k = n + by_slice, k + events
        every = np.arange(begun + 1.0, begun + len(n) + 1.0)[:, None]
        all_k = k.sum(axis=1, keepdims=True)
        width = half_width(all_k, every, n, alpha)
        with np.errstate(invalid="ignore", divide="ignore"):
            seen = (np.abs(k / n - (all_k - k) / (every - n)) > width).any(axis=1)
        if seen.any():
            return begun + int(seen.argmax()) + 1
        by_slice, events = n[-1], k[-1]
    return 0


def wald_seen(rng: np.random.Generator, rates: Sequence[float], parts: int, each: int) -> bool:
    """Would a plain 95 % interval of each slice against the rest, read again every `each` parts, ever tell a gap?"""
    n, k = _piece(rng, rates, parts)
    n, k = n[each - 1 :: each], k[each - 1 :: each]
    rest_n, rest_k = n.sum(axis=1, keepdims=True) - n, k.sum(axis=1, keepdims=True) - k
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = k / n, rest_k / rest_n
        error = np.sqrt(p * (1 - p) / n + q * (1 - q) / rest_n)
        return bool((np.abs(p - q) > 1.959964 * error).any())


def _piece(
    rng: np.random.Generator, rates: Sequence[float], parts: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(parts, events) of each slice after each part, (parts, slices)."""
    where = rng.integers(0, len(rates), parts)
    is_event = rng.random(parts) < np.asarray(rates)[where]
    n = (where[:, None] == np.arange(len(rates))).astype(np.float64)
    k = n * is_event[:, None]
    return n.cumsum(axis=0), k.cumsum(axis=0)
