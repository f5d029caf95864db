"""The detectors keep their promise: budget, delay, off-test, onset. Simulated with fixed seeds."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from jidoka.monitor.detectors import band, level_test, reference, shiryaev_roberts
from jidoka.monitor.detectors.level_test import LevelTest
from jidoka.monitor.detectors.reference import Reference, freeze
from jidoka.monitor.detectors.shiryaev_roberts import ShiryaevRoberts, onset
from jidoka.monitor.kernels.bets import run_length

NORMAL = ("x",)


def normal_reference(seed: int, n: int = 1000, features: int = 1) -> Reference:
    values = np.random.default_rng([9, seed]).standard_normal((n, features))
    return freeze(tuple(f"x{f}" for f in range(features)), values)


def lengths(
    runs: int, limit: float, shift: float, longest: int, *, n: int = 1000, features: int = 1
) -> np.ndarray:
    found = []
    for seed in range(runs):
        r = normal_reference(seed // 5, n, features)
        rng = np.random.default_rng([8, seed])
        x = rng.standard_normal((longest, features)) + shift
        length = run_length(x, r.values, r.counts, r.tails, rng.random(x.shape), limit)
        found.append(length if length > 0 else longest)
    return np.array(found)


@pytest.mark.parametrize("module", [reference, shiryaev_roberts, level_test])
def test_the_worked_streams_in_the_docstrings_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("features", [1, 3])
def test_the_average_run_length_is_at_least_the_limit(features: int) -> None:
    found = lengths(60, limit=1000.0, shift=0.0, longest=10_000, features=features)
    assert found.mean() >= 1000.0  # cut at 10 000, so the truth is larger still
    assert (found < 100).mean() <= 0.1


@pytest.mark.parametrize(
    ("n", "shift", "most"), [(1000, 1.0, 42 * 1.6), (1000, 2.0, 12.1 * 1.6), (10_000, 1.0, 31 * 1.4)]
)
def test_a_shift_is_found_about_as_fast_as_the_prototype_did(n: int, shift: float, most: float) -> None:
    """STATISTICS §3.2 at A = 10⁶; the band here holds for both sides and six features at once, hence the factor."""
    assert lengths(30, limit=1e6, shift=shift, longest=3000, n=n).mean() <= most


def test_a_shift_downwards_is_found_too() -> None:
    assert lengths(20, limit=1e6, shift=-1.0, longest=3000).mean() <= 42 * 1.6


def test_nothing_is_absorbed_a_shift_that_lasts_alarms_again_after_the_restart() -> None:
    r, rng, z = normal_reference(1), np.random.default_rng(3), np.empty((1, 3))
    detector = ShiryaevRoberts(np.array([0]), 1e4)
    alarms = 0
    for _ in range(1000):
        r.scores(rng.standard_normal(1) + 1.0, rng.random(1), z)
        if detector.update(z):
            alarms += 1
            detector.restart()
            assert detector.statistic == detector.records == detector.bets.sum() == 0
    assert alarms >= 10


def test_the_band_holds_for_both_sides_at_once_with_its_confidence() -> None:
    n, misses, runs = 500, 0, 1500
    tails = normal_reference(0, n).tails[0]
    rng = np.random.default_rng(5)
    for _ in range(runs):
        u = np.sort(rng.random(n))
        # the share above the largest n − k values, and below the smallest k + 1
        misses += bool((1.0 - u[::-1] > tails[:-1]).any() or (u > tails[:-1]).any())
    allowed = (1.0 - band.CONFIDENCE) / band.SIX
    assert misses <= runs * allowed + 4 * (runs * allowed) ** 0.5


def test_the_table_of_levels_is_what_its_simulation_gives() -> None:
    table = dict(band.ALPHA)
    assert band.simulate_alpha(100) == pytest.approx(table[100], rel=0.005)
    assert list(table.values()) == sorted(table.values(), reverse=True)
    assert band.alpha_for(101) == table[200]
    with pytest.raises(ValueError, match="up to 50000"):
        band.alpha_for(50_001)


def test_p_values_of_good_records_are_never_too_small() -> None:
    """The scores of fresh good records stay below the normal law: for every bet E[L] ≤ 1."""
    r, rng = normal_reference(4), np.random.default_rng(6)
    z, gains = np.empty((1, 3)), []
    for _ in range(20_000):
        r.scores(rng.standard_normal(1), rng.random(1), z)
        gains.append(np.exp(1.4 * z[0, :2] - 0.98))
    assert (np.mean(gains, axis=0) <= 1.0).all()


def test_a_feature_that_never_varied_and_suddenly_does_is_found_at_once() -> None:
    r = freeze(NORMAL, np.full((1000, 1), 7.0))
    x = np.r_[np.full(300, 7.0), np.full(30, 7.5)][:, None]
    length = run_length(x, r.values, r.counts, r.tails, np.random.default_rng(1).random(x.shape), 1e4)
    assert 300 < length <= 315


@pytest.mark.parametrize("features", [1, 6])
def test_the_off_test_errs_on_a_good_line_as_rarely_as_it_says(features: int) -> None:
    rng, rejected, runs = np.random.default_rng(11), 0, 1500
    z = np.empty((features, 3))
    for seed in range(runs):
        if seed % 50 == 0:
            r = normal_reference(1000 + seed, 1000, features)
        test = LevelTest(np.arange(features), r.counts, 20, 0.01)
        judged = None
        for _ in range(20):
            assert judged is None
            r.scores(rng.standard_normal(features), rng.random(features), z)
            judged = test.update(z)
        rejected += judged is False
    assert rejected <= runs * 0.01 + 3 * (runs * 0.01) ** 0.5
    assert rejected > 0


def test_the_off_test_rejects_a_shift_either_way() -> None:
    r, rng, z = normal_reference(2, 1000, 2), np.random.default_rng(12), np.empty((2, 3))
    for shift in (1.5, -1.5):
        test = LevelTest(np.arange(2), r.counts, 20, 0.01)
        judged = []
        for _ in range(20):
            r.scores(rng.standard_normal(2) + np.array([0.0, shift]), rng.random(2), z)
            judged.append(test.update(z))
        assert judged[-1] is False


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_the_onset_interval_covers_the_true_start(shift: float) -> None:
    r, z = normal_reference(3), np.empty((1, 3))
    covered = runs = 0
    for seed in range(80):
        rng = np.random.default_rng([13, seed])
        start, history = int(rng.integers(0, 300)), []
        detector = ShiryaevRoberts(np.array([0]), 1e5)
        for t in range(5000):
            r.scores(rng.standard_normal(1) + shift * (t >= start), rng.random(1), z)
            history.append(z[0, 0])
            if detector.update(z):
                break
        if len(history) > start:
            found = onset(np.array(history))
            assert found.low <= found.row <= found.high
            runs += 1
            covered += found.low <= start <= found.high
    assert covered >= 0.9 * runs
    assert detector.worst() == (0, "up")


def test_an_onset_needs_a_history() -> None:
    with pytest.raises(ValueError, match="no history"):
        onset(np.array([]))
