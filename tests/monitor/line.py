"""A small inspection line for the monitor's tests: a plan, a baseline, and records as the tap would send them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.features import Extractor, feature_set
from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.plan import ConditionSpec, Model, Plan, Proving, Times
from jidoka_tap import wire

MODEL = "inspection"
DRIFT, INPUT, CONFIDENCE = (f"{MODEL}:drift({group})" for group in ("all", "input", "confidence"))
NO_BASELINE, INVALID, TWO = (f"{MODEL}:{kind}" for kind in ("no baseline", "invalid output", "two writers"))
SHA256 = "ab" * 32
SIDE = 16

SECTION: dict[str, Any] = {
    "bundle": "/nowhere", "file": "/nowhere/x.onnx", "sha256": SHA256, "title": "a test model", "task": "classifier",
    "classes": ["ok", "scratch", "pit", "dent"], "good_classes": ["ok"],
    "inputs": [{"name": "image", "dtype": "uint8", "shape": ["batch", 1, SIDE, SIDE], "layout": "NCHW", "colour": "grey",
                "unit": "grey level", "range": [0, 255], "monitored": True}],
    "outputs": [{"name": "logits", "dtype": "float32", "shape": ["batch", 4], "unit": "nat", "role": "logits"}],
    "min_confidence": 0.5, "every": 1, "roi": None, "drives": "nothing", "records_per_s": 10.0, "records_per_part": 1,
}  # fmt: skip

FEATURES, GROUPS = feature_set(SECTION).names, feature_set(SECTION).groups


def plan(folder: Path, mode: str = "none", per: float = 1e5, groups: tuple[str, ...] = (DRIFT,)) -> Plan:
    """A plan of one model; per: records between false alarms."""
    kinds = {NO_BASELINE: "no baseline", INVALID: "invalid output", TWO: "two writers"}
    statistical = tuple(ConditionSpec(name, MODEL, True, 0.0) for name in groups)
    return Plan(
        "site", "line", "device", str(folder / "run"), str(folder / "state"), "00000000", None, Times(), Proving(),
        (Model(MODEL, mode),), statistical + tuple(ConditionSpec(name, MODEL, False, 0.0, True) for name in kinds), (),
        sections={
            "models": {MODEL: SECTION},
            "detectors": {
                name: {"model": MODEL, "group": name[name.index("(") + 1 : -1],
                       "false_alarms": {"count": 1, "per": per, "unit": "records"},
                       "off_records": 20, "off_error": 0.01, "min_records": 300}
                for name in groups
            },
            "integrity": {name: {"model": MODEL, "kind": kind} for name, kind in kinds.items()},
        },
    )  # fmt: skip


def tensors(rng: np.random.Generator, gain: float = 1.0) -> list[tuple[int, int, np.ndarray]]:
    """Logits and a picture of one part, under a lamp of that gain."""
    level = gain * (120.0 + 5.0 * rng.standard_normal())
    image = np.clip(
        level + gain * 10 * np.sin(np.arange(SIDE)) + 2.0 * rng.standard_normal((SIDE, SIDE)), 0, 255
    )
    logits = np.array([[4.0, 0.0, 0.0, 0.0]]) + 0.5 * rng.standard_normal((1, 4))
    return [(wire.OUTPUT, 0, logits.astype(np.float32)), (wire.INPUT, 0, image[None, None].astype(np.uint8))]


def record_datagram(
    number: int, content: list[tuple[int, int, np.ndarray]], part: int = 0, **more: int
) -> bytes:
    pieces, _ = wire.pack_record(number, part, 1_000_000 * (number + 1), 2_000_000, content, **more)
    return wire.encode(wire.RECORD, 1, b"".join(pieces))


def record(
    number: int, content: list[tuple[int, int, np.ndarray]], part: int = 0, **more: int
) -> wire.Record:
    _, _, body = wire.decode(record_datagram(number, content, part, **more))
    return wire.unpack_record(body)


HELLO = {"model": MODEL, "pid": 1, "boot": "00", "inputs": ["image"], "outputs": ["logits"], "runtime": "test",
         "tap": "test", "dropped": 0}  # fmt: skip


def hello_datagram(**other: Any) -> bytes:
    return wire.encode_json(wire.HELLO, 1, {**HELLO, **other})


def baseline(seed: int = 1, n: int = 1000, recipe: int = 0, position: int = 0) -> Baseline:
    """What the extractor makes of n good parts."""
    rng = np.random.default_rng(seed)
    extractor = Extractor(SECTION, ["image"], ["logits"])
    rows = [extractor.extract(record(i, tensors(rng))).values for i in range(n)]
    return Baseline(MODEL, SHA256, recipe, position, FEATURES, np.array(rows), 10.0, "2026-01-01T00:00:00Z")


def status(
    is_running: bool = True, proving_run: int = 0, is_proving: bool = False, recipe: int = 0
) -> PlcStatus:
    flags = PlcStatus.LINK_UP | is_running * PlcStatus.RUNNING | is_proving * PlcStatus.PROVING
    return PlcStatus(0, 0, 0, 2, 2, recipe, 0, 1, 1, 0, 0, proving_run, flags)
