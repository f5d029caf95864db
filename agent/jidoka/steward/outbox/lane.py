"""One lane of the outbox: an index into the ledger, what is under way, and the cursor behind what is done with. Pure.

What moves the cursor is the plan's `acknowledge`. `aims`: the receiver says up to where everything is committed
(`commit`). `puback`: the *broker* took a message (`confirm`), which is weaker: a broker that is killed may lose what it
acknowledged (mosquitto with persistence and default autosave lost 1 980 of 30 000 messages with the subscriber online,
15 484 with it offline). Either way what isn't done with is sent again, so receivers drop duplicates by (device, lane, seq).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

#: fewer than this that are done with are never cut off
CUT = 1_024


@dataclass
class LaneIndex:
    """cursor: every number up to it is done with; window: so many numbers may be under way.

    Twelve bytes a message: where each lies in the ledger, and how long it is. What is done with is cut off in large pieces, for
    each cut moves all that is behind it.
    """

    cursor: int = 0
    window: int = 2_000
    sent: int = 0  # highest number handed to this connection
    backlog_bytes: int = 0  # of entries that aren't done with, in the ledger
    confirmed: set[int] = field(default_factory=set)  # above the cursor, out of order
    _offsets: array[int] = field(default_factory=lambda: array("Q"))
    _sizes: array[int] = field(default_factory=lambda: array("I"))
    _done: int = 0  # so many at the front of both are done with

    @property
    def last(self) -> int:
        """The highest number that the ledger has."""
        return self.cursor + self.backlog

    @property
    def oldest_offset(self) -> int | None:
        """Where the oldest entry lies that isn't done with; None if all are."""
        try:
            return self._offsets[self._done]
        except IndexError:
            return None

    def add(self, number: int, offset: int, size: int = 0, count: int = 1) -> None:
        """Entry `number` of the lane lies at `offset` and has `size` bytes; one that stands for several has their `count`.
        Numbers come in order; confirmed ones are skipped."""
        if number + count - 1 <= self.cursor:
            return
        expected = self.cursor + 1 + len(self._offsets) - self._done
        first = max(number, self.cursor + 1)
        if first != expected:
            raise ValueError(f"lane number {first}, expected {expected}")
        self.backlog_bytes += size
        for _ in range(first, number + count):
            self._offsets.append(offset)
            self._sizes.append(size)
            size = 0

    def go_back(self) -> None:
        """Whatever isn't done with is sent again."""
        self.sent = self.cursor
        self.confirmed.clear()

    def next(self) -> tuple[int, int] | None:
        """(number, offset) of what comes next, or None if all was sent or enough is under way."""
        position = max(self.sent, self.cursor) - self.cursor
        if position >= self.backlog or position >= self.window:
            return None
        return self.cursor + position + 1, self._offsets[self._done + position]

    def mark_sent(self, number: int) -> None:
        self.sent = number

    def confirm(self, number: int) -> bool:
        """The broker acknowledged `number`. True if the cursor moved."""
        if number <= self.cursor:
            return False
        self.confirmed.add(number)
        to = self.cursor
        while to + 1 in self.confirmed:
            to += 1
        return self._move(to)

    def commit(self, number: int) -> bool:
        """The receiver has everything up to `number`. True if the cursor moved. Raises ValueError if there never was."""
        if number > self.last:
            raise ValueError(f"up to {number} is acknowledged, the ledger has {self.last}")
        return self._move(number)

    def _move(self, to: int) -> bool:
        if to <= self.cursor:
            return False
        count = to - self.cursor
        self.backlog_bytes -= sum(self._sizes[self._done : self._done + count])
        self.cursor, self._done = to, self._done + count
        if self._done >= max(CUT, len(self._offsets) // 2):
            del self._offsets[: self._done], self._sizes[: self._done]
            self._done = 0
        self.confirmed = {each for each in self.confirmed if each > to}
        return True

    @property
    def backlog(self) -> int:
        """Entries that aren't done with."""
        return len(self._offsets) - self._done

    @property
    def under_way(self) -> int:
        """Entries that were sent and aren't done with."""
        return max(0, self.sent - self.cursor)
