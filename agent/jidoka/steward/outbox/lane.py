"""One lane of the outbox: an index into the ledger, what is under way, and the cursor behind what is done with. Pure.

What moves the cursor is the plan's `acknowledge`. `aims`: the receiver says up to where everything is committed
(`commit`). `puback`: the *broker* took a message (`confirm`), which is weaker: a broker that is killed may lose what it
acknowledged (mosquitto with persistence and default autosave lost 1 980 of 30 000 messages with the subscriber online,
15 484 with it offline). Either way what isn't done with is sent again, so receivers drop duplicates by (device, lane, seq).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field


@dataclass
class LaneIndex:
    """cursor: every number up to it is done with; offsets[i]: byte in the ledger of number cursor + 1 + i; window: so
    many numbers may be under way."""

    cursor: int = 0
    window: int = 2_000
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    sent: int = 0  # highest number handed to this connection
    confirmed: set[int] = field(default_factory=set)  # above the cursor, out of order

    @property
    def last(self) -> int:
        """The highest number that the ledger has."""
        return self.cursor + len(self.offsets)

    def add(self, number: int, offset: int) -> None:
        """Entry `number` of the lane lies at `offset`. Numbers come in order; confirmed ones are skipped."""
        if number <= self.cursor:
            return
        if number != self.last + 1:
            raise ValueError(f"lane number {number}, expected {self.last + 1}")
        self.offsets.append(offset)

    def go_back(self) -> None:
        """Whatever isn't done with is sent again."""
        self.sent = self.cursor
        self.confirmed.clear()

    def next(self) -> tuple[int, int] | None:
        """(number, offset) of what comes next, or None if all was sent or enough is under way."""
        position = max(self.sent, self.cursor) - self.cursor
        if position >= len(self.offsets) or position >= self.window:
            return None
        return self.cursor + position + 1, self.offsets[position]

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
        del self.offsets[: to - self.cursor]
        self.cursor = to
        self.confirmed = {each for each in self.confirmed if each > to}
        return True

    @property
    def backlog(self) -> int:
        """Entries that aren't done with."""
        return len(self.offsets)

    @property
    def under_way(self) -> int:
        """Entries that were sent and aren't done with."""
        return max(0, self.sent - self.cursor)
