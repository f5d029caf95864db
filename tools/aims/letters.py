"""What a device's message is to a store: an event with its place in a lane, a live value, or something unreadable."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: below the device; what the AIMS itself writes there is none of a device's messages
OWN_TOPICS = re.compile(r"(ack|ledger/cosignature|cmd/[^/]+/request)\Z")
TOPIC = re.compile(r"(aims/v1/[^/]+/[^/]+/[^/]+)/(.+)\Z")
#: says when it was sent, so the same event sent again may differ in it
HISTORICAL = re.compile(rb'("historical":)(?:true|false)')
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Event:
    """A ledger entry that was told."""

    tree: str
    lane: str
    seq: int
    time: datetime
    type: str
    subject: str | None
    boot: str
    leaf: int
    historical: bool
    digest: bytes
    data: str
    payload: bytes


@dataclass(frozen=True)
class Live:
    """A value of which only the newest counts."""

    tree: str
    topic: str
    time: datetime
    data: str


@dataclass(frozen=True)
class Unreadable:
    """Bytes that aren't a message of a device, and why."""

    topic: str
    why: str
    payload: bytes

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.topic.encode() + b"\0" + self.payload).digest()


Letter = Event | Live | Unreadable


def read(topic: str, payload: bytes) -> Letter | None:
    """What a message is; None for the AIMS's own and for an empty payload, which takes a retained message away."""
    place = TOPIC.fullmatch(topic)
    if place is None:
        return Unreadable(topic[:500], "the topic isn't below aims/v1/SITE/LINE/DEVICE", payload[:MOST_BYTES])
    tree, below = place.groups()
    if OWN_TOPICS.fullmatch(below) or not payload:
        return None
    if len(payload) > MOST_BYTES:
        return Unreadable(topic, f"{len(payload)} bytes, at most {MOST_BYTES} are read", payload[:MOST_BYTES])
    try:
        return _read(tree, below, payload)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Unreadable(topic, f"{type(error).__name__}: {error}"[:500], payload)


def _read(tree: str, below: str, payload: bytes) -> Letter:
    event: dict[str, Any] = json.loads(payload)
    if event["specversion"] != "1.0":
        raise ValueError(f"CloudEvents {event['specversion']!r}, this reads 1.0")
    time = datetime.fromisoformat(str(event["time"]).replace("Z", "+00:00"))
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    data = json.dumps(event["data"])
    if "\\u0000" in data:
        raise ValueError("a NUL character")  # which no text of PostgreSQL holds
    if event["lane"] == "live":
        return Live(tree, below, time, data)
    seq, leaf = event["seq"], event["leaf"]
    if not (type(seq) is int and 1 <= seq < 2**63 and type(leaf) is int and 0 <= leaf < 2**63):
        raise ValueError(f"seq {seq!r} or leaf {leaf!r} isn't a place")
    subject = event.get("subject")
    texts = [str(event[name]) for name in ("lane", "type", "boot")]
    if any("\0" in text for text in (*texts, str(subject))):
        raise ValueError("a NUL character")
    lane, kind, boot = texts
    digest = hashlib.sha256(HISTORICAL.sub(rb"\1", payload, count=1)).digest()
    return Event(
        tree, lane[:32], seq, time, kind, None if subject is None else str(subject), boot, leaf,
        bool(event["historical"]), digest, data, payload,
    )  # fmt: skip
