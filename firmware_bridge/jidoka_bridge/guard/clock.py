"""Steps of the wall clock: every deadline here is monotonic, but the times in the record are not to be trusted then."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

STEP_NS = 1_000 * MS_NS
#: a small computer has no clock of its own; the network sets it soon after it started
FIRST_SETTING_NS = 600_000 * MS_NS
NAME = "clock step"


class Step(NamedTuple):
    """by_ns: how far the wall clock was moved; is_first: the setting that follows a start without a clock."""

    by_ns: int
    is_first: bool


class ClockWatch:
    """Wall clock against CLOCK_BOOTTIME, which nobody can set and which runs on while the computer sleeps."""

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self._was_set = False

    def step(self, wall_ns: int, boot_ns: int) -> Step | None:
        """A step of more than a second since the last call. boot_ns counts from the start of the computer."""
        offset_ns = wall_ns - boot_ns
        before_ns, self._offset_ns = self._offset_ns, offset_ns
        if before_ns is None:
            return None
        by_ns = offset_ns - before_ns
        if abs(by_ns) <= STEP_NS:
            # what creeps is no step, but many small moves mustn't hide one
            self._offset_ns = before_ns if by_ns else offset_ns
            return None
        is_first = by_ns > 0 and not self._was_set and boot_ns < FIRST_SETTING_NS
        self._was_set = True
        return Step(by_ns, is_first)


def stepped(guard: Guard, now_ns: int, step: Step) -> None:
    """An advice to people until somebody has seen it; the first setting is noted only."""
    why = {"step_ms": step.by_ns // MS_NS}
    if step.is_first:
        guard.event(now_ns, "clock set", Details(evidence=why))
        return
    cause = guard.causes[NAME]
    cause.active = True
    cause.strike(now_ns, why)
    guard.event(now_ns, NAME, Details(NAME, evidence=why))
