"""Alarm flood (ISA-18.2): more than 10 in 10 minutes until fewer than 5. It changes how alarms are shown and heard,
never what is recorded. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from jidoka.alarms.definition import MINUTE_NS
from jidoka.alarms.table import Annunciation

WINDOW_NS = 10 * MINUTE_NS
BEGINS_ABOVE = 10
ENDS_BELOW = 5


class Turn(NamedTuple):
    """A flood begins or ends. since_ns: when it began; recent: alarms in the ten minutes before; alarms: of the whole flood."""

    begins: bool
    since_ns: int
    recent: int
    alarms: int


class Flood:
    """Counts what people heard in the last ten minutes.

    since_ns: of the flood that is on, 0 = none, negative where it began before this boot; alarms: of it; sounded: the priorities that were heard already in it.
    """

    def __init__(self) -> None:
        self.since_ns = self.alarms = 0
        self.sounded: set[str] = set()
        self._times: deque[int] = deque()

    def restore(self, times_ns: Iterable[int], since_ns: int, alarms: int) -> None:
        """What the record tells of the last ten minutes, and of a flood that nobody saw the end of (0: there is none).

        What was heard before a restart isn't known here: each priority sounds once more.
        """
        self._times = deque(sorted(times_ns))
        self.since_ns, self.alarms = since_ns, alarms

    @property
    def is_on(self) -> bool:
        return self.since_ns != 0

    def count(self, now_ns: int) -> int:
        """Alarms in the ten minutes before now."""
        while self._times and now_ns - self._times[0] >= WINDOW_NS:
            self._times.popleft()
        return len(self._times)

    def came(self, now_ns: int) -> Turn | None:
        """An alarm came; what it begins, if a flood begins with it."""
        self._times.append(now_ns)
        count = self.count(now_ns)
        self.alarms += self.is_on
        if self.is_on or count <= BEGINS_ABOVE:
            return None
        self.since_ns, self.alarms, self.sounded = now_ns, count, set()
        return Turn(True, now_ns, count, count)

    def tick(self, now_ns: int) -> Turn | None:
        """What ends, if the flood is over now."""
        if not self.is_on:
            return None
        count = self.count(now_ns)
        if count >= ENDS_BELOW:
            return None
        turn = Turn(False, self.since_ns, count, self.alarms)
        self.since_ns, self.alarms, self.sounded = 0, 0, set()
        return turn

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
