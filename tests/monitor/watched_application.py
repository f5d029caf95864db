"""A real application with a real tap: `python -m tests.monitor.watched_application SOCKET MODEL` until it is killed."""

from __future__ import annotations

import os
import sys
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
from jidoka_tap import watch


class Session:
    """What jidoka_tap needs of an onnxruntime session."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="image")]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name="logits")]

    def run(self, output_names: Any, feed: Any, run_options: Any = None) -> list[Any]:
        """Logits of a good part."""
        del output_names, feed, run_options
        return [self.rng.standard_normal((1, 4)).astype(np.float32)]


def main() -> None:
    """An inference each 10 ms."""
    session = watch(Session(), sys.argv[2], sys.argv[1])
    image = np.zeros((1, 1, 16, 16), np.uint8)
    parent, part = os.getppid(), 0
    while os.getppid() == parent:
        part += 1
        session.run(None, {"image": image}, part=part)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
