"""What waits and what room it takes, as `jidoka status` shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jidoka.steward.ledger.format import Entry, Kind
from jidoka.steward.ledger.removed import removed_of
from jidoka.steward.ledger.room import Room
from jidoka.steward.ledger.writer import Ticket
from jidoka.steward.outbox.outbox import Backlog


def ticket_of(offset: int, entry: Entry, topic: str) -> Ticket:
    """Where an entry lies that was in the ledger at the start."""
    count = len(removed_of(entry).gone) if entry.kind is Kind.REMOVED else 1
    return Ticket(offset, entry.kind, entry.lane, entry.index, entry.lane_number, 0, topic, entry.size, count)


def room_value(room: Room) -> dict[str, Any]:
    """Part of `ledger` in a status."""
    return {
        "disk_bytes": room.used_bytes,
        "limit_bytes": room.limit_bytes,
        "history_bytes": room.history_bytes,
        "removed": room.removed,
        "is_nearly_full": room.is_nearly_full,
        "why_not_removed": room.why_not,
    }


def backlog_value(backlog: Mapping[str, Backlog]) -> dict[str, Any]:
    """Part of `mqtt` in a status."""
    return {
        "backlog_bytes": {lane: each.size_bytes for lane, each in backlog.items()},
        "oldest_s": {lane: round(each.oldest_s, 1) for lane, each in backlog.items()},
    }
