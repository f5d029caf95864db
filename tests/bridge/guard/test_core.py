"""The guard's core as stories: what the people at the machine see, event by event."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from jidoka_bridge.guard import resetting
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.guard.watch import PauseWatch
from jidoka_bridge.messages import Condition, Judgement, Kind, Lease
from jidoka_bridge.plan import CauseSpec, Link, Model, Proving, Times
from jidoka_bridge.registers import Input, Word

from tests.bridge.guard.guard_rig import ADVICE, CONDITIONS, DIGEST, DRIFT, INVALID, MS, Rig, plan

ON, OFF, UNKNOWN = Judgement.ON, Judgement.OFF, Judgement.UNKNOWN


def running(rig: Rig | None = None) -> Rig:
    rig = rig or Rig()
    rig.turn(3)
    rig.prove()
    assert (rig.state, rig.word) == ("RUN", "MACHINE_AND_AI")
    return rig


def with_fallback(**changes: Any) -> Rig:
    """Drift leads to FALLBACK, the plant has a program of its own and it is ready."""
    causes = (
        CauseSpec("R-1", "risk", "fallback", "high", 32, "R-1.", "Look.", (DRIFT,)),
        CauseSpec("R-2", "risk", "hold", "high", 33, "R-2.", "Look.", (INVALID,)),
    )
    rig = Rig(plan(causes=causes, fallback="program 7", **changes))
    rig.says[DRIFT] = (OFF, 0)
    rig.fallback(healthy=True)
    rig.turn(3)
    rig.press()
    assert rig.state == "RUN"
    return rig


# ---------------------------------------------------------------------- the main story


def test_start_up_proving_run_hold_acknowledge_proving_run_again() -> None:
    rig = Rig()
    rig.turn(3)
    assert rig.guard.offer.target == "proving"
    rig.press()
    assert (rig.state, rig.word, rig.guard.interlock.proving) == ("FALLBACK", "MACHINE", True)
    rig.press()
    assert (
        "3 of 20" in rig.last("reset refused")["reasons"][0]
        or "0 of 20" in rig.last("reset refused")["reasons"][0]
    )
    rig.judge(DRIFT, UNKNOWN)
    rig.press()
    assert rig.last("reset refused")["reasons"] == ["m:drift(all) isn't judged yet: 3 of 20 records judged"]
    rig.judge(DRIFT, OFF)
    rig.turn()
    rig.press()
    assert (rig.state, rig.word) == ("RUN", "MACHINE_AND_AI")
    rig.judge(DRIFT, ON)
    assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
    rig.turn(2)
    rig.press()
    assert "R-1 (revision 1) must be acknowledged with a reason" in rig.last("reset refused")["reasons"]
    rig.acknowledge_all()
    rig.says[DRIFT] = (UNKNOWN, 1)
    rig.prove()
    assert not any(cause.latched for cause in rig.guard.causes)


def test_a_trip_carries_its_evidence_and_its_times() -> None:
    rig = running()
    rig.evidence = {"feature": "sharpness", "onset_part": 41, "onset_ns": 77}
    rig.judge(DRIFT, ON)
    rig.turn(2)
    trip, withdrawn = rig.last("hold cause on"), rig.last("withdrawn")
    assert trip["first_out"] == trip["cause"] == "R-1"
    assert trip["evidence"]["onset_part"] == 41
    assert trip["evidence"]["condition"] == DRIFT
    assert "loop_delay_ms" in trip["evidence"]
    times = withdrawn["evidence"]
    assert times["trip"] == trip["number"]
    assert times["condition_ns"] <= times["tripped_ns"] <= times["asked_ns"] <= times["readback_ns"]
    assert rig.guard.causes["R-1"].onset_ns == 77


def test_the_first_cause_stays_first_until_a_reset() -> None:
    rig = running()
    rig.judge(DRIFT, ON)
    rig.judge(INVALID, ON)
    assert rig.last("hold cause on")["first_out"] == "R-1"
    assert rig.guard.ask().reason == 32


def test_lowering_is_asked_for_in_the_same_call_that_brought_the_condition() -> None:
    rig = running()
    rig.guard.condition(rig.now + 1, Condition(CONDITIONS.index(INVALID), ON, 2))
    assert rig.guard.ask().word is Word.WITHHOLD


def test_numbers_of_transitions_have_no_gap() -> None:
    rig = running()
    rig.judge(INVALID, ON)
    numbers = [event["number"] for event in rig.events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


# ---------------------------------------------------------------------- the proving run


def test_a_cause_that_locks_out_does_so_in_a_proving_run_too() -> None:
    causes = tuple(
        dataclasses.replace(each, response="lockout") if each.id == "R-1" else each for each in plan().causes
    )
    rig = Rig(plan(causes=causes))
    rig.turn(3)
    rig.press()
    assert rig.guard.interlock.proving
    rig.judge(DRIFT, UNKNOWN)
    rig.judge(DRIFT, ON)
    assert (rig.state, rig.word) == ("LOCKOUT", "WITHHOLD")
    assert rig.guard.run.failed_in_a_row == 1


def test_a_bad_proving_run_holds_and_must_be_acknowledged_anew_the_third_time_by_maintenance() -> None:
    rig = Rig()
    rig.turn(3)
    for failed in (1, 2, 3):
        rig.turn(2)
        rig.press()
        assert rig.guard.interlock.proving
        rig.judge(DRIFT, UNKNOWN)
        rig.judge(DRIFT, ON)
        assert (rig.state, rig.last("proving judged bad")["cause"]) == ("HOLD", "R-1")
        assert rig.guard.causes["R-1"].revision == failed
        rig.turn(2)
        assert rig.acknowledge("R-1")["ok"]
    assert rig.guard.offer.target == "none"
    assert "by maintenance" in rig.acknowledge("proving failed")["refused"]
    assert rig.acknowledge("proving failed", role="maintenance")["ok"]
    rig.judge(DRIFT, UNKNOWN)
    rig.prove()
    assert rig.guard.run.failed_in_a_row == 0


@pytest.mark.parametrize("how", ["parts", "time"])
def test_a_proving_run_ends_by_parts_or_time(how: str) -> None:
    rig = Rig(plan(proving=Proving(parts=3, minutes=0.01)))
    rig.turn(3)
    rig.press()
    if how == "parts":
        for _ in range(3):
            rig.view = dataclasses.replace(rig.view, part_count=rig.view.part_count + 1)
            rig.turn()
    else:
        rig.inputs(on=Input.RUNNING)
        rig.turn(10)
    assert (rig.state, rig.last("proving over")["cause"]) == ("HOLD", "proving failed")
    assert rig.guard.causes.unacknowledged()[0].id == "proving failed"


def test_a_proving_run_that_was_judged_good_ends_in_hold_without_a_cause_and_a_press_leads_to_run() -> None:
    rig = Rig(plan(proving=Proving(parts=3, minutes=1.0)))
    rig.turn(3)
    rig.press()
    rig.judge(DRIFT, OFF)
    assert rig.guard.run.is_judged_good
    for _ in range(3):
        rig.view = dataclasses.replace(rig.view, part_count=rig.view.part_count + 1)
        rig.turn()
    assert (rig.state, rig.last("proving over, judged good")["cause"]) == ("HOLD", None)
    assert rig.guard.causes.unacknowledged() == []
    rig.turn(2)
    assert rig.guard.offer.target == "run"
    rig.press()
    assert rig.state == "RUN"


def test_a_proving_run_of_a_standing_machine_ends_too() -> None:
    rig = Rig(plan(proving=Proving(parts=3, minutes=0.01)))
    rig.turn(3)
    rig.press()
    rig.turn(27)
    assert rig.state == "HOLD"


@pytest.mark.parametrize("spoil", ["other cause", "no data", "no record", "local hold"])
def test_anything_else_ends_a_proving_run_in_hold(spoil: str) -> None:
    rig = Rig()
    rig.turn(3)
    rig.press()
    if spoil == "other cause":
        rig.judge(INVALID, ON)
    elif spoil == "local hold":
        rig.hold()
    else:
        rig.monitor, rig.steward = spoil != "no data", spoil != "no record"
        rig.turn(40)
    assert (rig.state, rig.guard.interlock.proving) == ("HOLD", False)


def test_a_judgement_of_an_earlier_run_decides_nothing() -> None:
    rig = Rig()
    rig.turn(3)
    rig.press()
    for judgement in (OFF, ON):
        rig.judge(DRIFT, judgement, run=0)
        assert rig.guard.interlock.proving
        assert not rig.guard.run.is_judged_good


# ---------------------------------------------------------------------- advise, fallback, lockout


def test_advice_comes_and_goes_without_a_bit_changing() -> None:
    rig = running()
    rig.judge(ADVICE, ON)
    assert (rig.state, rig.word) == ("ADVISE", "MACHINE_AND_AI")
    rig.judge(ADVICE, OFF)
    assert (rig.state, rig.word) == ("RUN", "MACHINE_AND_AI")


def test_a_reset_with_an_active_advice_leads_to_advise() -> None:
    rig = running()
    rig.judge(ADVICE, ON)
    rig.hold()
    rig.turn(2)
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "ADVISE"


def test_drift_leads_to_a_healthy_fallback_whose_detectors_judge_afresh() -> None:
    rig = with_fallback()
    run = rig.guard.run.number
    rig.judge(DRIFT, ON)
    assert (rig.state, rig.word, rig.guard.run.number) == ("FALLBACK", "MACHINE", run + 1)
    rig.judge(DRIFT, UNKNOWN)
    rig.judge(DRIFT, OFF)
    assert rig.state == "FALLBACK"
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "RUN"


def test_a_fallback_that_is_lost_holds() -> None:
    rig = with_fallback()
    rig.judge(DRIFT, ON)
    rig.fallback(healthy=False)
    assert (rig.state, rig.last("fallback path lost")["cause"]) == ("HOLD", "fallback path")


def test_without_a_healthy_fallback_drift_holds() -> None:
    rig = with_fallback()
    rig.fallback(healthy=False)
    rig.judge(DRIFT, ON)
    assert rig.state == "HOLD"


def test_from_hold_a_fallback_cause_allows_fallback_not_run() -> None:
    rig = with_fallback()
    rig.judge(DRIFT, ON)
    rig.hold()
    rig.turn(2)
    rig.acknowledge_all()
    assert rig.guard.offer.target == "fallback"
    rig.press()
    assert (rig.state, rig.guard.interlock.proving) == ("FALLBACK", False)


@pytest.mark.parametrize(("policy", "state"), [("hold", "HOLD"), ("fallback", "FALLBACK")])
def test_no_record_follows_the_sites_policy(policy: str, state: str) -> None:
    rig = with_fallback(no_record=policy)
    rig.steward = False
    rig.turn(31)
    assert rig.state == state
    rig.steward = True
    rig.turn(2)
    assert rig.state == state


def test_lockout_needs_the_cause_gone_everything_acknowledged_and_an_engineer() -> None:
    rig = running()
    rig.judge(DIGEST, ON)
    assert rig.state == "LOCKOUT"
    assert "still active" in rig.unlock()["refused"]
    rig.judge(DIGEST, OFF)
    assert "not acknowledged" in rig.unlock()["refused"]
    rig.acknowledge_all()
    assert "may not unlock" in rig.unlock(role="maintenance")["refused"]
    assert "elsewhere" in rig.unlock(remote=True)["refused"]
    assert "reason" in rig.unlock(reason=" ")["refused"]
    rig.inputs(on=Input.OVERRIDE_KEY)
    assert "key" in rig.unlock()["refused"]
    rig.inputs(off=Input.OVERRIDE_KEY)
    rig.acknowledge_all()
    assert rig.unlock()["ok"]
    assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
    assert "no lockout" in rig.unlock()["refused"]


def test_a_lockout_outlives_a_restart() -> None:
    rig = running()
    rig.judge(DIGEST, ON)
    again = Rig(content=rig.content)
    again.turn(3)
    assert again.state == "LOCKOUT"


# ---------------------------------------------------------------------- data, records, link


def test_no_data_holds_and_its_return_raises_nothing() -> None:
    rig = running()
    rig.monitor = False
    rig.turn(9)
    assert (rig.state, rig.last("no data, none")["cause"]) == ("HOLD", "no data:m")
    assert rig.guard.causes["R-1"].quality == "no data"
    rig.monitor = True
    rig.turn(3)
    assert rig.state == "HOLD"
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "RUN"


def test_a_tap_without_beats_is_no_data_however_often_the_monitor_speaks() -> None:
    rig = running()
    beat_ns = rig.now
    for _ in range(9):
        rig.monitor = False
        rig.guard.lease(rig.now, Lease(0, beat_ns, beat_ns, 1, 0))
        rig.turn()
    assert rig.state == "HOLD"


def _parts_without_records(rig: Rig, running_bit: bool) -> None:
    if running_bit:
        rig.inputs(on=Input.RUNNING)
    record_ns = rig.now
    rig.monitor = False
    for _ in range(20):
        rig.guard.lease(rig.now, Lease(0, rig.now, record_ns, 1, 0))
        rig.view = dataclasses.replace(rig.view, part_count=rig.view.part_count + 1)
        rig.turn()


def test_parts_without_records_are_no_data_while_running() -> None:
    rig = running()
    _parts_without_records(rig, running_bit=True)
    assert (rig.state, rig.last("no data, none")["cause"]) == ("HOLD", "parts without records:m")
    rig.inputs(off=Input.RUNNING)
    assert not rig.guard.causes["parts without records:m"].active


def test_a_standing_machine_owes_no_records() -> None:
    rig = running()
    _parts_without_records(rig, running_bit=False)
    assert rig.state == "RUN"


def test_a_lost_link_holds_and_its_return_raises_nothing() -> None:
    rig = running()
    rig.link = False
    rig.turn()
    assert (rig.state, rig.last("plc link lost")["to"]) == ("HOLD", "HOLD")
    rig.link = True
    rig.turn(5)
    assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "RUN"


def test_a_plc_that_isnt_ready_holds_without_an_alarm_of_ours() -> None:
    rig = running()
    rig.inputs(off=Input.MACHINE_READY)
    assert rig.state == "HOLD"
    assert rig.guard.causes.unacknowledged() == []
    rig.inputs(on=Input.MACHINE_READY)
    rig.press()
    assert rig.state == "RUN"


def test_a_plc_that_permits_less_holds() -> None:
    rig = running()
    rig.turn(8)
    rig.obeys = False
    rig.view = dataclasses.replace(rig.view, actual=Word.WITHHOLD)
    rig.turn()
    assert (rig.state, rig.last("read-back less")["evidence"]["actual"]) == ("HOLD", "WITHHOLD")


def test_a_plc_that_permits_more_for_longer_than_the_hold_time_locks_out() -> None:
    rig = running()
    rig.turn(8)
    rig.obeys = False
    rig.hold()
    rig.turn(4)
    assert rig.state == "HOLD"
    rig.turn(16)
    assert (rig.state, rig.last("read-back more")["cause"]) == ("LOCKOUT", "plc disobeys")


def test_what_was_read_back_before_a_pause_is_not_what_the_output_is_now() -> None:
    rig = running()
    rig.turn(8)
    rig.guard.gap(rig.now, 400 * MS)
    rig.guard.gap(rig.now + 5_000 * MS, 5_000 * MS)
    assert rig.state == "HOLD", "paused twice, without a beat between"
    rig.now += 5_000 * MS
    rig.turn(4)
    assert rig.state == "HOLD"


def test_an_output_that_stays_on_over_a_pause_locks_out_at_the_first_beat() -> None:
    rig = running()
    rig.turn(8)
    rig.obeys = False
    rig.hold()
    rig.now += 5_000 * MS
    rig.guard.gap(rig.now, 5_000 * MS)
    assert rig.state == "HOLD"
    rig.turn()
    assert rig.state == "LOCKOUT"


def test_a_pause_longer_than_the_hold_time_withholds_first() -> None:
    watch = PauseWatch(310 * MS)
    assert watch.gap_ns(1, 1) == 0
    assert watch.gap_ns(310 * MS, 310 * MS) == 0
    assert watch.gap_ns(400 * MS, 5_000 * MS) == 4_690 * MS
    rig = running()
    rig.guard.gap(rig.now, 400 * MS)
    assert rig.guard.ask().word is Word.WITHHOLD
    rig.turn()
    assert rig.last("monotonic gap")["evidence"]["gap_ms"] == 400


def test_a_disk_that_doesnt_write_holds_and_stops_no_lowering() -> None:
    rig = running()
    rig.disk = False
    rig.judge(INVALID, ON)
    assert rig.state == "HOLD"
    rig.turn(16)
    assert rig.guard.causes["latch file"].active
    rig.disk = True
    rig.turn(2)
    assert not rig.guard.causes["latch file"].active


# ---------------------------------------------------------------------- reset


def test_a_cause_between_press_and_write_cancels_the_raise() -> None:
    rig = Rig()
    rig.turn(3)
    rig.disk = False
    rig.press()
    assert (rig.state, rig.guard.pending is not None) == ("START_UP", True)
    rig.judge(INVALID, ON)
    rig.disk = True
    rig.turn(2)
    assert (rig.state, rig.word) == ("START_UP", "WITHHOLD")
    assert rig.last("raise cancelled")


def test_a_write_that_takes_too_long_gives_the_reset_up() -> None:
    rig = Rig()
    rig.turn(3)
    rig.disk = False
    rig.press()
    rig.turn(23)
    rig.disk = True
    rig.turn(2)
    assert rig.word == "WITHHOLD"
    assert rig.last("raise cancelled")


def test_a_press_that_the_plc_counted_before_the_offer_stood_for_a_beat_is_refused() -> None:
    rig = running()
    rig.hold()
    rig.turn(2)
    rig.view = dataclasses.replace(rig.view, presses=rig.view.presses + 1, edges=rig.view.edges + 1)
    body = {"cause": "local hold", "revision": rig.guard.causes["local hold"].revision, "reason": "other"}
    rig.guard.act(rig.now, Kind.ACKNOWLEDGE, {**body, "role": "operator", "person": "p"})
    assert rig.guard.offer.target == "run"
    rig.turn()
    assert rig.state == "HOLD"
    assert rig.last("reset refused")["reasons"] == [
        "the offer had only just begun, or changed while the button was down"
    ]


@pytest.mark.parametrize(
    ("press_ms", "why"),
    [(0, "the button was down for less than 0.1 s"), (99, "the button was down for less than 0.1 s"),
     (100, "the offer had only just begun, or changed while the button was down")],
)  # fmt: skip
def test_a_press_that_the_plc_didnt_count_is_refused_with_what_was_wrong_with_it(
    press_ms: int, why: str
) -> None:
    rig = Rig()
    rig.turn(8)
    assert rig.guard.offer.target == "proving"
    rig.view = dataclasses.replace(rig.view, edges=rig.view.edges + 1, press_ms=press_ms)
    rig.turn()
    assert rig.last("reset refused")["reasons"] == [why]


@pytest.mark.parametrize(
    ("before", "now", "times"), [(5, 0, 0), (5, 6, 1), (0xFFFF, 0, 1), (0x8000, 0, 0), (0x8001, 0, 1)]
)
def test_a_plc_that_started_anew_counts_its_presses_from_0_and_nobody_pressed(
    before: int, now: int, times: int
) -> None:
    rig = running()
    rig.hold()
    rig.view = dataclasses.replace(rig.view, edges=before)
    rig.turn(2)
    rig.link = False
    rig.turn(5)
    rig.link = True
    rig.view = dataclasses.replace(rig.view, edges=now, connection=9)
    count = len(rig.events)
    rig.turn(3)
    assert [each["event"] for each in rig.events[count:]].count("reset refused") == times


def test_a_beat_that_carried_another_block_shows_no_button() -> None:
    rig = Rig()
    rig.turn(8)
    guard = rig.guard
    assert guard.offer_held
    guard.offer_held = False
    rig.view = dataclasses.replace(rig.view, is_own=False)
    rig.turn()
    assert not guard.offer_held, "where the button is isn't known: a press may have begun under another offer"
    rig.view = dataclasses.replace(rig.view, is_own=True)
    rig.turn(2)
    assert guard.offer_held


def held_button(offered: str, then: str) -> Rig:
    """In HOLD with `offered` on offer; the button goes down, `then` comes on offer, and 0.5 s later it is released."""
    rig = Rig(plan(fallback="program 7"))
    rig.turn(3)
    rig.prove()
    rig.fallback(True)
    rig.hold()
    rig.acknowledge_all()
    rig.monitor = offered != "fallback"
    rig.turn(8)
    rig.acknowledge_all()
    rig.turn(2)
    assert rig.guard.offer.target == offered
    rig.inputs(on=Input.RESET_BUTTON)
    rig.monitor = then != "fallback"
    rig.turn(8)
    assert rig.guard.offer.target == then
    rig.view = dataclasses.replace(rig.view, inputs=rig.view.inputs & ~Input.RESET_BUTTON)
    rig.press()
    rig.turn(2)
    return rig


def test_a_press_counts_for_what_was_on_offer_while_the_button_was_down_and_for_nothing_that_came_meanwhile() -> (
    None
):
    rig = held_button("fallback", "run")
    assert rig.state == "HOLD"
    assert "changed while the button was down" in rig.last("reset refused")["reasons"][0]
    rig.press()
    assert rig.state == "RUN"


def test_a_button_may_be_held_as_long_as_what_is_on_offer_stands() -> None:
    assert held_button("run", "run").state == "RUN"


def let_go(rig: Rig, after: int) -> None:
    """The button comes up, and the PLC counts the press so many beats later: it has to be sure of the release first."""
    rig.inputs(off=Input.RESET_BUTTON)
    rig.turn(after - 1)
    rig.view = dataclasses.replace(
        rig.view, presses=rig.view.presses + 1, edges=rig.view.edges + 1, press_ms=300
    )
    rig.turn(2)


def test_a_button_that_was_only_just_let_go_shows_no_new_press() -> None:
    rig = running()
    rig.hold()
    rig.acknowledge_all()
    rig.turn(2)
    rig.monitor = False
    rig.turn(8)
    assert rig.guard.offer.target == "none"
    rig.inputs(on=Input.RESET_BUTTON)
    rig.monitor = True
    rig.turn(2)
    assert rig.guard.offer.target == "run"
    let_go(rig, after=1)
    assert rig.state == "HOLD", "nothing was on offer when it went down"
    assert "changed while the button was down" in rig.last("reset refused")["reasons"][0]
    rig.press()
    assert rig.state == "RUN"


@pytest.mark.parametrize(("scan_ms", "beats"), [(10, 2), (16, 2), (17, 3), (40, 3), (41, 4)])
def test_the_button_is_up_once_it_was_so_for_as_long_as_the_plc_needs_to_count_a_press(
    scan_ms: int, beats: int
) -> None:
    rig = Rig(plan(link=Link(port="/nowhere", scan_ms=scan_ms)))  # 70 ms a turn
    rig.turn(8)
    guard = rig.guard
    guard.offer_held = False
    rig.inputs(on=Input.RESET_BUTTON)
    rig.view = dataclasses.replace(rig.view, inputs=rig.view.inputs & ~Input.RESET_BUTTON)
    for _ in range(beats - 1):
        rig.turn()
        assert not guard.offer_held
    rig.turn()
    assert guard.offer_held


def test_a_press_that_is_counted_before_an_offer_stood_for_as_long_began_before_it() -> None:
    rig = Rig()
    rig.turn(8)
    rig.monitor = False
    rig.turn(8)
    assert rig.guard.offer.target == "none"
    rig.monitor = True
    rig.turn()
    assert (rig.guard.offer.target, rig.guard.offer_held) == ("proving", False)
    view = rig.view  # in the very beat that shows it for long enough
    rig.view = dataclasses.replace(view, presses=view.presses + 1, edges=view.edges + 1, press_ms=300)
    rig.turn()
    assert rig.state == "START_UP"
    assert "only just begun" in rig.last("reset refused")["reasons"][0]
    assert rig.guard.offer_held
    rig.press()
    assert rig.guard.interlock.proving


def test_one_press_is_one_reset() -> None:
    rig = Rig()
    rig.turn(3)
    rig.press()
    rig.judge(DRIFT, OFF)
    rig.turn(5)
    assert rig.word == "MACHINE"


def test_a_disk_that_is_full_holds_until_a_write_succeeds() -> None:
    rig = running()
    rig.guard.written(rig.now, 0, "the disk is full")
    assert rig.guard.ask().word is Word.WITHHOLD
    assert rig.guard.causes["latch file"].evidence == {"why": "the disk is full"}
    rig.turn(2)
    assert not rig.guard.causes["latch file"].active


def test_a_write_that_ends_after_a_newer_one_counts_for_nothing() -> None:
    rig = running()
    newest = rig.guard.latch_written
    rig.guard.written(rig.now, newest - 1, "")
    assert rig.guard.latch_written == newest


def test_a_press_in_run_means_nothing_and_is_told_to_nobody() -> None:
    rig = running()
    count = len(rig.events)
    rig.press()
    assert len(rig.events) == count


def test_a_reset_that_the_table_refuses_gives_nothing_back() -> None:
    rig = running()
    rig.judge(DIGEST, ON)
    resetting.raise_to(rig.guard, rig.now, "run")
    assert (rig.state, rig.word, rig.guard.recorder.first_out) == ("LOCKOUT", "WITHHOLD", "R-4")


def test_what_was_acknowledged_long_ago_under_an_earlier_plan_is_forgotten() -> None:
    rig = Rig(content={"causes": {"R-77": [False, 3, 3, None, ""]}})
    assert "R-77" not in rig.guard.causes.by_id


# ---------------------------------------------------------------------- people


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"role": "viewer"}, "may not acknowledge"),
        ({"role": "auditor"}, "may not acknowledge"),
        ({"revision": 0}, "revision 1 now, 0 was seen"),
        ({"reason": "because"}, "isn't a reason"),
        ({"reason": ""}, "isn't a reason"),
        ({"cause": "nothing"}, "there is no cause"),
        ({"cause": "restart"}, "nothing to acknowledge"),
        ({"at": "plc"}, "takes no acknowledgement from the PLC's panel"),
    ],
)
def test_an_acknowledgement_is_refused_and_recorded(changes: dict[str, Any], text: str) -> None:
    rig = running()
    rig.judge(DRIFT, ON)
    body = {
        "request": "1",
        "cause": "R-1",
        "revision": 1,
        "reason": "other",
        "role": "operator",
        "person": "p",
    }
    answer = rig.guard.act(rig.now, Kind.ACKNOWLEDGE, {**body, **changes})
    assert answer is not None
    assert not answer["ok"]
    assert text in answer["refused"]
    rig.collect()
    assert rig.last("acknowledge refused")["refused"]
    assert rig.guard.causes["R-1"] in rig.guard.causes.unacknowledged()


@pytest.mark.parametrize("remote", [False, True])
def test_a_hold_stops_from_anywhere_and_a_viewer_may_not(remote: bool) -> None:
    rig = running()
    assert not rig.hold(role="viewer", remote=remote)["ok"]
    assert rig.state == "RUN"
    assert rig.hold(remote=remote)["ok"]
    assert (rig.state, rig.last("withdrawn")["cause"]) == ("HOLD", "remote hold" if remote else "local hold")


# ---------------------------------------------------------------------- the override key


def test_the_key_abstains_and_its_end_holds() -> None:
    rig = running()
    rig.inputs(on=Input.OVERRIDE_KEY)
    assert (rig.state, rig.word) == ("OVERRIDE", "ABSTAIN")
    rig.inputs(off=Input.OVERRIDE_KEY)
    assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
    rig.turn(2)
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "RUN"


def test_an_override_that_lasts_too_long_holds_until_the_key_was_off() -> None:
    rig = running(Rig(plan(times=Times(override_s=10, override_repeat_s=4))))
    rig.inputs(on=Input.OVERRIDE_KEY)
    rig.turn(150)
    assert rig.state == "HOLD"
    assert len([each for each in rig.events if each["event"] == "override repeat"]) == 2
    rig.turn(5)
    assert rig.state == "HOLD"
    rig.inputs(off=Input.OVERRIDE_KEY)
    rig.inputs(on=Input.OVERRIDE_KEY)
    assert rig.state == "OVERRIDE"


def test_a_hold_in_override_withdraws_the_abstaining_until_the_key_was_off() -> None:
    rig = running()
    rig.inputs(on=Input.OVERRIDE_KEY)
    rig.hold()
    rig.turn(3)
    assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")


def test_a_key_that_went_on_while_the_link_was_away_is_read_when_it_is_back() -> None:
    rig = running()
    rig.link = False
    rig.turn()
    rig.inputs(on=Input.OVERRIDE_KEY)
    assert rig.state == "HOLD"
    rig.link = True
    rig.turn()
    assert rig.state == "OVERRIDE"


def test_a_restart_with_the_key_on_goes_on_with_its_time() -> None:
    rig = running(Rig(plan(times=Times(override_s=60))))
    rig.inputs(on=Input.OVERRIDE_KEY)
    rig.turn(500)
    again = Rig(rig.plan, rig.content)
    again.inputs(on=Input.OVERRIDE_KEY)
    assert (again.state, again.content["override_used_s"]) == ("OVERRIDE", 30)


def test_a_key_switch_that_leaves_auto_for_override_overrides_and_is_no_stop_of_the_plc() -> None:
    rig = running()
    count = len(rig.events)
    rig.inputs(on=Input.OVERRIDE_KEY, off=Input.KEY_AUTO)
    told = [(each["event"], each["from"], each["to"]) for each in rig.events[count:]]
    assert told[0] == ("override key on", "RUN", "OVERRIDE")
    assert ("plc not ready", "OVERRIDE", "OVERRIDE") in told
    assert (rig.last("override key on")["first_out"], rig.guard.ask().reason) == ("override", 10)
    rig.inputs(on=Input.KEY_AUTO, off=Input.OVERRIDE_KEY)
    assert rig.state == "HOLD"


def test_a_key_that_went_off_while_no_guard_was_there_begins_anew_the_next_time() -> None:
    rig = running(Rig(plan(times=Times(override_s=60))))
    rig.inputs(on=Input.OVERRIDE_KEY)
    rig.turn(800)
    again = Rig(rig.plan, rig.content)
    again.turn(3)
    again.inputs(on=Input.OVERRIDE_KEY)
    again.turn(500)
    assert (again.state, again.content["override_used_s"]) == ("OVERRIDE", 30)


# ---------------------------------------------------------------------- start and end


def test_a_restart_without_a_planned_stop_holds_and_must_be_acknowledged() -> None:
    rig = running()
    again = Rig(content=rig.content)
    again.turn(3)
    assert (again.state, again.guard.causes.unacknowledged()[0].id) == ("HOLD", "restart")
    again.acknowledge_all()
    again.prove()
    assert again.guard.run.number == rig.guard.run.number + 1


def test_a_planned_stop_in_run_is_no_cause_afterwards() -> None:
    rig = running()
    rig.guard.stop(rig.now)
    assert rig.guard.ask().word is Word.WITHHOLD
    rig.turn(3)
    assert rig.content["clean"]
    again = Rig(content=rig.content)
    again.turn(3)
    assert (again.state, again.guard.offer.target) == ("START_UP", "proving")


def test_a_planned_stop_in_hold_is_a_cause_afterwards() -> None:
    rig = running()
    rig.hold()
    rig.guard.stop(rig.now)
    rig.turn(2)
    assert not rig.content["clean"]


def test_a_failed_self_test_locks_out() -> None:
    rig = Rig(faults=["damaged"])
    rig.turn(3)
    assert rig.state == "LOCKOUT"
    assert "still active" in rig.unlock()["refused"]


def test_without_a_plc_it_is_not_armed_and_says_so_after_its_time() -> None:
    rig = Rig(plan(times=Times(arming_s=5)))
    rig.link = False
    rig.turn(80)
    assert rig.state == "START_UP"
    assert "no link to the PLC yet: three good beats are needed" in rig.last("arming time over")["reasons"]


def test_a_latched_cause_of_an_earlier_plan_still_waits_for_a_person() -> None:
    rig = running()
    rig.judge(DRIFT, ON)
    again = Rig(plan(causes=()), rig.content)
    again.turn(3)
    assert "R-1" in {cause.id for cause in again.guard.causes.unacknowledged()}


def test_an_acknowledgement_of_what_is_still_to_come_does_not_count_when_it_comes() -> None:
    rig = running()
    content = {
        **rig.content,
        "causes": {"R-1": [True, 1, 2, None, ""]},
        "seconds": {"R-1": [2, {"role": "quality"}]},
    }
    again = Rig(plan(reset_needs="two"), content)
    cause = again.guard.causes["R-1"]
    assert cause in again.guard.causes.unacknowledged()
    again.judge(DRIFT, ON)
    assert cause.revision == 2
    assert cause in again.guard.causes.unacknowledged()
    assert cause.second_revision != cause.revision, "by the second person neither"


def test_an_error_inside_the_guard_locks_out_and_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = running()
    monkeypatch.setattr(rig.guard.conditions, "take", lambda *_: 1 // 0)
    rig.turn(3)
    assert (rig.state, rig.word) == ("LOCKOUT", "WITHHOLD")
    assert len([each for each in rig.events if each["event"] == "fault"]) == 1
    assert "ZeroDivisionError" in rig.last("fault")["text"]


def test_a_message_outside_the_plan_is_refused_and_changes_nothing() -> None:
    rig = running()
    rig.guard.condition(rig.now, Condition(99, ON, 1))
    rig.guard.lease(rig.now, Lease(99, 1, 1, 1, 1))
    rig.turn()
    assert rig.state == "RUN"
    assert len([each for each in rig.events if each["event"] == "message refused"]) == 2


# ---------------------------------------------------------------------- modes


def test_in_observe_the_word_is_masked_and_the_shadow_goes_on_by_itself() -> None:
    rig = Rig(plan(models=(Model("m", "observe"),)))
    rig.turn(4)
    assert (rig.guard.interlock.proving, rig.word, rig.guard.ask().arm) == (True, "WITHHOLD", False)
    rig.judge(DRIFT, OFF, run=0)  # the detectors of a model in observe don't start afresh
    rig.turn(2)
    assert (rig.state, rig.word) == ("RUN", "WITHHOLD")
    rig.judge(DRIFT, ON, run=0)
    assert rig.last("hold cause on")["to"] == "HOLD"


def test_one_model_outside_enforce_masks_the_word() -> None:
    rig = Rig(plan(models=(Model("m", "enforce"), Model("n", "observe"))))
    assert not rig.guard.is_enforcing


def test_without_a_plc_in_the_plan_causes_are_alarms_without_a_latch() -> None:
    guard = Guard(plan(link=None), Latch(1, b"b" * 16, NEW), "", [], 1)
    guard.condition(2, Condition(CONDITIONS.index(INVALID), ON, 1))
    assert (guard.interlock.state.name, guard.word) == ("START_UP", Word.WITHHOLD)
    assert guard.causes["R-2"].active
    assert not guard.causes["R-2"].latched
    bodies = [out.body for out in guard.take_outbox() if out.kind is Kind.CAUSE]
    assert bodies[-1]["trip"] is False


def test_a_pause_between_press_and_write_makes_the_press_void() -> None:
    rig = running()
    rig.hold()
    rig.acknowledge_all()
    rig.turn(2)
    rig.disk = False
    rig.press()
    assert rig.guard.pending
    rig.guard.gap(rig.now + 400 * MS, 400 * MS)
    rig.disk = True
    rig.turn(3)
    assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
    assert rig.last("raise cancelled")["reasons"] == ["the process stood still"]


def test_output_a_alone_is_more_than_was_written_and_not_a_withdrawal() -> None:
    rig = running()
    rig.obeys = False
    rig.hold()
    rig.view = dataclasses.replace(rig.view, actual=Word.ABSTAIN)
    rig.events.clear()
    rig.turn(2)
    assert not [each for each in rig.events if each["event"] == "withdrawn"]
    assert any("output A is on while M is off" in each for each in rig.guard.offer.missing)
    rig.turn(30)
    assert rig.last("read-back more")["evidence"]["actual"] == "ABSTAIN"
    assert rig.state == "LOCKOUT"


def test_output_a_alone_while_both_are_permitted_stops_the_machine_first_and_then_locks_out() -> None:
    rig = running()
    rig.obeys = False
    rig.view = dataclasses.replace(rig.view, actual=Word.ABSTAIN)
    for _ in range(30):
        rig.turn()
        if rig.state != "RUN":
            break
    assert rig.state in ("HOLD", "LOCKOUT")
    assert rig.word == "WITHHOLD"
    rig.turn(30)
    assert rig.state == "LOCKOUT"


def test_with_the_key_on_output_a_alone_is_the_plcs_business() -> None:
    rig = running()
    rig.obeys = False
    rig.inputs(on=Input.OVERRIDE_KEY)
    rig.view = dataclasses.replace(rig.view, actual=Word.ABSTAIN)
    rig.turn(40)
    assert rig.state == "OVERRIDE"


def locked_out_and_restarted() -> Rig:
    rig = running()
    rig.judge(DIGEST, Judgement.ON)
    assert rig.state == "LOCKOUT"
    rig.acknowledge_all()
    again = Rig(plan(), content=rig.content)
    assert again.state == "LOCKOUT"
    return again


def test_nobody_unlocks_while_it_isnt_known_whether_the_cause_is_gone() -> None:
    rig = locked_out_and_restarted()
    rig.monitor = False
    rig.turn(3)
    answer = rig.unlock()
    assert (answer["ok"], answer["refused"]) == (False, "whether R-4 is gone isn't known yet")
    assert "monitor" in answer["remedy"]
    rig.monitor = True
    rig.turn(2)
    rig.acknowledge_all()
    assert rig.unlock()["ok"]
    assert rig.state == "HOLD"
