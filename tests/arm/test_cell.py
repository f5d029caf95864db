"""Who moves the arm, and what becomes of a command that is refused: never the arm's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from jidoka.arm.body import Joints
from jidoka.arm.cell import MOVERS, Answer, Cell, Mover
from jidoka.arm.knobs import COMMISSIONED, Knobs
from jidoka.arm.motion import CYCLE_STEPS, Reference
from jidoka.arm.plant import HOME, Measured, distance_rad
from jidoka.arm.program import computed_torque, hold
from jidoka_bridge.registers import Word
from numpy.typing import NDArray


class Script:
    """A policy that answers as the arm's own program would, except where the script says otherwise."""

    def __init__(self, other: dict[int, Answer] | None = None) -> None:
        self.other = other or {}
        self.asked: list[NDArray[np.float32]] = []
        self.parts: list[int] = []

    def __call__(self, x: NDArray[np.float32], part: int) -> Answer:
        self.asked.append(x)
        self.parts.append(part)
        if len(self.asked) in self.other:
            return self.other[len(self.asked)]
        q1, q2, v1, v2, r1, r2, rv1, rv2, ra1, ra2 = x[0].tolist()
        reference = Reference(Joints(r1, r2), Joints(rv1, rv2), Joints(ra1, ra2))
        return Answer(computed_torque(Measured(Joints(q1, q2), Joints(v1, v2)), reference))


class Watched(Cell):
    """A cell that remembers what its motors got."""

    def __init__(self, policy: Script, knobs: Knobs = COMMISSIONED) -> None:
        super().__init__(policy, np.random.default_rng(1), knobs)
        self.given: list[Joints] = []
        move = self.plant.move

        def remember(command: Joints) -> None:
            self.given.append(command)
            move(command)

        self.plant.move = remember  # type: ignore[method-assign]


REFUSED = Answer(None, "too much")


def test_with_a_the_policy_moves_the_arm_with_m_its_own_program_and_else_nobody() -> None:
    assert {word.name: MOVERS.get(word.name, Mover.BRAKES) for word in Word} == {
        "WITHHOLD": Mover.BRAKES,
        "ABSTAIN": Mover.BRAKES,
        "MACHINE": Mover.PROGRAM,
        "MACHINE_AND_AI": Mover.POLICY,
    }


def test_a_cycle_under_the_policy_is_one_question_a_step_for_its_part_and_ends_at_home() -> None:
    script = Script()
    cell = Watched(script)
    cell.begin(7)
    while cell.is_moving:
        cell.step(Mover.POLICY)
    assert script.parts == [7] * CYCLE_STEPS
    assert len(cell.given) == CYCLE_STEPS
    assert cell.cycle.is_whole
    assert (cell.cycle.moved_by, cell.cycle.refused) == (["policy"], 0)
    assert cell.cycle.error_mrad < 15
    assert distance_rad(cell.plant.q, HOME) < 0.01


def test_in_the_shadow_the_policy_is_asked_and_moves_nothing() -> None:
    absurd = Answer(Joints(1e3, 1e3))
    script = Script(dict.fromkeys(range(1, CYCLE_STEPS + 1), absurd))
    cell = Watched(script)
    cell.begin(1)
    while cell.is_moving:
        cell.step(Mover.PROGRAM)
    assert len(script.asked) == CYCLE_STEPS
    assert absurd.command not in cell.given
    assert cell.cycle.moved_by == ["program"]
    assert cell.cycle.error_mrad < 15


def test_a_refused_command_is_not_used_the_last_accepted_one_stays_for_one_step_then_the_weight_is_carried() -> (
    None
):
    script = Script({3: REFUSED, 4: REFUSED, 5: REFUSED})
    cell = Watched(script, Knobs(encoder_noise_rad=0.0))
    cell.begin(1)
    for _ in range(3):
        cell.step(Mover.POLICY)
    assert cell.given[2] == cell.given[1]
    for step in (3, 4):
        carried = hold(cell.plant.measured())
        cell.step(Mover.POLICY)
        assert cell.given[step] == carried
    cell.step(Mover.POLICY)
    assert cell.given[5] != cell.given[4]
    assert (cell.cycle.refused, cell.cycle.why) == (3, "too much")


def test_where_nothing_was_accepted_since_the_brakes_the_first_refusal_already_carries_the_weight() -> None:
    cell = Watched(Script({1: REFUSED, 42: REFUSED}), Knobs(encoder_noise_rad=0.0))
    cell.begin(1)
    carried = hold(cell.plant.measured())
    cell.step(Mover.POLICY)
    assert cell.given == [carried]
    while cell.is_moving:
        cell.step(Mover.POLICY)
    cell.step(Mover.BRAKES)
    cell.begin(2)
    cell.step(Mover.POLICY)
    carried = hold(cell.plant.measured())
    cell.step(Mover.POLICY)
    assert cell.given[-1] != carried, "step 42 is the second after the brakes: one command was accepted"


def test_brakes_break_a_cycle_off_and_the_next_one_begins_where_the_arm_stands() -> None:
    cell = Watched(Script())
    cell.begin(1)
    for _ in range(12):
        cell.step(Mover.POLICY)
    cell.step(Mover.BRAKES)
    stands = cell.plant.q
    assert not cell.is_moving
    assert not cell.cycle.is_whole
    cell.step(Mover.BRAKES)
    assert cell.plant.q == stands
    assert len(cell.given) == 12
    cell.begin(2)
    cell.step(Mover.PROGRAM)
    assert cell.reference is not None
    assert distance_rad(cell.reference.q, stands) < 0.02


def test_what_is_lost_on_the_way_to_the_policy_is_not_lost_to_the_drives() -> None:
    script = Script(dict.fromkeys(range(1, CYCLE_STEPS + 1), REFUSED))
    cell = Watched(script, Knobs(lost_entry=1, encoder_noise_rad=0.0))
    cell.begin(1)
    while cell.is_moving:
        cell.step(Mover.POLICY)
    assert all(math.isnan(x[0, 1]) and not math.isnan(x[0, 0]) for x in script.asked)
    assert all(math.isfinite(torque) for command in cell.given for torque in command)
    assert cell.plant.q == pytest.approx(HOME, abs=0.01)
    assert cell.cycle.command is None
