"""What is published about the messages is made from their table, is valid itself, and would notice a wrong message."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest
from jidoka.steward.mqtt.topics import ENTRIES, LIVE
from jsonschema import ValidationError

from tests.steward.schemas import FOLDER, validate, validator
from tests.steward.test_outbox import PLACE, entry

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_published_is_fresh_and_a_stale_file_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "telemetry_docs.py"))
    monkeypatch.setattr(sys, "argv", ["telemetry_docs.py", "--check"])
    assert tool["main"]() == 0, capsys.readouterr().err
    page = tmp_path / "telemetry.md"
    page.write_text("old")
    monkeypatch.setitem(tool["main"].__globals__, "PAGE", page)
    monkeypatch.setitem(tool["main"].__globals__, "ROOT", tmp_path)
    assert tool["main"]() == 1
    assert "telemetry.md is stale" in capsys.readouterr().err


def test_every_type_in_the_table_has_a_schema_and_asyncapi_names_each() -> None:
    types = {row.event_type for row in (*ENTRIES.values(), *LIVE.values())} | {"jidoka.kept.v1"}
    assert {path.stem for path in FOLDER.glob("*.json")} == types
    document = json.loads((FOLDER.parent / "asyncapi.json").read_text())
    named = {
        each["name"] for channel in document["channels"].values() for each in channel["messages"].values()
    }
    assert types <= named
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]


def test_a_message_that_lacks_a_field_or_has_a_wrong_one_is_noticed() -> None:
    from jidoka.steward.ledger.format import Kind
    from jidoka.steward.mqtt.envelope import letter_of_entry
    from jidoka.steward.mqtt.topics import body_of

    body = json.loads(body_of(Kind.LOSS, {"what": "disk", "count": 3}))
    good = json.loads(
        letter_of_entry(PLACE, entry(Kind.LOSS, body), is_historical=False, is_current=False).payload
    )
    assert validate(json.dumps(good).encode())["data"]["count"] == 3
    for broken in (
        {**good, "lane": "alarm"},
        {**good, "seq": 0},
        {**good, "data": {"count": 3}},
        {**good, "boot": "x"},
    ):
        with pytest.raises(ValidationError):
            validator(good["type"]).validate(broken)
