"""The rigid body: gravity by hand, work and energy in balance, one arm like many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.arm.body import (
    FORE_KG,
    FORE_M,
    GRAVITY,
    ROTOR_KGM2,
    UPPER_KG,
    UPPER_M,
    VISCOUS,
    Joints,
    Load,
    accelerations,
    bias_torques,
    energy,
    mass_matrix,
)
from jidoka.arm.plant import runge_kutta

angles = st.floats(-3.0, 3.0)
speeds = st.floats(-3.0, 3.0)
torques = st.floats(-20.0, 20.0)


def test_a_stretched_arm_at_rest_weighs_on_its_joints_as_its_masses_times_their_levers() -> None:
    payload = 0.5
    held = bias_torques(Joints(0.0, 0.0), Joints(0.0, 0.0), payload)
    levers = UPPER_KG * UPPER_M / 2 + FORE_KG * (UPPER_M + FORE_M / 2) + payload * (UPPER_M + FORE_M)
    assert held.shoulder == pytest.approx(GRAVITY * levers)
    assert held.elbow == pytest.approx(GRAVITY * (FORE_KG * FORE_M / 2 + payload * FORE_M))


def test_a_folded_or_hanging_arm_needs_no_torque_at_the_joint_above_its_mass() -> None:
    hanging = bias_torques(Joints(-np.pi / 2, 0.0), Joints(0.0, 0.0), 0.3)
    assert hanging == pytest.approx((0.0, 0.0), abs=1e-9)


@given(angles, st.floats(0.0, 1.0))
def test_the_mass_matrix_is_positive_and_a_payload_adds_to_it(elbow: float, payload: float) -> None:
    bare, loaded = (mass_matrix(Joints(0.3, elbow), kg) for kg in (0.0, payload))
    for mass in (bare, loaded):
        assert mass.shoulder > 0
        assert mass.shoulder * mass.elbow > mass.both**2
    assert loaded.elbow >= bare.elbow >= ROTOR_KGM2[1]


@given(st.tuples(angles, angles), st.tuples(speeds, speeds), st.tuples(torques, torques), st.floats(0.0, 1.0))
def test_the_energy_changes_by_the_work_of_the_motors_less_what_friction_takes(
    pose: tuple[float, float], speed: tuple[float, float], given_nm: tuple[float, float], payload: float
) -> None:
    q, dq, torque, step_s = Joints(*pose), Joints(*speed), Joints(*given_nm), 1e-5
    before = energy(q, dq, payload)
    later_q, later_dq = runge_kutta(q, dq, torque, step_s, Load(payload))
    middle = [(a + b) / 2 for a, b in zip(dq, later_dq, strict=True)]
    power = sum(t * v - b * v * v for t, v, b in zip(torque, middle, VISCOUS, strict=True))
    # as it is a difference of two large numbers over a short time, it is exact to a thousandth of the power or so
    found = (energy(later_q, later_dq, payload) - before) / step_s
    assert found == pytest.approx(power, rel=1e-3, abs=1e-2)


def test_dry_friction_slows_and_never_pushes() -> None:
    q = Joints(0.4, -0.9)
    hold = bias_torques(q, Joints(0.0, 0.0))
    assert accelerations(q, Joints(0.0, 0.0), hold, Load(0.0, 1.0)) == pytest.approx((0.0, 0.0), abs=1e-9)
    for way in (-1.0, 1.0):
        dq = Joints(way, 0.0)
        free, rubbed = (accelerations(q, dq, hold, Load(0.0, dry)).shoulder for dry in (0.0, 1.0))
        assert (rubbed - free) * way < 0


def test_many_arms_at_once_move_as_each_alone() -> None:
    rng = np.random.default_rng(3)
    q, dq, torque = (Joints(*rng.uniform(-1, 1, (2, 7))) for _ in range(3))
    many = runge_kutta(q, dq, torque, 0.005, Load(0.2, 0.3))
    for n in range(7):
        alone = runge_kutta(
            *(Joints(float(j.shoulder[n]), float(j.elbow[n])) for j in (q, dq, torque)), 0.005, Load(0.2, 0.3)
        )
        for found, wanted in zip(many, alone, strict=True):
            assert (found.shoulder[n], found.elbow[n]) == pytest.approx(tuple(wanted))


def test_a_step_of_half_the_length_changes_next_to_nothing() -> None:
    state = (Joints(0.5, -1.0), Joints(2.0, -3.0))
    torque, load = Joints(15.0, 3.0), Load(0.2, 0.5)
    coarse = fine = state
    for _ in range(4):
        coarse = runge_kutta(*coarse, torque, 0.005, load)
    for _ in range(8):
        fine = runge_kutta(*fine, torque, 0.0025, load)
    assert coarse[0] == pytest.approx(tuple(fine[0]), abs=1e-5)
