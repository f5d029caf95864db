"""Two agents before one PLC: a bus, where everybody hears everybody, or a gateway that asks for one after the other."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import deque
from pathlib import Path

from jidoka_bridge.plc.pseudo_terminal import PseudoTerminal

#: a reply that hasn't come by then doesn't come; a pause that ends a frame
REPLY_S, PAUSE_S = 0.06, 0.004


class Hub:
    """`lines` are paths that agents open; `plc` the path of the PLC's line. is_bus: else a gateway."""

    def __init__(self, lines: list[Path], plc: Path, *, is_bus: bool) -> None:
        self._lines = [PseudoTerminal(path) for path in lines]
        self._plc = os.open(plc, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._is_bus = is_bus
        self._waiting: deque[tuple[PseudoTerminal, bytes]] = deque()
        self._asker: PseudoTerminal | None = None
        self._until_s = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._is_over.is_set():
            by_fd = {line.fd: line for line in self._lines if line.is_connected}
            for descriptor in select.select([self._plc, *by_fd], [], [], 0.01)[0]:
                if descriptor == self._plc:
                    self._answered()
                else:
                    self._waiting.append((by_fd[descriptor], by_fd[descriptor].read()))
            if self._is_bus or self._asker is None or time.monotonic() > self._until_s:
                self._ask()

    def _ask(self) -> None:
        if not self._waiting:
            return
        self._asker, data = self._waiting.popleft()
        self._until_s = time.monotonic() + REPLY_S
        os.write(self._plc, data)
        if self._is_bus:
            for line in self._lines:
                if line is not self._asker:
                    line.write(data)

    def _answered(self) -> None:
        data = b""
        while select.select([self._plc], [], [], PAUSE_S)[0]:
            data += os.read(self._plc, 4096)
        for line in self._lines:
            if self._is_bus or line is self._asker:
                line.write(data)
        self._asker = None

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()
        for line in self._lines:
            line.close()
        with contextlib.suppress(OSError):
            os.close(self._plc)
