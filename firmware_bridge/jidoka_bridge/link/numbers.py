"""Consecutive numbers of one session, and which of those that a PLC echoes can't be ours."""

from __future__ import annotations

from collections import deque

#: a restarted session counts on from here, so that an echo of the old one can't pass for its own
RESTART_GAP = 256
REMEMBERED = 512


class Numbers:
    """16-bit numbers, one a beat. first: random 1 to 65535; settle_ns: after a start, or an outage, something older may be
    echoed.
    """

    def __init__(self, first: int, settle_ns: int) -> None:
        self._next = first & 0xFFFF or 1
        self._own: deque[int] = deque(maxlen=REMEMBERED)
        self._settle_ns = settle_ns
        self._began_ns: int | None = None

    def begin(self, now_ns: int) -> None:
        """The first beat; later calls change nothing."""
        if self._began_ns is None:
            self._began_ns = now_ns

    def settle(self, now_ns: int) -> None:
        """The line was out, for longer than is remembered perhaps: what the PLC took last may be any number of ours."""
        self._began_ns = now_ns

    def restart(self, now_ns: int) -> None:
        """A new session of the same program."""
        self._began_ns = now_ns
        self._next = self._next + RESTART_GAP & 0xFFFF or 1

    def take(self) -> int:
        """The number of the next beat."""
        number = self._next
        self._next = number + 1 & 0xFFFF
        self._own.append(number)
        return number

    def is_strange(self, echo: int, now_ns: int) -> bool:
        """This echo is of somebody else's frame: nothing of an earlier session of ours can stand in the PLC any more."""
        began_ns = now_ns if self._began_ns is None else self._began_ns
        return echo not in self._own and now_ns - began_ns > self._settle_ns
