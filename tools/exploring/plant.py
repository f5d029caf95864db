"""Facts of the plant that oblige the guard, beside causes: motion, read-back, a stuck button, how long, how often.

Like the book, of which this is a part, it shares no code with the guard. A limit of 0: the slice doesn't look at it. Where the guard
has a time within which it must act, a step of the exploration's clock or more is added: it may act sooner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

START_UP, HOLD, OVERRIDE = 1, 5, 7


@dataclass(frozen=True)
class Limits:
    """run_out_ns: until nothing may move any more; more_ns, less_ns: of a wrong output; stuck_ns: of the button; parts: of
    a proving run; trips: of one cause that isn't statistical; override_ns: of the key; unwritten_ns: of a write of the latch
    file."""

    run_out_ns: int = 0
    more_ns: int = 0
    less_ns: int = 0
    stuck_ns: int = 0
    parts: int = 0
    trips: int = 0
    override_ns: int = 0
    unwritten_ns: int = 0


class Seen(NamedTuple):
    """What one good beat shows of the plant. actual: rank of the output; made: parts since the beat before."""

    actual: int
    key: bool
    running: bool
    changeover: bool
    made: int
    is_down: bool


@dataclass
class Plant:
    """Since when something stands that mustn't; 0 = it doesn't."""

    limits: Limits
    off_ns: int = 0
    more_ns: int = 0
    less_ns: int = 0
    stuck_ns: int = 0
    overridden_ns: int = 0
    unwritten_ns: int = 0
    made: int = 0
    is_stopping: bool = False
    trips: dict[str, int] = field(default_factory=dict)

    def beat(self, now_ns: int, rank: int, state: int, seen: Seen) -> bool:
        """A good beat, before the guard hears of it. rank, state: as the guard had them. True: it must lock out."""
        limits = self.limits
        withheld = rank == 0 and state in (START_UP, HOLD) and seen.actual == 0 and not seen.key
        self.off_ns = _since(self.off_ns, now_ns, limits.run_out_ns and withheld)
        is_more = seen.actual > rank and not seen.key and state != OVERRIDE
        self.more_ns = _since(self.more_ns, now_ns, limits.more_ns and is_more)
        self.less_ns = _since(self.less_ns, now_ns, limits.less_ns and seen.actual < rank)
        self.stuck_ns = _since(self.stuck_ns, now_ns, limits.stuck_ns and seen.is_down)
        self.made += seen.made if limits.parts else 0
        self.is_stopping = _is_over(self.less_ns, now_ns, limits.less_ns) or _is_over(
            self.stuck_ns, now_ns, limits.stuck_ns
        )
        moves = seen.made > 0 or (seen.running and not seen.changeover)
        is_moving = moves and _is_over(self.off_ns, now_ns, limits.run_out_ns)
        return is_moving or _is_over(self.more_ns, now_ns, limits.more_ns)

    def waits(self, now_ns: int, is_unwritten: bool) -> None:
        """Whether something that the guard wants on the disk isn't there yet."""
        self.unwritten_ns = _since(self.unwritten_ns, now_ns, self.limits.unwritten_ns and is_unwritten)

    def is_unwritten(self, now_ns: int) -> bool:
        """A write has taken too long."""
        return _is_over(self.unwritten_ns, now_ns, self.limits.unwritten_ns)

    def unlinked(self) -> None:
        """The line is away: nothing is seen, and it is judged anew afterwards."""
        self.off_ns = self.more_ns = self.less_ns = self.stuck_ns = 0
        self.is_stopping = False

    def looked(self, rank: int, state: int, *, is_changed: bool, is_proving: bool) -> None:
        """What the guard made of it."""
        if rank > 0 or state not in (START_UP, HOLD):
            self.off_ns = 0
        if is_changed:
            self.more_ns = self.less_ns = 0
        if not is_proving:
            self.made = 0

    def wrong(self, rank: int, state: int, *, is_proving: bool) -> str:
        """What must not be, whatever the guard makes of it."""
        limits = self.limits
        if rank and self.is_stopping:
            return f"I1: rank {rank} with an output or a button that isn't as it should be"
        if is_proving and limits.parts and self.made >= limits.parts:
            return f"I1: a proving run goes on after {self.made} parts"
        if state == OVERRIDE and limits.override_ns and self.overridden_ns > 2 * limits.override_ns:
            return "I9: overridden for longer than allowed"
        return ""

    def tripped(self, name: str) -> bool:
        """A cause that isn't statistical stopped the machine. True: once too often."""
        if not self.limits.trips:
            return False
        self.trips[name] = self.trips.get(name, 0) + 1
        return self.trips[name] > self.limits.trips

    def unlocked(self) -> None:
        """An engineer has looked at it."""
        self.trips.clear()


def _since(before_ns: int, now_ns: int, holds: object) -> int:
    return (before_ns or now_ns) if holds else 0


def _is_over(since_ns: int, now_ns: int, limit_ns: int) -> bool:
    return since_ns > 0 and now_ns - since_ns > limit_ns
