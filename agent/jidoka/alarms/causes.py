"""The guard's record of a cause, and the alarm of the trip class as a function of it: never stored twice, so the two
can't disagree.

The guard owns active, latched, revision and acknowledged revision; this module turns two successive records into
the events between them and, for class T, into the alarm's state and what the operator hears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from jidoka.alarms.alarm import Alarm, Seen, step
from jidoka.alarms.definition import rank
from jidoka.alarms.table import WITHHELD, Annunciation, Event, State


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


class Followed(NamedTuple):
    """An alarm after a record of its cause, the events that led there, and what people hear and see."""

    alarm: Alarm
    events: tuple[Event, ...]
    sign: Annunciation


def events_between(before: Cause | None, after: Cause) -> tuple[Event, ...]:
    """The table's events that lead from one record to the next, in the order in which they can have happened.

    before: None if the cause was never seen; then it starts from nothing, so that whatever is active after a restart
    is annunciated and never taken for normal.
    """
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
    if after.acknowledged_revision < was.acknowledged_revision and was.is_acknowledged and not is_struck:
        events.append(Event.UNACKNOWLEDGE)
    if is_reset and Event.RESET not in events:
        events.append(Event.RESET)
    return tuple(events)


def follow(
    alarm: Alarm, before: Cause | None, cause: Cause, now_ns: int, *, priority: str, was_rank: int, seen: Seen | None = None
) -> Followed:  # fmt: skip
    """The alarm of class T after a new record of its cause.

    before: the record until now, None if there was none; priority: of the cause now; was_rank: its rank before; seen: the
    acknowledgement that the record tells of.
    """
    events = events_between(before, cause)
    if cause.is_active and events == () and rank(priority) > was_rank:
        events = (Event.SEVERITY_RISES,)
    walked = replace(alarm, is_trip=True, is_holding=cause.waits_for_reset)
    sign = Annunciation.NOTHING
    if walked.state is State.SHELVED:  # it became a trip alarm: those can't be shelved
        events = (Event.SEVERITY_RISES, *events)
    for event in events:
        outcome = step(walked, event, now_ns, priority=priority if event in _GRADED else "")
        sign, walked = louder(sign, outcome.sign), outcome.alarm
    if walked.state is State.SUPPRESSED and cause.waits_for_reset:
        outcome = step(walked, Event.SUPPRESS_ENDS, now_ns)
        events, sign, walked = (*events, Event.SUPPRESS_ENDS), louder(sign, outcome.sign), outcome.alarm
    if Event.ACKNOWLEDGE in events:
        walked = replace(walked, seen=seen)
    return Followed(_as_recorded(alarm, walked, cause, now_ns), events, _told(walked, cause, sign))


#: with these an alarm takes the priority that its cause has now
_GRADED = frozenset({Event.TRUE, Event.ACKNOWLEDGE, Event.SEVERITY_RISES})


def louder(one: Annunciation, other: Annunciation) -> Annunciation:
    """The one of two annunciations that a person can't miss."""
    return max(one, other, key=_LOUDNESS.index)


_LOUDNESS = (
    Annunciation.NOTHING, Annunciation.LOG, Annunciation.STEADY, Annunciation.FLASH, Annunciation.SOUND,
)  # fmt: skip


def _told(walked: Alarm, cause: Cause, sign: Annunciation) -> Annunciation:
    """It changed since it was acknowledged: the acknowledgement is void, and that sounds."""
    is_void = cause.state is State.ACTIVE and walked.below is not State.ACTIVE
    return Annunciation.SOUND if is_void and walked.state not in WITHHELD else sign


def _as_recorded(was: Alarm, walked: Alarm, cause: Cause, now_ns: int) -> Alarm:
    """The guard's record decides, whatever the way there was."""
    below = cause.state
    state = walked.state if walked.state in WITHHELD else below
    is_struck = below is State.ACTIVE and walked.below is not State.ACTIVE
    return replace(
        walked,
        state=state,
        below=below,
        revision=cause.revision,
        acknowledged_revision=cause.acknowledged_revision,
        count=0 if below is State.NORMAL else max(walked.count, 1),
        since_ns=now_ns if state is not was.state else was.since_ns,
        active_ns=(walked.active_ns or now_ns) if cause.is_active else 0,
        sounded_ns=now_ns if is_struck else walked.sounded_ns,
        calls=0 if cause.is_acknowledged else walked.calls,
        is_stale=walked.is_stale and cause.is_active,
        was_seen_remotely=walked.was_seen_remotely and cause.revision == was.revision,
        seen=walked.seen if below in {State.ACKNOWLEDGED, State.LATCHED} else None,
    )
