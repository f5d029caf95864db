"""Alarm flood (ISA-18.2): more than 10 in 10 minutes until fewer than 5. It changes how alarms are shown and heard,
never what is recorded. Pure."""

from __future__ import annotations

from collections import deque

from jidoka.alarms.definition import MINUTE_NS
from jidoka.alarms.table import Annunciation

WINDOW_NS = 10 * MINUTE_NS
BEGINS_ABOVE = 10
ENDS_BELOW = 5


class Flood:
    """Counts what people heard in the last ten minutes.

    since_ns: of the flood that is on, 0 = none; sounded: the priorities that were heard already in it.
    """

    def __init__(self) -> None:
        self.since_ns = 0
        self.sounded: set[str] = set()
        self._times: deque[int] = deque()

    @property
    def is_on(self) -> bool:
        return self.since_ns > 0

    def count(self, now_ns: int) -> int:
        """Alarms in the ten minutes before now."""
        while self._times and now_ns - self._times[0] >= WINDOW_NS:
            self._times.popleft()
        return len(self._times)

    def came(self, now_ns: int) -> bool:
        """An alarm came; True if with it a flood begins."""
        self._times.append(now_ns)
        if self.is_on or self.count(now_ns) <= BEGINS_ABOVE:
            return False
        self.since_ns, self.sounded = now_ns, set()
        return True

    def tick(self, now_ns: int) -> bool:
        """True if the flood is over now."""
        if not self.is_on or self.count(now_ns) >= ENDS_BELOW:
            return False
        self.since_ns, self.sounded = 0, set()
        return True

    def heard(self, sign: Annunciation, priority: str) -> Annunciation:
        """What is annunciated for `sign`: in a flood each priority sounds once, the rest flashes."""
        if not self.is_on or sign is not Annunciation.SOUND:
            return sign
        if priority in self.sounded:
            return Annunciation.FLASH
        self.sounded.add(priority)
        return sign

    def acknowledged(self, priority: str) -> None:
        """Somebody looked: the next alarm of this priority sounds again."""
        self.sounded.discard(priority)
