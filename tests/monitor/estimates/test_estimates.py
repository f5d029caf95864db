"""Temperature, calibration error, CBPE, error rate and promise: equal to peers, to scipy and to what they claim."""

from __future__ import annotations

import doctest
import json
import math
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.estimates import (
    ErrorRate,
    Experience,
    RunningEstimate,
    calibration_error,
    estimate_accuracy,
    fit_temperature,
)
from jidoka.monitor.estimates.error_rate import ODDS, bounds_of
from jidoka_bridge.errors import InputError
from scipy import optimize, special, stats

from tests.monitor.estimates.peers import inputs

PEERS = json.loads((Path(__file__).parent / "peer_figures.json").read_text())


@pytest.mark.parametrize("name", ["temperature", "calibration", "cbpe", "error_rate", "promise"])
def test_the_worked_examples_come_out(name: str) -> None:
    found = doctest.testmod(import_module(f"jidoka.monitor.estimates.{name}"))
    assert (found.failed, found.attempted > 0) == (0, True)


@pytest.mark.parametrize("peer", PEERS["figures"], ids=lambda each: str(each["seed"]))
def test_cbpe_and_calibration_error_equal_nannyml_and_mapie(peer: dict[str, float]) -> None:
    each = inputs(int(peer["seed"]))
    p, said, truth = each["p"], each["said"], each["truth"]
    assert estimate_accuracy(p, said).accuracy == pytest.approx(peer["cbpe_accuracy"], abs=1e-6)
    running = RunningEstimate()
    for row, answer in zip(p, said, strict=True):
        running.add(float(row[answer]))
    assert running.estimate.accuracy == pytest.approx(peer["cbpe_accuracy"], abs=1e-6)
    assert running.estimate.standard_error == pytest.approx(
        estimate_accuracy(p, said).standard_error, rel=1e-9
    )
    assert calibration_error(p.max(axis=1), said == truth) == pytest.approx(
        peer["calibration_error"], abs=1e-12
    )
    fifteen = calibration_error(p.max(axis=1), said == truth, 15)
    assert fifteen == pytest.approx(peer["calibration_error_15"], abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_temperature_is_the_one_that_scipy_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((500, 5)) * 4
    labels = (logits / (1.0 + seed) + rng.gumbel(size=logits.shape)).argmax(axis=1)
    fitted = fit_temperature(logits, labels)

    def nll(log_t: float) -> float:
        z = logits / math.exp(log_t)
        return float(-(z[np.arange(500), labels] - special.logsumexp(z, axis=1)).mean())

    best = optimize.minimize_scalar(nll, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    assert math.log(fitted.value) == pytest.approx(best.x, abs=1e-4)
    assert fitted.nll_after == pytest.approx(best.fun, abs=1e-9)
    assert fitted.nll_before == pytest.approx(nll(0.0), abs=1e-9)


def test_the_temperatures_standard_error_is_what_it_varies_by() -> None:
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(200):
        logits = rng.standard_normal((400, 3)) * 3
        labels = (logits / 2.0 + rng.gumbel(size=logits.shape)).argmax(axis=1)
        fitted = fit_temperature(logits, labels)
        errors.append(math.log(fitted.value / 2.0) / fitted.standard_error)
    assert 0.8 < float(np.std(errors)) < 1.2
    assert abs(float(np.mean(errors))) < 0.3


@pytest.mark.parametrize(
    ("logits", "labels", "says"),
    [
        (np.ones((40, 3)), np.zeros(39, int), "don't belong together"),
        (np.ones((40, 3)), np.zeros(40), "don't belong together"),
        (np.ones(40), np.zeros(40, int), "don't belong together"),
        (np.ones((20, 3)), np.zeros(20, int), "too few"),
        (np.full((40, 3), np.nan), np.zeros(40, int), "NaN or infinite"),
        (np.ones((40, 3)), np.full(40, 3), "there are 3 classes"),
        (np.eye(3)[np.arange(40) % 3], np.arange(40) % 3, "right beyond doubt"),
        (np.eye(3)[np.arange(40) % 3], (np.arange(40) + 1) % 3, "say nothing"),
    ],
)
def test_labelled_records_that_can_tell_no_temperature_are_refused(
    logits: np.ndarray, labels: np.ndarray, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        fit_temperature(logits, labels)


def test_confidence_that_is_none_has_no_calibration_error() -> None:
    assert math.isnan(calibration_error(np.empty(0), np.empty(0, bool)))
    for bad in (np.array([1.1]), np.array([np.nan]), np.array([-0.1])):
        with pytest.raises(InputError, match="outside 0 to 1"):
            calibration_error(bad, np.array([True]))
    with pytest.raises(InputError, match="belong together"):
        calibration_error(np.array([0.5, 0.5]), np.array([True]))


def test_an_estimate_is_always_marked_as_one_and_says_when_there_is_none() -> None:
    running = RunningEstimate()
    assert str(running.estimate).startswith("no estimate")
    for value in (math.nan, 1.5, -1.0):
        running.add(value)
    assert (running.estimate.n, running.without) == (0, 3)
    running.add(0.5)
    assert str(running.estimate).startswith("estimate, without labels")


def test_the_estimates_standard_error_is_what_the_true_share_varies_by() -> None:
    rng = np.random.default_rng(4)
    p = rng.beta(8, 2, 500)
    estimate = estimate_accuracy(np.column_stack([p, 1 - p]), np.zeros(500, int))
    true = (rng.random((2000, 500)) < p).mean(axis=1)
    assert float(np.std(true)) == pytest.approx(estimate.standard_error, rel=0.1)


@given(st.lists(st.booleans(), max_size=200), st.floats(0.005, 0.5))
@settings(max_examples=60, deadline=None)
def test_the_evidence_is_the_mean_of_products_of_bets(answers: list[bool], limit: float) -> None:
    rate = ErrorRate(limit)
    odds = limit / (1 - limit)
    bets = [odds * each / (1 + odds * each) for each in ODDS]
    products = [1.0] * len(bets)
    largest = 0.0
    for is_right in answers:
        rate.add(is_right)
        products = [
            product * ((1 - q) / (1 - limit) if is_right else q / limit)
            for product, q in zip(products, bets, strict=True)
        ]
        largest = max(largest, math.log(sum(products) / len(products)))
        assert rate.log_evidence == pytest.approx(math.log(sum(products) / len(products)), abs=1e-8)
    assert rate.largest == pytest.approx(largest, abs=1e-8)
    assert rate.is_broken == (largest >= math.log(20) or rate.largest >= math.log(20))


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3])
def test_a_limit_that_is_kept_is_seldom_said_to_be_broken_however_often_one_looks(limit: float) -> None:
    rng = np.random.default_rng(6)
    broken = 0
    for _ in range(400):
        rate = ErrorRate(limit)
        for is_wrong in (rng.random(1500) < limit).tolist():
            rate.add(not is_wrong)
        broken += rate.is_broken
    assert stats.binom.sf(broken - 1, 400, 0.05) > 1e-3, broken


def test_a_limit_that_is_not_kept_is_found() -> None:
    rng = np.random.default_rng(7)
    rate = ErrorRate(0.02)
    for is_wrong in (rng.random(2000) < 0.05).tolist():
        rate.add(not is_wrong)
    assert rate.is_broken
    assert rate.bounds.low > 0.02


@pytest.mark.parametrize("limit", [0.0, 1.0, -1.0, math.nan])
def test_no_limit_is_no_limit(limit: float) -> None:
    with pytest.raises(ValueError, match="can't be a limit"):
        ErrorRate(limit)


@pytest.mark.parametrize("p", [0.003, 0.05, 0.5, 0.97])
def test_the_true_rate_lies_in_the_bounds_at_every_look(p: float) -> None:
    rng = np.random.default_rng(8)
    missed = 0
    for _ in range(300):
        k = (rng.random(2000) < p).cumsum()
        looks = np.unique(np.geomspace(1, 2000, 60).astype(int))
        missed += any(not low <= p <= high for low, high in (bounds_of(int(k[n - 1]), int(n)) for n in looks))
    assert stats.binom.sf(missed - 1, 300, 0.05) > 1e-3, missed


@given(st.integers(0, 300), st.integers(0, 300))
def test_bounds_hold_the_observed_rate_and_stay_between_0_and_1(k: int, more: int) -> None:
    low, high = bounds_of(k, k + more)
    assert 0.0 <= low <= high <= 1.0
    if k + more:
        assert low <= k / (k + more) <= high
    mirrored = bounds_of(more, k + more)
    assert mirrored.low == pytest.approx(1 - high, abs=1e-9)


@pytest.mark.parametrize("times", [0.5, 1.0])
def test_a_promise_that_is_kept_is_seldom_refuted(times: float) -> None:
    rng = np.random.default_rng(9)
    refuted = missed = 0
    for _ in range(400):
        at = rng.exponential(1 / times, 60).cumsum()
        looks = [
            Experience(i + 1, float(t)) for i, t in enumerate(at)
        ]  # right after each alarm it is the worst
        refuted += any(each.is_refuted for each in looks)
        missed += any(not each.times[0] <= times <= each.times[1] for each in looks[::6])
    assert stats.binom.sf(refuted - 1, 400, 0.05) > 1e-3, refuted
    assert stats.binom.sf(missed - 1, 400, 0.05) > 1e-3, missed


def test_a_promise_that_is_broken_is_refuted_and_nothing_is_known_at_the_start() -> None:
    assert Experience(0, 0.0).times == (0.0, math.inf)
    assert not Experience(0, 0.0).is_refuted
    assert Experience(12, 2.0).is_refuted
    assert Experience(12, 2.0).times[0] > 1.0
    assert Experience(0, 50.0).times[1] < 0.2
