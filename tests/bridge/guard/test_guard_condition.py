"""The guard condition: each lack by itself, and what it still allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from jidoka_bridge.guard.guard_condition import FALLBACK, NONE, PROVING, RUN, TARGETS, Lack, offer
from jidoka_bridge.guard.interlock import STATES, Interlock
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Times
from jidoka_bridge.registers import Input, State, Word

from tests.bridge.guard.guard_rig import DRIFT, INVALID, MS, Rig, plan

STATISTICAL = Lack("s", frozenset({PROVING}))
FORGIVEN = Lack("f", frozenset({FALLBACK}))
BOTH = Lack("b", frozenset({PROVING, FALLBACK}))
HARD = Lack("h")


@pytest.mark.parametrize(
    ("lacks", "healthy", "target"),
    [
        ((), False, RUN),
        ((HARD,), True, NONE),
        ((STATISTICAL,), False, PROVING),
        ((STATISTICAL,), True, PROVING),
        ((BOTH,), True, FALLBACK),
        ((BOTH,), False, PROVING),
        ((FORGIVEN,), True, FALLBACK),
        ((FORGIVEN,), False, NONE),
        ((FORGIVEN, STATISTICAL), True, NONE),
        ((STATISTICAL, HARD), True, NONE),
    ],
)
def test_the_target_is_what_every_lack_allows(lacks: tuple[Lack, ...], healthy: bool, target: str) -> None:
    assert offer(State.HOLD, lacks, healthy).target == target


@pytest.mark.parametrize("state", STATES)
def test_what_is_offered_the_table_can_do(state: State) -> None:
    events = {RUN: "reset to run", FALLBACK: "reset to fallback", PROVING: "reset to proving run"}
    for target, event in events.items():
        interlock = Interlock()
        interlock.state = state
        assert (target in TARGETS[state]) == interlock.apply(event).is_changed


def ready() -> Rig:
    """In HOLD with nothing lacking but the press."""
    rig = Rig()
    rig.says[DRIFT] = (Judgement.OFF, 0)
    rig.turn(3)
    rig.hold()
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "RUN"
    rig.hold()
    rig.turn(2)
    rig.acknowledge_all()
    assert rig.guard.offer.target == RUN, rig.guard.offer
    return rig


def _condition(name: str, judgement: Judgement) -> Callable[[Rig], None]:
    return lambda rig: rig.judge(name, judgement)


def _drop(name: str) -> Callable[[Rig], None]:
    def act(rig: Rig) -> None:
        setattr(rig, name, False)
        rig.turn(40)

    return act


def _stuck_disk(rig: Rig) -> None:
    """Something has to be written, and isn't."""
    rig.disk = False
    rig.acknowledge("local hold")
    rig.turn(16)


def _shows(rig: Rig) -> None:
    rig.obeys = False
    rig.view = replace(rig.view, actual=Word.MACHINE)
    rig.turn()


@pytest.mark.parametrize(
    ("spoil", "text", "target"),
    [
        (_condition(DRIFT, Judgement.ON), "R-1 is active", PROVING),
        (_condition(DRIFT, Judgement.UNKNOWN), "isn't judged yet: 3 of 20", PROVING),
        (_condition(INVALID, Judgement.ON), "R-2 is active", NONE),
        (_condition(INVALID, Judgement.UNKNOWN), f"{INVALID}: isn't judged", NONE),
        (lambda rig: rig.hold(), "local hold (revision 3) must be acknowledged", NONE),
        (_drop("monitor"), "no data:m is active", NONE),
        (_drop("steward"), "no record is active", NONE),
        (_drop("link"), "plc link is active", NONE),
        (_stuck_disk, "latch file is active", NONE),
        (lambda rig: rig.inputs(off=Input.MACHINE_READY), "the machine isn't ready", NONE),
        (lambda rig: rig.inputs(off=Input.SAFETY_CHAIN), "the safety chain is open", NONE),
        (lambda rig: rig.inputs(off=Input.KEY_AUTO), "the key switch isn't in AUTO", NONE),
        (lambda rig: rig.inputs(on=Input.OVERRIDE_KEY), "the key must go off first", NONE),
        (_shows, "the PLC's output reads MACHINE", NONE),
    ],
)
def test_each_lack_is_named_and_spoils_the_reset(
    spoil: Callable[[Rig], None], text: str, target: str
) -> None:
    rig = ready()
    spoil(rig)
    if target == PROVING and rig.guard.causes.unacknowledged():
        rig.acknowledge_all()
    assert any(text in lack for lack in rig.guard.offer.missing), rig.guard.offer
    assert rig.guard.offer.target == target
    rig.press()
    assert rig.state != "RUN"


def test_an_offer_lapses_and_a_repeated_acknowledgement_renews_it() -> None:
    rig = Rig(plan(times=Times(offer_s=10)))
    rig.says[DRIFT] = (Judgement.OFF, 0)
    rig.turn(3)
    rig.press()
    rig.hold()
    rig.turn(2)
    rig.acknowledge_all()
    assert rig.guard.offer.target == RUN
    for _ in range(11):
        rig.now += 930 * MS
        rig.turn()
    assert rig.guard.offer.target == NONE, rig.guard.offer
    assert "acknowledge again" in rig.guard.offer.missing[0]
    assert rig.acknowledge("local hold")["ok"]
    rig.turn()
    assert rig.guard.offer.target == RUN
