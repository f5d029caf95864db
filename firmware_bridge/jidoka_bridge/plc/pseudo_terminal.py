"""A raw pseudo-terminal whose other end stands at a path, for a PLC in software."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import tty
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError


class PseudoTerminal:
    """Our end of it. path becomes a symbolic link to the other end; a left-over link is replaced.

    Our end is the only descriptor kept, so the terminal vanishes with this process however it ends. While nobody
    has the other end open, what is written is thrown away. Raises ConfigurationError for a path that can't be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not path.is_symlink():
            raise ConfigurationError(
                f"{path}: something else is there, not a pseudo-terminal of ours", "Name another path."
            )
        self.fd, other = pty.openpty()
        try:
            tty.setraw(other)
            self.name = os.ttyname(other)
            fresh = path.with_name(f".{path.name}.{os.getpid()}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self.name)
            fresh.replace(path)
        except OSError as error:
            os.close(self.fd)
            raise ConfigurationError(
                f"{path}: can't put the pseudo-terminal there: {error.strerror}",
                "Name a path in a folder of yours.",
            ) from None
        finally:
            os.close(other)
        os.set_blocking(self.fd, False)
        self._poller = select.poll()
        self._poller.register(self.fd, 0)

    @property
    def is_connected(self) -> bool:
        """Somebody has the other end open."""
        return not any(events & select.POLLHUP for _, events in self._poller.poll(0))

    def read(self) -> bytes:
        """What has come, b"" for nothing."""
        with contextlib.suppress(OSError):  # EAGAIN, or EIO while nobody is there
            return os.read(self.fd, 4096)
        return b""

    def left_over(self) -> bytes:
        """What somebody wrote who has gone since: whoever waits for readable bytes isn't woken by it."""
        return b"" if self.is_connected else self.read()

    def write(self, data: bytes) -> bool:
        """Send all of it. False: nobody is there, or the buffer is full, and it is gone."""
        if not self.is_connected:
            return False
        try:
            return os.write(self.fd, data) == len(data)
        except OSError:
            return False

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if str(self.path.readlink()) == self.name:
                self.path.unlink()
        os.close(self.fd)
