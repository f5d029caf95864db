"""What is told to the AIMS of what happened: one msgspec type a kind of ledger entry (TELEMETRY §2).

A message of lane alarm or evidence is a ledger entry: its `data` are the entry's body, byte for byte. Types name
what a receiver may rely on; a body may carry more fields, and a field is only ever added. Times that end in `ns`
are CLOCK_MONOTONIC nanoseconds of the device's boot (the envelope carries wall time and boot id).
"""

from __future__ import annotations

from typing import Any

import msgspec


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


class Kept(Message):
    """An entry whose body isn't sent. kind: of the ledger; sha256: of the body, in hexadecimal digits."""

    kind: str
    size_bytes: int
    sha256: str
    why: str
