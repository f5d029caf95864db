"""The arm as a rigid body: two links in a vertical plane, M(q) q'' + C(q, q') + g(q) + friction = torque.

Every function takes floats for one arm or arrays of the same shape for many. Angles in rad, the shoulder's from the
horizontal, the elbow's from the upper arm; torques in Nm. Source: the two-link planar arm of any robotics textbook,
for example Spong, Hutchinson and Vidyasagar, Robot Modeling and Control, §7.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

#: a float for one arm, an array for many
Number = Any

GRAVITY = 9.81  # m/s²
UPPER_M, FORE_M = 0.40, 0.35  # lengths of the links
UPPER_KG, FORE_KG = 2.5, 1.5  # evenly spread, so the centre of mass is in the middle
ROTOR_KGM2 = (0.10, 0.03)  # the motors' rotors behind their gears
VISCOUS = (0.8, 0.15)  # Nm s/rad; the arm's own program doesn't know of it
ELBOW_SHARE = 0.3  # of the shoulder's dry friction
STICTION_RAD_S = 0.02  # below this speed dry friction grows with it: a body at rest isn't pushed
TORQUE_LIMITS_NM = (60.0, 20.0)  # what the motors can give


class Joints(NamedTuple):
    """A number for each joint."""

    shoulder: Number
    elbow: Number


class Load(NamedTuple):
    """What is not as commissioned: mass at the tip in kg, dry friction of the shoulder in Nm."""

    payload_kg: Number = 0.0
    coulomb_nm: Number = 0.0


UNLOADED = Load()


class Mass(NamedTuple):
    """The symmetric mass matrix, kg m²."""

    shoulder: Number
    both: Number
    elbow: Number


def _functions(x: Number) -> tuple[Any, Any, Any]:
    """sin, cos, tanh for this kind of number; numpy's are ten times slower for one float."""
    return (np.sin, np.cos, np.tanh) if isinstance(x, np.ndarray) else (math.sin, math.cos, math.tanh)


def mass_matrix(q: Joints, payload_kg: Number = 0.0) -> Mass:
    """M(q), the rotors included."""
    cos = _functions(q.elbow)[1]
    c2 = cos(q.elbow)
    inertia1, inertia2 = UPPER_KG * UPPER_M**2 / 12, FORE_KG * FORE_M**2 / 12
    half1, half2 = UPPER_M / 2, FORE_M / 2
    elbow = inertia2 + FORE_KG * half2**2 + payload_kg * FORE_M**2
    coupling = UPPER_M * (FORE_KG * half2 + payload_kg * FORE_M) * c2
    shoulder = inertia1 + UPPER_KG * half1**2 + (FORE_KG + payload_kg) * UPPER_M**2 + elbow + 2 * coupling
    return Mass(shoulder + ROTOR_KGM2[0], elbow + coupling, elbow + ROTOR_KGM2[1])


def bias_torques(q: Joints, dq: Joints, payload_kg: Number = 0.0) -> Joints:
    """C(q, q') + g(q): what it takes to hold the speed and the weight."""
    sin, cos, _ = _functions(q.elbow)
    moment = FORE_KG * FORE_M / 2 + payload_kg * FORE_M
    h = UPPER_M * moment * sin(q.elbow)
    fore = GRAVITY * moment * cos(q.shoulder + q.elbow)
    upper = (
        GRAVITY * (UPPER_KG * UPPER_M / 2 + (FORE_KG + payload_kg) * UPPER_M) * _cos_of(q.shoulder, q.elbow)
    )
    return Joints(
        upper + fore - h * dq.elbow * (2 * dq.shoulder + dq.elbow), fore + h * dq.shoulder * dq.shoulder
    )


def _cos_of(angle: Number, like: Number) -> Number:
    return _functions(like)[1](angle)


def accelerations(q: Joints, dq: Joints, torque: Joints, load: Load = UNLOADED) -> Joints:
    """q'' in rad/s² under these torques at the joints."""
    tanh = _functions(q.elbow)[2]
    mass = mass_matrix(q, load.payload_kg)
    bias = bias_torques(q, dq, load.payload_kg)
    dry = load.coulomb_nm
    left1 = (
        torque.shoulder - bias.shoulder - VISCOUS[0] * dq.shoulder - dry * tanh(dq.shoulder / STICTION_RAD_S)
    )
    left2 = (
        torque.elbow
        - bias.elbow
        - VISCOUS[1] * dq.elbow
        - ELBOW_SHARE * dry * tanh(dq.elbow / STICTION_RAD_S)
    )
    determinant = mass.shoulder * mass.elbow - mass.both * mass.both
    return Joints(
        (mass.elbow * left1 - mass.both * left2) / determinant,
        (mass.shoulder * left2 - mass.both * left1) / determinant,
    )


def energy(q: Joints, dq: Joints, payload_kg: Number = 0.0) -> Number:
    """Kinetic and potential energy in J; without friction and torque it stays what it is."""
    sin = _functions(q.elbow)[0]
    mass = mass_matrix(q, payload_kg)
    kinetic = 0.5 * (
        mass.shoulder * dq.shoulder**2 + 2 * mass.both * dq.shoulder * dq.elbow + mass.elbow * dq.elbow**2
    )
    height = UPPER_M * sin(q.shoulder)
    upper = (UPPER_KG / 2 + FORE_KG + payload_kg) * height
    fore = (FORE_KG / 2 + payload_kg) * FORE_M * sin(q.shoulder + q.elbow)
    return kinetic + GRAVITY * (upper + fore)
