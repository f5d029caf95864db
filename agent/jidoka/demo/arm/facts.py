"""What was really seen of the arm: its cycles as its host printed them, and what the monitor measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jidoka.arm.knobs import COMMISSIONED, Knobs
from jidoka.arm.plant import HOME
from jidoka.demo.facts import RECENT_PARTS, Facts

#: features of the monitor whose mean is how far the arm is by its own encoders
RESIDUALS = ("residual.q_shoulder", "residual.q_elbow")
POLICY, PROGRAM, BRAKES = "policy", "program", "brakes"


@dataclass(frozen=True)
class Done:
    """One cycle. error_mrad: how far the arm truly was from its reference, residual_mrad: by its own encoders."""

    ns: int
    part: int
    mover: str
    is_whole: bool
    error_mrad: float
    residual_mrad: float
    refused: int
    why: str


@dataclass
class ArmFacts(Facts):
    """The state of the arm's story. `inspected` counts whole cycles that the policy moved, `rejected` refused commands."""

    knobs: Knobs = COMMISSIONED
    pose: tuple[float, float] = (HOME.shoulder, HOME.elbow)
    reference: tuple[float, float] = (HOME.shoulder, HOME.elbow)
    mover: str = BRAKES
    cycles: deque[Done] = field(default_factory=lambda: deque(maxlen=10 * RECENT_PARTS))
    residual_mrad: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    error_mrad: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    chatter: deque[float] = field(default_factory=lambda: deque(maxlen=60))

    def since(self, ns: int, mover: str = "") -> list[Done]:
        """Cycles that began after a time, of one mover alone if one is named."""
        return [done for done in self.cycles if done.ns >= ns and mover in {"", done.mover}]

    def apply_host(self, line: Mapping[str, Any]) -> None:
        """A cycle, or a pose between two."""
        if "pose" in line:
            self.pose = (float(line["pose"][0]), float(line["pose"][1]))
            self.reference = (float(line["reference"][0]), float(line["reference"][1]))
            self.mover = str(line["mover"])
        else:
            super().apply_host(line)

    def apply_part(self, line: Mapping[str, Any]) -> None:
        """One cycle that the host printed."""
        done = Done(
            int(line["ns"]), int(line["part"]), str(line["mover"]), bool(line["is_whole"]), float(line["error_mrad"]),
            float(line["residual_mrad"]), int(line["refused"]), str(line["why"]),
        )  # fmt: skip
        self.cycles.append(done)
        self.error_mrad.append(done.error_mrad)
        self.parts_made = max(self.parts_made, done.part)
        self.inspected += done.mover == POLICY and done.is_whole
        self.rejected += done.refused

    def _apply_summary(self, summary: Mapping[str, Any]) -> None:
        super()._apply_summary(summary)
        features = summary.get("features") or {}
        seen = [features[name] for name in RESIDUALS if features.get(name) is not None]
        if seen:
            self.residual_mrad.append(1e3 * mean(seen))
        if features.get("chatter") is not None:
            self.chatter.append(float(features["chatter"]))


def mean(values: Iterable[float]) -> float:
    """NaN for none."""
    given = list(values)
    return sum(given) / len(given) if given else float("nan")
