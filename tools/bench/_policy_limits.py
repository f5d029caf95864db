"""From clean commands to limits with a stated margin, and to a bundle whose manifest says them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.bench._policy_bodies import Policy

Floats = NDArray[np.float64]

#: the range of the clean commands is widened by this, about its middle
RANGE_MARGIN = 1.5
#: so many times the largest clean rate, jerk and number of channels at their limits. Their tails are long: with 1.5, as
#: the range has, 1 to 3 of 10⁵ other clean commands broke a rate or a jerk, the worst of them at 1.94 × the extreme
MARGIN = 2.5
#: a policy ends in a tanh: a range never needs to reach beyond
END = 1.0
#: a command counts as being at its limit from this share of it
SATURATED_AT = 0.98
CHATTER_RECORDS = 50
DEADBAND = 0.005  # of the range: less is no movement, as the manifest's documentation says


class Limits(NamedTuple):
    """What a manifest says of a command of C channels: (C,) each, rate in 1/s, jerk in 1/s², and two shares."""

    low: Floats
    high: Floats
    rate: Floats
    jerk: Floats
    saturated: float
    chatter: float


def _written(values: Floats) -> Floats:
    """As they stand in the manifest: six digits."""
    return np.array([float(f"{each:.6g}") for each in values])


def derive(commands: Floats, period_s: float) -> Limits:
    """Limits from (T, C) clean commands, one after the other."""
    lowest, highest = commands.min(0), commands.max(0)
    middle, half = 0.5 * (lowest + highest), 0.5 * RANGE_MARGIN * (highest - lowest)
    low, high = _written(np.maximum(middle - half, -END)), _written(np.minimum(middle + half, END))
    moved = np.diff(commands, axis=0)
    rate = MARGIN * np.abs(moved).max(0) / period_s
    jerk = MARGIN * np.abs(np.diff(moved, axis=0)).max(0) / period_s**2
    channels = commands.shape[1]
    most = float(saturated(commands, low, high).mean(1).max())
    # never so high that a command with all channels at their limits would pass
    share = min(MARGIN * max(most, 1.0 / channels), 0.5 * (1.0 + most))
    turns = float(turning(commands, low, high).max())
    return Limits(low, high, _written(rate), _written(jerk), round(share, 4), round(0.5 * (1.0 + turns), 4))


def saturated(commands: Floats, low: Floats, high: Floats) -> NDArray[np.bool_]:
    """Which entries lie beyond SATURATED_AT of the way from the middle of their range to a limit."""
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    beyond: NDArray[np.bool_] = np.abs(commands - middle) >= SATURATED_AT * half
    return beyond


def turning(commands: Floats, low: Floats, high: Floats) -> Floats:
    """(C,) largest share of CHATTER_RECORDS steps in which a channel turned back, movements below DEADBAND left out."""
    shares = np.zeros(commands.shape[1])
    window = np.ones(CHATTER_RECORDS)
    for c, column in enumerate(commands.T):
        moved = np.diff(column, prepend=column[0])
        at = np.flatnonzero(np.abs(moved) > DEADBAND * (high[c] - low[c]))
        turned = np.zeros(column.size)
        turned[at[1:]] = moved[at[1:]] * moved[at[:-1]] < 0.0
        shares[c] = np.convolve(turned, window, "valid").max(initial=0.0) / CHATTER_RECORDS
    return shares


def write_bundle(policy: Policy, limits: Limits, steps: int, folder: Path) -> Path:
    """A bundle outside the project that points at the policy's file. Returns its folder."""
    bundle = folder / policy.name
    bundle.mkdir(parents=True)
    (bundle / policy.file).symlink_to(policy.path)
    rows = zip(policy.joints, limits.low, limits.high, limits.rate, limits.jerk, strict=True)
    manifest = {
        "format": 1,
        "id": policy.name,
        "version": "1",
        "file": policy.file,
        "sha256": hashlib.sha256(policy.path.read_bytes()).hexdigest(),
        "maker": "google-deepmind/mujoco_playground",
        "licence": "Apache-2.0",
        "intended_use": f"Measured here, on outputs alone; limits from {steps} clean steps.",
        "task": "control",
        "period": f"{1000 * policy.period_s:g} ms",
        "inputs": [{"name": "obs", "dtype": "float32", "shape": [1, policy.entries]}],
        "outputs": [
            {
                "name": "continuous_actions",
                "dtype": "float32",
                "shape": [1, len(policy.joints)],
                "role": "command",
                "channels": [
                    {"name": name, "low": low, "high": high, "rate": rate, "jerk": jerk}
                    for name, low, high, rate, jerk in rows
                ],
            }
        ],
        "limits": {
            # of one record: a saturated command is refused at once, and the next one is judged by itself
            "saturation": {"at": SATURATED_AT, "share": limits.saturated, "records": 1},
            "chatter": {"share": limits.chatter, "records": CHATTER_RECORDS},
        },
    }
    # JSON is YAML
    (bundle / "manifest.yaml").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return bundle
