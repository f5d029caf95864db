"""What stands in the file where history entries were removed for want of room: their numbers, sizes and digests.

A run of neighbouring history entries becomes one entry of kind *removed* at the same byte. It carries the index and the
lane number of the first of them, the times of the last, and what each was; behind its body the file has a hole up to
`span`, where the next entry begins. So no other entry moves, and numbers, clocks and digests stay without a gap.
"""

from __future__ import annotations

import contextlib
import json
import threading
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from jidoka.steward.ledger.decisions import decode_head
from jidoka.steward.ledger.format import ENTRY_HEADER, Entry, FormatError, Kind, Lane

#: of one run: its entry stays far below the longest body
MOST_ENTRIES = 2_000


@dataclass(frozen=True)
class Gone:
    """One entry that was removed. sha256: of its body, hex; model, serial: of a decision block."""

    kind: Kind
    size_bytes: int
    sha256: str
    monotonic_ns: int
    wall_ns: int
    model: str = ""
    serial: int = 0

    @classmethod
    def of(cls, entry: Entry) -> Gone:
        """What is known of an entry; of a decision block that can't be read no model."""
        model, serial = "", 0
        if entry.kind is Kind.DECISIONS:
            with contextlib.suppress(FormatError):
                head = decode_head(entry.body)
                model, serial = head.model, head.serial
        digest = sha256(entry.body).hexdigest()
        return cls(entry.kind, len(entry.body), digest, entry.monotonic_ns, entry.wall_ns, model, serial)

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "kind": self.kind.label, "size_bytes": self.size_bytes, "sha256": self.sha256,
            "monotonic_ns": self.monotonic_ns, "wall_ns": self.wall_ns,
        }  # fmt: skip
        return {**told, "model": self.model, "serial": self.serial} if self.model else told


@dataclass(frozen=True)
class Removed:
    """A run. span: bytes from the beginning of its entry to the next one; acknowledged: the AIMS had the lane up to this
    number then, 0 where nobody was told anything."""

    span: int
    gone: tuple[Gone, ...]
    acknowledged: int = 0


_KINDS = {kind.label: kind for kind in Kind}


def removed_of(entry: Entry) -> Removed:
    """What an entry of kind *removed* tells. Raises FormatError if it doesn't hold together."""
    body = entry.json()
    try:
        gone = tuple(
            Gone(
                _KINDS[each["kind"]], int(each["size_bytes"]), str(each["sha256"]), int(each["monotonic_ns"]),
                int(each["wall_ns"]), str(each.get("model", "")), int(each.get("serial", 0)),
            )
            for each in body["entries"]
        )  # fmt: skip
        span, acknowledged = int(body["span"]), int(body.get("acknowledged", 0))
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"entry {entry.index} doesn't say what was removed: {error!r}") from None
    if not gone or span != sum(ENTRY_HEADER.size + each.size_bytes for each in gone):
        raise FormatError(f"entry {entry.index}: a span of {span} bytes isn't that of what was removed")
    return Removed(span, gone, acknowledged)


def entry_of_run(run: Sequence[Entry], acknowledged: int | None) -> Entry:
    """The entry that takes the place of neighbouring history entries."""
    first, last = run[0], run[-1]
    span = sum(entry.size for entry in run)
    value = {
        "span": span,
        "acknowledged": acknowledged or 0,
        "entries": [Gone.of(entry).as_json() for entry in run],
    }
    body = json.dumps(value, separators=(",", ":")).encode()
    return Entry(
        Kind.REMOVED, Lane.HISTORY, first.index, first.lane_number, last.monotonic_ns, last.wall_ns, last.boot, body
    )  # fmt: skip


def entry_of_gone(removed: Entry, number: int) -> tuple[Entry, Gone]:
    """The header of what had this lane number, without its body, and what is known of that. Raises FormatError."""
    place = number - removed.lane_number
    gone = removed_of(removed).gone
    if not 0 <= place < len(gone):
        raise FormatError(f"entry {removed.index} doesn't stand for number {number} of its lane")
    what = gone[place]
    bare = Entry(
        what.kind, removed.lane, removed.index + place, number, what.monotonic_ns, what.wall_ns, removed.boot, b""
    )  # fmt: skip
    return bare, what


class Runs:
    """Where runs were removed since this program began: whoever holds an offset into one finds its entry.

    Filled by the ledger's thread before the file changes, read by the courier's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starts = array("Q")
        self._ends = array("Q")

    def add(self, start: int, end: int) -> None:
        """Bytes from start to end are one run. They come in any order, and never overlap; one may come twice."""
        with self._lock:
            at = bisect_right(self._starts, start)
            if at and self._starts[at - 1] == start:
                return
            self._starts.insert(at, start)
            self._ends.insert(at, end)

    def start_of(self, offset: int) -> int | None:
        """Where the run begins that `offset` lies in."""
        with self._lock:
            at = bisect_right(self._starts, offset) - 1
            return self._starts[at] if at >= 0 and offset < self._ends[at] else None
