"""What a person at the arm can do: load it, mend it; and what happens to it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from jidoka.arm.knobs import COMMISSIONED, Knobs
from jidoka.demo.arm.facts import ArmFacts
from jidoka.demo.facts import Facts
from jidoka.demo.hands import Hands

PAYLOAD_KG = 0.4
BIAS_RAD = 0.08
DRIFT_NS = 3_000_000_000
STEPS = 16
#: the entry of the observation that gets lost: the elbow's angle
LOST_ENTRY = 1


class ArmHands(Hands):
    """The arm as its story acts on it; an encoder drifts while `step` is called."""

    def __init__(self, panel: Path, knobs_file: Path, steward_socket: Path) -> None:
        super().__init__(panel, steward_socket)
        self._knobs_file = knobs_file
        self._drift_start_ns = 0
        self.knobs = COMMISSIONED
        self._write(COMMISSIONED)

    def put_payload_on(self) -> None:
        self._write(replace(self.knobs, payload_kg=PAYLOAD_KG))

    def lose_an_entry(self) -> None:
        self._write(replace(self.knobs, lost_entry=LOST_ENTRY))

    def let_encoder_drift(self, now_ns: int) -> None:
        self._drift_start_ns = now_ns

    def mend(self) -> None:
        """Whatever it was: the arm is as commissioned again."""
        self._drift_start_ns = 0
        self._write(COMMISSIONED)

    def work(self, now_ns: int, facts: Facts) -> None:
        if self._drift_start_ns:
            share = min(1.0, (now_ns - self._drift_start_ns) / DRIFT_NS)
            bias = round(BIAS_RAD * int(STEPS * share) / STEPS, 5)
            if bias != self.knobs.shoulder_bias_rad:
                self._write(replace(self.knobs, shoulder_bias_rad=bias))
        if isinstance(facts, ArmFacts):
            facts.knobs = self.knobs

    def _write(self, knobs: Knobs) -> None:
        self.knobs = knobs
        new = self._knobs_file.with_suffix(".new")
        new.write_text(json.dumps(asdict(knobs)))
        new.replace(self._knobs_file)
