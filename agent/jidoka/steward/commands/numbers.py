"""The highest number of each key that was taken, on the disk before anything is done: a replay finds it used."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

#: of one file; a plan has a handful of keys
MOST_BYTES = 65_536


class Numbers:
    """path: of the file. A file that can't be read refuses every command until somebody looks: `fault` says so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault = ""
        self._taken: dict[str, int] = {}
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            self.fault = f"{path}: can't be read: {error.strerror}"
            return
        try:
            found = json.loads(data[:MOST_BYTES])
            self._taken = {str(key): int(number) for key, number in found.items()}
        except (ValueError, TypeError, AttributeError):
            self.fault = f"{path}: isn't a list of numbers any more"

    def last(self, key: str) -> int:
        """0 before the first command of a key."""
        return self._taken.get(key, 0)

    def take(self, key: str, number: int) -> None:
        """Use a number up, for ever. Raises OSError: then it isn't used, and the command isn't to be followed."""
        taken = {**self._taken, key: number}
        data = json.dumps(taken, sort_keys=True).encode()
        fresh = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._taken = taken
