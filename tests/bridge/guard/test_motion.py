"""A machine that moves without a permissive, or that moves while it says that it stands; a reset button that is stuck."""

from __future__ import annotations

import dataclasses

import pytest
from jidoka_bridge.guard.button import ButtonWatch
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Model, Proving
from jidoka_bridge.registers import Input, Word

from tests.bridge.guard.guard_rig import DRIFT, MS, Rig, plan

RUN_OUT_TURNS = 2_000 // 70 + 2


def held() -> Rig:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    rig.hold()
    rig.turn(2)
    return rig


def parts(rig: Rig, count: int) -> None:
    for _ in range(count):
        rig.view = dataclasses.replace(rig.view, part_count=rig.view.part_count + 1)
        rig.turn()


# ---------------------------------------------------------------------- without a permissive


def test_a_machine_may_run_out_after_a_stop() -> None:
    rig = held()
    rig.inputs(on=Input.RUNNING)
    parts(rig, 10)
    rig.inputs(off=Input.RUNNING)
    rig.turn(60)
    assert rig.state == "HOLD"


def test_a_machine_that_goes_on_running_locks_out_until_it_stands_and_an_engineer_comes() -> None:
    rig = held()
    rig.inputs(on=Input.RUNNING)
    rig.turn(RUN_OUT_TURNS)
    assert (rig.state, rig.last("moved without permissive")["evidence"]["running"]) == ("LOCKOUT", True)
    assert "still active" in rig.unlock()["refused"]
    rig.inputs(off=Input.RUNNING)
    rig.acknowledge_all()
    assert rig.unlock()["ok"]
    assert rig.state == "HOLD"


def test_a_part_that_is_made_after_the_run_out_locks_out_though_nothing_seems_to_run() -> None:
    rig = held()
    rig.turn(RUN_OUT_TURNS)
    parts(rig, 1)
    assert rig.state == "LOCKOUT"
    assert rig.guard.causes["moved without permissive"].active
    rig.turn(31)
    assert not rig.guard.causes["moved without permissive"].active


def test_the_run_out_counts_from_the_read_back_off() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    rig.obeys = False
    rig.hold()
    rig.inputs(on=Input.RUNNING)
    rig.turn(5)
    rig.view = dataclasses.replace(rig.view, actual=Word.WITHHOLD)
    rig.turn(RUN_OUT_TURNS - 4)
    assert rig.state == "HOLD"
    rig.turn(4)
    assert rig.last("moved without permissive")


def test_in_changeover_it_may_run_which_is_told_but_make_no_parts() -> None:
    rig = held()
    rig.inputs(on=Input.RUNNING | Input.CHANGEOVER)
    rig.turn(RUN_OUT_TURNS)
    assert (rig.state, rig.guard.causes["running in changeover"].active) == ("HOLD", True)
    rig.inputs(off=Input.RUNNING)
    assert not rig.guard.causes["running in changeover"].active
    assert rig.last("advise cause off")["cause"] == "running in changeover"
    parts(rig, 1)
    assert rig.state == "LOCKOUT"


def test_under_the_key_and_without_a_link_nobody_says_that_it_moved() -> None:
    rig = held()
    rig.inputs(on=Input.RUNNING | Input.OVERRIDE_KEY)
    rig.turn(RUN_OUT_TURNS)
    rig.hold()
    rig.turn(RUN_OUT_TURNS)
    assert rig.state == "HOLD"
    rig.inputs(off=Input.OVERRIDE_KEY)  # from here on the time counts
    rig.turn(10)
    rig.link = False
    rig.turn(RUN_OUT_TURNS)
    rig.link = True
    rig.turn(RUN_OUT_TURNS - 4)
    assert rig.state == "HOLD"


def test_where_nothing_is_enforced_the_plant_runs_as_it_likes() -> None:
    rig = Rig(plan(models=(Model("m", "observe"),)))
    rig.inputs(on=Input.RUNNING)
    parts(rig, 60)
    assert not rig.guard.causes["moved without permissive"].revision


# ---------------------------------------------------------------------- a broken input `running`


def running() -> Rig:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    return rig


def test_parts_while_the_input_says_that_it_stands_take_the_trust_away() -> None:
    rig = running()
    rig.turn(RUN_OUT_TURNS)
    parts(rig, 2)
    assert rig.state == "RUN"
    parts(rig, 1)
    assert (rig.state, rig.last("fallback cause on, none")["cause"]) == ("HOLD", "running input")
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "RUN"  # not a dead end: the machine must run for its input to be seen
    rig.turn(RUN_OUT_TURNS)
    parts(rig, 3)
    assert rig.state == "HOLD"


def test_parts_that_roll_out_after_the_machine_stopped_are_no_broken_input() -> None:
    rig = running()
    rig.inputs(on=Input.RUNNING)
    rig.turn(10)
    rig.inputs(off=Input.RUNNING)
    parts(rig, 20)
    assert rig.state == "RUN"


def test_hands_in_changeover_are_no_broken_input() -> None:
    rig = running()
    rig.inputs(on=Input.CHANGEOVER)
    rig.turn(RUN_OUT_TURNS)
    parts(rig, 10)
    assert rig.state == "RUN"


def test_in_fallback_a_broken_input_is_told_once_as_long_as_it_lasts() -> None:
    rig = Rig(plan(fallback="program 7", no_record="fallback"))
    rig.says[DRIFT] = (Judgement.OFF, 0)
    rig.fallback(healthy=True)
    rig.turn(3)
    rig.press()
    rig.steward = False
    rig.turn(32)
    assert rig.state == "FALLBACK"
    rig.turn(RUN_OUT_TURNS)
    parts(rig, 12)
    assert rig.state == "FALLBACK"
    assert rig.guard.causes["running input"].revision == 1


# ---------------------------------------------------------------------- not judged


def unjudged(**limits: float) -> Rig:
    rig = Rig(plan(proving=Proving(**{"parts": 10, "minutes": 1.0, **limits})))  # type: ignore[arg-type]
    rig.turn(3)
    rig.prove()
    rig.inputs(on=Input.RUNNING)
    rig.judge(DRIFT, Judgement.UNKNOWN)
    return rig


def test_what_isnt_judged_any_more_is_trusted_for_as_many_parts_as_a_proving_run_may_make() -> None:
    rig = unjudged()
    parts(rig, 9)
    assert rig.state == "RUN"
    parts(rig, 1)
    assert (rig.state, rig.last("fallback cause on, none")["cause"]) == ("HOLD", "not judged:m")
    rig.inputs(off=Input.RUNNING)
    rig.acknowledge_all()
    rig.prove()


def test_or_for_as_long_as_one_may_last_while_the_machine_runs() -> None:
    rig = unjudged(parts=1000, minutes=0.02)
    rig.inputs(off=Input.RUNNING)
    rig.turn(40)
    assert rig.state == "RUN"
    rig.inputs(on=Input.RUNNING)
    rig.turn(18)
    assert rig.last("fallback cause on, none")["evidence"]["conditions"] == [DRIFT]


def test_a_judgement_ends_the_count() -> None:
    rig = unjudged()
    for _ in range(3):
        parts(rig, 8)
        rig.judge(DRIFT, Judgement.OFF)
        rig.judge(DRIFT, Judgement.UNKNOWN)
    assert rig.state == "RUN"


def test_with_a_healthy_program_of_the_plant_it_goes_on_there_and_is_judged_afresh() -> None:
    rig = Rig(plan(fallback="program 7", proving=Proving(parts=10)))
    rig.fallback(healthy=True)
    rig.says[DRIFT] = (Judgement.OFF, 0)
    rig.turn(3)
    rig.press()
    rig.inputs(on=Input.RUNNING)
    run = rig.guard.run.number
    rig.judge(DRIFT, Judgement.UNKNOWN)
    parts(rig, 10)
    assert (rig.state, rig.guard.run.number) == ("FALLBACK", run + 1)


# ---------------------------------------------------------------------- the reset button


def test_a_stuck_button_holds_until_it_is_free_and_somebody_saw_it() -> None:
    rig = running()
    rig.inputs(on=Input.RESET_BUTTON)
    rig.turn(70)
    assert rig.state == "RUN"
    rig.turn(5)
    assert (rig.state, rig.last("reset button fault")["evidence"]["why"]) == ("HOLD", "stuck")
    assert "reset button is active: The reset button is stuck or bounces." in rig.guard.offer.missing
    rig.inputs(off=Input.RESET_BUTTON)
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "RUN"


@pytest.mark.parametrize(("presses", "fault"), [(9, ""), (10, "bounces")])
def test_more_presses_than_a_hand_can_do_are_bouncing(presses: int, fault: str) -> None:
    button = ButtonWatch()
    button.take(1, False, 65_530)
    button.take(2, False, 65_530 + presses & 0xFFFF)
    assert button.fault(3) == fault
    assert button.fault(2_000 * MS) == fault
    assert button.fault(2_100 * MS) == ""


def test_a_plc_that_counts_from_0_again_hasnt_bounced() -> None:
    button = ButtonWatch()
    button.take(1, False, 900)
    button.take(2, False, 0)
    assert button.fault(3) == ""


def test_what_the_button_did_while_the_line_was_away_isnt_known() -> None:
    rig = running()
    rig.inputs(on=Input.RESET_BUTTON)
    rig.turn(60)
    rig.link = False
    rig.turn(1)
    rig.link = True
    rig.turn(60)
    assert not rig.guard.causes["reset button"].revision
