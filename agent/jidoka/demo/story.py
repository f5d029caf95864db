"""The story that `jidoka demo` tells, as a table of stages: what is said, what a person does, what must be seen."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jidoka.demo.facts import Facts
from jidoka.demo.stage import (
    STANDING_NS,
    Mark,
    Plant,
    Stage,
    alarm_of_drift,
    is_proving_with_parts,
    is_ready,
    is_running,
    is_standing,
    may_run,
    press,
    refusal_figures,
    refused_since,
    sort_figures,
)

STEADY_PARTS = 25
BAD_GAIN = 0.84


@runtime_checkable
class Station(Plant, Protocol):
    """A line with a camera under a lamp."""

    def fail_lamp(self) -> None:
        """Let the lamp fade from now on."""

    def replace_lamp(self) -> None:
        """Give full light again."""


def _fail_lamp(plant: Plant, facts: Facts) -> None:
    del facts
    assert isinstance(plant, Station)
    plant.fail_lamp()


def _replace_lamp(plant: Plant, facts: Facts) -> None:
    del facts
    assert isinstance(plant, Station)
    plant.replace_lamp()


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
        is_proving_with_parts,
        "The conveyor runs with the machine only (M on, A off). Every part counts as not inspected.",
        key="r",
        hint="press and release the reset button",
        act=press,
        may_act=is_ready,
    ),
    Stage(
        "baseline judged",
        "The monitor compares fresh records with the baseline.",
        may_run,
        "Judged good on fresh records. Nothing rises by itself: a second press is asked for.",
    ),
    Stage(
        "run",
        "The second press lets the model's verdicts count.",
        is_running,
        "RUN: the machine may move (M) and the model's outputs may be used (A).",
        key="r",
        hint="press the button again",
        act=press,
        pause_s=0.1,
        may_act=is_ready,
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
        act=_fail_lamp,
        figures=_drift_figures,
        limit_s=30.0,
        pause_s=0.0,
    ),
    Stage(
        "stopped",
        "The permissive drops.",
        is_standing,
        "The PLC stopped the conveyor: {frame_to_coil_ms:.0f} ms from the frame to the coil "
        "({frame_to_verdict_ms:.1f} ms to the verdict, {verdict_to_coil_ms:.0f} ms to the PLC's output).",
        figures=_stop_figures,
        pause_s=0.0,
    ),
    Stage(
        "alarm",
        "The operator is called.",
        lambda f, s: (alarm_of_drift(f) or {}).get("state") == "B",
        "Alarm: {text} What to do: {remedy}",
        figures=lambda f, s: {key: (alarm_of_drift(f) or {}).get(key, "") for key in ("text", "remedy", "priority")},
    ),
    Stage(
        "standing",
        "No parts come while the line stands.",
        lambda f, s: f.now_ns - s.ns >= STANDING_NS and f.parts_made == s.parts_made and is_standing(f, s),
        "0 parts in {seconds:.1f} s; {parts_made} made in all.",
        figures=lambda f, s: {"seconds": (f.now_ns - s.ns) / 1e9, "parts_made": f.parts_made},
    ),
    Stage(
        "reset refused",
        "Somebody presses reset before anybody has acknowledged.",
        lambda f, s: refused_since(f, s) is not None and f.is_output_off,
        "Refused: {reasons}",
        key="r",
        hint="press the button now and see",
        act=press,
        figures=refusal_figures,
    ),
    Stage(
        "acknowledged",
        "The operator reads the alarm and acknowledges it with a reason.",
        lambda f, s: not f.waiting and (alarm_of_drift(f) or {}).get("state") == "C",
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
        act=press,
        may_act=is_ready,
        pause_s=0.0,
    ),
    Stage(
        "back to hold",
        "The monitor judges the fresh records.",
        lambda f, s: f.state == "HOLD" and is_standing(f, s),
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
        act=_replace_lamp,
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
        may_run,
        "Judged good: the cause is gone. The line waits for a press.",
        key="r",
        hint="press the button",
        act=press,
        may_act=is_ready,
    ),
    Stage(
        "run again",
        "A second press.",
        lambda f, s: is_running(f, s) and f.inspected > s.inspected + 5,
        "RUN: the line runs with the model again.",
        key="r",
        hint="press the button again",
        act=press,
        pause_s=0.1,
        may_act=is_ready,
    ),
    Stage(
        "sort again",
        "Which parts were judged by a model that could not see well?",
        lambda f, s: any(row.get("parts") for row in f.sort_again),
        "Sort again parts {first_part} to {last_part} ({parts} parts since the likely onset).",
        figures=sort_figures,
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
        lambda f, s: f.state == "HOLD" and is_standing(f, s),
        "HOLD: never straight back to RUN.",
        key="k",
        hint="turn the key back",
        act=lambda plant, facts: plant.turn_key(False),
    ),
)  # fmt: skip
