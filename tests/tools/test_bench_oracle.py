"""The oracle is the CUSUM that theory describes, and the laws that it knows are those that are drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tools.bench._stat_laws import INNOVATIONS, LAWS, ar, autoregress, garch, two_cycles
from tools.bench._stat_oracle import (
    Change,
    alarms,
    confidence,
    innovations_of,
    level,
    passage,
    spread,
)

LIMIT = 1e4


def measured(change: Change, draw, runs: int = 1500) -> float:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(2)
    threshold = change.threshold(np.random.default_rng(1), LIMIT, 3_000_000)
    return float(np.mean([change.delay(draw(rng, 1000), threshold) for _ in range(runs)]))


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_the_oracle_s_delay_is_siegmund_s(shift: float) -> None:
    # Siegmund 1985, eq. 2.57: 2 (e^{∓b} ± b − 1)/δ² with b = h + 1.166 δ, h of the log likelihood ratio
    low, high = 0.0, 20.0
    for _ in range(60):
        b = 0.5 * (low + high)
        low, high = (b, high) if 2 * (math.exp(b) - b - 1) / shift**2 < LIMIT else (low, b)
    expected = 2 * (math.exp(-b) + b - 1) / shift**2
    delay = measured(level(shift), lambda rng, size: rng.standard_normal(size) + shift)
    assert delay == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("change", [level(1.0), spread(2.0), confidence(), level(1.0, law="t₃")])
def test_no_delay_is_beyond_lorden_s_limit_of_log_a_over_the_divergence(change: Change) -> None:
    draws = {
        id(change): {
            level(1.0).nats: lambda rng, size: rng.standard_normal(size) + 1.0,
            spread(2.0).nats: lambda rng, size: rng.standard_normal(size) * math.sqrt(2.0),
            confidence().nats: lambda rng, size: rng.beta(12.0, 3.0, size),
            level(1.0, law="t₃").nats: lambda rng, size: rng.standard_t(3, size) / math.sqrt(3.0) + 1.0,
        }
    }
    delay = measured(change, draws[id(change)][change.nats])
    bound = math.log(LIMIT) / change.nats
    assert 0.5 * bound < delay < bound


def test_the_divergence_of_a_shifted_normal_is_half_its_square() -> None:
    assert level(1.4).nats == pytest.approx(0.98, rel=1e-3)
    assert spread(2.0).nats == pytest.approx(0.5 * (1.0 - math.log(2.0)))


def test_the_ratio_of_the_two_beta_laws_is_scipy_s() -> None:
    x = np.array([0.2, 0.8, 0.95])
    expected = stats.beta(12, 3).logpdf(x) - stats.beta(18, 2).logpdf(x)
    np.testing.assert_allclose(confidence().later(x), expected)


def test_the_tuned_threshold_alarms_as_rarely_as_it_should_on_other_records() -> None:
    change = level(1.0)
    threshold = change.threshold(np.random.default_rng(3), 1000.0, 1_000_000)
    z = np.random.default_rng(4).standard_normal(1_000_000)
    found = alarms(change.first(z), change.later(z), threshold)
    assert 0.85 < found / 1000 < 1.15


def test_the_cusum_is_the_best_start_of_all() -> None:
    rng = np.random.default_rng(5)
    first, later = rng.normal(-0.3, 1.0, (2, 60))
    best = [max(first[s] + later[s + 1 : t + 1].sum() for s in range(t + 1)) for t in range(60)]
    threshold = sorted(best)[-3]
    expected = next(t for t, value in enumerate(best, 1) if value >= threshold - 1e-12)
    assert passage(first, later, threshold - 1e-12) == expected
    assert passage(first, later, 1e9) == 0


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_a_level_moves_the_first_innovation_of_an_autoregression_by_more_than_the_later_ones(
    rho: float,
) -> None:
    x = ar((rho,))(np.random.default_rng(6), 1, 40)
    clean = innovations_of(x, rho)
    shifted = innovations_of(np.concatenate([x[:1], x[1:] + 2.0]), rho)
    jump = 2.0 / math.sqrt(1 - rho**2)
    np.testing.assert_allclose((shifted - clean)[0], jump)
    np.testing.assert_allclose((shifted - clean)[1:], jump * (1 - rho))


@pytest.mark.parametrize("law", INNOVATIONS)
def test_an_autoregression_has_variance_1_and_the_correlation_that_it_is_named_after(law: str) -> None:
    x = ar((0.9,), law)(np.random.default_rng(7), 100_000, 300_000)
    assert x.size == 400_000
    assert x.var() == pytest.approx(1.0, rel=0.1)
    assert np.corrcoef(x[1:], x[:-1])[0, 1] == pytest.approx(0.9, abs=0.01)


def test_the_recursion_is_scipy_s_filter() -> None:
    from scipy.signal import lfilter

    e = np.random.default_rng(8).standard_normal(200)
    np.testing.assert_allclose(autoregress(e, np.array([0.5, 0.4])), lfilter([1.0], [1.0, -0.5, -0.4], e))


def test_volatility_clusters_and_the_level_doesn_t() -> None:
    x = garch(np.random.default_rng(9).standard_normal(200_000), 0.05, 0.1, 0.85)
    assert x.var() == pytest.approx(1.0, rel=0.1)
    assert abs(np.corrcoef(x[1:], x[:-1])[0, 1]) < 0.02
    assert np.corrcoef(x[1:] ** 2, x[:-1] ** 2)[0, 1] > 0.05


def test_two_cycles_lie_in_the_baseline_and_the_stream_goes_on_in_phase() -> None:
    draws = [two_cycles(np.random.default_rng(seed), 1000, 1000) for seed in range(400)]
    np.testing.assert_allclose(np.mean(draws, axis=0), np.sin(4 * np.pi * np.arange(2000) / 1000), atol=0.3)


@pytest.mark.parametrize("law", LAWS)
def test_every_law_draws_as_many_records_as_it_is_asked_for(law: str) -> None:
    x = LAWS[law](np.random.default_rng(10), 1000)
    assert x.shape == (1000,)
    assert np.isfinite(x).all()
