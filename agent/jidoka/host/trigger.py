"""The trigger: one line `part N` a part, read from the panel of the PLC, which may come and go."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
from pathlib import Path

from jidoka_bridge.errors import InputError

log = logging.getLogger(__name__)

BACKOFF_MIN_NS = 100_000_000
BACKOFF_MAX_NS = 2_000_000_000
LONGEST_LINE_BYTES = 4096
PART = re.compile(rb"part (\d{1,18})\s*")


class Trigger:
    """Reads a terminal that the PLC makes. Opened for reading only, and again whenever the PLC is restarted.

    Raises InputError where a file or a folder stands in its place.
    """

    def __init__(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            mode = path.stat().st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                raise InputError(
                    f"{path}: isn't the panel of a PLC, it is a {'file' if stat.S_ISREG(mode) else 'folder'}",
                    "Give the path that the PLC makes, such as that of: jidoka plc sim --panel PATH",
                )
        self.path = path
        self._fd = -1
        self._rest = b""
        self._next_try_ns = 0
        self._backoff_ns = BACKOFF_MIN_NS
        self._is_absence_said = False

    def fileno(self) -> int:
        """Descriptor for select; -1 while the PLC is away."""
        return self._fd

    @property
    def next_try_ns(self) -> int:
        """When to call `parts` again while the PLC is away."""
        return self._next_try_ns

    def parts(self, now_ns: int) -> list[int]:
        """The numbers of the parts that came since the last call."""
        found = [PART.fullmatch(line) for line in self.lines(now_ns)]
        return [int(match[1]) for match in found if match]

    def lines(self, now_ns: int) -> list[bytes]:
        """Every whole line that came since the last call; whoever needs more than the parts reads these instead."""
        if self._fd < 0 and not self._open(now_ns):
            return []
        try:
            chunk = os.read(self._fd, 65_536)
        except BlockingIOError:
            return []
        except OSError:  # EIO: the other end is closed
            chunk = b""
        if not chunk:
            self._lose(now_ns)
            return []
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[-LONGEST_LINE_BYTES:]
        return lines

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self, now_ns: int) -> bool:
        if now_ns < self._next_try_ns:
            return False
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            if not self._is_absence_said:
                log.warning("no trigger at %s (%s): waiting for the PLC", self.path, error.strerror)
                self._is_absence_said = True
            self._wait(now_ns)
            return False
        log.info("trigger: reading %s", self.path)
        self._is_absence_said = False
        self._rest = b""
        self._backoff_ns = BACKOFF_MIN_NS
        return True

    def _lose(self, now_ns: int) -> None:
        log.warning("the PLC closed %s: waiting until it is back", self.path)
        self._is_absence_said = True
        self.close()
        self._wait(now_ns)

    def _wait(self, now_ns: int) -> None:
        self._next_try_ns = now_ns + self._backoff_ns
        self._backoff_ns = min(2 * self._backoff_ns, BACKOFF_MAX_NS)
