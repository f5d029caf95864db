"""The tap of one model, the application's side: numbers records and hands them to the kernel; never waits or raises."""

import contextlib
import socket
import struct
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from jidoka_tap import wire
from jidoka_tap.layout import HEAD, PREFIX, Choice, Layout, Times, Where, as_arrays, lay_out
from jidoka_tap.link import SEND_FLAGS, Link, Terms, send, try_send
from jidoka_tap.notes import Notes

MOST_CHOICES = 64  # sets of names that are remembered; an application that varies more starts afresh
#: what the short way ends with, before anything was sent: names that changed, values that are no arrays or don't lie in
#: one piece, a part number that doesn't fit
UNUSUAL = (KeyError, AttributeError, TypeError, ValueError, BufferError, struct.error)
#: names asked for, number of names fed, inputs to add, element types, shapes, and what comes before the tensors
Usual = Tuple[Optional[List[str]], int, List[str], List[Any], List[Any], bytearray]
NO_TERMS = Terms(1, None, wire.INLINE_LIMIT_BYTES)


class Counts(NamedTuple):
    """What the tap did since it began. records = sent + dropped; tensors_not_sent: too large or of a kind the
    wire doesn't know; not_watched: calls by another way than run()."""

    records: int
    sent: int
    dropped: int
    tensors_not_sent: int
    not_watched: int
    is_connected: bool


class Tap:
    """Carries the records of one model to the monitor.

    model: id in the monitor's plan; path: the monitor's socket; inputs, outputs: all names, in the model's order;
    start: called once in each process, by `begin` or the first `record`, to start what connects and beats.
    `record` may be called by any thread. The lock is held over nothing that can block: sends don't wait.
    """

    # Slots lie side by side: after an inference each line of memory that isn't touched is time won.
    __slots__ = (
        "__weakref__", "_choices", "_dropped", "_every", "_is_started", "_lock", "_not_sent", "_not_watched",
        "_number", "_ready", "_records", "_since_welcome", "_start", "_terms", "_usual", "_welcome",
        "inputs", "is_closed", "link", "model", "notes", "outputs", "path", "users", "wake",
    )  # fmt: skip

    def __init__(
        self,
        model: str,
        path: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        start: Callable[["Tap"], None],
    ) -> None:
        self.model = model
        self.path = path
        self.users = 0
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.notes = Notes(model)
        self.is_closed = False
        self._start = start
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Begin without connection, thread and counts: in a forked child nothing of the parent's may be used.

        Numbers go on from the clock's microseconds, so that no two processes of one boot give the same number
        to two records of a model, whatever is restarted or forked.
        """
        self._number = time.monotonic_ns() // 1000
        self._records = self._dropped = self._not_sent = self._not_watched = 0
        self._lock = threading.Lock()
        self.link = Link(self.path)
        self.wake = threading.Event()
        self._welcome = threading.Event()
        self._is_started = False
        self._ready: Optional[socket.socket] = None
        self._terms = NO_TERMS
        self._every = NO_TERMS.every
        self._choices: Dict[Tuple[Any, ...], Choice] = {}
        self._usual: List[Optional[Usual]] = [None, None]  # of records without and with inputs
        self._since_welcome = 0

    # ------------------------------------------------------------ for the application

    def begin(self) -> None:
        """Start connecting, if this process hasn't yet."""
        with self._lock:
            self._begin()

    def _begin(self) -> None:
        if not self._is_started and not self.is_closed:
            self._is_started = True
            self._start(self)

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
    ) -> None:
        """One call as it came out: start and end are CLOCK_MONOTONIC. Raises nothing and waits for nothing."""
        with self._lock:
            self._records = records = self._records + 1
            try:
                sock = self._ready
                if sock is None:
                    self._dropped += 1
                    self._begin()  # a forked child that runs the model too
                    return
                every = self._every
                has_inputs = every == 1 or (every != 0 and self._since_welcome % every == 0)
                self._since_welcome += 1
                # After an inference the caches hold the model, not this code: few frames and few objects count, so
                # the usual record is made here, and everything else in _send_unusual.
                usual = self._usual[has_inputs]
                if usual is not None:
                    names, fed, inputs, dtypes, shapes, frame = usual
                    try:
                        if (output_names is names or output_names == names) and len(feed) == fed:
                            values = [*outputs]
                            for name in inputs:
                                values.append(feed[name])  # noqa: PERF401 - a comprehension is a frame more
                            for value, dtype, shape in zip(values, dtypes, shapes):
                                # numpy's own element types are single objects
                                if value.dtype is not dtype or value.shape != shape:
                                    break
                            else:
                                HEAD.pack_into(
                                    frame, PREFIX.size, end_ns, self._number + records, part, start_ns,
                                    end_ns - start_ns, position, recipe, len(values), 0,
                                )  # fmt: skip
                                sock.send(b"".join((frame, *values)), SEND_FLAGS)
                                return
                    except UNUSUAL:
                        pass
                self._send_unusual(
                    sock,
                    has_inputs,
                    (start_ns, end_ns),
                    (part, position, recipe),
                    output_names,
                    outputs,
                    feed,
                )
            except OSError:  # full, or gone: the thread finds out which
                self._dropped += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, the application gets its answer
                self._dropped += 1
                self.notes.once("a record can't be made: %s: %s" % (type(error).__name__, error))

    def _send_unusual(
        self,
        sock: socket.socket,
        has_inputs: bool,
        times: Times,
        where: Where,
        output_names: Optional[Sequence[str]],
        outputs: Sequence[Any],
        feed: Any,
    ) -> None:
        """Any record: of new names or shapes, with padding, too large to be joined, with tensors that aren't sent."""
        choice = self._choose(has_inputs, output_names, feed)
        values = choice.values(outputs, feed)
        layout = choice.layout
        if layout is None or not layout.fits(values):
            layout, values = self._lay_out(choice, values)
        number = self._number + self._records
        try:
            pieces = layout.pieces(number, times, where, values)
        except struct.error:
            pieces = self._pieces_without_place(layout, number, times, where, values)
        send(sock, pieces, layout.body_bytes)
        self._not_sent += len(layout.not_sent)
        frame = layout.usual_frame
        if frame is not None and choice.usual_inputs is not None:
            names = list(output_names) if output_names else None
            self._usual[has_inputs] = (
                names, len(feed), choice.usual_inputs, layout.dtypes, layout.shapes, frame,
            )  # fmt: skip

    def _choose(self, has_inputs: bool, output_names: Optional[Sequence[str]], feed: Any) -> Choice:
        """Which tensors this call's record has; remembered for calls with the same names."""
        asked = list(output_names) if output_names else None
        fed = list(feed)
        remembered = (tuple(asked or ()), tuple(fed) if has_inputs else ())
        choice = self._choices.get(remembered)
        if choice is None:
            if len(self._choices) >= MOST_CHOICES:
                self._choices.clear()
            choice = self._choices[remembered] = Choice(
                self.outputs, self.inputs, asked, fed if has_inputs else (), self._terms.roi
            )
            if choice.missing:
                names = ", ".join(repr(name) for name in choice.missing)
                self.notes.once("the application doesn't ask for %s: the monitor doesn't see it" % names)
        return choice

    def _lay_out(self, choice: Choice, values: Sequence[Any]) -> Tuple[Layout, List[Any]]:
        arrays, layout = as_arrays(values), choice.layout
        if layout is None or not layout.fits(arrays):
            layout = choice.layout = lay_out(choice.places, arrays, self._terms.inline_limit_bytes)
            self._name_unsent(choice, layout, arrays)
        return layout, arrays

    def _pieces_without_place(
        self, layout: Layout, number: int, times: Times, where: Where, arrays: Sequence[Any]
    ) -> List[Any]:
        self.notes.once(
            "part=%r, position=%r, recipe=%r aren't a whole number below 2**64 and two below 2**16: "
            "the record goes without them" % where
        )
        return layout.pieces(number, times, (0, 0, 0), arrays)

    def _name_unsent(self, choice: Choice, layout: Layout, arrays: List[Any]) -> None:
        for n in layout.not_sent:
            role, index = choice.places[n]
            side, names = ("output", self.outputs) if role == wire.OUTPUT else ("input", self.inputs)
            array, limit = arrays[n], self._terms.inline_limit_bytes
            why = "with its %d bytes the record has more than %d" % (array.nbytes, limit)
            if array.dtype not in wire.DTYPE_NUMBERS:
                why = "it isn't an array of numbers that the wire knows"
            elif array.ndim > wire.MAX_NDIM:
                why = "it has %d axes, at most %d fit" % (array.ndim, wire.MAX_NDIM)
            self.notes.once("%s %r isn't sent to the monitor: %s" % (side, names[index], why))

    def unwatched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """A way of running the model that the tap can't see: passed through, said once, counted."""

        def passed_through(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                self._not_watched += 1
            self.notes.once("%s() isn't watched: only run() makes records" % name)
            return call(*arguments, **named)

        return passed_through

    @property
    def counts(self) -> Counts:
        """What was done so far, all numbers of one moment."""
        with self._lock:
            return Counts(
                self._records,
                self._records - self._dropped,
                self._dropped,
                self._not_sent,
                self._not_watched,
                self._ready is not None,
            )

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

    def attach(self, sock: socket.socket, terms: Terms) -> None:
        """From now on records go to this socket on these terms."""
        with self._lock:
            if self.is_closed:
                return
            self._ready, self._terms, self._every = sock, terms, terms.every
            self._choices.clear()
            self._usual = [None, None]
            self._since_welcome = 0
            self._welcome.set()

    def detach(self) -> None:
        """The socket goes away; when this returns no thread uses it any more."""
        with self._lock:
            self._ready = None
            self._welcome.clear()
