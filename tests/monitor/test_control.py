"""A control model in the core: what the envelope refuses, which conditions that raises, and what drift sees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from jidoka.monitor.core import Monitor
from jidoka.monitor.rejections import Rejections
from jidoka.monitor.verdicts import Reason, Verdict
from jidoka_bridge.messages import Decision, Judgement
from jidoka_tap import wire

from tests.monitor import line, robot

SECTION = robot.section(4)
BASELINE = robot.baseline(SECTION)
SECOND = 1_000_000_000


class Bench:
    """A policy at 50 Hz before a monitor."""

    def __init__(self, of: dict[str, Any] = SECTION, baseline: Any = None) -> None:
        self.monitor = Monitor(
            robot.plan(of), {robot.MODEL: {(0, 0): baseline} if baseline is not None else {}}, 1, SECOND
        )
        self.monitor.tap_connected(robot.MODEL, robot.HELLO, SECOND)
        self.now_ns, self.number, self.rng = SECOND, 0, np.random.default_rng(3)

    def take(
        self, command: np.ndarray | None = None, part: int = 0, **more: list[tuple[int, int, Any]]
    ) -> Decision:
        self.number += 1
        self.now_ns += SECOND // 50
        command = robot.pose(self.rng, 4) if command is None else np.float32(command).reshape(-1, 4)
        content = more.get("content", [(wire.OUTPUT, 0, command)])
        return self.monitor.record(
            robot.MODEL, line.record(self.number, content, part or self.number), self.now_ns
        )

    def condition(self, name: str) -> Any:
        return next(each for each in self.monitor.conditions if each.id == name)


def test_a_command_outside_its_limits_is_rejected_and_its_channel_named() -> None:
    bench = Bench()
    assert bench.take().verdict == Verdict.PASS
    row = bench.take(robot.pose(bench.rng, 4) + np.array([0, 0, 2.0, 0]))
    assert (row.verdict, Reason(row.reasons) & Reason.COMMAND_RANGE) == (
        Verdict.REJECT,
        Reason.COMMAND_RANGE,
    )
    condition = bench.condition(robot.IMPLAUSIBLE)
    assert condition.judgement is Judgement.ON
    assert condition.evidence["channel"] == "joint2"
    assert condition.evidence["why"].endswith("rad, at most 1 rad")
    assert (condition.evidence["record"], condition.evidence["part"]) == (2, 2)
    assert bench.condition(robot.INVALID).judgement is Judgement.OFF
    assert bench.take().verdict == Verdict.PASS
    bench.monitor.tick(bench.now_ns + 6 * SECOND)
    assert condition.judgement is Judgement.OFF


def test_a_command_that_is_no_number_is_an_invalid_output_and_an_implausible_command() -> None:
    bench = Bench()
    row = bench.take([0, math.nan, 0, 0])
    assert row.verdict == Verdict.REJECT
    assert bench.condition(robot.INVALID).evidence["why"] == "the output holds NaN or infinity"
    assert bench.condition(robot.IMPLAUSIBLE).evidence["why"] == "joint1 is NaN"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], Reason.OUTPUT_MISSING),
        ([(wire.OUTPUT, 0, np.zeros((1, 5), np.float32))], Reason.OUTPUT_SHAPE),
        ([(wire.OUTPUT, 0, np.zeros((0, 4), np.float32))], Reason.OUTPUT_MISSING),
        ([(wire.OUTPUT, 0, np.zeros((1, 4)))], Reason.OUTPUT_SHAPE),
        ([(wire.OUTPUT, 0, np.zeros((1, 4), np.float32))] * 2, Reason.OUTPUT_SHAPE),
    ],
)
def test_a_record_without_one_command_that_can_be_judged_is_rejected(content: Any, reason: Reason) -> None:
    row = Bench().take(content=content)
    assert row.verdict == Verdict.REJECT
    assert row.reasons & reason


def test_a_command_that_was_not_sent_along_is_rejected_for_nobody_could_check_it() -> None:
    bench = Bench()
    pieces, _ = wire.pack_record(
        1, 1, 1, 1, [(wire.OUTPUT, 0, np.zeros((1, 4), np.float32))], inline_limit_bytes=0
    )
    row = bench.monitor.record(robot.MODEL, wire.unpack_record(memoryview(b"".join(pieces))), SECOND)
    assert row.verdict == Verdict.REJECT
    assert row.reasons & Reason.COMMAND_NOT_SEEN
    assert bench.condition(robot.IMPLAUSIBLE).judgement is Judgement.ON


def test_what_another_output_spoils_is_not_accepted_either() -> None:
    of = robot.section(4)
    of["outputs"] = [*of["outputs"], {"name": "value", "dtype": "float32", "shape": [1, 1], "role": "other"}]
    bench = Bench(of)
    bench.monitor.tap_connected(robot.MODEL, {"inputs": ["obs"], "outputs": ["action", "value"]}, SECOND)

    def both(at: float, value: float) -> Decision:
        content = [
            (wire.OUTPUT, 0, np.full((1, 4), at, np.float32)),
            (wire.OUTPUT, 1, np.float32([[value]])),
        ]
        return bench.take(content=content)

    assert both(0.0, 1.0).verdict == Verdict.PASS
    assert both(0.1, math.nan).verdict == Verdict.REJECT
    assert both(0.15, 1.0).verdict == Verdict.PASS, "two steps from 0.0"
    assert both(0.35, 1.0).reasons & Reason.COMMAND_RATE


def test_five_refusals_in_a_row_are_a_condition_of_their_own() -> None:
    bench = Bench()
    bench.take()
    for _ in range(4):
        bench.take([9, 0, 0, 0])
    condition = bench.condition(robot.REPEATED)
    assert condition.judgement is Judgement.OFF
    bench.take([9, 0, 0, 0])
    assert condition.judgement is Judgement.ON
    assert condition.evidence["in_a_row"] == 5
    assert condition.evidence["why"].startswith(
        "5 of the last 6 records were rejected, 5 in a row: joint0 is 9"
    )


def test_refusals_here_and_there_are_a_condition_once_too_many_of_the_last_hundred_were() -> None:
    bench = Bench()
    said = []
    for n in range(100):
        bench.take([9, 0, 0, 0] if n % 4 == 3 else None)
        said.append(bench.condition(robot.REPEATED).judgement)
    assert said.index(Judgement.ON) == 4 * 20 - 1


def test_without_a_rule_five_in_a_row_or_twenty_of_a_hundred_are_too_many() -> None:
    for rule in (None, {}):
        rejections = Rejections(rule)
        assert [rejections.add(True) for _ in range(5)] == [False] * 4 + [True]
        sparse = Rejections(rule)
        assert [sparse.add(n % 5 == 0) for n in range(100)].index(True) == 95


def test_good_commands_of_a_day_are_never_refused() -> None:
    bench = Bench()
    verdicts = [bench.take().verdict for _ in range(5000)]
    assert set(verdicts) == {Verdict.PASS}


def test_a_command_that_leaves_its_usual_place_is_drift_although_every_limit_holds() -> None:
    bench = Bench(SECTION, BASELINE)
    for _ in range(100):
        bench.take()
    assert bench.condition(robot.COMMAND_DRIFT).judgement is Judgement.OFF
    for _ in range(100):
        row = bench.take(robot.pose(bench.rng, 4) + np.array([0, 0.01, 0, 0]))
    condition = bench.condition(robot.COMMAND_DRIFT)
    assert condition.judgement is Judgement.ON
    assert (condition.evidence["feature"], condition.evidence["direction"]) == ("joint1", "up")
    assert Reason(row.reasons) == Reason.DRIFT_COMMAND | Reason.DRIFT_OUTPUT
    assert row.verdict == Verdict.SUSPECT


def test_a_baseline_with_features_that_the_model_lost_is_judged_on_the_others() -> None:
    fewer = robot.section(4, outputs=[{**SECTION["outputs"][0], "channels": [
        {**each, "name": each["name"].replace("joint3", "wrist")} for each in SECTION["outputs"][0]["channels"]]}])  # fmt: skip
    bench = Bench(fewer, BASELINE)
    for _ in range(50):
        bench.take()
    assert bench.condition(robot.COMMAND_DRIFT).judgement is Judgement.OFF
