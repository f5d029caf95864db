"""Answers that wait until what they tell of is on the disk: who was told that he acknowledged must find it so after a
power cut. Pure."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

LIMIT_NS = 2_000_000_000


class _Kept(NamedTuple):
    entries: int
    peer: int
    value: dict[str, Any]
    deadline_ns: int


class Answers:
    """Kept answers, the oldest first."""

    def __init__(self) -> None:
        self._kept: deque[_Kept] = deque()

    def keep(self, entries: int, peer: int, value: dict[str, Any], now_ns: int) -> None:
        """Answer once so many entries are on the disk."""
        self._kept.append(_Kept(entries, peer, value, now_ns + LIMIT_NS))

    def due(self, committed: int, now_ns: int) -> list[tuple[int, dict[str, Any]]]:
        """(peer, answer) of those that may be given now. One that waited too long says that nobody knows yet."""
        given = []
        while self._kept and (committed >= self._kept[0].entries or now_ns >= self._kept[0].deadline_ns):
            kept = self._kept.popleft()
            value = kept.value
            if committed < kept.entries:
                value = {
                    **value,
                    "ok": False,
                    "refused": "it was done, but isn't recorded yet: the disk is slow",
                    "remedy": "See whether it lasts: jidoka status",
                }
            given.append((kept.peer, value))
        return given
