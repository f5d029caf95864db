"""Checks a ledger file from end to end and says where it doesn't hold."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import Entry, FileHeader, FormatError, Kind
from jidoka.steward.ledger.people import read_texts
from jidoka.steward.ledger.reader import Fault, Scan, is_written_now, open_for_reading, read_header
from jidoka.steward.ledger.removed import removed_of
from jidoka.steward.ledger.trimming import journal_path

MAX_FAULTS = 100
#: a writer that is at work may be in the middle of an entry, or of a removal; it is never there for long
PATIENCE_S = 1.0


@dataclass
class Report:
    """What a check found. decisions: verdicts inside decision blocks; boots: times that the boot id changed;
    sealed, texts: commitments in entries, and how many of them still have their text; removed: history entries that went for
    want of room, of which numbers and digests are still there."""

    path: Path
    header: FileHeader
    size: int = 0
    entries: int = 0
    decisions: int = 0
    boots: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    lanes: dict[str, int] = field(default_factory=dict)
    sealed: int = 0
    texts: int = 0
    removed: int = 0
    last_transition: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        return {
            "file": str(self.path),
            "ledger_id": self.header.ledger_id.hex(),
            "created_ns": self.header.created_ns,
            "bytes": self.size,
            "entries": self.entries,
            "decisions": self.decisions,
            "boots": self.boots,
            "kinds": dict(self.kinds),
            "lanes": self.lanes,
            "removed": self.removed,
            "commitments": {"sealed": self.sealed, "texts": self.texts},
            "last_transition": self.last_transition,
            "ok": self.is_good,
            "faults": [
                {"byte": fault.offset, "entry": fault.index, "what": fault.what, "torn": fault.is_torn}
                for fault in self.faults
            ],
        }


def check(path: Path) -> Report:
    """Read everything once. Raises LedgerError if the file can't be read or isn't a ledger; faults are in the report."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        report = _check_once(path)
        is_only_torn = bool(report.faults) and all(fault.is_torn for fault in report.faults)
        may_pass = is_only_torn or (bool(report.faults) and journal_path(path).exists())
        if not may_pass or time.monotonic() > deadline or not is_written_now(path):
            return report
        time.sleep(0.1)


def _check_once(path: Path) -> Report:
    file, size = open_for_reading(path)
    with file:
        report = Report(path, read_header(file, path), size)
        _read(report, file)
    return report


def _read(report: Report, file: BinaryIO) -> None:
    texts = read_texts(report.path)
    serials: dict[str, int] = {}
    scan = Scan(file, report.size, is_live=is_written_now(report.path))
    inside: list[Fault] = []
    for offset, entry in scan:
        report.entries += 1
        report.kinds[entry.kind.label] += 1
        report.lanes[entry.lane.label] = scan.continuity.lanes[entry.lane]
        try:
            if entry.kind is Kind.DECISIONS:
                what = _decisions(report, entry, serials)
            elif entry.kind is Kind.REMOVED:
                what = _removed(report, entry, serials)
            else:
                what = _body(report, entry, texts)
        except FormatError as error:
            what = str(error)
        if what and len(inside) < MAX_FAULTS:
            inside.append(Fault(offset, entry.index, what))
    report.boots = scan.continuity.boots
    report.faults = sorted(scan.faults + inside, key=lambda fault: fault.offset)[:MAX_FAULTS]


def _body(report: Report, entry: Entry, texts: dict[str, str]) -> str:
    body = entry.json()
    commitment = body.get("commitment")
    if commitment:
        report.sealed += 1
        report.texts += commitment in texts
    if entry.kind is not Kind.TRANSITION:
        return ""
    number, expected = int(body.get("number", 0)), report.last_transition + 1
    if report.last_transition and number > expected:
        report.last_transition = number
        return f"transition {number}, expected {expected}: transitions are missing"
    report.last_transition = max(number, report.last_transition)
    return ""


def _removed(report: Report, entry: Entry, serials: dict[str, int]) -> str:
    faults = []
    for gone in removed_of(entry).gone:
        report.removed += 1
        expected = serials.get(gone.model, 0) + 1
        if gone.model and gone.serial != expected:
            faults.append(f"removed block {gone.serial} of {gone.model}, expected {expected}")
        serials[gone.model] = gone.serial
    return "; ".join(faults)


def _decisions(report: Report, entry: Entry, serials: dict[str, int]) -> str:
    block = Block.decode(entry.body)
    report.decisions += len(block.rows)
    expected = serials.get(block.model, 0) + 1
    serials[block.model] = block.serial
    return "" if block.serial == expected else f"block {block.serial} of {block.model}, expected {expected}"
