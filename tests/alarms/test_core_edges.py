"""Alarms together, at their edges: what goes on from an unreadable record, from a trip class that ends, from no record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jidoka.alarms.alarm import Alarm, Seen, Withheld
from jidoka.alarms.causes import Cause, _as_recorded
from jidoka.alarms.core import Alarms
from jidoka.alarms.definition import HOUR_NS, STALE_NS, Definition
from jidoka.alarms.facts import OWN_ALARMS
from jidoka.alarms.load import KEPT_WINDOWS, WINDOW_NS, Load
from jidoka.alarms.record import past_of
from jidoka.alarms.signal import CHATTER, NO_PAST, ChatterRule, Past, Signal, _judged, read
from jidoka.alarms.table import Annunciation, Event, State
from jidoka.alarms.until import SLEW, STEP_NS, Clock, Until

from tests.alarms.test_core import OWN, SITE, TRIP, act, at, cause


@pytest.fixture
def alarms() -> Alarms:
    return Alarms([*OWN, Definition("slow", off_delay_ns=30 * 10**9)], SITE)


def test_what_cant_be_read_stays_active_until_its_condition_is_seen_gone_for_its_delay(
    alarms: Alarms,
) -> None:
    alarms.restore_unknown("slow", at(100))
    assert alarms.signals["slow"] == Signal(raw=True, is_true=True, raw_ns=at(100).ns)
    alarms.tick(at(100 + 3600))
    assert alarms.alarms["slow"].state is State.ACTIVE, "silence isn't return to normal"
    alarms.read("slow", False, at(4000))
    alarms.tick(at(4029))
    assert alarms.alarms["slow"].state is State.ACTIVE
    alarms.tick(at(4030))
    assert alarms.alarms["slow"].state is State.RETURNED


def test_an_alarm_of_the_trip_class_that_is_none_any_more_goes_on_from_what_the_guard_said(
    alarms: Alarms,
) -> None:
    for active in (True, False):
        alarms.follow(cause("R-03", active=active, trip=True), TRIP, at(5))
        assert alarms.signals["R-03"] == Signal(raw=active, is_true=active, raw_ns=at(5).ns)
    alarms.follow(cause("R-03", active=True, revision=2, trip=True), TRIP, at(6))
    alarms.follow(cause("R-03", active=True, revision=2), TRIP, at(7))
    assert alarms.signals["R-03"].strikes == (), "it was there already"
    alarms.follow(cause("R-03", active=False, revision=2), TRIP, at(8))
    alarms.tick(at(37))
    assert alarms.alarms["R-03"].state is State.ACTIVE
    alarms.tick(at(38))
    assert alarms.alarms["R-03"].state is State.RETURNED


def test_an_alarm_that_no_record_of_the_guard_ever_named_can_be_forgotten(alarms: Alarms) -> None:
    alarms.read("dust", True, at(1))
    assert "dust" not in alarms.causes
    alarms.forget("dust", at(2))
    alarms.tick(at(40))
    assert alarms.alarms["dust"].state is State.RETURNED


def test_what_happens_a_month_ago_counts_for_nothing_though_nothing_came_since() -> None:
    load = Load()
    load.came("glare", "low", 5 * WINDOW_NS)
    load.came("glare", "low", 6 * WINDOW_NS)
    load.called("glare", 5 * WINDOW_NS, is_stale=True)
    for late, alarms_left in ((4, 2), (5, 1), (6, 0)):
        told = load.value((KEPT_WINDOWS + late) * WINDOW_NS)
        assert told["alarms"] == alarms_left
    assert told["stale_24_h"] == 0
    assert told["days"] == pytest.approx(KEPT_WINDOWS * WINDOW_NS / (24 * HOUR_NS))


def test_a_window_counts_as_a_whole_and_ten_alarms_in_it_are_no_flood() -> None:
    load = Load()
    load.began(WINDOW_NS * 3 // 2)
    assert load.value(WINDOW_NS * 16 // 5)["days"] == 3 * 600 / 86_400
    for number in range(10):
        load.came("glare", "low", 2 * WINDOW_NS + number)
    assert load.value(WINDOW_NS * 16 // 5)["flood_share"] == 0.0
    load.came("glare", "low", 2 * WINDOW_NS + 99)
    assert load.value(WINDOW_NS * 16 // 5)["flood_share"] == 1 / 3


def test_strikes_of_a_record_are_times_of_this_boot_or_ages_and_rows_without_strikes_are_no_past() -> None:
    kept = {"chatter": {"strikes_ns": [at(10).ns, at(20).ns], "rows": [True, False]}}
    later = Clock(at(50).ns, at(50).wall_ns)
    assert past_of(kept, at(30), True, later) == Past((at(10).ns, at(20).ns), (True, False))
    booted = Clock(7 * 10**9, at(35).wall_ns)
    assert past_of(kept, at(30), False, booted).strikes_ns == ((7 - 5 - 20) * 10**9, (7 - 5 - 10) * 10**9)
    for strikes, rows in (([], [True, True]), ([], [True, False]), ([5, 4], [False, False]), ([5], [False])):
        assert past_of({"chatter": {"strikes_ns": strikes, "rows": rows}}, at(1), True, at(1)) == NO_PAST
    assert past_of({}, at(1), True, at(1)) == NO_PAST


def test_an_alarm_is_stale_after_a_day_and_not_for_being_called_again(alarms: Alarms) -> None:
    alarms.follow(cause("R-03", trip=True), TRIP, at(5))
    assert not alarms.alarms["R-03"].is_stale
    alarms.tick(at(5 + 301))
    assert (alarms.alarms["R-03"].calls, alarms.alarms["R-03"].is_stale) == (1, False)
    alarms.follow(cause("R-03", seen=1, trip=True), TRIP, at(400))
    assert alarms.alarms["R-03"].acknowledged_revision == 1
    assert not alarms.alarms["R-03"].is_stale
    alarms.tick(at(400 + 25 * 3600))
    assert alarms.alarms["R-03"].is_stale
    alarms.follow(cause("R-03", active=False, seen=1, trip=True), TRIP, at(100_000))
    assert not alarms.alarms["R-03"].is_stale, "what is gone isn't stale"
    alarms.read("glare", True, at(5))
    alarms.tick(at(5 + 8 * 3600 + 1))
    assert (alarms.alarms["glare"].calls, alarms.alarms["glare"].is_stale) == (1, False)


def test_the_revisions_of_the_trip_class_are_the_guards_whatever_the_way_there_was(alarms: Alarms) -> None:
    alarms.follow(cause("R-03", revision=5, seen=3, trip=True), TRIP, at(5))
    found = alarms.alarms["R-03"]
    assert (found.state, found.revision, found.acknowledged_revision) == (State.ACTIVE, 5, 3)


def test_data_that_come_back_are_good_again(alarms: Alarms) -> None:
    assert [each.alarm.has_data for each in alarms.data("glare", False, at(1))] == [False]
    assert alarms.data("glare", False, at(2)) == []
    assert [each.alarm.has_data for each in alarms.data("glare", True, at(3))] == [True]
    assert alarms.alarms["glare"].has_data


def test_what_happens_again_and_again_is_heard_each_time_somebody_acknowledged_it(alarms: Alarms) -> None:
    alarms.define(Definition("refused", "low", off_delay_ns=0, is_event=True))
    for second in (0, 10, 20):
        alarms.pulse("refused", at(second))
    for second in (600, 1200, 1800):
        alarms.act(act("acknowledge", "refused", revision=alarms.alarms["refused"].revision), at(second - 1))
        assert alarms.alarms["refused"].state is State.NORMAL
        assert alarms.pulse("refused", at(second)), "nobody hears of it any more"
        assert alarms.alarms["refused"].state is State.RETURNED


def test_what_happens_again_right_after_an_acknowledgement_is_heard_and_waits_for_its_own(
    alarms: Alarms,
) -> None:
    alarms.define(Definition("refused", "low", is_event=True))
    alarms.pulse("refused", at(1))
    alarms.act(act("acknowledge", "refused"), at(5))
    assert alarms.alarms["refused"].state is State.ACKNOWLEDGED
    told = alarms.pulse("refused", at(10))
    assert [each.sign for each in told] == [Annunciation.STEADY, Annunciation.SOUND]
    assert (alarms.alarms["refused"].state, alarms.alarms["refused"].revision) == (State.ACTIVE, 2)
    assert "has changed" in alarms.act(act("acknowledge", "refused"), at(11)).refused
    alarms.tick(at(45))
    assert alarms.alarms["refused"].state is State.RETURNED


def test_what_only_happened_is_over_after_a_restart_and_what_lasts_is_not(alarms: Alarms) -> None:
    alarms.define(Definition("refused", "low", is_event=True))
    for name in ("refused", "dust"):
        alarms.restore(
            replace(alarms.alarms[name], state=State.ACTIVE, below=State.ACTIVE, since_ns=at(5).ns)
        )
    alarms.tick(at(3600))
    assert alarms.alarms["refused"].state is State.RETURNED
    assert alarms.alarms["dust"].state is State.ACTIVE


def test_in_a_flood_a_trip_sounds_again_after_the_one_before_was_acknowledged(alarms: Alarms) -> None:
    for number in range(12):
        alarms.define(Definition(f"sensor {number}", "low"))
        alarms.read(f"sensor {number}", True, at(number))
    assert alarms.flood.is_on

    def sign_of(name: str) -> Annunciation:
        return alarms.follow(cause(name, trip=True), replace(TRIP, id=name), at(20))[0].sign

    assert [sign_of("R-03"), sign_of("R-04")] == [Annunciation.SOUND, Annunciation.FLASH]
    alarms.follow(cause("R-03", seen=1, trip=True), TRIP, at(21))
    assert sign_of("R-05") is Annunciation.SOUND


def test_a_trip_alarm_that_comes_back_into_service_is_as_the_guards_record_has_it(alarms: Alarms) -> None:
    alarms.follow(cause("R-03", trip=True), TRIP, at(1))
    alarms.follow(cause("R-03", seen=1, trip=True), TRIP, at(2))
    before = alarms.alarms["R-03"].state
    alarms.act(act("out of service", "R-03"), at(3))
    alarms.act(act("back in service", "R-03"), at(4))
    assert alarms.alarms["R-03"].state is before is State.ACKNOWLEDGED


def test_nothing_is_known_of_the_facts_until_somebody_says_them(alarms: Alarms) -> None:
    assert alarms.facts is None
    alarms.read("blur", True, at(1))
    assert alarms.alarms["blur"].state is State.ACTIVE
    alarms.facts = frozenset({"changeover"})
    (change,) = alarms.tick(at(2))
    assert (change.was, change.alarm.state, change.alarm.withheld) == (
        State.ACTIVE, State.SUPPRESSED, Withheld("rule", reason="changeover"),
    )  # fmt: skip
    alarms.facts = frozenset()
    (change,) = alarms.tick(at(3))
    assert (change.alarm.state, change.alarm.withheld) == (State.ACTIVE, None)


def test_an_alarm_whose_source_is_silent_hides_no_other(alarms: Alarms) -> None:
    alarms.read("dust", True, at(1))
    alarms.read("blur", True, at(2))
    assert alarms.alarms["blur"].state is State.SUPPRESSED
    alarms.data("dust", False, at(3))
    (change,) = alarms.tick(at(4))
    assert (change.was, change.alarm.state, change.sign) == (
        State.SUPPRESSED, State.ACTIVE, Annunciation.SOUND,
    )  # fmt: skip
    alarms.data("dust", True, at(5))
    alarms.tick(at(6))
    assert alarms.alarms["blur"].state is State.SUPPRESSED


def test_a_rule_that_is_taken_out_of_the_plan_suppresses_no_longer(alarms: Alarms) -> None:
    alarms.facts = frozenset({"changeover"})
    alarms.read("blur", True, at(1))
    assert alarms.alarms["blur"].state is State.SUPPRESSED
    alarms.define(replace(alarms.definitions["blur"], suppressed_while=()))
    alarms.tick(at(2))
    assert alarms.alarms["blur"].state is State.ACTIVE


def test_what_is_withheld_or_waits_for_the_reset_is_suppressed_by_no_rule(alarms: Alarms) -> None:
    alarms.facts = frozenset({"changeover"})
    for state in (State.SHELVED, State.OUT_OF_SERVICE, State.LATCHED):
        held = (
            None
            if state is State.LATCHED
            else Withheld("person", until=Until(at(1).ns, at(1).wall_ns, HOUR_NS))
        )
        alarms.alarms["blur"] = replace(
            alarms.alarms["blur"], state=state, below=State.LATCHED, withheld=held
        )
        assert alarms._by_rule("blur", at(2)) == []


def test_what_comes_is_counted_under_its_own_name_and_priority(alarms: Alarms) -> None:
    alarms.read("blur", True, at(1))
    told = alarms.load.value(at(2).wall_ns)
    assert told["most_frequent"] == [{"id": "blur", "count": 1}]
    assert told["priorities"] == {"high": 0.0, "medium": 1.0, "low": 0.0}


def test_only_what_comes_anew_or_is_acknowledged_takes_the_priority_of_now(alarms: Alarms) -> None:
    for event in Event:
        is_fresh = event in {Event.TRUE, Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE}
        assert alarms._severity_of("blur", event) == ("medium" if is_fresh else "")


def test_an_acknowledged_alarm_that_was_worse_falls_back_to_what_it_is_now(alarms: Alarms) -> None:
    alarms.read("blur", True, at(1))
    alarms.severity("blur", "high", at(2))
    alarms.severity("blur", "low", at(3))
    assert alarms.alarms["blur"].priority == "high", "until somebody acknowledges it"
    alarms.act(act("acknowledge", "blur", revision=alarms.alarms["blur"].revision), at(4))
    assert alarms.alarms["blur"].priority == "low"


def test_a_severity_that_stays_is_no_event(alarms: Alarms) -> None:
    alarms.read("blur", True, at(1))
    assert alarms.severity("blur", "medium", at(2)) == []
    assert [each.events for each in alarms.severity("blur", "high", at(3))] == [(Event.SEVERITY_RISES,)]
    alarms.severity("blur", "low", at(4))
    assert alarms.alarms["blur"].state is State.ACTIVE


def test_what_came_back_from_a_record_is_a_reading_of_its_time(alarms: Alarms) -> None:
    past = Past((1, 2), (False, False))
    for below, lasts in ((State.ACTIVE, True), (State.ACKNOWLEDGED, True), (State.RETURNED, False)):
        alarms.restore(replace(alarms.alarms["blur"], state=below, below=below, since_ns=77), past)
        assert alarms.signals["blur"] == Signal(lasts, 77, lasts, (1, 2), (False, False))
        assert type(alarms.signals["blur"].is_true) is bool


def test_revisions_of_what_the_guard_has_a_record_of_are_the_guards(alarms: Alarms) -> None:
    for is_own, expected in ((True, (4, 4)), (False, (2, 1))):
        alarms.define(replace(alarms.definitions["blur"], is_own=is_own))
        before = replace(alarms.alarms["blur"], revision=2, acknowledged_revision=1)
        after = alarms._by_the_guard(before, replace(before, revision=4, acknowledged_revision=4))
        assert (after.revision, after.acknowledged_revision) == expected


def test_what_begins_to_chatter_is_told_once_and_again_after_it_was_quiet() -> None:
    alarms = Alarms([Definition("glare", "low", off_delay_ns=0)], SITE)
    told = []
    for second in range(0, 12, 2):
        told += alarms.read("glare", True, at(second)) + alarms.read("glare", False, at(second + 1))
    assert [each.events for each in told if Event.CHATTER in each.events] == [(Event.CHATTER,)]
    assert alarms._flagged == {"glare"}
    alarms.tick(at(40_000))
    assert alarms._flagged == set()


@pytest.mark.parametrize("quiet_ns", [rule.quiet_ns for rule in CHATTER])
def test_it_is_trusted_again_after_its_last_strike_and_not_after_the_first(quiet_ns: int) -> None:
    rows = tuple(rule.quiet_ns == quiet_ns for rule in CHATTER)
    signal = Signal(strikes=(1, 50, 100), rows=rows)
    assert _judged(signal, 100 + quiet_ns - 1).rows == rows
    assert _judged(signal, 100 + quiet_ns).rows == (False, False)


@pytest.mark.parametrize("rule", CHATTER)
def test_strikes_count_within_their_window_and_not_at_its_end(rule: ChatterRule) -> None:
    row = CHATTER.index(rule)
    strikes = (5,) * rule.strikes
    assert _judged(Signal(strikes=strikes), 5 + rule.window_ns - 1).rows[row]
    assert not _judged(Signal(strikes=strikes), 5 + rule.window_ns).rows[row]


def test_a_judgement_that_changes_nothing_is_the_same_signal() -> None:
    signal = Signal(strikes=(5,))
    assert _judged(signal, 9) is signal
    assert read(signal, False, 9) is signal


def test_an_end_holds_while_the_wall_clock_is_slewed_and_not_one_nanosecond_more() -> None:
    until = Until(0, 0, 2 * HOUR_NS)
    spent_ns = HOUR_NS + 999
    allowed_ns = STEP_NS + spent_ns // SLEW
    for sign in (1, -1):
        assert until.left_ns(Clock(spent_ns, spent_ns + sign * allowed_ns)) == 2 * HOUR_NS - spent_ns
        assert until.left_ns(Clock(spent_ns, spent_ns + sign * (allowed_ns + 1))) == 0


def test_the_agents_own_alarms_are_these() -> None:
    assert OWN_ALARMS == (
        "not recording", "guard away", "monitor silent", "chattering", "ledger nearly full", "refused command",
        "certificate ends", "certificate ends soon", "false-alarm budget refuted", "agreed error rate refuted",
        "slices differ",
    )  # fmt: skip


def test_the_guards_record_decides_every_figure_of_a_trip() -> None:
    walked = Alarm(
        "R-03", True, True, "high", State.ACTIVE, State.ACTIVE, True, 9, 8, 7, 6, 5, 4, 3, is_stale=True,
        was_seen_remotely=True, seen=Seen("operator", "s2", "other"),
    )  # fmt: skip
    gone = _as_recorded(walked, walked, Cause("R-03", False, False, 2, 2, True), 99)
    assert (gone.state, gone.below, gone.count, gone.active_ns, gone.calls, gone.is_stale) == (
        State.NORMAL, State.NORMAL, 0, 0, 0, False,
    )  # fmt: skip
    assert (gone.revision, gone.acknowledged_revision, gone.since_ns, gone.sounded_ns) == (2, 2, 99, 4)
    waits = _as_recorded(walked, walked, Cause("R-03", False, True, 2, 1, True), 99)
    assert (waits.state, waits.is_stale, waits.active_ns, waits.count, waits.calls) == (
        State.RETURNED, False, 0, 7, 3,
    )  # fmt: skip
    calm = replace(walked, state=State.NORMAL, below=State.NORMAL, count=0, active_ns=0, since_ns=6)
    struck = _as_recorded(calm, calm, Cause("R-03", True, True, 2, 1, True), 99)
    assert (struck.state, struck.count, struck.active_ns, struck.sounded_ns, struck.since_ns) == (
        State.ACTIVE, 1, 99, 99, 99,
    )  # fmt: skip


def test_in_one_tick_each_alarm_has_its_own_change(alarms: Alarms) -> None:
    for name in ("glare", "dust"):
        alarms.read(name, True, at(1))
    late = at(1 + STALE_NS / 10**9)
    assert {each.alarm.id for each in alarms.tick(late)} >= {"glare", "dust"}
    assert alarms.load.value(late.wall_ns)["stale_24_h"] == 2


def test_an_alarm_that_gets_better_is_no_event_and_one_that_gets_worse_is(alarms: Alarms) -> None:
    alarms.read("blur", True, at(1))
    assert alarms.severity("blur", "low", at(2)) == []
    assert alarms.alarms["blur"].priority == "medium"


def test_what_comes_anew_has_the_priority_of_now_whatever_a_record_said(alarms: Alarms) -> None:
    alarms.restore(replace(alarms.alarms["blur"], priority="high"))
    (change,) = alarms.read("blur", True, at(1))
    assert change.alarm.priority == "medium"


def test_the_third_strike_is_heard_and_told_to_chatter_at_once() -> None:
    alarms = Alarms([Definition("glare", "low", on_delay_ns=0, off_delay_ns=0)], SITE)
    alarms.signals["glare"] = Signal(
        strikes=(at(1).ns, at(2).ns, at(3).ns), rows=(True, False), raw=True, raw_ns=at(3).ns
    )
    changes = alarms.tick(at(9))
    assert [each.events for each in changes] == [(Event.TRUE,), (Event.CHATTER,)]


@pytest.mark.parametrize(("name", "is_trip"), [("glare", False), ("R-03", True)])
def test_a_restored_trip_alarm_that_is_the_agents_own_now_waits_for_no_reset(
    alarms: Alarms, name: str, is_trip: bool
) -> None:
    alarms.define(TRIP)
    alarms.restore(Alarm(name, state=State.LATCHED, below=State.LATCHED, is_trip=True, is_holding=True))
    restored = alarms.alarms[name]
    state = State.LATCHED if is_trip else State.NORMAL
    assert (restored.is_trip, restored.is_holding, restored.state, restored.below) == (
        is_trip,
        is_trip,
        state,
        state,
    )


def test_what_happens_twice_in_a_moment_is_over_each_time(alarms: Alarms) -> None:
    alarms.define(Definition("refused", "low", is_event=True))
    for second in (1, 10):
        alarms.pulse("refused", at(second))
        assert alarms.signals["refused"].raw is False
        alarms.act(act("acknowledge", "refused"), at(second + 1))
    alarms.restore(replace(alarms.alarms["refused"], state=State.ACKNOWLEDGED, below=State.ACKNOWLEDGED))
    alarms.signals["refused"] = Signal(raw=True, is_true=True, raw_ns=at(11).ns)
    told = alarms.pulse("refused", at(12))
    assert [each.sign for each in told] == [Annunciation.STEADY, Annunciation.SOUND]


def test_a_normal_alarm_that_a_rule_or_a_permit_withholds_may_get_worse_in_silence(alarms: Alarms) -> None:
    permit = replace(act("out of service", "glare"), role="maintenance")
    assert alarms.act(permit, at(1)).refused == ""
    assert alarms.severity("glare", "high", at(2)) == []
    assert alarms.alarms["glare"].state is State.OUT_OF_SERVICE


def test_a_shelf_that_ends_by_severity_has_the_new_one(alarms: Alarms) -> None:
    alarms.act(act("shelve", "glare"), at(1))
    (change,) = alarms.severity("glare", "high", at(2))
    assert (change.was, change.alarm.state, change.alarm.priority) == (State.SHELVED, State.NORMAL, "high")


def test_who_unshelves_what_is_there_has_seen_it_and_why_stands_beside_it(alarms: Alarms) -> None:
    alarms.read("glare", True, at(1))
    alarms.act(act("shelve", "glare"), at(3))
    alarms.act(act("unshelve", "glare", reason="known"), at(4))
    assert alarms.alarms["glare"].seen == Seen("operator", "s2", "known")


def test_who_unshelves_what_was_acknowledged_before_takes_nothing_from_whoever_did(alarms: Alarms) -> None:
    alarms.read("glare", True, at(1))
    alarms.act(act("acknowledge", "glare"), at(2))
    first = alarms.alarms["glare"].seen
    assert first is not None
    alarms.act(act("shelve", "glare"), at(3))
    alarms.act(replace(act("unshelve", "glare", reason="known"), role="quality", pseudonym="q7"), at(4))
    assert alarms.alarms["glare"].seen == first
