"""Two ways to the same figures, timed in turns on the same inputs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from tools.bench._rows import AT_LEAST, AT_MOST, Row

Call = Callable[[], object]


def medians_us(calls: tuple[Call, ...], rounds: int, before: int = 0) -> list[float]:
    """Median of each in µs; they take turns, each after one round that isn't counted.

    before: calls in each turn that aren't counted either. The first call after another's turn pays for what that left behind
    (predictors, caches, vector units that sleep): a few µs, which of a short call are half and of a long one nothing.
    """
    taken: list[list[int]] = [[] for _ in calls]
    for turn in range(rounds + 1):
        for call, times in zip(calls, taken, strict=True):
            for _ in range(before):
                call()
            start_ns = time.perf_counter_ns()
            call()
            if turn:
                times.append(time.perf_counter_ns() - start_ns)
    return [statistics.median(times) / 1000 for times in taken]


def part_of(name: str, ours_us: float, peer_us: float, peer: str, reach: float | None) -> Row:
    """Ours as a part of the peer's time: at most `reach`."""
    return Row(name, ours_us / peer_us, "ratio", reach, AT_MOST, f"{peer}, {peer_us:.4g} µs")


def times_faster(name: str, ours_us: float, peer_us: float, peer: str, reach: float | None) -> Row:
    """How many times the peer takes what ours takes: at least `reach`."""
    return Row(name, peer_us / ours_us, "times", reach, AT_LEAST, f"{peer}, {peer_us:.4g} µs")


def compared(
    name: str, ours: Call, numpy: Call, *, rounds: int, reach: float | None, peer: str
) -> Iterator[Row]:
    """Ours beside numpy's, and our own µs for information."""
    ours_us, numpy_us = medians_us((ours, numpy), rounds)
    yield part_of(f"{name}: kernel / numpy", ours_us, numpy_us, peer, reach)
    yield Row(name, ours_us, "µs")
