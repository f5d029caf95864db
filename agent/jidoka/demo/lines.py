"""The demonstration as lines, for a pipe, a log or continuous integration; and silent, for --json."""

from __future__ import annotations

from collections.abc import Callable

from jidoka.demo.facts import Facts
from jidoka.demo.stage import Stage, Teller, Told


class Lines:
    """Prints one line when a stage begins and one when it has happened."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def preparing(self, text: str) -> None:
        self._write(f"        . {text}")

    def begins(self, stage: Stage) -> None:
        self._write(f"          {stage.says}" + (f" [{stage.key}: {stage.hint}]" if stage.key else ""))

    def told(self, told: Told) -> None:
        self._write(f"{told.at_s:7.2f} s {told.text}")

    def show(self, facts: Facts, teller: Teller, now_ns: int) -> None:
        """Lines have no present to draw."""

    def key(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing to give back."""


class Silent(Lines):
    """Says nothing while it plays."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
