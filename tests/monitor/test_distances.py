"""Windowed distances, against scipy's on the same histograms; and the histogram they are made of."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from jidoka.monitor import distances
from jidoka.monitor.distances import BINS, DISTANCES, Bins, LiveHistogram
from scipy import stats
from scipy.spatial import distance

SHIFTS = (0.0, 0.3, 3.0)


def pair(shift: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(baseline counts, live counts, centres) of normal values that moved by `shift`."""
    rng = np.random.default_rng(seed)
    live = LiveHistogram(Bins(rng.standard_normal(2000)))
    for x in rng.standard_normal(700) + shift:
        live.add(float(x))
    return live.bins.counts, live.counts, live.bins.centres


@pytest.mark.parametrize("shift", SHIFTS)
def test_each_distance_is_scipys_on_the_same_histograms(shift: float) -> None:
    base, live, centres = pair(shift)
    p, q = base / base.sum(), live / live.sum()
    found = {name: of(base, live, centres) for name, of in DISTANCES.items()}
    assert found["jensen_shannon"] == pytest.approx(distance.jensenshannon(p, q, base=2), rel=1e-9)
    assert found["wasserstein"] == pytest.approx(stats.wasserstein_distance(centres, centres, p, q), rel=1e-9)
    assert found["chi_squared"] == pytest.approx(stats.chisquare(live, p * live.sum()).statistic, rel=1e-9)
    # each record at its bin's centre: the two-sample statistic of those is the gap at the edges
    samples = (np.repeat(centres, base.astype(int)), np.repeat(centres, live.astype(int)))
    assert found["ks"] == pytest.approx(stats.ks_2samp(*samples).statistic, rel=1e-9)
    # scipy has no Hellinger: it is the Euclidean distance of the roots over √2
    assert found["hellinger"] == pytest.approx(
        distance.euclidean(np.sqrt(p), np.sqrt(q)) / math.sqrt(2), rel=1e-9
    )
    p, q = ((each + 0.5) / (each + 0.5).sum() for each in (base, live))
    assert found["psi"] == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), rel=1e-9)


def test_more_shift_is_more_distance_and_the_same_histogram_is_none() -> None:
    rows = [[of(*pair(shift)) for of in DISTANCES.values()] for shift in SHIFTS]
    assert (np.diff(rows, axis=0) > 0).all()
    base, _, centres = pair(0.0)
    assert [of(base, base, centres) for of in DISTANCES.values()] == pytest.approx(
        [0.0] * len(DISTANCES), abs=1e-7
    )


def test_bins_hold_about_as_many_baseline_values_each_and_lie_where_the_values_do() -> None:
    bins = Bins(np.random.default_rng(1).standard_normal(6400))
    assert bins.counts.size == BINS
    assert (bins.counts == 100).all()
    assert (np.diff(bins.centres) > 0).all()


@pytest.mark.parametrize("values", [[3.0] * 50, [0.0] * 30 + [1.0] * 70, [math.nan, 2.0], list(range(10))])
def test_tied_and_few_values_give_fewer_bins_and_no_empty_one(values: list[float]) -> None:
    bins = Bins(np.array(values))
    assert (bins.counts > 0).all()
    assert bins.counts.sum() == np.isfinite(values).sum()
    live = LiveHistogram(bins)
    for x in values:
        live.add(x)
    assert np.array_equal(live.counts, bins.counts)
    assert max(abs(each) for each in live.distances().values()) < 1e-6


def test_a_baseline_without_a_value_has_no_bins() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        Bins(np.array([math.nan]))


def test_a_feature_that_records_do_not_have_is_not_counted_and_nothing_is_told_of_none() -> None:
    live = LiveHistogram(Bins(np.arange(100.0)))
    live.add(math.nan)
    assert live.records == 0.0
    assert all(math.isnan(each) for each in live.distances().values())
    live.add(math.inf)
    live.add(-math.inf)
    assert (live.counts[0], live.counts[-1], live.records) == (1.0, 1.0, 2.0)
    live.clear()
    assert live.records == 0.0


def test_with_a_half_life_old_records_fade_and_memory_stays_what_it_was() -> None:
    live = LiveHistogram(Bins(np.arange(100.0)), half_life=50.0)
    size = live.counts.nbytes
    for _ in range(40_000):  # far beyond where the weights are scaled back
        live.add(10.0)
    for _ in range(50):
        live.add(90.0)
    low, high = (live.counts[np.searchsorted(live.bins.edges, x, side="right")] for x in (10.0, 90.0))
    assert high / low == pytest.approx(1.0, rel=1e-6)  # those of one half-life weigh as much as all before
    assert live.records == pytest.approx(1.0 / (1.0 - 0.5 ** (1 / 50)), rel=1e-6)
    assert live.counts.nbytes == size
    assert np.isfinite(list(live.distances().values())).all()


def test_the_worked_stream_of_the_docstring_is_right() -> None:
    assert doctest.testmod(distances).failed == 0
