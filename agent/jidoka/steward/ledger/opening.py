"""Opens a ledger for its one writer: lock, header, a pass over what is there, and the cut of a torn tail."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from jidoka_bridge.errors import LedgerError, RefusedError

from jidoka.steward.ledger.format import FILE_HEADER, Entry, FileHeader
from jidoka.steward.ledger.reader import Continuity, Fault, Scan, read_header
from jidoka.steward.ledger.spool import write_all
from jidoka.steward.ledger.tail import BLOCKS_BYTES
from jidoka.steward.ledger.trimming import sync_directory

REMEDIES: dict[int, str] = {
    errno.ENOSPC: "Make room on the disk; recording goes on by itself.",
    errno.EDQUOT: "Raise the quota of the steward's user; recording goes on by itself.",
    errno.EFBIG: "Raise the file size limit of the steward; recording goes on by itself.",
    errno.EROFS: "Mount the disk for writing again, and look for why it was remounted read-only (dmesg).",
    errno.EIO: "The disk fails: see dmesg, replace it, keep the old one as evidence.",
    errno.EACCES: "Give the steward's user the right to write its state directory.",
}


class Found(NamedTuple):
    """What a pass found. end: offset behind the last entry; torn: the tail that was cut, with its bytes (without zeros at the end,
    which were put there for entries to come)."""

    continuity: Continuity
    end: int
    torn: Fault | None
    torn_bytes: int


def open_locked(path: Path, wall_ns: int) -> BinaryIO:
    """The file, locked for this program until it is closed, with a header. Raises LedgerError, or RefusedError if a steward runs."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise LedgerError(f"{path}: can't open the ledger: {error.strerror}", remedy_for(error)) from None
    file = os.fdopen(descriptor, "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_size < FILE_HEADER.size:
            # nothing but an unfinished creation is shorter than a header
            os.ftruncate(file.fileno(), 0)
            write_all(file.fileno(), FileHeader(wall_ns, os.urandom(16)).encode(), 0)
            os.fsync(file.fileno())
            sync_directory(path.parent)
    except BlockingIOError:
        file.close()
        raise RefusedError(
            f"{path}: another program writes this ledger",
            "One device has one steward: stop the other first, or give this one a state_dir of its own.",
        ) from None
    except OSError as error:
        file.close()
        raise LedgerError(f"{path}: can't begin the ledger: {error.strerror}", remedy_for(error)) from None
    return file


def read_all(file: BinaryIO, path: Path, on_entry: Callable[[int, Entry], None]) -> Found:
    """Hand every entry to on_entry(offset, entry) and cut a torn tail. Raises LedgerError, and closes the file, if it
    is damaged: that is never repaired by cutting."""
    size = os.fstat(file.fileno()).st_size
    try:
        read_header(file, path)
        scan = Scan(file, size)
        for offset, entry in scan:
            on_entry(offset, entry)
        damage = [fault for fault in scan.faults if not fault.is_torn]
        if damage:
            raise LedgerError(
                f"{path}: {damage[0]}",
                "Move the file away and keep it as evidence; the next start begins a new one.",
            )
    except LedgerError:
        file.close()
        raise
    if scan.faults:
        torn_bytes, used = size - scan.end, scan.used_behind(scan.end)
        if (
            torn_bytes - used >= BLOCKS_BYTES[0]
        ):  # zeros for entries to come; fewer may be the torn entry's own
            torn_bytes = used
        os.ftruncate(file.fileno(), scan.end)
        os.fsync(file.fileno())
        return Found(scan.continuity, scan.end, scan.faults[0], torn_bytes)
    return Found(scan.continuity, scan.end, None, 0)


def remedy_for(error: OSError) -> str:
    """What to do about an error of the disk."""
    return REMEDIES.get(error.errno or 0, "See the error of the system, and dmesg.")
