"""What simulated runs tell: bounds that cover, runs that were cut, shares with their intervals, delays with the missed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tools.bench._stat_runs import Delays, arl_lower, clopper_pearson, gathered

LIMIT = 1000.0


@pytest.mark.parametrize("cut", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("streams", [10, 100])
def test_the_lower_bound_on_the_run_length_covers_it_as_often_as_it_says(cut: float, streams: int) -> None:
    rng = np.random.default_rng(1)
    length = cut * LIMIT
    covered = 0
    for _ in range(1000):
        lengths = rng.exponential(LIMIT, streams)
        covered += arl_lower(int((lengths < length).sum()), float(np.minimum(lengths, length).sum())) <= LIMIT
    assert stats.binomtest(covered, 1000, 0.95, alternative="less").pvalue > 1e-3


def test_runs_without_an_alarm_tell_what_they_ran_and_not_that_they_run_for_ever() -> None:
    assert arl_lower(0, 3000.0) == pytest.approx(3000.0 / -np.log(0.05))


def test_a_run_that_was_cut_counts_with_what_it_ran() -> None:
    runs = gathered(LIMIT, 5000, [0, 0, 700, None, 50])
    assert runs.exposure == 10_750
    assert runs.alarms == 2
    assert runs.refused == pytest.approx(0.2)
    assert runs.early == 1
    assert runs.early_share == pytest.approx(0.25)
    assert runs.arl_low == pytest.approx(arl_lower(2, 10_750) / LIMIT)


def test_an_alarm_exactly_at_a_tenth_of_the_budget_isn_t_early() -> None:
    assert gathered(LIMIT, 5000, [99, 100, 101]).early == 1


def test_where_every_stream_is_refused_nothing_is_early() -> None:
    runs = gathered(LIMIT, 5000, [None, None])
    assert runs.refused == 1.0
    assert runs.early_share == 0.0


@pytest.mark.parametrize(("hits", "of"), [(0, 20), (3, 20), (20, 20), (7, 300)])
def test_clopper_and_pearson_s_interval_is_scipy_s(hits: int, of: int) -> None:
    other = stats.binomtest(hits, of).proportion_ci(0.95, "exact")
    assert clopper_pearson(hits, of) == pytest.approx((other.low, other.high))


def test_a_share_of_nothing_may_be_anything() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_a_missed_change_counts_with_all_that_it_was_watched_for() -> None:
    delays = Delays((10, 0, 20), 1000)
    assert delays.mean == pytest.approx(1030 / 3)
    assert delays.missed == pytest.approx(1 / 3)


def test_no_run_has_no_mean_delay() -> None:
    assert np.isnan(Delays((), 1000).mean)
