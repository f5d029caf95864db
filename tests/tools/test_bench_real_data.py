"""What counts as found, missed and false in real data, and how many false alarms a budget allows."""

from __future__ import annotations

import numpy as np
import pytest

from tools.bench._stat_data import Trial
from tools.bench.real_data import LONGEST, Judged, allowed, ours, refusals

NAMES = ("a", "b")


def trial(stream: np.ndarray, onset: int) -> Trial:
    rng = np.random.default_rng(1)
    baseline = rng.standard_normal((1000, 2))
    return Trial("t", NAMES, baseline, stream, np.arange(len(stream)) < onset, (onset,))


def judged(alarms: list[int], onset: int = 100, length: int = 2000) -> Judged:
    return Judged(trial(np.zeros((length, 2)), onset), np.array(alarms, np.int64), True, {})


def test_an_alarm_on_clean_records_is_false_and_one_at_the_onset_has_a_delay_of_one_record() -> None:
    found = judged([50, 100])
    assert found.false == 1
    assert found.delay(100) == 1


def test_an_alarm_long_after_an_onset_does_not_find_it() -> None:
    assert judged([100 + LONGEST]).delay(100) is None
    assert judged([100 + LONGEST - 1]).delay(100) == LONGEST
    assert judged([]).delay(100) is None


def test_a_change_in_one_stream_is_found_and_nothing_before_it() -> None:
    stream = np.random.default_rng(2).standard_normal((600, 2))
    stream[300:, 1] += 2.0
    found = ours(trial(stream, 300))
    assert found.is_armed
    assert found.false == 0
    assert 1 <= (found.delay(300) or 0) <= 30


def test_a_stream_that_may_not_arm_is_told_with_its_reason_and_never_alarms() -> None:
    each = trial(np.zeros((500, 2)), 500)
    walks = each._replace(baseline=np.random.default_rng(3).standard_normal((1000, 2)).cumsum(axis=0))
    found = ours(walks)
    assert not found.is_armed
    assert found.alarms.size == 0
    assert set(found.refused) == set(NAMES)
    assert refusals([found]).startswith("2 of 2 streams refused, e.g. ")


@pytest.mark.parametrize("expected", [0.5, 4.4, 22.0])
def test_a_detector_that_keeps_its_budget_rarely_alarms_more_than_is_allowed(expected: float) -> None:
    drawn = np.random.default_rng(4).poisson(expected, 20_000)
    assert (drawn > allowed(expected)).mean() <= 0.03


def test_where_nothing_is_watched_no_alarm_is_allowed() -> None:
    assert allowed(0.0) == 0.0
