"""The gate in the monitor's core: a record that is unlike the baseline's is rejected, and counts as a refusal."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from jidoka.monitor.core import Monitor
from jidoka.monitor.verdicts import Reason
from jidoka_bridge.messages import Decision
from jidoka_tap import wire

from tests.monitor import line

GATE = {"feature": "top1_confidence", "reject_at_most": 0.01, "side": "both", "adapts": True}


def monitor(folder: Path, n: int = 1000, **section: Any) -> Monitor:
    plan = line.plan(folder)
    sections = {**plan.sections, "models": {line.MODEL: {**line.SECTION, "gate": GATE, **section}}}
    made = Monitor(
        dataclasses.replace(plan, sections=sections), {line.MODEL: {(0, 0): line.baseline(n=n)}}, 1, 10**9
    )
    made.tap_connected(line.MODEL, line.HELLO, 10**9)
    return made


def judged(made: Monitor, rng: np.random.Generator, count: int, sure: float | None = None) -> list[Decision]:
    rows = []
    for number in range(count):
        content = line.tensors(rng)
        if sure is not None:
            logits = np.array([[sure, 0.0, 0.0, 0.0]], np.float32)
            content = [(wire.OUTPUT, 0, logits), content[1]]
        rows.append(
            made.record(line.MODEL, line.record(number, content, part=number + 1), (number + 2) * 10**9)
        )
    return rows


def test_good_records_pass_as_often_as_agreed_and_odd_ones_are_rejected(tmp_path: Path) -> None:
    made, rng = monitor(tmp_path), np.random.default_rng(9)
    rows = judged(made, rng, 2000)
    rejected = sum(bool(row.reasons & Reason.UNUSUAL_RECORD) for row in rows)
    assert 0 < rejected <= 0.01 * 2000 + 16
    assert all(row.verdict == 2 for row in rows if row.reasons & Reason.UNUSUAL_RECORD)
    for sure in (0.1, 40.0):  # unsure, and too sure
        (row,) = judged(made, rng, 1, sure)
        assert row.reasons & Reason.UNUSUAL_RECORD


def test_records_that_stay_odd_are_repeated_refusals(tmp_path: Path) -> None:
    made = monitor(tmp_path)
    judged(made, np.random.default_rng(9), 20, sure=0.1)
    assert made.models[line.MODEL].rejections.in_a_row == 20


def test_a_baseline_that_is_too_short_gates_nothing_and_says_so(tmp_path: Path) -> None:
    made = monitor(tmp_path, n=150)
    rows = judged(made, np.random.default_rng(9), 5, sure=0.1)
    assert not any(row.reasons & Reason.UNUSUAL_RECORD for row in rows)
    gates = made.models[line.MODEL].gates
    assert gates is not None
    assert "at least 49 more are needed" in gates.refused[0, 0][0]


def test_an_invalid_output_is_rejected_for_what_it_is(tmp_path: Path) -> None:
    made, rng = monitor(tmp_path), np.random.default_rng(9)
    content = [(wire.OUTPUT, 0, np.full((1, 4), np.nan, np.float32)), line.tensors(rng)[1]]
    row = made.record(line.MODEL, line.record(1, content), 2 * 10**9)
    assert row.reasons & Reason.OUTPUT_NOT_FINITE
    assert not row.reasons & Reason.UNUSUAL_RECORD
