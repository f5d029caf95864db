"""What a detector's answer shows before any suppression: how many boxes, how sure, how large and where."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from jidoka.monitor.kernels import BARE
from jidoka.monitor.kernels.select import kth_smallest

DETECTION_FEATURES: tuple[str, ...] = (
    "count", "top_score", "mean_score", "high_score", "mean_class", "class_confidence", "class_entropy",
    "box_area", "box_x", "box_y", "empty",
)  # fmt: skip

#: scores are taken as shares within these bounds, so that their log-odds stay finite
LEAST, MOST = 1e-6, 1.0 - 1e-6
#: odds are multiplied before one logarithm is taken of them: 1e6 to the power of 48 still is a float64
TOGETHER = 48

#: sums may be reordered for speed; NaN and infinity keep their meaning
REORDER = {"reassoc", "contract"}


@njit(**BARE, fastmath=REORDER)  # type: ignore[misc, unused-ignore]
def count_not_finite(numbers: NDArray[np.float32]) -> int:
    """How many of (n,) float32 or float64 numbers are NaN or infinite. One pass where none is."""
    zero = numbers.dtype.type(0)
    total = zero
    for i in range(numbers.shape[0]):
        total += numbers[i] * zero
    bad = 0
    if not total == zero:
        for i in range(numbers.shape[0]):
            if not np.isfinite(numbers[i]):
                bad += 1
    return bad


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _best_class(row: NDArray[np.float32], classes: int) -> float:
    best = np.float64(row[classes])
    for k in range(classes + 1, row.shape[0]):
        best = max(best, np.float64(row[k]))
    return float(best)


@njit(**BARE, fastmath=REORDER)  # type: ignore[misc, unused-ignore]
def _class_mean(picture: NDArray[np.float32], classes: int) -> float:
    A, K = picture.shape
    # everything in one piece, less the few columns before: rows by themselves are too short to be added quickly
    total = 0.0
    numbers = picture.reshape(-1)
    for i in range(numbers.shape[0]):
        total += numbers[i]
    for a in range(A):
        for k in range(classes):
            total -= picture[a, k]
    mean: float = total / (A * (K - classes))
    return mean


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _entropy(row: NDArray[np.float32], classes: int) -> float:
    total = 0.0
    weighted = 0.0
    for k in range(classes, row.shape[0]):
        share = np.float64(row[k])
        if share > 0.0:
            total += share
            weighted += share * np.log(share)
    if total <= 0.0:
        return 0.0
    entropy: float = max(np.log(total) - weighted / total, 0.0)
    return entropy


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def detection_features(  # noqa: PLR0917 - a kernel takes arrays, not records
    boxes: NDArray[np.float32], score: int, classes: int, is_corners: bool, width: float, height: float,
    min_score: float, values: NDArray[np.float64], at: int,
) -> int:  # fmt: skip
    """Features of a detector's raw answer; returns how many of its numbers are NaN or infinite.

    boxes: (N, A, K) float32, each of A anchors has 4 box numbers first; score: column of the objectness, -1 =
    none; classes: first column of the class shares, -1 = none (one of both is there); is_corners: boxes are
    x, y, x, y and not centre, width, height; width, height: of the picture, in which areas (its share) and places
    (0 to 1) are counted; min_score: a box counts whose objectness times best class share reaches it.
    values[at:at + 11]: filled with DETECTION_FEATURES, each the mean over the N pictures: boxes that count; the best
    score; mean and 99 % level of the log-odds of all anchors' objectness (the smallest value that 99 % don't exceed;
    the best class share where there is no objectness); the mean class share of all anchors, which moves with the
    picture where no box counts; of the boxes that count: best class share, entropy of the class shares (in nat,
    scaled to 1), area, x and y of the centre; and 1 if no box counts. Without a box that counts those are NaN. Any number that isn't finite makes all NaN. Oracle: tests/naive.py.
    """
    for f in range(11):
        values[at + f] = np.nan
    bad: int = count_not_finite(boxes.reshape(-1))
    if bad == 0 and boxes.shape[0] > 0:
        _detection_features(
            boxes, score, classes, is_corners, width, height, min_score, values, at, np.zeros(11),
            np.empty(boxes.shape[1]), np.empty(5),
        )  # fmt: skip
    return bad


@njit(**BARE)  # type: ignore[misc, unused-ignore]
def _detection_features(  # noqa: PLR0917 - as above
    boxes: NDArray[np.float32], score: int, classes: int, is_corners: bool, width: float, height: float,
    min_score: float, values: NDArray[np.float64], at: int, sums: NDArray[np.float64], levels: NDArray[np.float64],
    inner: NDArray[np.float64],
) -> None:  # fmt: skip
    N, A = boxes.shape[:2]
    with_boxes = 0
    for n in range(N):
        count = 0
        top = 0.0
        log_odds = 0.0
        product = 1.0
        together = 0
        inner[:] = 0.0
        for a in range(A):
            row = boxes[n, a]
            best = -1.0
            if score >= 0:
                level = np.float64(row[score])
            else:
                best = _best_class(row, classes)
                level = best
            levels[a] = level
            share = min(max(level, LEAST), MOST)
            product *= share / (1.0 - share)
            together += 1
            if together == TOGETHER:
                log_odds += np.log(product)
                product = 1.0
                together = 0
            # a class share is at most 1: a lower objectness can neither count nor be the best
            if level < min_score and level <= top:
                continue
            if score >= 0 and classes >= 0:
                best = _best_class(row, classes)
                level *= best
            top = max(top, level)
            if level < min_score:
                continue
            count += 1
            if classes >= 0:
                inner[0] += best
                inner[1] += _entropy(row, classes)
            x = np.float64(row[0])
            y = np.float64(row[1])
            w = np.float64(row[2])
            h = np.float64(row[3])
            if is_corners:
                w -= x
                h -= y
                x += 0.5 * w
                y += 0.5 * h
            inner[2] += w * h / (width * height)
            inner[3] += x / width
            inner[4] += y / height
        sums[0] += count
        sums[1] += top
        if A > 0:
            sums[2] += (log_odds + np.log(product)) / A
            level = min(max(kth_smallest(levels, (99 * A + 99) // 100 - 1), LEAST), MOST)
            sums[3] += np.log(level / (1.0 - level))
            if classes >= 0:
                sums[4] += _class_mean(boxes[n], classes)
        if count > 0:
            with_boxes += 1
            for f in range(5):
                sums[5 + f] += inner[f] / count
        else:
            sums[10] += 1.0
    values[at] = sums[0] / N
    if A > 0:
        for f in range(1, 5 if classes >= 0 else 4):
            values[at + f] = sums[f] / N
    if with_boxes > 0:
        for f in range(5 if classes >= 0 else 7, 10):
            values[at + f] = sums[f] / with_boxes
    values[at + 10] = sums[10] / N
