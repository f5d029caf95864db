"""How often each cause tripped of late: one that trips again and again isn't mended by another reset.

A cause of the risk register that isn't statistical locks out; a statistical one, or one that trips in FALLBACK, must be
acknowledged by maintenance. Holds by people, proving runs, planned stops, the PLC, the link, data and records don't
count: they have remedies of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.plan import Trips
from jidoka_bridge.registers import State

if TYPE_CHECKING:
    from jidoka_bridge.guard.causes import Cause
    from jidoka_bridge.guard.core import Guard

HOUR_NS = 3_600_000 * MS_NS
MAINTENANCE = "maintenance"


class TripCounters:
    """When each cause tripped, CLOCK_MONOTONIC ns; only what the plan's window still holds, and no more than decide."""

    def __init__(self, limits: Trips) -> None:
        self.limits = limits
        self.at_ns: dict[str, list[int]] = {}
        self.fresh: set[str] = set()
        self._within_ns = int(limits.within_h * HOUR_NS)

    def add(self, now_ns: int, name: str) -> None:
        """Count one. What doesn't count any more, of any cause, is forgotten: the latch file has room for little."""
        for other in [each for each in self.at_ns if not self._waits(each)]:
            self.at_ns[other] = self._recent(now_ns, other)
            if not self.at_ns[other]:
                self.forget(other)
        self.at_ns[name] = [*self._recent(now_ns, name), now_ns][-self.limits.most - 1 :]
        self.fresh.add(name)

    def is_over(self, now_ns: int, name: str) -> bool:
        """More trips than the plan allows within its window."""
        return len(self._recent(now_ns, name)) > self.limits.most

    def _waits(self, name: str) -> bool:
        """There were too many, and whoever is needed has still to come, however long that takes."""
        return len(self.at_ns[name]) > self.limits.most

    def forget(self, name: str) -> None:
        """Somebody of the role that is needed looks at it."""
        self.at_ns.pop(name, None)

    def _recent(self, now_ns: int, name: str) -> list[int]:
        return [at_ns for at_ns in self.at_ns.get(name, ()) if now_ns - at_ns <= self._within_ns]

    def ages_ms(self, now_ns: int) -> dict[str, list[int]]:
        """For the latch file."""
        return {
            name: [(now_ns - at_ns) // MS_NS for at_ns in times] for name, times in sorted(self.at_ns.items())
        }

    def restore(self, now_ns: int, ages_ms: Mapping[str, list[int]], is_same_boot: bool) -> None:
        """After another boot nobody knows how long the computer was off: the trips count as of now."""
        for name, ages in ages_ms.items():
            self.at_ns[name] = [now_ns - (age_ms * MS_NS if is_same_boot else 0) for age_ms in ages]
            self.fresh.add(name)


def count(guard: Guard, now_ns: int, name: str | None) -> None:
    """A cause took a permission away; only those of the risk register are counted."""
    if name is not None and any(cause.id == name for cause in guard.causes.register):
        guard.trips.add(now_ns, name)


def watch_trips(guard: Guard, now_ns: int) -> None:
    """More often than the plan allows: an engineer, or maintenance, has to look at it. Told with each trip."""
    fresh, guard.trips.fresh = guard.trips.fresh, set()
    for name in sorted(fresh):
        cause = guard.causes.by_id.get(name)
        is_told = guard.interlock.state is State.START_UP and cause is not None and bool(cause.needs_role)
        if cause is None or is_told or not guard.trips.is_over(now_ns, name):
            continue
        limits = guard.trips.limits
        text = f"{name}: more than {limits.most} times within {limits.within_h:g} h."
        is_statistical = cause.statistical or all(known.is_statistical for known in cause.conditions)
        kind = "too many trips, statistical" if is_statistical else "too many trips"
        step = guard.event(now_ns, kind, Details(name, text=text))
        if step.is_trip:
            guard.causes["too many trips"].strike(now_ns, {"cause": name, "trips": limits.most + 1})
            guard.trips.forget(name)
        else:
            cause.needs_role = MAINTENANCE


def seen(guard: Guard, cause: Cause) -> None:
    """An acknowledgement that counts: whoever was needed has come."""
    if cause.is_acknowledged and cause.needs_role and cause.id in guard.trips.at_ns:
        guard.trips.forget(cause.id)
        cause.needs_role = ""
