"""The demonstration as a live terminal: what the camera sees, the line, the interlock, the alarm, the story."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections import deque
from collections.abc import Callable
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live

from jidoka.demo.facts import Facts
from jidoka.demo.panels import draw
from jidoka.demo.stage import Stage, Teller, Told

FRAME_NS = 90_000_000
STORY_LINES = 9


Drawing = Callable[[Facts, Teller, list[str]], RenderableType]


class Terminal:
    """A Rich screen and a keyboard in cbreak mode; both are given back by `close`, whatever happens."""

    def __init__(self, console: Console, drawing: Drawing = draw) -> None:
        self.console = console
        self._draw = drawing
        self.story: deque[str] = deque(maxlen=STORY_LINES)
        self._live: Live | None = None
        self._next_ns = 0
        self._keyboard = sys.stdin.fileno()
        self._saved: list[Any] | None = None
        with contextlib.suppress(termios.error):
            self._saved = termios.tcgetattr(self._keyboard)
            tty.setcbreak(self._keyboard)

    def preparing(self, text: str) -> None:
        if self._live is None:
            self.console.print(f"  [dim]·[/dim] {text}", highlight=False)

    def begins(self, stage: Stage) -> None:
        self.story.append(f"[dim]{stage.says}[/dim]")
        if self._live is None:
            self._live = Live(console=self.console, screen=True, auto_refresh=False, vertical_overflow="crop")
            self._live.start()

    def told(self, told: Told) -> None:
        self.story.append(f"[cyan]{told.at_s:5.1f} s[/cyan] {told.text}")

    def show(self, facts: Facts, teller: Teller, now_ns: int) -> None:
        if self._live is not None and now_ns >= self._next_ns:
            self._next_ns = now_ns + FRAME_NS
            self._live.update(self._draw(facts, teller, list(self.story)), refresh=True)

    def key(self) -> str | None:
        if self._saved is None or not select.select([self._keyboard], [], [], 0)[0]:
            return None
        typed = os.read(self._keyboard, 16).decode(errors="replace").lower()
        if "q" in typed:
            raise KeyboardInterrupt
        return typed[-1:] or None

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._saved is not None:
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._saved)
            self._saved = None
