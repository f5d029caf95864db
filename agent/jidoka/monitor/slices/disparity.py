"""Does one slice's rate differ from the rest's? A confidence sequence for each slice, divided over the slices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: chance that a line without any gap is ever told that it has one, over all slices together
ALPHA = 0.05
#: of ALPHA, what the sequence spends: the rest is kept for its normal approximation (at 1 it told 22 of 418 lines of
#: 12 slices × 1 000 000 parts)
SPENT = 0.7
#: parts of the smaller side at which the sequence is narrowest, beside a larger rest
TUNED = 200.0
#: fewer events than these are expected on one side by the common rate: nothing is said
FEWEST_EVENTS = 20.0
NOT_ENOUGH, DIFFERS, NONE_SEEN = "not enough data", "differs", "no such gap seen"


class Finding(NamedTuple):
    """What is known of one slice. rate, rest: shares of events; low, high: where the gap (rate − rest) lies, at any
    time, but for ALPHA of all lines; smallest_gap: one larger than this would probably have been seen by now;
    word: NOT_ENOUGH, DIFFERS or NONE_SEEN."""

    name: str
    n: int
    rate: float
    rest: float
    low: float
    high: float
    smallest_gap: float
    word: str


def half_width(events: Any, parts: Any, in_slice: Any, alpha: float) -> Floats:
    """Half the width of the confidence sequence for a slice's rate minus the rest's.

    events, parts: of all slices together; in_slice: parts of the slice; arrays or numbers. With v = in_slice·rest/parts and
    the common rate p̂: √(p̂(1−p̂)/v · (1 + ρ/v) · (log(1 + v/ρ) − 2·log(SPENT·alpha))), ρ = TUNED. Infinite where either side expects less
    than FEWEST_EVENTS events. Approximate: normal increments of the score (Robbins 1970; Waudby-Smith et al. 2024,
    asymptotic confidence sequences; Jennison & Turnbull 2000, §11); how well it holds at small counts is measured by
    tools/bench/estimates.py.
    """
    n, own = np.asarray(parts, np.float64), np.asarray(in_slice, np.float64)
    p = (np.asarray(events, np.float64) + 0.5) / (n + 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        v = own * (n - own) / n
        squared = (
            p * (1.0 - p) / v * (1.0 + TUNED / v) * (np.log1p(v / TUNED) - 2.0 * math.log(SPENT * alpha))
        )
        fewest = np.minimum(own, n - own) * np.minimum(p, 1.0 - p)
        width: Floats = np.where(fewest >= FEWEST_EVENTS, np.sqrt(squared), np.inf)
    return width


class Disparity:
    """One rate over the slices of one kind. Constant memory: two counts a slice, at most `most` slices.

    least_gap: gaps up to this are information, not findings; comparisons: over how many slices ALPHA is divided, of all
    kinds. Slices beyond `most` count as one, `others`.

    >>> disparity = Disparity(least_gap=0.005, most=12, comparisons=1)
    >>> for i in range(12_000):
    ...     disparity.add("left" if i % 2 else "right", is_event=i % (25 if i % 2 else 100) == 0)
    >>> disparity.add("new", is_event=True)
    >>> [(each.name, each.n, each.word) for each in disparity.findings()]
    [('right', 6000, 'differs'), ('left', 6000, 'differs'), ('new', 1, 'not enough data')]
    """

    def __init__(self, least_gap: float, most: int, comparisons: int) -> None:
        self.least_gap = least_gap
        self.most = most
        self.alpha = ALPHA / max(1, comparisons)
        self.counts: dict[str, list[int]] = {}
        self.found: dict[str, int] = {}

    def add(self, name: str, *, is_event: bool) -> None:
        """One part of a slice: it was rejected, or wrong, or whatever is counted."""
        self.add_many(name, int(is_event), 1)

    def add_many(self, name: str, events: int, parts: int) -> None:
        """Many at once, where nobody looks in between."""
        counts = self.counts.get(name)
        if counts is None:
            if len(self.counts) >= self.most:
                name = "others"
            counts = self.counts.setdefault(name, [0, 0])
        counts[0] += events
        counts[1] += parts

    def findings(self) -> list[Finding]:
        """One a slice, in the order they came. `found` keeps for good at how many parts a gap was first seen."""
        if not self.counts:
            return []
        table = np.array(list(self.counts.values()), np.float64)
        events, parts = table.sum(axis=0)
        width = half_width(events, parts, table[:, 1], self.alpha)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = table[:, 0] / table[:, 1]
            rest = (events - table[:, 0]) / (parts - table[:, 1])
        found = []
        for name, own, there, half, n in zip(
            self.counts, rate.tolist(), rest.tolist(), width.tolist(), table[:, 1], strict=True
        ):
            gap = own - there
            word = NOT_ENOUGH if math.isinf(half) else NONE_SEEN
            if abs(gap) - half > self.least_gap:
                word = DIFFERS
                self.found.setdefault(name, int(parts))
            known = not math.isinf(half)
            low, high = (max(-1.0, gap - half), min(1.0, gap + half)) if known else (-1.0, 1.0)
            found.append(Finding(name, int(n), own, there, low, high, min(1.0, half + self.least_gap), word))
        return found
