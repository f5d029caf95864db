"""One proving run: its number, its limits in parts and time, and how many failed in a row."""

from __future__ import annotations

from jidoka_bridge.plan import Proving

MINUTE_NS = 60_000_000_000
MAX_FAILED = 3
MAX_NUMBER = 0xFFFF
#: a run also ends after this many times its running time, whether the machine moves or not
WHOLE_FACTOR = 3


class ProvingRun:
    """Counts parts and running time from the raise on. number: of the current or last run, over restarts too."""

    def __init__(self, limits: Proving, number: int, failed_in_a_row: int) -> None:
        self._limits = limits
        self.number = number
        self.failed_in_a_row = failed_in_a_row
        self.is_judged_good = False
        self._began_ns = 0
        self._last_ns = 0
        self._running_ns = 0
        self._first_part = 0
        self.parts = 0

    @property
    def next_number(self) -> int:
        """1 to 65535, then 1 again: it travels in 16 bits, and 0 is no run."""
        return self.number % MAX_NUMBER + 1

    def start(self, now_ns: int, part_count: int) -> None:
        """Count from here; the caller has raised `number`, which makes the detectors start afresh."""
        self.is_judged_good = False
        self._began_ns = self._last_ns = now_ns
        self._running_ns = 0
        self._first_part, self.parts = part_count, 0

    def take(self, now_ns: int, part_count: int, running: bool) -> None:
        if running:
            self._running_ns += now_ns - self._last_ns
        self._last_ns = now_ns
        self.parts = part_count - self._first_part

    def over(self, now_ns: int) -> str:
        """Why the run has to end, or "" while it may go on."""
        limit_ns = int(self._limits.minutes * MINUTE_NS)
        if self.parts >= self._limits.parts:
            return f"{self.parts} of {self._limits.parts} parts made"
        if self._running_ns >= limit_ns:
            return f"{self._limits.minutes:g} minutes of running are over"
        if now_ns - self._began_ns >= WHOLE_FACTOR * limit_ns:
            return f"{WHOLE_FACTOR * self._limits.minutes:g} minutes are over"
        return ""
