"""An alarm as a function of the guard's record of its cause: never stored twice, so the two can't disagree.

The guard owns active, latched, revision and acknowledged revision; this module turns two successive records into
the alarm's state, the events between them, and what the operator hears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jidoka.alarms.table import Annunciation, Event, State, step


@dataclass(frozen=True)
class Cause:
    """The guard's record of one cause, as far as its alarm depends on it. is_trip: of the trip class."""

    id: str
    is_active: bool
    is_latched: bool
    revision: int
    acknowledged_revision: int
    is_trip: bool

    @classmethod
    def from_message(cls, body: Mapping[str, Any]) -> Cause:
        """From the JSON body of CAUSE. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            id=str(body["id"]),
            is_active=bool(body["active"]),
            is_latched=bool(body.get("latched", False)),
            revision=int(body["revision"]),
            acknowledged_revision=int(body.get("acknowledged_revision") or 0),
            is_trip=bool(body.get("trip", False)),
        )

    @property
    def is_acknowledged(self) -> bool:
        """True if somebody acknowledged what is shown now, or nothing ever happened."""
        return self.acknowledged_revision >= self.revision

    @property
    def waits_for_reset(self) -> bool:
        """True while only the interlock's reset ends it; other alarms end with their acknowledgement."""
        return self.is_trip and self.is_latched

    @property
    def state(self) -> State:
        """The alarm's state, by the cause's record alone."""
        if self.is_active:
            return State.ACKNOWLEDGED if self.is_acknowledged else State.ACTIVE
        if not self.is_acknowledged:
            return State.RETURNED
        return State.LATCHED if self.waits_for_reset else State.NORMAL


@dataclass(frozen=True)
class Alarm:
    """An alarm as people see it. count: how often it came since it was last acknowledged or normal."""

    cause: Cause
    state: State
    count: int


@dataclass(frozen=True)
class Change:
    """What happened to an alarm between two records of its cause."""

    alarm: Alarm
    was: State
    events: tuple[Event, ...]
    sign: Annunciation


def follow(alarm: Alarm | None, cause: Cause) -> tuple[Alarm, Change | None]:
    """The alarm after a new record of its cause, and what changed (None: nothing that a person would notice).

    alarm: as it was, None if this cause was never seen; an unknown alarm starts from A, so that whatever is
    active after a restart is annunciated again and never taken for normal.
    """
    was = State.NORMAL if alarm is None else alarm.state
    count = 0 if alarm is None else alarm.count
    events = events_between(None if alarm is None else alarm.cause, cause)
    sign, walked = Annunciation.NOTHING, was
    for event in events:
        outcome = step(walked, event, cause.waits_for_reset)
        count = (
            1 if event is Event.TRUE and walked in {State.NORMAL, State.LATCHED} else count + outcome.counts
        )
        sign = _louder(sign, outcome.sign)
        walked = outcome.state
    if cause.state is State.ACTIVE and walked is not State.ACTIVE:
        sign = Annunciation.SOUND  # it changed since it was acknowledged: the acknowledgement is void
    count = 0 if cause.state is State.NORMAL else max(count, 1)
    fresh = Alarm(cause, cause.state, count)
    if (
        alarm is not None
        and fresh.state == alarm.state
        and not events
        and cause.revision == alarm.cause.revision
    ):
        return fresh, None
    if alarm is None and fresh.state is State.NORMAL:
        return fresh, None
    return fresh, Change(fresh, was, events, sign)


def events_between(before: Cause | None, after: Cause) -> tuple[Event, ...]:
    """The table's events that lead from one record to the next, in the order in which they can have happened."""
    was = before or Cause(after.id, False, False, 0, 0, after.is_trip)
    events = []
    is_reset = was.is_latched and not after.is_latched
    is_struck = not was.is_active and (after.is_active or after.revision > was.revision)
    if is_struck:
        events += [Event.RESET] if is_reset else []
        events.append(Event.TRUE)
    if (was.is_active or is_struck) and not after.is_active:  # it may have come and gone between the records
        events.append(Event.FALSE)
    if after.acknowledged_revision > was.acknowledged_revision and after.is_acknowledged:
        events.append(Event.ACKNOWLEDGE)
    if is_reset and Event.RESET not in events:
        events.append(Event.RESET)
    return tuple(events)


_LOUDNESS = (Annunciation.NOTHING, Annunciation.STEADY, Annunciation.FLASH, Annunciation.SOUND)


def _louder(a: Annunciation, b: Annunciation) -> Annunciation:
    return max(a, b, key=_LOUDNESS.index)
