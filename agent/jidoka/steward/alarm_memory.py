"""What the ledger remembers of alarms, gathered at the start and given to the table when everything was read. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jidoka.alarms.changes import Change
from jidoka.alarms.core import Alarms
from jidoka.alarms.record import here, past_of, restored
from jidoka.alarms.table import Event
from jidoka.alarms.until import Clock

#: alarms of the last ten minutes that a restart needs, and no more: a flood is found by fewer
MOST_HEARD = 1000


class Entry(NamedTuple):
    """An entry's body, when it was written, and whether since this machine started."""

    body: Mapping[str, Any]
    written: Clock
    is_this_boot: bool


class AlarmMemory:
    """Alarm, flood and boot entries of the ledger, oldest first."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._kept: dict[str, Entry] = {}
        self._heard: list[Entry] = []
        self._flood: Entry | None = None

    def alarm(self, entry: Entry) -> None:
        """The last one of each alarm counts."""
        body, wall_ns, name = entry.body, entry.written.wall_ns, str(entry.body["id"])
        self._kept[name] = entry
        if Event.REALARM.value in (body.get("events") or ()):
            self._alarms.load.called(name, wall_ns, bool(body.get("stale")))
        elif body.get("heard", body.get("sign") == "S"):
            self._alarms.load.came(name, str(body.get("priority", "low")), wall_ns)
            self._heard.append(entry)
            del self._heard[:-MOST_HEARD]

    def start(self, wall_ns: int) -> None:
        """A boot entry: since the first one somebody would have been called."""
        self._alarms.load.began(wall_ns)

    def flood(self, entry: Entry) -> None:
        """The last one counts."""
        self._flood = entry

    def give(self, define: Callable[[str, Mapping[str, Any]], None], now: Clock) -> list[Change]:
        """Everything was read. define: makes an alarm of that entry known. What couldn't be read, or is worse by the plan of
        now, is a change."""
        changes: list[Change] = []
        self._alarms.load.began(now.wall_ns)
        for name, (body, written, is_this_boot) in self._kept.items():
            define(name, body)
            try:
                past = past_of(body, written, is_this_boot, now)
                self._alarms.restore(restored(body, written, is_this_boot, now), past)
                changes += self._alarms.regraded(name, now)
            except (LookupError, TypeError, ValueError, AttributeError):
                changes += self._alarms.restore_unknown(name, now)
        self._kept = {}
        self._give_flood(now)
        return changes

    def _give_flood(self, now: Clock) -> None:
        times = [here(entry.written.ns, entry.written, entry.is_this_boot, now) for entry in self._heard]
        self._heard = []
        since_ns = alarms = 0
        if self._flood is not None:
            body, written, is_this_boot = self._flood
            # one that can't be read is none: what comes begins it anew, with the alarms of the last minutes
            with contextlib.suppress(LookupError, TypeError, ValueError, ArithmeticError):
                if body["event"] == "begins":
                    began_ns = here(int(body["since_ns"]), written, is_this_boot, now)
                    since_ns, alarms = began_ns, int(body["alarms"])
            alarms = max(alarms, sum(ns >= since_ns for ns in times)) if since_ns else 0
        self._alarms.flood.restore(times, since_ns, alarms)
