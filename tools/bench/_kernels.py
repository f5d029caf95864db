"""The kernels' cost beside numpy's, on the same inputs and in the same run, one thread each.

The frame's peer is its naive twin in tests/naive.py, which is vectorised numpy. The twins of the answer and of the
statistic are written for clarity (scipy, a sum over every start), so here they get peers as somebody who knows
numpy would write them.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from jidoka.monitor.detectors.reference import freeze
from jidoka.monitor.detectors.shiryaev_roberts import ShiryaevRoberts
from jidoka.monitor.kernels.bets import SHIFTS, run_length
from jidoka.monitor.kernels.frame import FRAME_FEATURES, frame_features
from jidoka.monitor.kernels.output import OUTPUT_FEATURES, classifier_features
from jidoka.monitor.kernels.warm import warm
from numpy.typing import NDArray
from scipy import special

from tools.bench._rows import Row

Floats = NDArray[np.float64]
#: of the shipped model
FEATURES = (*FRAME_FEATURES, *OUTPUT_FEATURES)
#: by its name, because the tests' types aren't checked
naive = importlib.import_module("tests.naive")
FRAME_REACH, ANSWER_REACH = 1 / 60, 1 / 7
FRAMES = {"96 × 96 grey": (96, 96, 1), "640 × 480 colour": (480, 640, 3)}
#: the shipped model's, and ImageNet's
CLASSES = (4, 1000)
BASELINE_RECORDS = 1000
BATCH = 20_000
SHIFT = np.array(SHIFTS)
HALF_SQUARE = 0.5 * SHIFT * SHIFT


def beside(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Medians of both in µs; they take turns, each after one call that isn't counted."""
    taken: tuple[list[int], list[int]] = ([], [])
    for turn in range(rounds + 1):
        for call, times in zip((ours, peer), taken, strict=True):
            start_ns = time.perf_counter_ns()
            call()
            if turn:
                times.append(time.perf_counter_ns() - start_ns)
    return statistics.median(taken[0]) / 1000, statistics.median(taken[1]) / 1000


def numpy_answer(logits: Floats, temperature: float) -> tuple[float, float, int]:
    """Top-1 confidence, entropy and top class, each operation once."""
    if not np.isfinite(logits).all():
        return np.nan, np.nan, -1
    shifted = (logits - logits.max(axis=1, keepdims=True)) / temperature
    weights = np.exp(shifted)
    totals = weights.sum(axis=1)
    entropy = np.log(totals) - (weights * shifted).sum(axis=1) / totals
    return float((1.0 / totals).mean()), float(entropy.mean()), int(logits[0].argmax())


class NumpyBets:
    """Ranks, scores and the Shiryaev–Roberts recursion of one record, vectorised over features, sides and bets."""

    def __init__(self, values: Floats, tails: Floats) -> None:
        self.values, self.tails = values, tails
        self.n = values.shape[1]
        self.rows = np.arange(values.shape[0])
        self.bets = np.zeros((values.shape[0], 2, SHIFT.size))

    def update(self, x: Floats, u: Floats) -> float:
        below = (self.values < x[:, None]).sum(axis=1)
        upto = (self.values <= x[:, None]).sum(axis=1)
        rows, tails, n = self.rows, self.tails, self.n
        up = (1 - u) * tails[rows, n - upto] + u * tails[rows, n - below]
        down = u * tails[rows, below] + (1 - u) * tails[rows, upto]
        plain = (below + (1 - u) * (upto - below + 1)) / (n + 1)
        z = special.ndtri(np.stack((up, down, plain)))
        scores = -z[:2].T[:, :, None]
        self.bets = np.exp(SHIFT * scores - HALF_SQUARE) * (self.bets + 1.0)
        return float(self.bets.mean())


def frames(is_quick: bool) -> Iterator[Row]:
    rng = np.random.default_rng(1)
    for name, (height, width, channels) in FRAMES.items():
        picture: NDArray[Any] = rng.integers(0, 256, (1, height, width, channels)).astype(np.uint8)
        picture.flags.writeable = False  # as a record's
        out = np.empty(4)
        assert frame_features(picture, 1.0, 0.0, out) == 0
        expected, _ = naive.frame_features(picture)
        np.testing.assert_allclose(out, expected, rtol=1e-3)
        yield from compared(
            f"frame features, {name}",
            partial(frame_features, picture, 1.0, 0.0, out),
            partial(naive.frame_features, picture),
            rounds=(30 if is_quick else 200) if height > 96 else (300 if is_quick else 3000),
            reach=FRAME_REACH,
            peer="tests/naive.py, vectorised",
        )


def answers(is_quick: bool) -> Iterator[Row]:
    rng = np.random.default_rng(2)
    for classes in CLASSES:
        logits, out = rng.normal(0.0, 3.0, (1, classes)), np.empty(2)
        top, _ = classifier_features(logits, 1.0, out)
        expected = numpy_answer(logits, 1.0)
        np.testing.assert_allclose([*out, top], expected, rtol=1e-9)
        yield from compared(
            f"output features, {classes} classes",
            partial(classifier_features, logits, 1.0, out),
            partial(numpy_answer, logits, 1.0),
            rounds=2000 if is_quick else 20_000,
            reach=ANSWER_REACH,
            peer="softmax and entropy in numpy",
        )


def bets(is_quick: bool) -> Iterator[Row]:
    rng = np.random.default_rng(3)
    count = len(FEATURES)
    reference = freeze(FEATURES, rng.normal(size=(BASELINE_RECORDS, count)))
    records, ties = rng.normal(size=(BATCH, count)), rng.random((BATCH, count))
    z = np.empty((count, 3))
    detector = ShiryaevRoberts(np.arange(count), np.inf)
    peer = NumpyBets(reference.values, reference.tails)
    for x, u in zip(records[:100], ties[:100], strict=True):
        reference.scores(x, u, z)
        detector.update(z)
        np.testing.assert_allclose(detector.statistic, peer.update(x, u), rtol=1e-6)
    turns = {"ours": 0, "peer": 0}

    def ours_once() -> None:
        turns["ours"] = n = (turns["ours"] + 1) % BATCH
        reference.scores(records[n], ties[n], z)
        detector.update(z)

    def peer_once() -> None:
        turns["peer"] = n = (turns["peer"] + 1) % BATCH
        peer.update(records[n], ties[n])

    yield from compared(
        f"e-SR update of a record, {count} features, through Python",
        ours_once,
        peer_once,
        rounds=2000 if is_quick else 10_000,
        reach=None,
        peer="ranks, scores and bets vectorised in numpy and scipy",
    )
    arguments = (records, reference.values, reference.counts, reference.tails, ties, np.inf)
    run_length(*arguments)
    taken = []
    for _ in range(5 if is_quick else 20):
        start_ns = time.perf_counter_ns()
        run_length(*arguments)
        taken.append(time.perf_counter_ns() - start_ns)
    each = statistics.median(taken) / (BATCH * count)
    yield Row("e-SR update batched, a feature: 14 bets, three scores", each, "ns")


def compared(
    name: str,
    ours: Callable[[], Any],
    numpy: Callable[[], Any],
    *,
    rounds: int,
    reach: float | None,
    peer: str,
) -> Iterator[Row]:
    """The ratio, and our own µs for information."""
    ours_us, numpy_us = beside(ours, numpy, rounds)
    yield Row(
        f"{name}: kernel / numpy", ours_us / numpy_us, "ratio", reach, peer=f"{peer}, {numpy_us:.1f} µs"
    )
    yield Row(name, ours_us, "µs")


def rows(is_quick: bool) -> Iterator[Row]:
    """Picture, answer, statistic."""
    warm()
    yield from frames(is_quick)
    yield from answers(is_quick)
    yield from bets(is_quick)
