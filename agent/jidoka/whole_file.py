"""Writes a file as a whole or not at all: who reads it meanwhile, or after a crash, finds the old one or the new one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

FILE_MODE = 0o640


def write_whole(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Write `data`, on the disk when this returns; its folder must be there. Raises OSError.

    mode: of the file, from its first moment on, so that a secret is never readable by others.
    """
    # two programs that write the same file at once each have a part of their own
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):  # where it couldn't be made it can't be taken away
            part.unlink(missing_ok=True)
        raise
