"""The story that `jidoka demo` tells, as a table of stages: what is said, what a person does, what must be seen.

A stage is done when its claim holds of the facts, never because time has passed. The acts are things that happen
to a real line: a press of the button, a turn of the key, a lamp that fails, a person who acknowledges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from jidoka.demo.facts import Facts

STEADY_PARTS = 25
#: a press that met the end of a proving run doesn't count; who sees that the line still waits presses again
PRESS_AGAIN_NS = 2_500_000_000
STANDING_NS = 700_000_000
BAD_GAIN = 0.84


class Plant(Protocol):
    """What the story can do to the line."""

    def press(self) -> None:
        """Press and release the reset button."""

    def turn_key(self, is_on: bool) -> None:
        """Turn the override key."""

    def fail_lamp(self) -> None:
        """Let the lamp fade from now on."""

    def replace_lamp(self) -> None:
        """Give full light again."""

    def acknowledge(self, facts: Facts) -> None:
        """Acknowledge everything that waits, at the revision that was seen, with a reason."""


Act = Callable[[Plant, Facts], None]
Claim = Callable[[Facts, "Mark"], bool]
Figures = Callable[[Facts, "Mark"], dict[str, Any]]


@dataclass
class Mark:
    """The facts as they were when the stage began, for claims about what changed since."""

    ns: int = 0
    transitions: int = 0
    inspected: int = 0
    parts_made: int = 0
    confidence: float = float("nan")
    brightness: float = float("nan")


def mark(facts: Facts) -> Mark:
    """The mark of this moment."""
    return Mark(
        facts.now_ns,
        len(facts.transitions),
        facts.inspected,
        facts.parts_made,
        facts.confidence[-1] if facts.confidence else float("nan"),
        facts.brightness[-1] if facts.brightness else float("nan"),
    )


@dataclass(frozen=True)
class Stage:
    """One stage. key: what a person types to let `act` happen (None: it happens by itself at once);
    may_act: what somebody who looks before he acts waits for; says: told when the stage begins; seen: told when it is done, formatted with the figures."""

    id: str
    says: str
    done: Claim
    seen: str
    key: str | None = None
    hint: str = ""
    act: Act | None = None
    figures: Figures = lambda facts, since: {}
    may_act: Callable[[Facts], bool] = lambda facts: True
    limit_s: float = 20.0
    pause_s: float = 2.0


def _press(plant: Plant, facts: Facts) -> None:
    del facts
    plant.press()


def _is_ready(facts: Facts) -> bool:
    return facts.is_ready


def _is_proving_with_parts(facts: Facts, since: Mark) -> bool:
    return facts.is_proving and facts.output == "MACHINE" and facts.parts_made > since.parts_made + 2


def _may_run(facts: Facts, since: Mark) -> bool:
    del since
    return facts.offer == "run"


def _is_running(facts: Facts, since: Mark) -> bool:
    del since
    return facts.state in {"RUN", "ADVISE"} and facts.output == "MACHINE_AND_AI"


def _is_standing(facts: Facts, since: Mark) -> bool:
    del since
    return facts.is_output_off and not facts.is_conveyor_on


def _drift_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    drift = facts.drift or {}
    evidence = drift.get("evidence") or {}
    return {
        "feature": evidence.get("feature", "?"),
        "direction": evidence.get("direction", "?"),
        "confidence_before": since.confidence,
        "confidence_now": facts.confidence[-1],
        "brightness_before": since.brightness,
        "brightness_now": facts.brightness[-1],
        "light": facts.gain,
    }


def _stop_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    drift = facts.drift or {}
    evidence = drift.get("evidence") or {}
    off = next((ns for ns, word, _ in reversed(facts.outputs) if word == "WITHHOLD"), facts.now_ns)
    del since
    record_ns = int(evidence.get("record_ns") or off)
    judged_ns = int(evidence.get("judged_ns") or record_ns)
    return {
        "frame_to_coil_ms": (off - record_ns) / 1e6,
        "frame_to_verdict_ms": (judged_ns - record_ns) / 1e6,
        "verdict_to_coil_ms": (off - judged_ns) / 1e6,
    }


def _alarm(facts: Facts) -> dict[str, Any] | None:
    drift = facts.drift
    return next((a for a in facts.alarms if drift and a["id"] == drift["id"]), None)


def _refused(facts: Facts, since: Mark) -> dict[str, Any] | None:
    return next((t for t in facts.transitions[since.transitions :] if t["refused"]), None)


def _refusal_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    refused = _refused(facts, since) or {}
    return {"reasons": " · ".join(text.rstrip(".") for text in refused.get("reasons", ()))}


def _sort_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    del since
    rows = [row for row in facts.sort_again if row.get("parts")]
    first = rows[0] if rows else {}
    return {
        "first_part": first.get("first_part"),
        "last_part": first.get("last_part"),
        "parts": first.get("parts"),
    }


STORY: tuple[Stage, ...] = (
    Stage(
        "start-up",
        "All programs are up. The interlock is in START-UP: nothing moves until a person presses the button.",
        lambda f, s: f.state == "START-UP" and f.offer == "proving" and f.is_output_off,
        "The link to the PLC is armed; the output is off. The baseline is new, so the model must prove itself first.",
    ),
    Stage(
        "first proving run",
        "A proving run: the machine alone, a few parts, none of them trusted to the model.",
        _is_proving_with_parts,
        "The conveyor runs with the machine only (M on, A off). Every part counts as not inspected.",
        key="r",
        hint="press and release the reset button",
        act=_press,
        may_act=_is_ready,
    ),
    Stage(
        "baseline judged",
        "The monitor compares fresh records with the baseline.",
        _may_run,
        "Judged good on fresh records. Nothing rises by itself: a second press is asked for.",
    ),
    Stage(
        "run",
        "The second press lets the model's verdicts count.",
        _is_running,
        "RUN: the machine may move (M) and the model's outputs may be used (A).",
        key="r",
        hint="press the button again",
        act=_press,
        pause_s=0.1,
        may_act=_is_ready,
    ),
    Stage(
        "production",
        "Parts come down the line; the inspection model passes and rejects them.",
        lambda f, s: f.inspected - s.inspected >= STEADY_PARTS and f.rejected > 0 and bool(f.confidence),
        "{inspected} parts inspected, {rejected} rejected; mean confidence {confidence:.2f}.",
        figures=lambda f, s: {"inspected": f.inspected, "rejected": f.rejected, "confidence": f.confidence[-1]},
    ),
    Stage(
        "drift",
        "A lamp starts to fail.",
        lambda f, s: f.drift is not None and bool(f.brightness),
        "Drift: {feature} is going {direction} (light at {light:.0%}). The model's confidence still looks fine: "
        "{confidence_before:.3f} before, {confidence_now:.3f} now.",
        act=lambda plant, facts: plant.fail_lamp(),
        figures=_drift_figures,
        limit_s=30.0,
        pause_s=0.0,
    ),
    Stage(
        "stopped",
        "The permissive drops.",
        _is_standing,
        "The PLC stopped the conveyor: {frame_to_coil_ms:.0f} ms from the frame to the coil "
        "({frame_to_verdict_ms:.1f} ms to the verdict, {verdict_to_coil_ms:.0f} ms to the PLC's output).",
        figures=_stop_figures,
        pause_s=0.0,
    ),
    Stage(
        "alarm",
        "The operator is called.",
        lambda f, s: (_alarm(f) or {}).get("state") == "B",
        "Alarm: {text} What to do: {remedy}",
        figures=lambda f, s: {key: (_alarm(f) or {}).get(key, "") for key in ("text", "remedy", "priority")},
    ),
    Stage(
        "standing",
        "No parts come while the line stands.",
        lambda f, s: f.now_ns - s.ns >= STANDING_NS and f.parts_made == s.parts_made and _is_standing(f, s),
        "0 parts in {seconds:.1f} s; {parts_made} made in all.",
        figures=lambda f, s: {"seconds": (f.now_ns - s.ns) / 1e9, "parts_made": f.parts_made},
    ),
    Stage(
        "reset refused",
        "Somebody presses reset before anybody has acknowledged.",
        lambda f, s: _refused(f, s) is not None and f.is_output_off,
        "Refused: {reasons}",
        key="r",
        hint="press the button now and see",
        act=_press,
        figures=_refusal_figures,
    ),
    Stage(
        "acknowledged",
        "The operator reads the alarm and acknowledges it with a reason.",
        lambda f, s: not f.waiting and (_alarm(f) or {}).get("state") == "C",
        "Acknowledged by the operator on shift: “seen, will look”. The alarm stays: its cause is still there.",
        key="a",
        hint="acknowledge with a reason",
        act=lambda plant, facts: plant.acknowledge(facts),
    ),
    Stage(
        "proving, lamp still bad",
        "A proving run, although nobody has looked at the lamp yet.",
        lambda f, s: any(t["proving"] and t["to"] == "FALLBACK" for t in f.transitions[s.transitions :])
        and f.parts_made > s.parts_made,
        "Parts come again, with the machine only.",
        key="r",
        hint="press the button",
        act=_press,
        may_act=_is_ready,
        pause_s=0.0,
    ),
    Stage(
        "back to hold",
        "The monitor judges the fresh records.",
        lambda f, s: f.state == "HOLD" and _is_standing(f, s),
        "Judged bad: back to HOLD after {parts} parts.",
        figures=lambda f, s: {"parts": f.parts_made - s.parts_made},
    ),
    Stage(
        "lamp replaced",
        "Maintenance replaces the lamp.",
        lambda f, s: f.gain == 1.0 and f.is_output_off,
        "Full light again. Nothing moves because of that.",
        key="l",
        hint="replace the lamp",
        act=lambda plant, facts: plant.replace_lamp(),
    ),
    Stage(
        "acknowledged again",
        "The failed run was a trip of its own; it is acknowledged too.",
        lambda f, s: not f.waiting,
        "Acknowledged.",
        key="a",
        hint="acknowledge again",
        act=lambda plant, facts: plant.acknowledge(facts),
    ),
    Stage(
        "proving, lamp good",
        "A proving run again.",
        _may_run,
        "Judged good: the cause is gone. The line waits for a press.",
        key="r",
        hint="press the button",
        act=_press,
        may_act=_is_ready,
    ),
    Stage(
        "run again",
        "A second press.",
        lambda f, s: _is_running(f, s) and f.inspected > s.inspected + 5,
        "RUN: the line runs with the model again.",
        key="r",
        hint="press the button again",
        act=_press,
        pause_s=0.1,
        may_act=_is_ready,
    ),
    Stage(
        "sort again",
        "Which parts were judged by a model that could not see well?",
        lambda f, s: any(row.get("parts") for row in f.sort_again),
        "Sort again parts {first_part} to {last_part} ({parts} parts since the likely onset).",
        figures=_sort_figures,
    ),
    Stage(
        "override",
        "The override key is turned: a person takes over at the machine.",
        lambda f, s: f.state == "OVERRIDE" and f.output != "MACHINE_AND_AI",
        "OVERRIDE: the agent abstains, the key governs through the PLC, and that is recorded.",
        key="k",
        hint="turn the override key",
        act=lambda plant, facts: plant.turn_key(True),
    ),
    Stage(
        "key off",
        "The key is turned back.",
        lambda f, s: f.state == "HOLD" and _is_standing(f, s),
        "HOLD: never straight back to RUN.",
        key="k",
        hint="turn the key back",
        act=lambda plant, facts: plant.turn_key(False),
    ),
)  # fmt: skip


@dataclass
class Told:
    """One stage that happened: seconds since all programs were ready, and its figures."""

    stage: Stage
    at_s: float
    figures: dict[str, Any]

    @property
    def text(self) -> str:
        return self.stage.seen.format(**self.figures)


class Teller:
    """Walks through the table; pure: it is told the time and the facts, and answers with what to do."""

    def __init__(self, stages: tuple[Stage, ...], start_ns: int) -> None:
        self.stages = stages
        self.told: list[Told] = []
        self.failed: str = ""
        self.start_ns = start_ns
        self._entered_ns = start_ns
        self._acted = False
        self._acted_ns = self._pressed_ns = start_ns
        self._mark: Mark | None = None

    @property
    def stage(self) -> Stage | None:
        """The stage that is on; None at the end."""
        return self.stages[len(self.told)] if len(self.told) < len(self.stages) and not self.failed else None

    @property
    def is_waiting_for_a_key(self) -> bool:
        return self.stage is not None and self.stage.key is not None and not self._acted

    def step(self, facts: Facts, plant: Plant, key: str | None, patience_s: float) -> Told | None:
        """One look. key: what was typed, if anything; patience_s: how long to wait before acting by itself.

        Returns the stage that was completed by this look, if one was.
        """
        stage = self.stage
        if stage is None:
            return None
        if self._mark is None:
            self._mark = mark(facts)
        if not self._acted:
            waited_s = (facts.now_ns - self._entered_ns) / 1e9
            is_time = (
                stage.key is None or key == stage.key or (waited_s >= patience_s and stage.may_act(facts))
            )
            if is_time or waited_s >= patience_s + stage.limit_s:
                self._mark = mark(facts)
                if stage.act:
                    stage.act(plant, facts)
                self._acted = True
                self._acted_ns = self._pressed_ns = facts.now_ns
            return None
        if stage.done(facts, self._mark):
            told = Told(stage, (facts.now_ns - self.start_ns) / 1e9, stage.figures(facts, self._mark))
            self.told.append(told)
            self._entered_ns = facts.now_ns
            self._acted, self._mark = False, None
            return told
        if stage.act is _press and stage.may_act(facts) and facts.now_ns - self._pressed_ns > PRESS_AGAIN_NS:
            self._pressed_ns = facts.now_ns
            stage.act(plant, facts)
        if facts.now_ns - self._acted_ns > stage.limit_s * 1e9:
            self.failed = f"“{stage.id}” did not happen within {stage.limit_s:g} s (state {facts.state}, output {facts.output})"
        return None
