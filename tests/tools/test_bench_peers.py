"""The peers' twins alarm where river alarms; tuned ones alarm as rarely as they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tools.bench._stat_peers import (
    Embedding,
    adwin_at,
    bisect,
    embed,
    kswin_at,
    mmd_at,
    page_hinkley_at,
    run_length,
    usable,
)
from tools.bench._stat_peers import Tuned as Setting
from tools.bench._stat_twins import kswin, online_mmd, page_hinkley

drift = pytest.importorskip("river.drift", reason="river is a peer of the benches")

# river asks scipy for exact p-values where only approximate ones are to be had
pytestmark = pytest.mark.filterwarnings("ignore:ks_2samp:RuntimeWarning")


def records() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(size=600), rng.normal(size=300) + 0.8, rng.poisson(2.0, 300)])


def river_alarms(detector, x: np.ndarray) -> list[int]:  # type: ignore[no-untyped-def]
    found = []
    for t, value in enumerate(x.tolist(), 1):
        detector.update(value)
        if detector.drift_detected:
            found.append(t)
    return found


@pytest.mark.parametrize(("delta", "threshold"), [(0.0, 10.0), (0.1, 8.0), (0.5, 5.0), (1.0, 3.0)])
def test_page_and_hinkley_s_twin_alarms_at_the_records_at_which_river_alarms(
    delta: float, threshold: float
) -> None:
    x = records()
    other = drift.PageHinkley(min_instances=30, delta=delta, threshold=threshold, alpha=0.9999, mode="both")
    expected = river_alarms(other, x)
    assert expected
    assert page_hinkley(x, delta, threshold, 0.9999, 30, x.size).tolist() == expected


@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_kswin_s_twin_alarms_at_the_records_at_which_river_alarms(alpha: float) -> None:
    # as many older records as recent ones: the sample is all of them, and nothing is left to chance
    x, recent = records(), 30
    steps = next(
        k
        for k in range(recent + 1)
        if stats.ks_2samp(np.arange(30.0), np.arange(30.0) + k - 0.5).pvalue <= alpha
    )
    expected = river_alarms(drift.KSWIN(alpha=alpha, window_size=2 * recent, stat_size=recent, seed=1), x)
    assert expected
    assert kswin(x, 2 * recent, recent, steps, 1, x.size).tolist() == expected


def test_kswin_s_twin_samples_the_older_records_evenly() -> None:
    # of 90 older records, one sample of 30: with the same steps it alarms about as often as river does
    x = np.random.default_rng(2).normal(size=1500)
    steps = next(
        k for k in range(31) if stats.ks_2samp(np.arange(30.0), np.arange(30.0) + k - 0.5).pvalue <= 0.05
    )
    other = len(river_alarms(drift.KSWIN(alpha=0.05, window_size=120, stat_size=30, seed=3), x))
    ours = np.mean([kswin(x, 120, 30, steps, seed, x.size).size for seed in range(20)])
    assert abs(ours - other) <= 4


def test_the_online_mmd_is_the_sum_over_all_pairs() -> None:
    rng = np.random.default_rng(3)
    clean, x = rng.normal(size=400), rng.normal(size=60) + 1.0
    e = embed(clean)
    window = 10

    def statistic(held: np.ndarray) -> float:
        pairs = np.exp(-e.gamma * (held[:, None] - held[None, :]) ** 2)
        between = np.exp(-e.gamma * (held[:, None] - clean[None, :]) ** 2).mean()
        return (pairs.sum() - window) / (window * (window - 1)) - 2.0 * between

    held = clean[-window:].copy()
    expected = []
    for t, value in enumerate(x):
        held[t % window] = value
        expected.append(statistic(held))
    threshold = float(np.sort(expected)[-5])
    first = next(t for t, value in enumerate(expected, 1) if value >= threshold)
    found = online_mmd(x, clean[-window:].copy(), e.at, e.low, e.step, e.gamma, threshold - 1e-4, 1)
    assert found.tolist() == [first]


@pytest.mark.parametrize(
    "detector",
    [
        page_hinkley_at(0.25, 8.0),
        kswin_at(60, 15, 12),
        adwin_at(0.1),
        mmd_at(20, 0.2, Embedding(np.ones(2), 0, 1, 1, 1)),
    ],
)
def test_what_a_peer_saw_in_its_warm_up_is_no_alarm_of_the_stream(detector) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(4)
    clean, stream = rng.normal(size=2000), rng.normal(size=300)
    found = detector(clean, stream, 50)
    assert all(1 <= each <= stream.size for each in found)


def test_tuning_reaches_the_run_length_that_is_asked_for() -> None:
    clean = np.random.default_rng(5).normal(size=210_000)
    setting, arl = bisect(lambda t: page_hinkley_at(0.25, t), 0.0, 100.0, clean, 1000.0, rounds=16)
    assert arl == pytest.approx(1000.0, rel=0.1)
    other = np.random.default_rng(6).normal(size=210_000)
    assert run_length(page_hinkley_at(0.25, setting), other, 1000.0) == pytest.approx(1000.0, rel=0.3)


def test_a_setting_that_alarms_far_too_often_is_left_out_unless_there_is_no_other() -> None:
    often, rarely = (Setting(name, adwin_at(0.1), arl) for name, arl in (("often", 50.0), ("rarely", 900.0)))
    assert usable([often, rarely], 1000.0) == [rarely]
    assert usable([often], 1000.0) == [often]
