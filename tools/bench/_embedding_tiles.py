"""Embeddings of the magnetic-tile photographs under changes of the camera, and what two peers make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from jidoka.config.manifest import load_bundle
from jidoka.host.model import open_session
from jidoka.monitor.features.embedding import Embedding
from jidoka.monitor.features.embedding_fit import Fit
from jidoka.monitor.kernels.embedding import K
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tests.tiles import tiles

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
SIDE = 96
REFERENCE_EXPOSURES = (3, 4)


def _linear(gain: float) -> Callable[[Picture, np.random.Generator], Picture]:
    return lambda picture, _: _bytes(gain * picture.astype(float))


def _contrast(gain: float) -> Callable[[Picture, np.random.Generator], Picture]:
    return lambda picture, _: _bytes(picture.mean() + gain * (picture - picture.mean()))


def _noise(sd: float) -> Callable[[Picture, np.random.Generator], Picture]:
    return lambda picture, rng: _bytes(picture + sd * rng.standard_normal(picture.shape))


def _blur(radius: float) -> Callable[[Picture, np.random.Generator], Picture]:
    return lambda picture, _: np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def _bytes(values: Floats) -> Picture:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


CHANGES: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "contrast 0.9": _contrast(0.9),
    "contrast 0.7": _contrast(0.7),
    "brightness 0.9": _linear(0.9),
    "brightness 0.7": _linear(0.7),
    "noise 4 grey levels": _noise(4.0),
    "noise 10 grey levels": _noise(10.0),
    "blur 0.8 px": _blur(0.8),
    "blur 1.5 px": _blur(1.5),
}


def embeddings(crops: int, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """(n, 64) by change, "clean" first: random squares of the reference exposures through surface-inspection."""
    rng = np.random.default_rng(seed)
    pictures = [part for path in _paths() for part in _crops(path, crops, rng)]
    session = open_session(load_bundle("surface-inspection"))
    changes = {"clean": lambda picture, _: picture, **CHANGES}
    found = {}
    for name, change in changes.items():
        batch = np.stack([change(picture, rng) for picture in pictures])[:, None]
        pieces = [
            session.run(["embedding"], {"image": batch[i : i + 64]})[0] for i in range(0, len(batch), 64)
        ]
        found[name] = np.concatenate(pieces)
    return found


def _paths() -> Iterator[Path]:
    for tile in tiles():
        yield from (tile[exposure] for exposure in REFERENCE_EXPOSURES if exposure in tile)


def _crops(path: Path, count: int, rng: np.random.Generator) -> Iterator[Picture]:
    picture = np.asarray(Image.open(path).convert("L"))
    height, width = picture.shape
    if min(height, width) < SIDE:
        return
    for _ in range(count):
        y, x = rng.integers(0, height - SIDE + 1), rng.integers(0, width - SIDE + 1)
        yield picture[y : y + SIDE, x : x + SIDE]


def features(block: Embedding, rows: NDArray[np.float32]) -> Floats:
    """(n, F) of `block.names`, record after record."""
    found = np.full((len(rows), len(block.names)), np.nan)
    for row, values in zip(rows, found, strict=True):
        block.read(row[None], values, 0)
    return found


class WindowedMmd:
    """Maximum mean discrepancy of the last WINDOW records to the reference, by random Fourier features.

    Gretton et al. 2012. Its threshold is set on the clean records that it is then compared on, which no plant could do:
    the best that a window can be at this average run length.
    """

    WINDOW = 25
    _RUNS, _LENGTH = 30, 5000

    def __init__(
        self, fit: Fit, reference: NDArray[np.float32], clean: NDArray[np.float32], limit: float, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        self._fit, self._frequencies, self._phases = fit, rng.standard_normal((K, 256)) / 5.0, rng.random(256)
        self._expected = self._phi(reference).mean(axis=0)
        phi = self._phi(clean)
        peaks = [
            self._statistics(phi[rng.integers(0, len(phi), self._LENGTH)]).max() for _ in range(self._RUNS)
        ]
        self._threshold = float(np.quantile(peaks, np.exp(-self._LENGTH / limit)))

    def first_alarm(self, before: NDArray[np.float32], stream: NDArray[np.float32]) -> int:
        """The record of `stream`, counted from 1, of the first alarm; 0 = none."""
        phi = self._phi(np.concatenate([before[-self.WINDOW + 1 :], stream]))
        found = np.flatnonzero(self._statistics(phi) > self._threshold)
        return int(found[0]) + 1 if found.size else 0

    def _phi(self, rows: NDArray[np.float32]) -> Floats:
        fit = self._fit
        y = ((rows - fit.basis[0]) * fit.basis[1]) @ fit.basis[2:].T * fit.terms[:K]
        return np.asarray(np.cos(y @ self._frequencies + 2.0 * np.pi * self._phases))

    def _statistics(self, phi: Floats) -> Floats:
        sums = np.cumsum(np.vstack([np.zeros(phi.shape[1]), phi]), axis=0)
        means = (sums[self.WINDOW :] - sums[: -self.WINDOW]) / self.WINDOW
        return np.asarray(((means - self._expected) ** 2).sum(axis=1))
