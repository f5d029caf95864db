"""Fields become a record's tensors, part and times; what is missing stays NaN, what makes no sense is a bad line."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.config.manifest import Output
from jidoka.feed.mapping import FeedSettings
from jidoka.feed.reading import BadLineError, of_json
from jidoka.feed.records import Clock, FedRecord, Mapper, monotonic_ns

CLASSES = ("ok", "scratch", "pit")
LOGITS = Output("logits", "float32", ("batch", 3), role="logits")
NOW = Clock(5_000_000_000_000, 1_700_000_000.0)


def record(
    value: Any, output: Output = LOGITS, classes: tuple[str, ...] = CLASSES, **mapping: Any
) -> FedRecord:
    feed = FeedSettings.model_validate({"format": "json", "outputs": {output.name: "y"}, **mapping})
    return Mapper(feed, [output], classes).record(of_json(json.dumps(value)), NOW)


def test_a_list_fills_an_output_and_so_do_several_fields() -> None:
    whole = record({"y": [1, 2.5, -3]}).outputs["logits"]
    assert whole.dtype == np.float32
    assert whole.tolist() == [[1, 2.5, -3]]
    single = record({"a": 1, "b": 2, "c": [0, 3]}, outputs={"logits": ["a", "b", "c.1"]})
    assert single.outputs["logits"].tolist() == [[1, 2, 3]]
    text = record({"y": "[0.1, 2;3]"})
    assert text.outputs["logits"].tolist() == [[np.float32(0.1), 2, 3]]


@pytest.mark.parametrize("missing", [None, "", "NaN", "null", math.nan])
def test_a_missing_value_is_nan_and_goes_to_the_monitor(missing: Any) -> None:
    values = record({"y": [1, missing, 3]}).outputs["logits"]
    assert np.isnan(values).tolist() == [[False, True, False]]


def test_a_number_too_large_for_the_type_is_infinite() -> None:
    assert record({"y": [1e300, -(10**400), 0]}).outputs["logits"].tolist() == [[math.inf, -math.inf, 0]]


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (("batch", 3), [[1, 2, 3]], (1, 3)),
        ((1, "anchors", 2), [[1, 2], [3, 4], [5, 6]], (1, 3, 2)),
        ((1, "anchors", 2), [1, 2, 3, 4], (1, 2, 2)),
        ((1, 2, 2), [1, 2, 3, 4], (1, 2, 2)),
        (("n",), [1, 2, 3, 4], (4,)),
        ((1, 1), 7, (1, 1)),
        (("batch", "n"), [1, 2], (1, 2)),
    ],
)
def test_the_shape_is_the_manifests(shape: tuple[Any, ...], value: Any, expected: tuple[int, ...]) -> None:
    found = record({"y": value}, Output("o", "float32", shape)).outputs["o"]
    assert found.shape == expected
    assert found.reshape(-1).tolist() == np.asarray(value, float).reshape(-1).tolist()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"y": [1, 2]}, "wrong count: 2 values for logits, which has 3"),
        ({"y": [[1, 2, 3], [4, 5, 6]]}, "wrong count"),
        ({"y": []}, "wrong count"),
        ({"y": [[]]}, "wrong count"),
        ({"y": [1, [2], 3]}, "wrong count"),
        ({"y": [[1], [2, 3]]}, "wrong count"),
        ({"y": [1, "two", 3]}, "not a number: y is 'two'"),
        ({"y": [1, True, 3]}, "not a number"),
        ({"y": {"a": 1}}, "not a number"),
        ({"z": 1}, "no such field: y"),
    ],
)
def test_what_does_not_fit_is_a_bad_line_with_its_cause(value: Any, says: str) -> None:
    with pytest.raises(BadLineError) as raised:
        record(value)
    assert says in str(raised.value)


def test_whole_numbers_must_be_whole_and_fit() -> None:
    counts = Output("n", "uint8", (1, 2))
    assert record({"y": [0, 255]}, counts).outputs["n"].dtype == np.uint8
    for bad in ([0, 256], [0, -1], [0, 0.5], [0, None]):
        with pytest.raises(BadLineError, match="out of range"):
            record({"y": bad}, counts)


@pytest.mark.parametrize("sure", [0.0, 0.2, 0.999, 1.0])
def test_a_class_and_its_confidence_become_scores_whose_softmax_is_that_confidence(sure: float) -> None:
    found = (
        record({"c": "pit", "p": sure}, outputs={"logits": {"class": "c", "confidence": "p"}})
        .outputs["logits"][0]
        .astype(float)
    )
    share = np.exp(found) / np.exp(found).sum()
    assert np.isfinite(found).all()
    assert share[2] == pytest.approx(sure, abs=1e-6)
    assert share[0] == pytest.approx(share[1])


def test_a_class_that_the_model_does_not_have_or_a_confidence_that_is_none_is_a_bad_line() -> None:
    mapping = {"outputs": {"logits": {"class": "c", "confidence": "p"}}}
    with pytest.raises(BadLineError, match="unknown class: 'dent'"):
        record({"c": "dent", "p": 0.5}, **mapping)
    with pytest.raises(BadLineError, match="out of range: p is 98"):
        record({"c": "ok", "p": 98}, **mapping)
    assert np.isnan(record({"c": "ok", "p": None}, **mapping).outputs["logits"]).all()


def test_probabilities_become_logits() -> None:
    found = record({"y": [0.7, 0.3, 0]}, outputs={"logits": {"probabilities": "y"}}).outputs["logits"][0]
    share = np.exp(found.astype(float))
    assert (share / share.sum()).tolist() == pytest.approx([0.7, 0.3, 0], abs=1e-6)


def test_part_position_and_recipe_are_whole_numbers_or_unknown() -> None:
    found = record(
        {"y": [1, 2, 3], "n": 2**64 - 1, "at": "3", "what": None}, part="n", position="at", recipe="what"
    )
    assert (found.part, found.position, found.recipe) == (2**64 - 1, 3, 0)
    assert record({"y": [1, 2, 3], "n": 7.0}, part="n").part == 7
    for bad in (-1, 2**64, 1.5, "x", True, math.inf):
        with pytest.raises(BadLineError):
            record({"y": [1, 2, 3], "n": bad}, part="n")


def test_times_are_those_of_the_line_in_this_devices_clock() -> None:
    plain = record({"y": [1, 2, 3]})
    assert (plain.start_ns, plain.end_ns) == (NOW.now_ns, NOW.now_ns)
    told = record({"y": [1, 2, 3], "t": NOW.wall_s - 2.0, "took": 30}, time="t", latency="took")
    assert told.end_ns == NOW.now_ns - 2_000_000_000
    assert told.end_ns - told.start_ns == 30_000_000
    seconds = record({"y": [1, 2, 3], "took": "0.5"}, latency="took", latency_unit="s")
    assert seconds.end_ns - seconds.start_ns == 500_000_000
    for bad in (-1, None, 1e30):
        with pytest.raises(BadLineError, match="out of range"):
            record({"y": [1, 2, 3], "took": bad}, latency="took")


@pytest.mark.parametrize(
    ("value", "ago_s"),
    [
        ("2023-11-14T22:13:10Z", 10), ("2023-11-14T22:13:10.5+00:00", 9.5), ("2023-11-15 00:13:15,000+02:00", 5),
        (1_700_000_100, 0), ("1699999999", 1), (0, 5000),
    ],
)  # fmt: skip
def test_a_moment_is_seconds_or_iso_8601_and_never_in_the_future_or_before_the_start(
    value: Any, ago_s: float
) -> None:
    assert monotonic_ns(value, NOW) == NOW.now_ns - int(ago_s * 1e9)


@pytest.mark.parametrize("value", ["yesterday", None, "", math.nan, [1], "99999-01-01"])
def test_what_is_no_moment_is_a_bad_line(value: Any) -> None:
    with pytest.raises(BadLineError, match="not a time"):
        monotonic_ns(value, NOW)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(y=ANY_JSON, part=ANY_JSON, time=ANY_JSON, latency=ANY_JSON)
def test_any_json_is_a_record_that_fits_the_wire_or_a_bad_line(
    y: Any, part: Any, time: Any, latency: Any
) -> None:
    value = {"y": y, "n": part, "t": time, "took": latency}
    try:
        found = record(value, part="n", time="t", latency="took")
    except BadLineError:
        return
    assert found.outputs["logits"].shape == (1, 3)
    assert 0 <= found.part < 2**64
    assert 0 <= found.start_ns <= found.end_ns < 2**63
