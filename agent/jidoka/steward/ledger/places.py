"""Single entries, read back from where they lie in a ledger's file."""

from __future__ import annotations

import os
from pathlib import Path

from jidoka.steward.ledger.format import (
    ENTRY_HEADER,
    Entry,
    FormatError,
    Kind,
    body_length,
    decode,
    header_of,
)
from jidoka.steward.ledger.removed import Gone, Runs, entry_of_gone


def read_entry(descriptor: int, offset: int) -> Entry:
    """The committed entry at `offset`. Raises OSError, or FormatError if the file changed under us."""
    head = os.pread(descriptor, ENTRY_HEADER.size, offset)
    return decode(head + os.pread(descriptor, body_length(head), offset + ENTRY_HEADER.size))


def read_numbered(descriptor: int, offset: int, number: int, runs: Runs) -> tuple[Entry, Gone | None]:
    """The entry with this number of its lane, which lies or lay at `offset`; without its body, and with what is known of it,
    where it was removed. runs: what was removed since the offset was noted. Raises OSError or FormatError."""
    try:
        entry = read_entry(descriptor, offset)
    except FormatError:
        start = runs.start_of(offset)
        if start is None:
            raise
        entry = read_entry(descriptor, start)
    if entry.kind is Kind.REMOVED:
        return entry_of_gone(entry, number)
    if entry.lane_number != number:
        raise FormatError(f"byte {offset}: number {entry.lane_number} of its lane, expected {number}")
    return entry, None


def read_head(ledger: Path, offset: int) -> Entry:
    """The header of the entry at `offset`, without its body and unchecked by its CRC. Raises OSError or FormatError."""
    descriptor = os.open(ledger, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return header_of(os.pread(descriptor, ENTRY_HEADER.size, offset))
    finally:
        os.close(descriptor)
