"""The guard's log: a line that nobody has room for is lost, and the beat goes on."""

from __future__ import annotations

import contextlib
import logging
import os
import select

#: POSIX: a pipe that shows itself writable takes so much without making the writer wait
MOST_BYTES = select.PIPE_BUF
CAN_WRITE = select.POLLOUT


class NeverWaits(logging.Handler):
    """Writes lines to a descriptor (a pipe of the supervisor, the journal's socket, a terminal) that may stall.

    What finds no room is counted in `lost`, and told before the next line that finds some. Longer lines are cut.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.lost = 0
        self._descriptor = descriptor
        self._poller = select.poll()
        self._poller.register(descriptor, CAN_WRITE)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, or count it. Never waits, never raises."""
        told = f"guard: {self.lost} lines found no room here and are lost\n" if self.lost else ""
        line = f"{told}{self.format(record)}\n".encode(errors="replace")
        if len(line) > MOST_BYTES:
            line = line[: MOST_BYTES - 4] + "…\n".encode()
        with contextlib.suppress(OSError):
            if any(events & CAN_WRITE for _, events in self._poller.poll(0)):
                os.write(self._descriptor, line)
                self.lost = 0
                return
        self.lost += 1
