"""Everything that the ledger knows about one trip: what led to it, how it went, what was done since. The ledger is read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jidoka_bridge.messages import Decision
from jidoka_bridge.plan import Plan

from jidoka.post_mortem.reading import blocks, ends, read
from jidoka.post_mortem.trips import Trip
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import Entry, FormatError, Kind
from jidoka.steward.ledger.people import read_texts
from jidoka.steward.ledger.spool import OpenBlock, open_blocks
from jidoka.steward.ledger.story import sentence

BEFORE_NS = 60_000_000_000
#: entries of the same moment reach the ledger in the order of their senders, not of their causes
ABOUT_NS = 2_000_000_000
MOST_LINES = 400
PERSONS = frozenset({Kind.ACT, Kind.OVERRIDE})
#: not of one moment: they sum up an hour
SUMS = frozenset({Kind.SKETCH})


@dataclass(frozen=True)
class Line:
    """One thing that happened. wall_ns: when; is_person: somebody did it, or tried to."""

    wall_ns: int
    kind: str
    text: str
    is_person: bool
    body: Mapping[str, Any]


@dataclass
class Account:
    """One trip. steps: of the way from the picture to the coil, ns on the trip's clock; rows: verdicts by model in the
    minute before and until the output was off; digests: name → value; is_over: somebody gave the permissive back;
    was: the state that it began in; written: what the person who did it wrote freely, where it wasn't erased."""

    trip: Trip
    plan: Plan | None = None
    cause: dict[str, Any] = field(default_factory=dict)
    before: list[Line] = field(default_factory=list)
    since: list[Line] = field(default_factory=list)
    left_out: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[Decision]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    is_over: bool = False
    over_ns: int = 0
    was: str = ""
    written: str = ""

    @property
    def evidence(self) -> dict[str, Any]:
        """Of the cause; the guard's own additions are in the transition's."""
        own = dict(self.trip.body.get("evidence") or {})
        return {**(self.cause.get("evidence") or {}), **own}

    @property
    def off_ns(self) -> int:
        """When the output read back as off, on the trip's clock; the trip itself where nobody knows."""
        return self.steps.get("read back as off", self.trip.monotonic_ns)

    @property
    def model(self) -> str:
        """Whose condition it was; "" for a cause that isn't a model's."""
        name = str(self.evidence.get("condition", ""))
        if not name:
            name = self.trip.cause.partition(":")[2]
        found = name.partition(":")[0]
        return (
            found if found in self.rows or (self.plan and found in {m.id for m in self.plan.models}) else ""
        )


def account(ledger: Path, number: int | None, plan: Plan | None) -> Account:
    """The account of trip `number`, of the last one for None. Raises InputError where there is none, LedgerError."""
    near = read(ledger, number)
    found = near.trip
    told = Account(found, plan, digests=near.digests, was=near.was)
    texts = read_texts(ledger)
    told.written = texts.get(str(found.body.get("commitment")), "")
    wanted_cause = found.cause if found.body["event"] != "restart" else "restart"
    for entry in near.entries:
        if entry.wall_ns < found.wall_ns - BEFORE_NS:
            continue
        try:
            body = entry.json()
        except FormatError:
            body = {}
        _note_cause(told, entry, body, wanted_cause)
        _note_step(told, entry, body)
        _tell(told, entry, body, texts)
        if entry.index > found.index and ends(entry, body):
            told.is_over = True
            told.over_ns = told.since[-1].wall_ns if told.since else entry.wall_ns
    told.before.sort(key=lambda line: line.wall_ns)
    told.since.sort(key=lambda line: line.wall_ns)
    _first_steps(told)
    first_ns = _first_row_ns(told)
    near_blocks: list[Block | OpenBlock] = [*blocks(ledger, near.places, first_ns, told.off_ns)]
    for block in [*near_blocks, *open_blocks(ledger)]:
        _take_rows(told, block, first_ns)
    for rows in told.rows.values():
        rows.sort(key=lambda row: row.record_ns)
    if plan is not None and plan.digest == told.digests.get("plan"):
        sections = plan.sections.get("models") or {}
        told.digests |= {
            f"model {name}, approved": str(each.get("sha256", "")) for name, each in sections.items()
        }
        told.digests["register map"] = plan.map_digest
    return told


def _note_cause(told: Account, entry: Entry, body: Mapping[str, Any], wanted: str) -> None:
    """The cause as the guard told it about then, its texts and evidence."""
    if entry.kind is Kind.CAUSE and body.get("id") == wanted:
        is_about = entry.wall_ns <= told.trip.wall_ns + ABOUT_NS or not told.cause
        if is_about:
            told.cause = dict(body)


def _note_step(told: Account, entry: Entry, body: Mapping[str, Any]) -> None:
    evidence = body.get("evidence") or {}
    if entry.kind is Kind.ABSENCE and _is_its_absence(told.trip, entry, body):
        told.steps["guard last heard"] = int(body["from_ns"])
    if entry.kind is not Kind.TRANSITION or body.get("event") != "withdrawn":
        return
    if evidence.get("trip") == told.trip.number and entry.boot == told.trip.boot:
        names = {
            "asked_ns": "request sent to the PLC", "readback_ns": "read back as off", "condition_ns": "guard was told",
        }  # fmt: skip
        told.steps |= {name: int(evidence[key]) for key, name in names.items() if evidence.get(key)}


def _is_its_absence(trip: Trip, entry: Entry, body: Mapping[str, Any]) -> bool:
    """Whether an entry tells how long the guard was away whose return this trip is."""
    times = body.get("from_ns"), body.get("to_ns")
    if trip.body["event"] != "restart" or body.get("what") != "guard" or entry.boot != trip.boot:
        return False
    return (
        all(isinstance(each, int) for each in times)
        and abs(int(body["to_ns"]) - trip.monotonic_ns) < ABOUT_NS
    )


def _first_steps(told: Account) -> None:
    evidence = told.evidence
    answers_ns = [int(each[0]) for each in evidence.get("frames") or [] if each[1] == "B"]
    if answers_ns and told.trip.body["event"] == "plc link lost":
        told.steps["last answer of the PLC"] = answers_ns[-1]
    names = {
        "onset_ns": "likely onset", "record_ns": "last record", "judged_ns": "judged", "condition_ns": "guard was told",
    }  # fmt: skip
    found = {name: int(evidence[key]) for key, name in names.items() if isinstance(evidence.get(key), int)}
    steps = {**found, **told.steps, "interlock tripped": told.trip.monotonic_ns}
    told.steps = dict(sorted(steps.items(), key=lambda each: each[1]))


def _tell(told: Account, entry: Entry, body: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    if entry.kind in SUMS:
        return
    at_ns = entry.wall_ns
    if entry.kind is Kind.TRANSITION and entry.boot == told.trip.boot and isinstance(body.get("ns"), int):
        at_ns = told.trip.offset_ns + int(body["ns"])
    refused = entry.kind is Kind.REFUSAL and bool(body.get("role"))
    pressed = entry.kind is Kind.TRANSITION and str(body.get("event", "")).startswith("reset ")
    is_person = entry.kind in PERSONS or refused or pressed
    line = Line(at_ns, entry.kind.label, sentence(entry, texts), is_person, body)
    lines = told.before if at_ns <= told.trip.wall_ns else told.since
    if len(told.since) >= MOST_LINES and lines is told.since and not is_person:
        told.left_out += 1
    else:
        lines.append(line)


def _first_row_ns(told: Account) -> int:
    """From when on verdicts matter: a minute before, or since the likely onset."""
    return min(told.trip.monotonic_ns - BEFORE_NS, told.steps.get("likely onset", told.trip.monotonic_ns))


def _take_rows(told: Account, block: Block | OpenBlock, first_ns: int) -> None:
    if block.boot != told.trip.boot:
        return
    kept = told.rows.setdefault(block.model, [])
    known = {row.number for row in kept}
    kept += [row for row in _between(block.rows, first_ns, told.off_ns) if row.number not in known]
    if not kept:
        del told.rows[block.model]


def _between(rows: Iterable[Decision], first_ns: int, last_ns: int) -> Iterator[Decision]:
    return (row for row in rows if first_ns <= row.record_ns <= last_ns)
