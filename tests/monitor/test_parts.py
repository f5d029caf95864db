"""Parts: the worst verdict of one, and a model that is judged part by part."""

from __future__ import annotations

import dataclasses
import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.monitor import baseline as files
from jidoka.monitor import parts, rejections
from jidoka.monitor.commissioning import faults_of
from jidoka.monitor.core import Monitor
from jidoka.monitor.learning import Learner
from jidoka.monitor.parts import MOST_PARTS, PartMean, PartVerdicts
from jidoka.monitor.showing import as_lines, as_object
from jidoka.monitor.summary import take_summary
from jidoka_bridge.errors import BaselineError
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Model, Plan
from jidoka_tap import wire

from tests.monitor import line

SECOND = 1_000_000_000
VIEWS = 4  # records of a part


@pytest.mark.parametrize("module", [parts, rejections])
def test_the_examples_in_the_docstrings_hold(module: Any) -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_a_part_is_as_bad_as_its_worst_record_whatever_comes_later() -> None:
    verdicts = PartVerdicts()
    assert [verdicts.add(3, verdict) for verdict in (0, 1, 0, 2, 1, 0)] == [0, 1, 1, 2, 2, 2]
    assert verdicts.of(3) == 2
    assert verdicts.of(4) is None


def test_a_record_without_a_part_is_kept_nowhere() -> None:
    verdicts = PartVerdicts()
    assert verdicts.add(0, 2) == 2
    assert verdicts.add(0, 0) == 0
    assert verdicts.of(0) is None


def test_parts_are_forgotten_the_first_first_and_memory_is_bounded() -> None:
    verdicts = PartVerdicts()
    for part in range(1, 2 * MOST_PARTS):
        verdicts.add(part, 2)
    assert verdicts.of(MOST_PARTS - 1) is None
    assert verdicts.of(MOST_PARTS) == 2
    assert len(verdicts._worst) == MOST_PARTS


def test_the_core_knows_a_parts_verdict_over_all_its_models() -> None:
    plan = line.plan(Path("/nowhere"))
    two = dataclasses.replace(
        plan, models=(*plan.models, Model("other", "none")),
        sections={**plan.sections, "models": {line.MODEL: line.SECTION, "other": line.SECTION}},
    )  # fmt: skip
    monitor, rng = Monitor(two, {}, 1, SECOND), np.random.default_rng(1)
    for model in (line.MODEL, "other"):
        monitor.tap_connected(model, line.HELLO, SECOND)
    good, bad = line.tensors(rng), [(wire.OUTPUT, 0, np.full((1, 4), np.nan, np.float32))]
    assert monitor.part_verdict(7) is None
    monitor.record(line.MODEL, line.record(1, good, 7), SECOND)
    assert monitor.part_verdict(7) == 0
    monitor.record("other", line.record(1, bad, 7), SECOND)
    monitor.record(line.MODEL, line.record(2, good, 7), SECOND)
    assert monitor.part_verdict(7) == 2


def test_a_part_ends_when_another_comes_and_gives_the_mean_of_what_was_there() -> None:
    mean = PartMean(2)
    assert mean.take(5, np.array([1.0, np.nan]), 10, is_valid=True) is None
    assert mean.take(5, np.array([3.0, np.nan]), 20, is_valid=True) is None
    ended = mean.take(6, np.array([9.0, 9.0]), 30, is_valid=True)
    assert ended is not None
    assert (ended.number, ended.start_ns) == (5, 10)
    np.testing.assert_array_equal(ended.values, [2.0, np.nan])
    again = mean.take(5, np.array([0.0, 0.0]), 40, is_valid=True)
    assert again is not None
    assert again.number == 6


def test_a_part_with_an_invalid_record_is_left_out_and_counted_and_so_is_a_record_without_a_part() -> None:
    mean, row = PartMean(1), np.array([1.0])
    mean.take(1, row, 0, is_valid=True)
    mean.take(1, row, 0, is_valid=False)
    assert mean.take(2, row, 0, is_valid=True) is None
    assert mean.take(0, row, 0, is_valid=True) is None
    assert (mean.left_out, mean.without_number) == (1, 1)
    assert mean.take(3, row, 0, is_valid=True) is not None
    mean.start_afresh()
    assert mean.take(4, row, 0, is_valid=True) is None, "part 3 began before the fresh start"


def per_part(per: float = 1e4) -> Plan:
    plan = line.plan(Path("/nowhere"), per=per)
    section = {**line.SECTION, "judged": "part", "records_per_part": VIEWS, "records_per_s": None}
    return dataclasses.replace(plan, sections={**plan.sections, "models": {line.MODEL: section}})


def views(rng: np.random.Generator, gain: float = 1.0) -> list[list[tuple[int, int, np.ndarray]]]:
    """Records of one part, which resemble each other: the lamp is the same for all of them."""
    level = gain * (1.0 + 0.04 * rng.standard_normal())
    return [line.tensors(rng, level) for _ in range(VIEWS)]


def learned(plan: Plan, count: int = 400, wanted: int = 400) -> Learner:
    learner, rng = Learner(plan, line.MODEL, wanted), np.random.default_rng(2)
    learner.tap_connected(line.MODEL, line.HELLO, 0)
    number = 0
    for part in range(1, count + 2):
        for content in views(rng):
            number += 1
            learner.record(line.MODEL, line.record(number, content, part), number * SECOND // 10)
    return learner


def test_a_baseline_per_part_holds_parts_and_says_so(tmp_path: Path) -> None:
    plan = per_part()
    learner = learned(plan)
    assert learner.is_done
    (baseline,) = learner.baselines("2026-01-01T00:00:00Z")
    assert baseline.judged == "part"
    assert baseline.records.shape == (400, len(learner.features))
    assert baseline.rate_hz == pytest.approx(10 / VIEWS, rel=0.02)
    shown = as_object(plan, baseline)
    assert shown["faults"] == []
    text = "\n".join(as_lines(shown))
    assert "400 parts" in text
    assert "20 fresh parts" in text
    assert "400 records" not in text
    # 10 000 records are 2 500 parts
    assert shown["conditions"][line.DRIFT]["limit_records"] == 10_000 / VIEWS
    few = dataclasses.replace(baseline, records=baseline.records[:50])
    faults = faults_of(few, plan.sections["detectors"], {line.DRIFT: 1e4}, line.GROUPS)
    assert any("50 parts are too few" in fault for fault in faults)
    path = files.path_of(plan, line.MODEL, 0, 0)
    path = tmp_path / path.name
    files.save(path, baseline)
    assert files.load(path, line.MODEL, line.SHA256).judged == "part"


def test_a_baseline_per_record_keeps_the_bytes_that_it_always_had() -> None:
    assert b"judged" not in files.encode(line.baseline(n=5))


def test_a_baseline_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    plan = dataclasses.replace(per_part(), state_dir=str(tmp_path))
    files.save(files.path_of(plan, line.MODEL, 0, 0), line.baseline())
    with pytest.raises(BaselineError, match="per record, the configuration judges inspection per part"):
        files.load_all(plan, line.MODEL)


def test_records_without_a_part_teach_nothing_where_parts_are_judged() -> None:
    learner, rng = Learner(per_part(), line.MODEL, 10), np.random.default_rng(2)
    learner.tap_connected(line.MODEL, line.HELLO, 0)
    for number in range(1, 20):
        learner.record(line.MODEL, line.record(number, line.tensors(rng), 0), number)
    assert learner.progress == 0
    with pytest.raises(BaselineError, match="19 records came without the number of a part"):
        learner.baselines("now")


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({"count": 1, "per": 1000.0, "unit": "records"}, 250.0),
        ({"count": 1, "per": 1000.0, "unit": "parts"}, 1000.0),
        ({"count": 1, "per": 100.0, "unit": "s"}, 250.0),
    ],
)
def test_a_budget_becomes_parts_where_parts_are_judged(budget: dict[str, Any], expected: float) -> None:
    section = {"judged": "part", "records_per_part": 4, "records_per_s": 10.0}
    rate_hz = files.rate_of(section, line.baseline(n=5))
    assert rate_hz == 2.5
    assert files.limit_of({"false_alarms": budget}, section, rate_hz) == expected


class Bench:
    """A line whose parts are seen VIEWS times each."""

    def __init__(self) -> None:
        self.plan = per_part()
        (baseline,) = learned(self.plan).baselines("2026-01-01T00:00:00Z")
        self.monitor = Monitor(self.plan, {line.MODEL: {(0, 0): baseline}}, 1, SECOND)
        self.monitor.tap_connected(line.MODEL, line.HELLO, SECOND)
        self.state, self.rng, self.number, self.part = (
            self.monitor.models[line.MODEL],
            np.random.default_rng(9),
            0,
            0,
        )

    def take(self, gain: float = 1.0, is_broken: bool = False) -> Judgement:
        self.part += 1
        for n, content in enumerate(views(self.rng, gain)):
            self.number += 1
            if is_broken and n == 1:
                content = [(wire.OUTPUT, 0, np.full((1, 4), np.nan, np.float32))]  # noqa: PLW2901
            record = line.record(self.number, content, self.part)
            self.monitor.record(line.MODEL, record, SECOND + self.number)
        return self.monitor.conditions[0].judgement


def test_drift_is_judged_part_by_part_and_its_onset_is_a_part() -> None:
    bench = Bench()
    said = [bench.take() for _ in range(60)]
    assert said[:20] == [Judgement.UNKNOWN] * 20
    assert said[20:] == [Judgement.OFF] * 40, "twenty parts, and the next that ends the last of them"
    said = [bench.take(gain=0.85) for _ in range(30)]
    assert Judgement.ON in said
    evidence = bench.monitor.conditions[0].evidence
    assert evidence["onset_low_part"] <= 61 <= evidence["onset_high_part"]
    assert len(bench.state.streams[0, 0].history.parts.nonzero()[0]) == 89


def test_parts_left_out_are_counted_in_the_summary() -> None:
    bench = Bench()
    for n in range(10):
        bench.take(is_broken=n == 3)
    summary = take_summary(bench.monitor, bench.state, SECOND, SECOND)
    assert (summary["parts_left_out"], summary["records_without_part"]) == (1, 0)
    assert bench.state.streams[0, 0].history.total == 8
