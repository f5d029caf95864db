"""Leases, parts without records, the steward's word and pauses, at the nanosecond at which each begins to count."""

from __future__ import annotations

import pytest
from jidoka_bridge.guard.watch import AHEAD_NS, MS_NS, DataWatch, ModelWatch, PauseWatch, RecordWatch
from jidoka_bridge.messages import Lease, MessageError
from jidoka_bridge.plan import Model, Times

from tests.bridge.guard.guard_rig import plan

LIMIT_NS = 500 * MS_NS
INTERVAL_NS = 1_000 * MS_NS
NOW = 10_000 * MS_NS


def made() -> tuple[DataWatch, ModelWatch]:
    data = DataWatch(
        plan(times=Times(no_data_ms=500), models=(Model("m", "enforce", longest_interval_ms=1_000),))
    )
    (watch,) = data.models
    return data, watch


def owes(data: DataWatch) -> tuple[int, int]:
    return data.models[0].part_ns, data.models[0].owed_ns


# ---------------------------------------------------------------------- leases


def test_a_lease_is_of_a_model_of_the_plan_and_not_of_the_future() -> None:
    data, watch = made()
    with pytest.raises(MessageError, match="lease of model 1: the plan has 1"):
        data.take(NOW, Lease(1, NOW, NOW, 1, 0))
    for beat_ns, record_ns in ((NOW + AHEAD_NS + 1, NOW), (NOW, NOW + AHEAD_NS + 1)):
        with pytest.raises(MessageError, match="lease of m: its times are of the future"):
            data.take(NOW, Lease(0, beat_ns, record_ns, 1, 0))
    assert watch.received_ns == 0
    data.take(NOW, Lease(0, NOW + AHEAD_NS, NOW + AHEAD_NS, 1, 0))
    assert (watch.received_ns, watch.beat_ns, watch.record_ns) == (NOW, NOW, NOW + AHEAD_NS)


def test_only_a_new_record_pays_what_is_owed() -> None:
    data, watch = made()
    data.take(NOW, Lease(0, NOW, NOW, 1, 0))
    watch.part_ns, watch.owed_ns = 5, 6
    for record_ns in (NOW, NOW - 1, 0):
        data.take(NOW, Lease(0, NOW, record_ns, 1, 0))
        assert (owes(data), watch.record_ns) == ((5, 6), NOW)
    data.take(NOW, Lease(0, NOW, NOW + 1, 1, 0))
    assert (owes(data), watch.record_ns) == ((0, 0), NOW + 1)


def test_data_is_fresh_from_the_first_nanosecond_to_the_last() -> None:
    data, watch = made()
    assert not data.is_fresh(watch, 1)
    assert not watch.was_fresh
    for received_ns, beat_ns in ((0, 1), (1, 0)):
        watch.received_ns, watch.beat_ns = received_ns, beat_ns
        assert not data.is_fresh(watch, 2)
    watch.received_ns = watch.beat_ns = 1
    assert data.is_fresh(watch, 1 + LIMIT_NS)
    assert watch.was_fresh
    assert not data.is_fresh(watch, 2 + LIMIT_NS)
    assert watch.was_fresh, "that it was, stays"
    watch.received_ns = NOW
    assert not data.is_fresh(watch, NOW), "a monitor that lives tells nothing of a tap that doesn't"


# ---------------------------------------------------------------------- parts


def test_what_was_counted_before_the_guard_looked_first_is_owed_by_nobody() -> None:
    data, _ = made()
    data.take_parts(NOW, 5, running=True)
    assert owes(data) == (0, 0)


def test_a_part_is_owed_once_it_is_counted_on_a_machine_that_runs_or_just_ran() -> None:
    data, _ = made()
    data.take_parts(NOW, 0, running=False)
    data.take_parts(NOW + 1, 0, running=True)
    assert owes(data) == (0, 0), "no part came"
    data.take_parts(NOW + 2, 1, running=True)
    assert owes(data) == (NOW + 2, 0)
    data, _ = made()
    data.take_parts(NOW, 0, running=False)
    data.take_parts(NOW + 1, 1, running=True)
    assert owes(data) == (NOW + 1, 0), "in the first beat that shows it running"
    data, _ = made()
    data.take_parts(NOW, 0, running=True)
    data.take_parts(NOW + 1, 1, running=False)
    assert owes(data) == (NOW + 1, 0), "in the first beat that shows it standing"
    data, _ = made()
    data.take_parts(NOW, 0, running=False)
    data.take_parts(NOW + 1, 1, running=False)
    assert owes(data) == (0, 0), "a part that is moved by hand"


def test_only_the_time_in_which_the_machine_ran_is_owed() -> None:
    data, _ = made()
    data.take_parts(NOW, 0, running=True)
    data.take_parts(NOW + 100, 1, running=True)
    data.take_parts(NOW + 130, 1, running=True)
    assert owes(data) == (NOW + 100, 30)
    data.take_parts(NOW + 200, 1, running=False)
    assert owes(data) == (NOW + 100, 100)
    data.take_parts(NOW + 900, 1, running=False)
    assert owes(data) == (NOW + 100, 100), "it stood"
    data.take_parts(NOW + 1_000, 1, running=True)
    assert owes(data) == (NOW + 100, 100), "since when it runs isn't known to the beat before"
    data.take_parts(NOW + 1_007, 1, running=True)
    assert owes(data) == (NOW + 100, 107)


def test_a_record_is_missing_after_the_longest_interval_of_running_and_not_at_it() -> None:
    data, watch = made()
    assert not data.is_silent(watch, NOW)
    data.take_parts(NOW, 0, running=True)
    data.take_parts(NOW, 1, running=True)
    assert not data.is_silent(watch, NOW + INTERVAL_NS)
    assert data.is_silent(watch, NOW + INTERVAL_NS + 1)
    data.take_parts(NOW + 600 * MS_NS, 1, running=True)
    assert not data.is_silent(watch, NOW + INTERVAL_NS)
    assert data.is_silent(watch, NOW + INTERVAL_NS + 1)
    data.take_parts(NOW + 700 * MS_NS, 1, running=False)
    assert not data.is_silent(watch, NOW + 10 * INTERVAL_NS), "a machine that stands owes nothing more"
    watch.part_ns, watch.owed_ns = 1, INTERVAL_NS + 1
    assert data.is_silent(watch, NOW)
    watch.part_ns, watch.owed_ns = 1, INTERVAL_NS
    assert not data.is_silent(watch, NOW), "to the nanosecond"
    watch.part_ns, watch.owed_ns = 0, INTERVAL_NS + 1
    assert not data.is_silent(watch, NOW), "no part is owed"


def test_after_it_was_told_the_time_begins_anew_once_the_machine_stands() -> None:
    data, watch = made()
    data.take_parts(NOW, 0, running=True)
    data.take_parts(NOW, 1, running=True)
    late_ns = NOW + 2 * INTERVAL_NS
    data.take_parts(late_ns, 1, running=True)
    assert owes(data) == (NOW, 2 * INTERVAL_NS), "while it runs it stays"
    data.take_parts(late_ns + 1, 1, running=False)
    assert owes(data) == (0, 0)
    watch.part_ns, watch.owed_ns = 5, 6
    data.forget_parts()
    assert owes(data) == (0, 0)


# ---------------------------------------------------------------------- the steward, and pauses


def test_the_steward_records_for_so_long_after_it_was_heard() -> None:
    records = RecordWatch(plan(times=Times(no_record_ms=2_000)))
    assert (records.was_heard, records.is_fresh(1)) == (False, False)
    records.take(1)
    assert records.was_heard
    assert records.is_fresh(1 + 2_000 * MS_NS)
    assert not records.is_fresh(2 + 2_000 * MS_NS)


def test_a_pause_is_longer_than_the_limit_by_either_clock_and_never_the_first_look() -> None:
    pause = PauseWatch(300)
    assert pause.gap_ns(1_000_000, 2_000_000) == 0, "since when it ran isn't known"
    assert pause.gap_ns(1_000_300, 2_000_300) == 0
    assert pause.gap_ns(1_000_601, 2_000_600) == 301
    assert pause.gap_ns(1_000_602, 2_001_000) == 400, "the computer slept"
    assert pause.gap_ns(1_000_603, 2_001_001) == 0
    assert PauseWatch(300).gap_ns(200, 200) == 0
