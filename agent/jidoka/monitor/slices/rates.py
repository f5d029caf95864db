"""Rates by slice: shares of rejected, unsure and wrong parts for each shift, recipe and position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jidoka.monitor.slices.disparity import Disparity, Finding

#: what is counted: rejected, below the manifest's confidence, and wrong where a label says so
MEASURES = ("rejected", "low confidence", "wrong")
#: slices of one kind that are told apart
MOST_SLICES = 12


class Slices:
    """Every measure over every kind of slice, in constant memory.

    sizes: how many slices each kind has, known before anything is counted (the rest becomes `others`); least_gap: as
    in Disparity. Of a line without any gap each measure ever tells one with a chance of at most ALPHA.

    >>> slices = Slices({"shift": 3}, 0.01)
    >>> slices.add((("shift", "06:00"),), is_rejected=True, is_unsure=False)
    >>> slices.label((("shift", "06:00"),), is_wrong=True)
    >>> [(kind, measure, each.n, each.word) for kind, measure, each in slices.findings()]
    [('shift', 'rejected', 1, 'not enough data'), ('shift', 'low confidence', 1, 'not enough data'), ('shift', 'wrong', 1, 'not enough data')]
    """

    def __init__(self, sizes: Mapping[str, int], least_gap: float) -> None:
        sizes = {kind: max(1, min(MOST_SLICES, size)) for kind, size in sizes.items()}
        # of two slices each is the other's rest: one comparison
        comparisons = sum(size if size > 2 else 1 for size in sizes.values())
        self._of = {
            (kind, measure): Disparity(least_gap, size, comparisons)
            for kind, size in sizes.items()
            for measure in MEASURES
        }

    def add(self, keys: Sequence[tuple[str, str]], *, is_rejected: bool, is_unsure: bool) -> None:
        """One decision. keys: its (kind, name)."""
        for kind, name in keys:
            self._of[kind, "rejected"].add(name, is_event=is_rejected)
            self._of[kind, "low confidence"].add(name, is_event=is_unsure)

    def add_many(self, keys: Sequence[tuple[str, str]], parts: int, rejected: int, unsure: int) -> None:
        """Counts of many decisions of the same slices."""
        for kind, name in keys:
            self._of[kind, "rejected"].add_many(name, rejected, parts)
            self._of[kind, "low confidence"].add_many(name, unsure, parts)

    def label(self, keys: Sequence[tuple[str, str]], *, is_wrong: bool) -> None:
        """One label that was joined to a decision of these slices."""
        for kind, name in keys:
            self._of[kind, "wrong"].add(name, is_event=is_wrong)

    def findings(self) -> list[tuple[str, str, Finding]]:
        """(kind, measure, what is known), slice by slice."""
        return [
            (kind, measure, finding)
            for (kind, measure), disparity in self._of.items()
            for finding in disparity.findings()
        ]
