"""Material drift: the bets, what may arm, what a live stream says, and what the configuration asks for."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from jidoka.config.compile import compile_text
from jidoka.monitor import saved
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.detectors.material import Shares, arm_shares, largest_share, range_of, run_share_alarms
from jidoka.monitor.detectors.reference import freeze
from jidoka.monitor.drift import Stream
from jidoka.monitor.kernels.material import share_step
from jidoka.monitor.material import MaterialWatch, ShareLevel
from jidoka.monitor.showing import as_lines, as_object, detectors_of
from jidoka.monitor.terms import Terms
from jidoka.monitor.verdicts import Reason, Verdict, verdict_of
from jidoka_bridge.messages import Judgement
from scipy import stats

from tests import naive
from tests.config.line import ROOT, VALID, changed, faults_of
from tests.monitor import line
from tests.monitor.test_arming import after

LIMIT = 1e3
TERMS = Terms("all", LIMIT, 20, 0.01, tolerance=0.1)


def armed(records: np.ndarray, tolerance: float = 0.1, limit: float = LIMIT, cycle: float = 0.0) -> Shares:
    names = tuple(f"f{f}" for f in range(records.shape[1]))
    return arm_shares(freeze(names, records), records, tuple(range(len(names))), limit, tolerance, cycle)


def stream_of(records: np.ndarray, names: tuple[str, ...] = ("a", "b")) -> tuple[Stream, MaterialWatch]:
    baseline = Baseline("m", "ab" * 32, 0, 0, names, records, 10.0, "2026-01-01T00:00:00Z", "cd")
    features = dataclasses.replace(line.feature_set(line.SECTION), names=names, groups={"all": names})
    stream = Stream(baseline, features, {0: TERMS}, np.random.default_rng(1))
    watch = stream.watches[0]
    assert isinstance(watch, MaterialWatch)
    return stream, watch


def normal(seed: int, n: int, features: int = 2) -> np.ndarray:
    return np.random.default_rng([7, seed]).standard_normal((n, features))


def test_the_kernel_pays_what_the_sum_over_all_starts_pays() -> None:
    x = normal(1, 60, 3)
    x[::7, 1] = np.nan
    x[20:22] = np.nan
    x[30:] += 1.5
    low, high = np.full(3, -1.0), np.array([1.0, 1.5, 0.5])
    allowed, blocks = np.array([0.2, 0.1, 0.4]), np.array([1, 3, 4])
    odds = np.array([[0.5, 3.0], [1.0, 9.0], [0.2, 2.0]])
    counts, beyond, bets = np.zeros(3, np.int64), np.zeros((3, 2), np.int64), np.zeros((3, 2, 2))
    marks = np.zeros(3, np.uint8)
    found = [
        share_step(row, np.arange(3), low, high, allowed, blocks, odds, counts, beyond, bets, marks)
        for row in x
    ]
    np.testing.assert_allclose(found, naive.share_means(x, low, high, allowed, blocks, odds), rtol=1e-9)


def test_a_range_leaves_out_a_hundredth_at_each_end_and_its_ends_belong_to_it() -> None:
    assert range_of(np.arange(1000.0)) == (10.0, 989.0)
    assert range_of(np.array([1.0, np.nan, 2.0])) == (1.0, 2.0)


@pytest.mark.parametrize("n", [100, 1000, 10_000])
def test_no_more_lies_beyond_a_range_than_is_reckoned_with_in_95_of_100_baselines(n: int) -> None:
    # the share beyond the k-th of n values follows a beta law, whatever the feature's own
    beyond = int(0.01 * n)
    assert stats.beta.sf(largest_share(n, 0.01, 1), beyond + 1, n - beyond) <= 0.05


@pytest.mark.parametrize(("rho", "tolerance"), [(0.0, 0.05), (0.9, 0.05), (0.9, 0.2)])
def test_the_budget_is_kept_on_records_that_stay_as_they_were(rho: float, tolerance: float) -> None:
    alarms = exposure = 0
    for seed in range(30):
        x = after(rho, 6000, seed)
        shares = armed(x[:1000], tolerance)
        if shares.members.size:
            alarms += run_share_alarms(shares, x[1000:], LIMIT).size
            exposure += 5000
    assert exposure > 100_000
    assert alarms <= stats.poisson.ppf(0.999, exposure / LIMIT)


def test_a_share_just_within_the_tolerance_is_no_alarm_and_one_well_beyond_it_is_found() -> None:
    x = normal(3, 1000, 1)
    shares = armed(x, 0.1)
    rng = np.random.default_rng(5)
    quiet, loud = rng.standard_normal((20_000, 1)), rng.standard_normal((500, 1))
    quiet[rng.random(20_000) < 0.09] = 9.0
    loud[rng.random(500) < 0.5] = 9.0
    assert run_share_alarms(shares, quiet, LIMIT).size <= stats.poisson.ppf(0.999, 20)
    assert 5 < run_share_alarms(shares, loud, LIMIT)[0] < 60


def test_a_level_that_wanders_beyond_the_tolerance_within_the_baseline_is_refused_in_words() -> None:
    x = np.concatenate([normal(4, 500, 1), normal(5, 500, 1) + 3.0])
    shares = armed(x)
    assert "f0" in shares.refused
    short = armed(after(0.99, 300, 1))
    assert "more" in short.refused["f0"] or "wanders" in short.refused["f0"]
    assert "doesn't fit twice" in armed(normal(6, 1000, 1), cycle=501).refused["f0"]
    assert armed(normal(6, 1000, 1), cycle=500).refused == {}
    assert "too few to know its range" in armed(normal(6, 100, 1), tolerance=0.97).refused["f0"]


def test_a_live_stream_alarms_at_the_very_records_at_which_the_offline_one_does() -> None:
    x = normal(8, 3000)
    x[1500:, 1] += 2.0
    x[::50, 0] = np.nan
    stream, watch = stream_of(x[:1000])
    found = []
    for t, row in enumerate(x[1000:], 1):
        before = watch.detector.records
        stream.take(row, t, t, t)
        if watch.detector.records <= before:
            found.append(t)
    assert len(found) > 10
    assert found == run_share_alarms(watch.detector.shares, x[1000:], LIMIT).tolist()


def test_an_alarm_tells_feature_direction_share_and_the_parts_since_then_and_goes_off_again() -> None:
    x = normal(9, 1300)
    x[1100:1200, 1] -= 4.0
    stream, watch = stream_of(x[:1000])
    states = []
    for part, row in enumerate(x[1000:], 1):
        stream.take(row, part, 1000 * part, part)
        states.append(watch.judgement)
        if part == 150:
            evidence = dict(watch.evidence)
    assert states[30] is Judgement.OFF
    assert states[120] is Judgement.ON
    assert states[-1] is Judgement.OFF
    assert (evidence["feature"], evidence["direction"]) == ("b", "down")
    assert evidence["onset_low_part"] <= 101 <= evidence["onset_high_part"]
    assert abs(evidence["onset_part"] - 101) <= 2
    assert evidence["share_beyond"] > 0.5
    assert evidence["range"][0] < evidence["range"][1]
    assert watch.evidence == {}


def test_records_without_any_of_its_features_say_nothing() -> None:
    stream, watch = stream_of(normal(10, 1000))
    for t in range(50):
        stream.take(np.full(2, np.nan), t, t, t)
    assert watch.judgement is Judgement.UNKNOWN
    assert watch.detector.records == 0
    watch.judgement = Judgement.ON
    watch.start_afresh()
    assert watch.judgement is Judgement.UNKNOWN


def test_the_off_test_takes_the_share_that_is_allowed_and_not_one_that_is_clearly_more() -> None:
    shares = armed(normal(11, 1000, 1))
    level = ShareLevel(shares, 100, 0.01)
    few, many = np.zeros(100, np.uint8), np.zeros(100, np.uint8)
    few[:10], many[:40] = 2, 1
    assert [level.update(mark[None]) for mark in few][-1] is True
    assert [level.update(mark[None]) for mark in many][-1] is False


def test_what_it_has_seen_is_kept_over_a_restart() -> None:
    x = normal(12, 1200)
    x[1000:] += 1.2
    stream, watch = stream_of(x[:1000])
    for t, row in enumerate(x[1000:1009]):
        stream.take(row, t, t, t)
    assert watch.detector.statistic > 0.0
    data = b"".join(saved.encode(stream, {0: "c"}))
    again, other = stream_of(x[:1000])
    saved.restore(again, {0: "c"}, data + hashlib.sha256(data).digest(), 1)
    for each, (t, row) in ((each, pair) for pair in enumerate(x[1009:1060]) for each in (stream, again)):
        each.take(row, t, t, t)
    assert other.detector.statistic == watch.detector.statistic
    assert (other.marks == watch.marks).all()


def test_material_drift_makes_a_record_suspect() -> None:
    assert verdict_of(int(Reason.MATERIAL_DRIFT)) is Verdict.SUSPECT


MATERIAL = ("when: drift(input)", "when: material(input)")
TOLERANT = ("false_alarms: 1 per 90 days", "false_alarms: 1 per 90 days\n    tolerance: 10 %")


def test_material_drift_needs_one_tolerance_and_nothing_else_has_any() -> None:
    (fault,) = faults_of(changed(MATERIAL))
    assert fault.path == "risks[0].tolerance"
    assert "is missing: material(input)" in fault.message
    assert faults_of(changed(MATERIAL, TOLERANT)) == []
    (fault,) = faults_of(changed(TOLERANT))
    assert "nobody would read it" in fault.message
    row = VALID[VALID.index("  - id: R-01") :].replace("R-01", "R-02").replace(*MATERIAL).replace(*TOLERANT)
    assert faults_of(changed(MATERIAL, TOLERANT) + row) == []
    (fault,) = faults_of(changed(MATERIAL, TOLERANT) + row.replace("10 %", "20 %"))
    assert "has the tolerance 10 % already" in fault.message


def test_material_and_drift_of_one_group_are_two_conditions() -> None:
    row = VALID[VALID.index("  - id: R-01") :].replace("R-01", "R-02").replace(*MATERIAL).replace(*TOLERANT)
    plan = compile_text(VALID + row, ROOT)
    assert [each.id for each in plan.conditions] == ["eye:drift(input)", "eye:material(input)"]
    detectors = plan.sections["detectors"]
    assert [each["tolerance"] for each in detectors.values()] == [0.0, 0.1]
    assert {each["group"] for each in detectors.values()} == {"input"}


def test_baseline_show_tells_the_tolerance_and_what_is_seen_with_it(tmp_path: Path) -> None:
    plan = line.plan(tmp_path, per=1e4)
    for each in detectors_of(plan, line.MODEL).values():
        each["tolerance"] = 0.1  # type: ignore[index]
    shown = as_object(plan, line.baseline())
    sees = {
        (each["feature"], each["shift_sigma"]): each["records"]
        for each in shown["conditions"][line.DRIFT]["sees"]
    }
    assert shown["faults"] == []
    assert sees["brightness", 2.0] is not None
    assert sees["brightness", 2.0] < 400
    assert any("at most 10.0% more records than usual" in each for each in as_lines(shown))
