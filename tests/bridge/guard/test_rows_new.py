"""What the guard watches with as it is new, and the records that its rows write, field by field."""

from __future__ import annotations

from collections import deque
from typing import Any

from jidoka_bridge.guard import trips, unjudged
from jidoka_bridge.guard.approved import ApprovedModels
from jidoka_bridge.guard.button import ButtonWatch
from jidoka_bridge.guard.clock import ClockWatch, Step, stepped
from jidoka_bridge.guard.known_answers import KnownAnswers
from jidoka_bridge.guard.motion import Motion
from jidoka_bridge.guard.panel import Shown
from jidoka_bridge.guard.trips import TripCounters
from jidoka_bridge.guard.unjudged import Unjudged
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Model, Proving, Trips
from jidoka_bridge.registers import State

from tests.bridge.guard.guard_rig import DRIFT, INVALID, MS, Rig, plan

HOUR_NS = 3_600_000 * MS


def is_exactly(part: object, values: dict[str, Any]) -> bool:
    """Its fields have these values, of the same kind: None, 0 and False aren't the same."""
    found = vars(part)
    return found == values and all(type(found[name]) is type(values[name]) for name in values)


def test_a_new_watch_has_seen_nothing() -> None:
    assert is_exactly(Motion(), {"off_ns": 0, "part_ns": 0, "stood_ns": 0, "standing_parts": 0, "is_told": False, "parts": -1})  # fmt: skip
    assert is_exactly(ButtonWatch(), {"down_ns": 0, "_edges": -1, "_presses": deque()})
    assert ButtonWatch()._presses.maxlen == 10
    assert is_exactly(ClockWatch(), {"_offset_ns": None, "_was_set": False})
    assert is_exactly(KnownAnswers(), {"announced": {}})
    assert is_exactly(Shown(), {"cause": "", "revision": 0, "since_ns": 0, "asked": ("", 0), "is_sure": True, "reference": None, "is_near": False})  # fmt: skip
    limits = Proving(parts=10, minutes=1.0)
    assert is_exactly(Unjudged(limits), {"_limits": limits, "_last_ns": 0, "_last_part": 0, "running_ns": 0, "parts": 0})  # fmt: skip
    most = Trips(most=2, within_h=1.5)
    assert is_exactly(TripCounters(most), {"limits": most, "at_ns": {}, "fresh": set(), "_within_ns": HOUR_NS * 3 // 2})  # fmt: skip


def test_models_are_as_the_plan_has_them() -> None:
    models = ApprovedModels((Model("a", "enforce", digest="AB"), Model("b", "none", digest="CD")), 7)
    assert [vars(each) for each in models.models] == [
        {"id": "a", "planned": "enforce", "mode": "enforce", "wanted": "ab", "digest": "", "left_ns": 0, "announced": None, "is_over": False},
        {"id": "b", "planned": "none", "mode": "none", "wanted": "", "digest": "", "left_ns": 0, "announced": None, "is_over": False},
    ]  # fmt: skip
    assert (list(models.by_id), models.last_ns) == (["a", "b"], 7)
    assert models.by_id["a"] is models.models[0]


# ---------------------------------------------------------------------- trips


def tripping() -> Rig:
    rig = Rig(plan(trips=Trips(most=2, within_h=1.0)))
    rig.turn(3)
    rig.prove()
    return rig


def test_only_causes_of_the_register_are_counted() -> None:
    rig = tripping()
    for name in (None, "nothing", "plc link"):
        trips.count(rig.guard, 5, name)
    assert (rig.guard.trips.at_ns, rig.guard.trips.fresh) == ({}, set())
    trips.count(rig.guard, 5, "R-2")
    trips.count(rig.guard, 6, "R-1")
    assert (rig.guard.trips.at_ns, rig.guard.trips.fresh) == ({"R-2": [5], "R-1": [6]}, {"R-1", "R-2"})


def test_the_trip_that_was_too_many_is_told_with_its_cause_and_count() -> None:
    rig = tripping()
    for at_ns in (1, 2, 3):
        rig.guard.trips.add(rig.now - at_ns, "R-2")
    rig.guard.interlock.state = State.HOLD
    trips.watch_trips(rig.guard, rig.now)
    rig.collect()
    told = rig.last("too many trips")
    assert (rig.state, told["cause"], told["ns"]) == ("LOCKOUT", "R-2", rig.now)
    assert told["text"] == "The same cause tripped too often. R-2: more than 2 times within 1 h."
    cause = rig.guard.causes["too many trips"]
    assert (cause.since_ns, cause.evidence) == (rig.now, {"cause": "R-2", "trips": 3})
    assert rig.guard.trips.at_ns == {}


def test_one_that_is_statistical_needs_maintenance_and_each_of_several_is_looked_at() -> None:
    rig = tripping()
    for at_ns in (1, 2, 3):
        for name in ("R-1", "R-3"):
            rig.guard.trips.add(rig.now - at_ns, name)
    rig.guard.trips.fresh |= {"A-0"}  # no cause has that name any more
    trips.watch_trips(rig.guard, rig.now)
    rig.collect()
    assert rig.last("too many trips, statistical")["cause"] in ("R-1", "R-3")
    assert [rig.guard.causes[name].needs_role for name in ("R-1", "R-2", "R-3")] == [
        "maintenance",
        "",
        "maintenance",
    ]
    assert rig.guard.trips.fresh == set()


def test_what_was_told_before_a_restart_isnt_told_again() -> None:
    rig = tripping()
    rig.guard.interlock.state = State.START_UP
    rig.guard.causes["R-1"].needs_role = "maintenance"
    for name in ("R-1", "R-3"):
        rig.guard.trips.at_ns[name] = [rig.now - each for each in (1, 2, 3)]
    rig.guard.trips.fresh = {"R-1", "R-3"}
    trips.watch_trips(rig.guard, rig.now)
    rig.collect()
    told = [each["cause"] for each in rig.events if each["event"] == "too many trips, statistical"]
    assert told == ["R-3"]


def test_whoever_was_needed_has_come() -> None:
    guard = tripping().guard
    cause = guard.causes["R-1"]
    cause.needs_role, guard.trips.at_ns = "maintenance", {"R-1": [1], "R-2": [2]}
    cause.revision, cause.acknowledged_revision = 2, 1
    trips.seen(guard, cause)
    assert (cause.needs_role, guard.trips.at_ns) == ("maintenance", {"R-1": [1], "R-2": [2]})
    cause.acknowledged_revision = 2
    trips.seen(guard, cause)
    assert (cause.needs_role, guard.trips.at_ns) == ("", {"R-2": [2]})


# ---------------------------------------------------------------------- the clock, what isn't judged


def test_a_step_of_the_clock_is_told_in_ms() -> None:
    rig = tripping()
    stepped(rig.guard, 9, Step(-2_500 * MS, False))
    rig.collect()
    told, cause = rig.last("clock step"), rig.guard.causes["clock step"]
    assert (told["cause"], told["evidence"], told["ns"]) == ("clock step", {"step_ms": -2_500}, 9)
    assert (cause.active, cause.since_ns, cause.evidence) == (True, 9, {"step_ms": -2_500})


def test_what_isnt_judged_any_more_is_told_with_the_conditions_and_the_parts() -> None:
    rig = tripping()
    rig.says[DRIFT], rig.says[INVALID] = (Judgement.UNKNOWN, rig.guard.run.number), (Judgement.UNKNOWN, 0)
    rig.turn()
    rig.guard.unjudged.parts = 10
    unjudged.watch_unjudged(rig.guard, rig.now)
    cause = rig.guard.causes["not judged:m"]
    assert (cause.since_ns, cause.evidence) == (rig.now, {"conditions": [DRIFT], "parts": 10})
