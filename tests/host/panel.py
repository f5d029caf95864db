"""The PLC's panel for tests: a raw pseudo-terminal behind a stable path, which may go and come back."""

from __future__ import annotations

import contextlib
import os
import tty
from pathlib import Path


class Panel:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._master, slave = os.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)
        os.close(slave)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        path.symlink_to(name)

    def say(self, text: str) -> None:
        os.write(self._master, text.encode())

    def close(self) -> None:
        os.close(self._master)
        self.path.unlink()
