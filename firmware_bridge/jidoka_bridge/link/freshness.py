"""Is a reply of now? The PLC's own counter orders replies and shows that its program runs.

Libraries that match replies to requests by function code alone took 9 to 34 of 40 late answers for current ones.
A late answer repeats an old counter, or one that moved less than the time that has passed since the last reply.
What is late by a beat only is found by the echo: a PLC that shows the current number doesn't show the one before.
"""

from __future__ import annotations

TICK_NS = 10_000_000
#: how far a PLC's clock may lag behind ours, as a divisor of the time passed (5 %)
DRIFT = 20
#: rounding of two counters, and the program's copy made a scan before the request came
SLACK_NS = 2 * TICK_NS

#: beats in a row with the current number, after which the one before isn't taken any more
SURE_BEATS = 20
#: beats in a row with the number before and nothing else, not a byte more, over pauses that empty the line: such a PLC is always behind
BEHIND_BEATS = 12


class EchoHabit:
    """Which number a PLC's block B shows: the request's own, or the one before (read before its program ran).

    A PLC that is always one behind may show either; any other has to show the request's own, or the answer is an old one.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Another PLC may stand there."""
        self._is_behind = False
        self._current = 0
        self._behind = 0

    def allows(self, lag: int) -> bool:
        """lag: how many numbers the echo of an answer is behind its request."""
        self._behind = self._behind + 1 if lag == 1 else 0
        self._current = self._current + 1 if lag == 0 else 0
        if self._behind >= BEHIND_BEATS:
            self._is_behind = True
        if self._current >= SURE_BEATS:
            self._is_behind = False
        return lag == 0 or (lag == 1 and self._is_behind)

    def interrupted(self) -> None:
        """A beat was lost in another way, or more came than was asked for."""
        self._behind = 0


class Freshness:
    """Judges counters one after the other. scan_ms: longest scan of the PLC."""

    def __init__(self, scan_ms: int) -> None:
        self._slack_ns = SLACK_NS + scan_ms * 1_000_000
        self._last: tuple[int, int] | None = None
        self._seen: int | None = None

    def judge(self, counter: int, sent_ns: int) -> str:
        """Why a reply to a request sent at `sent_ns` can't be current; "" if it can."""
        if counter == self._seen:
            return "counter stands still"
        self._seen = counter
        if self._last is None:
            return ""
        last, at_ns = self._last
        moved = counter - last & 0xFFFF
        passed_ns = sent_ns - at_ns
        due_ns = passed_ns - passed_ns // DRIFT - self._slack_ns
        if moved >= 0x8000 or moved * TICK_NS < due_ns:
            return "stale"
        return ""

    def accept(self, counter: int, now_ns: int) -> None:
        """A reply with this counter came at `now_ns` and was good."""
        self._last = (counter, now_ns)

    def forget(self) -> None:
        """The line was emptied or reopened: the next counter is taken as it is (the PLC may have restarted).

        One that still shows the same counter stands still all the same.
        """
        self._last = None
