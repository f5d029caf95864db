"""Is the link up? Good beats in a row bring it up; lost ones in a row, or time, take it down."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from jidoka_bridge.link.arming import MS
from jidoka_bridge.link.blocks import BlockB
from jidoka_bridge.plan import Link

GOOD_BEATS_UP = 3
#: as block A carries it, one byte of 10 ms
LONGEST_HOLD_MS = 2550


@dataclass(frozen=True)
class Beat:
    """Outcome of one beat. why: "" when good; block: the last good block B, this beat's own where it carried one.

    A beat that carried block D or a piece of block C instead of A is good when that was answered; its `block` is
    then the one from before (None if there was none), and is_own is False.
    """

    good: bool
    why: str
    at_ns: int
    rtt_ns: int
    block: BlockB | None
    is_own: bool = True


class Standing:
    """One link's beats, as far as being up goes. `history`: round trips of good ones, newest last."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.is_up = False
        self.history: deque[int] = deque(maxlen=64)
        self.forget()

    def forget(self) -> None:
        """The port was lost or reopened."""
        self.is_up = False
        self.good_run = self.lost_run = 0
        self.last_sent_ns = 0  # when the last good beat was sent
        self._last_good_ns: int | None = None

    @property
    def hold_ms(self) -> int:
        """How long a beat keeps the permissive."""
        return min(self._link.hold_ms, LONGEST_HOLD_MS)

    @property
    def answers(self) -> bool:
        """Enough good beats in a row to come up."""
        return self.good_run >= GOOD_BEATS_UP

    def good(self, now_ns: int, sent_ns: int, fits: bool) -> None:
        """A good beat. fits: the PLC's program is one that this one knows."""
        self.lost_run = 0
        self.good_run += 1
        self._last_good_ns = now_ns
        self.last_sent_ns = sent_ns
        self.is_up = (self.is_up or self.answers) and fits
        self.history.append(now_ns - sent_ns)

    def lost(self) -> bool:
        """A beat was lost; True if that is one too many."""
        self.good_run = 0
        self.lost_run += 1
        return self.lost_run > self._link.lost_beats

    def is_over(self, now_ns: int) -> bool:
        """It is up, and the last good beat is longer ago than the PLC holds."""
        last = self._last_good_ns
        return self.is_up and (last is None or now_ns - last > self.hold_ms * MS)

    def down(self) -> None:
        self.is_up = False
        self.good_run = 0
