"""CloudEvents 1.0 in structured JSON around a message, and topics that any broker takes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import msgspec

from jidoka.steward.ledger.format import Entry
from jidoka.steward.ledger.removed import Gone
from jidoka.steward.mqtt.messages import Kept
from jidoka.steward.mqtt.topics import ENTRIES, KEPT, LIVE

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
#: why a decision block is told by its digest
STAYS = "it stays on the device"


def topic_id(text: str) -> str:
    """`text` as one level of a topic: percent-encoded as in RFC 3986, so that spaces, colons, brackets, `/`, `+`
    and `#` can't be mistaken; any URL library gives it back.

    >>> topic_id("surface:drift(all)")
    'surface%3Adrift%28all%29'
    """
    return quote(text, safe="")


@dataclass(frozen=True)
class Place:
    """Which device speaks: the top of its topic tree and its CloudEvents source."""

    site: str
    line: str
    device: str

    @property
    def tree(self) -> str:
        return "aims/v1/" + "/".join(topic_id(part) for part in (self.site, self.line, self.device))

    @property
    def source(self) -> str:
        return "/" + "/".join(topic_id(part) for part in (self.site, self.line, self.device))


@dataclass(frozen=True)
class Letter:
    """A message ready to be sent. expiry_s: how long a broker may keep it (MQTT 5; 0 = for ever)."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool
    properties: tuple[tuple[str, str], ...] = ()
    expiry_s: int = 0


def letter_of_entry(
    place: Place,
    entry: Entry,
    *,
    is_historical: bool,
    is_current: bool,
    why_kept: str = "",
    kept: bytes = b"",
) -> Letter:
    """The letter that tells a ledger entry.

    is_current: the newest of its topic, so it may be retained there; what is late and superseded never is. A kind whose
    body stays on the device, or one that the broker refuses (why_kept), is told by its digest: its number must not be
    missing at the other end. kept: what is told in place of a body that was removed.
    """
    row, body = ENTRIES.get(entry.kind), entry.body
    if row is None or why_kept or kept:
        row, body = KEPT, kept or kept_body(entry, why_kept or STAYS)
    lane, seq = entry.lane.label, entry.lane_number
    event = {
        "specversion": "1.0",
        "id": f"{lane}-{seq}",
        "source": place.source,
        "type": row.event_type,
        "time": rfc3339(entry.wall_ns),
        "datacontenttype": "application/json",
        "lane": lane,
        "seq": seq,
        "boot": entry.boot.hex(),
        "leaf": entry.index,
        "historical": is_historical,
        "data": msgspec.Raw(body),
    }
    topic = row.topic
    if row.key:
        value = str(json.loads(body).get(row.key, ""))
        event["subject"] = value
        topic = topic.replace("{id}", topic_id(value))
    properties = (("lane", lane), ("seq", str(seq)), ("historical", "true" if is_historical else "false"))
    payload = msgspec.json.encode(event)
    return Letter(f"{place.tree}/{topic}", payload, 1, row.is_retained and is_current, properties)


def kept_body(entry: Entry, why: str) -> bytes:
    """What is told of an entry in place of its body."""
    digest = hashlib.sha256(entry.body).hexdigest()
    kept = Kept(kind=entry.kind.name.lower(), size_bytes=len(entry.body), sha256=digest, why=why)
    return msgspec.json.encode(kept)


def kept_body_of_gone(gone: Gone, why: str = "") -> bytes:
    """The same of an entry that was removed: byte for byte what would have been told while it was there, where its body
    stays on the device anyway."""
    why = why or (STAYS if gone.kind not in ENTRIES else "it was removed for want of room")
    kept = Kept(kind=gone.kind.name.lower(), size_bytes=gone.size_bytes, sha256=gone.sha256, why=why)
    return msgspec.json.encode(kept)


def live_letter(
    place: Place, name: str, value: dict[str, Any], *, boot: bytes, now_ns: int, wall_ns: int
) -> Letter:
    """The letter of a live value; it has no place in the ledger, hence neither `seq` nor `leaf`."""
    row = LIVE[name]
    key = str(value[row.key]) if row.key else ""
    event = {
        "specversion": "1.0",
        "id": f"live-{boot.hex()[:8]}-{now_ns}",
        "source": place.source,
        "type": row.event_type,
        "time": rfc3339(wall_ns),
        "datacontenttype": "application/json",
        "lane": "live",
        "boot": boot.hex(),
        "historical": False,
        "data": value,
    }
    if key:
        event["subject"] = key
    topic = f"{place.tree}/{row.topic.replace('{id}', topic_id(key))}"
    qos, expiry_s = (1, 0) if row.is_retained else (0, 60)
    return Letter(topic, msgspec.json.encode(event), qos, row.is_retained, (("lane", "live"),), expiry_s)


def rfc3339(wall_ns: int) -> str:
    """`2026-11-23T08:15:00.123456Z`; microseconds, for many parsers take no more."""
    moment = datetime.fromtimestamp(wall_ns // 1_000_000_000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{wall_ns % 1_000_000_000 // 1000:06d}Z"
