"""The arm's own program: computed-torque control, the expert that the policy was cloned from; it is also the fallback."""

from __future__ import annotations

from jidoka.arm.body import Joints, bias_torques, mass_matrix
from jidoka.arm.motion import Reference
from jidoka.arm.plant import Measured

STIFFNESS, DAMPING = 144.0, 24.0  # 1/s², 1/s: critically damped with a time constant of 1/12 s
HOLD_DAMPING = 12.0  # 1/s


def computed_torque(measured: Measured, reference: Reference) -> Joints:
    """The command in Nm: feedback in the linearised plant, then the arm's model (without friction and payload).

    Source: Luh, Walker and Paul 1980, "resolved acceleration"; Spong et al. §8.3.
    """
    wanted = Joints(*(
        a + DAMPING * (v - dq) + STIFFNESS * (r - q)
        for a, v, dq, r, q in zip(
            reference.ddq, reference.dq, measured.dq, reference.q, measured.q, strict=True
        )
    ))  # fmt: skip
    return _torques(measured, wanted)


def hold(measured: Measured) -> Joints:
    """The command in Nm that carries the weight and brakes what still moves, wherever the arm is."""
    return _torques(measured, Joints(-HOLD_DAMPING * measured.dq.shoulder, -HOLD_DAMPING * measured.dq.elbow))


def _torques(measured: Measured, wanted: Joints) -> Joints:
    mass = mass_matrix(measured.q)
    bias = bias_torques(measured.q, measured.dq)
    return Joints(
        mass.shoulder * wanted.shoulder + mass.both * wanted.elbow + bias.shoulder,
        mass.both * wanted.shoulder + mass.elbow * wanted.elbow + bias.elbow,
    )
