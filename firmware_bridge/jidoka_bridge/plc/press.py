"""The reset button as the PLC measures it: debounced, and told only when it was pressed and released."""

from __future__ import annotations

from typing import NamedTuple

DEBOUNCE_MS = 20
STUCK_MS = 5_000


class Press(NamedTuple):
    """A press and release. began_ms: PLC time of the press; length_ms: until the release."""

    began_ms: int
    length_ms: int


class Button:
    """One input, scan by scan. A level that was there at power-up is no press; neither is a stuck one's release."""

    def __init__(self) -> None:
        self._is_down: bool | None = None
        self._changed_ms: int | None = None
        self._began_ms: int | None = None

    def scan(self, now_ms: int, level: bool) -> Press | None:
        """The press that ended, in the scan that makes sure of its release."""
        if self._is_down is None:
            self._is_down = level
        if level == self._is_down:
            self._changed_ms = None
            return None
        if self._changed_ms is None:
            self._changed_ms = now_ms
        if now_ms - self._changed_ms < DEBOUNCE_MS:
            return None
        edge_ms, self._changed_ms, self._is_down = self._changed_ms, None, level
        if level:
            self._began_ms = edge_ms
            return None
        began_ms, self._began_ms = self._began_ms, None
        return None if began_ms is None else Press(began_ms, edge_ms - began_ms)
