"""Acknowledging at the PLC's own panel: only what was shown there can have been meant."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from jidoka_bridge.guard.panel import Shown
from jidoka_bridge.messages import Judgement
from jidoka_bridge.registers import State

from tests.bridge.guard.guard_rig import DRIFT, INVALID, Rig, plan

if TYPE_CHECKING:
    from jidoka_bridge.guard.causes import Cause

#: beats after which a cause has stood there for long enough to be read
READ_TURNS = 20


def at_the_plc(rig: Rig) -> None:
    """Somebody presses the panel's key; the next beat tells of it."""
    rig.view = replace(
        rig.view, acknowledges=rig.view.acknowledges + 1 & 0xFF, acknowledge_reason=1, person=4
    )


def tripped() -> Rig:
    """A cause waits, and has stood at the panel for a while."""
    rig = Rig(plan(ack_at="either"))
    rig.turn(3)
    rig.prove()
    rig.judge(INVALID, Judgement.ON)
    rig.turn(READ_TURNS)
    assert rig.guard.interlock.state is State.HOLD
    return rig


def is_acknowledged(rig: Rig, cause: str = "R-2") -> bool:
    return rig.guard.causes[cause].is_acknowledged


def test_a_press_of_its_key_acknowledges_what_it_shows() -> None:
    rig = tripped()
    at_the_plc(rig)
    rig.turn()
    assert is_acknowledged(rig)


def test_what_was_pressed_while_the_link_was_away_was_pressed_on_something_else() -> None:
    rig = tripped()
    rig.link = False
    rig.turn(5)
    at_the_plc(rig)
    rig.link = True
    rig.turn(READ_TURNS + 1)
    assert not is_acknowledged(rig)
    at_the_plc(rig)
    rig.turn()
    assert is_acknowledged(rig), "now it has stood there again for a second"


def test_a_cause_that_only_went_out_isnt_shown() -> None:
    rig = tripped()
    guard = rig.guard
    guard.shown.cause, guard.shown.revision = "", 0
    at_the_plc(rig)
    rig.turn()
    assert not is_acknowledged(rig)


def test_where_answers_are_lost_the_plc_may_show_another_cause_than_was_answered() -> None:
    rig = tripped()
    rig.guard.shown.asked = ("R-1", 1)
    rig.guard.shown.is_sure = False
    at_the_plc(rig)
    rig.turn()
    assert not is_acknowledged(rig)
    assert rig.last("acknowledge refused")["person"]["pseudonym"] == "PLC 4", "and that is on record"
    rig.turn(READ_TURNS)
    at_the_plc(rig)
    rig.turn()
    assert is_acknowledged(rig)


def test_an_unanswered_request_that_said_something_else_makes_it_unsure_until_the_next_answer() -> None:
    shown = Shown()
    shown.cause, shown.revision = "R-2", 1
    first, second = (cast("Cause", SimpleNamespace(id=name, revision=1)) for name in ("R-2", "R-1"))
    shown.asks(first)
    assert shown.is_sure
    shown.asks(second)
    shown.asks(first)
    assert not shown.is_sure, "what went out in between may stand there"
    shown.answered(5)
    assert (shown.is_sure, shown.cause) == (True, "R-2")


def test_a_press_while_the_link_was_away_is_on_record_as_refused() -> None:
    rig = tripped()
    rig.link = False
    rig.turn(5)
    at_the_plc(rig)
    rig.link = True
    rig.turn()
    assert rig.last("acknowledge refused")["person"]["pseudonym"] == "PLC 4"


def test_a_plc_that_begins_anew_counts_from_0_and_nobody_pressed() -> None:
    rig = tripped()
    at_the_plc(rig)
    rig.turn()
    rig.view = replace(rig.view, acknowledges=0)
    before = len(rig.events)
    rig.turn()
    assert not [each for each in rig.events[before:] if each["event"].startswith("acknowledge")]


def test_the_press_that_brings_the_counter_back_to_0_counts_as_any_other() -> None:
    rig = Rig(plan(ack_at="either"))
    rig.view = replace(rig.view, acknowledges=255)
    rig.turn(3)
    rig.prove()
    rig.judge(INVALID, Judgement.ON)
    rig.turn(READ_TURNS)
    at_the_plc(rig)
    assert rig.view.acknowledges == 0
    rig.turn()
    assert is_acknowledged(rig)


def test_a_counter_of_another_session_is_a_new_beginning() -> None:
    rig = tripped()
    at_the_plc(rig)
    rig.view = replace(rig.view, connection=8)
    rig.turn()
    assert not is_acknowledged(rig)
    at_the_plc(rig)
    rig.turn()
    assert is_acknowledged(rig)


def test_an_answer_to_another_block_says_nothing_of_the_key() -> None:
    rig = tripped()
    at_the_plc(rig)
    rig.view = replace(rig.view, is_own=False)
    rig.turn()
    assert not is_acknowledged(rig)
    rig.view = replace(rig.view, is_own=True)
    rig.turn()
    assert is_acknowledged(rig)


def test_an_offer_that_lapsed_is_renewed_at_the_plc_where_that_is_the_only_place() -> None:
    rig = Rig(plan(ack_at="plc"), content={"clean": False})
    rig.turn(3)
    rig.judge(DRIFT, Judgement.OFF)
    rig.turn(READ_TURNS)
    at_the_plc(rig)
    rig.turn(8700)
    assert rig.guard.offer.missing == ("the reset was on offer for too long: acknowledge again",)
    at_the_plc(rig)
    rig.turn(3)
    assert rig.guard.offer.target != "none"
