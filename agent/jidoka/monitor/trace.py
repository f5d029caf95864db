"""Everything that comes into the monitor's core, in order, told to whoever records it (contract C13).

The same trace, plan, baselines and seed give the same judgements, bit for bit. One datagram is one event; what is too
large for a datagram lies in a memfd that comes with it. Nothing waits for the recorder: what it doesn't take is
counted, and it is told so.
"""

from __future__ import annotations

import contextlib
import enum
import json
import os
import socket
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Decision, PlcStatus
from jidoka_tap import wire

FORMAT = 1
#: kind, index of the model (NO_MODEL: none), CLOCK_MONOTONIC ns, events dropped before this one, bytes in the memfd
HEAD = struct.Struct("<BBQQQ")
NO_MODEL = 255
INLINE_BYTES = 48_000
#: number, part, record ns, judged ns, reasons, class, verdict, flags, position, recipe, confidence, two scores:
#: float64, so that equal means equal
DECISION = struct.Struct("<QQQQIhBBHHddd")


class Kind(enum.IntEnum):
    """Kinds of events; numbers are frozen."""

    START = (
        1  # JSON: format, plan, seed (null: records came before), created_ns, baselines (model -> digests)
    )
    CONNECTED = 2  # JSON: the tap's HELLO
    GONE = 3
    BEAT = 4
    REFUSED = 5
    SECOND_WRITER = 6  # JSON: evidence
    RECORD = 7  # as pack_record makes it
    JUDGED = 8  # DECISION: what the monitor answered to the record before
    PLC_STATUS = 9  # messages.PlcStatus
    GUARD_GONE = 10
    TICK = 11


class Event(NamedTuple):
    """One event. model: its index in the plan, NO_MODEL = none; dropped: events lost before this one."""

    kind: Kind
    model: int
    ns: int
    dropped: int
    body: bytes


class Trace:
    """Tells a recorder what happens, while one listens.

    channel: to the recorder. dropped: events that it didn't take on this connection.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.is_on = False
        self.dropped = 0
        self._hellos: dict[int, Mapping[str, Any]] = {}
        self._status: PlcStatus | None = None

    def begin(self, start: Mapping[str, Any], now_ns: int) -> None:
        """A recorder connected: it hears what the monitor is, and what it would have heard already."""
        self.is_on, self.dropped = True, 0
        self.tell(Kind.START, now_ns, json.dumps({"format": FORMAT, **start}).encode())
        for model, hello in self._hellos.items():
            self.tell(Kind.CONNECTED, now_ns, json.dumps(hello).encode(), model)
        if self._status is not None:
            self.tell(Kind.PLC_STATUS, now_ns, self._status.pack())

    def connected(self, model: int, hello: Mapping[str, Any], now_ns: int) -> None:
        """A tap's HELLO was accepted."""
        self._hellos[model] = hello
        self.tell(Kind.CONNECTED, now_ns, json.dumps(hello).encode(), model)

    def gone(self, model: int) -> None:
        """A tap's connection ended."""
        self._hellos.pop(model, None)
        self.tell(Kind.GONE, 0, b"", model)

    def status(self, status: PlcStatus, now_ns: int) -> None:
        """The guard told the PLC's status."""
        self._status = status
        self.tell(Kind.PLC_STATUS, now_ns, status.pack())

    def guard_gone(self) -> None:
        """The guard's connection ended."""
        self._status = None
        self.tell(Kind.GUARD_GONE, 0)

    def beat(self, model: int, now_ns: int) -> None:
        """A tap's beat."""
        self.tell(Kind.BEAT, now_ns, b"", model)

    def refused(self, model: int) -> None:
        """A record of a tap was refused."""
        self.tell(Kind.REFUSED, 0, b"", model)

    def second_writer(self, model: int, evidence: Mapping[str, Any], now_ns: int) -> None:
        """Somebody else wanted to write a model's records."""
        self.tell(Kind.SECOND_WRITER, now_ns, json.dumps(evidence).encode(), model)

    def record(self, model: int, record: wire.Record, row: Decision, now_ns: int) -> None:
        """A record came, and what the monitor answered to it."""
        self.tell(Kind.RECORD, now_ns, pack_record(record), model)
        self.tell(Kind.JUDGED, row.judged_ns, DECISION.pack(*row), model)

    def tick(self, now_ns: int) -> None:
        """Conditions may run out."""
        self.tell(Kind.TICK, now_ns)

    def tell(self, kind: Kind, now_ns: int, body: bytes = b"", model: int = NO_MODEL) -> None:
        """Send one event, or count it."""
        if not self.is_on:
            return
        is_inline = len(body) <= INLINE_BYTES
        head = HEAD.pack(kind, model, now_ns, self.dropped, 0 if is_inline else len(body))
        sock = self.channel.sock
        if sock is None:
            self.is_on = False
            return
        try:
            if is_inline:
                sock.send(head + body)
            else:
                _send_with_memory(sock, head, body)
        except BlockingIOError:
            self.dropped += 1
        except OSError:  # the recorder has what it wanted
            self.channel.close()
            self.is_on = False


def _send_with_memory(sock: socket.socket, head: bytes, body: bytes) -> None:
    descriptor = os.memfd_create("jidoka-trace", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False, buffering=0) as memory:
            memory.write(body)
        socket.send_fds(sock, [head], [descriptor])
    finally:
        os.close(descriptor)


def receive(sock: socket.socket) -> Event | None:
    """The next event that a monitor told; None at the end. Raises BlockingIOError, TraceError."""
    datagram, descriptors, _, _ = socket.recv_fds(sock, HEAD.size + INLINE_BYTES, 1)
    try:
        if not datagram:
            return None
        try:
            kind, model, now_ns, dropped, size = HEAD.unpack_from(datagram)
            body = datagram[HEAD.size :]
            if size:
                body = os.pread(descriptors[0], size, 0)
            return Event(Kind(kind), model, now_ns, dropped, body)
        except (struct.error, ValueError, IndexError) as error:
            raise TraceError(f"an event that can't be read: {error}") from None
    finally:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)


class TraceError(ValueError):
    """Bytes that are no event of this format."""


def pack_record(record: wire.Record) -> bytes:
    """A record with all its tensors in one piece; what wasn't sent stays named only."""
    heads, bodies = [], []
    for role, index, shape, dtype, array in record.tensors:
        rank = len(shape)
        size, flags = 0, role
        if array is None:
            flags |= wire.NOT_SENT
        else:
            body = np.ascontiguousarray(array).tobytes()
            size = len(body)
            bodies.append(body + b"\0" * (wire.padded(size) - size))
        number = wire.DTYPE_NUMBERS.get(dtype, 0) if dtype is not None else 0
        sizes = (*shape, *(0,) * (wire.MAX_NDIM - rank))
        heads.append(wire.TENSOR.pack(flags, number, rank, 0, index, 0, size, *sizes))
    first = wire.RECORD_HEAD.pack(*record[:6], len(heads), 0)
    return b"".join([first, *heads, *bodies])
