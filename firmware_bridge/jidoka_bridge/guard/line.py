"""The guard's end of the serial line: beats by absolute deadlines, one transaction at a time, lowering at once."""

from __future__ import annotations

import logging
from dataclasses import replace

from jidoka_bridge.errors import LinkError, told
from jidoka_bridge.guard import line_faults
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.link_view import LinkView, view_of
from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.link.ports import port_of
from jidoka_bridge.link.session import Beat, Session
from jidoka_bridge.link.times import needed, pace_of
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Word

MS_NS = 1_000_000
LOG = logging.getLogger("guard")


class Line:
    """Port, session and clock of the beats. `beats`, `good`, `lost` count; next_ns: when `step` wants to be called."""

    def __init__(self, link: Link, first_number: int) -> None:
        self.link = link
        self.session = Session(link, first_number)
        self.port = port_of(link)
        self.beats = self.good = self.lost = 0
        self.in_transaction = False
        self._view = LinkView()
        self._beat_ns = link.beat_ms * MS_NS
        self._gap_ns = int(pace_of(link).gap_ms * MS_NS)
        self._function = self.session.function
        self._due_ns = 0
        self._reply_until_ns = 0
        self._second_ns = 0
        self._quiet_until_ns = 0
        self._word = Word.WITHHOLD
        self._is_lowering = False
        self._told_error = ""
        self._faults = line_faults.Watch(link)

    def fileno(self) -> int:
        """Descriptor for select; -1 while the port is closed."""
        return self.port.fileno()

    @property
    def next_ns(self) -> int:
        """The next deadline: a reply that should have come, the end of the silence that a lower word waits for, or
        the next beat."""
        if self.in_transaction:
            return self._second_ns if self.session.has_second else self._reply_until_ns
        return min(self._due_ns, self._quiet_until_ns) if self._is_lowering else self._due_ns

    def readable(self, now_ns: int, guard: Guard) -> None:
        """Bytes wait at the port."""
        try:
            data = self.port.read()
        except LinkError:
            self._port_lost(now_ns, guard)
            return
        beat = self.session.feed(now_ns, data)
        if beat is not None:
            self._ended(now_ns, beat, guard)
        elif self.session.has_second:
            self._second_ns = now_ns + self._gap_ns

    def step(self, now_ns: int, guard: Guard) -> None:
        """What is due: open the port, give a reply up, send a beat; a lower word doesn't wait for its beat."""
        if not self.port.is_open:
            self._open(now_ns, guard)
            if not self.port.is_open:
                self._due_ns = now_ns + self._beat_ns
                return
        if self.in_transaction:
            if now_ns < self.next_ns:
                return
            if self.session.has_second:
                self._write(now_ns, self.session.second(now_ns), guard)
                return
            self._ended(now_ns, self.session.timeout(now_ns), guard)
        self._is_lowering = RANK[guard.ask().word] < RANK[self._word]
        if now_ns >= self._due_ns or (self._is_lowering and now_ns >= self._quiet_until_ns):
            self._send(now_ns, guard)

    def _send(self, now_ns: int, guard: Guard) -> None:
        ask = guard.ask()
        frame = self.session.request(now_ns, ask)
        # absolute deadlines: a late beat doesn't move the ones after it, missed ones aren't made up for
        self._due_ns += self._beat_ns
        if self._due_ns <= now_ns or self._due_ns > now_ns + self._beat_ns:
            self._due_ns = now_ns + self._beat_ns
        self._word = ask.word
        self._is_lowering = False
        self.in_transaction = True
        self.beats += 1
        if self._write(now_ns, frame, guard) and frame:
            guard.sent(now_ns, ask.word)

    def _write(self, now_ns: int, frame: bytes, guard: Guard) -> bool:
        """Send a request, or for a pause nothing; False: the port was lost."""
        pace = pace_of(self.link, function=self.session.function)
        there, back = (len(frame), self.session.reply_bytes) if frame else pace.frames[0]
        wait_ms = pace.until_reply_ms(there, back, self.link.reply_timeout_ms)
        self._reply_until_ns = now_ns + int(wait_ms * MS_NS)
        try:
            self.port.drain()
            self.port.write(frame)
        except LinkError:
            self._port_lost(now_ns, guard)
            return False
        return True

    def _ended(self, now_ns: int, beat: Beat, guard: Guard) -> None:
        self.in_transaction = False
        self._quiet_until_ns = now_ns + self._gap_ns
        self._due_ns = max(self._due_ns, self._quiet_until_ns)
        self.good += beat.good
        self.lost += not beat.good
        if not beat.good:
            try:
                self.port.drain()
            except LinkError:
                self._port_lost(now_ns, guard)
                return
        session = self.session
        lack = self._faults.lack(
            now_ns, beat.good or session.is_up, beat.why, self.port.line_errors,
            skew=session.skew, foreign=session.foreign, is_unoffered=session.is_unoffered,
            is_unapproved=session.is_unapproved, is_unrecorded=session.is_unrecorded,
        )  # fmt: skip
        if lack and lack != self._view.lack:
            LOG.warning("not armed: %s", told(lack, self._faults.remedy))
        self._view = replace(view_of(session, beat, self._view), lack=lack)
        guard.beat(now_ns, self._view)
        if session.function != self._function:
            self._function = session.function
            least_ms = needed(self.link, function=session.function).beat_ms
            LOG.warning("%s", told(*line_faults.other_function(self.link, least_ms)))

    def _open(self, now_ns: int, guard: Guard) -> None:
        if self.port.open(now_ns):
            LOG.info("%s is open", self.link.port)
            for what, remedy in self.port.notes:
                LOG.warning("%s", told(what, remedy))
            self._told_error = ""
            self.session.reset()
            self._function = self.session.function
            self._due_ns = now_ns
        elif self.port.error != self._told_error:
            self._told_error = self.port.error
            LOG.warning("not armed: %s", told(self.port.error, self.port.remedy))
            self._faults.forget()
            self._view = replace(
                self._view, good=False, is_up=False, why=self.port.error, lack=self.port.error
            )
            guard.beat(now_ns, self._view)

    def _port_lost(self, now_ns: int, guard: Guard) -> None:
        LOG.warning("%s", told(self.port.error, self.port.remedy))
        self._told_error = self.port.error
        self.in_transaction = False
        self.session.reset()
        self.lost += 1
        self._faults.forget()
        self._view = replace(self._view, good=False, is_up=False, why=self.port.error, lack=self.port.error)
        guard.beat(now_ns, self._view)

    def close(self) -> None:
        self.port.close()
