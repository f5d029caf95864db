"""What commissioned embeddings look like: mean, principal subspace, shrunk covariance, random Fourier features."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels.embedding import J, K

Floats = NDArray[np.float64]

#: fewer embeddings than this aren't fitted
FEWEST = 50
#: more than so many, or so many numbers in all, aren't kept to fit: evenly spread ones are
MOST, MOST_NUMBERS = 4000, 16_000_000
#: a dimension that hardly moved is scaled as if it moved this share of what they do on average
_QUIETEST = 0.1
_SEED = 1
_PAIRS = 4000


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted reference of embeddings with D dimensions, as kernels/embedding.py takes it.

    basis: (2 + K, D) float32; waves: (K + 1, J) float32; terms: (K + 3 + J,) float64.
    """

    basis: NDArray[np.float32]
    waves: NDArray[np.float32]
    terms: Floats

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self.basis.shape[1])

    def encode(self) -> bytes:
        """Basis, waves and terms, little-endian."""
        return b"".join(
            np.ascontiguousarray(part, kind).tobytes()
            for part, kind in ((self.basis, "<f4"), (self.waves, "<f4"), (self.terms, "<f8"))
        )


def decode(data: bytes, at: int, dimensions: int) -> tuple[Fit, int]:
    """The fit of `dimensions` whose bytes begin at `at`, and where they end. Raises ValueError: cut off, not finite."""
    parts = []
    for shape, kind in (((2 + K, dimensions), "<f4"), ((K + 1, J), "<f4"), ((K + 3 + J,), "<f8")):
        count = math.prod(shape)
        numbers = np.frombuffer(data, kind, count, at).reshape(shape)
        if not np.isfinite(numbers).all():
            raise ValueError("the fit of an embedding isn't finite")
        parts.append(np.array(numbers, numbers.dtype.newbyteorder("="), order="C"))
        at += count * numbers.itemsize
    return Fit(*parts), at


def fit(embeddings: NDArray[np.float32], seed: int = _SEED) -> Fit:
    """The fit of (n, D) embeddings, n ≥ FEWEST, D ≥ 2, all finite; the same ones always give the same fit.

    Dimensions are standardised; the covariance is shrunk towards a multiple of the identity (Ledoit & Wolf 2004), its
    K largest axes are kept, and the others share one variance (Tipping & Bishop 1999). The Fourier features are those
    of a Gaussian kernel as wide as the median distance. Raises ValueError for too few.
    """
    x = np.asarray(embeddings, np.float64)
    n, dimensions = x.shape
    if n < FEWEST or dimensions < 2:
        raise ValueError(f"{n} embeddings of {dimensions} numbers can't be fitted")
    mean, sd = x.mean(axis=0), x.std(axis=0)
    sd = np.maximum(sd, _QUIETEST * math.sqrt(float((sd**2).mean())))
    scale = np.divide(1.0, sd, out=np.ones(dimensions), where=sd > 0.0)
    u = (x - mean) * scale
    variances, axes = _axes(u, min(K, dimensions // 2, n // 10))
    shrunk, rest = _shrunk(u, variances)
    widths = np.zeros(K)
    widths[: len(shrunk)] = 1.0 / np.sqrt(shrunk)
    basis = np.zeros((2 + K, dimensions), np.float32)
    basis[0], basis[1], basis[2 : 2 + len(axes)] = mean, scale, axes
    # what the kernel will compute of these, in its own precision
    u = (x.astype(np.float32) - basis[0]) * basis[1]
    z = u.astype(np.float64) @ basis[2:].T
    y = z * widths
    outside = np.maximum((u.astype(np.float64) ** 2).sum(axis=1) - (z**2).sum(axis=1), 1e-30)
    logs = np.log(np.maximum(outside, 1e-5 * (u**2).sum(axis=1) + 1e-30))
    rng = np.random.default_rng(seed)
    waves = np.zeros((K + 1, J), np.float32)
    waves[:K] = rng.standard_normal((K, J)) / (2.0 * math.pi * _median_distance(y, rng))
    waves[K] = rng.random(J)
    phi = np.cos(2.0 * math.pi * (y @ waves[:K] + waves[K]))
    log_sd = float(logs.std())
    terms = np.concatenate(
        [widths, [rest, float(logs.mean()), 1.0 / log_sd if log_sd > 1e-6 else 0.0], phi.mean(axis=0)]
    )
    return Fit(basis, waves, terms)


def _axes(u: Floats, count: int) -> tuple[Floats, Floats]:
    """The `count` largest variances and their axes, (count, D), each turned so that its largest entry is positive."""
    n, dimensions = u.shape
    if dimensions <= n:
        found, vectors = np.linalg.eigh(u.T @ u / n)
        vectors = vectors.T
    else:  # the smaller of the two matrices has the same variances
        found, left = np.linalg.eigh(u @ u.T / n)
        vectors = left.T @ u
    order = np.argsort(found)[::-1][:count]
    order = order[found[order] > 1e-9 * max(float(found.max()), 1e-30)]
    axes = vectors[order] / np.linalg.norm(vectors[order], axis=1, keepdims=True)
    largest = np.abs(axes).argmax(axis=1)
    return found[order], axes * np.sign(axes[np.arange(len(axes)), largest])[:, None]


def shrinkage(u: Floats) -> float:
    """How far the covariance of (n, D) centred numbers is moved to a multiple of the identity, 0 to 1.

    Source: Ledoit & Wolf 2004, lemma 3.2 and after it; without a D × D matrix where n is smaller. Oracle: tests/naive.py.
    """
    n, dimensions = u.shape
    gram = u @ u.T / n if n < dimensions else u.T @ u / n
    square = float((gram**2).sum())
    away = square - float((u**2).sum() / n) ** 2 / dimensions
    noise = (float(((u**2).sum(axis=1) ** 2).sum()) / n - square) / n
    return min(1.0, max(0.0, noise / away)) if away > 0.0 else 1.0


def _shrunk(u: Floats, variances: Floats) -> tuple[Floats, float]:
    """The variances along the axes, and of each dimension beside them, both shrunk."""
    n, dimensions = u.shape
    total = float((u**2).sum() / n)
    rho, average = shrinkage(u), total / dimensions
    rest = max(total - float(variances.sum()), 0.0) / (dimensions - len(variances))
    floor = 1e-6 * max(average, 1e-30)
    return np.maximum((1.0 - rho) * variances + rho * average, floor), max(
        (1.0 - rho) * rest + rho * average, floor
    )


def _median_distance(y: Floats, rng: np.random.Generator) -> float:
    pairs = rng.integers(0, len(y), (2, _PAIRS))
    distances = np.linalg.norm(y[pairs[0]] - y[pairs[1]], axis=1)
    found = float(np.median(distances[pairs[0] != pairs[1]]))
    return found if found > 1e-6 else 1.0


class Sample:
    """Embeddings kept to be fitted: all, or every 2nd, 4th, … where they would be too many. Bounded memory."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.float32]] = []
        self._every = 1
        self._seen = 0

    def add(self, rows: NDArray[np.float32]) -> None:
        """The (N, D) embeddings of one record; they are copied."""
        for row in rows:
            if self._seen % self._every == 0:
                self._rows.append(np.array(row, np.float32))
                if len(self._rows) > min(MOST, MOST_NUMBERS // row.size):
                    del self._rows[1::2]
                    self._every *= 2
            self._seen += 1

    def fit(self) -> Fit | None:
        """The fit of what was kept; None if it is too little."""
        return fit(np.stack(self._rows)) if len(self._rows) >= FEWEST else None
