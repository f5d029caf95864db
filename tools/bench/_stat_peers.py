"""Drift detectors that people use today, tuned to a measured run length on clean records of the same law.

river's ADWIN runs as it is. Page–Hinkley and KSWIN take 3 µs and 2.5 ms a record in river, too slow to be tuned on
millions of records, so twins run here that alarm at the same records (tests/tools compares them). alibi-detect's online
MMD is written anew: its package holds numpy below 2 and numba below 0.60, and wants PyTorch or TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

from tools.bench._stat_twins import kswin, online_mmd, page_hinkley

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
#: a detector after its warm-up on clean records, over a stream: records of the alarms, counted from 1; most: how many
Detector = Callable[[Floats, Floats, int], Whole]

#: nats by which a tuned run length may be off: KSWIN's distance has steps
ABOUT = math.log(2.5)
#: clean records that a peer has seen before it is judged
WARM_UP = 10_000


class Tuned(NamedTuple):
    """A peer at a threshold. name: with its settings; run: over a stream after clean records; arl: as measured."""

    name: str
    run: Detector
    arl: float


def warmed(kernel: Callable[[Floats, int], Whole], clean: Floats, stream: Floats, most: int) -> Whole:
    """Alarms in the stream alone, of a kernel (records, most alarms) that has run over clean records before."""
    warm = clean[-WARM_UP:]
    x = np.concatenate([warm, stream])
    early = kernel(
        warm, warm.size
    ).size  # it forgets what it knew at an alarm: those in the warm-up come again
    found: Whole = np.asarray(kernel(x, early + most))
    return found[early:] - warm.size


def run_adwin(delta: float, clean: Floats, stream: Floats, most: int) -> Whole:
    """river's own ADWIN, looking at every record (clock = 1)."""
    detector: Any = ADWIN(delta=delta, clock=1)  # type: ignore[no-untyped-call, unused-ignore]
    for value in clean[-WARM_UP:].tolist():
        detector.update(value)
    found = []
    for t, value in enumerate(stream.tolist(), 1):
        detector.update(value)
        if detector.drift_detected:
            found.append(t)
            if len(found) == most:
                break
    return np.array(found, np.int64)


def page_hinkley_at(delta: float, threshold: float) -> Detector:
    return lambda clean, stream, most: warmed(
        lambda x, alarms: np.asarray(page_hinkley(x, delta, threshold, 0.9999, 30, alarms)),
        clean,
        stream,
        most,
    )


def kswin_at(window: int, recent: int, steps: int) -> Detector:
    """Warmed up with as many clean records as it remembers."""
    return lambda clean, stream, most: warmed(
        lambda x, alarms: np.asarray(kswin(x, window, recent, steps, 1, alarms)),
        clean[-window:],
        stream,
        most,
    )


def adwin_at(delta: float) -> Detector:
    return lambda clean, stream, most: run_adwin(delta, clean, stream, most)


class Embedding(NamedTuple):
    """A reference in the kernel's space. at: (G,) its mean kernel at low + i · step; own: its mean with itself."""

    at: Floats
    low: float
    step: float
    gamma: float
    own: float


def embed(clean: Floats) -> Embedding:
    """Of clean records, a kernel as wide as the median gap between two of them."""
    some = clean[:: max(1, clean.size // 500)]
    gaps = np.abs(some[:, None] - some[None, :])
    median = float(np.median(gaps[gaps > 0.0])) if (gaps > 0.0).any() else 1.0
    gamma = 0.5 / median**2
    grid = np.linspace(clean.min() - 6.0 * median, clean.max() + 6.0 * median, 1000)
    reference = clean[:: max(1, clean.size // 2000)]
    at = np.exp(-gamma * (grid[:, None] - reference[None, :]) ** 2).mean(axis=1)
    own = float(np.interp(reference, grid, at).mean())
    return Embedding(at, float(grid[0]), float(grid[1] - grid[0]), gamma, own)


def mmd_at(window: int, threshold: float, embedding: Embedding) -> Detector:
    """Against one reference, that of `embedding`. The window is full of clean records at the start and after alarms."""

    def run(clean: Floats, stream: Floats, most: int) -> Whole:
        e = embedding
        at = threshold - e.own
        return np.asarray(online_mmd(stream, clean[-window:].copy(), e.at, e.low, e.step, e.gamma, at, most))

    return run


def run_length(detector: Detector, clean: Floats, limit: float) -> float:
    """Average over the records after the first 10 000, or up to where there are far too many alarms for `limit`."""
    stream = clean[10_000:]
    most = int(3 * stream.size / limit) + 10
    found = detector(clean[:10_000], stream, most)
    ran = stream.size if found.size < most else int(found[-1])
    return ran / max(found.size, 0.5)


def bisect(
    at: Callable[[float], Detector], low: float, high: float, clean: Floats, limit: float, *, rounds: int
) -> tuple[float, float]:
    """(setting, run length) that comes nearest to `limit` on clean records; a larger setting runs longer."""
    best = (low, 1.0)
    for _ in range(rounds):
        middle = 0.5 * (low + high)
        arl = run_length(at(middle), clean, limit)
        if off(arl, limit) < off(best[1], limit):
            best = (middle, arl)
        if arl < limit:
            low = middle
        else:
            high = middle
    return best


def off(arl: float, limit: float) -> float:
    """How far a run length is from the one that is wanted, in nats."""
    return abs(math.log(max(arl, 1e-9) / limit))


def peers(clean: Floats, sigma: float, limit: float) -> dict[str, list[Tuned]]:
    """Every peer by name, at each of the settings that are tried, tuned to a run length of `limit`.

    clean: (N,) records of the law, of which the first 10 000 play the baseline; sigma: their standard deviation, the
    unit of Page–Hinkley's settings. Records are given to ADWIN divided by it.
    """
    found: dict[str, list[Tuned]] = {"Page–Hinkley": [], "ADWIN": [], "KSWIN": [], "online MMD": []}
    for share in (0.0, 0.1, 0.25, 0.5, 1.0):
        delta = share * sigma

        def hinkley(threshold: float, delta: float = delta) -> Detector:
            return page_hinkley_at(delta, threshold)

        setting, arl = bisect(hinkley, 0.0, 1000.0 * sigma, clean, limit, rounds=20)
        found["Page–Hinkley"].append(Tuned(f"δ {share:g} σ", hinkley(setting), arl))

    def adwin(nats: float) -> Detector:
        inner = adwin_at(float(np.exp(-nats)))
        return lambda some, stream, most: inner(some / sigma, stream / sigma, most)

    setting, arl = bisect(adwin, -3.0, 60.0, clean[:310_000], limit, rounds=8)
    found["ADWIN"].append(Tuned(f"δ {np.exp(-setting):.2g}", adwin(setting), arl))
    for window, recent in ((60, 15), (100, 30), (200, 50), (300, 100)):
        tried = []
        for steps in range(int(recent * 0.3), recent + 1):
            detector = kswin_at(window, recent, steps)
            tried.append(Tuned(f"{window}/{recent}", detector, run_length(detector, clean[:310_000], limit)))
            if tried[-1].arl > limit:
                break
        found["KSWIN"].append(min(tried, key=lambda each: off(each.arl, limit)))
    embedding = embed(clean[:10_000])
    for window in (8, 20, 50):

        def mmd(threshold: float, window: int = window) -> Detector:
            return mmd_at(window, threshold, embedding)

        setting, arl = bisect(mmd, 0.0, 2.0, clean[:310_000], limit, rounds=12)
        found["online MMD"].append(Tuned(f"window {window}", mmd(setting), arl))
    return {name: usable(settings, limit) for name, settings in found.items()}


def usable(settings: list[Tuned], limit: float) -> list[Tuned]:
    """Settings whose run length is about the one that is wanted; where there is none, the one that comes nearest."""
    kept = [each for each in settings if off(each.arl, limit) < ABOUT]
    return kept or [min(settings, key=lambda each: off(each.arl, limit))]


def fastest(tuned: Iterable[tuple[Tuned, float]]) -> tuple[Tuned, float]:
    """The setting with the smallest mean delay: each peer as an engineer would tune it who knows the change."""
    return min(tuned, key=lambda each: each[1])
