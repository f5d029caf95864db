"""Which transitions of the guard are new, and up to which number all are in the ledger. Pure.

The guard numbers its transitions without a gap, keeps them until RECORDED names them, and sends what is left again
on a new connection. A guard that starts anew goes on behind the first RECORDED that it hears, so that one is told
only when nothing of its predecessor is under way any more.
"""

from __future__ import annotations

import enum
from collections import deque

KEPT = 2048


class Arrival(enum.Enum):
    """What a transition is to the ledger."""

    FRESH = "record it"
    DUPLICATE = "the ledger has it, or is about to"
    GAP = "numbers are missing in between: connect anew, so that the guard sends them again"
    LOST = "record it, and that the numbers in between are lost"


class Transitions:
    """Transitions as the ledger knows them. recorded: every one up to it is on the disk; missing: how many numbers
    the last GAP or LOST jumped over."""

    def __init__(self) -> None:
        self.recorded = 0
        self.missing = 0
        self.has_forgotten = False  # since the connection began: the guard sends it again on the next
        self._highest = 0
        self._times: dict[int, int] = {}
        self._under_way: deque[int] = deque()
        self._gap_behind = 0  # where a gap was met once already
        self._was_told = False

    def restore(self, number: int, ns: int) -> None:
        """A transition that is in the ledger already."""
        self._remember(number, ns)
        self.recorded = max(self.recorded, number)

    def connect(self) -> None:
        """A new connection, perhaps to a new guard."""
        self._was_told = False
        self.has_forgotten = False

    def arrive(self, number: int, ns: int) -> Arrival:
        """Judge a transition of time ns. FRESH and LOST are under way until `commit` or `forget`."""
        if self._times.get(number) == ns:
            return Arrival.DUPLICATE
        self.missing = max(0, number - self._highest - 1) if self._highest else 0
        if self.missing and self._gap_behind != self._highest:
            self._gap_behind = self._highest
            return Arrival.GAP
        self._remember(number, ns)
        self._under_way.append(number)
        return Arrival.LOST if self.missing else Arrival.FRESH

    def commit(self, number: int) -> None:
        """The entry of this transition reached the disk."""
        self._under_way.remove(number)
        self.recorded = max(self.recorded, number)

    def forget(self, number: int) -> None:
        """The ledger had no room for this transition: as if it had never come."""
        self.has_forgotten = True
        self._under_way.remove(number)
        self._times.pop(number, None)
        self._highest = max(self._times, default=self.recorded)

    def to_tell(self) -> int | None:
        """What RECORDED says now; None while a new connection must still wait."""
        if not self._was_told and self._under_way:
            return None
        self._was_told = True
        return self.recorded

    def _remember(self, number: int, ns: int) -> None:
        self._times.pop(number, None)
        self._times[number] = ns
        self._highest = max(self._highest, number)
        if len(self._times) > KEPT:
            del self._times[next(iter(self._times))]
