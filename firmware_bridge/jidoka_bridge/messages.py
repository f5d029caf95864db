"""Local messages: what monitor, guard, steward, host and command line say to each other (contract C2).

One SEQPACKET datagram is one message: header `<4s B B H I Q Q` (magic, version, kind, flags, body length,
number, CLOCK_MONOTONIC ns) and a body: a packed struct for the frequent kinds, UTF-8 JSON for the rare ones.
`KINDS` is the table that codec, documentation and tests are made from.
"""

from __future__ import annotations

import enum
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAGIC = b"JDK1"
VERSION = 1
HEADER = struct.Struct("<4sBBHIQQ")
MAX_BODY_BYTES = 60_000
#: of JSON: deeper than any message of this version, and far from what a recursive reader bears
MAX_DEPTH = 16


class MessageError(ValueError):
    """A datagram that isn't a message of this version; the sender is named by whoever catches it."""


class Kind(enum.IntEnum):
    """Kinds of local messages; numbers are frozen."""

    LEASE = 1
    CONDITION = 2
    DECISIONS = 3
    SUMMARY = 4
    SKETCH = 5
    FLAGGED_FRAME = 6
    CAUSE = 7
    TRANSITION = 8
    PLC_STATUS = 9
    WINDOW = 10
    MODE = 11
    RECORDED = 12
    ACKNOWLEDGE = 13
    HOLD = 14
    UNLOCK = 15
    LEDGER_HEAD = 16
    COUNTERS = 17
    BYE = 18
    ASK = 19
    ANSWER = 20
    EVENT = 21
    LABEL = 22
    ALARM_ACT = 23
    KNOWN_ANSWERS = 24
    COMMAND = 25


class Judgement(enum.IntEnum):
    """What the monitor says of a condition; unknown counts as on wherever a permissive is asked for."""

    UNKNOWN = 0
    OFF = 1
    ON = 2


class Row(NamedTuple):
    """One line of the table of kinds."""

    kind: Kind
    sender: str
    receiver: str
    body: str
    meaning: str


KINDS: tuple[Row, ...] = (
    Row(Kind.LEASE, "monitor", "guard", "struct", "the monitor lives; beat and record times of one model"),
    Row(Kind.CONDITION, "monitor", "guard, steward", "struct + JSON", "a condition on, off or unknown"),
    Row(Kind.DECISIONS, "monitor", "steward", "struct rows", "verdicts of up to 256 records"),
    Row(Kind.SUMMARY, "monitor", "steward", "JSON", "rates, features and statistics of the last second"),
    Row(Kind.SKETCH, "monitor", "steward", "JSON", "hourly: the distribution of one feature as a KLL sketch"),
    Row(Kind.FLAGGED_FRAME, "monitor", "steward", "JSON", "a frame worth keeping; reserved"),
    Row(Kind.CAUSE, "guard", "steward", "JSON", "a trip cause: active, latched, revision, acknowledged"),
    Row(Kind.TRANSITION, "guard", "steward, monitor", "JSON", "a numbered event of the interlock"),
    Row(
        Kind.PLC_STATUS,
        "guard",
        "monitor, steward",
        "struct",
        "what the PLC shows: inputs, counters, read-back",
    ),
    Row(Kind.WINDOW, "steward", "guard", "JSON", "a person announces a time for changing a model"),
    Row(
        Kind.MODE,
        "guard, steward, monitor",
        "steward, guard",
        "JSON",
        "what a reset lacks; a model's mode; the digest of its file; the plan that the monitor runs",
    ),
    Row(Kind.RECORDED, "steward", "guard", "struct", "transitions up to this number are in the ledger"),
    Row(Kind.ACKNOWLEDGE, "command line, steward", "steward, guard", "JSON", "a person acknowledges a cause"),
    Row(Kind.HOLD, "command line, steward", "steward, guard", "JSON", "somebody asks for HOLD"),
    Row(Kind.UNLOCK, "command line, steward", "steward, guard", "JSON", "an engineer ends LOCKOUT"),
    Row(Kind.LEDGER_HEAD, "steward", "guard", "JSON", "size and root of the ledger, for the PLC; reserved"),
    Row(Kind.COUNTERS, "all", "steward", "JSON", "each second: counters by index of jidoka_bridge.metrics"),
    Row(Kind.BYE, "all", "all", "JSON", "a planned end"),
    Row(Kind.ASK, "command line, demo", "steward", "JSON", "a question: status, alarms, causes"),
    Row(Kind.ANSWER, "steward, guard", "whoever asked", "JSON", "its answer, or the refusal of an act"),
    Row(Kind.LABEL, "command line", "steward", "JSON", "whether the model was right, by part or record"),
    Row(Kind.ALARM_ACT, "command line", "steward", "JSON", "shelve, unshelve, out of or back in service"),
    Row(
        Kind.KNOWN_ANSWERS,
        "steward, guard, monitor",
        "guard, monitor",
        "JSON",
        "a person announces the known answers; they are to be shown; whether the model gave them",
    ),
    Row(
        Kind.COMMAND, "steward", "guard", "JSON", "what nobody may ask for by a message: refused and recorded"
    ),
    Row(Kind.EVENT, "all", "steward", "JSON", "something to record: baseline, configuration, loss, refusal"),
)


@dataclass(frozen=True)
class Message:
    """A decoded message. number: counts per sender and connection; sent_ns: sender's CLOCK_MONOTONIC."""

    kind: Kind
    number: int
    sent_ns: int
    body: bytes
    flags: int = 0

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises MessageError if it isn't one."""
        return _object(self.body, self.kind.name)


def _object(data: bytes, name: str) -> dict[str, Any]:
    """The JSON object in `data`. Raises MessageError for anything else: no UTF-8, no JSON, too deep, half a surrogate pair."""
    try:
        # `json` itself guesses the encoding of bytes, and lets halves of surrogate pairs through
        value = json.loads(data.decode())
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MessageError(f"{name} carries no JSON: {error}") from None
    if not isinstance(value, dict):
        raise MessageError(f"{name} carries JSON that isn't an object")
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [below for each in level if isinstance(each, dict | list) for below in _inside(each)]
    if level:
        raise MessageError(f"{name} carries JSON of more than {MAX_DEPTH} levels")
    return value


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def encode(kind: Kind, number: int, now_ns: int, body: bytes, flags: int = 0) -> bytes:
    """The datagram for one message. Raises MessageError if the body is longer than MAX_BODY_BYTES."""
    if len(body) > MAX_BODY_BYTES:
        raise MessageError(f"{kind.name} has {len(body)} bytes, at most {MAX_BODY_BYTES} fit")
    return HEADER.pack(MAGIC, VERSION, kind, flags, len(body), number & (2**64 - 1), now_ns) + body


def encode_json(kind: Kind, number: int, now_ns: int, value: Mapping[str, Any]) -> bytes:
    """The datagram for a message whose body is JSON."""
    return encode(kind, number, now_ns, json.dumps(value, separators=(",", ":")).encode())


def decode(datagram: bytes) -> Message:
    """The message in a datagram. Raises MessageError naming both versions, or what is cut."""
    if len(datagram) < HEADER.size:
        raise MessageError(f"{len(datagram)} bytes are no message: a header has {HEADER.size}")
    magic, version, kind, flags, length, number, sent_ns = HEADER.unpack_from(datagram)
    if magic != MAGIC:
        raise MessageError(f"magic {magic!r} isn't {MAGIC!r}")
    if version != VERSION:
        raise MessageError(f"message version {version} isn't {VERSION}, the one this program speaks")
    if length != len(datagram) - HEADER.size:
        raise MessageError(f"header says {length} bytes of body, {len(datagram) - HEADER.size} came")
    try:
        return Message(Kind(kind), number, sent_ns, bytes(datagram[HEADER.size :]), flags)
    except ValueError:
        raise MessageError(f"kind {kind} is unknown to version {VERSION}") from None


# ---------------------------------------------------------------- packed bodies

_LEASE = struct.Struct("<HHQQQQ")


@dataclass(frozen=True)
class Lease:
    """The monitor lives, and what it last heard of one model.

    model: index in the plan; beat_ns, record_ns: CLOCK_MONOTONIC ns of the tap's last beat and of the last
    record (0 = none since start); records, lost: counts since the tap connected.
    """

    model: int
    beat_ns: int
    record_ns: int
    records: int
    lost: int

    def pack(self) -> bytes:
        return _LEASE.pack(self.model, 0, self.beat_ns, self.record_ns, self.records, self.lost)

    @classmethod
    def unpack(cls, body: bytes) -> Lease:
        model, _, beat_ns, record_ns, records, lost = _unpack(_LEASE, body, "lease")
        return cls(model, beat_ns, record_ns, records, lost)


_CONDITION = struct.Struct("<HBBIddQIIH")


@dataclass(frozen=True)
class Condition:
    """A condition of the plan as the monitor judges it.

    index: in the plan's list; revision: rises with each change; value, limit: the statistic and what it is
    held against; judged_ns: CLOCK_MONOTONIC of the judgement (0 = never); judged_n of needed_n: fresh records
    that the judgement rests on or waits for; run: number of the proving run the records belong to
    (0 = none; echoes PlcStatus.proving_run); evidence: small JSON object (onset, parts, shares by feature).
    """

    index: int
    judgement: Judgement
    revision: int
    value: float = 0.0
    limit: float = 0.0
    judged_ns: int = 0
    judged_n: int = 0
    needed_n: int = 0
    run: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def pack(self) -> bytes:
        head = _CONDITION.pack(
            self.index, self.judgement, 0, self.revision, self.value, self.limit, self.judged_ns,
            self.judged_n, self.needed_n, self.run,
        )  # fmt: skip
        return head + json.dumps(self.evidence, separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, body: bytes) -> Condition:
        fields = _unpack(_CONDITION, body[: _CONDITION.size], "condition")
        index, judgement, _, revision, value, limit, judged_ns, judged_n, needed_n, run = fields
        evidence = _object(body[_CONDITION.size :] or b"{}", "condition's evidence")
        try:
            state = Judgement(judgement)
        except ValueError as error:
            raise MessageError(f"condition: {error}") from None
        return cls(index, state, revision, value, limit, judged_ns, judged_n, needed_n, run, evidence)


_STATUS = struct.Struct("<HHHHHHIQIHHHHI")


@dataclass(frozen=True)
class PlcStatus:
    """What the guard knows of the PLC and of itself; on every change, and at least each 500 ms.

    inputs: block B word 6; actual: permissive word read back; state, fault: block B word 5; interlock: code of
    the interlock's state; phase: arming phase; part_count: parts since the PLC started (16 bits unwrapped by
    the guard); beat_ns: CLOCK_MONOTONIC of the last good beat (0 = no link); rtt_us: its round trip;
    recipe: block B word 10; word: what the guard writes; accepted: accepted presses since the guard began, 16 bits;
    proving_run: number of the current or last proving run, rises by one with each (0 = none yet);
    is_proving is bit 0 of flags, link up bit 1, running bit 2.
    """

    inputs: int
    actual: int
    state_fault: int
    interlock: int
    phase: int
    recipe: int
    part_count: int
    beat_ns: int
    rtt_us: int
    word: int
    accepted: int
    proving_run: int
    flags: int
    remaining_ms: int = 0

    PROVING = 1
    LINK_UP = 2
    RUNNING = 4

    def pack(self) -> bytes:
        return _STATUS.pack(
            self.inputs, self.actual, self.state_fault, self.interlock, self.phase, self.recipe, self.part_count,
            self.beat_ns, self.rtt_us, self.word, self.accepted, self.proving_run, self.flags, self.remaining_ms,
        )  # fmt: skip

    @classmethod
    def unpack(cls, body: bytes) -> PlcStatus:
        return cls(*_unpack(_STATUS, body, "plc status"))


_ROWS_HEAD = struct.Struct("<HHQ")
_DECISION = struct.Struct("<QQQQIhBBHHfff")


class Decision(NamedTuple):
    """One row: the verdict on one record. verdict: 0 pass, 1 suspect, 2 reject; reasons: bit set of the
    monitor's table; top_class: -1 = none; flags: bit 0 not fed to detectors (machine not running), bit 1
    proving run; scores: the detector's statistic as log, and a second one (NaN = none)."""

    number: int
    part: int
    record_ns: int
    judged_ns: int
    reasons: int
    top_class: int
    verdict: int
    flags: int
    position: int
    recipe: int
    confidence: float
    score1: float
    score2: float


def pack_decisions(model: int, first_number: int, rows: list[Decision]) -> bytes:
    """Body of a decision block of at most 256 rows of one model."""
    if not 1 <= len(rows) <= 256:
        raise MessageError(f"a decision block has 1 to 256 rows, not {len(rows)}")
    return _ROWS_HEAD.pack(model, len(rows), first_number) + b"".join(_DECISION.pack(*row) for row in rows)


def unpack_decisions(body: bytes) -> tuple[int, list[Decision]]:
    """(model index, rows). Raises MessageError if the length doesn't fit the count."""
    model, count, _ = _unpack(_ROWS_HEAD, body[: _ROWS_HEAD.size], "decision block")
    if len(body) != _ROWS_HEAD.size + count * _DECISION.size:
        raise MessageError(f"decision block: {count} rows don't fit {len(body)} bytes")
    return model, [Decision(*row) for row in _DECISION.iter_unpack(body[_ROWS_HEAD.size :])]


_RECORDED = struct.Struct("<Q")


def pack_recorded(number: int) -> bytes:
    """Body of RECORDED: every transition up to `number` is in the ledger."""
    return _RECORDED.pack(number)


def unpack_recorded(body: bytes) -> int:
    """The number in a RECORDED. Raises MessageError for another length."""
    return int(_unpack(_RECORDED, body, "recorded")[0])


def _unpack(layout: struct.Struct, body: bytes, name: str) -> tuple[Any, ...]:
    try:
        return layout.unpack(body)
    except struct.error:
        raise MessageError(f"{name} has {len(body)} bytes, {layout.size} are right") from None
