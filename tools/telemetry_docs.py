"""Makes what describes the messages over MQTT from the one table of them: schemas, AsyncAPI, access list, page.

python tools/telemetry_docs.py [--check]

From the tables of agent/jidoka/steward/mqtt/topics.py: docs/telemetry/schemas/TYPE.json (JSON Schema 2020-12 of the whole message,
envelope included), docs/telemetry/asyncapi.json (AsyncAPI 3), configs/mosquitto.acl and the tables of docs/telemetry.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from jidoka.steward.commands.desk import LONGEST_S, MOST_AT_ONCE
from jidoka.steward.commands.inbox import MOST_WAITING
from jidoka.steward.commands.kinds import COMMANDS, MOST_BYTES, REFUSALS
from jidoka.steward.commands.tally import BURST
from jidoka.steward.ledger.format import KINDS, Lane
from jidoka.steward.mqtt.topics import ENTRIES, KEPT, LIVE, PLANNED, Row

ROOT = Path(__file__).resolve().parents[1]
PAGE, FOLDER = ROOT / "docs" / "telemetry.md", ROOT / "docs" / "telemetry"
ACL = ROOT / "configs" / "mosquitto.acl"
TREE = "aims/v1/{site}/{line}/{device}"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Told:
    """One type of message. lane: it travels in; is_entry: it has a place in the ledger."""

    def __init__(self, row: Row, lane: str, *, is_entry: bool) -> None:
        self.row, self.lane, self.is_entry = row, lane, is_entry

    @property
    def sentence(self) -> str:
        return " ".join((self.row.message.__doc__ or "").split())


def messages() -> dict[str, Told]:
    """Type -> what is told, entries first."""
    lanes = {row.kind: row.lane for row in KINDS}
    found = {row.event_type: Told(row, lanes[kind].label, is_entry=True) for kind, row in ENTRIES.items()}
    found[KEPT.event_type] = Told(KEPT, "any", is_entry=True)
    return found | {row.event_type: Told(row, "live", is_entry=False) for row in LIVE.values()}


def on_one_line(node: Any) -> Any:
    """Descriptions without the breaks and indents of the docstring that they come from: versions of msgspec differ there."""
    if isinstance(node, dict):
        return {
            key: " ".join(each.split())
            if key == "description" and isinstance(each, str)
            else on_one_line(each)
            for key, each in node.items()
        }
    return [on_one_line(each) for each in node] if isinstance(node, list) else node


def schema(name: str, told: Told) -> dict[str, Any]:
    """JSON Schema of the whole message."""
    (data,), parts = msgspec.json.schema_components([told.row.message], ref_template="#/$defs/{name}")
    data, parts = on_one_line(data), on_one_line(parts)
    text = {"type": "string"}
    properties: dict[str, Any] = {
        "specversion": {"const": "1.0"}, "id": text, "source": text, "type": {"const": name},
        "time": {"type": "string", "format": "date-time"}, "datacontenttype": {"const": "application/json"},
        "subject": text, "lane": {"enum": [told.lane] if told.lane != "any" else [lane.label for lane in Lane]},
        "boot": {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "historical": {"type": "boolean"}, "data": data,
    }  # fmt: skip
    required = [
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "datacontenttype",
        "lane",
        "boot",
        "historical",
        "data",
    ]
    if told.is_entry:
        number = {"type": "integer", "minimum": 0}
        properties |= {"seq": {**number, "minimum": 1}, "leaf": number}
        required += ["seq", "leaf"]
    if told.row.key:
        required.append("subject")
    return {
        "$schema": DIALECT, "title": name, "description": told.sentence, "type": "object", "properties": properties,
        "required": sorted(required), "$defs": parts,
    }  # fmt: skip


def asyncapi(found: dict[str, Told]) -> dict[str, Any]:
    """AsyncAPI 3.0 of what a device sends and takes."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for name, told in found.items():
        topic = told.row.topic
        key = topic.replace("/", "_").replace("{", "").replace("}", "")
        channel = channels.setdefault(
            key, {"address": f"{TREE}/{topic}", "parameters": _parameters(topic), "messages": {}}
        )
        short = name.removeprefix("jidoka.").removesuffix(".v1").replace("-", "_")
        channel["messages"][short] = {
            "name": name, "contentType": "application/cloudevents+json", "summary": told.sentence,
            "payload": {"$ref": f"schemas/{name}.json"},
        }  # fmt: skip
        operations.setdefault(f"send_{key}", {"action": "send", "channel": {"$ref": f"#/channels/{key}"}})
    channels["ack"] = {
        "address": f"{TREE}/ack", "parameters": _parameters("ack"),
        "messages": {"ack": {"name": "jidoka.ack.v1", "summary": "Up to which number of each lane the AIMS has committed everything.",
                             "payload": ACK_SCHEMA}},
    }  # fmt: skip
    operations["receive_ack"] = {"action": "receive", "channel": {"$ref": "#/channels/ack"}}
    channels["command"] = {
        "address": f"{TREE}/cmd/{{id}}/request", "parameters": _parameters("cmd/{id}/request"),
        "messages": {"command": {"name": "command", "summary": "A signed command.", "payload": COMMAND_SCHEMA}},
    }  # fmt: skip
    operations["receive_command"] = {"action": "receive", "channel": {"$ref": "#/channels/command"}}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Jidoka, what a device tells and takes", "version": "1.0.0",
                 "description": "Made by tools/telemetry_docs.py from the table of messages."},
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
    }  # fmt: skip


ACK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "data"],
    "properties": {
        "type": {"const": "jidoka.ack.v1"},
        "data": {
            "type": "object",
            "required": ["committed"],
            "properties": {
                "committed": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
            },
        },
    },
}
COMMAND_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["payload", "key", "signature"],
    "properties": {
        "payload": {"type": "string", "contentEncoding": "base64"},
        "key": {"type": "string", "minLength": 1, "maxLength": 64},
        "signature": {"type": "string", "contentEncoding": "base64"},
    },
}


def _parameters(topic: str) -> dict[str, Any]:
    names = ["site", "line", "device", *(["id"] if "{id}" in topic else [])]
    return {name: {"description": "percent-encoded as in RFC 3986"} for name in names}


def access_list() -> str:
    """An access list for mosquitto: a device by its user name, the AIMS, and people who give commands."""
    return """\
# Access list for mosquitto; made by tools/telemetry_docs.py. In mosquitto.conf: acl_file /etc/mosquitto/jidoka.acl
# Each device logs in by a user name (or certificate) that is its device id, and writes below its own tree only.

pattern write aims/v1/+/+/%u/#
pattern read aims/v1/+/+/%u/ack
pattern read aims/v1/+/+/%u/cmd/+/request
pattern read aims/v1/+/+/%u/ledger/cosignature

# The AIMS reads everything and acknowledges; it gives no commands.
user aims
topic read aims/v1/#
topic write aims/v1/+/+/+/ack
topic write aims/v1/+/+/+/ledger/cosignature

# Who gives commands: each is signed besides, and the device decides by the key.
user commands
topic write aims/v1/+/+/+/cmd/+/request
topic read aims/v1/+/+/+/cmd/+/reply
"""


def page(found: dict[str, Told]) -> str:
    """The tables of docs/telemetry.md; the text around them stands in HEAD."""
    rows = [
        f"| `{told.row.topic}` | [`{name}`](telemetry/schemas/{name}.json) | {told.lane} | "
        f"{'yes' if told.row.is_retained else 'no'} | {told.sentence} |"
        for name, told in found.items()
    ]
    rows += [
        f"| `{each.topic}` | no content yet | {each.lane} | {'yes' if each.is_retained else 'no'} | {each.text} |"
        for each in PLANNED
        if not each.is_inbound
    ]
    inbound = " ".join(f"`{each.topic}` will carry: {each.text}" for each in PLANNED if each.is_inbound)
    refusals = [f"| `{row.kind}` | {row.priority} | {row.text} |" for row in REFUSALS]
    commands = [
        f"| `{row.name}` | {'yes' if row.is_allowed else '**never**'} | {row.text} |" for row in COMMANDS
    ]
    return HEAD.format(
        rows="\n".join(rows), commands="\n".join(commands), tree=TREE, longest=f"{LONGEST_S:g}",
        refusals="\n".join(refusals), planned=inbound, most=MOST_BYTES, most_at_once=MOST_AT_ONCE, waiting=MOST_WAITING, burst=BURST,
    )  # fmt: skip


HEAD = """\
# What a device tells and takes over MQTT

Made by `python tools/telemetry_docs.py`; don't edit. For machines: [AsyncAPI 3](telemetry/asyncapi.json), one JSON Schema
a message in [telemetry/schemas](telemetry/schemas), an access list for mosquitto in `configs/mosquitto.acl`.

Everything lies below `{tree}`, each part percent-encoded. A message is a CloudEvent 1.0 in structured JSON. Besides the
standard's attributes: `lane`, `seq` (grows by one for each message of a lane and device, never used twice), `boot` (of the
device's kernel), `leaf` (its place in the device's ledger), `historical` (told later than it happened). `data` are the
ledger's bytes.

## What it tells

| topic | type | lane | retained | |
|---|---|---|---|---|
{rows}

Lanes: `alarm` goes first, then `live` (of which only the newest is sent, and nothing is kept), then `evidence`, then
`history`. Nothing of alarm, evidence and history is forgotten before the AIMS says on `ack` that it has *committed* it:

```json
{{"specversion": "1.0", "type": "jidoka.ack.v1", "source": "/aims", "id": "1", "time": "2026-11-28T08:00:00Z",
 "data": {{"committed": {{"alarm": 12, "evidence": 340, "history": 7}}}}}}
```

each number being the highest up to which nothing is missing. Retain it. What isn't acknowledged comes again, so drop what
you have by (device, lane, seq); the same number with other content means a cloned device or a disk that was put back.
`python -m tools.aims` does all this with PostgreSQL, over TLS where its `--broker` is an `mqtts://` address. With `broker:
{{acknowledge: puback}}` the broker's word counts instead, which is weaker: a broker that is killed loses what it acknowledged
and hadn't written.

## What it takes

`cmd/NAME/request`: a signed command; the reply is the message `jidoka.command.v1` on `cmd/NAME/reply`. Make a key with
`jidoka command keygen`, let the device's configuration (`commands:`) know its public half, then `jidoka command send`.

| command | from elsewhere | |
|---|---|---|
{commands}

Checked in this order, and the first fault is the answer: at most {most} bytes; not retained; the key is known and may give
this command; the Ed25519 signature over `jidoka command v1` + NUL + the payload's bytes; the device is this one; good for
{longest} s at most and not over (with a clock that nobody keeps right, that shows a time before 2020 or runs behind the
ledger only `hold` passes: stopping is always safe); a number above the last one of that key, on the disk before anything
is done; of one key `hold` once a minute, and {most_at_once} others at once, then one a second. A hold from elsewhere never counts
towards a lockout.

Each one is recorded, whatever becomes of it. Of each kind of refusal {burst} have an entry and a reply of their own, then one a
second; the others are counted by kind, once a second, in an entry (`jidoka.refusal.v1`, `what: commands`) that carries a
SHA-256 over theirs. Of more than {waiting} that wait at once the newest are turned away unread and counted by name; a hold
that one of the plan's keys signed for this device finds room all the same, and is looked at first. Each kind raises one
alarm, `refused command:KIND`:

| kind | priority | what people read |
|---|---|---|
{refusals}

{planned}
"""


def targets() -> dict[Path, str]:
    """File -> what it holds."""
    found = messages()

    def dumped(value: Any) -> str:
        return json.dumps(value, indent=1, sort_keys=True) + "\n"

    schemas = {
        FOLDER / "schemas" / f"{name}.json": dumped(schema(name, told)) for name, told in found.items()
    }
    return {
        **schemas,
        FOLDER / "asyncapi.json": dumped(asyncapi(found)),
        ACL: access_list(),
        PAGE: page(found),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    options = parser.parse_args()
    stale = [path for path, text in targets().items() if not path.exists() or path.read_text() != text]
    extra = [path for path in (FOLDER / "schemas").glob("*.json") if path not in targets()]
    if options.check:
        for path in (*stale, *extra):
            print(f"{path.relative_to(ROOT)} is stale: run python tools/telemetry_docs.py", file=sys.stderr)
        return 1 if stale or extra else 0
    for path in extra:
        path.unlink()
    for path, text in targets().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"wrote {len(targets())} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
