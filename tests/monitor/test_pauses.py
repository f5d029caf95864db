"""Steps without a record: a pause counts with its time, jitter doesn't, and a missing record as ever."""

from __future__ import annotations

import pytest
from jidoka.monitor.features.extractor import PAUSE_STEPS, Pauses

PERIOD_NS = 20_000_000


def extra(*records: tuple[int, float], period_s: float = 0.02) -> list[int]:
    """Steps beyond its number, of each record; records: (number, time in periods)."""
    pauses = Pauses(period_s)
    return [pauses.steps_before(number, int(at * PERIOD_NS)) for number, at in records]


def test_an_even_stream_and_a_jittering_one_have_no_pauses() -> None:
    assert extra((1, 0), (2, 1), (3, 2)) == [0, 0, 0]
    assert extra((1, 0), (2, 1), (3, 1 + PAUSE_STEPS - 0.5), (4, 11)) == [0, 0, 0, 0]


@pytest.mark.parametrize("steps", [PAUSE_STEPS, 50, 100_000])
def test_a_pause_counts_with_every_step_that_went_by(steps: int) -> None:
    assert extra((1, 0), (2, steps), (3, steps + 1)) == [0, steps - 1, steps - 1]


def test_records_that_were_lost_meanwhile_are_not_counted_twice() -> None:
    assert extra((1, 0), (31, 30)) == [0, 0]
    assert extra((1, 0), (11, 30)) == [0, 20]


def test_times_that_go_backwards_and_an_unknown_period_add_nothing() -> None:
    assert extra((1, 100), (2, 0), (3, 1)) == [0, 0, 0]
    assert extra((1, 0), (2, 1000), period_s=0.0) == [0, 0]
