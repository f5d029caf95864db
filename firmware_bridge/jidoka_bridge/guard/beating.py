"""When the supervisor's watchdog may be fed: from a loop that did its work, never just because it turned."""

from __future__ import annotations

from jidoka_bridge.guard.watch import MS_NS

#: far below what a unit's WatchdogSec may sensibly be (2 s)
FEED_NS = 250 * MS_NS


class Watchdog:
    """Asked at the end of each round of the loop, when everything was taken in, written and told."""

    def __init__(self) -> None:
        self._fed_ns = 0
        self._beats = 0

    def is_due(self, now_ns: int, beats: int, *, is_open: bool) -> bool:
        """True when it is time to feed it and a beat went out since the last time.

        Without an open port there is nothing to beat at: then the loop that goes on trying is what is watched.
        """
        if self._fed_ns and now_ns - self._fed_ns < FEED_NS:
            return False
        if is_open and beats == self._beats:
            return False
        self._fed_ns, self._beats = now_ns, beats
        return True
