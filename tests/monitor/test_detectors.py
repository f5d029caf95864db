"""The detectors keep their promise: budget, delay, off-test, onset. Simulated with fixed seeds."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from jidoka.monitor.detectors import calibration, level_test, offline, onset, reference, shiryaev_roberts
from jidoka.monitor.detectors.level_test import LevelTest
from jidoka.monitor.detectors.offline import Offline
from jidoka.monitor.detectors.reference import Reference, freeze
from jidoka.monitor.detectors.shiryaev_roberts import ShiryaevRoberts
from jidoka.monitor.kernels.whiten import MOST_ORDER, score_record

NAMES = ("x",)


def normal_offline(seed: int, limit: float, n: int = 1000, features: int = 1) -> Offline:
    values = np.random.default_rng([9, seed]).standard_normal((n, features))
    return Offline(tuple(f"x{f}" for f in range(features)), values, limit, seed)


class Scores:
    """The normal scores of one record after another against a reference."""

    def __init__(self, reference: Reference) -> None:
        self.reference, count = reference, len(reference.names)
        self.z = np.empty(count)
        self._state = (
            np.zeros((count, MOST_ORDER)),
            np.zeros(count, np.int64),
            np.ones(count),
            np.ones(1, np.uint64),
        )

    def of(self, x: np.ndarray) -> np.ndarray:
        r = self.reference
        score_record(x, r.models, r.orders, r.values, r.counts, *self._state, self.z)
        return self.z


def lengths(
    runs: int, limit: float, shift: float, longest: int, *, n: int = 1000, features: int = 1, each: int = 5
) -> np.ndarray:
    """each: runs of a baseline."""
    found = []
    for seed in range(runs):
        if seed % each == 0:
            detector = normal_offline(seed // each, limit, n, features)
        rng = np.random.default_rng([8, seed])
        length = detector.first_alarm(rng.standard_normal((longest, features)) + shift)
        found.append(length if length > 0 else longest)
    return np.array(found)


@pytest.mark.parametrize("module", [offline, reference, shiryaev_roberts, level_test])
def test_the_worked_streams_in_the_docstrings_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("features", [1, 3])
def test_the_average_run_length_is_at_least_the_limit(features: int) -> None:
    found = lengths(60, limit=1000.0, shift=0.0, longest=10_000, features=features)
    assert found.mean() >= 1000.0  # cut at 10 000, so the truth is larger still
    assert (found < 100).mean() <= 0.1


@pytest.mark.parametrize(
    ("n", "shift", "most"), [(1000, 1.0, 42), (1000, 2.0, 12.1), (10_000, 1.0, 31), (10_000, 2.0, 9.4)]
)
def test_a_shift_is_found_about_as_fast_as_the_prototype_did(n: int, shift: float, most: float) -> None:
    """STATISTICS §3.2 at A = 10⁶, where the prototype bet on steps alone and held one side of one feature."""
    assert lengths(60, limit=1e6, shift=shift, longest=3000, n=n).mean() <= 1.15 * most


@pytest.mark.parametrize(("shift", "oracle"), [(0.5, 46.3), (1.0, 14.3), (2.0, 4.4)])
def test_all_bets_together_are_at_most_1_6_times_as_slow_as_a_cusum_that_knows_both_laws(
    shift: float, oracle: float
) -> None:
    """STATISTICS §3.5's oracle at A = 10⁴, the change after 500 clean records: a line that has just begun is slower yet."""
    found = []
    for seed in range(150):
        detector, rng = normal_offline(seed, 1e4, 10_000, 1), np.random.default_rng([9, seed])
        stream = rng.standard_normal((3500, 1))
        stream[500:] += shift
        length = detector.first_alarm(stream)
        if length == 0 or length > 500:  # a false alarm before the change says nothing of its delay
            found.append(length - 500 if length else 3000)
    assert len(found) > 140
    assert np.mean(found) <= 1.6 * oracle


def test_a_shift_downwards_is_found_too() -> None:
    assert lengths(20, limit=1e6, shift=-1.0, longest=3000).mean() <= 1.15 * 42


def test_a_larger_and_a_smaller_spread_are_found_and_named() -> None:
    scores, rng = (
        Scores(freeze(NAMES, np.random.default_rng(1).standard_normal((3000, 1)))),
        np.random.default_rng(2),
    )
    for factor, direction in ((2.0, "wider"), (0.5, "narrower")):
        detector = ShiryaevRoberts(np.array([0]), 1e4)
        while not detector.update(scores.of(factor * rng.standard_normal(1))):
            assert detector.records < 100
        assert detector.worst() == (0, direction)


def test_nothing_is_absorbed_a_shift_that_lasts_alarms_again_after_the_restart() -> None:
    scores, rng = Scores(normal_offline(1, 1e4).reference), np.random.default_rng(3)
    detector = ShiryaevRoberts(np.array([0]), 1e4)
    alarms = 0
    for _ in range(1000):
        if detector.update(scores.of(rng.standard_normal(1) + 1.0)):
            alarms += 1
            detector.restart()
            assert detector.statistic == detector.records == 0
    assert alarms >= 10


@pytest.mark.parametrize("n", [100, 1000, 5000])
def test_all_bets_are_fair_at_once_for_as_many_baselines_as_promised(n: int) -> None:
    found, runs = calibration.coverage(n, 1500), 1500
    assert found >= calibration.CONFIDENCE - 3.0 * (0.05 * 0.95 / runs) ** 0.5


def test_bets_on_good_records_pay_no_more_than_they_cost() -> None:
    """For this baseline every bet's mean pay-out stays below one, on fresh records."""
    detector = normal_offline(4, 1e4)
    scores, rng, pays = Scores(detector.reference), np.random.default_rng(6), []
    sizes, factors = detector.constants[0, :2]
    for _ in range(20_000):
        z = scores.of(rng.standard_normal(1))[0]
        pays.append([factors * np.exp(sizes * z), factors * np.exp(-sizes * z)])
    assert (np.mean(pays, axis=0) <= 1.0).all()


def test_a_feature_that_never_varied_and_suddenly_does_is_found_at_once() -> None:
    detector = Offline(NAMES, np.full((1000, 1), 7.0), 1e4)
    assert detector.faults == []
    assert 300 < detector.first_alarm(np.r_[np.full(300, 7.0), np.full(30, 7.5)][:, None]) <= 315


def test_records_that_lack_a_feature_and_endless_values_are_taken_without_a_fault() -> None:
    rng = np.random.default_rng(3)
    detector = Offline(NAMES, rng.standard_normal((1000, 1)), 1e4)
    x = rng.standard_normal((500, 1))
    x[::7] = np.nan
    assert detector.first_alarm(x) == 0
    x[200:] = np.inf
    assert 200 < detector.first_alarm(x) <= 210


@pytest.mark.parametrize("features", [1, 6])
def test_the_off_test_errs_on_a_good_line_as_rarely_as_it_says(features: int) -> None:
    rng, rejected, runs = np.random.default_rng(11), 0, 1500
    for seed in range(runs):
        if seed % 50 == 0:
            scores = Scores(normal_offline(1000 + seed, 1e3, 1000, features).reference)
        test = LevelTest(np.arange(features), scores.reference.counts, 20, 0.01)
        judged = None
        for _ in range(20):
            assert judged is None
            judged = test.update(scores.of(rng.standard_normal(features)))
        rejected += judged is False
    assert rejected <= runs * 0.01 + 3 * (runs * 0.01) ** 0.5
    assert rejected > 0


def test_the_off_test_rejects_a_shift_either_way() -> None:
    scores, rng = Scores(normal_offline(2, 1e3, 1000, 2).reference), np.random.default_rng(12)
    for shift in (1.5, -1.5):
        test = LevelTest(np.arange(2), scores.reference.counts, 20, 0.01)
        moved = np.array([0.0, shift])
        judged = [test.update(scores.of(rng.standard_normal(2) + moved)) for _ in range(20)]
        assert judged[-1] is False


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_the_onset_interval_covers_the_true_start(shift: float) -> None:
    covered = runs = 0
    for seed in range(80):
        if seed % 8 == 0:
            known = normal_offline(seed, 1e5)
            scores = Scores(known.reference)
        rng = np.random.default_rng([13, seed])
        start, history = int(rng.integers(0, 300)), []
        detector = ShiryaevRoberts(np.array([0]), 1e5, known.constants)
        for t in range(5000):
            z = scores.of(rng.standard_normal(1) + shift * (t >= start))
            history.append(z[0])
            if detector.update(z):
                break
        if len(history) > start:
            found = onset.onset(np.array(history), known.constants[0])
            assert found.low <= found.row <= found.high
            runs += 1
            covered += found.low <= start <= found.high
    assert covered >= 0.95 * runs
    assert detector.worst() == (0, "up")


def test_an_onset_needs_a_history() -> None:
    with pytest.raises(ValueError, match="no history"):
        onset.onset(np.array([]), normal_offline(1, 1e4).constants[0])
