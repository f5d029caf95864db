"""One alarm: what a step keeps beside the state, and what time alone brings."""

from __future__ import annotations

from dataclasses import replace

from jidoka.alarms.alarm import Alarm, Outcome, Seen, Withheld, due, step
from jidoka.alarms.definition import (
    ESCALATION,
    HOUR_NS,
    LONGEST_REALARM_NS,
    MINUTE_NS,
    REALARM_NS,
    STALE_NS,
    rank,
)
from jidoka.alarms.table import Annunciation, Event, State
from jidoka.alarms.until import Clock, Until

CALM = Alarm("R-05", priority="medium")
HOUR_SHELF = Withheld("person", "operator", "s2", "nuisance", until=Until(0, 0, HOUR_NS), rank=1)


def walk(alarm: Alarm, *events: Event, now_ns: int = 5) -> Outcome:
    outcome = Outcome(alarm)
    for event in events:
        held = HOUR_SHELF if event in {Event.SHELVE, Event.OUT, Event.SUPPRESS} else None
        outcome = step(outcome.alarm, event, now_ns, held)
    return outcome


def at(ns: int) -> Clock:
    return Clock(ns, ns)


def test_it_remembers_since_when_how_often_and_at_which_revision() -> None:
    active = walk(CALM, Event.TRUE, now_ns=7).alarm
    assert (active.state, active.revision, active.count) == (State.ACTIVE, 1, 1)
    assert (active.since_ns, active.active_ns, active.sounded_ns) == (7, 7, 7)
    again = walk(active, Event.FALSE, Event.TRUE, now_ns=9).alarm
    assert (again.revision, again.count, again.active_ns) == (2, 2, 9)
    seen = walk(again, Event.ACKNOWLEDGE, now_ns=11).alarm
    assert (seen.acknowledged_revision, seen.since_ns, seen.sounded_ns) == (2, 11, 9)
    calm = walk(seen, Event.FALSE, now_ns=12).alarm
    assert (calm.state, calm.count, calm.active_ns, calm.revision) == (State.NORMAL, 0, 0, 2)


def test_a_repetition_changes_nothing() -> None:
    active = walk(CALM, Event.TRUE).alarm
    assert walk(active, Event.TRUE, now_ns=90).alarm == active


def test_while_shelved_its_life_goes_on_and_the_revision_with_it() -> None:
    shelved = walk(CALM, Event.SHELVE).alarm
    assert (shelved.state, shelved.withheld) == (State.SHELVED, HOUR_SHELF)
    hidden = walk(shelved, Event.TRUE, now_ns=8)
    assert (hidden.alarm.state, hidden.alarm.below, hidden.sign) == (
        State.SHELVED, State.ACTIVE, Annunciation.LOG,
    )  # fmt: skip
    assert (hidden.alarm.revision, hidden.alarm.count, hidden.alarm.active_ns) == (1, 1, 8)
    assert hidden.alarm.withheld == HOUR_SHELF
    gone = walk(hidden.alarm, Event.FALSE)
    assert gone.alarm.below is State.RETURNED
    found = walk(gone.alarm, Event.SHELF_ENDS)
    assert (found.alarm.state, found.sign, found.alarm.withheld) == (State.RETURNED, Annunciation.FLASH, None)


def test_a_shelf_for_once_ends_when_the_condition_does() -> None:
    once = replace(HOUR_SHELF, is_one_shot=True)
    shelved = step(walk(CALM, Event.TRUE).alarm, Event.SHELVE, 6, once).alarm
    gone = step(shelved, Event.FALSE, 7)
    assert (gone.alarm.state, gone.alarm.withheld, gone.alarm.count) == (State.NORMAL, None, 0)
    waiting = step(CALM, Event.SHELVE, 6, once).alarm
    assert step(waiting, Event.FALSE, 7).alarm.state is State.SHELVED, "it has not come yet"


def test_severity_ends_a_shelf_only_above_the_severity_that_was_shelved() -> None:
    shelved = walk(CALM, Event.TRUE, Event.SHELVE).alarm
    same = step(shelved, Event.SEVERITY_RISES, 8, priority="medium")
    assert (same.alarm.state, same.sign) == (State.SHELVED, Annunciation.LOG)
    worse = step(shelved, Event.SEVERITY_RISES, 8, priority="high")
    assert (worse.alarm.state, worse.sign, worse.alarm.priority) == (State.ACTIVE, Annunciation.SOUND, "high")
    trip = step(replace(shelved, is_trip=True), Event.SEVERITY_RISES, 8, priority="medium")
    assert trip.alarm.state is State.ACTIVE


def test_the_highest_severity_stays_until_it_is_acknowledged() -> None:
    active = step(CALM, Event.TRUE, 5, priority="medium").alarm
    worse = step(active, Event.SEVERITY_RISES, 6, priority="high").alarm
    better = step(worse, Event.SEVERITY_FALLS, 7, priority="low").alarm
    assert better.priority == "high"
    assert step(better, Event.ACKNOWLEDGE, 8, priority="low").alarm.priority == "low"


def test_an_acknowledgement_from_elsewhere_is_a_mark_for_the_trip_class_and_counts_for_the_others() -> None:
    active = walk(CALM, Event.TRUE).alarm
    seen = walk(active, Event.ACKNOWLEDGE_REMOTE).alarm
    assert (seen.state, seen.was_seen_remotely, seen.acknowledged_revision) == (State.ACKNOWLEDGED, True, 1)
    trip = walk(replace(active, is_trip=True), Event.ACKNOWLEDGE_REMOTE).alarm
    assert (trip.state, trip.was_seen_remotely, trip.acknowledged_revision) == (State.ACTIVE, True, 0)


def test_an_acknowledgement_that_is_taken_back_forgets_who_gave_it() -> None:
    seen = replace(
        walk(CALM, Event.TRUE, Event.ACKNOWLEDGE).alarm, seen=Seen("operator", "s2", "cause found")
    )
    back = walk(seen, Event.UNACKNOWLEDGE)
    assert (back.alarm.state, back.sign) == (State.ACTIVE, Annunciation.FLASH)
    assert (back.alarm.acknowledged_revision, back.alarm.seen) == (0, None)
    active = walk(CALM, Event.TRUE).alarm
    assert walk(active, Event.UNACKNOWLEDGE).alarm == active


def test_data_that_fail_change_the_quality_and_not_the_state() -> None:
    for event in (None, Event.TRUE):
        alarm = CALM if event is None else walk(CALM, event).alarm
        lost = walk(alarm, Event.NO_DATA).alarm
        assert (lost.state, lost.has_data) == (alarm.state, False)
        assert walk(lost, Event.DATA_BACK).alarm.has_data


def test_what_cannot_happen_is_refused_with_a_word() -> None:
    assert walk(CALM, Event.UNSHELVE).refused
    assert walk(CALM, Event.ACKNOWLEDGE).refused == "there is nothing to acknowledge"
    assert walk(CALM, Event.UNKNOWN).alarm.state is State.ACTIVE


def test_an_alarm_that_nobody_acknowledges_is_called_again_ever_more_rarely_and_escalated() -> None:
    alarm, now_ns, waits = walk(CALM, Event.TRUE, now_ns=1).alarm, 1, []
    called = []
    while len(waits) < 7:
        began_ns = now_ns
        while due(alarm, at(now_ns)) is None:
            now_ns += MINUTE_NS
        waits.append((now_ns - began_ns) // MINUTE_NS)
        found = step(alarm, Event.REALARM, now_ns)
        assert (found.sign, found.alarm.state, found.alarm.revision) == (Annunciation.SOUND, State.ACTIVE, 1)
        alarm = found.alarm
        called.append(alarm.escalated_to)
    assert waits == [30, 60, 120, 240, 480, 480, 480]
    assert called == ["maintenance", *["engineer"] * 6]
    assert ESCALATION[0] == "operator"
    assert alarm.is_stale, "it is older than a day"
    assert walk(alarm, Event.ACKNOWLEDGE).alarm.calls == 0


def test_an_acknowledged_alarm_that_is_a_day_old_is_stale_and_must_be_acknowledged_anew() -> None:
    seen = walk(CALM, Event.TRUE, Event.ACKNOWLEDGE, now_ns=1).alarm
    assert due(seen, at(STALE_NS)) is None
    assert due(seen, at(STALE_NS + 1)) is Event.REALARM
    stale = step(seen, Event.REALARM, STALE_NS + 1)
    assert (stale.alarm.state, stale.sign, stale.alarm.is_stale) == (State.ACTIVE, Annunciation.SOUND, True)
    assert (stale.alarm.revision, stale.alarm.calls) == (2, 0)
    again = step(stale.alarm, Event.ACKNOWLEDGE, STALE_NS + 2).alarm
    assert due(again, at(2 * STALE_NS)) is None
    assert due(again, at(2 * STALE_NS + 1)) is Event.REALARM


def test_an_alarm_is_stale_a_day_after_it_came_however_late_it_was_acknowledged() -> None:
    called = walk(walk(CALM, Event.TRUE, now_ns=1).alarm, Event.REALARM, now_ns=20 * HOUR_NS).alarm
    seen = walk(called, Event.ACKNOWLEDGE, now_ns=21 * HOUR_NS).alarm
    assert due(seen, at(STALE_NS)) is None
    assert due(seen, at(STALE_NS + 1)) is Event.REALARM
    stale = step(seen, Event.REALARM, STALE_NS + 1).alarm
    assert stale.is_stale
    assert due(stale, at(STALE_NS + 2)) is None, "once"


def test_what_returned_unseen_flashes_again() -> None:
    gone = walk(CALM, Event.TRUE, Event.FALSE, now_ns=1).alarm
    assert due(gone, at(30 * MINUTE_NS)) is None
    assert due(gone, at(30 * MINUTE_NS + 1)) is Event.REALARM
    assert walk(gone, Event.REALARM).sign is Annunciation.FLASH
    assert due(CALM, at(99 * HOUR_NS)) is None


def test_what_waits_for_the_reset_is_recalled_once_a_shift_and_not_as_if_nobody_had_seen_it() -> None:
    for priority in REALARM_NS:
        waits = replace(
            CALM, state=State.LATCHED, below=State.LATCHED, is_trip=True, is_holding=True, priority=priority, sounded_ns=1
        )  # fmt: skip
        assert due(waits, at(LONGEST_REALARM_NS)) is None
        assert due(waits, at(LONGEST_REALARM_NS + 1)) is Event.REALARM
        again = step(waits, Event.REALARM, LONGEST_REALARM_NS + 1)
        assert (again.sign, again.alarm.state, again.alarm.calls) == (Annunciation.FLASH, State.LATCHED, 0)


def test_shelves_and_permits_end_by_time_and_rules_do_not() -> None:
    shelved, out = walk(CALM, Event.SHELVE).alarm, walk(CALM, Event.OUT).alarm
    assert due(shelved, at(HOUR_NS - 1)) is None
    assert due(shelved, at(HOUR_NS)) is Event.SHELF_ENDS
    assert due(out, at(HOUR_NS)) is Event.BACK
    ruled = step(CALM, Event.SUPPRESS, 5, Withheld("rule", reason="changeover")).alarm
    assert due(ruled, at(999 * HOUR_NS)) is None
    assert step(shelved, Event.OUT, 9, replace(HOUR_SHELF, permit="P-1")).alarm.withheld == replace(
        HOUR_SHELF, permit="P-1"
    )


def test_an_unknown_priority_counts_as_the_highest() -> None:
    assert rank("low") < rank("medium") < rank("high") == rank("unheard of")


def test_what_is_held_for_once_and_is_gone_remembers_nothing_but_its_revision() -> None:
    once = replace(
        CALM, state=State.SHELVED, below=State.ACKNOWLEDGED, withheld=replace(HOUR_SHELF, is_one_shot=True), revision=4,
        acknowledged_revision=3, count=2, active_ns=5, sounded_ns=6, calls=7, is_stale=True, was_seen_remotely=True,
        seen=Seen("operator", "s2", "other"),
    )  # fmt: skip
    outcome = step(once, Event.FALSE, 99)
    assert outcome == Outcome(
        replace(CALM, revision=4, acknowledged_revision=3, sounded_ns=6, since_ns=99), Annunciation.LOG
    )


def test_a_severity_that_a_shelf_may_hide_is_kept_where_it_is_worse() -> None:
    shelved = replace(
        CALM, state=State.SHELVED, below=State.ACTIVE, withheld=replace(HOUR_SHELF, rank=rank("high"))
    )
    for priority, kept in (("low", "medium"), ("high", "high")):
        assert step(shelved, Event.SEVERITY_RISES, 9, priority=priority) == Outcome(
            replace(shelved, priority=kept), Annunciation.LOG
        )
    nobody = replace(shelved, withheld=None)
    assert step(nobody, Event.SEVERITY_RISES, 9, priority="high").alarm.state is State.ACTIVE
    ruled = replace(shelved, state=State.SUPPRESSED)
    assert step(ruled, Event.FALSE, 9).alarm.state is State.SUPPRESSED, "only a shelf is for once"


def test_an_event_that_a_state_cannot_have_says_so() -> None:
    assert step(CALM, Event.SHELF_ENDS, 9) == Outcome(
        CALM, Annunciation.NOTHING, "it can't happen in this state"
    )


def test_calls_come_ever_more_rarely_up_to_the_rarest() -> None:
    active = replace(CALM, state=State.ACTIVE, below=State.ACTIVE, active_ns=1, sounded_ns=1)
    for priority in ("high", "unheard of"):
        for calls in range(0, 40, 3):
            alarm = replace(active, priority=priority, calls=calls)
            wait_ns = min(REALARM_NS["high"] * 2**calls, LONGEST_REALARM_NS)
            assert due(alarm, at(wait_ns)) is None
            assert due(alarm, at(1 + wait_ns)) is Event.REALARM


def test_what_is_gone_but_not_acknowledged_is_neither_active_nor_stale() -> None:
    gone = step(
        replace(CALM, state=State.ACTIVE, below=State.ACTIVE, active_ns=3, is_stale=True, count=2),
        Event.FALSE,
        9,
    ).alarm
    assert (gone.state, gone.active_ns, gone.is_stale, gone.count) == (State.RETURNED, 0, False, 2)
    assert (type(gone.active_ns), type(gone.is_stale)) == (int, bool)


def test_an_alarm_is_stale_from_the_day_on_and_not_before_it_was_active() -> None:
    active = replace(CALM, state=State.ACTIVE, below=State.ACTIVE, active_ns=1)
    for active_ns, now_ns, is_stale in (
        (1, STALE_NS, False),
        (1, 1 + STALE_NS, True),
        (0, STALE_NS, False),
        (-5, STALE_NS - 5, True),
    ):
        assert step(replace(active, active_ns=active_ns), Event.REALARM, now_ns).alarm.is_stale is is_stale


def test_what_is_restored_unread_was_acknowledged_by_nobody_and_has_no_data() -> None:
    found = step(replace(CALM, acknowledged_revision=3, revision=3), Event.UNKNOWN, 9).alarm
    assert (found.acknowledged_revision, found.has_data, found.state) == (0, False, State.ACTIVE)


def test_taking_an_acknowledgement_back_takes_it_from_what_has_one() -> None:
    for state, left in ((State.ACKNOWLEDGED, 0), (State.LATCHED, 0), (State.ACTIVE, 3), (State.RETURNED, 3)):
        alarm = replace(CALM, state=state, below=state, acknowledged_revision=3, revision=3)
        assert step(alarm, Event.UNACKNOWLEDGE, 9).alarm.acknowledged_revision == left
