"""An alarm as it stands in the record, and back: whatever was written down comes through a restart. Pure.

Times in a record are CLOCK_MONOTONIC of the boot in which it was written; after another boot they are ages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jidoka.alarms.acts import LONGEST_SERVICE_NS, SHIFT_NS
from jidoka.alarms.alarm import Alarm, Seen, Withheld
from jidoka.alarms.changes import Change
from jidoka.alarms.definition import PRIORITIES, Definition
from jidoka.alarms.signal import CHATTER, MOST_STRIKES, NO_PAST, Past, Signal
from jidoka.alarms.table import LIFE, MEANING, WITHHELD, Event, State
from jidoka.alarms.until import Clock, Until

GOOD, NO_DATA = "good", "no data"
_ACKNOWLEDGES = frozenset({Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE})


def shown(alarm: Alarm, definition: Definition) -> dict[str, Any]:
    """What a list shows of an alarm."""
    return {
        "id": alarm.id,
        "state": alarm.state.value,
        "letter meaning": MEANING[alarm.state],
        "below": alarm.below.value,
        "priority": alarm.priority,
        "class": class_of(alarm),
        "response": definition.response,
        "text": definition.text,
        "remedy": definition.remedy,
        "revision": alarm.revision,
        "acknowledged_revision": alarm.acknowledged_revision,
        "quality": quality_of(alarm),
        "count": alarm.count,
        "since_ns": alarm.since_ns,
        "calls": alarm.calls,
        "called": alarm.escalated_to if alarm.calls else "",
        "stale": alarm.is_stale,
        "seen_remotely": alarm.was_seen_remotely,
        "seen": _seen(alarm.seen),
        "withheld": _withheld(alarm.withheld),
    }


def recorded(change: Change, definition: Definition) -> dict[str, Any]:
    """The body of an alarm entry: what people were shown, and all that a restart needs."""
    alarm, act = change.alarm, change.act
    is_acknowledged = bool(_ACKNOWLEDGES & set(change.events))
    person = None if act is None else {"role": act.role, "pseudonym": act.pseudonym}
    body = shown(alarm, definition)
    del body["letter meaning"]
    return {
        **body,
        "meaning": MEANING[alarm.state],
        "was": change.was.value,
        "sign": change.sign.value,
        "risk": definition.risk,
        "person": person,
        "reason": act.reason if act is not None and is_acknowledged else "",
        "events": [event.value for event in change.events],
        "heard": change.is_heard,
        "active_ns": alarm.active_ns,
        "sounded_ns": alarm.sounded_ns,
        "evidence": {},
    }


def restored(body: Mapping[str, Any], written: Clock, is_this_boot: bool, now: Clock) -> Alarm:
    """The alarm of an entry. written: when, on the clocks of its boot.

    Raises LookupError, TypeError, ValueError or AttributeError if it can't be read: then nobody knows its state.
    """
    state = State(body["state"])
    below = State(body.get("below", body["state"]))
    held = body.get("withheld")
    if below not in LIFE or (state in WITHHELD) != isinstance(held, dict) or state not in {below, *WITHHELD}:
        raise ValueError(f"{body['id']}: state {state.value} over {below.value}")
    if str(body["priority"]) not in PRIORITIES:
        raise ValueError(f"{body['id']}: priority {body['priority']}")
    withheld = _held(held, is_this_boot, now) if isinstance(held, dict) else None
    if isinstance(held, dict) and state is not State.SUPPRESSED and not _ends(state, held["until"]):
        raise ValueError(f"{body['id']}: {MEANING[state]}, and no end is recorded")
    is_trip = body["class"] == "trip"
    alarm = Alarm(
        id=str(body["id"]),
        is_trip=is_trip,
        is_holding=is_trip and below is not State.NORMAL,
        priority=str(body["priority"]),
        state=state,
        below=below,
        has_data=body.get("quality", GOOD) == GOOD,
        revision=int(body["revision"]),
        acknowledged_revision=int(body["acknowledged_revision"]),
        count=int(body.get("count", 1)),
        calls=int(body.get("calls", 0)),
        is_stale=bool(body.get("stale", False)),
        was_seen_remotely=bool(body.get("seen_remotely", False)),
        seen=None if not body.get("seen") else Seen(**body["seen"]),
        withheld=withheld,
    )
    # records before there was `sounded_ns` tell since when
    times = {
        name: here(int(body.get(name, body.get("since_ns", 0))), written, is_this_boot, now)
        for name in ("since_ns", "active_ns", "sounded_ns")
    }
    return replace(alarm, **times)  # type: ignore[arg-type]


def here(ns: int, written: Clock, is_this_boot: bool, now: Clock) -> int:
    """A time of a record on this boot's clock; 0 stays 0. written: when it was recorded, on the clocks of its boot."""
    if is_this_boot or not ns:
        return ns
    away_ns = max(0, now.wall_ns - written.wall_ns)
    return now.ns - away_ns - max(0, written.ns - ns)


def chatter_of(signal: Signal) -> dict[str, Any]:
    """What a record keeps of how often a condition came."""
    return {"strikes_ns": list(signal.strikes), "rows": list(signal.rows)}


def past_of(body: Mapping[str, Any], written: Clock, is_this_boot: bool, now: Clock) -> Past:
    """How often the condition of a recorded alarm came; what can't be read, or wasn't recorded, is no past."""
    try:
        kept = body["chatter"]
        strikes = tuple(here(int(ns), written, is_this_boot, now) for ns in kept["strikes_ns"])
        rows = tuple(bool(row) for row in kept["rows"])
    except (LookupError, TypeError, ValueError):
        return NO_PAST
    if len(rows) != len(CHATTER) or (True in rows and not strikes) or list(strikes) != sorted(strikes):
        return NO_PAST
    return Past(strikes[-MOST_STRIKES:], rows)


def class_of(alarm: Alarm) -> str:
    """The word for the alarm's class."""
    return "trip" if alarm.is_trip else "other"


def quality_of(alarm: Alarm) -> str:
    """Whether what it shows is fresh."""
    return GOOD if alarm.has_data else NO_DATA


def _seen(seen: Seen | None) -> dict[str, str] | None:
    return None if seen is None else {"role": seen.role, "pseudonym": seen.pseudonym, "reason": seen.reason}


def _withheld(held: Withheld | None) -> dict[str, Any] | None:
    if held is None:
        return None
    until = held.until
    return {
        "by": held.by, "role": held.role, "pseudonym": held.pseudonym, "reason": held.reason, "permit": held.permit,
        "one_shot": held.is_one_shot, "rank": held.rank,
        "until": None if until is None else {
            "set_ns": until.set_ns, "set_wall_ns": until.set_wall_ns, "length_ns": until.length_ns,
            "end_wall_ns": until.end_wall_ns,
        },
    }  # fmt: skip


def _ends(state: State, until: Mapping[str, Any] | None) -> bool:
    """An end that this state may have: nothing is silent for ever, whatever a record says."""
    longest_ns = SHIFT_NS if state is State.SHELVED else LONGEST_SERVICE_NS
    return until is not None and 0 < int(until["length_ns"]) <= longest_ns


def _held(body: Mapping[str, Any], is_this_boot: bool, now: Clock) -> Withheld:
    until = None
    if body["until"] is not None:
        kept = body["until"]
        until = Until(int(kept["set_ns"]), int(kept["set_wall_ns"]), int(kept["length_ns"]))
        until = until if is_this_boot else until.after_boot(now)
    return Withheld(
        by=str(body["by"]),
        role=str(body["role"]),
        pseudonym=str(body["pseudonym"]),
        reason=str(body["reason"]),
        permit=str(body["permit"]),
        until=until,
        is_one_shot=bool(body["one_shot"]),
        rank=int(body["rank"]),
    )
