"""The self-test: what a guard finds wrong with what it was started with."""

from __future__ import annotations

from typing import Any

import pytest
from jidoka_bridge.guard import interlock
from jidoka_bridge.guard.self_test import faults
from jidoka_bridge.plan import CauseSpec, Model, Plan, Proving, Times, Trips
from jidoka_bridge.registers import MAP_DIGEST

from tests.bridge.guard.guard_rig import DRIFT, plan


def a_plan(**changes: Any) -> Plan:
    return plan(**{"map_digest": MAP_DIGEST.hex(), "table_digest": interlock.digest(), **changes})


def cause(**changes: Any) -> CauseSpec:
    values = {
        "id": "R-1", "risk": "r", "response": "hold", "priority": "high", "reason": 32, "text": "t", "remedy": "r",
        "any_of": (DRIFT,),
    }  # fmt: skip
    return CauseSpec(**{**values, **changes})


def test_what_was_approved_has_no_fault() -> None:
    assert faults(a_plan()) == []
    assert faults(a_plan(link=None, map_digest="")) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"map_digest": ""}, "register map (none), not"),
        ({"map_digest": "12345678"}, "register map 12345678, not"),
        ({"table_digest": "f" * 64}, "the interlock's table ffffffffffffffff…"),
        ({"causes": (cause(response="dance"),)}, "'dance' is no response"),
        ({"causes": (cause(reason=256),)}, "256 is no reason number"),
        ({"causes": (cause(reason=-1),)}, "-1 is no reason number"),
        ({"causes": (cause(any_of=("nothing",)),)}, "conditions nothing aren't in the plan"),
        ({"causes": (cause(any_of=()),)}, "conditions (none) aren't in the plan"),
        ({"times": Times(no_data_ms=0)}, "no_data_ms is 0: it must be above 0"),
        ({"times": Times(run_out_ms=-1)}, "run_out_ms is -1"),
        ({"times": Times(override_s=28_801)}, "at most one shift, 28800"),
        ({"proving": Proving(parts=0)}, "parts is 0"),
        ({"trips": Trips(most=0)}, "most is 0"),
        ({"judgement_valid_h": float("nan")}, "judgement_valid_h is nan"),
        ({"ack_at": "home"}, "'home' is none of panel, plc, either"),
        ({"reset_needs": "none"}, "'none' is none of one, two"),
        ({"no_record": "advise"}, "'advise' is none of hold, fallback"),
        ({"models": (Model("m", "dance"),)}, "m: 'dance' is no mode"),
    ],
)
def test_each_fault_is_told(changes: dict[str, Any], text: str) -> None:
    found = faults(a_plan(**changes))
    assert len(found) == 1, found
    assert text in found[0]


def test_the_least_and_the_most_of_each_has_no_fault() -> None:
    for reason in (0, 1, 255):
        assert faults(a_plan(causes=(cause(reason=reason),))) == []
    assert faults(a_plan(times=Times(override_s=28_800))) == []
    assert faults(a_plan(table_digest="")) == []


def test_digests_and_missing_conditions_are_named_as_far_as_people_compare_them() -> None:
    [told] = faults(a_plan(table_digest="f" * 64))
    assert told == f"the plan was made for the interlock's table {'f' * 16}…, not {interlock.digest()[:16]}…"
    [told] = faults(a_plan(causes=(cause(any_of=("x", DRIFT), all_of=("y",)),)))
    assert told == "R-1: conditions x, y aren't in the plan"
