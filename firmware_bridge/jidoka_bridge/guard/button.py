"""The reset button as the PLC shows it: one that is stuck or bounces can't be told from a person's wish."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from jidoka_bridge.guard.facts import fact
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.registers import Input

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

#: the PLC counts no press that is longer either
STUCK_NS = 5_000 * MS_NS
#: key and button held for so long mean: approve the plan; before the button counts as stuck
APPROVE_NS = 3_000 * MS_NS
#: nobody presses and releases a button more often than this in two seconds
PRESSES, WITHIN_NS = 10, 2_000 * MS_NS


def pressed(before: int, now: int) -> int:
    """How often the button was pressed and released between two of the PLC's counts, which have 16 bits. One that went
    backwards is that of a PLC that started anew, from 0.
    """
    came = now - before & 0xFFFF
    return came if came < 0x8000 else 0


class ButtonWatch:
    """down_ns: since when its level was seen on without a break; 0 = it is up."""

    def __init__(self) -> None:
        self.down_ns = 0
        self._edges = -1
        self._presses: deque[int] = deque(maxlen=PRESSES)

    def take(self, now_ns: int, is_down: bool, edges: int) -> None:
        """The level, and the PLC's count of presses and releases, 16 bits."""
        self.down_ns = (self.down_ns or now_ns) if is_down else 0
        came = pressed(self._edges, edges) if self._edges >= 0 else 0
        self._edges = edges
        self._presses.extend([now_ns] * min(came, PRESSES))

    def forget(self) -> None:
        """The line was away: what the button did meanwhile isn't known."""
        self.down_ns = 0
        self._edges = -1
        self._presses.clear()

    def is_held(self, now_ns: int, length_ns: int) -> bool:
        """It was seen down without a break for longer than this."""
        return bool(self.down_ns) and now_ns - self.down_ns > length_ns

    def fault(self, now_ns: int) -> str:
        """`stuck`, `bounces`, or ""."""
        if self.is_held(now_ns, STUCK_NS):
            return "stuck"
        is_many = len(self._presses) == PRESSES and now_ns - self._presses[0] <= WITHIN_NS
        return "bounces" if is_many else ""


def watch_button(guard: Guard, now_ns: int) -> None:
    """A fault holds while it lasts, and must be acknowledged where it stopped the machine."""
    view, button = guard.view, guard.button
    if not view.is_up:
        button.forget()
        return
    button.take(now_ns, bool(view.inputs & Input.RESET_BUTTON), view.edges)
    why = button.fault(now_ns)
    fact(guard, now_ns, "reset button", bool(why), on="reset button fault", off="cause off", why=why)
