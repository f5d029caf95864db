"""What became of the lines: counts by cause, the first refused lines in full, and a word now and then about the rest."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from jidoka.feed.reading import BadLineError

log = logging.getLogger(__name__)

FIRST = 5
SAID_EVERY_NS = 60 * 1_000_000_000


class Tally:
    """Counts since the start. lines: those that should have given a record."""

    def __init__(self, now_ns: int) -> None:
        self.lines = self.records = 0
        self.causes: Counter[str] = Counter()
        self.first: list[str] = []
        self._said = 0
        self._next_said_ns = now_ns + SAID_EVERY_NS

    @property
    def refused(self) -> int:
        return self.lines - self.records

    def take(self) -> None:
        self.lines += 1
        self.records += 1

    def refuse(self, where: str, fault: BadLineError) -> None:
        """The first refused lines are said at once, each with its place."""
        self.lines += 1
        self.causes[fault.cause] += 1
        if len(self.first) < FIRST:
            self.first.append(f"{where}: {fault}")
            self._said = self.refused
            more = "; more are counted, and told once a minute" if len(self.first) == FIRST else ""
            log.warning("refused: %s: %s%s", where, fault, more)

    def say_sometimes(self, now_ns: int) -> None:
        """Once a minute, how many were refused since the last word."""
        if now_ns < self._next_said_ns:
            return
        self._next_said_ns = now_ns + SAID_EVERY_NS
        if self.refused > self._said:
            cause, _ = self.causes.most_common(1)[0]
            log.warning("refused: %d of %d lines so far, most because: %s", self.refused, self.lines, cause)
            self._said = self.refused

    def line(self, model: str, is_connected: bool) -> str:
        """The counts as people read them."""
        monitor = "monitor connected" if is_connected else "monitor away"
        return f"{model}: {self.records} records  {self.refused} lines refused  {monitor}"

    def as_json(self) -> dict[str, Any]:
        return {
            "lines": self.lines, "records": self.records, "refused": self.refused,
            "refused_share": round(self.refused / self.lines, 6) if self.lines else 0.0,
            "refused_because": dict(self.causes.most_common()), "first_refused": self.first,
        }  # fmt: skip
