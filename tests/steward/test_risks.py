"""The register as it stands: a row's status in three values, its coverage and age, told on change and once an hour."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jidoka.steward.conditions import Conditions
from jidoka.steward.mqtt.standing import Risk
from jidoka.steward.risks import EVERY_NS, SECOND_NS, Risks, coverage_of, status_of
from jidoka_bridge.messages import Condition, Judgement
from jidoka_bridge.plan import CauseSpec, Plan

from tests.steward.site import DRIFT, MODEL, make_plan

SPEC = CauseSpec("R-1", "model drift", "hold", "high", 32, "It drifts.", "Look.", any_of=(DRIFT,))
ROW = {"id": "R-1", "model": MODEL, "when": "drift(all)", "owner": "quality", "controls": ["A.6.2.6"]}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    plan = make_plan(tmp_path)
    return replace(plan, causes=(SPEC,), sections={**plan.sections, "risks": [ROW]})


class Register:
    """Risks beside conditions that a test changes."""

    def __init__(self, plan: Plan) -> None:
        self.risks, self.conditions = Risks(plan), Conditions(plan)
        self.cause: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}

    def judge(self, judgement: Judgement, revision: int, judged_ns: int) -> None:
        self.conditions.change(Condition(0, judgement, revision, 1.0, 9.0, judged_ns, 150, 100, 0, {}))

    def due(self, now_ns: int) -> list[dict[str, Any]]:
        return self.risks.due(now_ns, self.conditions, {"R-1": self.cause}, {MODEL: self.summary})


def test_a_row_tells_status_coverage_and_age(plan: Plan) -> None:
    register = Register(plan)
    [first] = register.due(0)
    assert (first["status"], first["coverage"], first["age_s"]) == ("unknown", None, None)
    register.judge(Judgement.OFF, 1, 2 * SECOND_NS)
    register.summary = {"records": 90, "lost": 6, "refused": 4}
    [off] = register.due(5 * SECOND_NS)
    told = msgspec.convert(off, Risk)
    assert (told.status, told.coverage, told.age_s, told.judged_n, told.needed_n) == (
        "off",
        0.9,
        3.0,
        150,
        100,
    )
    assert (told.owner, told.controls, told.when, told.response) == (
        "quality",
        ["A.6.2.6"],
        "drift(all)",
        "hold",
    )


def test_it_is_told_on_change_and_once_an_hour_and_not_for_a_newer_judgement(plan: Plan) -> None:
    register = Register(plan)
    register.judge(Judgement.OFF, 1, 0)
    assert len(register.due(0)) == 1
    register.judge(Judgement.OFF, 1, SECOND_NS)
    assert register.due(EVERY_NS - 1) == []
    assert [body["status"] for body in register.due(EVERY_NS)] == ["off"]
    register.judge(Judgement.ON, 2, EVERY_NS)
    register.cause = {"revision": 1, "acknowledged_revision": 0, "latched": True}
    assert [
        (body["status"], body["latched"], body["acknowledged"]) for body in register.due(EVERY_NS + 1)
    ] == [("on", True, False)]
    register.cause = {**register.cause, "acknowledged_revision": 1}
    assert [body["acknowledged"] for body in register.due(EVERY_NS + 2)] == [True]


def test_after_a_restart_what_stands_as_it_was_told_is_not_told_again(plan: Plan) -> None:
    register = Register(plan)
    register.judge(Judgement.OFF, 1, 0)
    [body] = register.due(0)
    again = Register(plan)
    again.risks.restore(body, 0)
    again.judge(Judgement.OFF, 1, 0)
    assert again.due(SECOND_NS) == []


def test_the_status_is_what_every_completion_of_the_unknown_agrees_on() -> None:
    names = ("a", "b", "c", "d")
    for some, every in itertools.product(range(3), range(3)):
        spec = replace(SPEC, any_of=names[:some], all_of=names[2 : 2 + every])
        used = [*spec.any_of, *spec.all_of]
        for words in itertools.product(("on", "off", "unknown"), repeat=len(used)):
            judged = dict(zip(used, words, strict=True))
            outcomes = set()
            unknown = [each for each in judged if judged[each] == "unknown"]
            for filled in itertools.product(("on", "off"), repeat=len(unknown)):
                full = {**judged, **dict(zip(unknown, filled, strict=True))}
                is_on = bool(used) and (not spec.any_of or any(full[each] == "on" for each in spec.any_of)) and all(
                    full[each] == "on" for each in spec.all_of
                )  # fmt: skip
                outcomes.add("on" if is_on else "off")
            assert status_of(spec, judged) == (outcomes.pop() if len(outcomes) == 1 else "unknown"), judged


def test_coverage_counts_what_was_lost_and_refused() -> None:
    assert coverage_of({}) is None
    assert coverage_of({"records": 3}) == 1.0
    assert coverage_of({"records": 1, "lost": 1}) == 0.5
