"""Distances for people: in batches as one by one, of each stream by itself, told by the summary every ten seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from jidoka.monitor.core import Monitor
from jidoka.monitor.distances import Bins, LiveHistogram
from jidoka.monitor.summary import take_summary
from jidoka.monitor.windows import LEAST_RECORDS, MOST_ROWS, Windows

from tests.monitor import line

SECOND = 1_000_000_000


@pytest.mark.parametrize("half_life", [0.0, 50.0])
def test_many_at_once_are_as_one_by_one(half_life: float) -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal(1000)
    values[::7] = np.nan
    bins = Bins(rng.standard_normal(2000))
    one, many = LiveHistogram(bins, half_life), LiveHistogram(bins, half_life)
    for value in values:
        one.add(float(value))
    for part in np.split(values, [3, 3, 500]):
        many.add_all(part)
    assert many.records == pytest.approx(one.records)
    for name, distance in one.distances().items():
        assert many.distances()[name] == pytest.approx(distance, abs=1e-9)


def test_weights_that_grow_for_days_stay_finite() -> None:
    live = LiveHistogram(Bins(np.arange(100.0)), 1.0)
    for _ in range(100):
        live.add_all(np.full(300, 99.0))
    assert live.distances()["ks"] == pytest.approx(1.0, abs=0.05)


def test_a_dim_lamp_shows_in_the_summary_and_a_good_one_does_not(tmp_path: Path) -> None:
    monitor = Monitor(line.plan(tmp_path), {line.MODEL: {(0, 0): line.baseline()}}, 1, SECOND)
    monitor.tap_connected(line.MODEL, line.HELLO, SECOND)
    state, rng = monitor.models[line.MODEL], np.random.default_rng(3)
    ks = []
    for gain in (1.0, 0.9):
        for n in range(600):
            monitor.record(line.MODEL, line.record(n + 1, line.tensors(rng, gain), n + 1), SECOND + n)
        summary = take_summary(monitor, state, 20 * SECOND * (2 - int(gain)), SECOND)
        ks.append(summary["distances"]["recipe 0, position 0"]["brightness"]["ks"])
    assert ks[0] < 0.1
    assert ks[1] > 0.5
    assert "distances" not in take_summary(monitor, state, 41 * SECOND, SECOND), "every ten seconds only"


def test_few_records_and_streams_without_a_baseline_say_nothing_and_memory_is_bounded() -> None:
    baseline = line.baseline(n=200)
    windows = Windows(baseline.names, {(0, 0): baseline})
    for _ in range(int(LEAST_RECORDS) - 1):
        windows.add_all((0, 0), baseline.records[:1])
    assert windows.distances((0, 0)) == {}
    for n in range(MOST_ROWS + 500):
        windows.add_all((n % 3, 0), baseline.records[:1])
    assert windows.distances((1, 0)) == {}
    for _ in range(MOST_ROWS + 500):
        windows.add_all((0, 0), baseline.records[:1])
    assert windows.distances((0, 0))["brightness"]["ks"] > 0.2
    assert len(windows._rows) == 0
