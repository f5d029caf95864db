"""Floods change how alarms are shown, never what is recorded; the load is counted by the figures of ISA-18.2."""

from __future__ import annotations

import pytest
from jidoka.alarms.definition import HOUR_NS, MINUTE_NS, SECOND_NS
from jidoka.alarms.flood import Flood
from jidoka.alarms.load import KEPT_WINDOWS, WINDOW_NS, Load
from jidoka.alarms.table import Annunciation

SOUND, FLASH = Annunciation.SOUND, Annunciation.FLASH


def test_the_eleventh_alarm_in_ten_minutes_begins_a_flood_and_fewer_than_five_end_it() -> None:
    flood = Flood()
    began = [flood.came(at * SECOND_NS) is not None for at in range(1, 13)]
    assert began == [False] * 10 + [True, False]
    assert not flood.tick(MINUTE_NS)
    assert not flood.tick(10 * MINUTE_NS + 8 * SECOND_NS - 1), "five are left"
    assert flood.tick(10 * MINUTE_NS + 8 * SECOND_NS)
    assert not flood.is_on
    assert not flood.tick(11 * MINUTE_NS)


def test_in_a_flood_each_priority_sounds_once_until_somebody_acknowledges() -> None:
    flood = Flood()
    assert flood.heard(SOUND, "low") is SOUND
    for at in range(1, 12):
        flood.came(at)
    assert [flood.heard(SOUND, each) for each in ("low", "low", "high", "trip", "high")] == [
        SOUND, FLASH, SOUND, SOUND, FLASH,
    ]  # fmt: skip
    assert flood.heard(Annunciation.STEADY, "low") is Annunciation.STEADY
    flood.acknowledged("low")
    assert flood.heard(SOUND, "low") is SOUND


def test_the_figures_are_those_of_the_standard() -> None:
    load, hour = Load(), 1_000_000 * HOUR_NS
    assert load.value(hour)["per_10_min"] == 0
    load.began(hour)
    for at in range(12):
        load.came("R-05" if at % 2 else "R-06", "low" if at % 3 else "high", hour + at * 31 * SECOND_NS)
    load.called("R-05", hour + HOUR_NS - 1, is_stale=True)
    load.called("R-06", hour + HOUR_NS - 1, is_stale=False)
    told = load.value(hour + HOUR_NS - 1)
    assert (told["alarms"], told["calls"], told["peak_10_min"], told["stale_24_h"]) == (12, 2, 12, 1)
    assert told["per_10_min"] == pytest.approx(2.0)
    assert told["flood_share"] == pytest.approx(1 / 6)
    assert told["priorities"] == pytest.approx({"high": 1 / 3, "medium": 0.0, "low": 2 / 3})
    assert told["most_frequent"][0]["count"] == 6
    assert told["chattering_24_h"] == 0
    for at in range(3):
        load.came("R-07", "low", hour + HOUR_NS + at * SECOND_NS)
    assert load.value(hour + HOUR_NS)["chattering_24_h"] == 1
    load.began(hour - HOUR_NS)
    assert load.began_ns == hour - HOUR_NS
    load.began(hour)
    assert load.began_ns == hour - HOUR_NS


def test_after_thirty_days_the_old_is_forgotten() -> None:
    load = Load()
    for at in range(KEPT_WINDOWS + 10):
        load.came("R-05", "low", at * WINDOW_NS + 1)
    last_ns = (KEPT_WINDOWS + 9) * WINDOW_NS
    assert load.value(last_ns)["alarms"] == KEPT_WINDOWS
    assert load.value(last_ns)["per_10_min"] == 1.0
    load.called("R-05", last_ns - 24 * HOUR_NS, is_stale=True)
    assert load.value(last_ns)["stale_24_h"] == 0


def test_without_an_alarm_every_figure_is_nothing() -> None:
    assert Load().value(5 * HOUR_NS) == {
        "days": 600 / 86_400, "alarms": 0, "calls": 0, "per_10_min": 0.0, "peak_10_min": 0, "flood_share": 0.0, "stale_24_h": 0,
        "chattering_24_h": 0, "priorities": {"high": 0.0, "medium": 0.0, "low": 0.0}, "most_frequent": [],
    }  # fmt: skip


def test_each_figure_keeps_to_its_span() -> None:
    load, day = Load(), 24 * HOUR_NS
    load.began(day)
    assert load.value(day + WINDOW_NS - 1)["days"] == pytest.approx(600 / 86_400)
    assert load.value(2 * day - 1)["days"] == pytest.approx(1.0)
    assert load.value(day - WINDOW_NS)["per_10_min"] == 0.0, "before it began"
    for at in range(11):
        load.came(f"R-{at}", "medium", day + at)
    assert load.value(day + 1)["flood_share"] == 1.0, "eleven are a flood"
    assert load.value(day + 1)["most_frequent"] == [{"id": f"R-{at}", "count": 1} for at in range(10)]
    ten = Load()
    for at in range(10):
        ten.came("R-05", "medium", day + at * 70 * SECOND_NS)
    assert ten.value(day + 1)["flood_share"] == 0.0, "ten are none"
    assert ten.value(day + 1)["chattering_24_h"] == 0
    one = Load()
    one.came("R-05", "low", day)
    assert one.value(day)["priorities"]["low"] == 1.0


def test_stale_and_chatter_count_for_a_day() -> None:
    load, day = Load(), 24 * HOUR_NS
    load.called("R-05", day, is_stale=True)
    for at in range(3):
        load.came("R-05", "low", day + at)
    assert load.value(2 * day - 1)["stale_24_h"] == load.value(2 * day + 1)["chattering_24_h"] == 1
    assert load.value(2 * day)["stale_24_h"] == load.value(2 * day + 2)["chattering_24_h"] == 0


def test_the_oldest_window_of_thirty_days_counts_and_the_one_before_does_not() -> None:
    load = Load()
    for window in (0, 1, KEPT_WINDOWS):
        load.came("R-05", "low", window * WINDOW_NS)
    assert load.value(KEPT_WINDOWS * WINDOW_NS + WINDOW_NS // 2)["alarms"] == 2


def test_what_is_stale_is_counted_by_the_alarm_and_not_by_the_call() -> None:
    load, day = Load(), 24 * HOUR_NS
    for at in range(3):
        load.called("R-05", 2 * day + at, is_stale=True)
    load.called("R-06", 2 * day, is_stale=True)
    load.called("R-07", 2 * day, is_stale=False)
    told = load.value(2 * day + 3)
    assert (told["calls"], told["stale_24_h"]) == (5, 2)
    assert [load.value(3 * day + at)["stale_24_h"] for at in (-1, 0, 1, 2)] == [2, 1, 1, 0]


def test_after_thirty_days_nothing_of_an_alarm_is_left_in_any_figure() -> None:
    load = Load()
    load.came("R-05", "high", 0)
    load.came("R-05", "high", 5)
    load.called("R-05", 0, is_stale=True)
    load.came("R-06", "low", WINDOW_NS)
    told = load.value((KEPT_WINDOWS - 1) * WINDOW_NS)
    assert (told["alarms"], told["calls"], told["priorities"]["low"]) == (3, 1, 1 / 3)
    assert told["most_frequent"] == [{"id": "R-05", "count": 2}, {"id": "R-06", "count": 1}]
    told = load.value(KEPT_WINDOWS * WINDOW_NS)
    assert (told["alarms"], told["calls"], told["priorities"]["low"]) == (1, 0, 1.0)
    assert told["most_frequent"] == [{"id": "R-06", "count": 1}]


def test_what_is_forgotten_is_not_kept_either() -> None:
    load = Load()
    for window in range(KEPT_WINDOWS + 3):
        for at in range(3):
            load.came("R-05", "low", window * WINDOW_NS + at)
    assert len(load._windows) == KEPT_WINDOWS
    assert len(load._chatters_ns) == 24 * 6 + 1, "one of each ten minutes of a day, and of this"


@pytest.mark.parametrize(("last_ns", "chatters"), [(0, 1), (MINUTE_NS - 1, 1), (MINUTE_NS, 0), (-1, 0)])
def test_three_within_a_minute_chatter_also_at_one_moment_and_not_after_a_clock_that_went_back(
    last_ns: int, chatters: int
) -> None:
    load, day = Load(), 24 * HOUR_NS
    for at in (0, 0, last_ns):
        load.came("R-05", "low", day + at)
    load.came("R-06", "low", day)
    assert load.value(day + MINUTE_NS)["chattering_24_h"] == chatters


def test_a_flood_is_told_with_its_beginning_and_its_alarms() -> None:
    flood = Flood()
    for at in range(1, 11):
        assert flood.came(at) is None
        assert flood.alarms == 0
    assert flood.came(11) == (True, 11, 11, 11)
    flood.came(12)
    assert flood.alarms == 12
    flood.sounded.add("low")
    end_ns = 8 + 10 * MINUTE_NS
    assert flood.tick(end_ns) == (False, 11, 4, 12)
    assert (flood.since_ns, flood.alarms, flood.sounded) == (0, 0, set())


def test_a_flood_that_began_before_this_boot_goes_on() -> None:
    flood = Flood()
    flood.restore([-9, -8, -7, -6, -5], -9, 12)
    assert flood.is_on
    assert flood.tick(5) is None
    assert flood.tick(10 * MINUTE_NS - 8) == (False, -9, 3, 12)
