"""Which commands are bad, said without the envelope: plain numpy over what came, and what the machine had got before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.bench._policy_limits import Limits, saturated

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
#: what float32 can't write of a number of this size
ROUNDING = 2e-6


def bad(
    commands: Floats, passed: NDArray[np.bool_], limits: Limits, period_s: float
) -> dict[str, NDArray[np.bool_]]:
    """Why each of (T, C) commands must not reach the machine, a (T,) mask for each reason. passed: those that did.

    A rate is taken from the command in force, the last that passed, over the time since then; a jerk is the rate's
    difference from that of the last movement that passed, over the same time.
    """
    count, channels = commands.shape
    finite = np.array(np.isfinite(commands).all(1))
    with np.errstate(invalid="ignore"):
        outside = (commands < limits.low - ROUNDING) | (commands > limits.high + ROUNDING)
        at_limits = saturated(commands, limits.low, limits.high).sum(1) > limits.saturated * channels
    found: dict[str, Mask] = {
        "not finite": ~finite,
        "beyond its range": finite & outside.any(1),
        "too fast": np.zeros(count, bool),
        "too sudden": np.zeros(count, bool),
        "saturated": finite & at_limits,
    }
    force: int | None = None
    speed: Floats | None = None
    for step in range(count):
        if not finite[step]:
            continue
        velocity = None
        if force is not None:
            elapsed_s = (step - force) * period_s
            moved = commands[step] - commands[force]
            found["too fast"][step] = bool((np.abs(moved) > limits.rate * elapsed_s + ROUNDING).any())
            velocity = moved / elapsed_s
            if speed is not None:
                beyond = np.abs(velocity - speed) > limits.jerk * elapsed_s + 2.0 * ROUNDING / period_s
                found["too sudden"][step] = bool(beyond.any())
        if passed[step]:
            force, speed = step, velocity
    return found
