"""A live stream: what it says is what `Offline` says, and records that don't follow each other."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.detectors.offline import Offline
from jidoka.monitor.drift import Stream
from jidoka.monitor.features import FeatureSet
from jidoka.monitor.terms import Terms
from jidoka_bridge.messages import Judgement

from tests.monitor import line
from tests.monitor.test_arming import after
from tests.monitor.test_core import BASELINE, OTHER, Bench

NAMES = ("a", "b", "c")
LIMIT = 1e3


def records(seed: int, n: int) -> np.ndarray:
    """An independent, a rounded and a dependent feature."""
    rng = np.random.default_rng([31, seed])
    return np.column_stack([rng.standard_normal(n), rng.standard_normal(n).round(), after(0.8, n, seed)])


def stream_of(learned: np.ndarray, seed: int) -> Stream:
    baseline = Baseline("m", "ab" * 32, 0, 0, NAMES, learned, 10.0, "2026-01-01T00:00:00Z")
    features = dataclasses.replace(line.feature_set(line.SECTION), names=NAMES, groups={"all": NAMES})
    assert isinstance(features, FeatureSet)
    return Stream(baseline, features, {0: Terms("all", LIMIT, 20, 0.01)}, np.random.default_rng(seed))


def test_a_live_stream_alarms_at_the_very_records_at_which_the_offline_one_does() -> None:
    x = records(1, 4000)
    x[1500:] += 0.4
    x[::50, 1] = np.nan
    offline, live = Offline(NAMES, x[:1000], LIMIT, seed=5), stream_of(x[:1000], 5)
    assert offline.faults == []
    watch, found = live.watches[0], []
    for t, row in enumerate(x[1000:], 1):
        before = watch.detector.records
        live.take(row, t, t, t)
        if watch.detector.records <= before:
            found.append(t)
    assert len(found) >= 10
    assert found == offline.alarms(x[1000:]).tolist()


@pytest.mark.parametrize(("change", "is_at_the_end"), [(1.0, False), (7.0, True), (40.0, True)])
def test_the_evidence_of_a_change_names_the_largest_score_that_the_baseline_can_give(
    change: float, is_at_the_end: bool
) -> None:
    x = records(6, 1200)
    x[1000:, 0] += change
    live = stream_of(x[:1000], 1)
    for t, row in enumerate(x[1000:]):
        live.take(row, t, t, t)
    evidence = live.watches[0].evidence
    assert (evidence["feature"], evidence["direction"]) == ("a", "up")
    assert evidence["most_z"] == pytest.approx(3.29, abs=0.01)
    assert evidence["z"] <= evidence["most_z"]
    assert (evidence["z"] >= 0.99 * evidence["most_z"]) is is_at_the_end


def test_after_a_gap_only_what_depends_on_its_past_has_no_score_until_its_lags_are_known_again() -> None:
    x = records(2, 1500)
    live = stream_of(x[:1000], 1)
    order = int(live.baseline.reference.orders[2])
    assert order >= 1
    for t, row in enumerate(x[1000:1100]):
        live.take(row, t, t, t)
    live.interrupt()
    for t, row in enumerate(x[1100:1120]):
        live.take(row, 200 + t, t, t)
        scores = live.history.scores[live.history.last(1)[0]]
        assert np.isnan(scores[2]) == (t < order)
        assert not np.isnan(scores[:2]).any()


@pytest.mark.parametrize("gap", ["lost", "recipe", "stopped", "tap"])
def test_every_kind_of_gap_makes_the_lags_begin_anew(gap: str) -> None:
    bench = Bench("observe" if gap == "stopped" else "none", 1e5, BASELINE, OTHER)
    if gap == "stopped":
        bench.running()
    stream = bench.state.streams[0, 0]
    bench.take()
    stream._seen[:] = 1
    bench.take()
    watched = stream._members
    assert (stream._seen[watched] == 1).all(), "a record that follows the last one changes nothing"
    if gap == "lost":
        bench.number += 1
    elif gap == "recipe":
        bench.take(recipe=7)
    elif gap == "stopped":
        bench.running(is_running=False)
        bench.take()
        assert (stream._seen == 0).all()
        return
    else:
        bench.monitor.tap_connected(line.MODEL, line.HELLO, bench.now_ns)
    bench.take()
    assert (stream._seen == 0).all()


def test_a_watch_of_which_a_feature_was_refused_says_which_ones_are_armed() -> None:
    x = records(3, 3000)
    x[:1000, 0] = x[:1000, 0].cumsum()
    live = stream_of(x[:1000], 1)
    assert list(live.baseline.armed(NAMES, Terms("all", LIMIT, 20, 0.01)).refused) == ["a"]
    for t, row in enumerate(x[1000:] + 3.0):
        live.take(row, t, t, t)
        if live.watches[0].judgement is Judgement.ON:
            break
    assert live.watches[0].evidence["armed"] == ["b", "c"]
    assert live.watches[0].evidence["feature"] in {"b", "c"}


def test_a_feature_that_only_informs_costs_no_score_and_one_that_a_condition_asks_for_has_one() -> None:
    bench = Bench("none", 1e5, BASELINE)
    stream = bench.state.streams[0, 0]
    bench.take()
    scores = stream.history.scores[stream.history.last(1)[0]]
    is_asked = np.isin(BASELINE.names, bench.state.features.groups["all"])
    assert not is_asked.all(), "some only inform"
    np.testing.assert_array_equal(np.isnan(scores), ~is_asked)
