"""The arm at work, pure: who moves it, what becomes of a command that is refused, and what a cycle came to."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jidoka.arm.body import Joints
from jidoka.arm.knobs import COMMISSIONED, Knobs
from jidoka.arm.motion import Reference, cycle, observation
from jidoka.arm.plant import Measured, Plant, distance_rad
from jidoka.arm.program import computed_torque, hold


class Mover(enum.Enum):
    """Who moves the arm."""

    POLICY = "policy"
    PROGRAM = "program"
    BRAKES = "brakes"


#: the PLC's output -> who moves the arm; with any other word the brakes are on
MOVERS = {"MACHINE_AND_AI": Mover.POLICY, "MACHINE": Mover.PROGRAM}


class Answer(NamedTuple):
    """What came of asking the policy. command: in Nm, None where the gate kept it back; why: it did, in words."""

    command: Joints | None
    why: str = ""


#: asks the policy: of an observation, (1, 10), as a record of a part
Policy = Callable[[NDArray[np.float32], int], Answer]


@dataclass
class Cycle:
    """One cycle so far. moved_by: every mover that it had; squared: sum of squared true distances from the reference;
    residual: sums of |reference − measured|; refused: commands that the gate kept back, with the first reason."""

    part: int
    steps: int = 0
    moved_by: list[str] = field(default_factory=list)
    squared: float = 0.0
    residual: list[float] = field(default_factory=lambda: [0.0, 0.0])
    command: Joints | None = None
    refused: int = 0
    why: str = ""
    is_whole: bool = False

    @property
    def error_mrad(self) -> float:
        """How far the arm truly was from its reference, root mean square."""
        return 1e3 * math.sqrt(self.squared / self.steps) if self.steps else 0.0

    @property
    def residual_mrad(self) -> float:
        """How far it was by its own encoders, mean over steps and joints."""
        return 1e3 * sum(self.residual) / (2 * self.steps) if self.steps else 0.0


class Cell:
    """One arm, its own program and a policy; `begin` a cycle, then `step` it once a control period.

    The policy is asked in every step of a cycle, whoever moves the arm: under its own program it is judged in the shadow.
    **A refused command is never used.** The last one that was accepted stays for one step; from the second refusal in a
    row on, and where none was accepted since the brakes were on, the drives carry the weight by themselves until a
    command is accepted again. They have their own readings: what is lost on the way to the policy isn't lost to them.
    """

    def __init__(self, policy: Policy, rng: np.random.Generator, knobs: Knobs = COMMISSIONED) -> None:
        self.plant = Plant(rng, knobs=knobs)
        self.reference: Reference | None = None
        self.cycle = Cycle(0)
        self._policy = policy
        self._rng = rng
        self._way: list[Reference] = []
        self._is_home = True
        self._accepted: Joints | None = None
        self._refused_in_a_row = 0

    def begin(self, part: int) -> None:
        """The next cycle: from home, or from where the arm stands if the last one was broken off."""
        self.cycle = Cycle(part)
        start = None if self._is_home else self.plant.measured().q
        self._way = cycle(self._rng) if start is None else cycle(self._rng, start)
        self._way.reverse()
        self._is_home = False

    @property
    def is_moving(self) -> bool:
        """A cycle has begun and isn't over."""
        return bool(self._way)

    def step(self, mover: Mover) -> None:
        """One control period. Brakes break the cycle off: the arm stands where it is."""
        if mover is Mover.BRAKES or not self._way:
            self.plant.stand()
            self._way.clear()
            self._accepted, self._refused_in_a_row = None, 0
            return
        reference = self.reference = self._way.pop()
        measured = self.plant.measured()
        x = observation(measured, reference)
        if self.plant.knobs.lost_entry >= 0:
            x[0, int(self.plant.knobs.lost_entry)] = np.nan
        answer = self._policy(x, self.cycle.part)
        self._note(mover, measured, reference, answer)
        if mover is Mover.POLICY:
            self.plant.move(self._used(answer, measured))
        else:
            self._accepted, self._refused_in_a_row = None, 0
            self.plant.move(computed_torque(measured, reference))
        if not self._way:
            self.cycle.is_whole = self._is_home = True

    def _used(self, answer: Answer, measured: Measured) -> Joints:
        if answer.command is not None:
            self._accepted, self._refused_in_a_row = answer.command, 0
            return answer.command
        self._refused_in_a_row += 1
        if self._refused_in_a_row == 1 and self._accepted is not None:
            return self._accepted
        self._accepted = None
        return hold(measured)

    def _note(self, mover: Mover, measured: Measured, reference: Reference, answer: Answer) -> None:
        now = self.cycle
        now.steps += 1
        if mover.value not in now.moved_by:
            now.moved_by.append(mover.value)
        now.squared += distance_rad(self.plant.q, reference.q) ** 2
        for joint in range(2):
            now.residual[joint] += abs(reference.q[joint] - measured.q[joint])
        if answer.command is None:
            now.refused += 1
            now.why = now.why or answer.why
        else:
            now.command = answer.command
