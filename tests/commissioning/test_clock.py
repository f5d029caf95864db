"""The PLC's clock against ours: what is told, what is granted, over any wrap and any round trip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.commissioning.clock import Comparison

MS = 1_000_000


def compared(rate: float, seconds: float, *, rtt_ms: int = 10, begin: int = 0) -> float | None:
    """Answers 100 ms apart of a PLC whose clock runs at `rate`."""
    comparison = Comparison()
    for number in range(int(seconds * 10) + 1):
        ours_ms = number * 100
        comparison.add(int(begin + ours_ms * rate / 10) & 0xFFFF, ours_ms * MS, rtt_ms * MS)
    return comparison.off_percent


@pytest.mark.parametrize(("rate", "told"), [(0.9, -10), (1.1, 10), (0.5, -50), (2.0, 100)])
def test_a_clock_that_runs_otherwise_is_told_in_percent(rate: float, told: int) -> None:
    assert compared(rate, 10) == pytest.approx(told, abs=0.2)


def test_less_than_two_seconds_say_nothing_and_two_say_it() -> None:
    assert compared(0.5, 1.9) is None
    assert compared(0.5, 2.0) == pytest.approx(-50)
    assert Comparison().off_percent is None


def test_two_percent_thirty_milliseconds_and_the_longest_round_trip_are_granted() -> None:
    # of 10 s: 200 + 30 + 10 ms
    assert compared(1 - 0.024, 10) is None
    assert compared(1 - 0.025, 10) == pytest.approx(-2.5)
    assert compared(1.024, 10) is None
    assert compared(1.025, 10) == pytest.approx(2.5)
    assert compared(1.025, 10, rtt_ms=20) is None


def test_the_counter_may_wrap_between_two_answers() -> None:
    assert compared(1.0, 10, begin=65_500) is None
    assert compared(0.9, 10, begin=65_500) == pytest.approx(-10, abs=0.2)


@given(
    rtts=st.lists(st.integers(1, 900), min_size=10, max_size=40),
    shares=st.lists(st.floats(0, 1), min_size=40, max_size=40),
    phase=st.integers(0, 1_000_000),
)
def test_a_clock_that_is_right_is_never_told_however_late_its_answers_come(
    rtts: list[int], shares: list[float], phase: int
) -> None:
    comparison, now_ms = Comparison(), 0
    for rtt_ms, share in zip(rtts, shares, strict=False):
        made_ms = now_ms + rtt_ms * share  # the PLC made its counter at any moment of the round trip
        now_ms += rtt_ms
        comparison.add(int(phase + made_ms) // 10 & 0xFFFF, now_ms * MS, rtt_ms * MS)
    assert comparison.off_percent is None
