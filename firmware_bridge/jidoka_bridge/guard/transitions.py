"""The ring of numbered events: gap-free, kept until the steward has them in its ledger."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from jidoka_bridge.messages import MessageError

SIZE = 1024
MAX_NUMBER = 2**63


class Ring:
    """Transitions that wait for `recorded`. first_number: of the next one.

    After a restart the numbers go on where the ledger stands: until the steward said for the first time how far
    it has recorded, nothing is sent, and the waiting numbers are shifted past that.
    """

    def __init__(self, first_number: int) -> None:
        self._next = first_number
        self._waiting: deque[dict[str, Any]] = deque()
        self._sent = 0
        self.is_synchronised = False

    @property
    def last_number(self) -> int:
        return self._next - 1

    @property
    def waiting(self) -> int:
        """How many aren't recorded yet."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= SIZE

    def add(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Number an event and keep it. When full the oldest is given up: the guard has stopped by then."""
        numbered = {"number": self._next, **event}
        self._next += 1
        if self.is_full:
            self._waiting.popleft()
            self._sent = max(0, self._sent - 1)
        self._waiting.append(numbered)
        return numbered

    def recorded(self, number: int) -> None:
        """Everything up to `number` is in the ledger. The first call after the start also fixes the numbering.

        Raises MessageError for a number that was never given: nothing may pass for recorded that wasn't.
        """
        if number >= (self._next if self.is_synchronised else MAX_NUMBER):
            raise MessageError(f"transition {number} can't be recorded: {self.last_number} is the last one")
        if not self.is_synchronised:
            self.is_synchronised = True
            shift = number + 1 - (self._waiting[0]["number"] if self._waiting else self._next)
            if shift > 0:
                for event in self._waiting:
                    event["number"] += shift
                self._next += shift
            return
        while self._waiting and self._waiting[0]["number"] <= number:
            self._waiting.popleft()
            self._sent = max(0, self._sent - 1)

    def reconnected(self) -> None:
        """A steward came (back): what isn't recorded is sent again."""
        self._sent = 0

    def unsent(self) -> Iterator[dict[str, Any]]:
        """Events to send; call `sent` after each that went out."""
        if not self.is_synchronised:
            return
        yield from list(self._waiting)[self._sent :]

    def sent(self) -> None:
        self._sent += 1
