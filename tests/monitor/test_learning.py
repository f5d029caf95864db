"""What is learned of a model: features that nearly every record has, and none that too few of them have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from jidoka.monitor.learning import Learner
from jidoka_tap import wire

from tests.monitor import line

WANTED = 400
NEEDED = 300  # of the plan's detectors
OF_BOXES = {"class_confidence", "class_entropy", "box_area", "box_x", "box_y"}
OUTPUT = {
    "name": "boxes", "dtype": "float32", "shape": [1, 8, 7], "unit": "1", "role": "detections", "min_score": 0.3,
    "boxes": {"format": "cxcywh", "size": [64, 64], "score": 4, "classes": 5},
}  # fmt: skip


def learned(folder: Path, with_box: int, wanted: int = WANTED, every: int = 1) -> Learner:
    """A detector's baseline, in which so many records show a box; every: of its inputs, one of so many came."""
    plan = line.plan(folder)
    section = {**line.SECTION, "task": "detector", "outputs": [OUTPUT], "min_confidence": None}
    plan = replace(plan, sections={**plan.sections, "models": {line.MODEL: section}})
    learner, rng = Learner(plan, line.MODEL, wanted), np.random.default_rng(3)
    learner.tap_connected(line.MODEL, {**line.HELLO, "outputs": ["boxes"]}, 0)
    boxes_at = set(rng.permutation(wanted)[:with_box].tolist())
    for number in range(wanted):
        rows = rng.uniform(0.01, 0.1, (1, 8, 7)).astype(np.float32)
        if number in boxes_at:
            rows[0, 3, 4:6] = rng.uniform(0.8, 0.9, 2)
        picture = line.tensors(rng)[1:] if number % every == 0 else []
        content = [(wire.OUTPUT, 0, rows), *picture]
        learner.record(line.MODEL, line.record(number + 1, content, number + 1), number + 1)
    return learner


def test_a_detector_that_mostly_finds_nothing_is_learned_without_what_few_boxes_look_like(
    tmp_path: Path,
) -> None:
    for few in (1, 2, NEEDED - 1):
        learner = learned(tmp_path, few)
        (baseline,) = learner.baselines("now")
        assert not set(baseline.names) & OF_BOXES, few
        assert {"count", "top_score", "mean_class", "empty", "brightness"} <= set(baseline.names)
        assert not np.isnan(baseline.records).any()
        (sentence,) = learner.left_out
        assert f"fewer than {NEEDED} of {WANTED} records have it: class_confidence ({few})" in sentence


def test_what_enough_records_have_is_learned(tmp_path: Path) -> None:
    learner = learned(tmp_path, NEEDED)
    (baseline,) = learner.baselines("now")
    assert set(baseline.names) >= OF_BOXES
    assert learner.left_out == []


def test_of_a_detector_that_finds_nothing_at_all_nothing_is_said(tmp_path: Path) -> None:
    learner = learned(tmp_path, 0)
    (baseline,) = learner.baselines("now")
    assert not set(baseline.names) & OF_BOXES
    assert learner.left_out == []


def test_inputs_of_every_tenth_record_stay_in_the_baseline_which_then_is_too_short(tmp_path: Path) -> None:
    learner = learned(tmp_path, 2, every=10)
    (baseline,) = learner.baselines("now")
    assert "brightness" in baseline.names
    assert int((~np.isnan(baseline.records[:, 0])).sum()) == WANTED // 10


def test_a_baseline_that_is_too_short_keeps_all_that_it_has_and_is_refused_as_a_whole(tmp_path: Path) -> None:
    learner = learned(tmp_path, 20, wanted=NEEDED - 1)
    (baseline,) = learner.baselines("now")
    assert set(baseline.names) >= OF_BOXES
    assert learner.left_out == []
