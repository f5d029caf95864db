"""Public control policies, and streams of plausible observations for them: no simulator, a stand-in for each body.

What each entry of an observation means, the control period and the scale of an action are those of the environments
that the policies were trained in (MuJoCo Playground: Go1 and G1 joystick, LEAP cube reorientation). The bodies are
not: joints follow their targets as a servo of first order does, everything else is a smooth random walk
(Ornstein–Uhlenbeck) within what such a machine does. The loop is closed: a command moves the joints, and is the
observation's last action, only if it was let through; else the last one that was stays in force.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: of the noise that training added; all of it is far more than an encoder has
NOISE = 0.1
ACTION_SCALE = 0.5  # rad for an action of 1


class Body(Protocol):
    """What a policy sees and moves."""

    def observation(self) -> Floats: ...

    def move(self, action: Floats) -> None:
        """One control period with this action in force."""


class Walk:
    """Smooth random walks: each about its mean, with its standard deviation and correlation time in seconds."""

    def __init__(self, rng: np.random.Generator, mean: list[float], std: list[float], tau_s: float, period_s: float) -> None:  # fmt: skip
        self.mean = np.array(mean)
        self._rng = rng
        self._keep = float(np.exp(-period_s / tau_s))
        self._kick = np.array(std) * float(np.sqrt(1.0 - self._keep**2))
        self.offset = np.array(std) * rng.standard_normal(len(std))

    def step(self) -> Floats:
        self.offset = self._keep * self.offset + self._kick * self._rng.standard_normal(self.offset.size)
        return self.mean + self.offset


class Joints:
    """Servos of first order: each step goes `lag` of the way to the target, and a little is pushed by the world."""

    def __init__(self, rng: np.random.Generator, count: int, lag: float, period_s: float) -> None:
        self.q, self.dq = np.zeros(count), np.zeros(count)
        self._lag, self._period_s = lag, period_s
        self._push = Walk(rng, [0.0] * count, [0.02] * count, 0.3, period_s)

    def move(self, targets: Floats) -> None:
        before = self.q
        self.q = before + self._lag * (targets + self._push.step() - before)
        self.dq = (self.q - before) / self._period_s


class Walker:
    """A walking robot under a joystick. Velocity and turn follow it with a lag, the trunk sways."""

    #: of training's noise: joints, joint velocities, gyro, gravity, velocity
    SCALES = (0.03, 1.5, 0.2, 0.05, 0.1)
    COMMAND = (1.0, 0.5, 1.0)  # m/s, m/s, rad/s: largest
    KEEP_S = 5.0  # a joystick stays this long on average
    PERIOD_S = 0.02
    LAG = 0.1  # from 0.2 on the G1's loop rings

    def __init__(self, rng: np.random.Generator, joints: int) -> None:
        self._rng = rng
        self.joints = Joints(rng, joints, self.LAG, self.PERIOD_S)
        self.action = np.zeros(joints)
        self.wanted = self.command = np.zeros(3)
        self._sway = Walk(rng, [0.0] * 8, [0.1, 0.1, 0.1, 0.3, 0.3, 0.2, 0.05, 0.05], 0.2, self.PERIOD_S)
        self._shown = self._sway.step()

    def noisy(self, values: Floats, scale: float) -> Floats:
        return values + NOISE * scale * self._rng.uniform(-1.0, 1.0, values.size)

    def move(self, action: Floats) -> None:
        self.action = action
        self.joints.move(ACTION_SCALE * action)
        self._shown = self._sway.step()
        if self._rng.random() < self.PERIOD_S / self.KEEP_S:
            self.wanted = self._rng.uniform(-1.0, 1.0, 3) * self.COMMAND
        self.command = self.command + 0.1 * (self.wanted - self.command)

    def trunk(self) -> list[Floats]:
        """Velocity, turn rate and the direction of gravity, as a trunk's instruments give them."""
        sway = self._shown
        gyro, gravity, velocity = self.SCALES[2:]
        speed = np.array([self.command[0], self.command[1], 0.0])
        turn = np.array([0.0, 0.0, self.command[2]])
        down = np.array([sway[6], sway[7], -np.sqrt(1.0 - sway[6] ** 2 - sway[7] ** 2)])
        return [
            self.noisy(speed + sway[:3], velocity),
            self.noisy(turn + sway[3:6], gyro),
            self.noisy(down, gravity),
        ]

    def legs(self) -> list[Floats]:
        """Joints from their default, their velocities, the action in force."""
        return [
            self.noisy(self.joints.q, self.SCALES[0]),
            self.noisy(self.joints.dq, self.SCALES[1]),
            self.action,
        ]


class Quadruped(Walker):
    """Go1: 48 entries: velocity, turn, gravity, 12 joints, their velocities, the last action, the joystick."""

    COMMAND = (1.5, 0.8, 1.2)

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng, 12)

    def observation(self) -> Floats:
        return np.concatenate([*self.trunk(), *self.legs(), self.command])


class Humanoid(Walker):
    """G1: 103 entries: velocity, turn, gravity, the joystick, 29 joints, their velocities, the last action, the gait."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng, 29)
        self._phase = np.array([0.0, np.pi])
        self._turn = 2.0 * np.pi * self.PERIOD_S * rng.uniform(1.25, 1.5)

    def move(self, action: Floats) -> None:
        super().move(action)
        self._phase = self._phase + self._turn

    def observation(self) -> Floats:
        gait = [np.cos(self._phase), np.sin(self._phase)]
        return np.concatenate([*self.trunk(), self.command, *self.legs(), *gait])


class Hand:
    """LEAP: 57 entries: 16 joints, how far each is from its target, where the cube is and how it is turned, the action.

    An action moves the targets. The cube lies near the palm and turns, and so does its goal: the difference is walked.
    """

    PERIOD_S = 0.05
    LAG = 0.3
    LOW, HIGH = np.tile([-0.3, -0.5, -0.3, -0.3], 4), np.tile([1.6, 0.5, 1.6, 1.6], 4)  # rad

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.joints = Joints(rng, 16, self.LAG, self.PERIOD_S)
        self.targets = np.tile([0.8, 0.0, 0.5, 0.5], 4)
        self.joints.q = self.targets
        self.action = np.zeros(16)
        self._place = Walk(rng, [0.0, 0.0, -0.03], [0.01] * 3, 0.5, self.PERIOD_S)
        self._spin = Walk(rng, [0.0] * 3, [1.0] * 3, 1.0, self.PERIOD_S)
        self._turned = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        self._turned *= np.sign(np.linalg.det(self._turned))
        self._at = self._place.step()

    def move(self, action: Floats) -> None:
        self.action = action
        self.targets = np.clip(self.targets + ACTION_SCALE * action, self.LOW, self.HIGH)
        self.joints.move(self.targets)
        self._at = self._place.step()
        x, y, z = self.PERIOD_S * self._spin.step()
        turned = self._turned @ np.array([[1.0, -z, y], [z, 1.0, -x], [-y, x, 1.0]])
        # rows made orthonormal again (Gram and Schmidt): a small turn was added as if it were straight
        first = turned[0] / np.sqrt(turned[0] @ turned[0])
        second = turned[1] - (turned[1] @ first) * first
        second /= np.sqrt(second @ second)
        third = [first[1] * second[2] - first[2] * second[1], first[2] * second[0] - first[0] * second[2],
                 first[0] * second[1] - first[1] * second[0]]  # fmt: skip
        self._turned = np.array([first, second, third])

    def observation(self) -> Floats:
        uniform = NOISE * self._rng.uniform(-1.0, 1.0, 25)
        angles = self.joints.q + 0.05 * uniform[:16]
        place = self._at + 0.02 * uniform[16:19]
        turn = self._turned.ravel()[3:] + 0.1 * uniform[19:]
        return np.concatenate([angles, angles - self.targets, place, turn, self.action])


def _sides(names: str, *sides: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for side in sides for name in names.split())


class Policy(NamedTuple):
    """A public policy: actions in the joints' order, each -1 to 1 (it ends in a tanh)."""

    name: str
    file: str
    period_s: float
    entries: int
    joints: tuple[str, ...]
    body: Callable[[np.random.Generator], Body]

    @property
    def path(self) -> Path:
        """JIDOKA_DATA, else `shared/data` beside the checkout: the policies are no part of the project."""
        root = Path(os.environ.get("JIDOKA_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
        return root / "policies" / self.file


_LEG = "hip_pitch hip_roll hip_yaw knee ankle_pitch ankle_roll"
_ARM = "shoulder_pitch shoulder_roll shoulder_yaw elbow wrist_roll wrist_pitch wrist_yaw"
POLICIES = (
    Policy("go1", "go1_policy.onnx", Quadruped.PERIOD_S, 48, _sides("hip thigh calf", "FR", "FL", "RR", "RL"), Quadruped),
    Policy("g1", "g1_policy.onnx", Humanoid.PERIOD_S, 103,
           (*_sides(_LEG, "left", "right"), *_sides("yaw roll pitch", "waist"), *_sides(_ARM, "left", "right")), Humanoid),
    Policy("leap", "leap_reorient_policy.onnx", Hand.PERIOD_S, 57,
           (*_sides("mcp rot pip dip", "index", "middle", "ring"), *_sides("cmc axl mcp ipl", "thumb")), Hand),
)  # fmt: skip
