"""The plausibility envelope: every limit at its edge, what is measured from what, and what people read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.envelope import FAULTS, Envelope
from jidoka.monitor.verdicts import Reason

from tests import naive
from tests.monitor import robot


def section(*channels: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One channel of ±1 rad with a rate of 5 rad/s at 50 Hz, unless others are given."""
    own = channels or ({"name": "hip", "unit": "rad", "low": -1.0, "high": 1.0, "rate": 5.0},)
    found = robot.section(1, saturation=None, chatter=None, **more)
    found["outputs"] = [
        {**found["outputs"][0], "channels": list(own), "shape": ["batch", len(own)], "role": "command"}
    ]
    return found


class Bench:
    """An envelope fed by record numbers."""

    def __init__(self, of: dict[str, Any]) -> None:
        self.envelope = Envelope(of, of["outputs"][0])
        self.values = np.full(40, np.nan)
        self.number = 0

    def judge(self, *rows: Any, lost: int = 0, dtype: Any = np.float32, **inputs: Any) -> Reason:
        self.number += 1 + lost
        commands = np.array(rows, dtype).reshape(-1, len(self.envelope.names))
        commands.flags.writeable = False
        given = {name: np.float32(value)[None] for name, value in inputs.items()}
        reasons = Reason(self.envelope.judge(commands, self.number, given, self.values, 0))
        if not reasons:
            self.envelope.accept()
        return reasons

    @property
    def why(self) -> str:
        return str(self.envelope.evidence()["why"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("value", "is_good"), [(1.0, True), (-1.0, True), (1.00001, False), (-1.00001, False)]
)
def test_a_command_may_lie_at_its_limit_but_not_beyond(value: float, is_good: bool, dtype: Any) -> None:
    bench = Bench(section())
    assert bench.judge(value, dtype=dtype) == (Reason(0) if is_good else Reason.COMMAND_RANGE)


def test_a_limit_that_float32_cannot_write_may_still_be_reached() -> None:
    of = section({"name": "hip", "low": -0.1, "high": 0.1})
    assert float(np.float32(0.1)) > 0.1
    for value in (0.1, -0.1):
        assert Bench(of).judge(value) == Reason(0)


@pytest.mark.parametrize(("step", "is_good"), [(0.1, True), (-0.1, True), (0.1001, False), (-0.1001, False)])
def test_a_command_may_move_as_fast_as_its_channel_and_no_faster(step: float, is_good: bool) -> None:
    bench = Bench(section())
    assert bench.judge(0.25) == Reason(0)
    assert bench.judge(0.25 + step) == (Reason(0) if is_good else Reason.COMMAND_RATE)


def test_over_lost_records_and_refused_ones_a_command_may_have_moved_further() -> None:
    bench = Bench(section())
    bench.judge(0.0)
    assert bench.judge(0.3) == Reason.COMMAND_RATE
    assert bench.judge(0.3) == Reason.COMMAND_RATE, "two steps since the last accepted one"
    assert bench.judge(0.3) == Reason(0), "three"
    assert bench.judge(0.7, lost=3) == Reason(0), "four"
    assert bench.judge(0.2, lost=3) == Reason.COMMAND_RATE


def test_a_rate_is_measured_from_the_last_accepted_command_and_not_from_a_refused_one() -> None:
    bench = Bench(section())
    bench.judge(0.0)
    assert bench.judge(0.9) == Reason.COMMAND_RATE
    assert bench.judge(0.95) == Reason.COMMAND_RATE
    assert bench.judge(0.05) == Reason(0)


@pytest.mark.parametrize(
    ("last", "is_good"), [(0.04, True), (0.0402, False), (-0.04, True), (-0.0402, False)]
)
def test_a_command_may_change_its_rate_as_fast_as_its_channel(last: float, is_good: bool) -> None:
    bench = Bench(section({"name": "hip", "unit": "rad", "jerk": 100.0}))
    bench.judge(0.0)
    bench.judge(0.0)
    assert bench.judge(last) == (Reason(0) if is_good else Reason.COMMAND_JERK)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_command_that_is_no_number_is_refused_and_names_its_channel(wrong: float) -> None:
    bench = Bench(section({"name": "hip"}, {"name": "knee"}))
    assert bench.judge([0.0, wrong]) == Reason.OUTPUT_NOT_FINITE
    evidence = bench.envelope.evidence()
    assert evidence["channel"] == "knee"
    assert isinstance(evidence["value"], str), "JSON has no NaN"
    assert np.isnan(bench.values[:6]).all()
    assert bench.judge([0.0, 0.0]) == Reason(0)


def test_each_row_of_a_batch_is_a_step_and_one_bad_row_refuses_all_of_them() -> None:
    bench = Bench(section())
    assert bench.judge(0.0, 0.1, 0.2, 0.3) == Reason(0)
    assert bench.judge(0.4, 0.5, 0.7, 0.8) == Reason.COMMAND_RATE
    assert bench.judge(0.8, 0.8) == Reason(0), (
        "five steps from 0.3: the refused rows count as time, not as commands"
    )
    assert bench.judge(0.2) == Reason.COMMAND_RATE


def test_a_policy_that_sits_at_its_limits_is_refused_once_the_window_is_full() -> None:
    rule = {"at": 0.98, "share": 0.5, "records": 10}
    of = section({"name": "hip", "low": -1.0, "high": 1.0}, {"name": "knee", "low": -1.0, "high": 1.0})
    bench = Bench({**of, "saturation": rule})
    reasons = [bench.judge([0.98, 0.0 if n < 9 else -0.99]) for n in range(20)]
    assert reasons[:9] == [Reason(0)] * 9
    assert reasons[9:] == [Reason.COMMAND_SATURATED] * 11
    assert bench.why == "100% of the last 10 commands lie at their limits, at most 50%; hip most of all"
    back = [bench.judge([0.0, 0.0]) for _ in range(10)]
    assert back[-1] == Reason(0)
    half = Bench({**of, "saturation": rule})
    assert [half.judge([1.0, 0.0]) for _ in range(20)] == [Reason(0)] * 20, (
        "half of all is not more than half"
    )


def test_with_a_window_of_one_each_saturated_command_is_refused_at_once_and_by_itself() -> None:
    of = section({"name": "hip", "low": -1.0, "high": 1.0}, {"name": "knee", "low": -1.0, "high": 1.0})
    bench = Bench({**of, "saturation": {"share": 0.5, "records": 1}})
    assert bench.judge([1.0, -1.0]) == Reason.COMMAND_SATURATED
    assert bench.why == "100% of the command's channels lie at their limits, at most 50%; hip most of all"
    assert [bench.judge([1.0, 0.0]), bench.judge([0.0, 0.0])] == [Reason(0)] * 2
    assert bench.judge([-1.0, -1.0]) == Reason.COMMAND_SATURATED


def test_of_a_channel_without_limits_nothing_is_saturated() -> None:
    bench = Bench({**section({"name": "hip"}), "saturation": {"share": 0.1, "records": 5}})
    assert [bench.judge(1e9) for _ in range(10)] == [Reason(0)] * 10
    assert np.isnan(bench.values[2])


def test_a_command_that_turns_back_and_forth_is_refused_and_one_that_trembles_is_not() -> None:
    rule = {"share": 0.6, "records": 10}
    of = {**section({"name": "hip", "low": -1.0, "high": 1.0}), "chatter": rule}
    loud, quiet = Bench(of), Bench(of)
    reasons = [(loud.judge(0.1 * (-1) ** n), quiet.judge(0.004 * (-1) ** n)) for n in range(30)]
    assert reasons[-1] == (Reason.COMMAND_CHATTER, Reason(0))
    assert all(first == Reason(0) for first, _ in reasons[:9])
    assert loud.why == "hip turned back in 100% of the last 10 steps, at most 60%"


TRACKING = {
    "state": {"input": "obs", "entries": [0, 1]},
    "target": {"input": "goal", "entries": [2, 0]},
    "limit": 0.2,
}


def test_an_entry_too_far_from_its_target_is_refused_and_named() -> None:
    of = section(tracking=TRACKING)
    of["inputs"] = [{"name": "obs", "channels": ["q1", "q2"]}, {"name": "goal"}]
    bench = Bench(of)
    assert bench.judge(0.0, obs=[0.5, 0.25], goal=[0.1, 9.0, 0.4]) == Reason(0)
    np.testing.assert_allclose(bench.values[4:6], [0.1, 0.15], atol=1e-6)
    assert bench.judge(0.0, obs=[0.5, 0.25], goal=[0.5, 9.0, 0.4]) == Reason.COMMAND_OFF_TRACK
    assert bench.why == "q2 is 0.25 away from its target, at most 0.2"


def test_where_the_state_did_not_come_or_is_no_number_nothing_is_said_of_tracking() -> None:
    of = section(tracking=TRACKING)
    bench = Bench(of)
    assert bench.judge(0.0) == Reason(0)
    assert bench.judge(0.0, obs=[0.5], goal=[0.1]) == Reason(0), "too narrow"
    assert bench.judge(0.0, obs=[math.nan, 0.1], goal=[0.1, 0.0, 0.0]) == Reason(0)
    assert np.isnan(bench.values[4])


@pytest.mark.parametrize(
    ("first", "then", "why"),
    [
        (0.0, 1.5, "hip is 1.5 rad, at most 1 rad"),
        (0.0, -1.5, "hip is -1.5 rad, at least -1 rad"),
        (0.0, 0.2, "hip moves at 10 rad/s, at most 5 rad/s"),
        (0.0, math.nan, "hip is NaN"),
    ],
)
def test_what_people_read_names_channel_value_limit_and_unit(first: float, then: float, why: str) -> None:
    bench = Bench(section())
    bench.judge(first)
    assert bench.judge(then)
    assert bench.why == why


def test_all_that_is_wrong_is_told_the_first_with_its_numbers() -> None:
    bench = Bench(section())
    bench.judge(0.0)
    bench.judge(7.0)
    assert bench.envelope.evidence() == {
        "why": "hip is 7 rad, at most 1 rad", "channel": "hip", "value": 7.0, "limit": 1.0,
        "also": ["hip moves at 350 rad/s, at most 5 rad/s"],
    }  # fmt: skip


@pytest.mark.parametrize("width", [0, 1, 3])
def test_a_command_with_more_or_fewer_channels_is_a_fault_of_shape(width: int) -> None:
    envelope = Envelope(section({"name": "hip"}, {"name": "knee"}), {"name": "action", "channels": [{"name": "hip"}, {"name": "knee"}]})  # fmt: skip
    rows = np.zeros((2, width), np.float32)
    assert envelope.judge(rows, 1, {}, np.zeros(9), 0) == Reason.OUTPUT_SHAPE
    assert envelope.evidence() == {}


def test_wild_numbers_of_records_break_nothing() -> None:
    bench = Bench(section())
    for number in (2**64 - 1, 0, 5, 5, 2**64 - 1, 2**64 - 2):
        bench.number = number - 1
        assert bench.judge(0.5) == Reason(0)


NAMES = ("not finite", "range", "rate", "jerk", "saturated", "chatter")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 3), st.sampled_from([0.02, 0.3]))
def test_the_envelope_equals_its_naive_twin(seed: int, channels: int, batch: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    limits = [
        {"low": -1.0 - c, "high": 1.0, "rate": float(rng.choice([5.0, 40.0, math.inf])),
         "jerk": float(rng.choice([500.0, math.inf]))}
        for c in range(channels)
    ]  # fmt: skip
    windows = (7, 0.4, 11, 0.5)
    of = section(*({"name": f"c{c}", **each} for c, each in enumerate(limits)))
    of |= {"saturation": {"share": 0.4, "records": 7}, "chatter": {"share": 0.5, "records": 11}}
    ours, twin = Bench(of), naive.Envelope(limits, robot.PERIOD_S, windows)
    pose = np.zeros(channels)
    for _ in range(40):
        rows = pose + spread * rng.standard_normal((batch, channels))
        rows = np.float32(np.where(rng.random(rows.shape) < 0.02, 3.0 * rows, rows))
        if rng.random() < 0.1:
            pose = np.full(channels, rng.choice([0.0, 1.0]))
        if rng.random() < 0.03:
            rows[0, 0] = np.nan
        lost = int(rng.integers(0, 3)) if rng.random() < 0.2 and ours.number else 0
        found = ours.judge(*rows, lost=lost)
        expected = twin.judge(rows, lost)
        if "not finite" in expected:
            assert found & Reason.OUTPUT_NOT_FINITE
        else:
            assert found == Reason(sum(FAULTS[NAMES.index(name)].reason for name in expected))
