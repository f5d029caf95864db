"""What trips too often, a clock that was set, and what the latch file remembers of all that."""

from __future__ import annotations

from typing import Any

import pytest
from jidoka_bridge.guard.clock import ClockWatch, Step
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.remembered import LATER, NEW
from jidoka_bridge.guard.trips import TripCounters
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import CauseSpec, Trips
from jidoka_bridge.registers import Input

from tests.bridge.guard.guard_rig import ADVICE, DRIFT, INVALID, MS, Rig, plan

ON, OFF, UNKNOWN = Judgement.ON, Judgement.OFF, Judgement.UNKNOWN
HOUR_NS = 3_600_000 * MS
BOOT = b"b" * 16


def running(**changes: Any) -> Rig:
    rig = Rig(plan(trips=Trips(most=2, within_h=1.0), **changes))
    rig.turn(3)
    rig.prove()
    return rig


def trip(rig: Rig, condition: str) -> None:
    rig.judge(condition, ON)
    rig.turn(2)


def again(rig: Rig, condition: str) -> None:
    """Gone, acknowledged, reset."""
    rig.judge(condition, UNKNOWN if condition == DRIFT else OFF)
    rig.acknowledge_all()
    if condition == DRIFT:
        rig.prove()
    else:
        rig.turn(2)
        rig.press()
    assert rig.state == "RUN", rig.guard.offer


def test_a_cause_that_trips_too_often_locks_out_and_counts_from_none_after_the_engineer() -> None:
    rig = running()
    for _ in range(2):
        trip(rig, INVALID)
        again(rig, INVALID)
    trip(rig, INVALID)
    assert (rig.state, rig.last("too many trips")["cause"]) == ("LOCKOUT", "R-2")
    assert "R-2: more than 2 times within 1 h." in rig.last("too many trips")["text"]
    rig.judge(INVALID, OFF)
    rig.acknowledge_all()
    assert rig.unlock()["ok"]
    rig.turn(2)
    rig.press()
    trip(rig, INVALID)
    assert rig.state == "HOLD"


def test_trips_of_long_ago_dont_count() -> None:
    rig = running()
    for _ in range(4):
        trip(rig, INVALID)
        again(rig, INVALID)
        rig.now += HOUR_NS // 2 + 1
        rig.guard.tick(rig.now)
        rig.link = rig.link  # the rest of the world goes on as it was
        rig.turn(3)
        if rig.state != "RUN":  # nothing was heard for half an hour
            rig.acknowledge_all()
            rig.turn(2)
            rig.press()
    assert "too many trips" not in {each["event"] for each in rig.events}


def test_a_statistical_cause_that_trips_too_often_needs_maintenance() -> None:
    rig = running()
    for _ in range(2):
        trip(rig, DRIFT)
        again(rig, DRIFT)
    trip(rig, DRIFT)
    assert (rig.state, rig.last("too many trips, statistical")["cause"]) == ("HOLD", "R-1")
    assert "by maintenance" in rig.acknowledge("R-1")["refused"]
    assert rig.acknowledge("R-1", role="maintenance")["ok"]
    rig.judge(DRIFT, UNKNOWN)
    rig.prove()
    trip(rig, DRIFT)
    assert rig.acknowledge("R-1")["ok"]


def test_in_fallback_the_models_outputs_wait_for_maintenance() -> None:
    causes = (CauseSpec("R-2", "risk", "fallback", "high", 33, "R-2.", "Look.", (INVALID,)),)
    rig = Rig(plan(trips=Trips(most=1), causes=causes, fallback="program 7"))
    rig.fallback(healthy=True)
    rig.turn(3)
    rig.press()
    for _ in range(2):
        rig.judge(INVALID, ON)
        assert rig.state == "FALLBACK"
        rig.judge(INVALID, OFF)
        if not rig.guard.causes["R-2"].needs_role:
            rig.acknowledge_all()
            rig.turn(2)
            rig.press()
    assert "by maintenance" in rig.acknowledge("R-2")["refused"]
    # a restart doesn't make it a lockout
    after = Rig(rig.plan, rig.content)
    after.turn(3)
    assert after.state == "HOLD"
    rig.acknowledge_all()
    rig.turn(2)
    rig.press()
    assert rig.state == "RUN"


def test_holds_of_people_and_lost_links_arent_counted() -> None:
    rig = running()
    for _ in range(4):
        rig.hold()
        rig.acknowledge_all()
        rig.turn(2)
        rig.press()
        rig.link = False
        rig.turn(2)
        rig.link = True
        rig.turn(2)
        rig.acknowledge_all()
        rig.turn(2)
        rig.press()
    assert rig.state == "RUN"
    assert rig.guard.trips.at_ns == {}


@pytest.mark.parametrize(("boot", "is_over"), [(BOOT, False), (b"c" * 16, True), (b"", True)])
def test_after_another_boot_what_was_long_ago_counts_as_of_now(boot: bytes, is_over: bool) -> None:
    content = {**NEW, "trips": {"R-2": [2 * HOUR_NS // MS, 0, 0]}}
    guard = Guard(plan(trips=Trips(2, 1.0)), Latch(1, BOOT, content), "", [], 9 * HOUR_NS, boot=boot)
    assert (guard.interlock.state.name == "LOCKOUT") == is_over


def test_trips_of_a_cause_that_the_plan_has_no_more_are_forgotten_by_time_only() -> None:
    rig = Rig(plan(), {"trips": {"R-99": [0] * 9}})
    rig.turn(3)
    assert rig.state == "START_UP"


def test_the_latch_file_holds_the_ages_of_the_trips() -> None:
    rig = running()
    trip(rig, INVALID)
    rig.turn(10)
    rig.guard.refuse(rig.now, "something that makes it write")
    rig.turn(2)
    (age_ms,) = rig.content["trips"]["R-2"]
    assert 12 * 70 <= age_ms <= 16 * 70


def test_with_each_trip_those_of_long_ago_are_forgotten_but_not_those_that_somebody_must_still_look_at() -> (
    None
):
    trips = TripCounters(Trips(2, 1.0))
    for now_ns, name in ((1, "R-1"), (2, "R-2"), (3, "R-2"), (4, "R-2"), (9, "R-3"), (HOUR_NS, "R-3")):
        trips.add(now_ns, name)
    assert trips.ages_ms(HOUR_NS) == {"R-1": [3_599_999], "R-2": [3_599_999] * 3, "R-3": [3_599_999, 0]}
    trips.add(HOUR_NS + 10, "R-4")
    assert trips.at_ns == {"R-2": [2, 3, 4], "R-3": [HOUR_NS], "R-4": [HOUR_NS + 10]}


def test_no_more_trips_are_kept_than_decide() -> None:
    trips = TripCounters(Trips(2, 1.0))
    for number in range(9):
        trips.add(number + 1, "R-2")
    assert trips.ages_ms(10) == {"R-2": [0, 0, 0]}
    assert trips.is_over(HOUR_NS + 7, "R-2")
    assert not trips.is_over(HOUR_NS + 8, "R-2")


# ---------------------------------------------------------------------- the clock


def test_a_step_of_the_clock_is_an_advice_until_somebody_saw_it() -> None:
    rig = running()
    rig.guard.clock(rig.now, Step(-5_000 * MS, is_first=False))
    assert (rig.state, rig.word) == ("ADVISE", "MACHINE_AND_AI")
    rig.guard.clock(rig.now, Step(9_000 * MS, is_first=False))
    rig.turn()
    assert rig.last("clock step")["evidence"]["step_ms"] == 9_000
    assert not rig.acknowledge("clock step", revision=1)["ok"]
    assert rig.acknowledge("clock step")["ok"]
    assert rig.state == "RUN"


def test_with_another_advice_it_stays_an_advice() -> None:
    rig = running()
    rig.judge(ADVICE, ON)
    rig.guard.clock(rig.now, Step(5_000 * MS, is_first=False))
    rig.acknowledge("clock step")
    assert (rig.state, rig.last("cause off")["cause"]) == ("ADVISE", "clock step")


def test_the_first_setting_after_the_start_of_the_computer_is_only_noted() -> None:
    rig = running()
    rig.guard.clock(rig.now, Step(5_000 * MS, is_first=True))
    rig.turn()
    assert (rig.state, rig.last("clock set")["to"]) == ("RUN", "RUN")


def test_the_watch_tells_steps_from_creeping() -> None:
    watch = ClockWatch()
    second_ns = 1_000 * MS
    assert watch.step(10**18, 700 * second_ns) is None
    assert watch.step(10**18 + 2 * second_ns, 701 * second_ns) is None  # exactly one second
    assert watch.step(10**18 + 3 * second_ns + 1, 701 * second_ns) == Step(2 * second_ns + 1, is_first=False)
    assert watch.step(10**18 + 3 * second_ns + 1, 701 * second_ns) is None
    assert watch.step(10**18, 701 * second_ns) == Step(-3 * second_ns - 1, is_first=False)


def test_many_small_moves_make_a_step() -> None:
    watch = ClockWatch()
    moved = [watch.step(10**18 + each * 400 * MS, 700_000 * MS) for each in range(4)]
    assert moved == [None, None, None, Step(1_200 * MS, is_first=False)]


@pytest.mark.parametrize(
    ("by_ns", "boot_ns", "is_first"),
    [(10**16, 599_999 * MS, True), (10**16, 600_000 * MS, False), (-(10**16), 10 * MS, False)],
)
def test_a_first_setting_is_forward_and_soon_after_the_start(
    by_ns: int, boot_ns: int, is_first: bool
) -> None:
    watch = ClockWatch()
    watch.step(10**18, boot_ns)
    assert watch.step(10**18 + by_ns, boot_ns) == Step(by_ns, is_first)
    assert watch.step(10**18 + 2 * by_ns, boot_ns) == Step(by_ns, is_first=False)


# ---------------------------------------------------------------------- what the latch file holds


def test_a_file_of_an_earlier_version_is_no_lockout() -> None:
    rig = Rig(content={key: value for key, value in NEW.items() if key not in LATER})
    rig.turn(3)
    assert rig.state == "START_UP"
    rig.guard.refuse(rig.now, "something that makes it write")
    rig.turn()
    assert rig.content["device"] == "s/l/d"


def test_a_file_of_another_device_is_as_good_as_none() -> None:
    rig = running()
    other = Rig(plan(device="e"), rig.content)
    other.turn(3)
    assert (other.state, other.guard.causes["latch file"].evidence["why"]) == (
        "LOCKOUT",
        "the latch file is that of s/l/d, not of s/l/e",
    )


@pytest.mark.parametrize(
    "damaged",
    [
        {"device": 7},
        {"seconds": {"R-1": [1, "somebody"]}},
        {"seconds": {"R-1": [-1, {}]}},
        {"trips": {"R-1": [-1]}},
        {"trips": {"R-1": ["x"]}},
        {"trips": {"R-1": [0] * 1001}},
        {"trips": {"R-1": 7}},
        {"windows": {"m": -1}},
        {"windows": {"m": True}},
        {"modes": {"m": "dance"}},
        {"modes": []},
        {"seconds": 7},
        {"override_used_s": -1},
        {"causes": {"R-1": [True, -1, 0, None, ""]}},
    ],
)
def test_content_that_cant_be_used_locks_out(damaged: dict[str, Any]) -> None:
    guard = Guard(plan(), Latch(1, BOOT, {**NEW, **damaged}), "", [], 1)
    assert guard.interlock.state.name == "LOCKOUT"


def test_the_key_that_must_go_off_must_do_so_after_a_restart_too() -> None:
    rig = running()
    rig.inputs(on=Input.OVERRIDE_KEY)
    rig.hold()
    rig.turn(2)
    again = Rig(rig.plan, rig.content)
    again.view = rig.view
    again.turn(4)
    assert again.state == "HOLD", again.events
