"""All features of a picture: one call beside what OpenCV and numpy need for the same, one thread each.

OpenCV takes five measures: mean and standard deviation of each channel, a luma histogram, the variance of the
Laplacian, the median of the noise mask, and whether the picture is the last one. numpy's is the naive twin of the
tests, which is vectorised. Each is called twice in its turn, and the second call counts. For information: the first
call, and OpenCV's five bare calls, without what has to be done with their pictures.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import numpy as np
from jidoka.monitor.kernels.frame import frame_bytes
from jidoka.monitor.kernels.frame_floats import frame_floats
from jidoka.monitor.kernels.frame_found import FOUND, FRAME_FEATURES
from numpy.typing import NDArray

from tools.bench._beside import medians_us, part_of
from tools.bench._rows import Row

#: by its name, because the tests' types aren't checked
naive = importlib.import_module("tests.naive")
OPENCV_REACH, NUMPY_REACH = 0.30, 1 / 60
FRAMES = {"96 × 96 grey": (96, 96, 1), "640 × 480 grey": (480, 640, 1), "640 × 480 colour": (480, 640, 3)}
MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)

Picture = NDArray[Any]


def grey_of(picture: Picture) -> Picture:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.shape[2] == 3 else picture[:, :, 0]


def opencv_measures(picture: Picture, last: Picture) -> tuple[Any, ...]:
    """The five measures, each as OpenCV does it fastest."""
    means, stds = cv2.meanStdDev(picture)
    grey = grey_of(picture)
    tones = cv2.calcHist([grey], [0], None, [64], [0, 256])
    _, sharpness = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    mask = cv2.convertScaleAbs(cv2.filter2D(grey, cv2.CV_16S, MASK))
    noise = cv2.calcHist([mask], [0], None, [256], [0, 256]).cumsum().searchsorted(0.5 * grey.size)
    return means, stds, tones, float(sharpness[0, 0]) ** 2, noise, cv2.norm(picture, last, cv2.NORM_INF) == 0


def opencv_bare(picture: Picture) -> None:
    """The same pictures and sums, and nothing made of them."""
    cv2.meanStdDev(picture)
    grey = grey_of(picture)
    cv2.calcHist([grey], [0], None, [64], [0, 256])
    cv2.Laplacian(grey, cv2.CV_16S)
    cv2.filter2D(grey, cv2.CV_16S, MASK)


def rows(is_quick: bool) -> Iterator[Row]:
    """Bytes of FRAMES; floats as most models take them, for information."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    for name, shape in FRAMES.items():
        # a scene with edges and noise: neither flat nor noise alone
        y, x = np.mgrid[: shape[0], : shape[1]]
        scene = 120 + 60 * np.sin(x / 17)[:, :, None] * np.cos(y / 23)[:, :, None] + rng.normal(0, 6, shape)
        picture = np.clip(scene, 0, 255).astype(np.uint8)
        last, found, flat = picture.copy(), np.empty(FOUND), picture.reshape(-1)
        ours = partial(frame_bytes, flat, 1, *shape, False, False, 1.0, 0.0, found)
        ours()
        expected, _ = naive.frame_features(picture[None])
        count = len(FRAME_FEATURES)
        np.testing.assert_allclose(found[:count], expected[:count], rtol=1e-6, atol=1e-6)
        large = 25 if is_quick else 200
        ours_us, opencv_us, bare_us, numpy_us = medians_us(
            (ours, partial(opencv_measures, picture, last), partial(opencv_bare, picture),
             partial(naive.frame_features, picture[None])),
            large if shape[0] > 96 else 12 * large, before=1,
        )  # fmt: skip
        title = f"frame features, {name}"
        yield part_of(f"{title}: kernel / OpenCV", ours_us, opencv_us, "five measures", OPENCV_REACH)
        yield part_of(
            f"{title}: kernel / OpenCV's bare calls", ours_us, bare_us, "nothing made of them", None
        )
        yield part_of(
            f"{title}: kernel / numpy", ours_us, numpy_us, "tests/naive.py, vectorised", NUMPY_REACH
        )
        yield Row(title, ours_us, "µs")
        first_us, numpy_us = medians_us((ours, partial(naive.frame_features, picture[None])), large)
        yield part_of(
            f"{title}: kernel / numpy, first calls in turn",
            first_us,
            numpy_us,
            "of the same first call",
            None,
        )
        yield Row(f"{title}: the first call after another's turn", first_us, "µs")
        floats = np.ascontiguousarray(picture.transpose(2, 0, 1)).reshape(-1).astype(np.float32) / np.float32(
            255
        )
        (floats_us,) = medians_us(
            (partial(frame_floats, floats, 1, *shape, True, False, 255.0, 0.0, found),), large
        )
        yield Row(f"{title}, as float32 in planes", floats_us, "µs")
