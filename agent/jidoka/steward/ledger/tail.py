"""The end of a ledger's file: written past the page cache in blocks of the disk, over zeros that were put there before.

Through the page cache a message costs a whole page of 4096 bytes, however short it is, and where the file grows with it a commit
of the file system's journal besides (12 kB with ext4). A disk itself takes blocks of 512 bytes as a rule, and over bytes that are
there already no journal is needed. So the end is made ready with zeros in large steps, and each entry is written over them; what
stands in its first block is written again with it. No entry begins with zeros: a reader ends there (docs/ledger-format.md).
What comes in large pieces isn't worth the zeros, and grows the file.

Where a file system or disk knows no such writes the page cache is used as ever. Linux: O_DIRECT (open(2)); its block size is
found by trying, for statx(2) tells it on new kernels only.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from pathlib import Path

from jidoka.steward.ledger.spool import write_all

#: of a block: what disks take, smallest first
BLOCKS_BYTES = (512, 4096)
#: so much is made ready at once
READY_BYTES = 256 << 10
#: for pieces shorter than this
SMALL_BYTES = 16 << 10
#: and only while so much is free: the last of a disk is for entries
LEAST_FREE_BYTES = 64 << 20
_BUFFER_BYTES = 128 << 10


class Tail:
    """Opened anew after each error. end: of the file's last good byte; block_bytes: 0 where the page cache is used.

    Raises OSError, as do its methods.
    """

    def __init__(self, path: Path, end: int) -> None:
        self.block_bytes = BLOCKS_BYTES[0]
        self._path = path
        self._end = self._ready = end  # behind what was written, and behind the zeros that were put there
        self._buffer = mmap.mmap(-1, _BUFFER_BYTES)  # begins at a page, as O_DIRECT wants it
        self._zeros = mmap.mmap(-1, READY_BYTES)  # never written to, so it takes no memory
        self._begun = self._block_at_end()
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            self.block_bytes = 0

    def write(self, data: bytes) -> None:
        """All of `data` behind what was written before; it is durable after `sync`."""
        while self.block_bytes and not self._is_written_in_blocks(data):
            self._use_larger_blocks()
        if not self.block_bytes:
            write_all(self._descriptor, data, self._end)
            self._end += len(data)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
        self._buffer.close()
        self._zeros.close()

    def _is_written_in_blocks(self, data: bytes) -> bool:
        """False where the disk or file system doesn't take such blocks; then it is as if nothing had been written."""
        try:
            if len(data) < SMALL_BYTES:
                self._make_ready(self._end + len(data))
            self._end, self._begun = self._put_blocks(data)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return False
        return True

    def _put_blocks(self, data: bytes) -> tuple[int, bytes]:
        """Where the file ends then, and what stands in the block that isn't full."""
        end, begun, view = self._end, self._begun, memoryview(data)
        while view:
            start = end - len(begun)
            piece = begun + view[: _BUFFER_BYTES - len(begun)]
            whole = -(-len(piece) // self.block_bytes) * self.block_bytes
            self._buffer[:whole] = piece.ljust(whole, b"\0")
            self._put(self._buffer, whole, start)
            view = view[len(piece) - len(begun) :]
            end = start + len(piece)
            begun = piece[len(piece) - end % self.block_bytes :]
        return end, begun

    def _make_ready(self, end: int) -> None:
        """Zeros behind `end`. That there is no room for them is nothing to fail for: the entry may still find some."""
        if end <= self._ready:
            return
        start = -(-end // BLOCKS_BYTES[-1]) * BLOCKS_BYTES[-1]
        with contextlib.suppress(OSError):
            room = os.fstatvfs(self._descriptor)
            if room.f_bavail * room.f_frsize > LEAST_FREE_BYTES:
                self._put(self._zeros, READY_BYTES, start)
                self._ready = start + READY_BYTES

    def _put(self, source: mmap.mmap, size: int, offset: int) -> None:
        with memoryview(source) as whole:
            done = 0
            while done < size:
                with whole[done:size] as rest:
                    done += os.pwritev(self._descriptor, [rest], offset + done)

    def _use_larger_blocks(self) -> None:
        """Nothing was written: the disk takes larger blocks, or this file system none past the page cache."""
        self.block_bytes = next((size for size in BLOCKS_BYTES if size > self.block_bytes), 0)
        if not self.block_bytes:
            os.close(self._descriptor)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        self._begun = self._block_at_end()

    def _block_at_end(self) -> bytes:
        """What stands in the block that isn't full."""
        if not self.block_bytes:
            return b""
        begun = self._end % self.block_bytes
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, begun, self._end - begun)
        finally:
            os.close(descriptor)
