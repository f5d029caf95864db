"""The kernels that a plan's records call are those that are made ready, whatever its models read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jidoka.monitor.kernels.command import command_step
from jidoka.monitor.kernels.detections import detection_features
from jidoka.monitor.kernels.material import share_step
from jidoka.monitor.kernels.warm import KERNELS
from jidoka.monitor.needed import ALWAYS, OF_BLOCKS, OF_MATERIAL, needed_by

from tests.monitor import line


def test_every_kernel_is_needed_always_by_a_block_or_by_a_tolerance() -> None:
    assert {kernel for kernel, _ in KERNELS} == ALWAYS | OF_BLOCKS | OF_MATERIAL
    assert not OF_BLOCKS & OF_MATERIAL


def test_an_inspection_line_needs_no_kernel_of_robots_nor_of_detectors(tmp_path: Path) -> None:
    needed = needed_by(line.plan(tmp_path))
    assert not needed & {command_step, detection_features, share_step}
    plan = line.plan(tmp_path)
    plan.sections["detectors"][line.DRIFT]["tolerance"] = 0.1
    assert share_step in needed_by(plan)


#: one kind of output or input a fork: what one loads stays in its memory
CODE = """
import os, sys
import numpy as np
from jidoka.monitor.kernels.warm import KERNELS, warm
from jidoka.monitor.needed import needed_by
from jidoka.monitor.core import Monitor
from jidoka_tap import wire
from tests.monitor import robot
FLOATS = (np.float32, np.float64, np.float16)
def spec(name, dtype, shape, **more):
    return {"name": name, "dtype": np.dtype(dtype).name, "shape": list(shape), "monitored": True, **more}
def each(name, shape, **more):
    return [spec(f"{name}{d.__name__}", d, shape, **more) for d in FLOATS]
TRACK = {"state": {"input": "sfloat32", "entries": [0]}, "target": {"input": "tfloat64", "entries": [1]}, "limit": 9.0}
BOXES = {"size": [4, 4], "score": 4, "classes": 5}
PICTURES = [spec(f"p{d}", d, (1, 3, 6, 5), layout="NCHW", colour="RGB") for d in ("u1", "f4", "f8")]
KINDS = {
    "logits": ([], each("l", (1, 4), role="logits"), {}),
    "detections": ([], each("d", (1, 9, 6), role="detections", boxes=BOXES), {}),
    "command": ([*each("s", (1, 4)), *each("t", (1, 4))], each("c", (1, 2), role="command"), {"tracking": TRACK}),
    "embedding": ([], each("e", (1, 7), role="embedding"), {}),
    "numbers": (each("n", (1, 4)), each("o", (1, 3000), role="other"), {}),
    "entries": (each("n", (1, 2), channels=["a", "b"]), each("x", (1, 4), monitored=False), {}),
    "picture": (PICTURES, each("l", (1, 4), role="logits"), {}),
}
def run(inputs, outputs, more):
    section = robot.section(inputs=inputs, outputs=outputs, **{"tracking": None, **more})
    plan = robot.plan(section)
    needed = needed_by(plan)
    assert {len(kernel.signatures) for kernel, _ in KERNELS} == {0}
    warm(needed=needed)
    monitor = Monitor(plan, {}, 1, 0)
    monitor.tap_connected(robot.MODEL, {"inputs": [i["name"] for i in inputs], "outputs": [o["name"] for o in outputs]}, 0)
    tensors = [wire.Tensor(role, i, tuple(s["shape"]), np.dtype(s["dtype"]), np.ones(s["shape"], s["dtype"]))
               for role, specs in ((1, outputs), (0, inputs)) for i, s in enumerate(specs)]
    thumbnails = [np.ones((4, 4), np.uint8), np.ones((4, 4, 3), np.float32), np.ones((4, 4, 5), np.uint8)]
    for array in thumbnails:
        thumbnail = wire.Tensor(0, wire.THUMBNAIL, array.shape, array.dtype, array)
        for content in (tensors, [*tensors, thumbnail]):
            monitor.record(robot.MODEL, wire.Record(1, 1, 1, 1, 0, 0, content), 1)
    return sorted(kernel.__name__ for kernel, _ in KERNELS if kernel not in needed and kernel.signatures)
for name, kind in KINDS.items():
    child = os.fork()
    if not child:
        late = run(*kind)
        print(name, late, flush=True)
        os._exit(bool(late))
    _, status = os.waitpid(child, 0)
    assert status == 0, name
"""


@pytest.mark.process
def test_no_kind_of_record_calls_a_kernel_that_was_not_made_ready() -> None:
    found = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120, check=False
    )
    assert found.returncode == 0, found.stderr + found.stdout
    assert len(found.stdout.splitlines()) == 7
