"""The open decision block, row by row beside the ledger, so that a kill costs no verdict.

One file a model, `LEDGER.spool-MODEL`: header `<8s H H Q 16s q I` (magic, version, model id length, serial of the
block being filled, boot id, wall − monotonic ns, CRC-32 of the header and the model id), the model id, then rows
of `<I QQQQ I h B B H H f f f` (CRC-32 of the rest; the columns of a decision block in their order).
A row whose CRC is wrong, or that is cut, ends the file.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from jidoka_bridge.messages import Decision

from jidoka.steward.ledger.decisions import COLUMNS
from jidoka.steward.ledger.format import FormatError

MAGIC = b"\x89JDKSP\r\n"
VERSION = 1
HEAD = struct.Struct("<8sHHQ16sqI")
ROW = struct.Struct("<" + "".join(column.code for column in COLUMNS))
_CRC = struct.Struct("<I")
ROW_BYTES = _CRC.size + ROW.size


def spool_path(ledger: Path, model: str) -> Path:
    """Where a model's open block lies; the model id percent-encoded."""
    return ledger.with_name(f"{ledger.name}.spool-{quote(model, safe='')}")


def spool_paths(ledger: Path) -> list[Path]:
    """All spools that lie beside `ledger`."""
    return sorted(ledger.parent.glob(f"{ledger.name}.spool-*"))


def open_blocks(ledger: Path) -> Iterator[OpenBlock]:
    """Blocks that are being filled beside `ledger`; what can't be read, or became a block meanwhile, is passed over."""
    return (block for block in map(_open_block, spool_paths(ledger)) if block is not None)


def _open_block(path: Path) -> OpenBlock | None:
    try:
        return OpenBlock.decode(path.read_bytes())
    except (OSError, FormatError, UnicodeDecodeError):
        return None


@dataclass
class OpenBlock:
    """The block that is being filled for one model; the fields are those of a decision block."""

    model: str
    serial: int
    boot: bytes
    wall_offset_ns: int
    rows: list[Decision] = field(default_factory=list)

    def encode_head(self) -> bytes:
        model = self.model.encode()
        head = HEAD.pack(MAGIC, VERSION, len(model), self.serial, self.boot, self.wall_offset_ns, 0)[:-4]
        return head + _CRC.pack(zlib.crc32(model, zlib.crc32(head))) + model

    def encode(self) -> bytes:
        return self.encode_head() + encode_rows(self.rows)

    @classmethod
    def decode(cls, data: bytes) -> OpenBlock:
        """The block in a spool file, up to its last whole row. Raises FormatError if the header isn't whole."""
        if len(data) < HEAD.size:
            raise FormatError(f"{len(data)} bytes are no spool: a header has {HEAD.size}")
        magic, version, length, serial, boot, offset_ns, crc = HEAD.unpack_from(data)
        model = data[HEAD.size : HEAD.size + length]
        if magic != MAGIC or version != VERSION:
            raise FormatError(f"spool version {version}, this program reads {VERSION}")
        if crc != zlib.crc32(model, zlib.crc32(data[: HEAD.size - 4])):
            raise FormatError("the CRC of the spool's header doesn't match")
        rows = []
        for at in range(HEAD.size + length, len(data) - ROW_BYTES + 1, ROW_BYTES):
            row = data[at + 4 : at + ROW_BYTES]
            if zlib.crc32(row) != _CRC.unpack_from(data, at)[0]:
                break
            rows.append(Decision(*ROW.unpack(row)))
        return cls(model.decode(), serial, boot, offset_ns, rows)


def encode_rows(rows: Iterable[Decision]) -> bytes:
    """Rows as they lie in a spool, each behind its CRC-32."""
    packed = [ROW.pack(*row) for row in rows]
    return b"".join(_CRC.pack(zlib.crc32(row)) + row for row in packed)


class SpoolFile:
    """A spool file of the writer's thread. Every write begins at the last good length, so a failed one may be repeated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length = -1  # not begun by this program yet

    def begin(self, content: bytes) -> None:
        """Replace the file by `content` at once. Raises OSError."""
        fresh = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        try:
            write_all(descriptor, content, 0)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self.path)
        self.length = len(content)

    def append(self, rows: bytes) -> None:
        """Add rows and force them to the disk. Raises OSError."""
        descriptor = os.open(self.path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, self.length)
            write_all(descriptor, rows, self.length)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self.length += len(rows)

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


def write_all(descriptor: int, data: bytes, offset: int) -> None:
    """All of `data` at `offset`; a short write goes on. Raises OSError."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
