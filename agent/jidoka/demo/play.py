"""Plays the demonstration: a rig, the story's table walked through on it, and the outcome."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from jidoka.demo.facts import Facts
from jidoka.demo.piece import STATION, Piece
from jidoka.demo.rig import Rig, run_jidoka
from jidoka.demo.stage import Stage, Teller, Told


class Screen(Protocol):
    """Where the story is shown: lines, a live terminal, or nothing but JSON at the end."""

    def preparing(self, text: str) -> None:
        """Something that happens around the story."""

    def begins(self, stage: Stage) -> None:
        """A stage is on."""

    def told(self, told: Told) -> None:
        """A stage has happened."""

    def show(self, facts: Facts, teller: Teller, now_ns: int) -> None:
        """Draw the present."""

    def key(self) -> str | None:
        """A key that somebody typed since the last call."""

    def close(self) -> None:
        """Give the terminal back."""


@dataclass
class Outcome:
    """What one demonstration showed. wanted: stages that its story has."""

    folder: Path
    ledger_file: Path
    wanted: int
    stages: list[Told] = field(default_factory=list)
    failed: str = ""
    preparation_s: dict[str, float] = field(default_factory=dict)
    story_s: float = 0.0
    topics: dict[str, int] = field(default_factory=dict)
    ledger: dict[str, Any] = field(default_factory=dict)

    @property
    def check_command(self) -> str:
        return f"{_jidoka_command()} ledger check {self.ledger_file}"

    @property
    def is_complete(self) -> bool:
        return not self.failed and len(self.stages) == self.wanted and bool(self.ledger.get("ok"))

    def as_json(self) -> dict[str, Any]:
        """One object with each stage's time and figures."""
        return {
            "ok": self.is_complete,
            "failed": self.failed,
            "preparation_s": self.preparation_s,
            "story_s": round(self.story_s, 3),
            "stages": [
                {"id": t.stage.id, "at_s": round(t.at_s, 3), "figures": t.figures} for t in self.stages
            ],
            "subscriber": self.topics,
            "ledger": self.ledger,
            "folder": str(self.folder),
            "check": self.check_command,
        }


def play(
    screen: Screen, broker: str, patience_s: Callable[[Stage], float], piece: Piece = STATION
) -> Outcome:
    """One demonstration from its first folder to its last check. Raises PlainError where a program can't start.

    patience_s(stage): how long the story waits for a person before it does by itself what the stage asks for.
    """
    with contextlib.closing(Rig(broker, screen.preparing, piece)) as rig:
        rig.learn()
        rig.start()
        outcome = Outcome(
            rig.site.folder, rig.site.plan.ledger_file, len(piece.story), preparation_s=rig.laps_s
        )
        start_ns = rig.ready_ns
        teller = Teller(piece.story, start_ns)
        shown: Stage | None = None
        while (stage := teller.stage) is not None:
            rig.step()
            if stage is not shown:
                shown = stage
                screen.begins(stage)
            told = teller.step(rig.facts, rig.line, screen.key(), patience_s(stage))
            if told is not None:
                screen.told(told)
            screen.show(rig.facts, teller, rig.facts.now_ns)
        outcome.stages = teller.told
        outcome.failed = teller.failed
        outcome.story_s = (rig.facts.now_ns - start_ns) / 1e9
        outcome.topics = dict(sorted(rig.subscriber.topics.items()))
    outcome.ledger = _check(outcome.ledger_file)
    return outcome


def _check(ledger_file: Path) -> dict[str, Any]:
    done = run_jidoka("ledger", "check", str(ledger_file), "--json")
    try:
        value = json.loads(done.stdout)
    except ValueError:
        value = {"error": done.stderr.strip()}
    return {**value, "ok": done.returncode == 0}


def _jidoka_command() -> str:
    """How this user calls the command: by its name where it is on the PATH, else by its place."""
    beside = Path(sys.executable).with_name("jidoka")
    in_path = any(Path(folder) == beside.parent for folder in os.environ.get("PATH", "").split(":"))
    if in_path or not beside.exists():
        return "jidoka"
    try:
        return str(beside.relative_to(Path.cwd()))
    except ValueError:
        return str(beside)
