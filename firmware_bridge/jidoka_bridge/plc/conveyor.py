"""The machine behind the PLC in software: a conveyor, its part counter and its panel of keys and buttons."""

from __future__ import annotations

from dataclasses import dataclass

from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.plc.rule import RISE_MS
from jidoka_bridge.registers import Input, Input2, Word

#: panel word -> (input bit, or None where it isn't one of block B's low byte)
SWITCHES: dict[str, Input] = {
    "key": Input.OVERRIDE_KEY,
    "auto": Input.KEY_AUTO,
    "safety": Input.SAFETY_CHAIN,
    "ready": Input.MACHINE_READY,
    "changeover": Input.CHANGEOVER,
    "drill": Input.DRILL,
}


@dataclass
class Panel:
    """Levels of what people and the plant set. At power-up: key in AUTO, chain closed, machine and fallback ready."""

    inputs: Input = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
    inputs2: Input2 = Input2.FALLBACK_HEALTHY
    recipe: int = 0
    is_started: bool = False
    is_stopped: bool = False

    def command(self, line: str) -> bool:
        """Act on one line of the panel protocol. False: it isn't one."""
        word, _, value = line.strip().partition(" ")
        if word in ("press", "release") and not value:
            self._set(Input.RESET_BUTTON, word == "press")
        elif word in SWITCHES and value in ("on", "off"):
            self._set(SWITCHES[word], value == "on")
        elif word == "fallback" and value in ("on", "off"):
            self.inputs2 = Input2.FALLBACK_HEALTHY if value == "on" else Input2(0)
        elif word in ("start", "stop") and not value:
            self.is_started, self.is_stopped = word == "start", word == "stop"
        elif word == "recipe" and value.isdigit() and int(value) <= 0xFFFF:
            self.recipe = int(value)
        else:
            return False
        return True

    def _set(self, bit: Input, is_on: bool) -> None:
        self.inputs = self.inputs | bit if is_on else self.inputs & ~bit


class Conveyor:
    """Runs while it is permitted and was started; makes `rate_hz` parts a second while it runs.

    The counted press is the start as well; a drop of the output stops it, and it doesn't start again by itself.
    Under the override key the plant's own program runs it, whatever the agent says.
    """

    def __init__(self, rate_hz: float) -> None:
        self.is_running = False
        self.parts = 0
        self._interval_ms = 1000 / rate_hz
        self._start_until_ms = -1
        self._next_part_ms = 0.0

    def scan(self, now_ms: int, output: Word, panel: Panel, is_press_counted: bool) -> int:
        """One scan after the PLC's rule; returns how many parts came in it."""
        if is_press_counted:
            self._start_until_ms = now_ms + RISE_MS
        wants_start = now_ms <= self._start_until_ms or panel.is_started
        is_stopped, panel.is_started, panel.is_stopped = panel.is_stopped, False, False
        is_overridden = bool(panel.inputs & Input.OVERRIDE_KEY)
        is_permitted = RANK[output] > 0 or is_overridden
        needs = Input.SAFETY_CHAIN | Input.MACHINE_READY
        if not is_permitted or is_stopped or panel.inputs & needs != needs:
            self.is_running = False
            if is_stopped:
                self._start_until_ms = -1
        elif not self.is_running and (wants_start or is_overridden):
            self.is_running = True
            self._start_until_ms = -1
            self._next_part_ms = now_ms + self._interval_ms
        return self._count(now_ms) if self.is_running else 0

    def _count(self, now_ms: int) -> int:
        made = 0
        while self._next_part_ms <= now_ms:
            self._next_part_ms += self._interval_ms
            made += 1
        self.parts += made
        return made
