"""What a press would do, word by word and to the nanosecond: each lack, what it still allows, and how long an offer lasts."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from jidoka_bridge.guard import reset_offer, resetting
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.guard_condition import FALLBACK, NONE, RUN, Lack, Offer
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.guard.reset_offer import RAISE_LIMIT_NS, S_NS
from jidoka_bridge.guard.resetting import Pending
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Model, Times
from jidoka_bridge.registers import Input, State, Word

from tests.bridge.guard.guard_rig import DRIFT, MS, Rig, plan


def lacks_of(rig: Rig) -> dict[str, frozenset[str]]:
    return {lack.text: lack.allows for lack in reset_offer._lacks(rig.guard, rig.now)}


def standing(**changes: Any) -> Rig:
    """Armed, and only a proving run is on offer."""
    rig = Rig(plan(**changes))
    rig.turn(4)
    assert rig.guard.offer.target == "proving"
    return rig


# ---------------------------------------------------------------------- lacks


@pytest.mark.parametrize(("no_record", "allows"), [("hold", frozenset()), (FALLBACK, frozenset({FALLBACK}))])
def test_without_records_or_data_a_fallback_may_still_be_possible(
    no_record: str, allows: frozenset[str]
) -> None:
    rig = Rig(plan(no_record=no_record))
    rig.steward = rig.monitor = False
    rig.turn(3)
    found = lacks_of(rig)
    assert found["the steward doesn't record yet"] == allows
    assert found["m: no data yet from the application"] == {FALLBACK}
    rig.steward = rig.monitor = True
    rig.turn(3)
    assert not {"the steward doesn't record yet", "m: no data yet from the application"} & set(lacks_of(rig))


def test_an_output_that_isnt_as_written_is_a_lack_and_in_observe_it_is_none() -> None:
    rig = standing()
    rig.obeys = False
    rig.view = dataclasses.replace(rig.view, actual=Word.MACHINE)
    rig.turn()
    assert "the PLC's output reads MACHINE, written is WITHHOLD" in lacks_of(rig)
    rig.guard.is_enforcing = False
    assert "the PLC's output reads MACHINE, written is WITHHOLD" not in lacks_of(rig)


# ---------------------------------------------------------------------- the offer


def test_without_a_plc_nothing_is_ever_on_offer() -> None:
    guard = Guard(plan(link=None), Latch(1, b"b" * 16, NEW), "", [], 1)
    assert guard.offer == Offer(NONE, ("interlock: none: no PLC is connected",))


def test_in_observe_the_offer_says_which_models_are_only_watched() -> None:
    rig = Rig(plan(models=(Model("m", "enforce", longest_interval_ms=1000), Model("n", "observe"))))
    rig.guard.offer = Offer(RUN, ())
    assert reset_offer._modes(rig.guard) == ("n is in mode observe: the word stays WITHHOLD",)
    rig = Rig(plan(models=(Model("m", "observe", longest_interval_ms=1000),)))
    rig.turn(3)
    assert rig.guard.interlock.proving, "the shadow goes on by itself"
    rig.says[DRIFT] = (rig.says[DRIFT][0].OFF, 0)
    told = []
    for _ in range(4):
        rig.turn()
        told.append(rig.guard.offer)
    assert Offer(NONE, ()) in told
    assert all(each.target == NONE for each in told)
    rig = Rig(plan(models=(Model("m", "observe", longest_interval_ms=1000),)))
    rig.turn(2)
    rig.now += 1
    reset_offer.refresh_offer(rig.guard, rig.now)
    assert rig.guard.offer.target == NONE


def test_in_observe_a_stop_that_nobody_acknowledges_hides_no_later_one() -> None:
    rig = Rig(plan(models=(Model("m", "observe"),)))
    rig.turn(4)
    rig.judge(DRIFT, Judgement.OFF, run=0)
    rig.turn(2)
    for _ in range(2):
        rig.judge(DRIFT, Judgement.ON, run=0)
        rig.turn(2)
        assert (rig.state, rig.word) == ("FALLBACK", "WITHHOLD"), "a proving run is assumed"
        rig.judge(DRIFT, Judgement.OFF, run=0)
        rig.turn(2)
        assert (rig.state, rig.word) == ("RUN", "WITHHOLD")
        told = rig.last("reset to run")
        assert (told["person"], told["reason"]) == (None, "observe")
        assert "nobody pressed" in told["text"]
    assert len([each for each in rig.events if each["event"] == "hold cause on"]) == 2
    # what happened still waits for a person, who may say that it was seen
    assert [cause.id for cause in rig.guard.causes.unacknowledged()] == ["R-1"]
    rig.acknowledge_all()
    rig.turn(2)
    assert rig.guard.causes.unacknowledged() == []


def test_in_observe_the_reset_that_is_assumed_leaves_nothing_on_offer() -> None:
    rig = Rig(plan(models=(Model("m", "observe", longest_interval_ms=1000),)))
    rig.turn(4)
    rig.judge(DRIFT, Judgement.OFF, run=0)
    rig.turn(2)
    rig.guard.interlock.state = State.HOLD
    reset_offer.refresh_offer(rig.guard, rig.now)
    assert rig.state == "RUN"
    assert rig.guard.offer == Offer(NONE, ("m is in mode observe: the word stays WITHHOLD",))


def test_an_offer_that_changes_begins_anew_and_a_press_must_begin_anew_too() -> None:
    rig = standing()
    guard = rig.guard
    assert guard.offer_held
    since_ns = guard.offer_since_ns
    rig.turn(2)
    assert (guard.offer_since_ns, guard.offer_held) == (since_ns, True)
    guard.offer = Offer(FALLBACK, ())
    rig.now += 7
    reset_offer.refresh_offer(guard, rig.now)
    assert (guard.offer.target, guard.offer_since_ns, guard.offer_held) == ("proving", rig.now, False)
    assert type(guard.offer_held) is bool


@pytest.mark.parametrize(("age_ns", "is_cancelled"), [(RAISE_LIMIT_NS, False), (RAISE_LIMIT_NS + 1, True)])
def test_a_press_waits_for_the_disk_for_so_long_and_no_longer(age_ns: int, is_cancelled: bool) -> None:
    rig = standing()
    guard = rig.guard
    guard.pending = Pending("proving", rig.now - age_ns, 99)
    reset_offer.refresh_offer(guard, rig.now)
    assert (guard.pending is None) is is_cancelled
    guard.pending = Pending(RUN, rig.now, 99)
    reset_offer.refresh_offer(guard, rig.now)
    assert guard.pending is None, "another target"


def test_an_offer_lasts_so_long_after_an_acknowledgement() -> None:
    rig = Rig(plan(times=Times(offer_s=60)))
    rig.turn(4)
    rig.prove()
    rig.hold()
    rig.acknowledge_all()
    rig.turn()
    guard = rig.guard
    assert guard.offer.target == RUN
    guard.offer_since_ns = guard.acknowledged_ns + 5
    end_ns = guard.offer_since_ns + 60 * S_NS
    found = Offer(RUN, ())
    assert reset_offer._with_time_limit(guard, end_ns, found) is found
    assert guard.offer_lapsed_ns == 0
    lapsed = Offer(NONE, ("the reset was on offer for too long: acknowledge again",))
    assert reset_offer._with_time_limit(guard, end_ns + 1, found) == lapsed
    assert guard.offer_lapsed_ns == end_ns + 1
    # it doesn't come back by itself, whatever else begins anew
    guard.offer_since_ns = end_ns + 2
    assert reset_offer._with_time_limit(guard, end_ns + 3, found) == lapsed
    assert guard.offer_lapsed_ns == end_ns + 1
    guard.acknowledged_ns = guard.offer_lapsed_ns
    assert reset_offer._with_time_limit(guard, end_ns + 3, found) == lapsed, "not by one of that moment"
    guard.acknowledged_ns = end_ns + 2
    assert reset_offer._with_time_limit(guard, end_ns + 3, found) is found
    assert (guard.offer_lapsed_ns, type(guard.offer_lapsed_ns)) == (0, int)
    for cause in guard.causes:
        cause.latched = False
    assert reset_offer._with_time_limit(guard, end_ns + 600 * S_NS, found) is found, "nobody could repeat it"


def test_an_offer_that_only_begins_now_has_its_whole_time() -> None:
    rig = Rig(plan(times=Times(offer_s=60)))
    rig.turn(4)
    rig.prove()
    rig.hold()
    guard = rig.guard
    assert guard.offer.target == NONE
    guard.acknowledged_ns, guard.offer_since_ns = 0, 1
    found = Offer(RUN, ())
    assert reset_offer._with_time_limit(guard, rig.now + 3_600 * S_NS, found) is found


# ---------------------------------------------------------------------- the self-test


@pytest.mark.parametrize(("late_ns", "is_told"), [(0, False), (1, True)])
def test_a_plc_that_isnt_there_in_time_is_told_once(late_ns: int, is_told: bool) -> None:
    rig = Rig(plan(times=Times(arming_s=30)))
    rig.guard.take_outbox()
    now_ns = rig.guard.started_ns + 30 * S_NS + late_ns
    for _ in range(2):
        reset_offer.pass_self_test(rig.guard, now_ns)
    rig.collect()
    told = [each for each in rig.events if each["event"] == "arming time over"]
    assert len(told) == is_told
    assert rig.guard.arming_told is is_told


def test_who_drove_with_the_key_over_a_restart_must_acknowledge_it() -> None:
    rig = Rig(content={"clean": False})
    rig.inputs(on=Input.OVERRIDE_KEY)
    rig.turn(3)
    assert rig.state == "OVERRIDE"
    override = rig.guard.causes["override"]
    assert (override.active, override.latched) == (True, True)
    assert (override.since_ns > 1_000 * MS, override.evidence) == (True, {})
    rig.inputs(off=Input.OVERRIDE_KEY)
    rig.turn(2)
    assert rig.state == "HOLD"
    assert "override" in {cause.id for cause in rig.guard.causes.unacknowledged()}


# ---------------------------------------------------------------------- the press


def test_a_press_waits_for_the_write_that_it_asked_for() -> None:
    rig = standing()
    guard = rig.guard
    rig.disk = False
    resetting.press(guard, rig.now, held=True)
    assert guard.pending == Pending("proving", rig.now, guard.latch_number)
    assert guard.pending is not None
    assert guard.pending.number > 1
    guard.pending = None
    resetting.press(guard, rig.now, held=False)
    rig.collect()
    told = rig.last("reset refused")
    assert (told["ns"], told["reasons"]) == (
        rig.now, ["the offer had only just begun, or changed while the button was down"],
    )  # fmt: skip


def test_a_lack_allows_nothing_unless_it_says_so() -> None:
    assert Lack("x").allows == frozenset()


def test_with_a_link_that_was_up_and_is_lost_its_lack_is_said_once_and_while_it_is_up_once_too() -> None:
    rig = standing()
    lack = "the PLC at /dev/x doesn't answer as unit 1 within 40 ms"
    rig.view = dataclasses.replace(rig.view, lack=lack)
    rig.turn(3)
    assert rig.guard.offer.missing.count(lack) == 1
    rig.guard.causes["plc link"].active = True
    rig.guard.view = dataclasses.replace(rig.guard.view, is_up=False)
    found = [each.text for each in reset_offer._lacks(rig.guard, rig.now)]
    assert found.count(lack) == 1
