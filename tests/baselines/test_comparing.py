"""Distances between baselines: a decay that hides between neighbours shows against the first."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from jidoka.baselines.comparing import distances, ks_distance
from jidoka.monitor.baseline import Baseline
from scipy import stats

RNG = np.random.default_rng(3)


def baseline(records: np.ndarray, names: tuple[str, ...] = ("brightness", "noise")) -> Baseline:
    return Baseline("m", "0" * 64, 0, 0, names, records, 10.0, "2026-01-01T00:00:00Z")


@pytest.mark.parametrize("sizes", [(50, 50), (300, 20), (1, 7)])
def test_the_ks_distance_is_scipys(sizes: tuple[int, int]) -> None:
    a, b = RNG.standard_normal(sizes[0]).round(1), RNG.normal(0.3, 1.2, sizes[1]).round(1)
    assert ks_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)


def test_a_lamp_that_dies_a_little_with_each_learning_shows_against_the_first() -> None:
    steps = [
        baseline(np.column_stack([RNG.normal(120 - 0.4 * n, 1, 1000), RNG.normal(2, 0.1, 1000)]))
        for n in range(8)
    ]
    for older, newer in itertools.pairwise(steps):
        assert not any(each.is_large for each in distances(older, newer))
    by_name = {each.feature: each for each in distances(steps[0], steps[-1])}
    assert by_name["brightness"].is_large
    assert by_name["brightness"].shift_sigma == pytest.approx(-2.8, abs=0.15)
    assert not by_name["noise"].is_large


def test_a_spread_that_grew_is_large_though_the_mean_stayed() -> None:
    older = baseline(RNG.normal(0, 1, (2000, 1)), ("x",))
    (found,) = distances(older, baseline(RNG.normal(0, 1.6, (2000, 1)), ("x",)))
    assert abs(found.shift_sigma) < 0.2
    assert found.is_large


def test_features_that_only_one_has_are_left_out_and_missing_values_count_for_nothing() -> None:
    records = RNG.standard_normal((100, 2))
    records[::3, 0] = np.nan
    older = baseline(records)
    newer = replace(older, names=("brightness", "other"))
    assert [each.feature for each in distances(older, newer)] == ["brightness"]
    assert distances(older, newer)[0].ks == 0.0


def test_a_feature_that_never_varied_is_large_as_soon_as_it_differs() -> None:
    older = baseline(np.ones((50, 1)), ("x",))
    assert not distances(older, older)[0].is_large
    assert distances(older, baseline(np.full((50, 1), 1.001), ("x",)))[0].is_large
