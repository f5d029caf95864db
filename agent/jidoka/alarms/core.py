"""All alarms of a device: conditions, causes, acts and time come in, changes come out. Pure; time is an argument."""

from __future__ import annotations

from dataclasses import replace

from jidoka.alarms.acting import ActedOn
from jidoka.alarms.alarm import Alarm, Seen, Withheld, due
from jidoka.alarms.causes import Cause, events_between, follow
from jidoka.alarms.changes import Change, merged, no_trip, renumbered
from jidoka.alarms.definition import Definition, rank
from jidoka.alarms.facts import CHATTERING
from jidoka.alarms.signal import Signal, read, settle, within_dead_band
from jidoka.alarms.table import IS_ACTIVE, WITHHELD, Event, State
from jidoka.alarms.until import Clock


class Alarms(ActedOn):
    """The register as the guard's records, conditions and time move it."""

    def follow(
        self, cause: Cause, definition: Definition, now: Clock, seen: Seen | None = None
    ) -> list[Change]:
        """A record of the guard. Class T is a function of it; the others go through their delays. seen: the
        acknowledgement that it tells of."""
        name, was = cause.id, self.definitions.get(cause.id, definition)
        self.define(definition)
        before, self.causes[name] = self.causes.get(name), cause
        if not cause.is_trip:
            return self._follow_other(cause, rank(was.priority), now)
        alarm = self.alarms[name]
        found = follow(
            alarm, before, cause, now.ns, priority=definition.priority, was_rank=rank(was.priority), seen=seen,
        )  # fmt: skip
        self.alarms[name] = found.alarm
        if Event.ACKNOWLEDGE in found.events:
            self.flood.acknowledged("trip")
        self.signals[name] = Signal(raw=cause.is_active, is_true=cause.is_active, raw_ns=now.ns)
        is_same = found.alarm.state is alarm.state and (before is None or before.revision == cause.revision)
        if is_same and not found.events:
            return []
        return [self._told(alarm, found.alarm, found.events, found.sign, now)]

    def read(
        self, name: str, is_on: bool, now: Clock, value: float | None = None, limit: float | None = None
    ) -> list[Change]:
        """A condition as it is now; with a value and its limit the dead band holds."""
        signal, definition = self.signals[name], self.definitions[name]
        if not is_on and signal.is_true and value is not None and limit is not None:
            is_on = within_dead_band(definition, value, limit)
        self.signals[name] = read(signal, is_on, now.ns)
        return self._settle(name, now)

    def pulse(self, name: str, now: Clock) -> list[Change]:
        """Something that happens rather than lasts. Who acknowledged has seen what happened before, not this."""
        over: list[Change] = []
        if self.alarms[name].below is State.ACKNOWLEDGED:  # and waits for its off-delay only
            self.signals[name] = replace(self.signals[name], raw=False, is_true=False)
            over = self._apply(name, Event.FALSE, now)
        return over + self.read(name, True, now) + self.read(name, False, now)

    def data(self, name: str, has_data: bool, now: Clock) -> list[Change]:
        """Whether what the alarm shows is fresh."""
        if self.alarms[name].has_data == has_data:
            return []
        return self._apply(name, Event.DATA_BACK if has_data else Event.NO_DATA, now)

    def severity(self, name: str, priority: str, now: Clock) -> list[Change]:
        """The condition is worse or better than it was."""
        was = rank(self.definitions[name].priority)
        self.definitions[name] = replace(self.definitions[name], priority=priority)
        return self._graded(name, was, now)

    def regraded(self, name: str, now: Clock) -> list[Change]:
        """A restored alarm whose severity the plan may have changed since its record."""
        return self._graded(name, rank(self.alarms[name].priority), now)

    def forget(self, name: str, now: Clock) -> list[Change]:
        """Neither the plan nor the guard knows this alarm any more, so its condition can't be there."""
        self._degrade(name)
        self.causes.pop(name, None)
        return self.read(name, False, now)

    def tick(self, now: Clock) -> list[Change]:
        """What time brings: ends of delays, shelves and permits, calls, rules of the plan, the end of a flood."""
        changes = []
        for name in list(self.alarms):
            changes += self._settle(name, now)
            event = due(self.alarms[name], now)
            if event is not None:
                changes += self._apply(name, event, now)
            if self.definitions[name].suppressed_while or self.alarms[name].state is State.SUPPRESSED:
                changes += self._by_rule(name, now)
        self._turned(self.flood.tick(now.ns))
        return changes + self._chattering(now)

    # ------------------------------------------------------------ small parts

    def _follow_other(self, cause: Cause, was_rank: int, now: Clock) -> list[Change]:
        name, changes = cause.id, []
        alarm = self._degrade(name)
        # what this alarm knows of it, from before a restart too
        before = Cause(
            name, self.signals[name].raw, False, alarm.revision, alarm.acknowledged_revision, False
        )
        for event in events_between(before, cause):
            if event in {Event.TRUE, Event.FALSE}:
                changes += self.read(name, event is Event.TRUE, now)
            else:
                changes += self._apply(name, event, now, self._severity_of(name, event))
        changes += self.read(name, cause.is_active, now)
        changes += self._graded(name, was_rank, now)
        self.alarms[name] = renumbered(self.alarms[name], cause)
        return merged([replace(change, alarm=renumbered(change.alarm, cause)) for change in changes])

    def _degrade(self, name: str) -> Alarm:
        """Of the trip class no longer: the device was disarmed."""
        self.alarms[name] = no_trip(self.alarms[name])
        return self.alarms[name]

    def _graded(self, name: str, was_rank: int, now: Clock) -> list[Change]:
        """Severity is another than it was; of a normal alarm that is nobody's business."""
        priority, alarm = self.definitions[name].priority, self.alarms[name]
        if alarm.below is State.NORMAL:
            self.alarms[name] = replace(alarm, priority=priority)
            held = alarm.withheld if alarm.state is State.SHELVED else None
            # worse than what was shelved would come unheard
            is_worse = held is not None and rank(priority) > held.rank
            return self._apply(name, Event.SEVERITY_RISES, now, priority) if is_worse else []
        if rank(priority) == was_rank:
            return []
        event = Event.SEVERITY_RISES if rank(priority) > was_rank else Event.SEVERITY_FALLS
        changes = self._apply(name, event, now, priority)
        alarm = self.alarms[name]
        if alarm.below in IS_ACTIVE and not alarm.is_trip and not self.signals[name].is_true:
            changes += self._apply(name, Event.FALSE, now)  # it got worse, and is gone all the same
        return merged(changes)

    def _settle(self, name: str, now: Clock) -> list[Change]:
        """The alarm follows its signal; class T has none of its own."""
        alarm, was = self.alarms[name], self.signals[name]
        if alarm.is_trip:
            return []
        signal = self.signals[name] = settle(was, self.definitions[name], now.ns)
        changes = []
        if signal.is_true != was.is_true:
            changes += self._by_rule(name, now) if signal.is_true else []  # before it can be heard
            event = Event.TRUE if signal.is_true else Event.FALSE
            changes += self._apply(name, event, now, self._severity_of(name, event))
        if not self._chatters(name):
            self._flagged.discard(name)
        elif name not in self._flagged:
            self._flagged.add(name)
            changes += self._apply(name, Event.CHATTER, now)
        return changes

    def _by_rule(self, name: str, now: Clock) -> list[Change]:
        """Suppression by the plan's rules. A rule about what nobody knows doesn't hold."""
        alarm = self.alarms[name]
        rules = self.definitions[name].suppressed_while
        holds = next((rule for rule in rules if self._is_so(rule)), "")
        if holds and alarm.state not in WITHHELD | {State.LATCHED} and not alarm.is_holding:
            return self._apply(name, Event.SUPPRESS, now, withheld=Withheld("rule", reason=holds))
        signal = self.signals[name]
        is_gone = signal.is_true and not signal.raw  # and only its off-delay keeps it: that is nobody's news
        if not holds and alarm.state is State.SUPPRESSED and not is_gone:
            return self._apply(name, Event.SUPPRESS_ENDS, now)
        return []

    def _is_so(self, rule: str) -> bool:
        """A fact, or an alarm that is active and not itself withheld: what nobody sees, or nobody knows, may hide nothing."""
        other = self.alarms.get(rule)
        if other is not None:
            return other.state in IS_ACTIVE and other.has_data
        return self.facts is not None and rule in self.facts

    def _chattering(self, now: Clock) -> list[Change]:
        """One maintenance alarm for all that chatters."""
        if CHATTERING not in self.definitions:
            return []
        return self.read(CHATTERING, bool(self.chattering), now)

    @property
    def chattering(self) -> list[str]:
        """Alarms whose delays are lengthened now."""
        return [name for name in self.signals if name != CHATTERING and self._chatters(name)]

    def _chatters(self, name: str) -> bool:
        """What happens rather than lasts comes as often as it happens."""
        return self.signals[name].is_chattering and not self.definitions[name].is_event
