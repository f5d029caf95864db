"""Movement without a permissive to the nanosecond: in which states it is looked for, from when on, and for how long."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from jidoka_bridge.guard.motion import STANDING_PARTS, Motion, watch_motion
from jidoka_bridge.messages import Judgement
from jidoka_bridge.registers import Input, State, Word

from tests.bridge.guard.guard_rig import ADVICE, MS, Rig

MOVED = "moved without permissive"
BEGAN_NS = 1_000_000 * MS


class Watched:
    """A guard in this state whose output reads back as withheld since BEGAN_NS."""

    def __init__(self, state: State) -> None:
        self.rig = Rig()
        self.rig.turn(3)
        self.rig.guard.interlock.state = state
        self.rig.guard.motion = Motion()
        self.look(0)

    def look(self, after_ns: int, runs: bool = False, parts: int = 0, **view: Any) -> bool:
        """Is the cause active at this moment?"""
        guard = self.rig.guard
        inputs = self.rig.view.inputs | (Input.RUNNING if runs else Input(0))
        guard.view = dataclasses.replace(
            self.rig.view, inputs=inputs, actual=Word.WITHHOLD, part_count=parts, **view
        )
        watch_motion(guard, BEGAN_NS + after_ns)
        return guard.causes[MOVED].active


@pytest.mark.parametrize(
    ("state", "is_watched"),
    [(State.START_UP, True), (State.HOLD, True), (State.LOCKOUT, True), (State.RUN, False), (State.OVERRIDE, False)],
)  # fmt: skip
def test_it_is_looked_for_where_nothing_is_permitted_after_the_run_out(
    state: State, is_watched: bool
) -> None:
    watched = Watched(state)
    assert not watched.look(2_000 * MS, runs=True)
    assert watched.look(2_000 * MS + 1, runs=True) is is_watched


def test_a_part_counts_as_movement_for_two_seconds() -> None:
    watched = Watched(State.HOLD)
    made_ns = 2_000 * MS + 1
    assert watched.look(made_ns, parts=1)
    assert watched.look(made_ns + 2_000 * MS, parts=1)
    assert not watched.look(made_ns + 2_000 * MS + 1, parts=1)
    assert watched.rig.guard.motion.part_ns == BEGAN_NS + made_ns


def test_a_part_within_the_run_out_counts_for_nothing() -> None:
    watched = Watched(State.HOLD)
    assert not watched.look(2_000 * MS, parts=1)
    assert not watched.look(2_000 * MS + 1, parts=1)
    assert watched.rig.guard.motion.part_ns == 0


def test_without_a_link_everything_begins_anew() -> None:
    watched = Watched(State.HOLD)
    motion = watched.rig.guard.motion
    watched.look(9 * MS, parts=5)
    assert (motion.off_ns, motion.parts) == (BEGAN_NS, 5)
    motion.stood_ns = 7
    watched.look(10 * MS, is_up=False)
    assert (motion.off_ns, motion.stood_ns, motion.parts) == (0, 0, -1)


def told_of(rig: Rig, event: str) -> list[dict[str, Any]]:
    rig.collect()
    return [each for each in rig.events if each["event"] == event]


def test_movement_while_withheld_is_latched_and_waits_for_a_person() -> None:
    rig = Rig()
    rig.turn(3)
    rig.inputs(on=Input.RUNNING)
    rig.turn(40)
    cause = rig.guard.causes["moved without permissive"]
    assert (cause.active, cause.latched, rig.state) == (True, True, "LOCKOUT")


def test_running_in_changeover_is_told_when_it_comes_and_when_it_goes() -> None:
    rig = Rig()
    rig.turn(3)
    rig.inputs(on=Input.RUNNING | Input.CHANGEOVER)
    rig.turn(40)
    assert len(told_of(rig, "running in changeover")) == 1
    rig.judge(ADVICE, Judgement.ON)
    rig.inputs(off=Input.RUNNING)
    (gone,) = told_of(rig, "cause off")
    assert gone["cause"] == "running in changeover"


def test_parts_of_a_machine_that_says_it_stands_count_after_the_run_out_only() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    guard, run_out_ns = rig.guard, rig.plan.times.run_out_ms * MS
    guard.motion = Motion()
    guard.view = dataclasses.replace(rig.view, inputs=rig.view.inputs & ~Input.RUNNING, part_count=0)
    watch_motion(guard, rig.now)
    guard.view = dataclasses.replace(guard.view, part_count=1)
    watch_motion(guard, rig.now + run_out_ns)
    assert guard.motion.standing_parts == 0
    guard.view = dataclasses.replace(guard.view, part_count=1 + STANDING_PARTS)
    watch_motion(guard, rig.now + run_out_ns + 1)
    assert guard.motion.standing_parts == STANDING_PARTS


@pytest.mark.parametrize("name", ["stopping", "observing"])
def test_a_guard_that_ends_or_only_observes_watches_no_motion(name: str) -> None:
    watched = Watched(State.HOLD)
    watched.rig.guard.stopping = name == "stopping"
    watched.rig.guard.is_enforcing = name != "observing"
    assert not watched.look(3_000 * MS, runs=True)
