"""The table of topics (TELEMETRY §2): which message of which type goes where, and what becomes the body of an entry."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from jidoka.steward.ledger.format import Kind
from jidoka.steward.mqtt.messages import (
    Absence,
    Act,
    Alarm,
    Boot,
    Cause,
    Command,
    Condition,
    Drill,
    Flood,
    Interlock,
    Kept,
    Loss,
    Message,
    Override,
    Refusal,
    Report,
    Retention,
    Sketch,
)
from jidoka.steward.mqtt.standing import AlarmSummary, Health, Inventory, Risk, Status


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
