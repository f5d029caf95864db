"""The end of something that may not last for ever: on the monotonic clock, with the wall clock as a check.

A shelf must not become longer because a clock was set back, and must survive a restart. So an end is kept on both
clocks; where they come apart by more than a second the end is now (INTERLOCK §3, clock step).
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND_NS = 1_000_000_000
STEP_NS = SECOND_NS
#: how fast the wall clock may be slewed against the monotonic one: 500 ppm, doubled
SLEW = 1000


@dataclass(frozen=True)
class Clock:
    """Now, on both clocks, in ns."""

    ns: int
    wall_ns: int


@dataclass(frozen=True)
class Until:
    """An end that was set at `set_ns`, `set_wall_ns` to come after `length_ns`."""

    set_ns: int
    set_wall_ns: int
    length_ns: int

    @property
    def end_ns(self) -> int:
        return self.set_ns + self.length_ns

    @property
    def end_wall_ns(self) -> int:
        return self.set_wall_ns + self.length_ns

    def left_ns(self, now: Clock) -> int:
        """What is left of it; 0 if it is over, or if the wall clock jumped since it was set."""
        spent_ns = now.ns - self.set_ns
        step_ns = (now.wall_ns - self.set_wall_ns) - spent_ns
        if spent_ns < 0 or abs(step_ns) > STEP_NS + spent_ns // SLEW:
            return 0
        return max(0, self.length_ns - spent_ns)

    def after_boot(self, now: Clock) -> Until:
        """The same end on the clock of a new boot: only the wall clock knows how long the device was off.

        A wall clock behind the moment at which it was set has jumped: it ends now.
        """
        spent_ns = now.wall_ns - self.set_wall_ns
        left_ns = max(0, self.length_ns - spent_ns) if spent_ns >= 0 else 0
        return Until(now.ns, now.wall_ns, left_ns)
