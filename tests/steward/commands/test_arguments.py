"""Whatever a command's arguments hold, properly signed: it is answered, recorded, or passed to the guard; nothing breaks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.steward.commands.desk import Judged, Order
from jidoka.steward.core import Core
from jidoka.steward.effects import Record, Reply
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.mqtt.topics import body_of
from jidoka.steward.remote import REMOTE, Remote

from tests.steward.site import MODEL, make_plan

ORDER = Order("label", "device", 1, 0.0, 1.0, {})
JUDGED = Judged("label", "shift", "ab" * 32, ORDER)
PLAN = make_plan(Path("/nowhere"))
PLAN = replace(
    PLAN,
    sections={**PLAN.sections, "models": {MODEL: {"classes": ["good", "bad"], "good_classes": ["good"]}}},
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=9), each, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["model", "part", "was", "alarm", "revision", "reason", "x"]), JSON | st.just(MODEL), max_size=7
)  # fmt: skip


def told(name: str, arguments: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """(bodies of the entries, how many wait for the guard)."""
    core = Core(PLAN, b"b" * 16, lambda text: (f"sealed {len(text)}", b"line"))
    core.alarms.begin(0, 10**18)
    remote = Remote(core, {"shift": "operator"})
    judged = replace(JUDGED, name=name, order=replace(ORDER, command=name, arguments=arguments))
    effects = remote.take(5, judged)
    while any(isinstance(each, Reply) for each in effects):
        effects = [
            further
            for each in effects
            for further in (
                remote.replied(5, each.value) if isinstance(each, Reply) and each.peer == REMOTE else [each]
            )
        ]
    records = [each for each in effects if isinstance(each, Record)]
    for each in records:
        assert b"malformed" not in body_of(each.kind, each.value)
    return [each.value for each in records if each.kind is EntryKind.COMMAND], len(core.acts.unsent())


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["hold", "ack-seen", "label", "report", "what"]), ARGUMENTS)
def test_any_arguments_are_answered_or_wait_for_the_guard(name: str, arguments: dict[str, Any]) -> None:
    entries, waiting = told(name, arguments)
    assert len(entries) + waiting == 1
    for body in entries:
        assert json.dumps(body)
        assert body["outcome"] in {"done", "refused"}
        assert bool(body["refused"]) == bool(body["kind"]) == (body["outcome"] == "refused")


@pytest.mark.parametrize(
    "part", [float("inf"), float("nan"), 2**70, -1, None, "x", [], True, 5.5, "-1", "٣", "9" * 30]
)
def test_a_number_that_is_none_is_refused_in_words(part: Any) -> None:
    [body], _ = told("label", {"model": MODEL, "part": part, "was": "good"})
    assert (body["outcome"], body["refused"] != "") == ("refused", True)
