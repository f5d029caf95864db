"""The latch file's content, value by value: what is written of the guard, and what a start refuses to believe."""

from __future__ import annotations

from typing import Any

import pytest
from jidoka_bridge.guard import remembered
from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.remembered import LATER, MAX_TRIPS, NEW
from jidoka_bridge.guard.resetting import Pending
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Model

from tests.bridge.guard.guard_rig import DRIFT, INVALID, MS, Rig, plan

P1, P2 = {"role": "operator", "pseudonym": "p1"}, {"role": "operator", "pseudonym": "p2"}


def refused(**damage: Any) -> str:
    content = {**NEW, **LATER, **damage}
    latch, why = remembered.checked(Latch(1, b"b" * 16, content), "", plan())
    assert (latch is None) == bool(why)
    return why


def test_a_file_that_lacks_something_says_what() -> None:
    content = {key: value for key, value in NEW.items() if key not in {"run", "clean"}}
    latch, why = remembered.checked(Latch(1, b"b" * 16, content), "", plan())
    assert (latch, why) == (None, "the latch file lacks clean, run")
    assert remembered.checked(None, "torn", plan()) == (None, "torn")


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ({"run": -1}, "run"),
        ({"failed_runs": -1}, "failed_runs"),
        ({"override_used_s": -1}, "override_used_s"),
        ({"transition": -1}, "transition"),
        ({"causes": {"R-1": [True, -1, 0, None, ""]}}, "R-1"),
        ({"causes": {"R-1": [True, 0, -1, None, ""]}}, "R-1"),
        ({"causes": {"R-1": [True, 1, 0, "p1", ""]}}, "R-1"),
        ({"first_out": 7}, "first_out"),
        ({"seconds": {"R-1": [1, "p1"]}}, "second person of R-1"),
        ({"seconds": {"R-1": [-1, P2]}}, "second person of R-1"),
        ({"trips": {"R-1": [0] * (MAX_TRIPS + 1)}}, "trips of R-1"),
        ({"trips": {"R-1": [0, -1]}}, "trips of R-1"),
        ({"trips": {"R-1": [1.5]}}, "trips of R-1"),
        ({"windows": {"m": -1}}, "window of m"),
        ({"windows": {"m": True}}, "window of m"),
        ({"modes": {"m": "dance"}}, "mode of m"),
    ],
)
def test_what_a_start_cannot_believe_is_named(damage: dict[str, Any], what: str) -> None:
    assert refused(**damage) == f"the latch file can't be used: {what}"


@pytest.mark.parametrize(
    "content",
    [
        {"run": 0, "failed_runs": 0, "override_used_s": 0, "transition": 0},
        {"causes": {"R-1": [True, 0, 0, None, ""], "R-2": [True, 1, 1, P1, ""]}},
        {"first_out": "R-1"},
        {"seconds": {"R-1": [0, P2]}},
        {"trips": {"R-1": [0] * MAX_TRIPS}},
        {"windows": {"m": 0}},
        {"modes": {"m": "observe"}},
    ],
)
def test_the_least_and_the_most_of_each_is_believed(content: dict[str, Any]) -> None:
    assert refused(**content) == ""


def test_everything_is_written_under_its_own_name() -> None:
    rig = Rig(plan(reset_needs="two"))
    guard = rig.guard
    guard.stopping = guard.is_clean_stop = guard.key_must_go_off = True
    guard.override_used_ns = 129_999 * MS
    guard.run.number, guard.run.failed_in_a_row = 4, 2
    guard.pending = Pending("run", 1, 2)
    guard.causes["R-2"].strike(1, {})
    guard.causes["R-2"].acknowledge(2, P1)
    guard.causes["R-2"].acknowledge(3, P2)
    guard.causes["R-2"].needs_role = "maintenance"
    guard.trips.add(5, "R-2")
    guard.approved.by_id["m"].left_ns, guard.approved.by_id["m"].mode = 25_000 * MS, "observe"
    guard.recorder.first_out = "R-2"
    number = guard.recorder.ring.last_number
    assert remembered.content_of(guard) == {
        "clean": True, "lockout": False, "run": 4, "failed_runs": 2, "override_used_s": 120, "transition": number,
        "causes": {"R-2": [True, 1, 1, P1, "maintenance"]}, "first_out": "R-2", "raising": "run",
        "device": "s/l/d", "key_must_go_off": True, "seconds": {"R-2": [1, P2]}, "trips": {"R-2": [5]},
        "windows": {"m": 20_000}, "modes": {"m": "observe"},
    }  # fmt: skip
    assert set(remembered.content_of(guard)) == {*NEW, *LATER, "raising"}
    guard.pending = Pending("proving", 1, 2)
    found = remembered.content_of(guard)
    assert (found["run"], found["raising"]) == (5, "proving"), "a run under way is never begun a second time"
    guard.pending = None
    assert remembered.content_of(guard)["raising"] is None
    assert (guard.latch_number, guard.latch(b"c" * 16).number, guard.latch(b"c" * 16).boot_id) == (
        guard.latch_number, guard.latch_number, b"c" * 16,
    )  # fmt: skip


def test_what_is_remembered_comes_back_but_no_acknowledgement_of_what_is_still_to_come() -> None:
    a_plan = plan()
    causes = Causes(a_plan, Conditions(a_plan))
    content = {
        **NEW, **LATER,
        "causes": {
            "gone": [False, 3, 3, P1, ""], "old": [True, 2, 1, P1, ""], "R-1": [True, 4, 5, P1, "maintenance"],
            "R-2": [False, 6, 6, P1, ""],
        },
        "seconds": {"R-2": [6, P2], "R-1": [5, P2]},
    }  # fmt: skip
    remembered.restore_causes(causes, content)
    assert "gone" not in causes.by_id, "of an earlier plan, and nobody waits for it"
    old = causes["old"]
    assert (old.latched, old.revision, old.acknowledged_revision, old.person) == (True, 2, 1, P1)
    assert (old.id, old.text) == ("old", "old: tripped under an earlier plan.")
    first = causes["R-1"]
    assert (first.latched, first.revision, first.acknowledged_revision, first.second_revision) == (
        True,
        4,
        0,
        0,
    )
    assert (first.needs_role, first.second) == ("maintenance", P2)
    second = causes["R-2"]
    assert (second.latched, second.revision, second.acknowledged_revision, second.second_revision) == (
        False,
        6,
        6,
        6,
    )


def test_a_file_that_came_back_goes_on_in_the_next_one() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    rig.judge(INVALID, Judgement.ON)
    rig.acknowledge("R-2")
    again = Rig(plan(models=(Model("m", "enforce", longest_interval_ms=1000),)), rig.content)
    again.says[DRIFT] = (Judgement.UNKNOWN, 0)
    again.turn(2)
    assert again.guard.causes["R-2"].is_acknowledged
    assert again.guard.causes["R-2"].latched
