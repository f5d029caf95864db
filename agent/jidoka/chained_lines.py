"""Files of JSON objects, one a line, each with the SHA-256 of the line before: what was edited or taken away shows.

It proves nothing against who may write the whole file: such a person can write all of it anew. The ledger has the same acts.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any

#: the name of each line's link to the one before; "" = it is the first
PREVIOUS = "previous"
FOLDER_MODE = 0o750


class ChainError(Exception):
    """A file of this kind can't be read, written or relied on. where: path, with the line's number where there is one."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


def read(path: Path) -> list[dict[str, Any]]:
    """Every line, oldest first; a file that isn't there has none. Raises ChainError."""
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ChainError(str(path), f"can't be read: {error.strerror}") from None
    return [values for values, _ in _linked(path, lines)]


def append(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Write one line behind the others, on the disk when this returns; returns it with its link. Raises ChainError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        with path.open("ab") as file:
            # two people at two terminals: the second one's line follows the first one's
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            chain = _linked(path, path.read_bytes().splitlines())
            linked = {**values, PREVIOUS: chain[-1][1] if chain else ""}
            file.write(json.dumps(linked, sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ChainError(str(error.filename or path), f"can't be written: {error.strerror}") from None
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return linked


def _linked(path: Path, lines: list[bytes]) -> list[tuple[dict[str, Any], str]]:
    """Each line's object and digest, its link checked."""
    found: list[tuple[dict[str, Any], str]] = []
    for number, line in enumerate(lines, 1):
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise ChainError(f"{path}:{number}", "isn't a line of such a file")
        if values.get(PREVIOUS) != (found[-1][1] if found else ""):
            raise ChainError(
                f"{path}:{number}", "doesn't follow from the line before: a line was changed or taken away"
            )
        found.append((values, hashlib.sha256(line).hexdigest()))
    return found
