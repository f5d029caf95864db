"""One pass over a ledger for one trip: the entries around it, what was in force, and where its verdicts lie."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import InputError, LedgerError

from jidoka.post_mortem.trips import Finder, Trip, rises
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import ENTRY_HEADER, Entry, FormatError, Kind, body_length, decode
from jidoka.steward.ledger.reader import Scan, is_written_now, open_for_reading, read_header

#: a story without an end: so much after the trip is told
MOST_AFTER_NS = 8 * 3_600_000_000_000
#: entries that are kept in hand for a trip that may come: a steward that was away records it so much later
KEPT_NS = 15 * 60 * 1_000_000_000
MOST_KEPT = 20_000
#: kinds of entries that tell what is in force
_IN_FORCE = frozenset({Kind.BOOT, Kind.CONFIG, Kind.BASELINE, Kind.ADMISSION})


@dataclass
class Places:
    """Where the decision blocks of one boot lie. ends_ns: when each was written, CLOCK_MONOTONIC; both grow."""

    boot: bytes = b""
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    ends_ns: array[int] = field(default_factory=lambda: array("Q"))


@dataclass
class Found:
    """A trip and what is near it. entries: oldest first, with the trip's own; was: the state that it began in."""

    trip: Trip
    entries: list[Entry]
    digests: dict[str, str]
    was: str
    places: Places
    is_closed: bool = False


def read(ledger: Path, number: int | None) -> Found:
    """Trip `number`, the last one for None. Raises InputError where there is none, LedgerError."""
    file, size = open_for_reading(ledger)
    found: Found | None = None
    places = Places()
    digests: dict[str, str] = {}
    before: deque[Entry] = deque(maxlen=MOST_KEPT)
    was = ""
    finder = Finder()
    with file:
        read_header(file, ledger)
        scan = Scan(file, size, is_live=is_written_now(ledger))
        for offset, entry in scan:
            if entry.boot != places.boot:
                places = Places(entry.boot)
            if entry.kind is Kind.DECISIONS:
                places.offsets.append(offset)
                places.ends_ns.append(entry.monotonic_ns)
                continue
            body = _body(entry)
            if entry.kind in _IN_FORCE:
                note_digests(digests, entry.kind, body)
            trip = finder.take(entry)
            if trip is not None and number in (None, trip.number):
                found = Found(trip, [*before, entry], dict(digests), was, places)
            elif found is not None and not found.is_closed:
                _go_on(found, entry, body)
            if entry.kind is Kind.TRANSITION:
                was = str(body.get("to", ""))
            before.append(entry)
            while before[0].wall_ns < entry.wall_ns - KEPT_NS:
                before.popleft()
    damage = [fault for fault in scan.faults if not fault.is_torn]
    if damage:
        raise LedgerError(f"{ledger}: {damage[0]}", f"See all faults with: jidoka ledger check {ledger}")
    if found is None:
        which = "no trip" if number is None else f"no trip {number}"
        raise InputError(f"{ledger}: {which} is recorded there", "See: jidoka trip list")
    return found


def _go_on(found: Found, entry: Entry, body: Mapping[str, Any]) -> None:
    """The story goes on until the permissive is given back whole, or for long enough."""
    if entry.wall_ns > found.trip.wall_ns + MOST_AFTER_NS:
        found.is_closed = True
        return
    found.entries.append(entry)
    found.is_closed = ends(entry, body)


def ends(entry: Entry, body: Mapping[str, Any]) -> bool:
    """Whether with this entry the permissive that was taken is given back whole."""
    try:
        return entry.kind is Kind.TRANSITION and body["to"] in ("RUN", "ADVISE") and rises(body)
    except KeyError:
        return False


def blocks(ledger: Path, places: Places, first_ns: int, last_ns: int) -> Iterator[Block]:
    """The blocks of these places that may hold rows between the two times, and no others; unreadable ones are passed over.

    A block that was written before `first_ns` holds none; of those written behind `last_ns` each model's first may.
    """
    file, _ = open_for_reading(ledger)
    done: set[str] = set()
    with file:
        for offset, end_ns in zip(places.offsets, places.ends_ns, strict=True):
            if end_ns < first_ns:
                continue
            file.seek(offset)
            head = file.read(ENTRY_HEADER.size)
            try:
                block = Block.decode(decode(head + file.read(body_length(head))).body)
            except FormatError:
                continue
            if block.model in done:
                continue
            yield block
            if block.rows and block.rows[0].record_ns > last_ns:
                done.add(block.model)
                if end_ns > last_ns + KEPT_NS:
                    return


def note_digests(digests: dict[str, str], kind: Kind, body: Mapping[str, Any]) -> None:
    """What an entry says is in force."""
    if kind in (Kind.BOOT, Kind.CONFIG) and body.get("plan"):
        digests["plan"] = str(body["plan"])
    if kind is Kind.BOOT and body.get("version"):
        digests["software"] = f"jidoka {body['version']}"
    if kind is Kind.BASELINE and body.get("digest"):
        key = f"baseline {body.get('model')}, recipe {body.get('recipe', 0)}, position {body.get('position', 0)}"
        digests[key] = str(body["digest"])
    if kind is Kind.ADMISSION and body.get("sha256"):
        digests[f"model {body.get('model')}"] = str(body["sha256"])


def _body(entry: Entry) -> dict[str, Any]:
    """The body where it is needed while reading; empty for others, and for what can't be read."""
    if entry.kind not in _IN_FORCE and entry.kind is not Kind.TRANSITION:
        return {}
    try:
        return entry.json()
    except FormatError:
        return {}
