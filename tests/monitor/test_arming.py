"""Which features may arm: how long they remember, whether they were settled, and how they did in a rehearsal."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from jidoka.monitor.detectors import arming, long_memory
from jidoka.monitor.detectors.bank import bank, independent
from jidoka.monitor.detectors.offline import Offline
from jidoka.monitor.detectors.whitening import corrected, whiten
from jidoka.monitor.kernels.bets import FACTOR, FIRST_SIZE, SIZE, SPREAD_FACTOR

LIMIT = 1e4


def after(rho: float, n: int, seed: int) -> np.ndarray:
    """A stationary AR(1) of n records with mean 0 and variance 1, (n, 1)."""
    e = np.random.default_rng([17, seed]).standard_normal(n)
    x = np.empty(n)
    last = e[0]
    for t in range(n):
        last = x[t] = rho * last + np.sqrt(1 - rho * rho) * e[t] if t else last
    return x[:, None]


def volatile(n: int, seed: int) -> np.ndarray:
    e, x, variance = np.random.default_rng([18, seed]).standard_normal(n), np.empty(n), 1.0
    for t in range(n):
        x[t] = np.sqrt(variance) * e[t]
        variance = 0.05 + 0.1 * x[t] ** 2 + 0.85 * variance
    return x[:, None]


def why(records: np.ndarray, **more: float) -> str:
    return Offline(("x",), records, LIMIT, **more).refused.get("x", "")


def test_an_independent_feature_is_taken_as_it_is() -> None:
    found = whiten(np.random.default_rng(1).standard_normal(3000))
    assert (found.order, found.tau, found.is_scaled) == (0, 1.0, False)
    assert set(found.shift_v) == set(found.spread_v) == {1.0}


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_a_feature_that_depends_on_its_past_is_foretold_from_it(rho: float) -> None:
    found = whiten(after(rho, 10_000, 1)[:, 0])
    assert found.order >= 1
    assert found.gain == pytest.approx(1 - rho, abs=0.04)
    assert found.tau >= 0.8 * (1 + rho) / (1 - rho)
    assert found.ratio == pytest.approx(1 / np.sqrt(1 - rho * rho), rel=0.1)
    z = np.diff(found.innovations)  # sorted
    assert (z >= 0).all()


def test_the_small_sample_correction_takes_out_the_bias_of_the_sum() -> None:
    raw, better = [], []
    for seed in range(200):
        x = after(0.9, 200, seed)[:, 0]
        x = x - x.mean()
        phi = np.array([x[1:] @ x[:-1] / (x @ x)])
        raw.append(phi.sum())
        better.append(corrected(phi, x.size).sum())
    assert abs(np.mean(better) - 0.9) < 0.5 * abs(np.mean(raw) - 0.9)


def test_restless_records_have_their_scale_followed_and_bets_on_them_cost_more() -> None:
    found = whiten(volatile(10_000, 1)[:, 0])
    assert found.is_scaled
    constants, calm = bank(found, LIMIT, 1), independent(1, LIMIT)[0]
    assert constants is not None
    assert (constants[FACTOR] < 0.99 * calm[FACTOR]).any()
    assert (constants[FACTOR] <= calm[FACTOR]).all()
    assert not constants[SPREAD_FACTOR].any()


def test_the_budget_is_kept_where_large_records_come_together() -> None:
    records = alarms = 0
    for seed in range(20):
        x = volatile(1000 + 8000, 50 + seed)
        detector = Offline(("x",), x[:1000], 1e3, seed)
        found = detector.first_alarm(x[1000:])
        records += 0 if detector.faults else found or 8000
        alarms += found > 0
    assert records >= 1e3 * alarms
    assert records >= 20_000


def test_the_first_record_of_a_shift_is_bet_on_by_its_jump_and_the_later_ones_by_what_stays() -> None:
    constants = bank(whiten(after(0.9, 10_000, 2)[:, 0]), LIMIT, 1)
    assert constants is not None
    assert (constants[FIRST_SIZE] > 5 * constants[SIZE]).all()
    assert constants[FIRST_SIZE].max() < 4.0, "no rank among 10 000 says more"


@pytest.mark.parametrize(("rho", "n"), [(0.9, 300), (0.99, 300), (0.99, 1000)])
def test_a_baseline_that_is_too_short_for_what_the_feature_remembers_is_refused(rho: float, n: int) -> None:
    found = [why(after(rho, n, seed)) for seed in range(30)]
    assert all("remembers about" in each or "wanders" in each for each in found)


def test_a_random_walk_is_refused() -> None:
    for seed in range(20):
        assert why(np.random.default_rng(seed).standard_normal((2000, 1)).cumsum(axis=0))


def test_how_many_more_records_are_needed_is_said() -> None:
    assert arming.too_short(300, 570, 19.0) == "remembers about 19 records; needs at least 270 more"
    assert "wanders" in arming.too_short(300, 6000, 200.0)
    assert "10 more" in arming.too_short(20, 30, 1.0)


def test_halves_that_differ_by_more_than_a_feature_wanders_are_refused() -> None:
    x = np.random.default_rng(5).standard_normal((2000, 1))
    x[1000:] += 0.4
    assert "still settling" in arming.unsettled(x[:, 0], 1.0)
    assert arming.unsettled(x[:, 0], 20.0) == ""


def wandering(n: int, seed: int, d: float = 0.45) -> np.ndarray:
    """Fractional noise: each shock stays for ever, and ever less of it."""
    lead = 4000
    weights = np.cumprod(np.r_[1.0, (np.arange(1, lead + n) - 1.0 + d) / np.arange(1, lead + n)])
    shocks = np.random.default_rng([19, seed]).standard_normal(lead + n)
    size = 1 << (2 * (lead + n)).bit_length()
    made = np.fft.irfft(np.fft.rfft(weights, size) * np.fft.rfft(shocks, size), size)
    return made[lead : lead + n, None]


def test_the_worked_example_of_a_long_memory_is_true() -> None:
    assert doctest.testmod(long_memory).failed == 0


def test_a_feature_that_wanders_the_further_the_longer_it_is_watched_is_refused() -> None:
    found = [why(wandering(2000, seed)) for seed in range(30)]
    assert sum(bool(each) for each in found) >= 24
    assert any("wanders slowly" in each for each in found)


@pytest.mark.parametrize(
    ("rho", "n"), [(0.0, 300), (0.0, 1000), (0.5, 1000), (0.9, 1000), (0.9, 10_000), (0.99, 10_000)]
)
def test_one_that_forgets_is_not_taken_for_one_that_wanders(rho: float, n: int) -> None:
    found = [long_memory.errors_above(after(rho, n, 300 + seed)[:, 0])[1] for seed in range(100)]
    assert sum(each > long_memory.MOST_ERRORS for each in found) <= 1


def test_two_slow_roots_are_not_taken_for_a_long_memory() -> None:
    for seed in range(20):
        x = np.zeros(3000)
        e = np.random.default_rng([20, seed]).standard_normal(3000)
        for t in range(2, 3000):
            x[t] = 0.5 * x[t - 1] + 0.4 * x[t - 2] + e[t]
        assert long_memory.wanders(x[1000:]) == ""


def test_a_declared_cycle_must_fit_twice() -> None:
    x = np.random.default_rng(6).standard_normal((1000, 1))
    assert why(x, slowest_cycle=500) == ""
    assert "doesn't fit twice" in why(x, slowest_cycle=501)


def test_a_rehearsal_on_its_own_other_half_refuses_a_level_that_jumps_about() -> None:
    rng = np.random.default_rng(7)
    x = rng.standard_normal(2000)
    for begin in range(1000, 2000, 200):
        x[begin : begin + 100] += 1.0
        x[begin + 100 : begin + 200] -= 1.0
    assert "in a rehearsal" in arming.rehearsed(x, LIMIT, 1)
    assert arming.rehearsed(rng.standard_normal(2000), LIMIT, 1) == ""


def test_a_refused_feature_leaves_the_group_and_the_rest_arms() -> None:
    good = np.random.default_rng(8).standard_normal((1000, 1))
    both = Offline(("good", "walk"), np.hstack([good, good.cumsum(axis=0)]), LIMIT)
    assert both.faults == []
    assert list(both.refused) == ["walk"]
    alone = Offline(("walk",), good.cumsum(axis=0), LIMIT)
    assert alone.faults[0].startswith("walk ")
    assert alone.first_alarm(good) == 0


@pytest.mark.parametrize("bias", [-0.05, 0.0, 0.05])
def test_the_budget_is_kept_under_dependence_even_where_the_fit_is_off(bias: float) -> None:
    records = alarms = early = 0
    for seed in range(30):
        x = after(0.9, 1000 + 8000, 100 + seed)
        detector = Offline(("x",), x[:1000], 1e3, seed, bias=bias)
        if detector.faults:
            continue
        found = detector.first_alarm(x[1000:])
        records += found or 8000
        alarms += found > 0
        early += 0 < found <= 100
    assert records >= 15_000
    assert records >= 1e3 * alarms
    assert early <= 3


def test_the_chance_of_as_many_alarms_is_poissons() -> None:
    stats = pytest.importorskip("scipy.stats")
    for count, mean in ((0, 0.1), (1, 0.1), (3, 2.5), (9, 4.0)):
        assert arming.poisson_tail(count, mean) == pytest.approx(stats.poisson.sf(count - 1, mean))
