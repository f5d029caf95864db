"""Removes history from a ledger's file where it stands: chosen oldest first, written down, done, recorded.

What is to be done is forced to the disk first (`LEDGER.trim`), so that a kill or a power cut at any step leaves either the
old file or one that the next opening finishes. Linux: fallocate(2) with FALLOC_FL_PUNCH_HOLE gives the blocks back.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from jidoka.steward.ledger.format import (
    ENTRY_HEADER,
    FILE_HEADER,
    Entry,
    FileHeader,
    FormatError,
    Kind,
    Lane,
    body_length,
    decode,
    encode,
)
from jidoka.steward.ledger.removed import MOST_ENTRIES, entry_of_run, removed_of
from jidoka.steward.ledger.spool import write_all
from jidoka.whole_file import write_whole

#: of one pass: so much is given back, and so many entries are looked at
PASS_BYTES = 1 << 20
PASS_ENTRIES = 5_000
BLOCK_BYTES = 4096
#: where kind and lane are in an entry's header
_KIND, _LANE = 8, 9
_KEEP_SIZE_PUNCH_HOLE = 0x01 | 0x02
_MAGIC = b"\x89JDKTR\r\n"
_HEAD = struct.Struct("<8s16sII")  # magic, ledger id, length and CRC-32 of the JSON that follows

_libc = ctypes.CDLL(None, use_errno=True)


class Run(NamedTuple):
    """Neighbouring history entries from byte `offset` to `end`; entry: the bytes that take their place."""

    offset: int
    end: int
    entry: bytes


@dataclass
class Plan:
    """What one pass would remove. position: where the next pass looks on; freed: bytes of the blocks given back; history:
    bytes of the entries; counts: by kind; unacknowledged: of them."""

    position: int
    runs: list[Run] = field(default_factory=list)
    freed: int = 0
    history: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    unacknowledged: int = 0
    first: int = 0
    last: int = 0
    is_at_end: bool = False

    def told(self, limit_bytes: int) -> dict[str, Any]:
        """Body of the entry of kind *retention*."""
        kinds = " and ".join(counted(name, count) for name, count in self.counts.items())
        late = (
            f" The AIMS has the digests of {self.unacknowledged} of them not yet."
            if self.unacknowledged
            else ""
        )
        text = (
            f"{kinds} of the entries {self.first} to {self.last} were removed for want of room "
            f"(limit {limit_bytes / 1e6:.0f} MB); their digests stay.{late}"
        )
        return {
            "what": "history", "text": text, "count": self.counts.total(), "unit": "entries", "size_bytes": self.history,
            "first": self.first, "last": self.last, "kinds": dict(self.counts),
            "unacknowledged": self.unacknowledged,
        }  # fmt: skip


def counted(name: str, count: int) -> str:
    """`1 decision block`, `3 sketches`."""
    return f"{count} {name}" + ("" if count == 1 else "es" if name.endswith("ch") else "s")


def choose(descriptor: int, position: int, end: int, acknowledged: int | None, goal: int) -> Plan:
    """What may go between two bytes of the file, oldest first, until `goal` bytes are freed.

    acknowledged: the number of the history lane up to which the AIMS has everything; None: nobody is told anything. What is
    told by its digest alone (decision blocks) may go before, for that digest stays; nothing else may. Raises OSError or
    FormatError.
    """
    plan = Plan(position)
    run: list[Entry] = []
    first = position
    for _ in range(PASS_ENTRIES):
        if plan.position >= end or plan.freed >= goal:
            break
        head = os.pread(descriptor, ENTRY_HEADER.size, plan.position)
        size = ENTRY_HEADER.size + body_length(head)
        may_go = _may_go(head, acknowledged)
        entry = None
        if may_go or head[_KIND] == Kind.REMOVED:
            entry = decode(os.pread(descriptor, size, plan.position))
        if may_go and entry is not None:
            first = first if run else plan.position
            run.append(entry)
        step = removed_of(entry).span if entry and entry.kind is Kind.REMOVED else size
        if run and not may_go:
            _close(plan, run, acknowledged, end=plan.position)
            run = []
        plan.position += step
        if len(run) >= MOST_ENTRIES or (run and plan.position - first >= goal):
            _close(plan, run, acknowledged, end=plan.position)
            run = []
    if run:
        _close(plan, run, acknowledged, end=plan.position)
    plan.is_at_end = plan.position >= end
    return plan


def _may_go(head: bytes, acknowledged: int | None) -> bool:
    """Whether the entry with this header may be removed; see `choose`."""
    if head[_LANE] != Lane.HISTORY:
        return False
    number = int.from_bytes(head[18:26], "little")
    is_done_with = acknowledged is None or number <= acknowledged
    return head[_KIND] == Kind.DECISIONS or (head[_KIND] == Kind.SKETCH and is_done_with)


def _close(plan: Plan, run: list[Entry], acknowledged: int | None, end: int) -> None:
    """Take a run that ends at byte `end` into the plan if it gives a block back at all."""
    start = end - sum(entry.size for entry in run)
    data = encode(entry_of_run(run, acknowledged))
    freed = end // BLOCK_BYTES * BLOCK_BYTES - -(-(start + len(data)) // BLOCK_BYTES) * BLOCK_BYTES
    if freed <= 0:
        return
    plan.first = plan.first if plan.runs else run[0].index
    plan.last = run[-1].index
    plan.runs.append(Run(start, end, data))
    plan.freed += freed
    plan.history += end - start
    plan.counts.update(entry.kind.label for entry in run)
    if acknowledged is not None:
        plan.unacknowledged += sum(entry.lane_number > acknowledged for entry in run)


# ------------------------------------------------------------ what is done, and done again after a kill


def journal_path(ledger: Path) -> Path:
    """Where it is written down what is to be removed."""
    return ledger.with_name(ledger.name + ".trim")


def write_journal(ledger: Path, ledger_id: bytes, runs: Sequence[Run], told: dict[str, Any]) -> None:
    """Force to the disk what is to be done. Raises OSError."""
    rows = [[run.offset, run.end, run.entry.hex()] for run in runs]
    content = json.dumps({"runs": rows, "told": told}).encode()
    head = _HEAD.pack(_MAGIC, ledger_id, len(content), zlib.crc32(content))
    write_whole(journal_path(ledger), head + content)
    sync_directory(ledger.parent)


def read_journal(ledger: Path, ledger_id: bytes) -> tuple[list[Run], dict[str, Any]] | None:
    """What was to be done to this ledger; None where nothing was. Raises OSError."""
    try:
        data = journal_path(ledger).read_bytes()
    except FileNotFoundError:
        return None
    if len(data) < _HEAD.size:
        return None
    magic, identity, length, crc = _HEAD.unpack_from(data)
    content = data[_HEAD.size : _HEAD.size + length]
    if magic != _MAGIC or identity != ledger_id or crc != zlib.crc32(content):
        return None
    value = json.loads(content)
    return [Run(offset, end, bytes.fromhex(entry)) for offset, end, entry in value["runs"]], value["told"]


def carry_out(descriptor: int, runs: Sequence[Run]) -> None:
    """Put the entries in place, then give the blocks behind them back; as often as it takes. Raises OSError."""
    for run in runs:
        write_all(descriptor, run.entry, run.offset)
    os.fdatasync(descriptor)
    for run in runs:
        punch(descriptor, run.offset + len(run.entry), run.end)
    os.fdatasync(descriptor)


def finish(descriptor: int, ledger: Path) -> dict[str, Any] | None:
    """At opening: finish what a kill interrupted; what is to be recorded of it, or None. Raises OSError or FormatError."""
    header = FileHeader.decode(os.pread(descriptor, FILE_HEADER.size, 0))
    found = read_journal(ledger, header.ledger_id)
    if found is None:
        return None
    runs, told = found
    size = os.fstat(descriptor).st_size
    if any(run.end > size for run in runs):
        raise FormatError(f"{journal_path(ledger).name} tells of bytes that the file doesn't have")
    try:
        carry_out(descriptor, runs)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:  # moved to a file system that can't give blocks back: they stay
            raise
    return told


def punch(descriptor: int, start: int, end: int) -> None:
    """Give the blocks between two bytes back; they read as zeros. Raises OSError (EOPNOTSUPP: the file system can't)."""
    if end <= start:
        return
    result = _libc.fallocate(
        descriptor, _KEEP_SIZE_PUNCH_HOLE, ctypes.c_longlong(start), ctypes.c_longlong(end - start)
    )
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def forget_journal(ledger: Path) -> None:
    """What was done is recorded. Raises OSError."""
    journal_path(ledger).unlink(missing_ok=True)


def sync_directory(folder: Path) -> None:
    """Make a rename in `folder` last. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
