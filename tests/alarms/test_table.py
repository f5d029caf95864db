"""Every state and event of the alarm table, and that an alarm follows from its cause exactly as the table says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.alarms.causes import Alarm, Cause, events_between, follow
from jidoka.alarms.table import IS_ACTIVE, MEANING, TABLE, UNACKNOWLEDGED, Annunciation, Event, State, step

#: the standard's table as it is printed: event → state → (next, next of the trip class, sign); R = refused
PRINTED = """
condition true                                    | A:B,B,S | B:B,B,- | C:C,C,- | D:B,B,S | L:B,B,S
condition false                                   | A:A,A,- | B:D,D,f | C:A,L,s | D:D,D,- | L:L,L,-
acknowledged with a reason, at the current revision | A:A,A,R | B:C,C,s | C:C,C,- | D:A,L,- | L:L,L,-
interlock reset accepted                          | A:A,A,- | B:B,B,R | C:C,C,R | D:D,D,R | L:A,A,-
"""


def printed() -> list[tuple[Event, State, State, State, str]]:
    rows = []
    for text in PRINTED.strip().splitlines():
        name, *cells = [part.strip() for part in text.split("|")]
        for cell in cells:
            state, rest = cell.split(":")
            to, trip_to, sign = rest.split(",")
            rows.append((Event(name), State(state), State(to), State(trip_to), sign))
    return rows


@pytest.mark.parametrize(("event", "state", "to", "trip_to", "sign"), printed())
def test_each_cell_is_as_printed(event: Event, state: State, to: State, trip_to: State, sign: str) -> None:
    for is_trip, wanted in ((False, to), (True, trip_to)):
        outcome = step(state, event, is_trip)
        assert outcome.state is wanted
        assert bool(outcome.refused) == (sign == "R")
        assert outcome.sign.value == ("-" if sign == "R" else sign)
        assert outcome.counts == (event is Event.TRUE and state is State.RETURNED)


def test_the_table_is_complete_and_printed_in_full() -> None:
    assert {(event, state) for event, state, *_ in printed()} == {(e, s) for e in Event for s in State}
    assert all(set(TABLE[event]) == set(State) for event in Event)
    assert set(MEANING) == set(State)
    assert {State("B"), State("D")} == UNACKNOWLEDGED
    assert {State("B"), State("C")} == IS_ACTIVE


def test_a_refused_event_changes_nothing() -> None:
    for event in Event:
        for state in State:
            for is_trip in (False, True):
                outcome = step(state, event, is_trip)
                assert not outcome.refused or outcome.state is state


def test_only_the_trip_class_is_ever_latched() -> None:
    for event in Event:
        for state in set(State) - {State.LATCHED}:
            assert step(state, event, is_trip=False).state is not State.LATCHED


QUIET = Cause("R-03", False, False, 0, 0, True)


def strike(cause: Cause) -> Cause:
    return replace(cause, is_active=True, is_latched=cause.is_trip, revision=cause.revision + 1)


def end(cause: Cause) -> Cause:
    return replace(cause, is_active=False)


def acknowledge(cause: Cause) -> Cause:
    return replace(cause, acknowledged_revision=cause.revision)


def reset(cause: Cause) -> Cause:
    return replace(cause, is_latched=cause.is_latched and (cause.is_active or not cause.is_acknowledged))


GUARD = {Event.FALSE: end, Event.ACKNOWLEDGE: acknowledge, Event.RESET: reset}


@given(st.booleans(), st.lists(st.sampled_from(Event), max_size=30))
def test_the_function_of_the_cause_walks_as_the_table_does(is_trip: bool, events: list[Event]) -> None:
    """Played against a guard that strikes, ends, acknowledges and resets causes: both ways give one state."""
    cause, state = replace(QUIET, is_trip=is_trip), State.NORMAL
    alarm: Alarm | None = None
    for event in events:
        if event is Event.TRUE and cause.is_active:
            continue  # struck again while active: a new revision, see below
        cause = strike(cause) if event is Event.TRUE else GUARD[event](cause)
        state = step(state, event, is_trip).state
        alarm, _ = follow(alarm, cause)
        assert alarm.state is cause.state is state


def test_a_change_voids_an_acknowledgement_and_sounds_again() -> None:
    struck = strike(QUIET)
    alarm, first = follow(None, struck)
    alarm, _ = follow(alarm, acknowledge(struck))
    assert alarm.state is State.ACKNOWLEDGED
    alarm, change = follow(alarm, strike(acknowledge(struck)))
    assert alarm.state is State.ACTIVE
    assert first is not None
    assert change is not None
    assert first.sign is change.sign is Annunciation.SOUND


def test_coming_again_before_the_acknowledgement_is_counted() -> None:
    cause, alarm = QUIET, None
    for wanted in (1, 2, 3):
        cause = strike(cause)
        alarm, _ = follow(alarm, cause)
        assert alarm.count == wanted
        cause = end(cause)
        alarm, _ = follow(alarm, cause)
    cause = reset(acknowledge(cause))
    alarm, _ = follow(alarm, cause)
    assert (alarm.state, alarm.count) == (State.NORMAL, 0)


def test_an_unknown_alarm_that_is_active_is_annunciated_never_taken_for_normal() -> None:
    alarm, change = follow(None, strike(QUIET))
    assert alarm.state is State.ACTIVE
    assert change is not None
    assert change.sign is Annunciation.SOUND
    assert follow(None, QUIET)[1] is None


def test_what_came_and_went_between_two_records_still_sounds() -> None:
    alarm, change = follow(None, end(strike(QUIET)))
    assert change is not None
    assert (change.events, change.sign) == ((Event.TRUE, Event.FALSE), Annunciation.SOUND)
    assert (alarm.state, alarm.count) == (State.RETURNED, 1)
    again, change = follow(alarm, end(strike(end(strike(QUIET)))))
    assert change is not None
    assert (change.sign, again.count) == (Annunciation.SOUND, 2)


def test_a_repeated_record_is_no_change() -> None:
    alarm, _ = follow(None, strike(QUIET))
    assert follow(alarm, strike(QUIET))[1] is None


@given(
    *(st.builds(Cause, st.just("c"), *(st.booleans(),) * 2, *(st.integers(0, 3),) * 2, st.booleans()),) * 2
)
def test_any_two_records_give_a_state_and_never_crash(before: Cause, after: Cause) -> None:
    alarm, change = follow(Alarm(before, before.state, 1), after)
    assert alarm.state is after.state
    assert (change is None) <= (before.state is after.state)
    assert set(events_between(before, after)) <= set(Event)


def test_a_cause_message_without_its_fields_is_refused() -> None:
    with pytest.raises(KeyError):
        Cause.from_message({"id": "x"})
