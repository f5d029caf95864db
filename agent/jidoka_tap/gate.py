"""A gate: the application gets a call's outputs only after the verdict of that very record, or after the deadline."""

import threading
import time
from typing import Any, Optional, Sequence

from jidoka_tap.answers import Answer, Waiter
from jidoka_tap.sender import Tap
from jidoka_tap.verdict import LEVELS, Rejected, Verdict, texts_of
from jidoka_tap.wire import REJECT

#: what a gate does without a verdict -> the level that stands for it
SILENT_LEVELS = {"reject": "reject", "pass": "pass"}


class Gate:
    """What one watched session does with verdicts.

    deadline_s: the most that one call waits, from when its outputs are there; when_silent: "reject" or "pass", if no
    verdict comes: no monitor, a record that can't be sent, the deadline. Raises ValueError for others.
    """

    def __init__(self, tap: Tap, deadline_s: float, when_silent: str) -> None:
        if when_silent not in SILENT_LEVELS:
            raise ValueError("when_silent=%r isn't 'reject' or 'pass'" % (when_silent,))
        if not 0 < deadline_s <= 60:
            raise ValueError("deadline_s=%r isn't between 0 and 60 seconds" % (deadline_s,))
        self.tap = tap
        self._deadline_ns = int(deadline_s * 1e9)
        self._silent_level = SILENT_LEVELS[when_silent]
        self._of_thread = threading.local()

    @property
    def verdict(self) -> Optional[Verdict]:
        """The verdict of this thread's last call, None before the first."""
        verdict = getattr(self._of_thread, "verdict", None)
        return verdict if verdict is None or type(verdict) is Verdict else self.in_words(verdict)

    def record(
        self,
        start_ns: int,
        end_ns: int,
        part: int,
        position: int,
        recipe: int,
        output_names: Optional[Sequence[str]],
        outputs: Sequence[Any],
        feed: Any,
    ) -> Optional[Answer]:
        """As `Tap.record`, and wait for the verdict, which is returned, None for silence. Raises Rejected."""
        tap = self.tap
        waiter: Waiter = []
        deadline_ns = time.monotonic_ns() + self._deadline_ns
        number = tap.record(start_ns, end_ns, part, position, recipe, output_names, outputs, feed, waiter)
        answer = tap.answers.wait(number, waiter, deadline_ns) if number else None
        if answer is not None and answer[4] < REJECT:
            self._of_thread.verdict = answer  # put into words if somebody asks
            return answer
        if answer is None:
            verdict = self._silent(number, part, is_over=bool(waiter))
        else:
            verdict = self.in_words(answer)
        self._of_thread.verdict = verdict
        if verdict.level == "reject":
            tap.tally.add("unjudged" if verdict.is_silent else "rejected")
            raise Rejected(tap.name, verdict)
        return None

    def in_words(self, answer: Answer) -> Verdict:
        """An answer as people get it."""
        _, number, part, bits, level, part_level = answer
        reasons = texts_of(bits, self.tap.terms.reasons) if bits else ()
        if level > REJECT or part_level > REJECT:  # of a monitor that knows more than this program
            level, part_level = min(level, REJECT), min(part_level, REJECT)
        return Verdict(number, part, LEVELS[level], LEVELS[part_level], reasons, False)

    def _silent(self, number: int, part: int, *, is_over: bool) -> Verdict:
        why = "no verdict within %g s" % (self._deadline_ns / 1e9)
        if is_over:
            why = "the monitor went away before its verdict"
        elif not number:
            is_there = self.tap.counts.is_connected
            why = (
                "the record couldn't be sent to the monitor"
                if is_there
                else "no monitor is connected at %s" % self.tap.path
            )
        level = self._silent_level
        if level == "pass":
            self.tap.tally.add("unjudged")
            self.tap.notes.once("a gated call passes without a verdict, as when_silent='pass' asks: %s" % why)
        if not number and self.tap.link.why_not:  # which may change from call to call: not in the log's line
            why += " (%s)" % self.tap.link.why_not
        return Verdict(number, part if type(part) is int else 0, level, level, (why,), True)
