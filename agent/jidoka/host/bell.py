"""Signals that end a wait: SIGTERM and SIGINT ring, and whoever waits goes on at once."""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Sequence
from typing import Any


class Bell:
    """Ends a select when a signal comes, and says which it was: `rung`, 0 while none came."""

    def __init__(self) -> None:
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self.rung = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ring)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)

    def _ring(self, number: int, _: Any) -> None:
        self.rung = self.rung or number

    def wait(self, until_ns: int, ears: Sequence[Any] = ()) -> list[Any]:
        """Wait until a time, a signal, or something to read; the ears that have it. Ears that are closed are left out."""
        left_s = max(0.0, (until_ns - time.monotonic_ns()) / 1e9)
        open_ears = [ear for ear in ears if (ear if isinstance(ear, int) else ear.fileno()) >= 0]
        if self.rung:
            return []
        ready, _, _ = select.select([self._ear, *open_ears], [], [], left_s)
        return [ear for ear in ready if ear is not self._ear]

    @property
    def exit_code(self) -> int:
        """0 after an end in order, 130 after Ctrl-C."""
        return 130 if self.rung == signal.SIGINT else 0
