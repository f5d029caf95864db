"""What runs here is recorded when it changes and stands, and a restart without a change records nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from jidoka.steward.inventory import STEADY_NS, Inventory, packages_digest
from jidoka.steward.mqtt.standing import Inventory as Message

from tests.steward.site import MODEL, make_plan

SUMMARY: dict[str, Any] = {
    "model": MODEL, "baseline": "b" * 64,
    "application": {"sha256": "a" * 64, "runtime": "onnxruntime 1.19 on CPUExecutionProvider", "tap": "1", "pid": 5},
}  # fmt: skip


def settled(inventory: Inventory, now_ns: int = 0) -> dict[str, Any]:
    assert inventory.due(now_ns) is None
    assert inventory.due(now_ns + STEADY_NS - 1) is None, "programs come one after the other"
    body = inventory.due(now_ns + STEADY_NS)
    assert body is not None
    assert inventory.due(now_ns + STEADY_NS) is None, "once"
    return body


def test_it_names_models_digests_runtime_baseline_and_configuration(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    inventory = Inventory(plan)
    inventory.packages = packages_digest()
    inventory.summary(SUMMARY)
    body = settled(inventory)
    told = msgspec.convert(body, Message)
    assert told.plan == plan.digest
    assert len(told.packages) == 64
    [card] = told.models
    assert (card.id, card.mode, card.baseline) == (MODEL, "enforce", "b" * 64)
    assert card.running is not None
    assert card.running.runtime == "onnxruntime 1.19 on CPUExecutionProvider"
    assert set(body["models"][0]["running"]) == {"sha256", "runtime", "tap"}


def test_a_change_is_told_and_a_restart_without_one_is_not(tmp_path: Path) -> None:
    first = Inventory(make_plan(tmp_path))
    first.summary(SUMMARY)
    body = settled(first)
    again = Inventory(make_plan(tmp_path))
    again.restore(body)
    assert again.due(0) is again.due(10 * STEADY_NS) is None
    again.summary(SUMMARY)
    assert again.due(20 * STEADY_NS) is None
    again.summary({**SUMMARY, "baseline": "c" * 64})
    assert settled(again, 30 * STEADY_NS)["models"][0]["baseline"] == "c" * 64


def test_another_plan_is_a_change(tmp_path: Path) -> None:
    first = Inventory(make_plan(tmp_path))
    body = settled(first)
    other = Inventory(make_plan(tmp_path, broker={"host": "x"}))
    other.restore(body)
    assert settled(other)["plan"] != body["plan"]
