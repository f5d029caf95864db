"""Judges messages by the published schemas, and as CloudEvents by that project's own package."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from cloudevents.http import from_json
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "telemetry" / "schemas"


@functools.cache
def validator(name: str) -> Draft202012Validator:
    """Of one type of message. Fails for a type that isn't published."""
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def validate(payload: bytes) -> dict[str, Any]:
    """The message, if it is valid in both ways."""
    event: dict[str, Any] = json.loads(payload)
    validator(event["type"]).validate(event)
    cloud = from_json(payload)
    assert cloud["id"] == event["id"]
    assert cloud.data == event["data"]
    return event
