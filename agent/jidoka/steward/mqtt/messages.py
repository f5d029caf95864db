"""What is told to the AIMS: one msgspec type a message, and the table of topics (TELEMETRY §2).

A message of lane alarm or evidence is a ledger entry: its `data` are the entry's body, byte for byte. Types name
what a receiver may rely on; a body may carry more fields, and a field is only ever added. Times that end in `ns`
are CLOCK_MONOTONIC nanoseconds of the device's boot (the envelope carries wall time and boot id).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from jidoka.steward.ledger.format import Kind


class Message(msgspec.Struct, kw_only=True):
    """Base of all messages: unknown fields are allowed and kept."""


class Person(msgspec.Struct, kw_only=True):
    """Who did something: a role and a pseudonym, never a name."""

    role: str = ""
    pseudonym: str = ""


class Interlock(Message):
    """A numbered event of the interlock and the state after it. m, a: the two permissives; word: what is written to the PLC."""

    number: int
    ns: int
    event: str
    from_: str = msgspec.field(name="from")
    to: str
    proving: bool = False
    proving_run: int = 0
    word: str = "WITHHOLD"
    m: bool = False
    a: bool = False
    cause: str | None = None
    first_out: str | None = None
    refused: bool = False
    reasons: list[str] = []
    text: str = ""
    person: Person | None = None
    reason: str | None = None
    evidence: dict[str, Any] = {}


class Alarm(Message):
    """An alarm changed. state: letter of the ISA-18.2 table; below: its own life underneath, another where it is
    withheld; sign: S sound, f flash, s steady, log, - nothing new; count: how often it came since it was acknowledged;
    class_: trip alarms can't be shelved; calls: how often it was called again, `called`: who is; withheld: by whom, why,
    until when."""

    id: str
    state: str
    meaning: str
    was: str
    sign: str
    priority: str
    class_: str = msgspec.field(name="class")
    risk: str = ""
    response: str = ""
    text: str = ""
    remedy: str = ""
    revision: int = 0
    acknowledged_revision: int = 0
    count: int = 0
    since_ns: int = 0
    quality: str = "good"
    person: Person | str | None = None
    events: list[str] = []
    evidence: dict[str, Any] = {}
    below: str = ""
    calls: int = 0
    called: str = ""
    stale: bool = False
    seen_remotely: bool = False
    withheld: dict[str, Any] | None = None


class Override(Message):
    """A human has the machine: begins, still has it, or gave it back."""

    act: str
    number: int
    ns: int
    text: str = ""
    person: Person | None = None


class Condition(Message):
    """What the monitor says of a model. judgement: on, off or unknown; judged on judged_n of needed_n records."""

    id: str
    model: str
    judgement: str
    revision: int
    value: float | None = None
    limit: float | None = None
    judged_ns: int = 0
    judged_n: int = 0
    needed_n: int = 0
    run: int = 0
    evidence: dict[str, Any] = {}


class Cause(Message):
    """The guard's record of a cause."""

    id: str
    active: bool
    latched: bool
    revision: int
    acknowledged_revision: int = 0
    risk: str = ""
    response: str = ""
    priority: str = "low"
    statistical: bool = False
    trip: bool = False
    text: str = ""
    remedy: str = ""
    quality: str = "good"


class Act(Message):
    """A person did something and the guard agreed. reason: a code; commitment: to what was written freely, or empty."""

    act: str
    request: str
    role: str = ""
    pseudonym: str = ""
    cause: str | None = None
    revision: int | None = None
    reason: str = ""
    commitment: str = ""
    is_remote: bool = False


class Refusal(Message):
    """Something was asked for and refused. what: the act, or `message`, `broker`, `event`, `commands`. Of commands that
    have no entry of their own: counts by kind of refusal, names of those that nobody looked at, and a SHA-256 over those
    of the others in their order."""

    what: str
    refused: str
    remedy: str = ""
    request: str = ""
    role: str = ""
    pseudonym: str = ""
    cause: str | None = None
    revision: int | None = None
    reason: str = ""
    commitment: str = ""
    counts: dict[str, int] = {}
    names: dict[str, int] = {}
    sha256: str = ""


class Boot(Message):
    """The steward starts, or stops in an orderly way. plan: digest; previous: planned, unplanned or none."""

    event: str
    program: str
    version: str
    plan: str
    previous: str = ""


class Loss(Message):
    """Something was lost. count: of `unit`."""

    what: str
    text: str = ""
    count: int = 0
    unit: str = ""


class Retention(Message):
    """Something was removed as planned: history, for want of room. count: of `unit`; size_bytes: that they had; first, last: places
    in the ledger between which they stood; kinds: how many of each; unacknowledged: whose digests are still to be told."""

    what: str = ""
    text: str = ""
    count: int = 0
    unit: str = ""
    size_bytes: int = 0
    first: int = 0
    last: int = 0
    kinds: dict[str, int] = {}
    unacknowledged: int = 0


class Drill(Message):
    """A drill at the machine. at: UTC; plan, map: digests; withdraw_least_ms, withdraw_ms: between them lies the withdrawal that
    was timed; silent_ms: the PLC's own drop without the agent; rejected: a part was seen rejected with A off, of `parts`;
    null: not tried."""

    at: str
    role: str
    pseudonym: str
    text: str = ""
    plan: str = ""
    map: str = ""
    withdraw_least_ms: float | None = None
    withdraw_ms: float | None = None
    silent_ms: float | None = None
    rejected: bool | None = None
    parts: int | None = None
    why_not: str = ""


class Flood(Message):
    """A flood of alarms begins (more than 10 in ten minutes) or ends (fewer than 5). since_ns: when it began, CLOCK_MONOTONIC;
    count: in the ten minutes before; alarms: of the whole flood."""

    event: str
    text: str = ""
    since_ns: int = 0
    count: int = 0
    alarms: int = 0


class Absence(Message):
    """Somebody was away. from_ns, to_ns: CLOCK_MONOTONIC."""

    what: str
    text: str = ""
    from_ns: int = 0
    to_ns: int = 0


class Sketch(Message):
    """The distribution of one feature of one recipe and position. kll: Apache DataSketches' KLL of float, k = 200, in base64; times: CLOCK_MONOTONIC."""

    model: str
    feature: str
    kll: str
    records: int
    recipe: int = 0
    position: int = 0
    from_ns: int = 0
    to_ns: int = 0


class Report(Message):
    """An event that a program asked to have recorded (baseline, configuration, admission, clock step)."""

    kind: str
    text: str = ""


class Command(Message):
    """What became of a command: the reply to it. sha256: of the message, in hexadecimal digits; number: of its key; outcome:
    done or refused; kind: of the refusal."""

    name: str
    key: str
    number: int
    sha256: str
    outcome: str
    kind: str = ""
    refused: str = ""
    remedy: str = ""
    value: dict[str, Any] = {}


class Running(Message):
    """What an application says that it has loaded. sha256: of the file; runtime: with its version and provider; tap: version."""

    sha256: str = ""
    runtime: str = ""
    tap: str = ""


class ModelCard(Message):
    """A model of the plan. sha256: of the approved file; known_answers: digest of the approved set; running: None until an
    application was heard of; baseline: digest of the one in use."""

    id: str
    mode: str
    sha256: str = ""
    title: str = ""
    task: str = ""
    drives: str = ""
    known_answers: str = ""
    running: Running | None = None
    baseline: str | None = None


class Inventory(Message):
    """What runs on this device. version: of this program; plan, table, map: digests of the compiled configuration, of the
    interlock's table and of the register map; packages: SHA-256 over names and versions of the Python packages."""

    version: str
    plan: str
    table: str
    map: str
    models: list[ModelCard]
    python: str = ""
    packages: str = ""


class Risk(Message):
    """A row of the risk register as it stands. status: on, off, or unknown while its conditions can't be judged; latched,
    acknowledged: of its cause; coverage: share of the model's numbered records that came and were taken, None before the
    first; age_s: since its conditions were judged last, judged_n of needed_n records."""

    id: str
    risk: str
    status: str
    model: str = ""
    when: str = ""
    response: str = ""
    priority: str = "low"
    owner: str = ""
    controls: list[str] = []
    latched: bool = False
    acknowledged: bool = False
    conditions: dict[str, str] = {}
    coverage: float | None = None
    age_s: float | None = None
    judged_n: int = 0
    needed_n: int = 0


class Kept(Message):
    """An entry whose body isn't sent. kind: of the ledger; sha256: of the body, in hexadecimal digits."""

    kind: str
    size_bytes: int
    sha256: str
    why: str


class Status(Message):
    """online: False is what the broker tells when the device is gone (its will)."""

    online: bool
    version: str
    boot: str
    plan: str
    why: str = ""


class AlarmSummary(Message):
    """How many alarms stand; list: all that are neither normal nor withheld."""

    active: int
    unacknowledged: int
    latched: int
    shelved: int
    standing: list[dict[str, Any]] = msgspec.field(name="list", default_factory=list)
    suppressed: int = 0
    out_of_service: int = 0
    flood: bool = False


class Health(Message):
    """The last second of a model, as the monitor sums it up. distances: every ten seconds, by stream, feature and name, of
    the last records to the baseline."""

    model: str
    ns: int
    records: int = 0
    lost: int = 0
    refused: int = 0
    rate_hz: float | None = None
    latency_ms: float | None = None
    verdicts: dict[str, int] = {}
    features: dict[str, float | None] = {}
    conditions: dict[str, str] = {}
    baseline: str | None = None
    last_part: int = 0
    distances: dict[str, dict[str, dict[str, float]]] = {}


class Row(NamedTuple):
    """One line of the table. topic: below the device, `{id}` from the body's field named in `key`;
    is_retained: the newest stays at the broker."""

    event_type: str
    message: type[Message]
    topic: str
    key: str = ""
    is_retained: bool = False


#: what is told of an entry whose body stays here
KEPT = Row("jidoka.kept.v1", Kept, "ledger/leaf")

#: kinds of ledger entries whose body is told
ENTRIES: dict[Kind, Row] = {
    Kind.TRANSITION: Row("jidoka.interlock.v1", Interlock, "interlock", is_retained=True),
    Kind.ALARM: Row("jidoka.alarm.v1", Alarm, "alarms/{id}", "id"),
    Kind.OVERRIDE: Row("jidoka.override.v1", Override, "override"),
    Kind.CONDITION: Row("jidoka.condition.v1", Condition, "models/{id}/condition", "model"),
    Kind.CAUSE: Row("jidoka.cause.v1", Cause, "ledger/leaf"),
    Kind.ACT: Row("jidoka.act.v1", Act, "ledger/leaf"),
    Kind.REFUSAL: Row("jidoka.refusal.v1", Refusal, "ledger/leaf"),
    Kind.BOOT: Row("jidoka.boot.v1", Boot, "ledger/leaf"),
    Kind.LOSS: Row("jidoka.loss.v1", Loss, "ledger/leaf"),
    Kind.RETENTION: Row("jidoka.retention.v1", Retention, "ledger/leaf"),
    Kind.ABSENCE: Row("jidoka.absence.v1", Absence, "ledger/leaf"),
    Kind.CONFIG: Row("jidoka.config.v1", Report, "ledger/leaf"),
    Kind.BASELINE: Row("jidoka.baseline.v1", Report, "ledger/leaf"),
    Kind.ADMISSION: Row("jidoka.admission.v1", Report, "ledger/leaf"),
    Kind.CLOCK_STEP: Row("jidoka.clock-step.v1", Report, "ledger/leaf"),
    Kind.COMMAND: Row("jidoka.command.v1", Command, "cmd/{id}/reply", "name"),
    Kind.SKETCH: Row("jidoka.sketch.v1", Sketch, "models/{id}/sketch", "model"),
    Kind.INVENTORY: Row("jidoka.inventory.v1", Inventory, "inventory", is_retained=True),
    Kind.DRILL: Row("jidoka.drill.v1", Drill, "ledger/leaf"),
    Kind.FLOOD: Row("jidoka.flood.v1", Flood, "flood"),
    Kind.RISK: Row("jidoka.risk.v1", Risk, "risks/{id}", "id", is_retained=True),
}


class Planned(NamedTuple):
    """A topic that has its place and no content yet. is_inbound: the device will read it."""

    topic: str
    lane: str
    is_retained: bool
    is_inbound: bool
    text: str


#: topics of what comes later
PLANNED: tuple[Planned, ...] = (
    Planned("ledger/checkpoint", "evidence", True, False, "A signed head of the ledger's tree, with its proof from the last cosigned one."),
    Planned("ledger/cosignature", "–", False, True, "From the AIMS: its cosignature under a checkpoint, or its refusal."),
)  # fmt: skip

#: values that are never queued: the newest replaces the older
LIVE: dict[str, Row] = {
    "status": Row("jidoka.status.v1", Status, "status", is_retained=True),
    "alarms": Row("jidoka.alarms.v1", AlarmSummary, "alarms", is_retained=True),
    "health": Row("jidoka.health.v1", Health, "models/{id}/health", "model"),
}


def body_of(kind: Kind, value: dict[str, Any]) -> bytes:
    """The body of a ledger entry as JSON: every field of the kind's type, and whatever else `value` has.

    A value that doesn't fit its type is recorded as it came, with `malformed` saying why: nothing is lost for form.
    """
    row = ENTRIES.get(kind)
    if row is not None:
        try:
            fitted = msgspec.to_builtins(msgspec.convert(value, row.message, strict=False))
            value = {**value, **fitted, **{key: value[key] for key in ("evidence",) if key in value}}
        except msgspec.ValidationError as error:
            value = {**value, "malformed": str(error)}
    return msgspec.json.encode(value)


def kept_on(kind: Kind, body: bytes) -> str:
    """The topic below the device on which the broker keeps an entry of this kind; "" where it keeps none."""
    row = ENTRIES.get(kind)
    if row is None or not row.is_retained:
        return ""
    if not row.key:
        return row.topic
    try:
        return row.topic.replace("{id}", str(msgspec.json.decode(body).get(row.key, "")))
    except (msgspec.DecodeError, AttributeError):
        return ""
