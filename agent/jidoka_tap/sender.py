"""The tap of one model, the application's side: numbers records and hands them to the kernel; never waits or raises."""

import contextlib
import socket
import struct
import threading
import time
from typing import Any, Callable, List, Optional, Sequence

from jidoka_tap import wire
from jidoka_tap.answers import Answers, Waiter
from jidoka_tap.arena import Arena
from jidoka_tap.counts import Counts, Tally
from jidoka_tap.layout import FLAGS_AT, HEAD, HEAD_AT
from jidoka_tap.link import SEND_FLAGS, Link, try_send
from jidoka_tap.notes import Notes
from jidoka_tap.pictures import Pictures
from jidoka_tap.records import Call, Records, Usual
from jidoka_tap.terms import NO_TERMS, Terms

PACK_HEAD = HEAD.pack_into
#: what the short way ends with, before anything was sent: names that changed, values that are no arrays or don't lie in
#: one piece, a part number that doesn't fit
UNUSUAL = (KeyError, AttributeError, TypeError, ValueError, BufferError, struct.error)


class Tap:
    """Carries the records of one model to the monitor.

    model: id in the monitor's plan, or ""; sha256: of the model's file, or ""; path: the monitor's socket; inputs,
    outputs: all names, in the model's order; start: called once in each process, by `begin` or the first `record`, to
    start what connects and beats. users: sessions that use it, gates: those of them that wait for verdicts.
    asked: digest of the known answers that somebody waits for, "" = nobody does.
    `record` may be called by any thread. The lock is held over nothing that can block: sends don't wait.
    """

    # Slots lie side by side: after an inference each line of memory that isn't touched is time won.
    __slots__ = (
        "__weakref__", "_acquire", "_dropped", "_every", "_is_started", "_lock", "_number", "_pictures", "_ready",
        "_records", "_release", "_since_welcome", "_start", "_usual", "_way", "_welcome", "answers", "asked", "gates", "inputs",
        "is_closed", "link", "model", "notes", "outputs", "path", "sha256", "tally", "terms", "users", "wake",
    )  # fmt: skip

    def __init__(
        self,
        model: str,
        path: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        start: Callable[["Tap"], None],
        sha256: str = "",
    ) -> None:
        self.model, self.sha256, self.path = model, sha256, path
        self.users = self.gates = 0
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.notes = Notes(self.name)
        self.is_closed = False
        self.asked = ""
        self._start = start
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Begin without connection, thread and counts: in a forked child nothing of the parent's may be used.

        Numbers go on from the clock's microseconds, so that no two processes of one boot give the same number
        to two records of a model, whatever is restarted or forked.
        """
        self._number = time.monotonic_ns() // 1000
        self._records = self._dropped = 0
        self.tally = Tally()
        self._lock = threading.RLock()
        self._acquire, self._release = self._lock.acquire, self._lock.release
        self.link = Link(self.path)
        self.answers = Answers()
        self.wake = threading.Event()
        self._welcome = threading.Event()
        self._is_started = False
        self._ready: Optional[socket.socket] = None
        self.terms = NO_TERMS
        self._every = NO_TERMS.every
        self._way = Records(self.inputs, self.outputs, self.notes)
        self._pictures = Pictures()
        self._usual: List[Optional[Usual]] = [None, None]  # of records without and with inputs
        self._since_welcome = 0

    @property
    def name(self) -> str:
        """What people call the model."""
        return self.model or "the model with SHA-256 %s" % self.sha256[:12]

    # ------------------------------------------------------------ for the application

    def begin(self) -> None:
        """Start connecting, if this process hasn't yet."""
        with self._lock:
            self._begin()

    def _begin(self) -> None:
        if not self._is_started and not self.is_closed:
            self._is_started = True
            self._start(self)

    def record(  # noqa: C901, PLR0912 - one frame, see below
        self,
        start_ns: int,
        end_ns: int,
        part: int,
        position: int,
        recipe: int,
        output_names: Optional[Sequence[str]],
        outputs: Sequence[Any],
        feed: Any,
        waiter: Optional[Waiter] = None,
    ) -> int:
        """One call as it came out: start and end are CLOCK_MONOTONIC. Raises nothing and waits for nothing.

        Returns the record's number, 0 if it wasn't sent. waiter: gets the verdict, if the record is sent.
        """
        # After an inference the caches hold the model, not this code: few frames, calls and objects count, so the usual
        # record is made here, and everything else in Records.send_any. A bound acquire() is faster than `with`, and a
        # re-entrant lock can't be given back by a thread that was interrupted while it waited.
        try:
            self._acquire()
            self._records = records = self._records + 1
            number = self._number + records
            try:
                sock = self._ready
                if sock is None:
                    self._dropped += 1
                    self._begin()  # a forked child that runs the model too
                    return 0
                every = self._every
                has_inputs = every == 1 or (every != 0 and self._since_welcome % every == 0)
                self._since_welcome += 1
                flags = 0
                if waiter is not None:
                    flags = wire.WANTS_VERDICT
                    self.answers.waiting[number] = waiter
                usual = self._usual[has_inputs]
                if usual is not None and not self._pictures:
                    names, fed, pick, inputs, kinds, layout, frame = usual
                    try:
                        if (output_names is names or output_names == names) and len(feed) == fed:
                            values: List[Any] = [frame]
                            given: List[Any] = []
                            for value in outputs if pick is None else [outputs[n] for n in pick]:
                                values.append(value)
                                given.append(value.shape)
                                given.append(value.dtype)
                            for name in inputs:
                                value = feed[name]
                                values.append(value)
                                given.append(value.shape)
                                given.append(value.dtype)
                            if given == kinds:
                                if frame is None:
                                    times, where = (start_ns, end_ns), (part, position, recipe)
                                    self._way.send(sock, layout, number, times, where, values[1:], flags)
                                    return number
                                PACK_HEAD(
                                    frame, HEAD_AT, end_ns, number, part, start_ns, end_ns - start_ns, position,
                                    recipe, len(values) - 1, 0,
                                )  # fmt: skip
                                frame[FLAGS_AT] = flags
                                sock.send(b"".join(values), SEND_FLAGS)
                                return number
                    except UNUSUAL:
                        pass
                picture = self._pictures.take(part) if self._pictures else None
                times, where = (start_ns, end_ns), (part, position, recipe)
                call = Call(number, times, where, flags, output_names, outputs, feed, picture)
                again = self._way.send_any(sock, call, has_inputs)
                if again is not None:
                    self._usual[has_inputs] = again
                return number
            except OSError:  # full, or gone: the thread finds out which
                self._dropped += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, the application gets its answer
                self._dropped += 1
                self.notes.once("a record can't be made: %s: %s" % (type(error).__name__, error))
            if waiter is not None:
                self.answers.waiting.pop(number, None)
            return 0
        finally:
            try:  # noqa: SIM105 - suppress() is a call more
                self._release()
            except RuntimeError:  # interrupted while it waited: it isn't ours
                pass

    def known_answer(
        self, start_ns: int, end_ns: int, number: int, names: Sequence[str], outputs: Sequence[Any], feed: Any
    ) -> bool:
        """The model's answer to the known input of this number in its set, from 1. False: it wasn't sent.

        No part's record, and never one of those that the usual way is for: it always carries its inputs.
        """
        with self._lock:
            self._records += 1
            sock = self._ready
            try:
                if sock is not None:
                    times, where = (start_ns, end_ns), (number, 0, 0)
                    record = self._number + self._records
                    call = Call(record, times, where, wire.KNOWN_ANSWER, names, outputs, feed, None)
                    self._way.send_any(sock, call, has_inputs=True)
                    return True
            except OSError:
                pass
            except Exception as error:  # noqa: BLE001 - the application goes on, whatever it is
                self.notes.once("a known answer can't be sent: %s: %s" % (type(error).__name__, error))
            self._dropped += 1
            return False

    def image(self, part: int, array: Any) -> None:
        """A small picture of what the model gets, where the input itself can't be copied (it lies on a GPU).

        part: it goes with the next record of this part, 0 = with the next record; array: uint8, (H, W) grey or
        (H, W, 3) red, green, blue, copied. What isn't that is said once in the log; nothing is raised.
        """
        with self._lock:
            self._pictures.add(part, array, self.notes)

    @property
    def counts(self) -> Counts:
        """What was done so far, all numbers of one moment."""
        with self._lock:
            return Counts(
                self._records, self._records - self._dropped, self._dropped, self._way.not_sent,
                self.tally.not_watched, self._ready is not None, self._way.arena_full, self.tally.unjudged,
                self.tally.rejected,
            )  # fmt: skip

    def wait_until_connected(self, limit_s: float) -> bool:
        """Wait until the monitor takes records; False after the limit. No application needs it; tests do."""
        return self._welcome.wait(limit_s)

    def close(self, reason: str) -> None:
        """Say goodbye to the monitor and end; later records are dropped."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            sock, self._ready = self._ready, None
            self._welcome.clear()
            if sock is not None:
                try_send(sock, wire.encode_json(wire.GOODBYE, time.monotonic_ns(), {"reason": reason}))
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)  # the thread wakes up and closes it
        self.wake.set()

    # ------------------------------------------------------------ for the thread

    def attach(self, sock: socket.socket, terms: Terms, arena: Optional[Arena]) -> None:
        """From now on records go to this socket on these terms."""
        with self._lock:
            if self.is_closed:
                return
            self._ready, self.terms, self._every = sock, terms, terms.every
            self._way.begin(terms, arena)
            self._usual = [None, None]
            self._since_welcome = 0
            self._welcome.set()

    @property
    def arena(self) -> Optional[Arena]:
        """The arena of this connection."""
        return self._way.arena

    def detach(self) -> None:
        """The socket goes away; when this returns no thread sends on it, and the arena is unmapped."""
        with self._lock:
            self._ready = None
            self._usual = [None, None]
            self._way.begin(self.terms, None)
            self._welcome.clear()
        self.answers.end()
