"""The gate in the monitor's core: a record that is unlike the baseline's is rejected, and counts as a refusal."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.monitor import saved
from jidoka.monitor.core import Monitor
from jidoka.monitor.gates import Gate
from jidoka.monitor.verdicts import Reason
from jidoka_bridge.messages import Decision
from jidoka_tap import wire

from tests.monitor import line

GATE = {"feature": "top1_confidence", "reject_at_most": 0.01, "side": "both", "adapts": True}


def monitor(folder: Path, n: int = 1000, digest: str = "aa", **section: Any) -> Monitor:
    plan = line.plan(folder)
    sections = {**plan.sections, "models": {line.MODEL: {**line.SECTION, "gate": GATE, **section}}}
    baseline = dataclasses.replace(line.baseline(n=n), digest=digest)
    plan = dataclasses.replace(plan, sections=sections, state_dir=str(folder))
    made = Monitor(plan, {line.MODEL: {(0, 0): baseline}}, 1, 10**9)
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


def gate_of(made: Monitor) -> Gate:
    gates = made.models[line.MODEL].gates
    assert gates is not None
    return gates.gates[0, 0]


def adapted(folder: Path) -> Monitor:
    """A monitor whose gate gave way, and that was stopped as planned."""
    made = monitor(folder)
    judged(made, np.random.default_rng(9), 30, sure=0.1)
    assert gate_of(made).level.now < gate_of(made).level.rate
    saved.Saver().finish(made)
    return made


def test_a_gate_goes_on_after_a_restart_where_it_stood(tmp_path: Path) -> None:
    before, after = gate_of(adapted(tmp_path)), monitor(tmp_path)
    assert saved.restore_all(after, 2 * 10**9) == []
    assert gate_of(after).state() == before.state()
    state = after.models[line.MODEL].gates
    assert state is not None
    assert state.have_judged, "a recording that begins now doesn't begin with a fresh monitor"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"digest": "bb"}, "another baseline"),
        ({"gate": {**GATE, "reject_at_most": 0.02}}, "another baseline, rate"),
        ({"gate": {**GATE, "side": "low"}}, "side"),
    ],
)
def test_a_gates_state_of_another_baseline_rate_or_side_is_refused(
    tmp_path: Path, other: dict[str, Any], why: str
) -> None:
    adapted(tmp_path)
    after = monitor(tmp_path, **other)
    told = [each for each in saved.restore_all(after, 2 * 10**9) if ".gate" in each]
    assert len(told) == 1
    assert why in told[0]
    assert "begins at the agreed rate" in told[0]
    assert (gate_of(after).level.now, gate_of(after).judged) == (gate_of(after).level.rate, 0)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "a stream's"])
def test_a_gates_file_that_was_changed_or_cut_is_refused(tmp_path: Path, damage: str) -> None:
    adapted(tmp_path)
    (path,) = tmp_path.rglob("*.gate")
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    stream = path.with_suffix(".stream").read_bytes()
    path.write_bytes(
        {"cut": bytes(data[:-9]), "changed": bytes(data), "empty": b"", "a stream's": stream}[damage]
    )
    after = monitor(tmp_path)
    assert len(saved.restore_all(after, 2 * 10**9)) == 1
    assert gate_of(after).level.now == gate_of(after).level.rate
