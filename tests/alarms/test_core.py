"""All alarms together: what conditions, causes, acts and time make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from jidoka.alarms.acts import Act, Site
from jidoka.alarms.alarm import Alarm, Seen
from jidoka.alarms.causes import Cause
from jidoka.alarms.changes import Change
from jidoka.alarms.core import Alarms
from jidoka.alarms.definition import HOUR_NS, MINUTE_NS, SECOND_NS, STALE_NS, Definition
from jidoka.alarms.facts import CHATTERING
from jidoka.alarms.table import Annunciation, Event, State
from jidoka.alarms.until import Clock

SITE = Site(("cause found", "other"))
WALL_NS = 10**18
OWN = (
    Definition("glare", "low", off_delay_ns=0),
    Definition("blur", "medium", off_delay_ns=0, dead_band=0.1, suppressed_while=("changeover", "dust")),
    Definition("dust", "low"),
    Definition(CHATTERING, "low"),
)
OTHER = Definition("R-05", "medium", text="The lamp fades.", off_delay_ns=0, is_own=False)
TRIP = Definition("R-03", "high", is_own=False)


def at(seconds: float) -> Clock:
    ns = round(seconds * SECOND_NS)
    return Clock(ns, WALL_NS + ns)


def act(kind: str, alarm: str, **fields: Any) -> Act:
    values: dict[str, Any] = {
        "revision": 1,
        "reason": "cause found",
        "length_ns": HOUR_NS,
        "permit": "P-1",
        **fields,
    }
    return Act(kind, alarm, "operator", "s2", True, **values)


def cause(
    name: str = "R-05", active: bool = True, revision: int = 1, seen: int = 0, trip: bool = False
) -> Cause:
    return Cause(name, active, active and trip, revision, seen, trip)


@pytest.fixture
def alarms() -> Alarms:
    return Alarms(OWN, SITE)


def signs(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(each.was.value, each.alarm.state.value, each.sign.value) for each in changes]


def test_a_condition_comes_is_acknowledged_and_goes(alarms: Alarms) -> None:
    assert signs(alarms.read("glare", True, at(1))) == [("A", "B", "S")]
    assert alarms.read("glare", True, at(2)) == []
    acted = alarms.act(act("acknowledge", "glare"), at(3))
    assert signs(acted.changes) == [("B", "C", "s")]
    assert acted.changes[0].act == act("acknowledge", "glare")
    seen = alarms.alarms["glare"].seen
    assert seen is not None
    assert (seen.role, seen.pseudonym, seen.reason) == ("operator", "s2", "cause found")
    assert alarms.act(act("acknowledge", "glare"), at(3)).changes == []
    assert signs(alarms.read("glare", False, at(4))) == [("C", "A", "s")]
    assert alarms.load.value(at(5).wall_ns)["alarms"] == 1


def test_an_act_on_nothing_on_everything_or_too_late_is_refused_and_changes_nothing(alarms: Alarms) -> None:
    alarms.read("glare", True, at(1))
    before = dict(alarms.alarms)
    for wrong, word in (
        (act("acknowledge", "*"), "nothing is done to all at once"),
        (act("acknowledge", ""), "which alarm isn't said"),
        (act("acknowledge", "rust"), "there is no alarm 'rust'"),
        (act("acknowledge", "glare", revision=7), "revision 1 now, 7 was seen"),
        (act("acknowledge", "blur", revision=0), "there is nothing to acknowledge"),
        (act("shelve", "glare", length_ns=9 * HOUR_NS), "9 h"),
    ):
        refused = alarms.act(wrong, at(2))
        assert word in refused.refused
        assert refused.remedy
        assert refused.changes == []
    assert alarms.alarms == before


def test_a_shelf_ends_by_time_with_a_sound_and_cannot_be_put_off(alarms: Alarms) -> None:
    assert signs(alarms.act(act("shelve", "glare"), at(1)).changes) == [("A", "E", "log")]
    assert signs(alarms.read("glare", True, at(2))) == [("E", "E", "log")]
    assert "can't be put off" in alarms.act(act("shelve", "glare"), at(3)).refused
    assert alarms.tick(at(3600)) == []
    assert signs(alarms.tick(at(3601))) == [("E", "B", "S")]


def test_a_hand_on_the_shelf_counts_as_having_seen_it(alarms: Alarms) -> None:
    alarms.read("glare", True, at(1))
    alarms.act(act("shelve", "glare"), at(2))
    assert signs(alarms.act(act("unshelve", "glare", reason=""), at(3)).changes) == [("E", "C", "s")]
    assert alarms.alarms["glare"].seen == Seen("operator", "s2", "")
    assert "by operator" in alarms.act(replace(act("unacknowledge", "glare"), role="quality"), at(4)).refused
    assert signs(alarms.act(act("unacknowledge", "glare"), at(5)).changes) == [("C", "B", "f")]


def test_a_clock_that_is_set_ends_a_shelf_and_delays_do_not_care(alarms: Alarms) -> None:
    alarms.read("glare", True, at(1))
    alarms.act(act("shelve", "glare"), at(2))
    stepped = Clock(at(3).ns, at(3).wall_ns + 2 * SECOND_NS)
    assert signs(alarms.tick(stepped)) == [("E", "B", "S")]


def test_out_of_service_ends_by_hand_or_by_time(alarms: Alarms) -> None:
    out = act("out of service", "glare")
    alarms.act(out, at(1))
    alarms.read("glare", True, at(2))
    assert signs(alarms.act(act("back in service", "glare"), at(3)).changes) == [("G", "B", "S")]
    alarms.act(out, at(4))
    assert signs(alarms.tick(at(3604))) == [("G", "B", "S")]


def test_a_rule_of_the_plan_suppresses_only_what_is_known_and_seen(alarms: Alarms) -> None:
    alarms.read("blur", True, at(1))
    alarms.facts = frozenset({"changeover"})
    assert signs(alarms.tick(at(2))) == [("B", "F", "log")]
    held = alarms.alarms["blur"].withheld
    assert held is not None
    assert (held.by, held.reason, held.until) == ("rule", "changeover", None)
    assert alarms.tick(at(3)) == []
    alarms.facts = None
    assert signs(alarms.tick(at(4))) == [("F", "B", "S")], "nobody knows, so it is shown"
    alarms.facts = frozenset()
    alarms.read("dust", True, at(5))
    assert signs(alarms.tick(at(6))) == [("B", "F", "log")]
    alarms.act(act("shelve", "dust"), at(7))
    assert signs(alarms.tick(at(8))) == [("F", "B", "S")], "a shelved alarm hides no other"


def test_what_comes_while_its_rule_holds_is_never_heard(alarms: Alarms) -> None:
    alarms.read("dust", True, at(1))
    assert signs(alarms.read("blur", True, at(1))) == [("A", "F", "log"), ("F", "F", "log")]
    assert alarms.load.value(at(2).wall_ns)["alarms"] == 1


def test_what_is_gone_already_does_not_sound_when_its_rule_ends_but_what_comes_back_does(
    alarms: Alarms,
) -> None:
    alarms.define(replace(OWN[1], off_delay_ns=30 * SECOND_NS))
    alarms.facts = frozenset({"changeover"})
    alarms.read("blur", True, at(1))
    alarms.read("blur", False, at(10))
    alarms.facts = frozenset()
    assert alarms.tick(at(11)) == [], "only its off-delay keeps it"
    told = [*alarms.tick(at(40)), *alarms.tick(at(41))]
    assert signs(told) == [("F", "F", "log"), ("F", "D", "f")], "it came and went: somebody has to see it"
    alarms.facts = frozenset({"changeover"})
    alarms.read("blur", True, at(250))
    alarms.tick(at(251))
    alarms.read("blur", False, at(252))
    alarms.facts = frozenset()
    alarms.read("blur", True, at(253))
    assert signs(alarms.tick(at(254))) == [("F", "B", "S")]


def test_a_value_within_the_dead_band_keeps_the_alarm(alarms: Alarms) -> None:
    alarms.read("blur", True, at(1), 11.0, 10.0)
    assert alarms.read("blur", False, at(2), 9.5, 10.0) == []
    assert signs(alarms.read("blur", False, at(3), 8.9, 10.0)) == [("B", "D", "f")]
    assert alarms.read("blur", False, at(4), 9.5, 10.0) == [], "what is gone doesn't come back by it"


def test_severity_that_rises_sounds_again_and_one_that_falls_does_not(alarms: Alarms) -> None:
    assert alarms.severity("glare", "medium", at(0)) == [], "of a normal alarm it is nobody's business"
    assert alarms.alarms["glare"].priority == "medium"
    alarms.read("glare", True, at(1))
    alarms.act(act("acknowledge", "glare"), at(2))
    assert alarms.severity("glare", "medium", at(3)) == []
    assert signs(alarms.severity("glare", "high", at(3))) == [("C", "B", "S")]
    alarms.severity("glare", "low", at(4))
    assert alarms.alarms["glare"].priority == "high"
    alarms.act(act("acknowledge", "glare", revision=2), at(5))
    assert alarms.alarms["glare"].priority == "low"


def test_a_shelf_ends_where_what_is_still_to_come_would_be_worse_than_what_was_shelved(
    alarms: Alarms,
) -> None:
    alarms.act(act("shelve", "glare"), at(1))
    assert alarms.severity("glare", "low", at(2)) == []
    assert signs(alarms.severity("glare", "high", at(3))) == [("E", "A", "log")]
    assert signs(alarms.read("glare", True, at(4))) == [("A", "B", "S")]
    assert alarms.alarms["glare"].priority == "high"


def test_quality_is_told_once_and_changes_no_state(alarms: Alarms) -> None:
    assert alarms.data("glare", True, at(1)) == []
    assert signs(alarms.data("glare", False, at(1))) == [("A", "A", "log")]
    assert not alarms.alarms["glare"].has_data
    assert alarms.data("glare", False, at(2)) == []
    assert signs(alarms.data("glare", True, at(3))) == [("A", "A", "log")]


def test_what_chatters_is_flagged_and_one_maintenance_alarm_tells_of_all(alarms: Alarms) -> None:
    for second in (1, 5, 9):
        for name in ("glare", "blur"):
            alarms.read(name, True, at(second))
            alarms.read(name, False, at(second + 1))
    assert alarms.chattering == ["glare", "blur"]
    told = alarms.tick(at(11))
    assert [each.alarm.id for each in told if each.sign is Annunciation.SOUND] == [CHATTERING]
    assert alarms.tick(at(12)) == []


def test_chatter_of_an_active_alarm_is_told_in_the_record(alarms: Alarms) -> None:
    alarms.define(replace(OWN[0], off_delay_ns=MINUTE_NS))
    events = []
    for second in (1, 5, 9):
        for change in alarms.read("glare", True, at(second)) + alarms.read("glare", False, at(second + 1)):
            events += change.events
    assert events == [Event.TRUE, Event.CHATTER]


def test_what_happens_often_is_no_sensor_that_chatters(alarms: Alarms) -> None:
    alarms.define(Definition("refused", "low", is_event=True))
    told = [change for second in (1, 2, 3, 4) for change in alarms.pulse("refused", at(second))]
    assert [change.events for change in told] == [(Event.TRUE,)]
    assert (alarms.chattering, alarms.tick(at(5))) == ([], [])


def test_a_device_without_the_maintenance_alarm_still_lengthens() -> None:
    alarms = Alarms(OWN[:1], SITE)
    for second in (1, 5, 9):
        alarms.pulse("glare", at(second))
    assert (alarms.chattering, alarms.tick(at(9))) == (["glare"], [])


def test_a_pulse_comes_and_goes_unacknowledged(alarms: Alarms) -> None:
    assert signs(alarms.pulse("glare", at(1))) == [("A", "B", "S"), ("B", "D", "f")]


def test_a_cause_of_another_class_goes_through_its_delays_and_keeps_the_guards_numbers(
    alarms: Alarms,
) -> None:
    slow = replace(OTHER, off_delay_ns=30 * SECOND_NS)
    assert signs(alarms.follow(cause(revision=8, seen=6), slow, at(1))) == [("A", "B", "S")]
    assert alarms.alarms["R-05"].revision == 8
    assert alarms.follow(cause(active=False, revision=8), slow, at(2)) == []
    assert alarms.follow(cause(revision=9), slow, at(3)) == [], "it never was gone"
    assert alarms.alarms["R-05"].revision == 9
    assert signs(alarms.follow(cause(revision=9, seen=9), slow, at(4))) == [("B", "C", "s")]
    assert signs(alarms.follow(cause(revision=9), slow, at(5))) == [("C", "B", "f")], "taken back"
    alarms.follow(cause(active=False, revision=9), slow, at(6))
    assert signs(alarms.tick(at(36))) == [("B", "D", "f")]


def test_a_cause_that_came_and_went_between_two_records_is_one_change(alarms: Alarms) -> None:
    [change] = alarms.follow(cause(active=False, revision=1), OTHER, at(1))
    assert (change.was, change.alarm.state, change.sign) == (State.NORMAL, State.RETURNED, Annunciation.SOUND)
    assert change.events == (Event.TRUE, Event.FALSE)
    assert change.is_heard
    assert change.alarm.revision == 1


def test_a_cause_that_gets_worse_voids_the_acknowledgement(alarms: Alarms) -> None:
    alarms.follow(cause(seen=1), OTHER, at(1))
    worse = alarms.follow(cause(seen=1), replace(OTHER, priority="high"), at(2))
    assert signs(worse) == [("C", "B", "S")]
    alarms.follow(cause(seen=1), replace(OTHER, priority="low"), at(3))
    assert alarms.alarms["R-05"].priority == "high"
    again = cause(revision=2, seen=2)
    alarms.follow(again, replace(OTHER, priority="low"), at(4))
    assert alarms.alarms["R-05"].priority == "low", "acknowledged as it is now"


def test_an_acknowledgement_that_the_guard_granted_holds_for_a_stale_alarm_too(alarms: Alarms) -> None:
    alarms.follow(cause(seen=1), OTHER, at(1))
    late = Clock(at(1).ns + STALE_NS, at(1).wall_ns + STALE_NS)
    assert signs(alarms.tick(late)) == [("C", "B", "S")]
    assert signs(alarms.guard_agreed(act("acknowledge", "R-05"), late)) == [("B", "C", "s")]
    assert alarms.follow(cause(seen=1), OTHER, late) == []
    assert signs(alarms.guard_agreed(act("unacknowledge", "R-05"), late)) == [("C", "B", "f")]
    assert alarms.guard_agreed(act("acknowledge", "rust"), late) == []


def test_the_trip_class_follows_the_guards_record_alone(alarms: Alarms) -> None:
    assert signs(alarms.follow(cause("R-03", trip=True), TRIP, at(1))) == [("A", "B", "S")]
    assert alarms.follow(cause("R-03", trip=True), TRIP, at(1)) == []
    assert "trip alarm" in alarms.act(act("shelve", "R-03"), at(2)).refused
    assert alarms.guard_agreed(act("acknowledge", "R-03"), at(2)) == [], "its own record tells"
    remote = alarms.act(act("acknowledge", "R-03", is_remote=True), at(3))
    assert (remote.refused, signs(remote.changes)) == ("", [("B", "B", "s")])
    assert alarms.alarms["R-03"].was_seen_remotely
    assert signs(alarms.follow(cause("R-03", seen=1, trip=True), TRIP, at(4))) == [("B", "C", "s")]
    held = Cause("R-03", False, True, 1, 1, True)
    assert signs(alarms.follow(held, TRIP, at(5))) == [("C", "L", "s")]
    assert signs(alarms.follow(replace(held, is_latched=False), TRIP, at(6))) == [("L", "A", "-")]


def test_a_trip_alarm_is_called_again_and_its_life_stays_the_guards(alarms: Alarms) -> None:
    alarms.follow(cause("R-03", trip=True), TRIP, at(1))
    [called] = alarms.tick(at(301))
    assert (called.events, called.sign, called.alarm.state) == (
        (Event.REALARM,),
        Annunciation.SOUND,
        State.ACTIVE,
    )
    assert not called.is_heard, "the same alarm"
    assert called.alarm.escalated_to == "maintenance"
    alarms.follow(cause("R-03", seen=1, trip=True), TRIP, at(302))
    late = Clock(at(302).ns + STALE_NS, at(302).wall_ns + STALE_NS)
    [stale] = alarms.tick(late)
    assert (stale.alarm.state, stale.alarm.is_stale) == (State.ACKNOWLEDGED, True)
    assert alarms.load.value(late.wall_ns)["stale_24_h"] == 1


def test_a_trip_alarm_is_not_suppressed_while_it_holds_the_machine_and_may_be_out_of_service() -> None:
    alarms = Alarms((), SITE)
    ruled = replace(TRIP, suppressed_while=("changeover",))
    alarms.facts = frozenset({"changeover"})
    alarms.follow(cause("R-03", trip=True), ruled, at(1))
    assert alarms.tick(at(2)) == []
    alarms.facts = frozenset()
    alarms.follow(Cause("R-03", False, False, 1, 1, True), ruled, at(3))
    alarms.facts = frozenset({"changeover"})
    assert signs(alarms.tick(at(4))) == [("A", "F", "log")]
    assert signs(alarms.follow(replace(cause("R-03", trip=True), revision=2), ruled, at(5))) == [
        ("F", "B", "S")
    ]
    assert signs(alarms.act(act("out of service", "R-03"), at(6)).changes) == [("B", "G", "log")]
    assert "it is out of service" in alarms.may_ask_guard(act("acknowledge", "R-03")).refused
    assert signs(alarms.tick(at(3606))) == [("G", "B", "S")]


def test_what_the_guard_is_asked_is_refused_before_only_where_the_table_does(alarms: Alarms) -> None:
    assert alarms.may_ask_guard(act("acknowledge", "R-99")) == ("", "", [])
    assert "all at once" in alarms.may_ask_guard(act("acknowledge", "all")).refused
    alarms.follow(cause(), OTHER, at(1))
    assert alarms.may_ask_guard(act("acknowledge", "R-05")) == ("", "", [])
    alarms.act(act("shelve", "R-05"), at(2))
    assert alarms.may_ask_guard(act("acknowledge", "R-05")) == (
        "R-05: it is shelved",
        "See: jidoka alarm list",
        [],
    )


def test_a_cause_that_is_no_trip_any_more_waits_for_no_reset(alarms: Alarms) -> None:
    alarms.follow(Cause("R-03", False, True, 1, 1, True), TRIP, at(1))
    assert alarms.alarms["R-03"].state is State.LATCHED
    alarms.follow(Cause("R-03", False, True, 1, 1, False), TRIP, at(2))
    assert alarms.alarms["R-03"].state is alarms.alarms["R-03"].below is State.NORMAL
    alarms.follow(cause("R-03", revision=2, trip=True), TRIP, at(3))
    alarms.act(act("out of service", "R-03"), at(4))
    alarms.follow(cause("R-03", revision=2), TRIP, at(5))
    assert (alarms.alarms["R-03"].state, alarms.alarms["R-03"].below) == (State.OUT_OF_SERVICE, State.ACTIVE)


def test_an_alarm_that_nobody_knows_any_more_ends_but_not_unseen(alarms: Alarms) -> None:
    alarms.follow(cause("R-03", trip=True), replace(TRIP, off_delay_ns=0), at(1))
    assert signs(alarms.forget("R-03", at(2))) == [("B", "D", "f")]
    assert signs(alarms.act(act("acknowledge", "R-03"), at(3)).changes) == [("D", "A", "-")]


def test_what_is_restored_is_not_told_twice_and_what_cannot_be_read_sounds(alarms: Alarms) -> None:
    alarms.restore(
        Alarm("glare", state=State.ACKNOWLEDGED, below=State.ACKNOWLEDGED, revision=4, active_ns=1, count=1)
    )
    assert alarms.read("glare", True, at(2)) == []
    assert signs(alarms.read("glare", False, at(3))) == [("C", "A", "s")]
    assert signs(alarms.restore_unknown("blur", at(4))) == [("A", "B", "S")]
    assert not alarms.alarms["blur"].has_data
    assert alarms.read("blur", True, at(4)) == []
    assert signs(alarms.read("blur", False, at(4))) == [("B", "D", "f")]
    assert signs(alarms.restore_unknown("never heard of", at(5))) == [("A", "B", "S")]


def test_a_flood_silences_repetitions_and_drops_nothing(alarms: Alarms) -> None:
    names = [f"sensor {number}" for number in range(14)]
    for name in names:
        alarms.define(Definition(name, "low"))
    told = [alarms.read(name, True, at(number)) for number, name in enumerate(names, 1)]
    assert [len(each) for each in told] == [1] * 14
    assert all(each[0].is_heard for each in told)
    assert [each[0].sign.value for each in told] == ["S"] * 11 + ["f"] * 3
    assert alarms.flood.is_on
    assert sum(alarm.state is State.ACTIVE for alarm in alarms.alarms.values()) == 14
    alarms.act(act("acknowledge", "sensor 0"), at(20))
    assert alarms.read("glare", True, at(21))[0].sign is Annunciation.SOUND, "somebody had looked"
    alarms.tick(at(20 * 60))
    assert not alarms.flood.is_on


def test_a_cause_that_is_no_trip_any_more_goes_on_from_what_its_record_said(alarms: Alarms) -> None:
    """The signal of a trip alarm is its record: so no new strike, and the end of it is an end."""
    prompt = replace(TRIP, off_delay_ns=0)
    alarms.follow(cause("R-03", trip=True), prompt, at(1))
    assert alarms.follow(cause("R-03"), prompt, at(2)) == []
    alarm = alarms.alarms["R-03"]
    assert (alarm.is_trip, alarm.is_holding, alarm.state) == (False, False, State.ACTIVE)
    assert signs(alarms.follow(cause("R-03", active=False), prompt, at(3))) == [("B", "D", "f")]


def test_a_new_revision_of_a_trip_alarm_is_told_even_in_the_same_state(alarms: Alarms) -> None:
    alarms.follow(cause("R-03", trip=True), TRIP, at(1))
    [change] = alarms.follow(cause("R-03", revision=2, trip=True), TRIP, at(2))
    assert (change.was, change.alarm.state, change.alarm.revision) == (State.ACTIVE, State.ACTIVE, 2)
    assert (
        alarms.follow(Cause("R-04", False, False, 0, 0, True), Definition("R-04", is_own=False), at(3)) == []
    )
    worse = alarms.follow(cause("R-03", revision=2, trip=True), replace(TRIP, priority="high"), at(4))
    assert worse == []


def test_a_trip_alarm_that_gets_worse_sounds_by_its_new_priority(alarms: Alarms) -> None:
    alarms.follow(cause("R-03", trip=True), replace(TRIP, priority="low"), at(1))
    [change] = alarms.follow(cause("R-03", trip=True), replace(TRIP, priority="high"), at(2))
    assert (change.sign, change.alarm.priority) == (Annunciation.SOUND, "high")


def test_a_trip_alarm_that_is_called_keeps_who_acknowledged_and_since_when(alarms: Alarms) -> None:
    alarms.follow(cause("R-03", seen=1, trip=True), TRIP, at(1))
    late = Clock(at(1).ns + STALE_NS, at(1).wall_ns + STALE_NS)
    before = alarms.alarms["R-03"]
    [stale] = alarms.tick(late)
    assert (stale.alarm.active_ns, stale.alarm.seen) == (before.active_ns, before.seen)
    assert stale.alarm.below is State.ACKNOWLEDGED


def test_a_cause_with_two_changes_at_once_keeps_both_and_the_last_state(alarms: Alarms) -> None:
    """It came, went and was acknowledged between two records."""
    [change] = alarms.follow(cause(active=False, seen=1), OTHER, at(1))
    assert change.events == (Event.TRUE, Event.FALSE, Event.ACKNOWLEDGE)
    assert (change.was, change.alarm.state, change.alarm.priority) == (State.NORMAL, State.NORMAL, "medium")


def test_a_forgotten_cause_starts_anew_when_it_comes_back(alarms: Alarms) -> None:
    prompt = replace(TRIP, off_delay_ns=0)
    alarms.follow(cause("R-03", seen=1, trip=True), prompt, at(1))
    alarms.forget("R-03", at(2))
    assert "R-03" not in alarms.causes
    [change] = alarms.follow(cause("R-03", seen=1, trip=True), prompt, at(3))
    assert change.events == (Event.TRUE, Event.ACKNOWLEDGE)


def test_an_alarm_that_is_defined_begins_with_its_priority(alarms: Alarms) -> None:
    assert alarms.alarms["blur"].priority == "medium"


def test_an_alarm_that_gets_worse_after_it_went_is_heard_and_is_gone_all_the_same(alarms: Alarms) -> None:
    alarms.read("glare", True, at(1))
    alarms.read("glare", False, at(2))
    (change,) = alarms.severity("glare", "medium", at(3))
    assert change.sign is Annunciation.SOUND
    assert (change.alarm.state, change.alarm.priority) == (State.RETURNED, "medium")
    alarms.act(act("acknowledge", "glare", revision=change.alarm.revision), at(4))
    assert alarms.alarms["glare"].state is State.NORMAL
