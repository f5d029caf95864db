"""Recording files: the events of a trace in compressed blocks; a file that was cut is good up to the cut.

Format 1: `JDKTRACE1`, then blocks: u32 bytes as stored, u32 bytes inflated, u32 CRC of the stored ones, deflated events;
an event is u32 length, then kind, model, ns, dropped and body as monitor.trace has them. Little-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from jidoka_bridge.errors import InputError

from jidoka.monitor.trace import HEAD, Event, Kind

MAGIC = b"JDKTRACE1"
BLOCK = struct.Struct("<III")
LENGTH = struct.Struct("<I")
#: a block is written when so many bytes wait
BLOCK_BYTES = 1 << 20
#: no event is larger, as no tensor is: what says so is damage
MOST_BYTES = 1 << 30


class Writer:
    """Appends events to a file. size: bytes written so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.size = file.write(MAGIC)

    def add(self, event: Event) -> None:
        """Take one event; it lies in the file after the next full block or `flush`."""
        head = HEAD.pack(event.kind, event.model, event.ns, event.dropped, len(event.body))
        self._waiting += [LENGTH.pack(len(head) + len(event.body)), head, event.body]
        self._waiting_bytes += LENGTH.size + len(head) + len(event.body)
        if self._waiting_bytes >= BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        raw = b"".join(self._waiting)
        stored = zlib.compress(raw, 1)
        self._waiting, self._waiting_bytes = [], 0
        self.size += self._file.write(BLOCK.pack(len(stored), len(raw), zlib.crc32(stored)) + stored)
        self._file.flush()


def events(path: Path) -> Iterator[Event]:
    """Every event of a recording, in order. Raises InputError where it is none, or damaged before its end."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise InputError(
                    f"{path}: isn't a recording, or one of another format", "Make one with: jidoka record"
                )
            number = 0
            while True:
                block = _block(file, path, number)
                if block is None:
                    return
                number += 1
                yield from _events_of(block, path, number)
    except OSError as error:
        raise InputError(
            f"{path}: can't read the recording: {error.strerror}", "Name a file that `jidoka record` wrote."
        ) from None


def _block(file: BinaryIO, path: Path, number: int) -> bytes | None:
    """The next block, inflated; None at the end, and where the end was cut off."""
    head = file.read(BLOCK.size)
    if len(head) < BLOCK.size:
        return None
    stored_bytes, raw_bytes, crc = BLOCK.unpack(head)
    stored = file.read(min(stored_bytes, MOST_BYTES))
    if len(stored) < stored_bytes:
        return None
    try:
        if zlib.crc32(stored) != crc:
            raise zlib.error("its CRC doesn't match")
        inflater = zlib.decompressobj()
        raw = inflater.decompress(stored, raw_bytes)
        if len(raw) != raw_bytes or raw_bytes > MOST_BYTES:
            raise zlib.error("its length doesn't match")
    except zlib.error as error:
        raise InputError(
            f"{path}: block {number + 1} is damaged: {error}",
            "Copy the file anew from where it was recorded; what lies behind the damage can't be trusted.",
        ) from None
    return raw


def _events_of(block: bytes, path: Path, number: int) -> Iterator[Event]:
    at = 0
    try:
        while at < len(block):
            (length,) = LENGTH.unpack_from(block, at)
            at += LENGTH.size
            kind, model, ns, dropped, size = HEAD.unpack_from(block, at)
            body = block[at + HEAD.size : at + length]
            if len(body) != size:
                raise ValueError("an event is cut")
            yield Event(Kind(kind), model, ns, dropped, body)
            at += length
    except (struct.error, ValueError) as error:
        raise InputError(
            f"{path}: block {number} can't be read: {error}",
            "It was written by another version, or by another program.",
        ) from None
