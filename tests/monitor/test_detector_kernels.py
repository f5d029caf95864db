"""Every kernel of the detectors gives what its naive twin in tests/naive.py gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.detectors.bank import bank, independent
from jidoka.monitor.detectors.whitening import Whitening
from jidoka.monitor.kernels.bets import BETS, FACTOR, advance, restart
from jidoka.monitor.kernels.judge import judge
from jidoka.monitor.kernels.whiten import burg, innovations, normal_score, score_record, uniform

from tests import naive

SETTINGS = settings(max_examples=150, deadline=None)


def test_uniform_numbers_are_uniform_and_those_of_their_state() -> None:
    found = np.array([uniform(state) for state in [np.array([1], np.uint64)] for _ in range(4000)])
    assert found.min() >= 0.0
    assert found.max() < 1.0
    assert np.histogram(found, 8, (0, 1))[0].min() > 420
    # SplitMix64's first numbers for the seed 1234567, as its authors' program prints them
    state = np.array([1234567], np.uint64)
    assert [int(uniform(state) * 2**53) for _ in range(2)] == [
        6457827717110365317 >> 11,
        3203168211198807973 >> 11,
    ]


@SETTINGS
@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.floats(-1, 7), st.booleans())
def test_normal_scores_equal_the_naive_twin_ties_included(values: list[int], x: float, is_tie: bool) -> None:
    reference = np.sort(np.array(values, float))
    value = float(round(x)) if is_tie else x
    share = uniform(np.array([7], np.uint64))
    found = normal_score(value, reference, np.array([7], np.uint64))
    assert found == pytest.approx(naive.normal_score(value, reference, share), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("order", [0, 1, 3, 10])
def test_innovations_equal_the_naive_twin_and_begin_anew_after_a_gap(order: int) -> None:
    rng = np.random.default_rng(order)
    x = rng.standard_normal(200) + 5.0
    x[[40, 41, 90]] = np.nan
    x[120] = 1e6
    phi = rng.uniform(-0.3, 0.3, order)
    model = np.zeros(13)
    model[:3] = 5.0, 4.0, 0.0
    model[3 : 3 + order] = phi
    expected = naive.innovations(x, 5.0, phi, 4.0)
    found = np.empty(200)
    count = innovations(x, model, order, found)
    np.testing.assert_allclose(found[:count], expected[~np.isnan(expected)], rtol=1e-12)
    assert count == 200 - 3 - order * 3 + (order > 1) * 0


def test_burgs_autoregression_is_the_one_that_made_the_series() -> None:
    rng = np.random.default_rng(3)
    x = np.zeros(20_000)
    for t in range(2, x.size):
        x[t] = 0.6 * x[t - 1] - 0.3 * x[t - 2] + rng.standard_normal()
    coefficients, power = burg(x - x.mean(), 4)
    np.testing.assert_allclose(coefficients[2, :2], [0.6, -0.3], atol=0.02)
    np.testing.assert_allclose(coefficients[4, 2:], [0.0, 0.0], atol=0.03)
    assert power[2] == pytest.approx(1.0, abs=0.03)
    assert power[0] == pytest.approx(x.var())


def banks() -> list[np.ndarray]:
    """An independent feature's bets, and those of one that depends on its past, some of them dropped."""
    plain = independent(1, 1e3, 500)[0]
    after = Whitening(
        1,
        np.zeros(13),
        5.0,
        1.4,
        0.3,
        np.sort(np.random.default_rng(1).standard_normal(2000)),
        (1.2,),
        (4.5,),
    )
    depends = bank(after, 1e3, 1)
    assert depends is not None
    assert (depends[FACTOR] == 0).any()
    return [plain, depends]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.floats(-3, 3), min_size=2, max_size=2), min_size=1, max_size=8))
def test_the_recursion_is_the_sum_over_every_start(rows: list[list[float]]) -> None:
    constants, bets, z = np.array(banks()), np.empty((2, BETS)), np.array(rows)
    restart(bets, constants)
    found = [advance(bets, row, np.arange(2), constants) for row in z]
    np.testing.assert_allclose(found, naive.bank_mean(z, constants), rtol=1e-9)


def test_a_feature_without_a_score_keeps_its_statistic() -> None:
    bets, constants = np.ones((1, BETS)), independent(1, 1e3)
    assert advance(bets, np.array([np.nan]), np.array([0]), constants) == pytest.approx(1.0 + 6.0 * 0.15)
    assert (bets == 1.0).all()


@pytest.mark.parametrize("score", [30.0, -30.0, 4.5])
def test_a_statistic_never_overflows(score: float) -> None:
    bets, constants = np.zeros((1, BETS)), independent(1, 1e3)
    for _ in range(300):
        assert np.isfinite(advance(bets, np.array([score]), np.array([0]), constants))


def test_one_call_judges_a_record_as_the_kernels_one_by_one_would() -> None:
    rng = np.random.default_rng(4)
    reference, counts = np.sort(rng.standard_normal((3, 50)), axis=1), np.array([50, 50, 50])
    models, orders = np.zeros((3, 13)), np.array([0, 0, 1])
    models[2, 1], models[2, 3] = 8.0, 0.5
    values, columns = rng.standard_normal(6), np.array([4, -1, 2])
    members, spans = np.array([0, 1, 2, 1]), np.array([0, 3, 4])
    constants = np.repeat(np.array(banks())[:1], 4, axis=0)
    bets, alone = np.zeros((4, BETS)), np.zeros((4, BETS))
    statistics, history, z, expected = (
        np.empty(2),
        np.zeros((5, 3), np.float32),
        np.empty((3, 3)),
        np.empty(3),
    )
    states = [
        (np.ones((3, 10)), np.ones(3, np.int64), np.ones(3), np.array([5], np.uint64)) for _ in range(2)
    ]
    judge(
        columns, np.zeros((0, 2)), models, orders, reference, counts, *states[0], z, bets, members, constants, spans, statistics,
        history, values, 4,
    )  # fmt: skip
    x = np.array([values[4], np.nan, values[2]])
    score_record(x, models, orders, reference, counts, *states[1], expected)
    np.testing.assert_array_equal(z[0], expected)
    np.testing.assert_array_equal(history[4], np.float32(expected))
    assert statistics[0] == advance(alone[:3], expected, members[:3], constants[:3])
    assert np.isnan(statistics[1]), "the second watch has only a feature that isn't there"
    np.testing.assert_array_equal(bets, alone)
