"""One alarm and what an event makes of it: the table's step, and all that the record keeps beside the state. Pure.

`step(alarm, event, now_ns)` and `due(alarm, now)` are all that a single alarm does; both work on frozen values that
can be compared and hashed, so that its states can be explored to the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jidoka.alarms.definition import ESCALATION, LONGEST_REALARM_NS, REALARM_NS, STALE_NS, rank
from jidoka.alarms.table import (
    IS_ACTIVE,
    TABLE,
    UNACKNOWLEDGED,
    WITHHELD,
    Annunciation,
    Event,
    Position,
    State,
)
from jidoka.alarms.table import step as look_up
from jidoka.alarms.until import Clock, Until


@dataclass(frozen=True)
class Withheld:
    """Why an alarm is shelved, suppressed or out of service. until: None only for a rule of the plan, which ends by itself."""

    by: str
    role: str = ""
    pseudonym: str = ""
    reason: str = ""
    permit: str = ""
    until: Until | None = None
    is_one_shot: bool = False
    rank: int = 0


@dataclass(frozen=True)
class Seen:
    """Who acknowledged, and why. reason: a code of the table of reasons."""

    role: str = ""
    pseudonym: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Alarm:
    """An alarm as people see it.

    state: the letter shown; below: its own life underneath, the same unless withheld; is_trip: class T; is_holding: its
    cause holds the machine and waits for the reset; priority: the worst since it was acknowledged; count: how often
    it came since; revision: rises with everything that a person must see anew; since_ns: of the state;
    active_ns: since when active, 0 = not; sounded_ns: last annunciation; calls: how often it was called again;
    seen: the acknowledgement that holds.
    """

    id: str
    is_trip: bool = False
    is_holding: bool = False
    priority: str = "low"
    state: State = State.NORMAL
    below: State = State.NORMAL
    has_data: bool = True
    revision: int = 0
    acknowledged_revision: int = 0
    count: int = 0
    since_ns: int = 0
    active_ns: int = 0
    sounded_ns: int = 0
    calls: int = 0
    is_stale: bool = False
    was_seen_remotely: bool = False
    seen: Seen | None = None
    withheld: Withheld | None = None

    @property
    def escalated_to(self) -> str:
        """Who is called now."""
        return ESCALATION[min(self.calls, len(ESCALATION) - 1)]


@dataclass(frozen=True)
class Outcome:
    """An alarm after an event. sign: what people hear and see; refused: why nothing happened."""

    alarm: Alarm
    sign: Annunciation = Annunciation.NOTHING
    refused: str = ""


#: rows in which the whole trip class differs; in the others only while its cause holds the machine
_BY_CLASS = frozenset({Event.SHELVE, Event.ACKNOWLEDGE_REMOTE})
_ACKNOWLEDGES = frozenset({Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE})


def step(
    alarm: Alarm, event: Event, now_ns: int, withheld: Withheld | None = None, priority: str = ""
) -> Outcome:
    """What an event makes of an alarm.

    withheld: of SHELVE, SUPPRESS and OUT; priority: of SEVERITY_RISES, SEVERITY_FALLS and TRUE, the same where empty.
    """
    if alarm.state is State.SHELVED and alarm.withheld is not None:
        if event is Event.SEVERITY_RISES and not alarm.is_trip and rank(priority) <= alarm.withheld.rank:
            return Outcome(replace(alarm, priority=_worse(alarm.priority, priority)), Annunciation.LOG)
        if event is Event.FALSE and alarm.withheld.is_one_shot and alarm.below in IS_ACTIVE:
            gone = replace(alarm, state=State.NORMAL, below=State.NORMAL, withheld=None)
            return Outcome(_at_rest(replace(gone, since_ns=now_ns)), Annunciation.LOG)
    is_trip = alarm.is_trip if event in _BY_CLASS else alarm.is_holding
    found = look_up(Position(alarm.state, alarm.below), event, is_trip)
    if found.refused or TABLE[event][alarm.state].no:
        return Outcome(alarm, Annunciation.NOTHING, found.refused or "it can't happen in this state")
    after = replace(alarm, state=found.state, below=found.below)
    after = replace(after, **_EFFECTS[event](alarm, now_ns)) if event in _EFFECTS else after
    if found.state in WITHHELD:
        after = replace(after, withheld=withheld) if found.state is not alarm.state else after
    else:
        after = replace(after, withheld=None)
    if priority:
        is_fresh = alarm.below is State.NORMAL or event in _ACKNOWLEDGES
        after = replace(after, priority=priority if is_fresh else _worse(alarm.priority, priority))
    return Outcome(_counted(alarm, after, event, found.sign, now_ns, counts=found.counts), found.sign)


def due(alarm: Alarm, now: Clock) -> Event | None:
    """What time alone brings: the end of a shelf or of a permit, a call, an alarm that is stale. One at a time."""
    withheld = alarm.withheld
    if withheld is not None:
        is_over = withheld.until is not None and withheld.until.left_ns(now) == 0
        if not is_over:
            return None
        return Event.SHELF_ENDS if alarm.state is State.SHELVED else Event.BACK
    if alarm.state is State.NORMAL:
        return None
    if alarm.state is State.ACKNOWLEDGED:
        called_ns = max(alarm.active_ns, alarm.sounded_ns) if alarm.is_stale else alarm.active_ns
        return Event.REALARM if now.ns - called_ns >= STALE_NS else None
    wait_ns = min(
        REALARM_NS.get(alarm.priority, REALARM_NS["high"]) << min(alarm.calls, 16), LONGEST_REALARM_NS
    )
    if alarm.state is State.LATCHED:  # somebody has seen it: a reminder once a shift
        wait_ns = LONGEST_REALARM_NS
    return Event.REALARM if now.ns - alarm.sounded_ns >= wait_ns else None


def _counted(
    before: Alarm, after: Alarm, event: Event, sign: Annunciation, now_ns: int, *, counts: bool
) -> Alarm:
    """The figures that follow from a step."""
    if after.below in IS_ACTIVE and before.below not in IS_ACTIVE:
        is_first = before.below in {State.NORMAL, State.LATCHED}
        after = replace(after, active_ns=now_ns, count=1 if is_first else before.count + counts)
    if after.below not in IS_ACTIVE:
        after = replace(after, active_ns=0, is_stale=False)
    is_only_called = event is Event.REALARM and before.state is State.ACTIVE
    if sign is Annunciation.SOUND and not is_only_called:
        after = replace(after, revision=before.revision + 1)
    elif event is Event.TRUE and after.below is State.ACTIVE and before.below is not State.ACTIVE:
        after = replace(after, revision=before.revision + 1)  # withheld: nobody hears it, but it changed
    if sign in {Annunciation.SOUND, Annunciation.FLASH}:
        after = replace(after, sounded_ns=now_ns)
    if after.state is not before.state:
        after = replace(after, since_ns=now_ns)
    after = replace(after, seen=None) if after.below in UNACKNOWLEDGED else replace(after, calls=0)
    return _at_rest(after)


def _at_rest(alarm: Alarm) -> Alarm:
    """An alarm that is normal remembers nothing of its last time but its revision."""
    if alarm.below is not State.NORMAL:
        return alarm
    return replace(alarm, count=0, active_ns=0, calls=0, is_stale=False, was_seen_remotely=False, seen=None)


def _worse(one: str, other: str) -> str:
    return max(one, other, key=rank)


def _acknowledged(alarm: Alarm, now_ns: int) -> dict[str, Any]:
    del now_ns
    return {"acknowledged_revision": alarm.revision}


def _seen_remotely(alarm: Alarm, now_ns: int) -> dict[str, Any]:
    if alarm.is_trip:
        return {"was_seen_remotely": True}
    return {"was_seen_remotely": True, **_acknowledged(alarm, now_ns)}


def _called(alarm: Alarm, now_ns: int) -> dict[str, Any]:
    is_stale = alarm.active_ns != 0 and now_ns - alarm.active_ns >= STALE_NS
    calls = alarm.calls + (alarm.state is not State.ACKNOWLEDGED)
    return {"calls": calls, "sounded_ns": now_ns, "is_stale": alarm.is_stale or is_stale}


#: what an event writes into the alarm beside its state
_EFFECTS: dict[Event, Callable[[Alarm, int], dict[str, Any]]] = {
    Event.ACKNOWLEDGE: _acknowledged,
    Event.ACKNOWLEDGE_REMOTE: _seen_remotely,
    Event.UNACKNOWLEDGE: lambda alarm, _: (
        {"acknowledged_revision": 0} if alarm.below in {State.ACKNOWLEDGED, State.LATCHED} else {}
    ),
    Event.REALARM: _called,
    Event.NO_DATA: lambda *_: {"has_data": False},
    Event.DATA_BACK: lambda *_: {"has_data": True},
    Event.UNKNOWN: lambda *_: {"has_data": False, "acknowledged_revision": 0},
}
