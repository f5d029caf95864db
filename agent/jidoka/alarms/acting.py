"""What people do with alarms: carried out, or refused with the reason; a refused act changes nothing. Pure."""

from __future__ import annotations

from dataclasses import replace

from jidoka.alarms.acts import Act, Judged, judge
from jidoka.alarms.alarm import Alarm, Seen, step
from jidoka.alarms.changes import Acted, Change
from jidoka.alarms.register import Register
from jidoka.alarms.table import UNACKNOWLEDGED, WITHHELD, Event, State
from jidoka.alarms.until import Clock

#: words that would acknowledge what nobody looked at
BULK = frozenset({"", "*", "all"})


class ActedOn(Register):
    """The register with what people may do to it."""

    def act(self, act: Act, now: Clock) -> Acted:
        """Carry out an act, or say why not; a refused act changes nothing."""
        alarm, refused = self._of(act)
        if alarm is None:
            return refused
        judged = judge(act, alarm, self.site, now)
        if judged.refused:
            return Acted(judged.refused, judged.remedy, [])
        return self._carry_out(act, alarm, judged, now)

    def may_ask_guard(self, act: Act) -> Acted:
        """Of an acknowledgement that the guard decides: what the table refuses before anybody asks it."""
        if act.alarm in BULK:
            return self._of(act)[1]
        alarm = self.alarms.get(act.alarm)
        if alarm is None or alarm.state not in WITHHELD:
            return Acted("", "", [])
        refused = step(alarm, Event.ACKNOWLEDGE, 0).refused
        return Acted(f"{alarm.id}: {refused}", "See: jidoka alarm list", [])

    def guard_agreed(self, act: Act, now: Clock) -> list[Change]:
        """An acknowledgement that the guard granted, or took back: of the trip class its own record tells."""
        alarm = self.alarms.get(act.alarm)
        if alarm is None or alarm.is_trip:
            return []
        event = Event.ACKNOWLEDGE if act.kind == "acknowledge" else Event.UNACKNOWLEDGE
        return self._carry_out(act, alarm, Judged(event), now).changes

    def _of(self, act: Act) -> tuple[Alarm | None, Acted]:
        if act.alarm in BULK:
            return None, Acted(
                "which alarm isn't said: nothing is done to all at once", "Name each: jidoka alarm list", []
            )
        alarm = self.alarms.get(act.alarm)
        return alarm, Acted(f"there is no alarm {act.alarm!r}", "See: jidoka alarm list", [])

    def _carry_out(self, act: Act, alarm: Alarm, judged: Judged, now: Clock) -> Acted:
        outcome = step(
            alarm, judged.event, now.ns, judged.withheld, self._severity_of(alarm.id, judged.event)
        )
        if outcome.refused:
            return Acted(f"{alarm.id}: {outcome.refused}", judged.remedy or "See: jidoka alarm list", [])
        after = self._by_the_guard(alarm, outcome.alarm)
        if judged.event in {Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE}:
            self.flood.acknowledged(alarm.priority)
            if after.below not in UNACKNOWLEDGED | {State.NORMAL} and not alarm.is_trip:
                after = replace(after, seen=Seen(act.role, act.pseudonym, act.reason))
        if judged.event is Event.UNSHELVE and after.state is State.ACKNOWLEDGED and after.seen is None:
            after = replace(after, seen=Seen(act.role, act.pseudonym, act.reason))
        if after == alarm:
            return Acted("", "", [])
        self.alarms[alarm.id] = after
        return Acted("", "", [self._told(alarm, after, (judged.event,), outcome.sign, now, act=act)])
