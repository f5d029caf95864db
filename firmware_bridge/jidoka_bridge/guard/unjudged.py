"""A condition that becomes unknown while the line runs: the model goes on unproven for as long as a proving run may.

The first records of another recipe, or a monitor that began anew, leave what is judged on records unknown. That takes
nothing away by itself: it is judged within a few records. Where it isn't, parts and running time are counted as in a
proving run, and at the same limits the model isn't trusted any more (docs/adr/0014).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jidoka_bridge.guard import judging
from jidoka_bridge.guard.facts import with_fallback
from jidoka_bridge.guard.proving import MINUTE_NS
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.plan import Proving
from jidoka_bridge.registers import State

if TYPE_CHECKING:
    from jidoka_bridge.guard.conditions import Known
    from jidoka_bridge.guard.core import Guard

TRUSTED = (State.RUN, State.ADVISE)


class Unjudged:
    """How many parts were made, and how long the machine ran, since something wasn't judged any more."""

    def __init__(self, limits: Proving) -> None:
        self._limits = limits
        self._last_ns = 0
        self._last_part = 0
        self.running_ns = 0
        self.parts = 0

    def take(self, now_ns: int, part_count: int, running: bool) -> None:
        if self._last_ns:
            self.running_ns += (now_ns - self._last_ns) * running
            self.parts += max(0, part_count - self._last_part)
        self._last_ns, self._last_part = now_ns, part_count

    def forget(self) -> None:
        self._last_ns = self.running_ns = self.parts = 0

    @property
    def is_over(self) -> bool:
        return self.parts >= self._limits.parts or self.running_ns >= self._limits.minutes * MINUTE_NS


def watch_unjudged(guard: Guard, now_ns: int) -> None:
    """Only what could take the permissive away is asked for; in observe nothing is permitted that could be."""
    open_ones = _unjudged(guard, now_ns) if guard.interlock.state in TRUSTED and guard.is_enforcing else []
    if not open_ones:
        guard.unjudged.forget()
        return
    guard.unjudged.take(now_ns, guard.view.part_count, guard.view.running)
    if not guard.unjudged.is_over:
        return
    name = f"not judged:{open_ones[0].model}"
    why = {"conditions": [known.id for known in open_ones], "parts": guard.unjudged.parts}
    guard.causes[name].strike(now_ns, why)
    step = guard.event(now_ns, with_fallback(guard, "fallback cause on"), Details(name, evidence=why))
    if step.state is State.FALLBACK:
        judging.start_afresh(guard, now_ns)


def _unjudged(guard: Guard, now_ns: int) -> list[Known]:
    """What a trip cause of a model in enforce rests on and isn't judged off."""
    asked = {known.id for cause in guard.causes.register if cause.trips for known in cause.conditions}
    return [
        known
        for known in guard.conditions.known
        if known.by_run and known.id in asked and not guard.conditions.is_off(known, now_ns)
    ]
