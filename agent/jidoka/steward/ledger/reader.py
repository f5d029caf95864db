"""Reads a ledger from beginning to end, checks as it goes, and tells a torn tail from damage.

A tail is torn when the file ends inside an entry, or nothing readable follows the place: that is what a power
cut leaves behind. Anything else is damage, and is never repaired by cutting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from jidoka_bridge.errors import LedgerError

from jidoka.steward.ledger.format import (
    ENTRY_HEADER,
    FILE_HEADER,
    LANE_OF,
    Entry,
    FileHeader,
    FormatError,
    Kind,
    Lane,
    body_length,
    decode,
)

_KINDS = frozenset(int(kind) for kind in Kind)
_LANES = frozenset(int(lane) for lane in Lane)
_RESYNC_BYTES = 4 << 20


@dataclass(frozen=True)
class Fault:
    """Something wrong. offset: byte in the file; index: of the entry that should be there; is_torn: a torn tail."""

    offset: int
    index: int
    what: str
    is_torn: bool = False

    def __str__(self) -> str:
        return f"byte {self.offset}, entry {self.index}: {self.what}"


@dataclass
class Continuity:
    """Gap-free numbers, lane numbers, clocks and boot ids: what one entry owes to those before it."""

    index: int = 0
    lanes: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))
    boot: bytes = b""
    monotonic_ns: int = 0
    boots: int = 0

    def faults(self, entry: Entry) -> list[str]:
        """What is wrong with `entry` as the next one; afterwards it counts as the last."""
        found = []
        if entry.index != self.index:
            found.append(f"number {entry.index}, expected {self.index}")
        if entry.lane_number != self.lanes[entry.lane] + 1:
            found.append(
                f"lane {entry.lane.label} number {entry.lane_number}, expected {self.lanes[entry.lane] + 1}"
            )
        if entry.lane != LANE_OF[entry.kind]:
            found.append(f"a {entry.kind.label} in lane {entry.lane.label}")
        if entry.boot != self.boot:
            self.boots += 1
            if entry.kind is not Kind.BOOT:
                found.append("the boot id changes without a boot entry")
        elif entry.monotonic_ns < self.monotonic_ns:
            found.append("the monotonic clock goes back within one boot")
        self.index, self.boot, self.monotonic_ns = entry.index + 1, entry.boot, entry.monotonic_ns
        self.lanes[entry.lane] = entry.lane_number
        return found


class Scan:
    """One pass over an open ledger file; iterate, then ask `faults`, `end` and `continuity`.

    start: offset of the first entry to read; end: offset behind the last good entry.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.end = FILE_HEADER.size
        self.faults: list[Fault] = []
        self.continuity = Continuity()

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        offset = FILE_HEADER.size
        self.file.seek(offset)
        while offset < self.size:
            try:
                entry = self._entry(offset)
            except FormatError as error:
                following = self._resync(offset)
                self.faults.append(
                    Fault(offset, self.continuity.index, self._told(error, offset, following), following < 0)
                )
                if following < 0:
                    return
                offset = following
                self.file.seek(offset)
                self._rejoin(offset)
                continue
            for what in self.continuity.faults(entry):
                self.faults.append(Fault(offset, entry.index, what))
            self.end = offset + entry.size
            yield offset, entry
            offset = self.end

    def _entry(self, offset: int) -> Entry:
        head = self.file.read(ENTRY_HEADER.size)
        if len(head) < ENTRY_HEADER.size:
            raise FormatError(f"the file ends inside an entry's header ({len(head)} bytes of it)")
        length = body_length(head)
        body = self.file.read(length) if offset + ENTRY_HEADER.size + length <= self.size else b""
        if len(body) != length:
            raise FormatError("the file ends inside an entry")
        return decode(head + body)

    def _resync(self, fault: int) -> int:
        """Offset of the next readable entry behind a fault, or −1."""
        self.file.seek(fault + 1)
        data = self.file.read(min(_RESYNC_BYTES, self.size - fault - 1))
        for at in range(len(data) - ENTRY_HEADER.size + 1):
            if data[at + 8] not in _KINDS or data[at + 9] not in _LANES:
                continue
            try:
                length = body_length(data[at : at + 4])
                decode(data[at : at + ENTRY_HEADER.size + length])
            except FormatError:
                continue
            return fault + 1 + at
        return -1

    def _rejoin(self, offset: int) -> None:
        """Continue behind damage without reporting its neighbours' numbers as well."""
        entry = self._entry(offset)
        self.file.seek(offset)
        # the other lanes' numbers can't be known until they show up; only this entry's can
        self.continuity.index = entry.index
        self.continuity.lanes[entry.lane] = entry.lane_number - 1

    @staticmethod
    def _told(error: FormatError, offset: int, following: int) -> str:
        if following < 0:
            return f"torn tail: {error}"
        return f"damaged: {error}; the next readable entry is at byte {following} ({following - offset} bytes on)"


def read_header(file: BinaryIO, path: Path) -> FileHeader:
    """The file header. Raises LedgerError with the place."""
    file.seek(0)
    try:
        return FileHeader.decode(file.read(FILE_HEADER.size))
    except FormatError as error:
        raise LedgerError(
            f"{path}: {error}",
            "Give the path of a ledger (jidoka status shows it). If this was one, keep it as it is and compare it "
            "with a copy.",
        ) from None


def open_for_reading(path: Path) -> tuple[BinaryIO, int]:
    """The file and its size now. Raises LedgerError if it can't be read."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "it isn't a file")  # a pipe would block for ever
        file = path.open("rb")
    except OSError as error:
        raise LedgerError(
            f"{path}: can't read the ledger: {error.strerror}",
            "Give the path of a ledger file; the running steward's is shown by: jidoka status",
        ) from None
    return file, file.seek(0, 2)


def entries(path: Path) -> Iterator[Entry]:
    """Every readable entry of `path`, in order; a torn tail ends it, damage raises LedgerError."""
    file, size = open_for_reading(path)
    with file:
        read_header(file, path)
        scan = Scan(file, size)
        for _, entry in scan:
            yield entry
    damage = [fault for fault in scan.faults if not fault.is_torn]
    if damage:
        raise LedgerError(f"{path}: {damage[0]}", "See all faults with: jidoka ledger check " + str(path))
