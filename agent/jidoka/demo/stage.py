"""How a story is told on a real line: stages, the claims that must be seen of the facts, and the acts of people.

A stage is done when its claim holds of the facts, never because time has passed. The acts are things that happen
to a real line: a press of the button, a turn of the key, a person who acknowledges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from jidoka.demo.facts import Facts

#: a press that met the end of a proving run doesn't count; who sees that the line still waits presses again
PRESS_AGAIN_NS = 2_500_000_000
STANDING_NS = 700_000_000


class Plant(Protocol):
    """What every story can do to its line."""

    def press(self) -> None:
        """Press and release the reset button."""

    def turn_key(self, is_on: bool) -> None:
        """Turn the override key."""

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
    rejected: int = 0
    parts_made: int = 0
    confidence: float = float("nan")
    brightness: float = float("nan")


def mark(facts: Facts) -> Mark:
    """The mark of this moment."""
    return Mark(
        facts.now_ns,
        len(facts.transitions),
        facts.inspected,
        facts.rejected,
        facts.parts_made,
        facts.confidence[-1] if facts.confidence else float("nan"),
        facts.brightness[-1] if facts.brightness else float("nan"),
    )


def no_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """A stage that tells no numbers."""
    del facts, since
    return {}


def at_any_time(facts: Facts) -> bool:
    """Nothing to wait for."""
    del facts
    return True


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
    figures: Figures = no_figures
    may_act: Callable[[Facts], bool] = at_any_time
    limit_s: float = 20.0
    pause_s: float = 2.0


def press(plant: Plant, facts: Facts) -> None:
    """Press and release the button."""
    del facts
    plant.press()


def is_ready(facts: Facts) -> bool:
    """A press would count now."""
    return facts.is_ready


def is_proving_with_parts(facts: Facts, since: Mark) -> bool:
    """A proving run is on, and parts come."""
    return facts.is_proving and facts.output == "MACHINE" and facts.parts_made > since.parts_made + 2


def may_run(facts: Facts, since: Mark) -> bool:
    """The next press leads to RUN."""
    del since
    return facts.offer == "run"


def is_running(facts: Facts, since: Mark) -> bool:
    """The model's outputs may be used."""
    del since
    return facts.state in {"RUN", "ADVISE"} and facts.output == "MACHINE_AND_AI"


def is_standing(facts: Facts, since: Mark) -> bool:
    """The output is off and the machine stands."""
    del since
    return facts.is_output_off and not facts.is_conveyor_on


def is_alarm_unacknowledged(facts: Facts, since: Mark) -> bool:
    """The operator is called, and has not answered."""
    del since
    return (alarm_of_drift(facts) or {}).get("state") == "B"


def alarm_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """What the operator reads."""
    del since
    return {key: (alarm_of_drift(facts) or {}).get(key, "") for key in ("text", "remedy", "priority")}


def acknowledge(plant: Plant, facts: Facts) -> None:
    """Acknowledge everything that waits."""
    plant.acknowledge(facts)


def is_nothing_waiting(facts: Facts, since: Mark) -> bool:
    """Everything is acknowledged."""
    del since
    return not facts.waiting


def alarm_of_drift(facts: Facts) -> dict[str, Any] | None:
    """The alarm of the statistical cause that is active."""
    drift = facts.drift
    return next((a for a in facts.alarms if drift and a["id"] == drift["id"]), None)


def refused_since(facts: Facts, since: Mark) -> dict[str, Any] | None:
    """The first transition since then that was refused."""
    return next((t for t in facts.transitions[since.transitions :] if t["refused"]), None)


def refusal_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """Why it was refused."""
    refused = refused_since(facts, since) or {}
    return {"reasons": " · ".join(text.rstrip(".") for text in refused.get("reasons", ()))}


def sort_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """The parts to sort again."""
    del since
    rows = [row for row in facts.sort_again if row.get("parts")]
    first = rows[0] if rows else {}
    return {
        "first_part": first.get("first_part"),
        "last_part": first.get("last_part"),
        "parts": first.get("parts"),
    }


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
        if stage.act is press and stage.may_act(facts) and facts.now_ns - self._pressed_ns > PRESS_AGAIN_NS:
            self._pressed_ns = facts.now_ns
            stage.act(plant, facts)
        if facts.now_ns - self._acted_ns > stage.limit_s * 1e9:
            self.failed = f"“{stage.id}” did not happen within {stage.limit_s:g} s (state {facts.state}, output {facts.output})"
        return None
