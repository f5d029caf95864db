"""A small control model for the monitor's tests: channels with limits, an observation, targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.features import Extractor, feature_set
from jidoka_bridge.plan import ConditionSpec, Model, Plan, Proving, Times

from tests.monitor import line

MODEL = "policy"
COMMAND_DRIFT, OUTPUT_DRIFT = f"{MODEL}:drift(command)", f"{MODEL}:drift(output)"
IMPLAUSIBLE, REPEATED, INVALID = (
    f"{MODEL}:{kind}" for kind in ("implausible command", "repeated refusals", "invalid output")
)
HELLO = {**line.HELLO, "model": MODEL, "inputs": ["obs"], "outputs": ["action"]}
PERIOD_S = 0.02


def section(channels: int = 12, **more: Any) -> dict[str, Any]:
    """±1 rad in each channel, at most 5 rad/s and 500 rad/s²; the observation isn't sent."""
    return {
        **line.SECTION, "task": "control", "period_s": PERIOD_S, "min_confidence": None,
        "inputs": [{"name": "obs", "dtype": "float32", "shape": [1, 8], "monitored": False}],
        "outputs": [{
            "name": "action", "dtype": "float32", "shape": ["batch", channels], "role": "command",
            "channels": [{"name": f"joint{c}", "unit": "rad", "low": -1.0, "high": 1.0, "rate": 5.0, "jerk": 500.0}
                         for c in range(channels)],
        }],
        "saturation": {"at": 0.98, "share": 0.5, "records": 50}, "chatter": {"share": 0.6, "records": 50},
        "refusals": {"in_a_row": 5, "of_last": [20, 100]},
        **more,
    }  # fmt: skip


def plan(of: Mapping[str, Any], per: float = 1e6) -> Plan:
    kinds = {IMPLAUSIBLE: "implausible command", REPEATED: "repeated refusals", INVALID: "invalid output"}
    groups = {COMMAND_DRIFT: "command", OUTPUT_DRIFT: "output"}
    return Plan(
        "site", "line", "device", "/nowhere/run", "/nowhere/state", "00000000", None, Times(), Proving(), (Model(MODEL, "none"),),
        tuple(ConditionSpec(name, MODEL, True, 0.0) for name in groups)
        + tuple(ConditionSpec(name, MODEL, False, 0.0, True) for name in kinds), (),
        sections={
            "models": {MODEL: of},
            "detectors": {name: {"model": MODEL, "group": group, "off_records": 20, "off_error": 0.01, "min_records": 300,
                                 "false_alarms": {"count": 1, "per": per, "unit": "records"}}
                          for name, group in groups.items()},
            "integrity": {name: {"model": MODEL, "kind": kind} for name, kind in kinds.items()},
        },
    )  # fmt: skip


def pose(rng: np.random.Generator, channels: int = 12, shift: float = 0.0) -> np.ndarray:
    """(1, channels) of a pose held with a little noise, well within every limit."""
    return np.float32(0.1 * np.arange(channels) - 0.5 + shift + 0.003 * rng.standard_normal(channels))[None]


def baseline(of: Mapping[str, Any], n: int = 1000) -> Baseline:
    rng = np.random.default_rng(1)
    channels = len(of["outputs"][0]["channels"])
    extractor = Extractor(of, HELLO["inputs"], HELLO["outputs"])
    rows = [extractor.extract(line.record(i, [(1, 0, pose(rng, channels))])).values for i in range(1, n + 1)]
    names = feature_set(of).names
    values = np.array(rows)
    has = [f for f in range(len(names)) if not np.isnan(values[:, f]).all()]
    return Baseline(
        MODEL, line.SHA256, 0, 0, tuple(names[f] for f in has), values[:, has], 50.0, "2026-01-01T00:00:00Z"
    )
