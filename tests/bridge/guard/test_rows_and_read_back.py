"""The rest of the rows at their edges: what is latched, how an event is told, and the PLC's output against what was written."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from jidoka_bridge.guard import (
    approved,
    changes,
    clock,
    known_answers,
    override,
    panel,
    read_back,
    unjudged,
)
from jidoka_bridge.guard.button import PRESSES, WITHIN_NS, ButtonWatch
from jidoka_bridge.guard.panel import READ_NS
from jidoka_bridge.messages import Judgement, MessageError
from jidoka_bridge.plan import ConditionSpec, Link, Model, Times
from jidoka_bridge.registers import Input, State, Word

from tests.bridge.guard.guard_rig import DRIFT, INVALID, MS, Rig, plan

SET = "c" * 64
S_NS = 1_000 * MS


def running(**changes_of_plan: Any) -> Rig:
    rig = Rig(plan(**changes_of_plan))
    rig.turn(3)
    rig.prove()
    return rig


def told(rig: Rig, event: str) -> list[dict[str, Any]]:
    rig.collect()
    return [each for each in rig.events if each["event"] == event]


# ---------------------------------------------------------------------- the button


@pytest.mark.parametrize(("jump", "expected"), [(0x7FFF, "bounces"), (0x8000, ""), (0x8001, "")])
def test_a_count_that_jumps_by_half_its_range_is_a_plc_that_began_anew(jump: int, expected: str) -> None:
    button = ButtonWatch()
    button.take(5, False, 0)
    button.take(5, False, jump)
    assert button.fault(5) == expected
    assert len(button._presses) == (PRESSES if expected else 0)


def test_the_first_of_ten_presses_decides_whether_they_were_too_quick() -> None:
    button = ButtonWatch()
    button.take(5, False, 0)
    button.take(5, False, 1)
    button.take(6, False, PRESSES)
    assert button.fault(5 + WITHIN_NS) == "bounces"
    assert button.fault(6 + WITHIN_NS) == ""


# ---------------------------------------------------------------------- windows and digests


def test_a_window_is_kept_in_whole_milliseconds() -> None:
    rig = Rig()
    rig.guard.approved.by_id["m"].left_ns = 25_999 * MS + 1
    assert [(type(each), each) for each in rig.guard.approved.windows_ms().values()] == [(int, 20_000)]


def test_a_window_is_open_to_its_last_nanosecond() -> None:
    rig = Rig(plan(models=(Model("m", "enforce", digest="a" * 64),)))
    rig.turn(3)
    each = rig.guard.approved.by_id["m"]
    each.digest, each.left_ns = "b" * 64, 1
    approved._watch_digest(rig.guard, rig.now, each)
    assert (rig.guard.causes["digest:m"].active, rig.guard.causes["model changed:m"].active) == (False, True)
    assert each.is_over is False
    each.left_ns = 0
    approved._watch_digest(rig.guard, rig.now + 1, each)
    assert rig.guard.causes["digest:m"].active
    each.digest = "a" * 64
    rig.collect()
    rig.events.clear()
    approved._watch_digest(rig.guard, rig.now + 2, each)
    (again,) = told(rig, "digest equal again")
    assert (again["ns"], again["cause"]) == (rig.now + 2, "digest:m")


# ---------------------------------------------------------------------- known answers


def with_answers() -> Rig:
    models = (Model("m", "enforce", known_answers=SET), Model("n", "enforce", known_answers="d" * 64))
    conditions = (
        ConditionSpec(DRIFT, "m", True, 0.0), ConditionSpec(INVALID, "m", False, 0.0, True),
        ConditionSpec("n:drift", "n", True, 0.0), ConditionSpec("n:other", "n", False, 0.0),
    )  # fmt: skip
    rig = Rig(plan(models=models, conditions=conditions, causes=()))
    rig.monitor = False
    rig.turn(3)
    return rig


def test_answers_that_nobody_announced_are_refused_whatever_the_time() -> None:
    rig = with_answers()
    with pytest.raises(
        MessageError, match=r"^known answers of m: nobody announced them, or their time is over$"
    ):
        known_answers.take(rig.guard, 1, {"model": "m", "digest": SET, "passed": True})
    with pytest.raises(MessageError, match=r"^known answers of \(no model\): nobody announced them"):
        known_answers.take(rig.guard, 1, {"digest": SET, "passed": True})


@pytest.mark.parametrize("digest", ["XXXX", "", SET])
def test_wrong_answers_of_a_model_that_there_isnt_are_refused(digest: str) -> None:
    with pytest.raises(MessageError, match=r"^known answers of x: they aren't of the plan's set$"):
        known_answers.take(with_answers().guard, 5, {"model": "x", "digest": digest, "passed": False})


def test_right_answers_begin_anew_for_their_model_and_leave_those_of_others() -> None:
    rig = with_answers()
    guard = rig.guard
    for model, digest in (("n", "d" * 64), ("m", SET)):
        guard.known_answers.announce(rig.now, model)
        known_answers.take(guard, rig.now + 5, {"model": model, "digest": digest, "passed": True})
    known = guard.conditions.by_id
    assert [known[name].answered_ns for name in (DRIFT, "n:drift")] == [rig.now + 5, rig.now + 5]
    assert (guard.conditions.in_proving, type(guard.conditions.in_proving)) == (False, bool)
    assert guard.conditions._began_ns == rig.now + 5
    assert guard.fresh == set()


def test_wrong_answers_are_a_new_judgement_of_what_is_judged_on_that_models_records() -> None:
    rig = with_answers()
    rig.guard.fresh = {"before"}
    known_answers.take(rig.guard, rig.now, {"model": "n", "digest": "d" * 64, "passed": False})
    assert rig.guard.fresh == {"before", "n:drift"}


# ---------------------------------------------------------------------- clock, panel, unjudged, people


def test_a_step_of_the_clock_is_kept_in_whole_milliseconds() -> None:
    rig = running()
    rig.guard.clock(rig.now, clock.Step(5_000 * MS + 999_999, is_first=False))
    (step,) = told(rig, "clock step")
    assert (type(step["evidence"]["step_ms"]), step["evidence"]["step_ms"]) == (int, 5_000)


def test_the_panel_shows_the_first_cause_until_it_is_acknowledged_whatever_else_waits() -> None:
    rig = running()
    rig.judge(INVALID, Judgement.ON)
    rig.guard.causes["R-1"].strike(rig.now, {})
    first = panel.cause_on_the_wire(rig.guard)
    assert first is not None
    assert first.id == "R-2"
    assert [cause.id for cause in rig.guard.causes.unacknowledged()] == ["R-1", "R-2"]
    rig.acknowledge("R-2")
    following = panel.cause_on_the_wire(rig.guard)
    assert following is not None
    assert following.id == "R-1"
    rig.acknowledge("R-1")
    last = panel.cause_on_the_wire(rig.guard)
    assert last is not None
    assert last.id == "R-2", "nothing waits: what was first"
    rig.guard.recorder.first_out = None
    latched = panel.cause_on_the_wire(rig.guard)
    assert latched is not None
    assert latched.id == "R-1", "nothing was first: what is latched, so that it can be acknowledged again"
    rig.guard.causes.clear_latches()
    for cause in rig.guard.causes:
        cause.latched = False
    assert panel.cause_on_the_wire(rig.guard) is None


@pytest.mark.parametrize(("early_ns", "counts"), [(0, True), (1, False)])
def test_what_stood_there_for_a_second_can_be_acknowledged_there(early_ns: int, counts: bool) -> None:
    rig = running(ack_at="either")
    rig.judge(INVALID, Judgement.ON)
    rig.turn()
    guard = rig.guard
    assert guard.shown.cause == "R-2"
    pressed = dataclasses.replace(guard.view, acknowledges=guard.view.acknowledges + 1, acknowledge_reason=1)
    panel.take(guard, guard.shown.since_ns + READ_NS - early_ns, pressed)
    assert guard.causes["R-2"].is_acknowledged is counts


def test_what_was_not_judged_for_too_long_is_told_at_its_time_and_begins_anew() -> None:
    rig = running(fallback="by hand")
    rig.fallback(healthy=True)
    guard = rig.guard
    rig.says[DRIFT] = (Judgement.UNKNOWN, guard.run.number)
    rig.turn()
    guard.unjudged.parts = 99
    now_ns = rig.now + 7
    unjudged.watch_unjudged(guard, now_ns)
    (step,) = [each for each in told(rig, "fallback cause on, healthy") if each["cause"] == "not judged:m"]
    assert (step["ns"], step["to"]) == (now_ns, "FALLBACK")
    assert (guard.renewed_ns, guard.conditions._began_ns) == (now_ns, now_ns)


def test_names_and_commands_are_cut_to_what_a_record_takes() -> None:
    person = changes.person_of({"role": "r" * 65, "person": "p" * 65})
    assert person == {"role": "r" * 64, "pseudonym": "p" * 64}
    refused, _ = changes.refuse_command(Rig().guard, 5, {"command": "c" * 65})
    assert refused == f"{'c' * 64} comes by no message"


# ---------------------------------------------------------------------- the key


@pytest.mark.parametrize(("late_ns", "is_over"), [(0, False), (1, True)])
def test_the_time_of_the_key_is_over_after_its_last_nanosecond(late_ns: int, is_over: bool) -> None:
    rig = running(times=Times(override_s=60, override_repeat_s=3_600))
    rig.inputs(on=Input.OVERRIDE_KEY)
    guard = rig.guard
    guard.override_used_ns = 60 * S_NS - 5
    override._count_override(guard, rig.now, 5 + late_ns)
    assert guard.key_must_go_off is is_over
    rig.inputs(off=Input.OVERRIDE_KEY)
    assert (guard.override_used_ns, guard.causes["override"].active) == (0, False)


@pytest.mark.parametrize(("late_ns", "times"), [(0, 0), (1, 1)])
def test_the_key_is_told_again_after_its_time_and_not_at_it(late_ns: int, times: int) -> None:
    rig = running(times=Times(override_s=3_600, override_repeat_s=60))
    rig.inputs(on=Input.OVERRIDE_KEY)
    guard = rig.guard
    override._count_override(guard, guard.override_repeat_ns + 60 * S_NS + late_ns, 1)
    assert len(told(rig, "override repeat")) == times


# ---------------------------------------------------------------------- read-back

LINK = Link(port="/nowhere", beat_ms=70, reply_timeout_ms=50, scan_ms=10, relay_ms=35, hold_ms=300)
SETTLE_NS = (4 * 70 + 50 + 2 * 10 + 35) * MS


def looking(actual: Word, **view: Any) -> Rig:
    """In RUN, and the PLC's output reads like this from now on."""
    rig = running(link=LINK)
    rig.guard.view = dataclasses.replace(rig.guard.view, **{"actual": actual, **view})
    return rig


@pytest.mark.parametrize(("late_ns", "is_told"), [(0, False), (1, True)])
def test_less_than_written_is_told_after_the_time_that_a_rise_takes(late_ns: int, is_told: bool) -> None:
    rig = looking(Word.WITHHOLD)
    read_back.watch_read_back(rig.guard, rig.guard.changed_ns + SETTLE_NS + late_ns)
    assert bool(told(rig, "read-back less")) is is_told


@pytest.mark.parametrize(("late_ns", "is_told"), [(0, False), (1, True)])
def test_more_than_written_is_told_after_the_hold_time_and_that(late_ns: int, is_told: bool) -> None:
    rig = looking(Word.MACHINE_AND_AI)
    rig.obeys = False
    guard = rig.guard
    guard.interlock.state = State.HOLD
    guard.more_since_ns = rig.now
    guard.view = dataclasses.replace(guard.view, beat_ns=rig.now + LINK.hold_ms * MS + SETTLE_NS + late_ns)
    read_back.watch_read_back(guard, guard.view.beat_ns)
    assert bool(told(rig, "read-back more")) is is_told
    assert guard.causes["plc disobeys"].active is is_told
    assert guard.causes["plc disobeys"].latched is is_told
    guard.view = dataclasses.replace(guard.view, actual=Word.WITHHOLD)
    read_back.watch_read_back(guard, guard.view.beat_ns + 1)
    assert (guard.more_since_ns, type(guard.more_since_ns)) == (0, int)
    assert guard.causes["plc disobeys"].active is False


@pytest.mark.parametrize(
    "blind",
    [{"is_up": False}, {"good": False}, {"is_up": False, "good": False}],
)
def test_what_no_good_beat_shows_is_not_judged(blind: dict[str, Any]) -> None:
    rig = looking(Word.WITHHOLD, **blind)
    read_back.watch_read_back(rig.guard, rig.guard.changed_ns + SETTLE_NS + 1)
    assert told(rig, "read-back less") == []


@pytest.mark.parametrize("name", ["stopping", "observing"])
def test_a_guard_that_ends_or_only_observes_judges_no_output(name: str) -> None:
    rig = looking(Word.MACHINE_AND_AI)
    guard = rig.guard
    guard.interlock.state = State.HOLD
    guard.stopping = name == "stopping"
    guard.is_enforcing = name != "observing"
    read_back.watch_read_back(guard, rig.now)
    assert guard.more_since_ns == 0


def test_a_alone_is_more_than_anything_that_is_ever_written() -> None:
    rig = looking(Word.ABSTAIN)
    guard = rig.guard
    assert guard.word is Word.MACHINE_AND_AI
    guard.changed_ns = rig.now
    read_back.watch_read_back(guard, rig.now)
    assert guard.more_since_ns == rig.now


def test_the_end_of_a_withdrawal_is_told_once_in_whole_milliseconds() -> None:
    rig = running(link=LINK)
    rig.guard.loop_delay_ns = 2_999_999
    rig.hold()
    rig.turn(3)
    (end,) = told(rig, "withdrawn")
    assert (type(end["evidence"]["loop_delay_ms"]), end["evidence"]["loop_delay_ms"]) == (int, 2)
    assert rig.guard.withdrawal is None
