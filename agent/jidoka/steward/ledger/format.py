"""The ledger's bytes (contract C5): file header, entry header, kinds and lanes. Frozen; docs/ledger-format.md says the same in words.

All numbers are little-endian. A file is one file header and then entries without a gap:
length u32, crc32 u32, kind u8, lane u8, index u64, lane number u64, monotonic ns u64, wall ns u64, boot id 16 B, body.
"""

from __future__ import annotations

import enum
import struct
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

MAGIC = b"\x89JDKLG\r\n"
VERSION = 1
FILE_HEADER = struct.Struct("<8sHHQ16sI")
ENTRY_HEADER = struct.Struct("<IIBBQQQQ16s")
MAX_BODY_BYTES = 1 << 20

_LENGTH = struct.Struct("<I")
_LENGTH_AND_CRC = struct.Struct("<II")
_CRC_END = 8  # the CRC covers the length and everything behind itself


class FormatError(ValueError):
    """Bytes that aren't a ledger of this version, or an entry that doesn't hold together."""


class Kind(enum.IntEnum):
    """Kinds of entries; numbers are frozen."""

    __hash__ = int.__hash__  # an enumeration's own is slow, and every entry looks its kind and lane up

    BOOT = 1
    CONFIG = 2
    ADMISSION = 3
    BASELINE = 4
    DECISIONS = 5
    CONDITION = 6
    TRANSITION = 7
    CAUSE = 8
    ALARM = 9
    ACT = 10
    COMMAND = 11
    REFUSAL = 12
    OVERRIDE = 13
    CHECKPOINT = 14
    COSIGNATURE = 15
    CLOCK_STEP = 16
    LOSS = 17
    RETENTION = 18
    ABSENCE = 19
    SKETCH = 20
    INVENTORY = 21
    RISK = 22
    REMOVED = 23
    DRILL = 24
    FLOOD = 25

    @property
    def label(self) -> str:
        """The kind as people write it: `clock step`."""
        return self.name.lower().replace("_", " ") if self is not Kind.DECISIONS else "decision block"


class Lane(enum.IntEnum):
    """What overtakes what on its way out; each lane numbers its entries from 1 without a gap."""

    __hash__ = int.__hash__

    ALARM = 1
    EVIDENCE = 2
    HISTORY = 3

    @property
    def label(self) -> str:
        return self.name.lower()


class Row(NamedTuple):
    """One line of the table of kinds: its lane and what it tells."""

    kind: Kind
    lane: Lane
    meaning: str


KINDS: tuple[Row, ...] = (
    Row(Kind.BOOT, Lane.EVIDENCE, "the steward starts, or stops in an orderly way"),
    Row(Kind.CONFIG, Lane.EVIDENCE, "a plan is in force, or changed"),
    Row(Kind.ADMISSION, Lane.EVIDENCE, "a model was admitted or refused; digests"),
    Row(Kind.BASELINE, Lane.EVIDENCE, "a baseline was learnt, signed off or withdrawn"),
    Row(Kind.DECISIONS, Lane.HISTORY, "256 verdicts of one model, as deflated columns"),
    Row(Kind.CONDITION, Lane.EVIDENCE, "a condition on, off or unknown, with evidence"),
    Row(Kind.TRANSITION, Lane.ALARM, "a numbered event of the interlock"),
    Row(Kind.CAUSE, Lane.EVIDENCE, "the guard's record of a cause changed"),
    Row(Kind.ALARM, Lane.ALARM, "an alarm changed its state"),
    Row(Kind.ACT, Lane.EVIDENCE, "a person acknowledged, held or unlocked"),
    Row(Kind.COMMAND, Lane.ALARM, "a command from outside and its outcome"),
    Row(Kind.REFUSAL, Lane.EVIDENCE, "something was asked for and refused"),
    Row(Kind.OVERRIDE, Lane.ALARM, "a human took control, still has it, or gave it back"),
    Row(Kind.CHECKPOINT, Lane.EVIDENCE, "a signed head of the ledger's tree"),
    Row(Kind.COSIGNATURE, Lane.EVIDENCE, "a witness's signature, or its refusal"),
    Row(Kind.CLOCK_STEP, Lane.EVIDENCE, "the wall clock jumped"),
    Row(Kind.LOSS, Lane.EVIDENCE, "something was lost, counted"),
    Row(Kind.RETENTION, Lane.EVIDENCE, "something was removed as planned"),
    Row(Kind.ABSENCE, Lane.EVIDENCE, "somebody was away from … to …"),
    Row(Kind.SKETCH, Lane.HISTORY, "the distribution of one feature in about an hour, as a KLL sketch"),
    Row(
        Kind.INVENTORY, Lane.EVIDENCE, "what runs here: models, runtimes, baselines, configuration, by digest"
    ),
    Row(Kind.RISK, Lane.EVIDENCE, "a row of the risk register: status, data coverage, age"),
    Row(Kind.REMOVED, Lane.HISTORY, "history entries stood here and were removed for want of room; digests"),
    Row(
        Kind.DRILL,
        Lane.EVIDENCE,
        "a drill at the machine: what it measured, whether a part was rejected, who did it",
    ),
    Row(Kind.FLOOD, Lane.ALARM, "a flood of alarms began, or ended"),
)

LANE_OF: dict[Kind, Lane] = {row.kind: row.lane for row in KINDS}
# plain dictionaries: an enumeration takes its value ten times as long
_KINDS: dict[int, Kind] = {int(kind): kind for kind in Kind}
_LANES: dict[int, Lane] = {int(lane): lane for lane in Lane}


@dataclass(frozen=True)
class FileHeader:
    """created_ns: wall clock ns; ledger_id: 16 random bytes that tell this file from every other."""

    created_ns: int
    ledger_id: bytes

    def encode(self) -> bytes:
        head = FILE_HEADER.pack(MAGIC, VERSION, FILE_HEADER.size, self.created_ns, self.ledger_id, 0)[:-4]
        return head + _LENGTH.pack(zlib.crc32(head))

    @classmethod
    def decode(cls, data: bytes) -> FileHeader:
        """Raises FormatError naming what is wrong, and both versions if it is the version."""
        if len(data) < FILE_HEADER.size:
            raise FormatError(
                f"is no ledger: the file has {len(data)} bytes, the header alone has {FILE_HEADER.size}"
            )
        magic, version, size, created_ns, ledger_id, crc = FILE_HEADER.unpack_from(data)
        if magic != MAGIC:
            raise FormatError(
                f"is no ledger: it begins with {magic.hex()}, a ledger begins with {MAGIC.hex()}"
            )
        if crc != zlib.crc32(data[: FILE_HEADER.size - 4]):
            raise FormatError("the CRC of the file header doesn't match")
        if version != VERSION or size != FILE_HEADER.size:
            raise FormatError(f"ledger version {version}, this program reads version {VERSION}")
        return cls(created_ns, ledger_id)


class Entry(NamedTuple):
    """One entry. index: place in the ledger from 0; lane_number: place in its lane from 1; times in ns; boot: 16 bytes."""

    kind: Kind
    lane: Lane
    index: int  # type: ignore[assignment]  # hides a method of tuples that nobody calls here
    lane_number: int
    monotonic_ns: int
    wall_ns: int
    boot: bytes
    body: bytes

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return ENTRY_HEADER.size + len(self.body)

    def json(self) -> dict[str, Any]:
        """The body of every kind but `decision block`. Raises FormatError if it isn't a JSON object."""
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise FormatError(f"entry {self.index} carries no JSON: {error}") from None
        if not isinstance(value, dict):
            raise FormatError(f"entry {self.index} carries JSON that isn't an object")
        return value


def encode(entry: Entry) -> bytes:
    """The bytes of one entry. Raises FormatError if the body is longer than MAX_BODY_BYTES."""
    if len(entry.body) > MAX_BODY_BYTES:
        raise FormatError(f"a body of {len(entry.body)} bytes, at most {MAX_BODY_BYTES} fit")
    head = bytearray(
        ENTRY_HEADER.pack(
            len(entry.body), 0, entry.kind, entry.lane, entry.index, entry.lane_number,
            entry.monotonic_ns, entry.wall_ns, entry.boot,
        )
    )  # fmt: skip
    crc = zlib.crc32(entry.body, zlib.crc32(head[_CRC_END:], zlib.crc32(head[:4])))
    head[4:_CRC_END] = _LENGTH.pack(crc)
    return bytes(head) + entry.body


def body_length(head: bytes) -> int:
    """Length of the body that follows this entry header. Raises FormatError if it can't be one."""
    length = int(_LENGTH.unpack_from(head)[0])
    if length > MAX_BODY_BYTES:
        raise FormatError(f"a length of {length} bytes, at most {MAX_BODY_BYTES} are possible")
    return length


def decode(data: bytes) -> Entry:
    """The entry in exactly these bytes. Raises FormatError if the CRC, kind or lane is wrong."""
    if len(data) < ENTRY_HEADER.size:
        raise FormatError(f"{len(data)} bytes are no entry: a header has {ENTRY_HEADER.size}")
    length, crc = _LENGTH_AND_CRC.unpack_from(data)
    if len(data) != ENTRY_HEADER.size + length:
        raise FormatError(f"{len(data)} bytes, the header says {ENTRY_HEADER.size + length}")
    if crc != zlib.crc32(data[_CRC_END:], zlib.crc32(data[:4])):
        raise FormatError("the CRC doesn't match")
    return header_of(data, data[ENTRY_HEADER.size :])


def header_of(data: bytes, body: bytes = b"") -> Entry:
    """The entry whose header these bytes begin with, unchecked by its CRC. Raises FormatError if kind or lane is unknown."""
    if len(data) < ENTRY_HEADER.size:
        raise FormatError(f"{len(data)} bytes are no entry: a header has {ENTRY_HEADER.size}")
    _, _, kind, lane, index, number, monotonic_ns, wall_ns, boot = ENTRY_HEADER.unpack_from(data)
    try:
        return Entry(_KINDS[kind], _LANES[lane], index, number, monotonic_ns, wall_ns, boot, body)
    except KeyError:
        raise FormatError(f"kind {kind} or lane {lane} is unknown to version {VERSION}") from None
