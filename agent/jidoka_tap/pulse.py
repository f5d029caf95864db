"""The tap of one model, its own thread: connects, beats each 100 ms, listens to the monitor, writes the log."""

import os
import select
import threading
import time
from typing import Any, Dict, List, Optional

from jidoka_tap import wire
from jidoka_tap.arena import Arena
from jidoka_tap.link import Message, close_all, try_send
from jidoka_tap.sender import Tap
from jidoka_tap.terms import Terms, terms_of
from jidoka_tap.version import VERSION

BEAT_NS = int(wire.BEAT_INTERVAL_S * 1e9)
QUIET_NS = 1_000_000_000  # without a loss, before losses to a busy monitor are summed up
ANSWER_NS = 2_000_000_000  # until a monitor that doesn't answer HELLO is worth a line
MOST_DATAGRAMS = 64  # a turn; a flood must not keep the beat waiting


class Pulse:
    """What the thread does. `turn` is one round of it and gets the time as an argument.

    runtime: what runs the model, as HELLO says it.
    """

    def __init__(self, tap: Tap, runtime: str, now_ns: int) -> None:
        self.tap = tap
        self.link = tap.link
        self._introduction = {
            "model": tap.model, "pid": os.getpid(), "boot": boot_id(), "inputs": tap.inputs,
            "outputs": tap.outputs, "runtime": runtime, "tap": VERSION, "sha256": tap.sha256, "shows": True,
        }  # fmt: skip
        self._poll = select.poll()
        self._events = select.POLLIN
        self._is_welcome = False
        self._was_welcome = False
        self._hello_ns = self._next_beat_ns = 0
        self._dropped_at_hello = 0
        self._away_ns = now_ns
        self._dropped_at_loss = self._dropped_before = 0
        self._busy_ns = self._last_loss_ns = 0  # 0: nothing was lost to a busy monitor lately

    def live(self) -> None:
        """Turn until the tap is closed."""
        while not self.tap.is_closed:
            now_ns = time.monotonic_ns()
            left_ns = max(0, self.turn(now_ns))
            self.tap.notes.write()
            if self.link.sock is None:
                self.tap.wake.wait(left_ns / 1e9)
            else:
                # Where calls wait for verdicts they read the socket, and this thread sleeps until the next beat or the
                # end of the connection; else each verdict would wake two threads that want the interpreter.
                events = 0 if self._is_welcome and self.tap.gates else select.POLLIN
                if events != self._events:
                    self._events = events
                    self._poll.modify(self.link.sock, events)
                self._poll.poll(left_ns // 1_000_000 + 1)
        self._lose(time.monotonic_ns())
        self.tap.notes.write()

    def turn(self, now_ns: int) -> int:
        """Do what is due; returns ns until something is due again (less if the monitor speaks)."""
        if self.link.sock is None:
            if not self.link.connect(now_ns):
                if not self._was_welcome:
                    self.tap.notes.once(
                        "no monitor at %s (%s): records are not sent until it is there"
                        % (self.link.path, self.link.why_not)
                    )
                return self.link.next_try_ns - now_ns
            assert self.link.sock is not None
            self._events = select.POLLIN
            self._poll.register(self.link.sock, self._events)
            self.tap.answers.begin(self.link.sock)
            self._say_hello(now_ns)
        self._listen(now_ns)
        if self.link.sock is None:
            return self.link.next_try_ns - now_ns
        if not self._is_welcome:
            if now_ns - self._hello_ns > ANSWER_NS:
                self.tap.notes.once("the monitor at %s doesn't answer" % self.link.path)
            return BEAT_NS
        if now_ns >= self._next_beat_ns:
            self._beat(now_ns)
        return self._next_beat_ns - now_ns

    def _say_hello(self, now_ns: int) -> None:
        dropped = self.tap.counts.dropped
        hello = dict(self._introduction, dropped=dropped - self._dropped_at_hello, gate=self.tap.gates > 0)
        self._dropped_at_hello = dropped
        self._hello_ns = now_ns
        assert self.link.sock is not None
        try_send(self.link.sock, wire.encode_json(wire.HELLO, now_ns, hello))

    def _beat(self, now_ns: int) -> None:
        counts = self.tap.counts
        body = wire.BEAT_BODY.pack(counts.sent, counts.dropped, counts.tensors_not_sent)
        assert self.link.sock is not None
        try_send(self.link.sock, wire.encode(wire.BEAT, now_ns, body))
        self._next_beat_ns += BEAT_NS
        if self._next_beat_ns <= now_ns:
            self._next_beat_ns = now_ns + BEAT_NS
        if counts.dropped > self._dropped_before:
            if not self._busy_ns:
                self._busy_ns, self._dropped_at_loss = now_ns, self._dropped_before
            self._dropped_before, self._last_loss_ns = counts.dropped, now_ns
        elif self._busy_ns and now_ns - self._last_loss_ns >= QUIET_NS:
            self.tap.notes.warning(
                "the monitor was too busy for %.1f s; %d records were not sent"
                % (
                    (self._last_loss_ns - self._busy_ns + BEAT_NS) / 1e9,
                    counts.dropped - self._dropped_at_loss,
                )
            )
            self._busy_ns = 0

    def _listen(self, now_ns: int) -> None:
        messages: List[Message] = []
        try:
            messages = self.tap.answers.read(MOST_DATAGRAMS)
            for datagram, descriptors in messages:
                kind, _, body = wire.decode(datagram)
                if kind == wire.WELCOME:
                    self._come_in(now_ns, wire.decode_json(body), descriptors)
                elif kind == wire.SHOW:
                    self.tap.asked = str(wire.decode_json(body).get("digest", ""))[:64]
                elif kind == wire.REFUSED:
                    refusal = wire.decode_json(body)
                    reason, remedy = refusal.get("reason", "no reason given"), refusal.get("remedy", "")
                    self.tap.notes.once("the monitor refuses the records: %s. %s" % (reason, remedy))
                    self.link.why_not = "it refuses the records: %s" % reason
                    self._lose(now_ns, is_refused=True)
                    return
        except wire.WireError as error:
            self.tap.notes.once("the monitor isn't understood: %s" % error)
            self._lose(now_ns, is_refused=True)
        except OSError:
            self._lose(now_ns)
        finally:
            for message in messages:
                close_all(message.descriptors)

    def _come_in(self, now_ns: int, welcome: Dict[str, Any], descriptors: List[int]) -> None:
        terms = terms_of(welcome)
        arena = self._arena(terms, descriptors)
        assert self.link.sock is not None
        self.link.is_welcome()
        self.tap.attach(self.link.sock, terms, arena)
        for note in terms.notes:
            self.tap.notes.once("the monitor says: %s" % note)
        if self._is_welcome:  # new terms on the same connection
            return
        dropped = self.tap.counts.dropped
        lost = dropped - self._dropped_at_loss
        if self._was_welcome:
            self.tap.notes.warning(
                "the monitor was away for %.1f s; %d records were not sent"
                % ((now_ns - self._away_ns) / 1e9, lost)
            )
        else:
            before = "; %d records before that were not sent" % lost if lost else ""
            self.tap.notes.info("connected to the monitor at %s%s" % (self.link.path, before))
        self._is_welcome = self._was_welcome = True
        self._dropped_before = dropped
        self._busy_ns = 0
        self._next_beat_ns = now_ns

    def _arena(self, terms: Terms, descriptors: List[int]) -> Optional[Arena]:
        """The arena of these terms: a new one, or the connection's."""
        if not terms.slots:
            return None
        if not descriptors:
            arena = self.tap.arena
            if arena is not None and (arena.slots, arena.slot_bytes) == (terms.slots, terms.slot_bytes):
                return arena
        try:
            return Arena(descriptors[0], terms.slots, terms.slot_bytes)
        except (OSError, ValueError, IndexError) as error:
            self.tap.notes.once("large tensors aren't sent, the monitor's memory can't be used: %s" % error)
            return None

    def _lose(self, now_ns: int, is_refused: bool = False) -> None:
        """The connection ended, for whatever reason."""
        self.tap.detach()
        self.tap.answers.leave()
        if self.link.sock is not None:
            self._poll.unregister(self.link.sock)
        self.link.close(now_ns, is_refused)
        if self._is_welcome:
            self._is_welcome = False
            self._away_ns = now_ns
            if not self._busy_ns:
                self._dropped_at_loss = self._dropped_before
            if not self.tap.is_closed:
                self.tap.notes.warning("the monitor is away: records are not sent until it is back")


def boot_id() -> str:
    """The kernel's id of this boot as 32 hex digits, "" where it can't be read."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip().replace("-", "")
    except OSError:
        return ""


def start_thread(tap: Tap, runtime: str) -> None:
    """Start the thread of a tap. It is a daemon: it never keeps the application from ending."""

    def live() -> None:
        Pulse(tap, runtime, time.monotonic_ns()).live()

    try:
        threading.Thread(target=live, name="jidoka-tap", daemon=True).start()
    except RuntimeError as error:  # no more threads, or the interpreter is ending
        tap.notes.once("no thread for the tap: %s; records are not sent" % error)
        tap.notes.write()
