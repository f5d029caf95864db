"""Features wait for a while, and nobody who asks sees less for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jidoka.monitor.core import Monitor
from jidoka.monitor.summary import take_summary
from jidoka.monitor.waiting import MOST, Kept, grouped

from tests.monitor import line
from tests.steward.site import decision

SECOND = 1_000_000_000


def kept(n: int, recipe: int) -> Kept:
    return decision(n, recipe=recipe, position=0, judged_ns=100 + n), np.array([float(n)]), 1


def test_records_are_told_apart_by_recipe_and_position_and_keep_their_order() -> None:
    found = {
        key: (rows.tolist(), since_ns) for key, rows, since_ns in grouped([kept(n, n % 2) for n in range(10)])
    }
    assert found == {
        (0, 0): ([[0.0], [2.0], [4.0], [6.0], [8.0]], 100),
        (1, 0): ([[1.0], [3.0], [5.0], [7.0], [9.0]], 101),
    }
    assert list(grouped([])) == []


def test_a_summary_counts_every_record_whether_it_waited_or_not(tmp_path: Path) -> None:
    monitor = Monitor(line.plan(tmp_path), {line.MODEL: {(0, 0): line.baseline()}}, 1, SECOND)
    monitor.tap_connected(line.MODEL, line.HELLO, SECOND)
    state, rng = monitor.models[line.MODEL], np.random.default_rng(3)
    sure = []
    for n in range(MOST + 10):
        monitor.record(line.MODEL, line.record(n + 1, line.tensors(rng), n + 1), SECOND + n)
        sure.append(monitor.models[line.MODEL].rows[-1].confidence)
    told = take_summary(monitor, state, 2 * SECOND, SECOND)
    assert told["rate_hz"] == MOST + 10
    assert told["features"]["top1_confidence"] == round(float(np.mean(sure)), 5)
    assert sum(sketch["records"] for sketch in state.sketches.take(3 * SECOND)) == (MOST + 10) * len(
        told["features"]
    )
    assert take_summary(monitor, state, 3 * SECOND, SECOND)["features"] == {}
