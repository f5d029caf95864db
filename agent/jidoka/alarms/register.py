"""Every alarm with its signal: what is known of them, and what one event changes; counted, and heard as a flood allows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from jidoka.alarms.acts import Act, Site
from jidoka.alarms.alarm import Alarm, Withheld, step
from jidoka.alarms.causes import Cause
from jidoka.alarms.changes import Change, by_the_record, no_trip
from jidoka.alarms.definition import Definition
from jidoka.alarms.flood import Flood, Turn
from jidoka.alarms.load import Load
from jidoka.alarms.signal import NO_PAST, Past, Signal
from jidoka.alarms.table import IS_ACTIVE, Annunciation, Event
from jidoka.alarms.until import Clock


class Register:
    """Every alarm with its signal. facts: what the plan's rules of suppression may name, None while nobody knows; turns:
    floods that began or ended, until somebody takes them."""

    def __init__(self, definitions: Iterable[Definition], site: Site) -> None:
        self.site = site
        self.definitions: dict[str, Definition] = {}
        self.alarms: dict[str, Alarm] = {}
        self.signals: dict[str, Signal] = {}
        self.causes: dict[str, Cause] = {}
        self.flood = Flood()
        self.turns: list[Turn] = []
        self.load = Load()
        self.facts: frozenset[str] | None = None
        self._flagged: set[str] = set()  # told that they chatter
        for definition in definitions:
            self.define(definition)

    def define(self, definition: Definition) -> None:
        """An alarm that there is, or its newest words."""
        name = definition.id
        self.definitions[name] = definition
        self.alarms.setdefault(name, Alarm(name, priority=definition.priority))
        self.signals.setdefault(name, Signal())

    # ------------------------------------------------------------ what is restored

    def restore(self, alarm: Alarm, past: Past = NO_PAST) -> None:
        """An alarm as its last record had it; what is true then is true until somebody reads it anew, but for what only
        happened: nobody reads that again. One that tripped while it was the guard's, and is the agent's own now, follows its
        condition from here on. past: how often it came, so that one that chattered is known to."""
        definition = self.definitions.get(alarm.id)
        if definition and definition.is_own:
            alarm = no_trip(alarm)
        self.alarms[alarm.id] = alarm
        is_on = alarm.below in IS_ACTIVE
        lasts = is_on and not (definition and definition.is_event)
        signal = Signal(lasts, alarm.since_ns, is_on, past.strikes_ns, past.rows)
        self.signals[alarm.id] = signal
        if signal.is_chattering:
            self._flagged.add(alarm.id)

    def restore_unknown(self, name: str, now: Clock) -> list[Change]:
        """A record that can't be read: unacknowledged and active, never normal."""
        if name not in self.definitions:
            self.define(Definition(name))
        self.signals[name] = Signal(raw=True, is_true=True, raw_ns=now.ns)
        return self._apply(name, Event.UNKNOWN, now)

    # ------------------------------------------------------------ what one event changes

    def _apply(
        self, name: str, event: Event, now: Clock, priority: str = "", withheld: Withheld | None = None
    ) -> list[Change]:
        """Let an event happen; nothing comes out where nothing changed."""
        alarm = self.alarms[name]
        outcome = step(alarm, event, now.ns, withheld, priority)
        after = self._by_the_guard(alarm, outcome.alarm)
        if after == alarm and outcome.sign is Annunciation.NOTHING:
            return []
        self.alarms[name] = after
        return [self._told(alarm, after, (event,), outcome.sign, now)]

    def _by_the_guard(self, before: Alarm, after: Alarm) -> Alarm:
        """Revisions of what the guard has a record of are the guard's, and so is the life of the trip class; they come with
        its record."""
        if not self.definitions[after.id].is_own:
            after = replace(
                after, revision=before.revision, acknowledged_revision=before.acknowledged_revision
            )
        return by_the_record(before, after) if before.is_trip else after

    def _told(
        self,
        before: Alarm,
        after: Alarm,
        events: tuple[Event, ...],
        sign: Annunciation,
        now: Clock,
        *,
        act: Act | None = None,
    ) -> Change:
        """A change as people hear it: counted, and by a flood made quieter."""
        is_sound = sign is Annunciation.SOUND
        is_called = Event.REALARM in events
        if is_called:
            self.load.called(after.id, now.wall_ns, after.is_stale)
        elif is_sound:
            self.load.came(after.id, after.priority, now.wall_ns)
            self._turned(self.flood.came(now.ns))
        heard = self.flood.heard(sign, "trip" if after.is_trip else after.priority)
        return Change(after, before.state, events, heard, is_sound and not is_called, act)

    def _severity_of(self, name: str, event: Event) -> str:
        """With these events an alarm takes the priority that its condition has now."""
        is_fresh = event in {Event.TRUE, Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE}
        return self.definitions[name].priority if is_fresh else ""

    def _turned(self, turn: Turn | None) -> None:
        if turn is not None:
            self.turns.append(turn)
