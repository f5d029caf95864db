"""What the ledger remembers: each kind of entry puts back what it once changed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jidoka.steward.knowledge import Knowledge
from jidoka.steward.ledger.format import Entry, FormatError, Kind
from jidoka.steward.risks import EVERY_NS

Restorer = Callable[[Knowledge, Entry, dict[str, Any], bool], None]


def restore(known: Knowledge, entry: Entry, boot: bytes) -> None:
    """An entry that was in the ledger at the start. boot: this one's id. Bodies that can't be read are left alone."""
    put_back = RESTORERS.get(entry.kind)
    if put_back is None:
        return
    try:
        put_back(known, entry, entry.json(), entry.boot == boot)
    except (FormatError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
        return


def _transition(known: Knowledge, _entry: Entry, body: dict[str, Any], is_this_boot: bool) -> None:
    known.transitions.restore(int(body["number"]), int(body["ns"]))
    known.follow(body)
    if not is_this_boot:
        known.since_ns = 0


def _boot(known: Knowledge, entry: Entry, body: dict[str, Any], _is_this_boot: bool) -> None:
    known.last_boot_event = "planned" if body.get("event") == "stop" else "unplanned"
    known.alarms.annunciator.restore_start(entry.wall_ns)


def _config(known: Knowledge, _entry: Entry, body: dict[str, Any], _is_this_boot: bool) -> None:
    known.last_plan = str(body.get("plan", known.last_plan))


def _risk(known: Knowledge, entry: Entry, body: dict[str, Any], is_this_boot: bool) -> None:
    known.risks.restore(body, entry.monotonic_ns if is_this_boot else -EVERY_NS)


RESTORERS: dict[Kind, Restorer] = {
    Kind.TRANSITION: _transition,
    Kind.CAUSE: lambda known, _entry, body, _: known.alarms.annunciator.restore_cause(body),
    Kind.ALARM: lambda known, entry, body, is_this_boot: known.alarms.restore(entry, body, is_this_boot),
    Kind.FLOOD: lambda known, entry, body, is_this_boot: known.alarms.restore_flood(
        entry, body, is_this_boot
    ),
    Kind.ACT: lambda known, _entry, body, _: known.alarms.restore_act(body),
    Kind.CONDITION: lambda known, _entry, body, is_this_boot: known.conditions.restore(body, is_this_boot),
    Kind.BOOT: _boot,
    Kind.CONFIG: _config,
    Kind.INVENTORY: lambda known, _entry, body, _: known.inventory.restore(body),
    Kind.RISK: _risk,
}
