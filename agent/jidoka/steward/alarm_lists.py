"""What people and the AIMS are shown of all alarms: lists in the order in which they are looked at, counts, and the load. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from jidoka.alarms.alarm import Alarm
from jidoka.alarms.core import Alarms
from jidoka.alarms.definition import rank
from jidoka.alarms.record import shown
from jidoka.alarms.table import IS_ACTIVE, UNACKNOWLEDGED, WITHHELD, State
from jidoka.alarms.until import Clock

_SUMMARY = ("id", "state", "priority", "class", "text", "remedy", "count")


class AlarmLists:
    """Views of what others change. causes: as the guard last told them; own: alarms that aren't the guard's."""

    def __init__(self, alarms: Alarms, causes: Mapping[str, Mapping[str, Any]], own: Collection[str]) -> None:
        self._alarms, self._causes, self._own = alarms, causes, own

    @property
    def listed(self) -> list[dict[str, Any]]:
        """Alarms that aren't normal nor withheld: unacknowledged first, then by priority, then the latest first; in a
        flood by priority, and the first first."""
        names = [
            name
            for name, alarm in self._alarms.alarms.items()
            if alarm.state not in WITHHELD | {State.NORMAL}
        ]
        return [self._shown(name) for name in sorted(names, key=self._place)]

    @property
    def is_flooded(self) -> bool:
        """More alarms come than a person can follow."""
        return self._alarms.flood.is_on

    @property
    def withheld(self) -> list[dict[str, Any]]:
        """Alarms that are shelved, suppressed or out of service: who did it, why, and until when."""
        return [self._shown(name) for name, alarm in self._alarms.alarms.items() if alarm.state in WITHHELD]

    @property
    def normal(self) -> list[dict[str, Any]]:
        """The others; one whose quality isn't good is no good news."""
        return [
            self._shown(name) for name, alarm in self._alarms.alarms.items() if alarm.state is State.NORMAL
        ]

    @property
    def summary(self) -> dict[str, Any]:
        """The message on `alarms`."""
        alarms = self._alarms.alarms.values()
        listed = self.listed
        return {
            "active": sum(alarm.state in IS_ACTIVE for alarm in alarms),
            "unacknowledged": sum(alarm.state in UNACKNOWLEDGED for alarm in alarms),
            "latched": sum(alarm.state is State.LATCHED for alarm in alarms),
            "shelved": sum(alarm.state is State.SHELVED for alarm in alarms),
            "suppressed": sum(alarm.state is State.SUPPRESSED for alarm in alarms),
            "out_of_service": sum(alarm.state is State.OUT_OF_SERVICE for alarm in alarms),
            "flood": self._alarms.flood.is_on,
            "list": [{field: alarm[field] for field in _SUMMARY} for alarm in listed],
        }

    def load(self, now: Clock) -> dict[str, Any]:
        """The figures of ISA-18.2, and what chatters now."""
        flood = self._alarms.flood
        return {
            **self._alarms.load.value(now.wall_ns),
            "flood": flood.is_on,
            "last_10_min": flood.count(now.ns),
            "chattering": self._alarms.chattering,
        }

    def _place(self, name: str) -> tuple[int, ...]:
        alarm = self._alarms.alarms[name]
        if self._alarms.flood.is_on:
            return (not alarm.is_trip, -rank(alarm.priority), alarm.active_ns or alarm.since_ns)
        return (alarm.state not in UNACKNOWLEDGED, -rank(alarm.priority), -self._since_ns(alarm))

    def _since_ns(self, alarm: Alarm) -> int:
        """Of a cause: since it struck, by the guard's clock."""
        cause = {} if alarm.id in self._own else self._causes.get(alarm.id, {})
        return int(cause.get("since_ns") or alarm.since_ns)

    def _shown(self, name: str) -> dict[str, Any]:
        alarm = self._alarms.alarms[name]
        is_chattering = name in self._alarms.chattering
        body = shown(alarm, self._alarms.definitions[name])
        return {
            **body,
            # of what is active since it struck; of the rest since it is as it is
            "since_ns": self._since_ns(alarm) if alarm.state in IS_ACTIVE else alarm.since_ns,
            "chattering": is_chattering,
            "own": name in self._own,
        }
