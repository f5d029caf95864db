"""Motors, encoders and brakes: what each knob does to the arm, and that its own program copes with the arm as it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from jidoka.arm.body import TORQUE_LIMITS_NM, Joints
from jidoka.arm.knobs import COMMISSIONED, Knobs
from jidoka.arm.motion import cycle, cycles
from jidoka.arm.plant import HOME, Plant, distance_rad
from jidoka.arm.program import computed_torque, hold

QUIET = Knobs(encoder_noise_rad=0.0)


def error_mrad(knobs: Knobs) -> float:
    """How far the arm's own program lets it stray, mean over 40 arms and two cycles."""
    rng = np.random.default_rng(1)
    plant = Plant(rng, 40, knobs)
    errors = []
    for _ in range(2):
        for reference in cycles(rng, 40):
            measured = plant.measured()
            errors.append(distance_rad(plant.q, reference.q))
            plant.move(computed_torque(measured, reference))
    return 1e3 * float(np.mean(errors))


def test_its_own_program_keeps_the_arm_on_its_way() -> None:
    assert error_mrad(COMMISSIONED) < 10


@pytest.mark.parametrize(
    "knobs",
    [
        Knobs(payload_kg=0.2), Knobs(motor_gain=0.95), Knobs(coulomb_nm=0.5), Knobs(shoulder_bias_rad=0.05),
        Knobs(elbow_bias_rad=0.05),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_arm_leads_it_astray(knobs: Knobs) -> None:
    assert error_mrad(knobs) > 1.2 * error_mrad(COMMISSIONED)


def test_noise_of_the_encoders_does_not() -> None:
    assert error_mrad(Knobs(encoder_noise_rad=0.002)) < 1.1 * error_mrad(COMMISSIONED)


def test_an_encoder_that_is_off_shows_so_much_too_much() -> None:
    plant = Plant(np.random.default_rng(2), knobs=Knobs(shoulder_bias_rad=0.05, encoder_noise_rad=0.0))
    measured = plant.measured()
    assert measured.q == pytest.approx((HOME.shoulder + 0.05, HOME.elbow))
    assert measured.dq == (0.0, 0.0)


def test_holding_carries_the_weight_and_stops_what_moves() -> None:
    plant = Plant(np.random.default_rng(3), knobs=QUIET)
    plant.dq = Joints(1.0, -1.0)
    for _ in range(50):
        plant.move(hold(plant.measured()))
    resting = plant.q
    assert max(abs(each) for each in plant.dq) < 1e-3
    for _ in range(50):
        plant.move(hold(plant.measured()))
    assert distance_rad(plant.q, resting) < 1e-3


def test_without_torque_it_falls_and_on_its_brakes_it_stands() -> None:
    falling, standing = (Plant(np.random.default_rng(4), knobs=QUIET) for _ in range(2))
    for _ in range(10):
        falling.move(Joints(0.0, 0.0))
        standing.stand()
    assert falling.q.shoulder < HOME.shoulder - 0.1
    assert standing.q == HOME


def test_motors_give_no_more_than_they_have() -> None:
    strong, wild = (Plant(np.random.default_rng(5), knobs=QUIET) for _ in range(2))
    strong.move(Joints(*TORQUE_LIMITS_NM))
    wild.move(Joints(1e6, 1e6))
    assert wild.q == strong.q
    assert all(math.isfinite(each) for each in wild.q)


def test_the_same_seed_makes_the_same_run() -> None:
    def run() -> Joints:
        rng = np.random.default_rng(6)
        plant = Plant(rng)
        for reference in cycle(rng):
            plant.move(computed_torque(plant.measured(), reference))
        return plant.q

    assert run() == run()
