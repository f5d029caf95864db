"""That an alarm of the trip class follows from the guard's record of its cause exactly as the table says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.alarms.alarm import Alarm, Seen, Withheld
from jidoka.alarms.causes import Cause, Followed, events_between, follow
from jidoka.alarms.table import Annunciation, Event, Position, State, step
from jidoka.alarms.until import Until

QUIET = Cause("R-03", False, False, 0, 0, True)
CALM = Alarm("R-03")
BY_THE_GUARD = (Event.TRUE, Event.FALSE, Event.ACKNOWLEDGE, Event.UNACKNOWLEDGE, Event.RESET)


def strike(cause: Cause) -> Cause:
    return replace(cause, is_active=True, is_latched=cause.is_trip, revision=cause.revision + 1)


def end(cause: Cause) -> Cause:
    return replace(cause, is_active=False)


def acknowledge(cause: Cause) -> Cause:
    return replace(cause, acknowledged_revision=cause.revision)


def take_back(cause: Cause) -> Cause:
    is_there = cause.is_active or cause.is_latched
    return replace(cause, acknowledged_revision=0) if cause.is_acknowledged and is_there else cause


def reset(cause: Cause) -> Cause:
    return replace(cause, is_latched=cause.is_latched and (cause.is_active or not cause.is_acknowledged))


GUARD = {Event.FALSE: end, Event.ACKNOWLEDGE: acknowledge, Event.UNACKNOWLEDGE: take_back, Event.RESET: reset}


def after(alarm: Alarm, before: Cause | None, cause: Cause, priority: str = "high", was: int = 2) -> Followed:
    return follow(alarm, before, cause, 1000, priority=priority, was_rank=was)


@settings(deadline=None)
@given(st.lists(st.sampled_from(BY_THE_GUARD), max_size=30))
def test_the_function_of_the_cause_walks_as_the_table_does(events: list[Event]) -> None:
    """Played against a guard that strikes, ends, acknowledges and resets causes: both ways give one state."""
    before, state, alarm = QUIET, State.NORMAL, CALM
    for event in events:
        if event is Event.TRUE and before.is_active:
            continue  # struck again while active: a new revision, see below
        cause = strike(before) if event is Event.TRUE else GUARD[event](before)
        state = step(Position(state, state), event, is_trip=before.is_latched or cause.is_latched).state
        alarm = after(alarm, before, cause).alarm
        assert alarm.state is alarm.below is cause.state is state
        before = cause


def test_a_change_voids_an_acknowledgement_and_sounds_again() -> None:
    struck = strike(QUIET)
    first = after(CALM, QUIET, struck)
    seen = after(first.alarm, struck, acknowledge(struck))
    assert seen.alarm.state is State.ACKNOWLEDGED
    again = after(seen.alarm, acknowledge(struck), strike(acknowledge(struck)))
    assert again.alarm.state is State.ACTIVE
    assert again.alarm.sounded_ns == 1000
    assert first.sign is again.sign is Annunciation.SOUND


def test_coming_again_before_the_acknowledgement_is_counted() -> None:
    cause, alarm = QUIET, CALM
    for wanted in (1, 2, 3):
        alarm = after(alarm, cause, strike(cause)).alarm
        assert alarm.count == wanted
        alarm, cause = after(alarm, strike(cause), end(strike(cause))).alarm, end(strike(cause))
    alarm = after(alarm, cause, reset(acknowledge(cause))).alarm
    assert (alarm.state, alarm.count) == (State.NORMAL, 0)


def test_an_unknown_alarm_that_is_active_is_annunciated_never_taken_for_normal() -> None:
    found = after(CALM, None, strike(QUIET))
    assert (found.alarm.state, found.sign) == (State.ACTIVE, Annunciation.SOUND)
    assert after(CALM, None, QUIET).events == ()


def test_what_came_and_went_between_two_records_still_sounds() -> None:
    found = after(CALM, None, end(strike(QUIET)))
    assert (found.events, found.sign) == ((Event.TRUE, Event.FALSE), Annunciation.SOUND)
    assert (found.alarm.state, found.alarm.count) == (State.RETURNED, 1)
    again = after(found.alarm, end(strike(QUIET)), end(strike(end(strike(QUIET)))))
    assert (again.sign, again.alarm.count) == (Annunciation.SOUND, 2)


def test_a_reset_and_a_new_strike_between_two_records_come_in_that_order() -> None:
    before = acknowledge(end(strike(QUIET)))
    later = replace(before, is_active=True, is_latched=False, revision=2)
    assert events_between(before, later) == (Event.RESET, Event.TRUE)


def test_a_repeated_record_is_no_event() -> None:
    assert events_between(strike(QUIET), strike(QUIET)) == ()


def test_an_acknowledgement_taken_back_flashes() -> None:
    struck = strike(QUIET)
    alarm = after(after(CALM, QUIET, struck).alarm, struck, acknowledge(struck)).alarm
    found = after(alarm, acknowledge(struck), struck)
    assert (found.events, found.alarm.state, found.sign) == (
        (Event.UNACKNOWLEDGE,), State.ACTIVE, Annunciation.FLASH,
    )  # fmt: skip


def test_a_cause_that_gets_worse_without_a_new_revision_sounds() -> None:
    struck = acknowledge(strike(QUIET))
    alarm = after(CALM, None, struck, "medium", 1).alarm
    found = after(alarm, struck, struck, "high", 1)
    assert found.sign is Annunciation.SOUND
    assert (found.alarm.state, found.alarm.priority) == (State.ACKNOWLEDGED, "high")


def test_an_alarm_that_becomes_one_of_the_trip_class_leaves_its_shelf_and_sounds() -> None:
    shelf = Withheld("person", until=Until(0, 0, 10**12), rank=2)
    shelved = replace(CALM, state=State.SHELVED, below=State.ACTIVE, revision=1, withheld=shelf)
    struck = strike(QUIET)
    found = after(shelved, replace(struck, is_trip=False), struck)
    assert (found.alarm.state, found.sign, found.alarm.withheld) == (State.ACTIVE, Annunciation.SOUND, None)


def test_a_trip_alarm_leaves_suppression_when_its_cause_holds_the_machine() -> None:
    hidden = replace(
        CALM, is_trip=True, state=State.SUPPRESSED, withheld=Withheld("rule", reason="changeover")
    )
    found = after(hidden, QUIET, strike(QUIET))
    assert (found.alarm.state, found.sign) == (State.ACTIVE, Annunciation.SOUND)
    quiet = replace(strike(QUIET), is_latched=False)
    still = after(hidden, QUIET, quiet)
    assert (still.alarm.state, still.alarm.below, still.sign) == (
        State.SUPPRESSED, State.ACTIVE, Annunciation.LOG,
    )  # fmt: skip


def test_out_of_service_the_record_goes_on_underneath_and_only_the_log_hears() -> None:
    out = replace(
        CALM, is_trip=True, state=State.OUT_OF_SERVICE, withheld=Withheld("person", until=Until(0, 0, 9))
    )
    struck = strike(QUIET)
    found = after(out, QUIET, struck)
    assert (found.alarm.state, found.alarm.below, found.sign) == (
        State.OUT_OF_SERVICE, State.ACTIVE, Annunciation.LOG,
    )  # fmt: skip
    void = after(
        after(found.alarm, struck, acknowledge(struck)).alarm,
        acknowledge(struck),
        strike(acknowledge(struck)),
    )
    assert (void.alarm.below, void.sign) == (State.ACTIVE, Annunciation.NOTHING)


@settings(deadline=None)
@given(
    *(st.builds(Cause, st.just("c"), *(st.booleans(),) * 2, *(st.integers(0, 3),) * 2, st.just(True)),) * 2
)
def test_any_two_records_give_the_state_of_the_second_and_never_crash(before: Cause, cause: Cause) -> None:
    alarm = after(Alarm("c"), None, before).alarm
    assert after(alarm, before, cause).alarm.state is cause.state
    assert set(events_between(before, cause)) <= set(Event)


def test_a_cause_message_without_its_fields_is_refused() -> None:
    with pytest.raises(KeyError):
        Cause.from_message({"id": "x"})
    body = {
        "id": "x",
        "active": 1,
        "revision": 2,
        "acknowledged_revision": None,
        "trip": True,
        "latched": True,
    }
    assert Cause.from_message(body) == Cause("x", True, True, 2, 0, True)


def test_a_short_message_of_a_cause_means_neither_latched_nor_acknowledged_nor_a_trip() -> None:
    assert Cause.from_message({"id": "x", "active": False, "revision": 3}) == Cause(
        "x", False, False, 3, 0, False
    )
    seen = {"id": "x", "active": False, "revision": 3, "acknowledged_revision": 2}
    assert Cause.from_message(seen).acknowledged_revision == 2


def test_the_record_decides_whatever_the_way_there_was() -> None:
    """A record that the events don't explain: it was acknowledged at an old revision and struck again while active."""
    struck = replace(acknowledge(strike(QUIET)), is_active=True)
    was = replace(
        CALM, is_trip=True, state=State.ACKNOWLEDGED, below=State.ACKNOWLEDGED, revision=1, acknowledged_revision=1,
        count=2, since_ns=7, active_ns=5, sounded_ns=6, calls=2, is_stale=True,
    )  # fmt: skip
    again = follow(was, struck, replace(struck, revision=2), 1000, priority="high", was_rank=2).alarm
    assert (again.state, again.below, again.since_ns) == (State.ACTIVE, State.ACTIVE, 1000)
    assert (again.revision, again.acknowledged_revision) == (2, 1)
    assert (again.count, again.active_ns, again.sounded_ns) == (2, 5, 1000)
    assert (again.calls, again.is_stale) == (2, True)
    same = follow(was, struck, struck, 1000, priority="high", was_rank=2).alarm
    assert same == replace(was, is_holding=True, calls=0), "acknowledged: nobody is called any more"
    gone = follow(
        was, struck, end(replace(struck, acknowledged_revision=0)), 1000, priority="high", was_rank=2
    ).alarm
    assert (gone.state, gone.active_ns, gone.is_stale, gone.since_ns, gone.count) == (
        State.RETURNED,
        0,
        False,
        1000,
        2,
    )


def test_a_record_that_is_active_without_a_way_there_gets_a_beginning() -> None:
    """The steward knew the cause and lost the alarm: it is active since now, once, and sounds."""
    found = follow(CALM, strike(QUIET), strike(QUIET), 1000, priority="high", was_rank=2)
    assert (found.alarm.state, found.sign) == (State.ACTIVE, Annunciation.SOUND)
    assert (found.alarm.active_ns, found.alarm.count, found.alarm.sounded_ns) == (1000, 1, 1000)
    quiet = follow(CALM, QUIET, QUIET, 1000, priority="high", was_rank=2)
    assert quiet.alarm == replace(CALM, is_trip=True)


def test_an_acknowledgement_lowers_the_priority_to_that_of_the_cause_now_and_a_return_does_not() -> None:
    struck = strike(QUIET)
    alarm = after(CALM, QUIET, struck, "high").alarm
    assert after(alarm, struck, end(struck), "low").alarm.priority == "high"
    assert after(alarm, struck, acknowledge(struck), "low").alarm.priority == "low"
    mild = after(CALM, QUIET, struck, "low", 0).alarm
    assert after(mild, struck, end(struck), "high", 0).alarm.priority == "low"
    assert after(mild, struck, struck, "low", 0).events == ()


def test_when_suppression_ends_by_a_trip_the_alarm_is_active_since_now() -> None:
    hidden = replace(
        CALM, is_trip=True, state=State.SUPPRESSED, withheld=Withheld("rule", reason="changeover")
    )
    found = after(hidden, QUIET, strike(QUIET))
    assert (found.alarm.since_ns, found.alarm.sounded_ns) == (1000, 1000)


def test_who_acknowledged_stands_beside_the_alarm_until_it_strikes_anew() -> None:
    who = Seen("operator", "p1", "cause removed")
    struck = strike(QUIET)
    alarm = after(CALM, QUIET, struck).alarm
    assert alarm.seen is None
    known = acknowledge(struck)
    alarm = follow(alarm, struck, known, 1000, priority="high", was_rank=2, seen=who).alarm
    assert (alarm.state, alarm.seen) == (State.ACKNOWLEDGED, who)
    gone = end(known)
    alarm = follow(
        alarm, known, gone, 1001, priority="high", was_rank=2, seen=Seen("quality", "p9", "")
    ).alarm
    assert (alarm.state, alarm.seen) == (State.LATCHED, who), "nobody acknowledged by that"
    again = strike(gone)
    assert after(alarm, gone, again).alarm.seen is None


def test_an_alarm_that_the_guard_says_nobody_acknowledged_shows_nobody() -> None:
    struck = strike(QUIET)
    shown = replace(after(CALM, QUIET, struck).alarm, seen=Seen("operator", "p1", "cause removed"))
    assert after(shown, struck, struck).alarm.seen is None


@pytest.mark.parametrize(("later", "is_seen"), [(0, True), (1, False)])
def test_the_mark_of_somebody_elsewhere_is_of_the_revision_that_was_seen(later: int, is_seen: bool) -> None:
    struck = strike(QUIET)
    alarm = replace(after(CALM, QUIET, struck).alarm, was_seen_remotely=True)
    now = replace(struck, revision=struck.revision + later)
    assert after(alarm, struck, now).alarm.was_seen_remotely is is_seen
