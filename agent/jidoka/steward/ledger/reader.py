"""Reads a ledger from beginning to end, checks as it goes, and tells a torn tail from damage.

A tail is torn when the file ends inside an entry, or nothing readable follows the place: that is what a power
cut leaves behind. Anything else is damage, and is never repaired by cutting. Zeros up to the end of the file are neither:
they were put there for entries to come.
"""

from __future__ import annotations

import fcntl
import os
import time
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
from jidoka.steward.ledger.removed import removed_of

_KINDS = frozenset(int(kind) for kind in Kind)
_LANES = frozenset(int(lane) for lane in Lane)
_RESYNC_BYTES = 4 << 20
#: so much is read at once
_WINDOW_BYTES = 1 << 18
#: a writer that is at work may be in the middle of an entry: so often a place is looked at again, and after so long
_LOOKS, _LOOK_S = 10, 0.02


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

    def faults(self, entry: Entry, count: int = 1) -> list[str]:
        """What is wrong with `entry` as the next one; afterwards it counts as the last. count: entries that it stands for."""
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
        self.index, self.boot, self.monotonic_ns = entry.index + count, entry.boot, entry.monotonic_ns
        self.lanes[entry.lane] = entry.lane_number + count - 1
        return found


class Scan:
    """One pass over an open ledger file; iterate, then ask `faults`, `end` and `continuity`.

    start: offset of the first entry to read; end: offset behind the last good entry; is_live: a steward may be writing.
    """

    def __init__(self, file: BinaryIO, size: int, *, is_live: bool = False) -> None:
        self.file = file
        self._looks = _LOOKS if is_live else 0
        self.size = size
        self.end = FILE_HEADER.size
        self.faults: list[Fault] = []
        self.continuity = Continuity()
        self._window = b""
        self._window_at = 0

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        offset = FILE_HEADER.size
        while offset < self.size:
            try:
                found = self._read(offset, self._looks)
            except FormatError as error:
                following = self._resync(offset)
                self.faults.append(
                    Fault(offset, self.continuity.index, self._told(error, offset, following), following < 0)
                )
                if following < 0:
                    return
                offset = following
                self._rejoin(offset)
                continue
            if found is None:
                return
            entry, span, count = found
            for what in self.continuity.faults(entry, count):
                self.faults.append(Fault(offset, entry.index, what))
            self.end = offset + span
            yield offset, entry
            offset = self.end

    def _read(self, offset: int, looks: int) -> tuple[Entry, int, int] | None:
        """The entry there, bytes up to the next one, and how many entries it stands for; None where none begins any more.
        Raises FormatError."""
        try:
            entry = self._entry(offset)
            return (entry, *self._extent(entry, offset))
        except FormatError:
            self._window = b""  # it may have been written over since
            if self._is_unused(offset):
                return None
            if not looks:
                raise
        self._window = b""
        time.sleep(_LOOK_S)
        return self._read(offset, looks - 1)

    def _is_unused(self, offset: int) -> bool:
        """No entry begins there, nor anywhere behind. The first bytes are looked at first: a file may be long."""
        at = self._at(offset, ENTRY_HEADER.size)
        return not any(self._window[at : at + ENTRY_HEADER.size]) and not self.used_behind(offset)

    def used_behind(self, offset: int) -> int:
        """Bytes from there on that aren't the zeros at the end of the file."""
        used, at = 0, offset
        while at < self.size:
            piece = self._bytes(at, min(_RESYNC_BYTES, self.size - at))
            if not piece:
                break
            if found := len(piece.rstrip(b"\0")):
                used = at - offset + found
            at += len(piece)
        return used

    def _entry(self, offset: int) -> Entry:
        at = self._at(offset, ENTRY_HEADER.size)
        left = min(len(self._window), self.size - self._window_at) - at
        if left < ENTRY_HEADER.size:
            raise FormatError(f"the file ends inside an entry's header ({max(0, left)} bytes of it)")
        size = ENTRY_HEADER.size + body_length(self._window[at : at + 4])
        if offset + size > self.size:
            raise FormatError("the file ends inside an entry")
        at = self._at(offset, size)
        return decode(self._window[at : at + size])

    def _at(self, offset: int, size: int) -> int:
        """Where in the window byte `offset` is, which is read so that `size` bytes are in it where the file has them."""
        at = offset - self._window_at
        if at < 0 or at + size > len(self._window):
            self._window_at, self._window = offset, self._bytes(offset, max(size, _WINDOW_BYTES))
            at = 0
        return at

    def _bytes(self, offset: int, size: int) -> bytes:
        """Of the file as it is now; its object may still have what was there before."""
        return os.pread(self.file.fileno(), size, offset)

    def _extent(self, entry: Entry, offset: int) -> tuple[int, int]:
        """(bytes up to the next entry, entries that this one stands for)."""
        if entry.kind is not Kind.REMOVED:
            return entry.size, 1
        removed = removed_of(entry)
        if offset + removed.span > self.size:
            raise FormatError("the file ends inside what was removed")
        return removed.span, len(removed.gone)

    def _resync(self, fault: int) -> int:
        """Offset of the next readable entry behind a fault, or −1."""
        data = self._bytes(fault + 1, min(_RESYNC_BYTES, self.size - fault - 1))
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
        self._window = b""
        entry = self._entry(offset)
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


def is_written_now(path: Path) -> bool:
    """True while a steward holds the lock. Raises OSError."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def entries(path: Path) -> Iterator[Entry]:
    """Every readable entry of `path`, in order; a torn tail ends it, damage raises LedgerError."""
    file, size = open_for_reading(path)
    with file:
        read_header(file, path)
        scan = Scan(file, size, is_live=is_written_now(path))
        for _, entry in scan:
            yield entry
    damage = [fault for fault in scan.faults if not fault.is_torn]
    if damage:
        raise LedgerError(f"{path}: {damage[0]}", "See all faults with: jidoka ledger check " + str(path))
