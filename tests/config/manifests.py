"""Manifests of a control model and of a detector that tests change one text of, and what is then found."""

from __future__ import annotations

from pathlib import Path

from jidoka.config.manifest import read_manifest
from jidoka_bridge.errors import ModelError

HEAD = """\
format: 1
id: model
version: "1"
file: model.onnx
sha256: abababababababababababababababababababababababababababababababab
maker: a test
licence: Apache-2.0
intended_use: To be tested.
"""
CONTROL = (
    HEAD
    + """\
task: control
period: 20 ms
inputs:
  - {name: obs, dtype: float32, shape: [1, 6], monitored: true, channels: [q1, q2, v1, v2, t1, t2]}
  - {name: gain, dtype: float32, shape: [1]}
outputs:
  - name: torque
    dtype: float32
    shape: [1, 2]
    role: command
    channels:
      - {name: shoulder, unit: N·m, low: -30, high: 30, rate: 900, jerk: 80000}
      - {name: elbow}
limits:
  saturation: {share: 0.5, records: 50}
  chatter: {share: 0.6, records: 50}
  tracking: {state: {input: obs, entries: [0, 1]}, target: {input: obs, entries: [4, 5]}, limit: 0.2}
refusals: {in_a_row: 3, of_last: [10, 50]}
"""
)
DETECTOR = (
    HEAD
    + """\
task: detector
classes: [bolt, nut]
inputs:
  - {name: images, dtype: float32, shape: [n, 3, 416, 416], layout: NCHW, colour: BGR, range: [0, 255]}
outputs:
  - name: rows
    dtype: float32
    shape: [n, 3549, 7]
    role: detections
    boxes: {format: cxcywh, size: [416, 416], score: 4, classes: 5}
  - {name: counts, dtype: int64, shape: []}
"""
)


def changed(text: str, *pairs: tuple[str, str]) -> str:
    """`text` with texts replaced; each must be there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def faults_of(folder: Path, text: str) -> list[str]:
    """Every fault of a manifest as `line:column: what is wrong; what would be right`; empty when it is good."""
    path = folder / "manifest.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        read_manifest(path)
    except ModelError as error:
        return [line.removeprefix(f"{path}:") for line in error.what.splitlines()]
    return []
