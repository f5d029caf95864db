"""An embedding in one pass: how far it lies from the commissioned ones, whereto, and what its like did just before.

Symbols: D dimensions of the embedding, K of its principal subspace, J random Fourier features.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE
from jidoka.monitor.kernels.detections import count_not_finite

#: dimensions of the principal subspace; a smaller one is filled up with zeros, so that the loops have fixed lengths
K = 16
#: random Fourier features
J = 64
#: what one record counts in the mean of the last ones: about 2/MEMORY of them are remembered
MEMORY = 1.0 / 32.0
#: so many records are seen before there is a direction to look into
FIRST = 32
#: principal axes whose coordinates are features of their own
AXES = 4
#: cos 2πt for |t| ≤ 1/2 as a polynomial in t² (Chebyshev fit); it errs by less than 1e-6
COSINE = (
    0.9999999890590222,
    -19.739204499453866,
    64.93911745989382,
    -85.45013953085417,
    60.16763095071325,
    -25.96759924755427,
    6.5286581599694715,
)
#: a coordinate this many standard deviations out is as far out as any
FARTHEST = 1e6

EMBEDDING_FEATURES: tuple[str, ...] = (
    "distance", "residual", "mean", "spread", *(f"axis{k + 1}" for k in range(AXES)), "direction", "witness",
)  # fmt: skip

_F4 = np.float32
_FAR = np.float32(FARTHEST)
_HALF = np.float32(0.5)
_C = tuple(np.float32(c) for c in COSINE)
#: sums may be added up in another order, so that they run in parallel; NaN stays NaN
_SUMS = {"reassoc", "contract", "nsz"}


@njit(**BARE, fastmath=_SUMS)  # type: ignore[misc, unused-ignore]
def embedding_features(  # noqa: PLR0917 - one call a record
    rows: NDArray[np.float32], basis: NDArray[np.float32], waves: NDArray[np.float32], terms: NDArray[np.float64],
    recent: NDArray[np.float64], u: NDArray[np.float32], sums: NDArray[np.float64], phi: NDArray[np.float32],
    values: NDArray[np.float64], at: int,
) -> int:  # fmt: skip
    """Features of one record's embeddings, as means over its rows; returns how many numbers are NaN or infinite.

    rows: (N, D). basis: (2 + K, D): mean and scale, u = (x - mean) scale, and K orthonormal axes, z = axes u; one of
    zeros is none. waves: (K + 1, J): frequencies, and phases in turns, φ = cos 2π(y frequencies + phases). terms:
    (K + 3 + J,): 1 / standard deviation along each axis, y = z terms; variance of each dimension beside the axes; mean
    and 1 / standard deviation of log(residual²); mean of φ at commissioning. recent: (K + 2 + J,): means of y, of the
    standardised log(residual²) and of φ over the last records, less what they were at commissioning, and how many
    records were seen: read, then updated. u: (D,), sums: (K + 1 + J,), phi: (J,): scratch.
    values[at:at + 10]: filled with EMBEDDING_FEATURES. All NaN, and nothing learned, for no row or if any number isn't
    finite; the last two NaN until FIRST records were seen.

    distance: √(Σ y² + residual² / variance), Mahalanobis' with a spiked covariance; residual: √(Σ u² - Σ z²); direction and
    witness: this record's part along the mean of those before it, in y and in φ: large where all move to one side.
    The witness is the kernel two-sample statistic's (Gretton et al. 2012, Rahimi & Recht 2007), predicted from the past
    (Shekhar & Ramdas 2021). Oracle: tests/naive.py.
    """
    N, D = rows.shape
    for f in range(AXES + 6):
        values[at + f] = np.nan
    if N == 0 or D != basis.shape[1]:
        return int(count_not_finite(rows.reshape(-1)))
    mean, scale, phases = basis[0], basis[1], waves[K]
    sums[:] = 0.0
    distance = 0.0
    residual = 0.0
    total = 0.0
    spread = 0.0
    for n in range(N):
        x = rows[n]
        sum1 = _F4(0.0)
        sum2 = _F4(0.0)
        nothing = _F4(0.0)
        for d in range(D):
            nothing += x[d] * _F4(0.0)
            now = min(max((x[d] - mean[d]) * scale[d], -_FAR), _FAR)
            u[d] = now
            sum1 += now
            sum2 += now * now
        if not nothing == _F4(0.0):
            return int(count_not_finite(rows.reshape(-1)))
        for j in range(J):
            phi[j] = phases[j]
        inside = 0.0
        square = 0.0
        for k in range(K):
            axis = basis[2 + k]
            z = _F4(0.0)
            for d in range(D):
                z += u[d] * axis[d]
            y = z * terms[k]
            inside += np.float64(z) * z
            square += y * y
            sums[k] += y
            row = waves[k]
            y4 = _F4(y)
            for j in range(J):
                phi[j] += y4 * row[j]
        outside = max(sum2 - inside, 1e-5 * sum2 + 1e-30)
        distance += np.sqrt(square + outside / terms[K])
        residual += np.sqrt(outside)
        sums[K] += (np.log(outside) - terms[K + 1]) * terms[K + 2]
        total += sum1 / D
        spread += np.sqrt(sum2 / D)
        for j in range(J):
            t = phi[j] - np.floor(phi[j] + _HALF)
            t *= t
            sums[K + 1 + j] += _C[0] + t * (
                _C[1] + t * (_C[2] + t * (_C[3] + t * (_C[4] + t * (_C[5] + t * _C[6]))))
            )
    values[at] = distance / N
    values[at + 1] = residual / N
    values[at + 2] = total / N
    values[at + 3] = spread / N
    for k in range(AXES):
        if terms[k] > 0.0:
            values[at + 4 + k] = sums[k] / N
    for j in range(J):
        sums[K + 1 + j] -= N * terms[K + 3 + j]
    seen = recent[K + 1 + J]
    for first, last, f in ((0, K + 1, AXES + 4), (K + 1, K + 1 + J, AXES + 5)):
        length = 0.0
        along = 0.0
        for i in range(first, last):
            now8 = sums[i] / N
            past = recent[i]
            length += past * past
            along += past * now8
            recent[i] = past + MEMORY * (now8 - past)
        if seen >= FIRST and length > 0.0:
            values[at + f] = along / np.sqrt(length)
    recent[K + 1 + J] = min(seen + 1.0, 1e9)
    return 0
