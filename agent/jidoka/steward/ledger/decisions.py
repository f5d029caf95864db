"""A decision block: 256 verdicts of one model as deflated columns (contract C5), far smaller than rows.

Body: version u8, flags u8, rows u16, serial u64, boot id 16 B, wall − monotonic ns i64, model id length u16,
model id, then one zlib stream of the columns one after the other in the order of COLUMNS. A column of n values
of w bytes is stored as w planes of n bytes, lowest bytes first; `difference` columns hold each value minus the
one above it, modulo 2^(8·w). flags bit 0: a last column of 16-byte input digests, as they are.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jidoka_bridge.messages import Decision

from jidoka.steward.ledger.format import FormatError

BLOCK_VERSION = 1
BLOCK_ROWS = 256
HAS_DIGESTS = 1
HEAD = struct.Struct("<BBHQ16sqH")


class Column(NamedTuple):
    """One column. code: of the struct module; is_difference: stored as differences of neighbours."""

    name: str
    code: str
    is_difference: bool

    @property
    def width(self) -> int:
        return struct.calcsize("<" + self.code)


COLUMNS: tuple[Column, ...] = (
    Column("number", "Q", True),
    Column("part", "Q", True),
    Column("record_ns", "Q", True),
    Column("judged_ns", "Q", True),
    Column("reasons", "I", False),
    Column("top_class", "h", False),
    Column("verdict", "B", False),
    Column("flags", "B", False),
    Column("position", "H", False),
    Column("recipe", "H", False),
    Column("confidence", "f", False),
    Column("score1", "f", False),
    Column("score2", "f", False),
)


@dataclass(frozen=True)
class Block:
    """Verdicts of one model. serial: counts the model's blocks from 1; boot: of the rows' clocks (16 bytes);
    wall_offset_ns: wall minus monotonic clock when the block began; digests: 16 bytes a row, or none."""

    model: str
    serial: int
    boot: bytes
    wall_offset_ns: int
    rows: tuple[Decision, ...]
    digests: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        count, model = len(self.rows), self.model.encode()
        if not 1 <= count <= BLOCK_ROWS or (self.digests and len(self.digests) != count):
            raise FormatError(f"a block of {count} rows and {len(self.digests)} digests")
        flags = HAS_DIGESTS if self.digests else 0
        head = HEAD.pack(BLOCK_VERSION, flags, count, self.serial, self.boot, self.wall_offset_ns, len(model))
        columns = [
            _pack(column, values)
            for column, values in zip(COLUMNS, zip(*self.rows, strict=True), strict=True)
        ]
        return head + model + zlib.compress(b"".join(columns) + b"".join(self.digests), 6)

    @classmethod
    def decode(cls, body: bytes) -> Block:
        """Raises FormatError naming both versions, or what doesn't fit."""
        head = decode_head(body)
        try:
            data = zlib.decompress(body[HEAD.size + len(head.model.encode()) :])
        except zlib.error as error:
            raise FormatError(f"decision block {head.serial}: {error}") from None
        count, at, columns = head.row_count, 0, []
        width = sum(column.width for column in COLUMNS) + (16 if head.has_digests else 0)
        if len(data) != count * width:
            raise FormatError(f"decision block {head.serial}: {len(data)} bytes, {count * width} are right")
        for column in COLUMNS:
            end = at + count * column.width
            columns.append(_unpack(column, count, data[at:end]))
            at = end
        rows = tuple(Decision(*row) for row in zip(*columns, strict=True))
        digests = tuple(data[i : i + 16] for i in range(at, len(data), 16))
        return cls(head.model, head.serial, head.boot, head.wall_offset_ns, rows, digests)


class Head(NamedTuple):
    """What a decision block says of itself before its columns."""

    model: str
    serial: int
    boot: bytes
    wall_offset_ns: int
    row_count: int
    has_digests: bool


def decode_head(body: bytes) -> Head:
    """The head only, without inflating. Raises FormatError."""
    if not body or body[0] != BLOCK_VERSION:
        raise FormatError(
            f"decision block version {body[0] if body else '?'}, this program reads {BLOCK_VERSION}"
        )
    if len(body) < HEAD.size:
        raise FormatError(f"a decision block of {len(body)} bytes")
    _, flags, count, serial, boot, offset_ns, length = HEAD.unpack_from(body)
    try:
        model = body[HEAD.size : HEAD.size + length].decode()
    except UnicodeDecodeError:
        raise FormatError("the model id of a decision block isn't UTF-8") from None
    return Head(model, serial, boot, offset_ns, count, bool(flags & HAS_DIGESTS))


def _pack(column: Column, values: Sequence[float]) -> bytes:
    if column.is_difference:
        whole = [int(value) for value in values]
        mask = (1 << 8 * column.width) - 1
        values = [(a - b) & mask for a, b in zip(whole, [0, *whole], strict=False)]
    data = struct.pack(f"<{len(values)}{column.code}", *values)
    return b"".join(data[plane :: column.width] for plane in range(column.width))


def _unpack(column: Column, count: int, planes: bytes) -> list[float]:
    data = bytearray(len(planes))
    for plane in range(column.width):
        data[plane :: column.width] = planes[plane * count : (plane + 1) * count]
    values = list(struct.unpack(f"<{count}{column.code}", data))
    if column.is_difference:
        mask, total = (1 << 8 * column.width) - 1, 0
        for i, value in enumerate(values):
            total = (total + value) & mask
            values[i] = total
    return values
