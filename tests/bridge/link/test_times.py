"""The formulas against the table that they were measured and stated in."""

from __future__ import annotations

import pytest
from jidoka_bridge.link.times import as_set, needed, with_dead_source
from jidoka_bridge.plan import Link


def link(baud: int, **values: int) -> Link:
    return Link("port", baud=baud, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("baud", "beat", "hold", "silent"), [(9600, 110, 470, 495), (19200, 70, 310, 335), (115200, 35, 175, 200)]
)
def test_beat_hold_and_silence_are_those_stated_for_16_words_with_the_stamp(
    baud: int, beat: int, hold: int, silent: int
) -> None:
    times = needed(link(baud))
    assert (times.beat_ms, times.hold_ms, times.silent_ms) == (beat, hold, silent)


#: baud, then request, both ways, rate, reply timeout, beat, withdrawal: as the table prints them
TABLE = [
    (9600, 33.2, 74.5, 10.4, 58, 100, 168),
    (19200, 16.6, 37.2, 16.9, 42, 65, 114),
    (115200, 2.8, 9.0, 32.2, 28, 35, 72),
]


@pytest.mark.parametrize("row", TABLE)
def test_the_table_of_12_words_without_the_stamp_comes_out(row: tuple[float, ...]) -> None:
    baud, request_ms, wire, rate, timeout, beat, withdraw = row
    times = needed(link(int(baud)), reply_words=12, is_stamped=False)
    assert times.request_ms == pytest.approx(request_ms, abs=0.05)
    assert times.wire_ms == pytest.approx(wire, abs=0.05)
    assert times.rate_hz == pytest.approx(rate, abs=0.05)
    assert times.reply_timeout_ms == pytest.approx(timeout, abs=0.5)
    assert times.beat_ms == beat
    assert times.withdraw_ms == pytest.approx(withdraw, abs=0.5)


@pytest.mark.parametrize(("baud", "hold", "silent"), [(19200, 230, 255), (115200, 140, 165)])
def test_the_hold_time_by_arrival_comes_out(baud: int, hold: float, silent: float) -> None:
    times = needed(link(baud), reply_words=12, is_stamped=False)
    assert (times.hold_ms, times.silent_ms) == (hold, silent)


def test_more_lost_beats_jitter_or_scan_cost_what_the_formula_says() -> None:
    base = needed(link(19200))
    assert needed(link(19200, lost_beats=3)).hold_ms == base.hold_ms + base.beat_ms
    assert needed(link(19200, jitter_ms=70)).hold_ms == base.hold_ms + 50
    slow = needed(link(19200, scan_ms=20))
    assert slow.hold_ms == base.hold_ms + 10
    assert slow.withdraw_ms == base.withdraw_ms + 20
    assert slow.silent_ms == base.silent_ms + 20
    assert needed(link(19200), before_ms=30).withdraw_ms == base.withdraw_ms + 30


def test_a_link_as_the_plan_sets_it_is_judged_by_its_own_numbers() -> None:
    times = as_set(link(19200))
    assert (times.beat_ms, times.hold_ms, times.reply_timeout_ms, times.silent_ms) == (70, 310, 42, 335)
    assert times.withdraw_ms > times.beat_ms
    assert as_set(link(19200, beat_ms=200)).withdraw_ms == pytest.approx(200 + 16.6 + 35, abs=0.1)
    assert with_dead_source(times, 100) == 435
