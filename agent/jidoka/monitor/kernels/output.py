"""Top-1 confidence and entropy of a classifier's answer, in one call for an inference."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

OUTPUT_FEATURES: tuple[str, ...] = ("top1_confidence", "entropy")


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def classifier_features(
    logits: NDArray[np.float64], temperature: float, out: NDArray[np.float64]
) -> tuple[int, int]:
    """Softmax of each row; returns (top class of the first row or -1, how many logits are NaN or infinite).

    logits: (N, K) float32 or float64; temperature: > 0, divides them; out: (2,) float64, filled with OUTPUT_FEATURES, each
    the mean over the rows: the largest probability, and the entropy in nat. Any NaN or infinite logit, or an
    empty answer, makes both NaN. Oracle: tests/naive.py.
    """
    N, K = logits.shape
    bad = 0
    for n in range(N):
        for k in range(K):
            if not np.isfinite(logits[n, k]):
                bad += 1
    out[:] = np.nan
    if bad > 0 or N == 0 or K == 0:
        return -1, bad
    confidence = 0.0
    entropy = 0.0
    top_class = -1
    for n in range(N):
        top = 0
        for k in range(1, K):
            if logits[n, k] > logits[n, top]:
                top = k
        if n == 0:
            top_class = top
        largest = np.float64(logits[n, top])
        total = 0.0
        weighted = 0.0
        for k in range(K):
            shifted = (np.float64(logits[n, k]) - largest) / temperature
            weight = np.exp(shifted)
            total += weight
            if weight > 0.0:
                weighted += weight * shifted
        confidence += 1.0 / total
        entropy += max(np.log(total) - weighted / total, 0.0)
    out[0] = confidence / N
    out[1] = entropy / N
    return top_class, 0
