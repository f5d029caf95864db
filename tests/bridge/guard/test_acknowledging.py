"""Acknowledging at the PLC's own panel, by two persons, from elsewhere, and by mistake."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.messages import Judgement, Kind
from jidoka_bridge.registers import Input
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

from tests.bridge.guard.guard_rig import DRIFT, INVALID, MS, Rig, plan

ON, OFF = Judgement.ON, Judgement.OFF
READ_TURNS = 1_000 // 70 + 2
REASON = ACKNOWLEDGE_REASONS.index("cause removed") + 1


def running(**changes: Any) -> Rig:
    rig = Rig(plan(**changes))
    rig.turn(3)
    rig.prove()
    return rig


def at_the_plc(rig: Rig, reason: int = REASON, person: int = 4, times: int = 1) -> None:
    """Somebody presses the key of the PLC's own panel."""
    counter = rig.view.acknowledges + times & 0xFF
    rig.view = dataclasses.replace(rig.view, acknowledges=counter, acknowledge_reason=reason, person=person)
    rig.turn()


# ---------------------------------------------------------------------- the PLC's own panel


@pytest.mark.parametrize("ack_at", ["plc", "either"])
def test_what_the_plcs_panel_showed_long_enough_is_acknowledged_there_one_after_the_other(
    ack_at: str,
) -> None:
    rig = running(ack_at=ack_at)
    rig.judge(INVALID, ON)
    rig.hold()
    rig.judge(INVALID, OFF)
    assert rig.guard.ask().reason == 33
    rig.turn(READ_TURNS)
    at_the_plc(rig)
    assert rig.guard.causes["R-2"].person == {"role": "operator", "pseudonym": "PLC 4"}
    assert rig.last("acknowledge")["reason"] == "cause removed"
    assert rig.guard.ask().reason == 8  # the next that waits: the hold
    rig.turn(READ_TURNS)
    at_the_plc(rig, person=0)
    assert rig.guard.causes.unacknowledged() == []
    rig.turn(2)
    rig.press()
    assert rig.state == "RUN"


def test_what_it_didnt_show_long_enough_to_be_read_isnt_acknowledged() -> None:
    rig = running(ack_at="plc")
    rig.judge(INVALID, ON)
    rig.turn(5)
    at_the_plc(rig)
    assert "has changed" in rig.last("acknowledge refused")["reasons"][0]
    rig.turn(READ_TURNS)
    rig.judge(INVALID, OFF)
    rig.judge(INVALID, ON)  # another revision than the one that was read
    at_the_plc(rig)
    assert rig.guard.causes.unacknowledged()


@pytest.mark.parametrize("reason", [0, len(ACKNOWLEDGE_REASONS) + 1])
def test_a_reason_is_needed_there_too(reason: int) -> None:
    rig = running(ack_at="plc")
    rig.judge(INVALID, ON)
    rig.turn(READ_TURNS)
    at_the_plc(rig, reason=reason)
    assert "isn't a reason" in rig.last("acknowledge refused")["reasons"][0]


def test_without_a_cause_there_is_nothing_to_acknowledge() -> None:
    rig = running(ack_at="plc")
    rig.turn(READ_TURNS)
    at_the_plc(rig)
    assert rig.last("acknowledge refused")["reasons"] == ["there is no cause ''"]


def test_where_the_plan_says_so_only_one_of_the_two_panels_counts() -> None:
    rig = running(ack_at="panel")
    rig.judge(INVALID, ON)
    rig.turn(READ_TURNS)
    at_the_plc(rig)
    assert "from the PLC's panel" in rig.last("acknowledge refused")["reasons"][0]
    rig = running(ack_at="plc")
    rig.judge(INVALID, ON)
    rig.turn(2)
    assert "from the PLC's panel only" in rig.acknowledge("R-2")["refused"]


def test_what_needs_another_role_is_acknowledged_at_this_panel_wherever_the_rest_is() -> None:
    rig = running(ack_at="plc")
    rig.judge(INVALID, ON)
    rig.turn(READ_TURNS)
    rig.guard.causes["R-2"].needs_role = "maintenance"
    at_the_plc(rig)
    assert "by maintenance" in rig.last("acknowledge refused")["reasons"][0]
    assert rig.acknowledge("R-2", role="maintenance")["ok"]


def test_a_counter_that_is_of_another_session_or_from_before_acknowledges_nothing() -> None:
    rig = running(ack_at="plc")
    rig.judge(INVALID, ON)
    rig.turn(READ_TURNS)
    rig.view = dataclasses.replace(rig.view, connection=8)
    at_the_plc(rig)
    assert rig.guard.causes.unacknowledged()
    guard = Guard(plan(ack_at="plc"), Latch(1, b"b" * 16, {**NEW, "clean": False}), "", [], 1)
    guard.beat(5_000 * MS, dataclasses.replace(rig.view, acknowledges=200, beat_ns=5_000 * MS))
    assert guard.causes.unacknowledged()


# ---------------------------------------------------------------------- two persons


def test_a_reset_of_two_waits_for_a_second_person() -> None:
    rig = running(reset_needs="two")
    rig.hold()
    rig.turn(2)
    assert rig.acknowledge("local hold")["ok"]
    assert any("acknowledged by a second person" in lack for lack in rig.guard.offer.missing)
    assert rig.acknowledge("local hold")["ok"]  # the same one
    rig.press()
    assert rig.state == "HOLD"
    assert rig.acknowledge("local hold", person="p2", role="quality")["ok"]
    rig.turn(2)
    assert rig.acknowledge("local hold", person="p2")["ok"]  # the offer begins anew
    cause = rig.guard.causes["local hold"]
    assert [cause.person, cause.second] == [
        {"role": "operator", "pseudonym": "p1"},
        {"role": "quality", "pseudonym": "p2"},
    ]
    rig.press()
    assert rig.state == "RUN"


def test_the_alarm_isnt_acknowledged_before_the_second_person() -> None:
    rig = running(reset_needs="two")
    rig.hold()
    rig.guard.take_outbox()
    for person, seen in (("p1", 0), ("p2", 1)):
        body = {"cause": "local hold", "revision": 1, "reason": "other", "role": "operator", "person": person}
        rig.guard.act(rig.now, Kind.ACKNOWLEDGE, body)
        told = [out.body for out in rig.guard.take_outbox() if out.kind is Kind.CAUSE]
        assert told[-1]["acknowledged_revision"] == seen


def test_after_a_day_the_second_person_is_the_first_again() -> None:
    rig = running(reset_needs="two")
    rig.hold()
    rig.acknowledge("local hold")
    rig.now += 24 * 3_600_000 * MS + 1
    rig.acknowledge("local hold", person="p2")
    assert rig.guard.causes["local hold"].waits_for_second
    rig.acknowledge("local hold", person="p1")
    assert rig.guard.causes["local hold"].is_acknowledged


def test_after_a_restart_nobody_knows_how_old_the_first_acknowledgement_is_so_the_next_is_the_first() -> None:
    rig = running(reset_needs="two")
    rig.hold()
    rig.acknowledge("local hold")
    again = Rig(rig.plan, rig.content)
    again.turn(3)
    again.acknowledge("local hold", person="p2")
    assert again.guard.causes["local hold"].waits_for_second
    again.acknowledge("local hold", person="p1")
    assert again.guard.causes["local hold"].is_acknowledged


def test_people_without_a_name_are_one_person() -> None:
    rig = running(reset_needs="two")
    rig.hold()
    rig.acknowledge("local hold", person="")
    rig.acknowledge("local hold", person="", role="quality")
    assert rig.guard.causes["local hold"].waits_for_second


@pytest.mark.parametrize("nobody", ["", "PLC 0"])
def test_whoever_gives_no_name_isnt_a_second_person_beside_one_who_did(nobody: str) -> None:
    """PLC 0: an acknowledgement at the PLC's own panel without a person's number."""
    rig = running(reset_needs="two")
    rig.hold()
    cause = rig.guard.causes["local hold"]
    for person, waits in ((nobody, True), ("p1", True), (nobody, True), ("p1", True), ("p2", False)):
        assert rig.acknowledge("local hold", person=person)["ok"]
        assert cause.waits_for_second is waits, person
    assert [cause.person, cause.second] == [
        {"role": "operator", "pseudonym": "p1"},
        {"role": "operator", "pseudonym": "p2"},
    ]


def test_a_cause_of_an_earlier_plan_needs_as_many_persons_as_any() -> None:
    rig = Rig(plan(reset_needs="two"), {"causes": {"R-77": [True, 1, 0, None, ""]}})
    rig.turn(3)
    assert rig.acknowledge("R-77")["ok"]
    assert "R-77" in {cause.id for cause in rig.guard.causes.unacknowledged()}
    assert rig.acknowledge("R-77", person="p2")["ok"]
    assert "R-77" not in {cause.id for cause in rig.guard.causes.unacknowledged()}


def test_both_outlive_a_restart() -> None:
    rig = running(reset_needs="two")
    rig.hold()
    rig.acknowledge("local hold")
    rig.acknowledge("local hold", person="p2")
    again = Rig(rig.plan, rig.content)
    again.turn(3)
    assert "local hold" not in {cause.id for cause in again.guard.causes.unacknowledged()}


# ---------------------------------------------------------------------- from elsewhere, and by mistake


def test_from_elsewhere_it_is_marked_as_seen_and_counts_for_nothing() -> None:
    rig = running()
    rig.judge(INVALID, ON)
    answer = rig.acknowledge("R-2", remote=True, person="far")
    assert (answer["ok"], rig.last("seen remotely")["person"]["pseudonym"]) == (False, "far")
    assert rig.guard.causes["R-2"].seen == {"role": "operator", "pseudonym": "far"}
    assert rig.guard.causes["R-2"] in rig.guard.causes.unacknowledged()
    rig.judge(INVALID, OFF)
    rig.judge(INVALID, ON)
    assert rig.guard.causes["R-2"].seen is None


@pytest.mark.parametrize("changes", [{"role": "viewer"}, {"cause": "nothing"}])
def test_from_elsewhere_nobody_marks_what_isnt_there_or_isnt_his(changes: dict[str, Any]) -> None:
    rig = running()
    rig.judge(INVALID, ON)
    body = {"cause": "R-2", "revision": 1, "role": "operator", "remote": True, **changes}
    rig.guard.act(rig.now, Kind.ACKNOWLEDGE, body)
    rig.turn()
    assert rig.last("acknowledge refused")


def test_a_wrong_acknowledgement_is_taken_back_by_the_same_role() -> None:
    rig = running()
    rig.judge(INVALID, ON)
    rig.judge(INVALID, OFF)
    assert "isn't acknowledged" in rig.acknowledge("R-2", undo=True)["refused"]
    rig.acknowledge_all()
    rig.turn(2)
    assert rig.guard.offer.target == "run"
    assert "by another role" in rig.acknowledge("R-2", undo=True, role="quality")["refused"]
    assert "from elsewhere" in rig.acknowledge("R-2", undo=True, remote=True)["refused"]
    assert "has changed" in rig.acknowledge("R-2", undo=True, revision=0)["refused"]
    assert rig.acknowledge("R-2", undo=True, reason="acknowledged by mistake")["ok"]
    assert rig.guard.offer.target == "none"
    rig.press()
    assert rig.state == "HOLD"
    assert rig.last("acknowledge taken back")["cause"] == "R-2"


def test_drift_while_standing_is_shown_at_the_plc_as_the_first_cause_until_the_reset() -> None:
    rig = running()
    rig.judge(DRIFT, ON)
    rig.inputs(off=Input.RUNNING)
    rig.turn(2)
    rig.acknowledge_all()
    assert rig.guard.ask().reason == 32
