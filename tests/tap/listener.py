"""The monitor's end of the record wire for tests: a real socket that welcomes (or refuses) and keeps what came.

In a test it is pumped by hand; `python -m tests.tap.listener SOCKET` is a process of its own that can be stopped.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_tap import wire

from tests.processes import wait_until


class Listener:
    """terms: what WELCOME says besides the model; refusal: REFUSED's content instead of a WELCOME."""

    def __init__(
        self, path: Path, terms: dict[str, Any] | None = None, refusal: dict[str, Any] | None = None
    ) -> None:
        self.path, self.terms, self.refusal = path, terms or {}, refusal
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        self.server.bind(str(path))
        self.server.listen(8)
        self.peers: list[socket.socket] = []
        self.hellos: list[dict[str, Any]] = []
        self.records: list[wire.Record] = []
        self.record_models: list[str] = []
        self.beats: list[tuple[int, ...]] = []
        self.goodbyes: list[dict[str, Any]] = []
        self.ended = 0
        self._models: dict[socket.socket, str] = {}

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
                welcome = {"model": hello["model"], "every": 1, "roi": None, **self.terms}
                peer.send(wire.encode_json(wire.WELCOME, 0, welcome))
        elif kind == wire.RECORD:
            self.records.append(wire.unpack_record(body))
            self.record_models.append(self._models[peer])
        elif kind == wire.BEAT:
            self.beats.append(wire.BEAT_BODY.unpack(body))
        elif kind == wire.GOODBYE:
            self.goodbyes.append(wire.decode_json(body))
        return True

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

    def hang_up(self) -> None:
        for peer in self.peers:
            peer.close()
        self.peers.clear()

    def close(self) -> None:
        """The monitor is gone, as after a crash: no socket listens at the path any more."""
        self.hang_up()
        self.server.close()


def tensor(record: wire.Record, role: int, index: int) -> np.ndarray:
    """The one tensor of a record with this role and index."""
    (found,) = [each for each in record.tensors if (each.role, each.index) == (role, index)]
    return found.array


def main() -> None:
    """Say on stdout, as JSON lines, what was heard."""
    listener = Listener(Path(sys.argv[1]))
    told: Any = None
    while os.getppid() != 1:
        listener.pump()
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
                "parts": parts,
            }
            print(json.dumps(line), flush=True)
            told = json.loads(json.dumps(heard))
        time.sleep(0.002)


if __name__ == "__main__":
    main()
