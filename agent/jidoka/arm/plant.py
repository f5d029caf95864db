"""The arm as it moves: motors, encoders and brakes around the rigid body, integrated with Runge–Kutta steps."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from jidoka.arm.body import TORQUE_LIMITS_NM, UNLOADED, Joints, Load, Number, accelerations
from jidoka.arm.knobs import COMMISSIONED, Knobs

PERIOD_S = 0.02  # between two commands
SUB_STEPS = 4  # of 5 ms: fine enough for the most dry friction that the knobs allow
#: noise of a measured speed, by that of the position: a differentiator with a window of 50 ms
SPEED_NOISE_PER_S = 20.0
HOME = Joints(0.6, -1.2)


class Measured(NamedTuple):
    """What the encoders show: angles in rad, speeds in rad/s."""

    q: Joints
    dq: Joints


class Plant:
    """One arm, or `count` of them side by side (then every number is an array of that length).

    rng: of the encoders' noise; `q` and `dq` are the truth, `measured()` what the encoders show of it.
    """

    def __init__(
        self, rng: np.random.Generator, count: int | None = None, knobs: Knobs = COMMISSIONED
    ) -> None:
        self.knobs = knobs
        self._rng = rng
        self._count = count
        self.q = self._all(HOME)
        self.dq = self._all(Joints(0.0, 0.0))

    def _all(self, joints: Joints) -> Joints:
        if self._count is None:
            return joints
        return Joints(*(np.full(self._count, float(each)) for each in joints))

    def measured(self) -> Measured:
        """Fresh readings of both encoders."""
        knobs = self.knobs
        noise = self._rng.standard_normal(4 if self._count is None else (4, self._count))
        n = (
            (noise * knobs.encoder_noise_rad).tolist()
            if self._count is None
            else noise * knobs.encoder_noise_rad
        )
        return Measured(
            Joints(
                self.q.shoulder + knobs.shoulder_bias_rad + n[0], self.q.elbow + knobs.elbow_bias_rad + n[1]
            ),
            Joints(self.dq.shoulder + SPEED_NOISE_PER_S * n[2], self.dq.elbow + SPEED_NOISE_PER_S * n[3]),
        )

    def move(self, command: Joints) -> None:
        """One control period under a command in Nm: the motors give what they can of it."""
        knobs = self.knobs
        torque = Joints(*(
            knobs.motor_gain * clip(each, limit) for each, limit in zip(command, TORQUE_LIMITS_NM, strict=True)
        ))  # fmt: skip
        load = Load(knobs.payload_kg, knobs.coulomb_nm)
        for _ in range(SUB_STEPS):
            self.q, self.dq = runge_kutta(self.q, self.dq, torque, PERIOD_S / SUB_STEPS, load)

    def stand(self) -> None:
        """One control period on the brakes: whatever was commanded, the arm stays where it is."""
        self.dq = self._all(Joints(0.0, 0.0))


def clip(value: Number, limit: float) -> Number:
    """Within ± limit."""
    return np.clip(value, -limit, limit) if isinstance(value, np.ndarray) else max(-limit, min(limit, value))


def runge_kutta(
    q: Joints, dq: Joints, torque: Joints, step_s: float, load: Load = UNLOADED
) -> tuple[Joints, Joints]:
    """Angles and speeds after one classical step of fourth order."""

    def ahead(base: Joints, slope: Joints, by_s: float) -> Joints:
        return Joints(base.shoulder + by_s * slope.shoulder, base.elbow + by_s * slope.elbow)

    half = step_s / 2
    a1 = accelerations(q, dq, torque, load)
    v2 = ahead(dq, a1, half)
    a2 = accelerations(ahead(q, dq, half), v2, torque, load)
    v3 = ahead(dq, a2, half)
    a3 = accelerations(ahead(q, v2, half), v3, torque, load)
    v4 = ahead(dq, a3, step_s)
    a4 = accelerations(ahead(q, v3, step_s), v4, torque, load)

    def mean(first: Joints, second: Joints, third: Joints, fourth: Joints) -> Joints:
        return Joints(*(
            (a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(first, second, third, fourth, strict=True)
        ))  # fmt: skip

    return ahead(q, mean(dq, v2, v3, v4), step_s), ahead(dq, mean(a1, a2, a3, a4), step_s)


def distance_rad(one: Joints, other: Joints) -> Number:
    """How far two poses are apart: the root mean square over the joints."""
    square = (one.shoulder - other.shoulder) ** 2 + (one.elbow - other.elbow) ** 2
    return np.sqrt(square / 2) if isinstance(square, np.ndarray) else math.sqrt(square / 2)
