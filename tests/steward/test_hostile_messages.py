"""No message of a client or of the guard ends the steward: what can't be used is a recorded refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jidoka.steward.core import Core
from jidoka.steward.effects import Record
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka_bridge.messages import Kind, Message

from tests.bridge.guard.guard_rig import plan

INFINITE = float("inf")


@pytest.mark.parametrize(
    ("kind", "body", "is_guard"),
    [
        (Kind.SUMMARY, {"model": "m", "last_part": INFINITE}, False),
        (
            Kind.CAUSE,
            {"id": "R-1", "active": True, "priority": "x", "since_ns": INFINITE, "revision": 1},
            True,
        ),
        (Kind.TRANSITION, {"number": INFINITE, "ns": 1}, True),
        (Kind.TRANSITION, {"number": 1, "ns": INFINITE}, True),
    ],
)
def test_numbers_that_are_none_are_refused_and_recorded(
    kind: Kind, body: dict[str, Any], is_guard: bool
) -> None:
    core = Core(plan(), b"b" * 16, lambda text: (text, b""))
    core.on_guard_connected(1)
    message = Message(kind, 0, 0, json.dumps(body).encode())
    effects = core.on_guard(2, message) if is_guard else core.on_peer(2, 1, message)
    assert [each.kind for each in effects if isinstance(each, Record)] == [EntryKind.REFUSAL]


@pytest.mark.parametrize("body", [b"[" * 25_000 + b"]" * 25_000, b'{"role":"\\ud800"}'])
def test_json_that_cannot_be_recorded_is_refused_and_recorded(body: bytes) -> None:
    core = Core(plan(), b"b" * 16, lambda text: (text, b""))
    effects = core.on_peer(2, 1, Message(Kind.HOLD, 0, 0, body))
    assert [each.kind for each in effects if isinstance(each, Record)] == [EntryKind.REFUSAL]
