"""Cycles: from home and back, at rest at both ends, what they say of speed is how the angle changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from jidoka.arm.body import Joints
from jidoka.arm.motion import (
    CYCLE_S,
    CYCLE_STEPS,
    ENTRIES,
    NEAREST,
    OUT_STEPS,
    REACH_RAD,
    cycle,
    cycles,
    observation,
)
from jidoka.arm.plant import HOME, PERIOD_S, Measured


def test_a_cycle_has_its_length_and_ends_at_home_at_rest() -> None:
    way = cycle(np.random.default_rng(1))
    assert len(way) == CYCLE_STEPS == round(CYCLE_S / PERIOD_S)
    assert way[-1].q == pytest.approx(HOME)
    assert way[-1].dq == way[-1].ddq == Joints(0.0, 0.0)
    assert way[OUT_STEPS].dq == Joints(0.0, 0.0)


def test_targets_lie_around_home_within_reach_and_not_next_to_it() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        target = cycle(rng)[OUT_STEPS].q
        far = math.hypot(*((t - h) / r for t, h, r in zip(target, HOME, REACH_RAD, strict=True)))
        assert NEAREST - 1e-9 <= far <= 1 + 1e-9


def test_speed_and_acceleration_are_the_angles_differences() -> None:
    way = cycle(np.random.default_rng(3))[:OUT_STEPS]
    for before, now, after in zip(way, way[1:], way[2:], strict=False):
        for joint in range(2):
            slope = (after.q[joint] - before.q[joint]) / (2 * PERIOD_S)
            assert now.dq[joint] == pytest.approx(slope, abs=0.05)
            bend = (after.dq[joint] - before.dq[joint]) / (2 * PERIOD_S)
            assert now.ddq[joint] == pytest.approx(bend, abs=1.5)


def test_a_cycle_that_was_broken_off_goes_on_from_where_the_arm_stands() -> None:
    start = Joints(0.9, -0.7)
    first = cycle(np.random.default_rng(4), start)[0].q
    assert first == pytest.approx(start, abs=0.01)


def test_cycles_of_many_arms_are_drawn_independently() -> None:
    target = cycles(np.random.default_rng(5), 500)[OUT_STEPS].q
    assert len(set(target.shoulder.tolist())) == 500
    assert abs(float(np.corrcoef(target.shoulder[:-1], target.shoulder[1:])[0, 1])) < 0.15


def test_an_observation_has_its_entries_in_their_order() -> None:
    reference = cycle(np.random.default_rng(6))[4]
    measured = Measured(Joints(1.0, 2.0), Joints(3.0, 4.0))
    x = observation(measured, reference)
    assert x.shape == (1, len(ENTRIES))
    assert x.dtype == np.float32
    wanted = [1, 2, 3, 4, *reference.q, *reference.dq, *reference.ddq]
    np.testing.assert_allclose(x[0], wanted, rtol=1e-6)
    assert ENTRIES.index("q_ref_elbow") == 5
