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


class _Window:
    """What was annunciated in ten minutes. came: by alarm and priority; calls: again, of what came before."""

    def __init__(self) -> None:
        self.came: Counter[tuple[str, str]] = Counter()
        self.calls = 0


class Load:
    """Annunciated alarms of the last 30 days. began_ns: wall clock of the first moment that counts."""

    def __init__(self) -> None:
        self.began_ns = 0
        self._windows: dict[int, _Window] = {}
        self._stale_ns: dict[str, int] = {}
        self._chatters_ns: deque[int] = deque()
        self._recent: dict[str, deque[int]] = {}

    def began(self, wall_ns: int) -> None:
        """From this moment on it counts, unless it does already."""
        if not self.began_ns or wall_ns < self.began_ns:
            self.began_ns = wall_ns

    def came(self, alarm: str, priority: str, wall_ns: int) -> None:
        """An alarm was annunciated."""
        self.began(wall_ns)
        self._window(wall_ns).came[alarm, priority] += 1
        recent = self._recent.setdefault(alarm, deque(maxlen=CHATTERS))
        recent.append(wall_ns)
        if len(recent) == CHATTERS and 0 <= wall_ns - recent[0] < MINUTE_NS:
            self._chatters_ns.append(wall_ns)

    def called(self, alarm: str, wall_ns: int, is_stale: bool) -> None:
        """An alarm was annunciated again because nobody acknowledged it, or because it is stale."""
        self._window(wall_ns).calls += 1
        if is_stale:
            self._stale_ns[alarm] = wall_ns

    def value(self, wall_ns: int) -> dict[str, Any]:
        """The figures. Shares are of 1; floods count whole windows, as the standard does."""
        recent, day_ago_ns = self._recent_windows(wall_ns), wall_ns - 24 * HOUR_NS
        first, last = self.began_ns // WINDOW_NS, wall_ns // WINDOW_NS
        windows = min(KEPT_WINDOWS, max(1, last - first + 1)) if self.began_ns else 1
        counts = [each.came.total() for each in recent.values()]
        total = sum(counts)
        priorities: Counter[str] = Counter()
        alarms: Counter[str] = Counter()
        for each in recent.values():
            for (alarm, priority), count in each.came.items():
                priorities[priority] += count
                alarms[alarm] += count
        return {
            "days": windows * WINDOW_NS / (24 * HOUR_NS),
            "alarms": total,
            "calls": sum(each.calls for each in recent.values()),
            "per_10_min": total / windows,
            "peak_10_min": max(counts, default=0),
            "flood_share": sum(count > BEGINS_ABOVE for count in counts) / windows,
            "stale_24_h": sum(at_ns > day_ago_ns for at_ns in self._stale_ns.values()),
            "chattering_24_h": sum(at_ns > day_ago_ns for at_ns in self._chatters_ns),
            "priorities": {each: priorities[each] / max(1, total) for each in reversed(PRIORITIES)},
            "most_frequent": [
                {"id": alarm, "count": count} for alarm, count in alarms.most_common(MOST_FREQUENT)
            ],
        }

    def _window(self, wall_ns: int) -> _Window:
        """Of this moment; where it is a new one, what is older than its span is forgotten."""
        number = wall_ns // WINDOW_NS
        if number not in self._windows:
            self._windows = self._recent_windows(wall_ns)
            self._windows[number] = _Window()
            while self._chatters_ns and self._chatters_ns[0] <= wall_ns - 24 * HOUR_NS:
                self._chatters_ns.popleft()
        return self._windows[number]

    def _recent_windows(self, wall_ns: int) -> dict[int, _Window]:
        oldest = wall_ns // WINDOW_NS - KEPT_WINDOWS
        return {number: each for number, each in self._windows.items() if number > oldest}
