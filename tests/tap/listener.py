"""The monitor's end of the record wire for tests: a real socket that welcomes (or refuses) and keeps what came.

In a test it is pumped by hand or, while the application waits at a gate, by a thread of its own (`pumping`);
`python -m tests.tap.listener SOCKET [OPTIONS]` is a process of its own that can be stopped, with options as JSON:
terms, arena, verdicts.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import mmap
import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_tap import wire

from tests.processes import wait_until

#: what a judge says of a record: reason bits, verdict, worst verdict of its part; None = nothing
Judgement = tuple[int, int, int] | None
Judge = Callable[[wire.Record], Judgement]
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
REASONS = {"0": "NaN among the outputs", "3": "it looks unlike the reference"}


def refuse_nan(record: wire.Record) -> Judgement:
    """Rejects a record with a NaN among its outputs."""
    outputs = [each.array for each in record.tensors if each.role == wire.OUTPUT and each.array is not None]
    has_nan = any(np.isnan(array).any() for array in outputs if array.dtype.kind == "f")
    return (1, wire.REJECT, wire.REJECT) if has_nan else (0, wire.PASS, wire.PASS)


class Shared:
    """An arena as the monitor makes it, for one connection. busy: slots are never given back."""

    def __init__(self, slots: int, slot_bytes: int, seals: int = SEALS) -> None:
        self.slots, self.slot_bytes = slots, slot_bytes
        self.stride = wire.SLOT_HEAD.size + slot_bytes
        self.descriptor = os.memfd_create("test-arena", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.descriptor, slots * self.stride)
        if seals:
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals)
        self.memory = mmap.mmap(self.descriptor, slots * self.stride)
        self.busy = False
        self.taken: list[int] = []

    def take(self, slot: int, number: int, size: int) -> bytes:
        begin = slot * self.stride
        self.taken.append(slot)
        for _ in ("before", "after"):
            begun, ended, _released = wire.SLOT_HEAD.unpack_from(self.memory, begin)
            if not begun == ended == number:
                raise wire.WireError(f"slot {slot} has {begun} and {ended}, not {number}")
            copy = bytes(self.memory[begin + wire.SLOT_HEAD.size : begin + wire.SLOT_HEAD.size + size])
        if not self.busy:
            struct.pack_into("<Q", self.memory, begin + 16, number)
        return copy

    def close(self) -> None:
        self.memory.close()
        os.close(self.descriptor)


class Listener:
    """terms: what WELCOME says besides the model; refusal: REFUSED's content instead of a WELCOME; arena: slots and
    slot bytes to hand out; judge: says the verdict of each record that wants one; surplus: descriptors sent besides."""

    def __init__(
        self,
        path: Path,
        terms: dict[str, Any] | None = None,
        *,
        refusal: dict[str, Any] | None = None,
        arena: tuple[int, int] | None = None,
        judge: Judge | None = None,
        surplus: int = 0,
    ) -> None:
        self.path, self.terms, self.refusal = path, terms or {}, refusal
        self.arena, self.judge, self.surplus = arena, judge, surplus
        self.seals = SEALS
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        self.server.bind(str(path))
        self.server.listen(8)
        self.peers: list[socket.socket] = []
        self.hellos: list[dict[str, Any]] = []
        self.records: list[wire.Record] = []
        self.record_models: list[str] = []
        self.wanting: list[int] = []  # numbers of records that asked for a verdict
        self.beats: list[tuple[int, ...]] = []
        self.goodbyes: list[dict[str, Any]] = []
        self.shared: list[Shared] = []
        self.ended = 0
        self._models: dict[socket.socket, str] = {}
        self._arenas: dict[socket.socket, Shared] = {}

    def pump(self) -> None:
        """Take everything that waits, without waiting."""
        with contextlib.suppress(BlockingIOError):
            while True:
                peer = self.server.accept()[0]
                peer.setblocking(False)
                self.peers.append(peer)
        for peer in list(self.peers):
            with contextlib.suppress(BlockingIOError):
                while self._take(peer):
                    pass

    def _take(self, peer: socket.socket) -> bool:
        try:
            datagram = peer.recv(100_000)
        except ConnectionResetError:
            datagram = b""
        if not datagram:
            self.ended += 1
            self.peers.remove(peer)
            peer.close()
            return False
        kind, _, body = wire.decode(datagram)
        if kind == wire.HELLO:
            hello = wire.decode_json(body)
            self.hellos.append(hello)
            self._models[peer] = hello["model"]
            if self.refusal is not None:
                peer.send(wire.encode_json(wire.REFUSED, 0, self.refusal))
            else:
                self.welcome(peer)
        elif kind == wire.RECORD:
            self._record(peer, datagram, body)
        elif kind == wire.BEAT:
            self.beats.append(wire.BEAT_BODY.unpack(body))
        elif kind == wire.GOODBYE:
            self.goodbyes.append(wire.decode_json(body))
        return True

    def welcome(self, peer: socket.socket) -> None:
        welcome = {"model": self._models[peer], "every": 1, "roi": None, "reasons": REASONS, **self.terms}
        descriptors: list[int] = []
        if self.arena is not None:
            self.shared.append(Shared(*self.arena, self.seals))
            self._arenas[peer] = self.shared[-1]
            descriptors = [self.shared[-1].descriptor] * (1 + self.surplus)
            welcome.setdefault("arena", {"slots": self.arena[0], "slot_bytes": self.arena[1]})
        socket.send_fds(peer, [wire.encode_json(wire.WELCOME, 0, welcome)], descriptors)

    def _record(self, peer: socket.socket, datagram: bytes, body: memoryview) -> None:
        shared = self._arenas.get(peer)
        record = wire.unpack_record(body, shared.take if shared is not None else None)
        self.records.append(record)
        self.record_models.append(self._models[peer])
        if wire.HEADER.unpack_from(datagram)[3] & wire.WANTS_VERDICT:
            self.wanting.append(record.number)
            judgement = self.judge(record) if self.judge is not None else None
            if judgement is not None:
                self.say(peer, record.number, record.part, judgement)

    def say(self, peer: socket.socket, number: int, part: int, judgement: tuple[int, int, int]) -> None:
        """Send a verdict."""
        peer.send(wire.encode(wire.VERDICT, 0, wire.VERDICT_BODY.pack(number, part, *judgement)))

    def wait(self, claim: Callable[[], bool], what: str) -> None:
        """Pump until the claim holds."""

        def pumped() -> bool:
            self.pump()
            return claim()

        wait_until(pumped, what)

    def wait_for_connection(self, tap: Any) -> None:
        self.wait(lambda: bool(tap.counts.is_connected), "the tap is connected")

    def wait_for_records(self, count: int) -> list[wire.Record]:
        self.wait(lambda: len(self.records) >= count, f"{count} records arrived")
        return self.records

    def pump_for(self, limit_s: float) -> None:
        """Take what comes within the limit, sleeping in between."""
        if select.select([self.server, *self.peers], [], [], limit_s)[0]:
            self.pump()

    @contextlib.contextmanager
    def pumping(self) -> Iterator[None]:
        """A thread takes what comes while the block runs."""
        is_over = threading.Event()
        failures: list[BaseException] = []

        def work() -> None:
            try:
                while not is_over.is_set():
                    self.pump_for(0.01)
            except BaseException as failure:  # noqa: BLE001 - raised below, in the test's own thread
                failures.append(failure)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
        if failures:
            raise failures[0]

    def hang_up(self) -> None:
        for peer in self.peers:
            peer.close()
        self.peers.clear()

    def close(self) -> None:
        """The monitor is gone, as after a crash: no socket listens at the path any more."""
        self.hang_up()
        self.server.close()
        for shared in self.shared:
            shared.close()
        self.shared.clear()


def tensor(record: wire.Record, role: int, index: int) -> np.ndarray:
    """The one tensor of a record with this role and index."""
    (found,) = [each for each in record.tensors if (each.role, each.index) == (role, index)]
    return found.array


def main() -> None:
    """Say on stdout, as JSON lines, what was heard."""
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    arena = tuple(options["arena"]) if "arena" in options else None
    judge = refuse_nan if options.get("verdicts") else None
    listener = Listener(Path(sys.argv[1]), options.get("terms"), arena=arena, judge=judge)
    told: Any = None
    while os.getppid() != 1:
        if told is not None:  # that it listens is said before anybody is heard
            listener.pump_for(0.05)
        heard = [len(listener.hellos), len(listener.records), listener.goodbyes]
        if heard != told:
            numbers = [record.number for record in listener.records]
            gaps = sum(b - a - 1 for a, b in itertools.pairwise(numbers))
            parts = [record.part for record in listener.records]
            line = {
                "hellos": heard[0],
                "records": heard[1],
                "goodbyes": heard[2],
                "gaps": gaps,
                "parts": parts[-20:],
            }
            print(json.dumps(line), flush=True)
            told = json.loads(json.dumps(heard))


if __name__ == "__main__":
    main()
