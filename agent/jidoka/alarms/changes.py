"""What comes out of the alarms: changes, merged where one record brought several events, by who may decide what. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from jidoka.alarms.acts import Act
from jidoka.alarms.alarm import Alarm
from jidoka.alarms.causes import Cause, louder
from jidoka.alarms.table import WITHHELD, Annunciation, Event, State


@dataclass(frozen=True)
class Change:
    """What happened to an alarm. sign: what people hear and see; is_heard: it counts as an annunciated alarm, whatever
    a flood makes of its sound; act: whose doing it was."""

    alarm: Alarm
    was: State
    events: tuple[Event, ...]
    sign: Annunciation
    is_heard: bool
    act: Act | None = None


class Acted(NamedTuple):
    """The outcome of an act: a refusal and what to do about it, or changes."""

    refused: str
    remedy: str
    changes: list[Change]


def renumbered(alarm: Alarm, cause: Cause) -> Alarm:
    """The numbers of the guard's newest record."""
    return replace(alarm, revision=cause.revision, acknowledged_revision=cause.acknowledged_revision)


def no_trip(alarm: Alarm) -> Alarm:
    """Of the trip class no longer: nothing of it waits for a reset any more."""
    below = State.NORMAL if alarm.below is State.LATCHED else alarm.below
    state = alarm.state if alarm.state in WITHHELD else below
    return replace(alarm, is_trip=False, is_holding=False, state=state, below=below)


def by_the_record(before: Alarm, after: Alarm) -> Alarm:
    """Class T: time may call it again, and end what withholds it; its life is the guard's to tell."""
    below = before.below
    state = after.state if after.state in WITHHELD else below
    return replace(after, state=state, below=below, seen=before.seen)


def merged(changes: list[Change]) -> list[Change]:
    """Several events of one record are one change."""
    if len(changes) < 2:
        return changes
    sign = Annunciation.NOTHING
    for change in changes:
        sign = louder(sign, change.sign)
    events = tuple(event for change in changes for event in change.events)
    is_heard = any(change.is_heard for change in changes)
    return [replace(changes[-1], was=changes[0].was, events=events, sign=sign, is_heard=is_heard)]
