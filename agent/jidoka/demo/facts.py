"""What the demonstration has really seen: of the PLC, the steward's answers, the host's results, the subscriber."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PASS, REJECT, UNINSPECTED = "pass", "reject", "not inspected"
RECENT_PARTS = 40
OFF_WORDS = ("WITHHOLD", "ABSTAIN")


@dataclass(frozen=True)
class Part:
    """One part that the host looked at. result: pass or reject by the model, or not inspected while A was off."""

    number: int
    index: int
    shown: str
    confidence: float
    result: str
    start_ns: int


@dataclass
class Facts:
    """The state of the story. Times are CLOCK_MONOTONIC ns; `now_ns` is moved by whoever feeds it."""

    now_ns: int = 0
    state: str = "?"
    is_proving: bool = False
    offer: str = "none"
    is_ready: bool = False
    missing: list[str] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    causes: list[dict[str, Any]] = field(default_factory=list)
    models: dict[str, Any] = field(default_factory=dict)
    sort_again: list[dict[str, Any]] = field(default_factory=list)
    ledger: dict[str, Any] = field(default_factory=dict)
    transitions: list[dict[str, Any]] = field(default_factory=list)
    output: str = "WITHHOLD"
    outputs: list[tuple[int, str, str]] = field(default_factory=list)
    is_conveyor_on: bool = False
    parts_made: int = 0
    parts: deque[Part] = field(default_factory=lambda: deque(maxlen=RECENT_PARTS))
    inspected: int = 0
    rejected: int = 0
    gain: float = 1.0
    brightness: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    confidence: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    log_statistic: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    log_limit: float = 0.0
    watch_along: str = ""

    @property
    def is_output_off(self) -> bool:
        return self.output in OFF_WORDS

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """Causes that wait for an acknowledgement at their present revision."""
        return [c for c in self.causes if c.get("trip") and c["revision"] != c["acknowledged_revision"]
                and (c["active"] or c["latched"])]  # fmt: skip

    @property
    def drift(self) -> dict[str, Any] | None:
        """The statistical cause that is active, if one is."""
        return next((c for c in self.causes if c["statistical"] and c["active"] and c.get("trip")), None)

    @property
    def refusals(self) -> list[dict[str, Any]]:
        return [t for t in self.transitions if t["refused"]]

    def apply_status(self, value: Mapping[str, Any]) -> None:
        """A status answer of the steward."""
        interlock = value.get("interlock") or {}
        self.state = str(interlock.get("state", self.state)).replace("_", "-")
        self.is_proving = bool(interlock.get("proving"))
        self.offer = value.get("offer", "none")
        self.is_ready = bool(value.get("ready"))
        self.missing = list(value.get("missing", ()))
        self.alarms = list(value.get("alarms", ()))
        self.causes = list(value.get("causes", ()))
        self.sort_again = list(value.get("sort_again", ()))
        self.ledger = dict(value.get("ledger") or {})
        models = dict(value.get("models") or {})
        for name, summary in models.items():
            known = self.models.get(name)
            if known is None or known.get("ns") != summary.get("ns"):
                self._apply_summary(summary)
        self.models = models

    def _apply_summary(self, summary: Mapping[str, Any]) -> None:
        features = summary.get("features") or {}
        if features.get("brightness") is not None:
            self.brightness.append(float(features["brightness"]))
        if features.get("top1_confidence") is not None:
            self.confidence.append(float(features["top1_confidence"]))
        statistic = summary.get("statistic") or {}
        if statistic.get("log") is not None:
            self.log_statistic.append(float(statistic["log"]))
            self.log_limit = float(statistic.get("limit_log") or 0.0)

    def apply_transition(self, transition: Mapping[str, Any]) -> None:
        """A numbered event of the interlock, as the subscriber received it; what is sent twice counts once."""
        if self.transitions and transition["number"] <= self.transitions[-1]["number"]:
            return
        names = {end: str(transition[end]).replace("_", "-") for end in ("from", "to")}
        self.transitions.append({**transition, **names})

    def apply_plc(self, line: Mapping[str, Any]) -> None:
        """One line that the PLC printed."""
        event = line.get("event")
        if event == "output":
            self.output = str(line["word"])
            self.outputs.append((int(line["ns"]), self.output, str(line.get("why", ""))))
        elif event == "conveyor":
            self.is_conveyor_on = bool(line["running"])
        if "parts" in line:
            self.parts_made = int(line["parts"])

    def apply_host(self, line: Mapping[str, Any]) -> None:
        """One line that the host printed."""
        if "part" in line:
            self.apply_part(line)

    def apply_part(self, line: Mapping[str, Any]) -> None:
        """One result that the host printed."""
        is_inspected = self.output == "MACHINE_AND_AI"
        result = (PASS if line["good"] else REJECT) if is_inspected else UNINSPECTED
        self.parts.append(
            Part(int(line["part"]), int(line["index"]), str(line["class"]), float(line["confidence"]), result,
                 int(line["ns"]))
        )  # fmt: skip
        self.parts_made = max(self.parts_made, int(line["part"]))
        if is_inspected:
            self.inspected += 1
            self.rejected += not line["good"]
