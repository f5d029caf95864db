"""The station under its lamp: what a person at it can do, and the lamp that fails."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

from jidoka.demo.facts import Facts
from jidoka.demo.hands import Hands
from jidoka.demo.story import BAD_GAIN
from jidoka.host.renderer import Camera

FADE_NS = 2_000_000_000


class Line(Hands):
    """The line as the story acts on it; the lamp fades while `step` is called."""

    def __init__(self, panel: Path, camera_file: Path, steward_socket: Path) -> None:
        super().__init__(panel, steward_socket)
        self._camera_file = camera_file
        self._fade_start_ns = 0
        self.gain = 1.0
        self._write_camera()

    def fail_lamp(self) -> None:
        self._fade_start_ns = time.monotonic_ns()

    def replace_lamp(self) -> None:
        self._fade_start_ns = 0
        self.gain = 1.0
        self._write_camera()

    def work(self, now_ns: int, facts: Facts) -> None:
        if self._fade_start_ns and self.gain > BAD_GAIN:
            faded = min(1.0, (now_ns - self._fade_start_ns) / FADE_NS)
            self.gain = round(1.0 - (1.0 - BAD_GAIN) * faded, 3)
            self._write_camera()
        facts.gain = self.gain

    def _write_camera(self) -> None:
        new = self._camera_file.with_suffix(".new")
        new.write_text(json.dumps(asdict(Camera(gain=self.gain))))
        new.replace(self._camera_file)
