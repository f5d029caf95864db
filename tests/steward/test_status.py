"""An answer that doesn't fit a datagram has less in it, and still all that waits for somebody."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.cli.ack import _waiting
from jidoka.cli.alarm_screen import listed
from jidoka.config.risk_checks import MOST_RISKS
from jidoka.steward.client import ask
from jidoka.steward.core import Core
from jidoka.steward.status import answer_value, shorter, status_value
from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.guard.reports import cause_body
from jidoka_bridge.messages import MAX_BODY_BYTES, Kind, Message
from jidoka_bridge.plan import CauseSpec, ConditionSpec, Model, Plan, dump

from tests.processes import wait_until
from tests.steward.site import make_plan, site

S = 1_000_000_000
SENTENCE = "The pictures of this camera aren't what they were at its commissioning, and nobody knows why."


def largest_plan(folder: Path, rows: int = MOST_RISKS) -> Plan:
    models = tuple(Model(f"surface-inspection-{number}", "enforce") for number in range(4))
    conditions = tuple(
        ConditionSpec(f"drift {number}", models[number % 4].id, True, 0.0) for number in range(rows)
    )
    causes = tuple(
        CauseSpec(f"R-{number:02}", "drift", "hold" if number % 2 else "advise", "low", 40, SENTENCE, SENTENCE, (each.id,))
        for number, each in enumerate(conditions)
    )  # fmt: skip
    return replace(make_plan(folder), models=models, conditions=conditions, causes=causes)


def core_of(plan: Plan, *, is_active: bool) -> Core:
    core = Core(plan, b"b" * 16, lambda text: (text, b""))
    core.alarms.begin(S, S)
    core.on_guard_connected(S)
    for cause in Causes(plan, Conditions(plan)):
        if is_active:
            cause.active = True
            cause.strike(S, {"conditions_on": ["x" * 200]})
        core.on_guard(S, Message(Kind.CAUSE, 0, 0, json.dumps(cause_body(cause, True)).encode()))
    return core


def size_of(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())


@pytest.mark.parametrize("is_active", [False, True])
@pytest.mark.parametrize("what", ["status", "alarms"])
def test_of_the_largest_register_that_there_is_what_waits_fits_into_an_answer(
    tmp_path: Path, what: str, is_active: bool
) -> None:
    core = core_of(largest_plan(tmp_path), is_active=is_active)
    whole = answer_value(what, status_value(core, 2 * S, {}, {}, {}), core.alarms.annunciator)
    assert whole is not None
    sizes = [size_of(each) for each in shorter(whole)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < MAX_BODY_BYTES - 2_000, sizes
    for told in shorter(whole):
        assert {each["id"] for each in _waiting(told)} == {each["id"] for each in _waiting(whole)}
        assert listed(told, with_normal=what == "alarms").count("\n") >= len(whole["alarms"])


def test_what_is_no_list_stays_as_it_is() -> None:
    assert [dict(each) for each in shorter({"labels": [1]})] == [{"labels": [1]}] * 4


@pytest.mark.process
def test_a_steward_with_the_largest_register_still_shows_its_alarms() -> None:
    with site() as place:
        place.plan = largest_plan(place.root)
        place.plan_file.write_bytes(dump(place.plan))
        place.start()
        place.guard.until(lambda: place.guard.recorded == 0, "connected")
        for cause in Causes(place.plan, Conditions(place.plan)):
            place.guard.send(Kind.CAUSE, cause_body(cause, True))
        wait_until(
            lambda: len(ask(place.plan.steward_socket, Kind.ASK, {"what": "alarms"})["normal"]) > MOST_RISKS,
            "every alarm",
        )
