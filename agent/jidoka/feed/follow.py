"""Follows a file that another program writes to: growth, rotation by renaming, truncation, absence."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

from jidoka_bridge.errors import InputError

from jidoka.feed.intake import CHUNK_BYTES, Intake, NewStream
from jidoka.feed.reading import Entry

log = logging.getLogger(__name__)

LOOK_S = 0.1
LONGEST_HEADER_BYTES = 1 << 20
TAIL_BYTES = 64


class Follower(Intake):
    """Lines of a file as they are written, from its end or, with `is_from_start`, from its beginning.

    A file that is replaced (rotation) is read to its end first, then the new one from its beginning; one that was cut
    or written anew is read from its beginning. has_header: a table's first line is read also where the rest is passed over.
    Raises InputError where the path is no file. A missing file is waited for.
    """

    def __init__(self, path: Path, new_stream: NewStream, *, is_from_start: bool, has_header: bool) -> None:
        self.text = str(path)
        self.look_again_s = LOOK_S
        self._path, self._has_header = path, has_header
        self._stream = new_stream(path.name)
        self._fd, self._at, self._inode = -1, 0, (0, 0)
        self._tail = b""
        self._rotations = self._truncations = 0
        self._is_absence_said = False
        self._held: list[Entry] = []
        if not self._open():
            return
        if not is_from_start:
            self._pass_over()

    def take(self, now_ns: int) -> list[Entry]:
        del now_ns
        found, self._held = self._held, []
        if self._fd < 0 and not self._open():
            return found
        if self._is_rewritten():
            log.info("%s was cut or written anew: reading from its beginning", self._path)
            self._truncations += 1
            found += self._stream.end()
            self._at, self._tail = 0, b""
        chunk = os.pread(self._fd, CHUNK_BYTES, self._at)
        self._at += len(chunk)
        self._tail = (self._tail + chunk)[-TAIL_BYTES:]
        found += self._stream.take(chunk) if chunk else []
        # whoever rotates may write to the old file a little longer: it is left when there is a new one and no more in it
        if len(chunk) < CHUNK_BYTES and self._is_replaced() and not os.pread(self._fd, 1, self._at):
            self._rotations += 1
            found += self._stream.end()
            self._leave()
        self.look_again_s = 0.0 if len(chunk) == CHUNK_BYTES else LOOK_S
        return found

    def counts(self) -> dict[str, int]:
        return {
            "rotations": self._rotations, "truncations": self._truncations,
            "lines without the pattern": self._stream.unmatched,
        }  # fmt: skip

    def close(self) -> None:
        if self._fd >= 0:
            self._leave()

    def _open(self) -> bool:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            if not self._is_absence_said:
                log.warning("%s: %s: waiting for it", self._path, error.strerror)
                self._is_absence_said = True
            return False
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(fd)
            raise InputError(
                f"{self._path}: isn't a file that can be followed.",
                "Give a log or a table; pipe anything else in.",
            )
        self._fd, self._at, self._tail, self._inode = fd, 0, b"", (status.st_dev, status.st_ino)
        self._is_absence_said = False
        return True

    def _pass_over(self) -> None:
        """Begin at the end, behind the last whole line; a header is read all the same."""
        size = os.fstat(self._fd).st_size
        if self._has_header:
            head = os.pread(self._fd, LONGEST_HEADER_BYTES, 0)
            header = head[: head.find(b"\n") + 1]
            if not header:
                return  # not written yet
            self._held = self._stream.take(header)
            self._at = len(header)
        while size > self._at:
            begin = max(self._at, size - CHUNK_BYTES)
            end = os.pread(self._fd, size - begin, begin).rfind(b"\n")
            if end >= 0:
                self._at = begin + end + 1
                break
            size = begin
        self._tail = os.pread(self._fd, min(TAIL_BYTES, self._at), max(0, self._at - TAIL_BYTES))
        log.info("%s: what is there already is passed over; lines are numbered from here", self._path)

    def _is_rewritten(self) -> bool:
        """Shorter than before; or grown again, so that what was read last no longer stands there."""
        if os.fstat(self._fd).st_size < self._at:
            return True
        return os.pread(self._fd, len(self._tail), self._at - len(self._tail)) != self._tail

    def _is_replaced(self) -> bool:
        try:
            status = self._path.stat()
        except OSError:  # renamed, and the new one isn't there yet: the old one may still grow
            return False
        return (status.st_dev, status.st_ino) != self._inode

    def _leave(self) -> None:
        os.close(self._fd)
        self._fd = -1
