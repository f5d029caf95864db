"""Consecutive numbers of one session, and which of those that a PLC echoes can't be ours.

What stands in a PLC is the number that it echoed in the last good beat, or one that was sent since: however long the line was
out. Only at a beginning nobody knows what an earlier process, or another PLC, has left there.
"""

from __future__ import annotations

#: a restarted session counts on from here, so that an echo of the old one can't pass for its own
RESTART_GAP = 256
MOST = 0xFFFF


class Numbers:
    """16-bit numbers, one a beat. first: random 1 to 65535; settling: so many answers may echo something older at a beginning."""

    def __init__(self, first: int, settling: int) -> None:
        self._next = first & MOST or 1
        self._settling = settling
        self._begin()

    def _begin(self) -> None:
        self._echoed = self._next - 1 & MOST
        self._since = 0  # numbers taken after that one
        self._is_known = False
        self._answers = 0

    def restart(self) -> None:
        """A new session of the same program, and perhaps another PLC."""
        self._next = self._next + RESTART_GAP & MOST or 1
        self._begin()

    def take(self) -> int:
        """The number of the next beat."""
        number = self._next
        self._next = number + 1 & MOST
        self._since = min(self._since + 1, MOST)
        return number

    def answered(self) -> None:
        """The PLC's program answered, whatever it echoes."""
        self._answers = min(self._answers + 1, self._settling + 1)

    def echoed(self, number: int) -> None:
        """A good beat: this one of ours stands in the PLC."""
        self._echoed, self._since = number, self._next - 1 - number & MOST
        self._is_known = True

    def is_strange(self, echo: int) -> bool:
        """This echo is of somebody else's frame: nothing of an earlier session of ours can stand in the PLC any more."""
        if echo - self._echoed & MOST <= self._since:
            return False
        return self._is_known or self._answers > self._settling
