"""Makes the README's picture: plays the demonstration and keeps the screen of one stage as SVG.

python tools/demo_picture.py [--stage ID] [--all FOLDER]
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections import deque
from pathlib import Path
from typing import Any

from jidoka.demo.facts import Facts
from jidoka.demo.panels import draw
from jidoka.demo.play import play
from jidoka.demo.stage import Stage, Teller, Told
from jidoka.demo.story import STORY
from rich.console import Console

TARGET = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "demo.svg"
WIDTH, HEIGHT = 124, 38
STORY_LINES = 9
PATIENCE_S = 1.2


class Recorder:
    """A screen that nobody sees: keeps the last drawing of each stage."""

    def __init__(self) -> None:
        self.drawings: dict[str, Any] = {}
        self._story: deque[str] = deque(maxlen=STORY_LINES)

    def preparing(self, text: str) -> None:
        print(text, file=sys.stderr)

    def begins(self, stage: Stage) -> None:
        self._story.append(f"[dim]{stage.says}[/dim]")

    def told(self, told: Told) -> None:
        self._story.append(f"[cyan]{told.at_s:5.1f} s[/cyan] {told.text}")

    def show(self, facts: Facts, teller: Teller, now_ns: int) -> None:
        del now_ns
        stage = teller.stage
        if stage is not None and (stage.key is None or teller.is_waiting_for_a_key):
            self.drawings[stage.id] = draw(facts, teller, list(self._story))

    def key(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing to give back."""


def write(drawing: Any, target: Path) -> None:
    """One screen as an SVG file."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=WIDTH,
        height=HEIGHT,
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(drawing)
    target.parent.mkdir(parents=True, exist_ok=True)
    svg = console.export_svg(title="jidoka demo")
    svg = re.sub(
        r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL
    )  # no picture of ours asks another host for a font
    target.write_text(svg, encoding="utf-8")


def main() -> int:
    """Play, then write."""
    parser = argparse.ArgumentParser(description="Makes the README's picture of the demonstration.")
    parser.add_argument("--stage", default="acknowledged", choices=[stage.id for stage in STORY])
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="write every stage's screen there too")
    options = parser.parse_args()
    recorder = Recorder()
    outcome = play(recorder, "any", lambda _: PATIENCE_S)
    if not outcome.is_complete:
        print(outcome.failed, file=sys.stderr)
        return 1
    write(recorder.drawings[options.stage], TARGET)
    if options.all:
        for name, drawing in recorder.drawings.items():
            write(drawing, options.all / f"{name.replace(',', '').replace(' ', '-')}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
