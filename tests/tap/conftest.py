"""Real sessions of the committed model, and a monitor's end of the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from tests.tap.listener import Listener

MODEL = Path(__file__).resolve().parents[2] / "models" / "surface-inspection" / "surface-inspection.onnx"


#: a device with the committed model under an id of its own; {folder}: where sockets and state lie
CONFIGURATION = """\
site: test
line: l
device: d
run_dir: {folder}/run
state_dir: {folder}/state
models:
  - {{id: our-model, bundle: surface-inspection, mode: none}}
risks:
  - {{id: R-01, risk: bad answers, model: our-model, when: invalid output, response: advise, owner: quality}}
"""


def open_session(model: Path | bytes = MODEL) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    source = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


@pytest.fixture
def session() -> ort.InferenceSession:
    return open_session()


@pytest.fixture
def feed() -> dict[str, Any]:
    return {"image": np.random.default_rng(1).integers(0, 256, (1, 1, 96, 96), np.uint8)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tap.sock"


@pytest.fixture
def listen(path: Path) -> Iterator[Callable[..., Listener]]:
    """A starter of listeners at `path`, all closed in the end."""
    listeners: list[Listener] = []

    def start(**how: Any) -> Listener:
        listeners.append(Listener(path, **how))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()
