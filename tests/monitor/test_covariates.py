"""Covariates explain a feature; what they don't explain keeps the budget, whatever they do themselves."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from jidoka.monitor import showing
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.commissioning import delays
from jidoka.monitor.detectors import covariates
from jidoka.monitor.detectors.covariates import explain_records
from jidoka.monitor.detectors.level_test import LevelTest
from jidoka.monitor.detectors.offline import Offline
from jidoka.monitor.detectors.reference import freeze
from jidoka.monitor.drift import Stream
from jidoka.monitor.features import FeatureSet
from jidoka.monitor.kernels.bets import BETS, advance, advance_between
from jidoka.monitor.kernels.explain import MOST_DOUBT, explain
from jidoka.monitor.terms import Terms
from jidoka_bridge.messages import Judgement

from tests import naive
from tests.monitor.test_detector_kernels import banks

NAMES = ("y", "x")
LIMIT = 1e3
N = 1000


def walking(seed: int, then: int, step: float = 0.3, slope: float = 2.0) -> np.ndarray:
    """y = slope · x + noise of variance 1 where x is a random walk, (N + then, 2)."""
    rng = np.random.default_rng([41, seed])
    x = (step * rng.standard_normal(N + then)).cumsum()
    return np.column_stack([slope * x + rng.standard_normal(x.size), x])


def explained(records: np.ndarray) -> Offline:
    return Offline(NAMES, records, LIMIT, seed=1, covariates=("x",))


def test_the_worked_examples_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(covariates).failed == 0


def test_a_feature_that_follows_a_random_walk_is_refused_alone_and_armed_with_its_covariate() -> None:
    for seed in range(10):
        series = walking(seed, 0)
        assert set(Offline(NAMES, series, LIMIT).refused) == {"y", "x"}
        beside = explained(series)
        assert beside.refused == {"x": covariates.IS_COVARIATE}


def test_the_budget_is_kept_while_the_covariate_wanders_off() -> None:
    records = alarms = early = 0
    for seed in range(30):
        series = walking(100 + seed, 5000)
        found = explained(series[:N]).first_alarm(series[N:])
        records += found or 5000
        alarms += found > 0
        early += 0 < found <= LIMIT / 10
    assert records >= LIMIT * alarms
    assert early <= 3


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_step_of_one_sigma_of_what_is_left_is_found(side: float) -> None:
    found = []
    for seed in range(20):
        series = walking(200 + seed, 500)
        series[N + 50 :, 0] += side
        detector = explained(series[:N])
        found.append(detector.first_alarm(series[N:]) - 50)
    assert all(0 < each <= 200 for each in found)
    assert np.mean(found) <= 60


def went_elsewhere(seed: int) -> tuple[int, int]:
    """(records, alarms) of a line whose covariate goes where it has never been, and stays there."""
    rng = np.random.default_rng([43, seed])
    x = np.r_[rng.standard_normal(300), 6.0 + 0.1 * rng.standard_normal(3000)]
    series = np.column_stack([2.0 * x + rng.standard_normal(x.size), x])
    detector = explained(series[:300])
    assert "y" not in detector.refused
    found = detector.first_alarm(series[300:])
    return found or 3000, int(found > 0)


def test_the_error_of_the_coefficients_is_paid_for_where_the_covariate_has_never_been(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records, alarms = np.sum([went_elsewhere(seed) for seed in range(20)], axis=0)
    assert records >= LIMIT * alarms
    monkeypatch.setattr(covariates, "widest", lambda *_: 1e-9)
    records, alarms = np.sum([went_elsewhere(seed) for seed in range(20)], axis=0)
    assert records < 2 * LIMIT * alarms, "without its price two in three alarm at once"


def test_slopes_and_what_is_left_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 2)) * (3.0, 0.1) + (20.0, -1.0)
    y = 5.0 + x @ (0.5, -4.0) + 0.2 * rng.standard_normal(400)
    records = np.column_stack([x[:, :1], y, x[:, 1:]])
    found = explain_records(records, (0, 2))
    plain, *_ = np.linalg.lstsq(np.column_stack([np.ones(400), x]), y, rcond=None)
    np.testing.assert_allclose(found.table[:, 2 + 1], plain[1:], rtol=1e-3)
    assert found.sigmas[1] == pytest.approx(0.2, rel=0.1)
    left = y - x @ plain[1:]
    np.testing.assert_allclose(
        found.columns[:, 1] - found.columns[:, 1].mean(), left - left.mean(), atol=0.03
    )
    assert (found.columns[:, [0, 2]] == records[:, [0, 2]]).all(), "a covariate is nobody's"


def test_the_doubt_is_the_width_of_the_coefficients_region() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((N, 1))
    reference = freeze(NAMES, np.column_stack([2.0 * x + rng.standard_normal((N, 1)), x]), covariates=(1,))
    doubts = np.empty(2)
    for away in (0.5, 3.0):
        record = np.array([7.0, reference.table[0, 1] + away])
        explain(record, reference.table, doubts)
        assert record[0] == pytest.approx(7.0 - reference.table[0, 2] * away)
        # 2.5 % for two features: Φ⁻¹(1 − 0.025 / 4) = 2.498 standard errors of a slope, 1/√1000
        assert doubts[0] == pytest.approx(2.498 * away / math.sqrt(N), rel=0.1)
        assert doubts[1] == 0.0


def test_where_the_covariate_lies_too_far_away_or_is_missing_nothing_is_judged() -> None:
    reference = freeze(NAMES, walking(3, 0), covariates=(1,))
    doubts = np.empty(2)
    for x in (1e4, -1e4, np.nan, np.inf):
        record = np.array([0.0, x])
        explain(record, reference.table, doubts)
        assert np.isnan(record[0])
    assert MOST_DOUBT == 1.0


def test_a_covariate_that_never_moved_can_teach_nothing() -> None:
    records = np.random.default_rng(4).standard_normal((N, 2))
    records[:, 1] = 20.0
    assert "x never varied" in explained(records).refused["y"]


def test_too_few_records_for_many_covariates_are_refused_with_how_many_are_missing() -> None:
    rng = np.random.default_rng(5)
    records = rng.standard_normal((120, 7))
    names = tuple("yabcdef")
    found = Offline(names, records, LIMIT, covariates=names[1:])
    why = found.refused["y"]
    assert "6 covariates" in why
    missing = int(why.split("at least ")[1].split()[0])
    more = rng.standard_normal((120 + missing + 20, 7))
    assert "covariates" not in Offline(names, more, LIMIT, covariates=names[1:]).refused.get("y", "")


def test_a_relation_that_isnt_a_line_is_refused_by_the_rehearsal() -> None:
    refused = 0
    for seed in range(10):
        rng = np.random.default_rng([6, seed])
        x = np.linspace(-1.0, 1.0, N) + 0.05 * rng.standard_normal(N)
        series = np.column_stack([6.0 * x * x + rng.standard_normal(N), x])
        refused += "y" in explained(series).refused
    assert refused == 10


def test_every_bet_is_paid_by_the_end_that_pays_it_least() -> None:
    rng = np.random.default_rng(7)
    constants, members = np.array(banks()), np.arange(2)
    for _ in range(50):
        z, width = rng.standard_normal(2), rng.uniform(0.01, 0.5, 2)
        bets = rng.uniform(0.0, 5.0, (2, BETS))
        between, inside = bets.copy(), []
        advance_between(between, z - width, z + width, members, constants)
        for share in np.linspace(-1.0, 1.0, 9):
            each = bets.copy()
            advance(each, z + share * width, members, constants)
            inside.append(each)
        assert (between <= np.min(inside, axis=0) * (1.0 + 1e-12)).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_known_scores_are_bet_on_as_ever(seed: int) -> None:
    z, constants = np.random.default_rng(seed).standard_normal((30, 2)), np.array(banks())
    one, other = np.zeros((2, BETS)), np.zeros((2, BETS))
    for row in z:
        assert advance(one, row, np.arange(2), constants) == advance_between(
            other, row, row, np.arange(2), constants
        )
    assert (one == other).all()
    assert naive.bank_mean(z, constants)


def test_the_off_test_rejects_only_what_lies_beyond_for_sure() -> None:
    for low, high, accepted in ((1.5, 1.6, False), (0.2, 1.6, True), (-1.6, -1.5, False)):
        test = LevelTest(np.array([0]), np.array([N]), 20, 0.01)
        judged = [test.update(np.array([low]), np.array([high])) for _ in range(20)]
        assert judged[-1] is accepted


def stream_of(learned: np.ndarray, names: tuple[str, ...] = ("x",)) -> Stream:
    baseline = Baseline("m", "ab" * 32, 0, 0, NAMES, learned, 10.0, "2026-01-01T00:00:00Z")
    terms = {0: Terms("all", LIMIT, 20, 0.01, covariates=names)}
    return Stream(baseline, FeatureSet(NAMES, {"all": NAMES}), terms, np.random.default_rng(1))


def test_a_live_stream_with_covariates_alarms_where_the_offline_one_does() -> None:
    series = walking(8, 3000)
    series[2000:, 0] += 0.7
    series[::90, 1] = np.nan
    offline, live, found = explained(series[:N]), stream_of(series[:N]), []
    watch = live.watches[0]
    for t, row in enumerate(series[N:], 1):
        before = watch.detector.records
        live.take(row, t, t, t)
        if watch.detector.records < before:
            found.append(t)
            assert watch.evidence["feature"] == "y"
    assert len(found) >= 5
    assert found == offline.alarms(series[N:]).tolist()
    assert watch.judgement is not Judgement.UNKNOWN


def test_two_streams_with_other_covariates_dont_go_on_from_each_others_state() -> None:
    series = np.random.default_rng(9).standard_normal((N, 2))
    assert stream_of(series).digest != stream_of(series, ()).digest


def test_a_baseline_that_lacks_a_covariate_arms_nothing_and_names_it() -> None:
    baseline = Baseline("m", "ab" * 32, 0, 0, NAMES, walking(1, 0), 10.0, "2026-01-01T00:00:00Z")
    armed = baseline.armed(NAMES, Terms("all", LIMIT, 20, 0.01, covariates=("speed",)))
    assert armed.members.size == 0
    assert armed.refused["y"] == "can't be explained: the baseline has no speed"


def test_what_is_explained_is_shown_with_its_slopes_what_is_left_and_how_sure_that_is() -> None:
    baseline = Baseline("m", "ab" * 32, 0, 0, NAMES, walking(1, 0), 10.0, "2026-01-01T00:00:00Z")
    found = showing.explained_of(baseline, ("x",))
    assert list(found) == ["y"]
    assert found["y"]["slopes"]["x"] == pytest.approx(2.0, abs=0.05)
    assert found["y"]["sigma_left"] == pytest.approx(1.0, abs=0.1)
    assert 0.0 < found["y"]["doubt_sigma"] < 0.2
    assert showing.explained_of(baseline, ()) == {}
    assert showing.explained_of(baseline, ("speed",)) == {}
    seen = delays(baseline, NAMES, Terms("all", LIMIT, 20, 0.01, covariates=("x",)))
    assert {each.feature for each in seen} == {"y"}
    assert all(each.records is not None and each.records < 60 for each in seen if each.shift_sigma == 1.0)
