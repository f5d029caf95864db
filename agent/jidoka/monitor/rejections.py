"""Repeated refusals: too many rejected records in a row, or among the last ones, are a condition of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IN_A_ROW, OF_LAST = 5, (20, 100)


class Rejections:
    """Counts the rejected records of a model. rule: the section's `refusals`, {} or None = the defaults.

    >>> rejections = Rejections({"in_a_row": 2, "of_last": [3, 10]})
    >>> [rejections.add(is_rejected) for is_rejected in (True, False, True, True, False, False)]
    [False, False, False, True, True, True]
    """

    def __init__(self, rule: Mapping[str, Any] | None) -> None:
        rule = rule or {}
        self.most_in_a_row = int(rule.get("in_a_row") or IN_A_ROW)
        self.most, self.window = (int(each) for each in rule.get("of_last") or OF_LAST)
        self.in_a_row = 0
        self.of_last = 0
        self._taken = 0
        self._ring = bytearray(self.window)

    def add(self, is_rejected: bool) -> bool:
        """One record was judged; True if by now too many were rejected."""
        if not is_rejected and not self.of_last:  # as nearly always: what leaves the window was good as well
            self._taken += 1
            self.in_a_row = 0
            return False
        place = self._taken % self.window
        self._taken += 1
        self.of_last += is_rejected - self._ring[place]
        self._ring[place] = is_rejected
        self.in_a_row = self.in_a_row + 1 if is_rejected else 0
        return self.in_a_row >= self.most_in_a_row or self.of_last >= self.most

    def evidence(self, why: str) -> dict[str, Any]:
        """In words and numbers; why: of the last one."""
        return {
            "why": f"{self.of_last} of the last {min(self._taken, self.window)} records were rejected, "
            f"{self.in_a_row} in a row: {why}",
            "in_a_row": self.in_a_row,
            "of_last": [self.of_last, min(self._taken, self.window)],
        }
