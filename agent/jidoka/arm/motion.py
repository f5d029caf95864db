"""What the arm is asked to do: cycles of fixed length from home to a random place and back, independent of each other."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jidoka.arm.body import Joints
from jidoka.arm.plant import HOME, PERIOD_S, Measured

Floats = NDArray[np.float64]

#: out and back, a rest at the target, and one at home that is long enough to forget: with a rest of 2 steps there the
#: mean distance from the target of neighbouring cycles was correlated by 0.11, with 8 by 0.03
OUT_STEPS, TARGET_STEPS, HOME_STEPS = 15, 2, 8
CYCLE_STEPS = 2 * OUT_STEPS + TARGET_STEPS + HOME_STEPS
CYCLE_S = CYCLE_STEPS * PERIOD_S
#: a target lies in a random direction from home, at NEAREST to all of this
REACH_RAD = (0.40, 0.50)
NEAREST = 0.7
#: entries of an observation, in the policy's order
ENTRIES = (
    "q_shoulder", "q_elbow", "dq_shoulder", "dq_elbow", "q_ref_shoulder", "q_ref_elbow",
    "dq_ref_shoulder", "dq_ref_elbow", "ddq_ref_shoulder", "ddq_ref_elbow",
)  # fmt: skip


class Reference(NamedTuple):
    """Where the arm should be: angles, speeds and accelerations in rad, rad/s, rad/s²."""

    q: Joints
    dq: Joints
    ddq: Joints


def minimum_jerk(steps: int) -> Floats:
    """(steps, 3): share of the way, its first and second derivative by step, at steps 1 … `steps` of a motion.

    From rest to rest with the least integrated squared jerk: s = 10 t³ − 15 t⁴ + 6 t⁵ (Flash and Hogan 1985).

    >>> [float(each) for each in minimum_jerk(10)[-1]]
    [1.0, 0.0, 0.0]
    """
    t = np.arange(1, steps + 1) / steps
    first = (30 * t**2 - 60 * t**3 + 30 * t**4) / steps
    second = (60 * t - 180 * t**2 + 120 * t**3) / steps**2
    return np.stack([10 * t**3 - 15 * t**4 + 6 * t**5, first, second], axis=1)


_OUT = minimum_jerk(OUT_STEPS)


def cycle(rng: np.random.Generator, start: Joints = HOME) -> list[Reference]:
    """The CYCLE_STEPS references of one cycle: from where the arm stands to a random target, a rest, home, a rest.

    Cycles that start at home depend on nothing but their own target, and on what little the rest before has left over.
    """
    target = _target(rng.uniform(0.0, 1.0, 2).tolist(), HOME)
    return [*_way(start, target, TARGET_STEPS), *_way(target, HOME, HOME_STEPS)]


def cycles(rng: np.random.Generator, count: int) -> list[Reference]:
    """As `cycle` for `count` arms at once: each number is an array of that length."""
    home = Joints(*(np.full(count, each) for each in HOME))
    target = _target(rng.uniform(0.0, 1.0, (2, count)), home)
    return [*_way(home, target, TARGET_STEPS), *_way(target, home, HOME_STEPS)]


def _target(uniform: Any, home: Joints) -> Joints:
    """uniform: two numbers in [0, 1), or two rows of them."""
    angle, far = 2 * np.pi * uniform[0], NEAREST + (1 - NEAREST) * uniform[1]
    sin, cos = (np.sin, np.cos) if isinstance(angle, np.ndarray) else (math.sin, math.cos)
    return Joints(
        home.shoulder + REACH_RAD[0] * far * cos(angle), home.elbow + REACH_RAD[1] * far * sin(angle)
    )


def _way(start: Joints, end: Joints, rest_steps: int) -> list[Reference]:
    way = Joints(end.shoulder - start.shoulder, end.elbow - start.elbow)
    still = Joints(0.0 * way.shoulder, 0.0 * way.elbow)
    found = []
    for share, first, second in _OUT.tolist():
        v, a = first / PERIOD_S, second / PERIOD_S**2
        found.append(Reference(
            Joints(start.shoulder + share * way.shoulder, start.elbow + share * way.elbow),
            Joints(v * way.shoulder, v * way.elbow), Joints(a * way.shoulder, a * way.elbow),
        ))  # fmt: skip
    return found + [Reference(end, still, still)] * rest_steps


def observation(measured: Measured, reference: Reference) -> NDArray[np.float32]:
    """(1, 10) for one arm, (N, 10) for N: what the policy gets, in the order of ENTRIES."""
    columns = [*measured.q, *measured.dq, *reference.q, *reference.dq, *reference.ddq]
    return np.atleast_2d(np.array(columns, np.float32).T)
