"""What the core sees of a beat: every field of the session and of its block, and what stays where no block came."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jidoka_bridge.guard.link_view import LinkView, view_of
from jidoka_bridge.link.blocks import BlockB
from jidoka_bridge.link.session import Beat, Session
from jidoka_bridge.registers import Fault, Input, Input2, Phase, PlcState, Word

BEFORE = LinkView(beat_ns=77, rtt_ns=88)
BLOCK = BlockB(
    21, 22, 23, Word.MACHINE, PlcState.ARMED, Fault.FORMAT, Input.KEY_AUTO | Input.RUNNING, press_ms=24, edges=25,
    remaining_ms=26, parts=27, recipe=28, acknowledges=29, acknowledge_reason=30, person=31,
    inputs2=Input2.FALLBACK_HEALTHY, accepted=32,
)  # fmt: skip


def seen(good: bool = True, block: BlockB | None = BLOCK, **changes: Any) -> LinkView:
    session = SimpleNamespace(
        phase=Phase.ARMED, foreign=True, is_up=True, connection_id=11, presses=12, part_count=13,
        history=[1_999, *(1_000 * each for each in range(2, 11))], **changes,
    )  # fmt: skip
    beat = SimpleNamespace(block=block, good=good, why="it is late", at_ns=14, rtt_ns=15, is_own=True)
    return view_of(cast("Session", session), cast("Beat", beat), BEFORE)


def test_every_field_is_that_of_session_block_or_beat() -> None:
    assert seen() == LinkView(
        good=True, is_up=True, why="it is late", phase=Phase.ARMED, connection=11, presses=12, edges=25,
        part_count=13, actual=Word.MACHINE, plc_state=PlcState.ARMED, fault=Fault.FORMAT,
        inputs=Input.KEY_AUTO | Input.RUNNING, inputs2=Input2.FALLBACK_HEALTHY, recipe=28, acknowledges=29,
        acknowledge_reason=30, person=31, foreign=True, remaining_ms=26, beat_ns=14, rtt_ns=15,
        rtts_us=(3, 4, 5, 6, 7, 8, 9, 10), press_ms=24,
    )  # fmt: skip


def test_an_answer_that_carried_another_block_leaves_the_time_of_the_last_that_carried_its_own() -> None:
    session = SimpleNamespace(
        phase=Phase.IDLE, foreign=False, is_up=True, connection_id=0, presses=0, part_count=0, history=[1],
    )  # fmt: skip
    beat = SimpleNamespace(block=BLOCK, good=True, why="", at_ns=99, rtt_ns=1, is_own=False)
    found = view_of(cast("Session", session), cast("Beat", beat), BEFORE)
    assert (found.good, found.is_own, found.beat_ns) == (True, False, BEFORE.beat_ns)


def test_a_round_trip_is_told_in_whole_microseconds() -> None:
    session = SimpleNamespace(
        phase=Phase.IDLE, foreign=False, is_up=False, connection_id=0, presses=0, part_count=0,
        history=[1_001_999],
    )  # fmt: skip
    beat = SimpleNamespace(block=BLOCK, good=True, why="", at_ns=1, rtt_ns=1, is_own=True)
    assert view_of(cast("Session", session), cast("Beat", beat), BEFORE).rtts_us == (1_001,)


def test_a_beat_that_is_not_good_leaves_the_time_of_the_last_good_one() -> None:
    found = seen(good=False)
    assert (found.good, found.beat_ns, found.rtt_ns) == (False, 77, 88)


def test_without_a_block_nothing_is_known_but_why() -> None:
    assert seen(good=False, block=None) == LinkView(why="it is late", phase=Phase.ARMED, foreign=True)


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(LinkView)])
def test_a_view_cannot_be_changed(field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(BEFORE, field, 1)
