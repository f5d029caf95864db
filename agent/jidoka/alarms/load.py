"""How much the alarms ask of people, by the figures of ISA-18.2: average and peak per 10 minutes, flood, stale, chatter,
priorities. Counted on the wall clock, so that the record gives the same figures after a restart. Pure."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from jidoka.alarms.definition import HOUR_NS, MINUTE_NS, PRIORITIES
from jidoka.alarms.flood import BEGINS_ABOVE

WINDOW_NS = 10 * MINUTE_NS
KEPT_WINDOWS = 30 * 24 * 6
#: from so many of one alarm within a minute on it chatters
CHATTERS = 3
MOST_FREQUENT = 10


class Load:
    """Annunciated alarms of the last 30 days. began_ns: wall clock of the first moment that counts."""

    def __init__(self) -> None:
        self.began_ns = 0
        self._windows: Counter[int] = Counter()
        self._priorities: Counter[str] = Counter()
        self._alarms: Counter[str] = Counter()
        self._calls = 0
        self._stale: deque[int] = deque()
        self._chatters: deque[int] = deque()
        self._recent: dict[str, deque[int]] = {}

    def began(self, wall_ns: int) -> None:
        """From this moment on it counts, unless it does already."""
        if not self.began_ns or wall_ns < self.began_ns:
            self.began_ns = wall_ns

    def came(self, alarm: str, priority: str, wall_ns: int) -> None:
        """An alarm was annunciated."""
        self.began(wall_ns)
        self._windows[wall_ns // WINDOW_NS] += 1
        self._priorities[priority] += 1
        self._alarms[alarm] += 1
        recent = self._recent.setdefault(alarm, deque(maxlen=CHATTERS))
        recent.append(wall_ns)
        if len(recent) == CHATTERS and 0 <= wall_ns - recent[0] < MINUTE_NS:
            self._chatters.append(wall_ns)
        self._forget(wall_ns)

    def called(self, wall_ns: int, is_stale: bool) -> None:
        """An alarm was annunciated again because nobody acknowledged it, or because it is stale."""
        self._calls += 1
        if is_stale:
            self._stale.append(wall_ns)

    def value(self, wall_ns: int) -> dict[str, Any]:
        """The figures. Shares are of 1; floods count whole windows, as the standard does."""
        self._forget(wall_ns)
        recent = [
            count for window, count in self._windows.items() if window > wall_ns // WINDOW_NS - KEPT_WINDOWS
        ]
        total = sum(recent)
        first, last = self.began_ns // WINDOW_NS, wall_ns // WINDOW_NS
        windows = min(KEPT_WINDOWS, max(1, last - first + 1)) if self.began_ns else 1
        return {
            "days": windows * WINDOW_NS / (24 * HOUR_NS),
            "alarms": total,
            "calls": self._calls,
            "per_10_min": total / windows,
            "peak_10_min": max(recent, default=0),
            "flood_share": sum(count > BEGINS_ABOVE for count in recent) / windows,
            "stale_24_h": sum(wall_ns - at < 24 * HOUR_NS for at in self._stale),
            "chattering_24_h": sum(wall_ns - at < 24 * HOUR_NS for at in self._chatters),
            "priorities": {
                each: self._priorities[each] / max(1, self._priorities.total())
                for each in reversed(PRIORITIES)
            },
            "most_frequent": [
                {"id": alarm, "count": count} for alarm, count in self._alarms.most_common(MOST_FREQUENT)
            ],
        }

    def _forget(self, wall_ns: int) -> None:
        oldest = wall_ns // WINDOW_NS - KEPT_WINDOWS
        if len(self._windows) > KEPT_WINDOWS:
            for window in [each for each in self._windows if each <= oldest]:
                del self._windows[window]
        for times in (self._stale, self._chatters):
            while times and wall_ns - times[0] >= KEPT_WINDOWS * WINDOW_NS:
                times.popleft()
