"""What the steward's core asks its shell to do: record, send, tell, spool, connect anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jidoka_bridge.messages import Decision
from jidoka_bridge.messages import Kind as MessageKind

from jidoka.steward.ledger.format import Kind


@dataclass(frozen=True)
class Record:
    """Append an entry. secret: its line for the side file; transition: the guard's number, 0 = none; urgent: commit at once."""

    kind: Kind
    value: dict[str, Any]
    is_urgent: bool = False
    transition: int = 0
    secret: bytes = b""


@dataclass(frozen=True)
class ToGuard:
    """Send to the guard."""

    kind: MessageKind
    value: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """Answer whoever asked. is_after_record: only once everything that was recorded until now is on the disk."""

    peer: int
    value: dict[str, Any]
    is_after_record: bool = False


@dataclass(frozen=True)
class Live:
    """Tell the newest value of this name (mqtt.topics.LIVE)."""

    name: str
    value: dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """Verdicts for the decision blocks of a model."""

    model: str
    rows: list[Decision]


@dataclass(frozen=True)
class ConnectAnew:
    """Drop the guard's connection and make a new one."""


Effect = Record | ToGuard | Reply | Live | Rows | ConnectAnew
