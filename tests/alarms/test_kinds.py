"""Every field of an alarm stays of its kind whatever happens to it: what is yes or no never becomes nothing."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from jidoka.alarms import alarm as alarms
from jidoka.alarms.alarm import Alarm, Outcome, Seen, Withheld, step
from jidoka.alarms.table import WITHHELD, Annunciation, Event, Position, State
from jidoka.alarms.table import step as look_up

LIFE = tuple(state for state in State if state not in WITHHELD)
POSITIONS = [Position(state, state) for state in LIFE] + [
    Position(over, below) for over in State if over in WITHHELD for below in LIFE
]
#: what a field may be beside what it is in a new alarm
ALSO = {"withheld": Withheld, "seen": Seen}
WHY = Withheld("shelf", rank=1)


def kinds(outcome: Outcome) -> dict[str, object]:
    """The fields of which the kind is another one than in a new alarm."""
    fresh = Alarm("a")
    found = {field.name: getattr(outcome.alarm, field.name) for field in dataclasses.fields(Alarm)}
    return {
        name: value
        for name, value in found.items()
        if type(value) not in (type(getattr(fresh, name)), ALSO.get(name))
    }


@pytest.mark.parametrize("event", Event)
def test_no_event_makes_a_field_one_of_another_kind(event: Event) -> None:
    for (state, below), is_trip, is_holding, priority in itertools.product(
        POSITIONS, (False, True), (False, True), ("", "high")
    ):
        alarm = Alarm(
            "a", is_trip, is_holding, state=state, below=below, revision=4, acknowledged_revision=3, count=3,
            since_ns=5, active_ns=5, sounded_ns=5, calls=1, withheld=WHY if state in WITHHELD else None,
        )  # fmt: skip
        outcome = step(alarm, event, 1_000, WHY, priority)
        assert kinds(outcome) == {}
        assert isinstance(outcome.sign, Annunciation)
        assert isinstance(outcome.refused, str)
        if outcome.refused:
            assert outcome == Outcome(alarm, Annunciation.NOTHING, outcome.refused)


def test_every_step_of_the_table_says_yes_or_no_and_gives_a_text() -> None:
    for position, event, is_trip in itertools.product(POSITIONS, Event, (False, True)):
        found = look_up(position, event, is_trip)
        assert (type(found.counts), type(found.refused)) == (bool, str)
        assert isinstance(found.sign, Annunciation)
        if found.refused:
            assert (found.state, found.below, found.counts) == (*position, False)
            assert found.sign is Annunciation.NOTHING


def test_what_an_event_writes_beside_the_state_are_fields_of_an_alarm() -> None:
    names = {field.name for field in dataclasses.fields(Alarm)}
    for event, effect in alarms._EFFECTS.items():
        assert set(effect(Alarm("a"), 1)) <= names, event


@pytest.mark.parametrize(("is_trip", "refused"), [(True, "a trip alarm can't be shelved"), (False, "")])
def test_a_trip_alarm_is_never_shelved_whether_its_cause_holds_the_machine_or_not(
    is_trip: bool, refused: str
) -> None:
    outcome = step(Alarm("a", is_trip, state=State.ACTIVE, below=State.ACTIVE), Event.SHELVE, 9, WHY)
    assert outcome.refused == refused


@pytest.mark.parametrize("event", [Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE])
def test_an_acknowledgement_begins_the_worst_priority_anew(event: Event) -> None:
    alarm = Alarm("a", priority="high", state=State.ACTIVE, below=State.ACTIVE)
    assert step(alarm, event, 9, priority="low").alarm.priority == "low"
    assert step(alarm, Event.SEVERITY_FALLS, 9, priority="low").alarm.priority == "high"
