"""What a model's outputs mean, by its task."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jidoka.config.manifest import Bundle, Output, load_bundle
from jidoka.host.answers import Answer, Command, Detections, Figures, answers_of

from tests.host.bundles import SHIPPED


def bundle(*outputs: Output, classes: tuple[str, ...] = ()) -> Bundle:
    return replace(load_bundle(SHIPPED), outputs=outputs, classes=classes, good_classes=())


def detector(**boxes: Any) -> Bundle:
    columns = SimpleNamespace(**{"format": "cxcywh", "size": [8, 8], "score": 4, "classes": 5, **boxes})
    output = Output("out", "float32", (1, 3, 7), role="detections", boxes=columns, min_score=0.3)  # type: ignore[arg-type]
    return bundle(output, classes=("cat", "dog"))


def test_the_largest_logit_with_its_softmax_is_the_answer_wherever_the_logits_stand() -> None:
    shipped = load_bundle(SHIPPED)
    logits = np.array([[0.0, 2.0, 1.0, -1.0]], np.float32)
    (answer,) = answers_of(shipped, [logits, np.zeros((1, 64), np.float32)], 1)
    assert isinstance(answer, Answer)
    assert (answer.name, answer.is_good) == ("scratch", False)
    assert answer.confidence == pytest.approx(np.exp(2.0) / np.exp(logits.astype(float)).sum())
    turned = replace(shipped, outputs=shipped.outputs[::-1])
    (answer,) = answers_of(turned, [np.zeros((1, 64)), np.array([[900.0, 0, 0, 0]], np.float32)], 1)
    assert isinstance(answer, Answer)
    assert answer.confidence == 1.0


def test_a_batch_gives_an_answer_for_each_sample() -> None:
    shipped = load_bundle(SHIPPED)
    logits = np.eye(4, dtype=np.float32)[[2, 0, 1]]
    answers = answers_of(shipped, [logits, np.zeros((3, 64), np.float32)], 3)
    assert [answer.counted for answer in answers] == [{"pit": 1}, {"ok": 1}, {"scratch": 1}]


def test_boxes_at_or_over_the_least_score_are_counted_by_class() -> None:
    rows = np.zeros((1, 3, 7), np.float32)
    rows[0, :, 4:] = [[0.5, 0.1, 0.9], [1.0, 0.3, 0.2], [0.5, 0.4, 0.5]]
    (answer,) = answers_of(detector(), [rows], 1)
    assert isinstance(answer, Detections)
    assert answer.boxes == {"cat": 1, "dog": 1}
    assert answer.best == pytest.approx(0.45)


def test_a_detector_without_objectness_or_without_classes_is_read_as_its_columns_say() -> None:
    rows = np.zeros((1, 3, 7), np.float32)
    rows[0, :, 4:] = [[0.5, 0.1, 0.9], [1.0, 0.3, 0.2], [0.5, 0.4, 0.5]]
    (no_score,) = answers_of(detector(score=None), [rows], 1)
    assert no_score.counted == {"cat": 1, "dog": 2}
    (no_classes,) = answers_of(detector(classes=None), [rows], 1)
    assert no_classes.counted == {"cat": 3}
    (nan,) = answers_of(detector(), [np.full((1, 3, 7), np.nan, np.float32)], 1)
    assert nan.counted == {}
    (none,) = answers_of(detector(), [np.zeros((1, 0, 7), np.float32)], 1)
    assert none.counted == {}


def test_a_command_is_told_by_its_channels_and_entries_without_a_name_by_their_place() -> None:
    channels = (SimpleNamespace(name="hip"), SimpleNamespace(name="knee"))
    control = bundle(Output("u", "float32", (1, 3), role="command", channels=channels))  # type: ignore[arg-type]
    (answer,) = answers_of(control, [np.array([[0.5, np.nan, np.inf]], np.float32)], 1)
    assert isinstance(answer, Command)
    assert answer.as_json() == {"command": {"hip": 0.5, "knee": "nan", "u[2]": "inf"}}


def test_other_outputs_are_told_as_figures_that_json_can_hold() -> None:
    other = bundle(
        Output("short", "float32", (1, 2)), Output("long", "int64", (1, 100)), Output("one", "float32", ())
    )
    long = np.arange(100)[None]
    (answer,) = answers_of(other, [np.array([[1, np.nan]]), long, np.float32(3)], 1)
    assert isinstance(answer, Figures)
    told = json.loads(json.dumps(answer.as_json(), allow_nan=False))
    assert told["outputs"]["short"] == [1.0, "nan"]
    assert told["outputs"]["long"] == {"shape": [1, 100], "low": 0.0, "mean": 49.5, "high": 99.0}
    assert told["outputs"]["one"] == [3.0]
    (answer,) = answers_of(other, [np.zeros((1, 2)), np.full((1, 100), np.nan), np.float32(3)], 1)
    assert answer.as_json()["outputs"]["long"]["not finite"] == 100
