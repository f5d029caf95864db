"""Sketches: what anybody reads from them, how little they hold, and that they merge as one that saw everything."""

from __future__ import annotations

import base64
import json
from typing import Any

import datasketches
import numpy as np
import pytest
from jidoka.monitor.sketches import LEAST_RECORDS, MOST_STREAMS, Sketches

RANK_ERROR = 0.0133 * 1.5  # single-sided, at 99 %: the library's own figure for k = 200 and some room


def read(told: dict[str, Any]) -> Any:
    return datasketches.kll_floats_sketch.deserialize(base64.b64decode(told["kll"]))


def rank_error(sketch: Any, values: np.ndarray) -> float:
    points = np.quantile(values, np.linspace(0.02, 0.98, 25))
    true = np.searchsorted(np.sort(values), points, side="right") / values.size
    return float(np.abs(np.array([sketch.get_rank(float(point), True) for point in points]) - true).max())


@pytest.mark.parametrize("law", ["standard_normal", "standard_cauchy", "standard_exponential"])
def test_ranks_are_those_of_the_values_within_the_stated_error(law: str) -> None:
    values = getattr(np.random.default_rng(1), law)(20_000).astype(np.float32).astype(float)
    sketches = Sketches(("x",))
    for value in values:
        sketches.add_all((0, 0), np.array([[value]]), 1)
    (told,) = sketches.take(2)
    assert told["records"] == values.size
    assert rank_error(read(told), values) <= RANK_ERROR
    assert len(base64.b64decode(told["kll"])) < 3000


def test_sketches_of_many_hours_and_devices_merge_into_one_of_all_that_was_seen() -> None:
    rng = np.random.default_rng(2)
    whole, merged = [], datasketches.kll_floats_sketch(200)
    for device in range(4):
        sketches = Sketches(("x",))
        for hour in range(3):
            values = rng.normal(device, 1.0 + hour, 2000).astype(np.float32)
            whole.append(values)
            for some in np.split(values.astype(float), 8):
                sketches.add_all((0, 0), some[:, None], hour)
            (told,) = sketches.take(hour + 1)
            merged.merge(read(told))
    everything = np.concatenate(whole).astype(float)
    assert merged.n == everything.size
    assert rank_error(merged, everything) <= RANK_ERROR


def test_what_is_missing_or_infinite_is_left_out_and_counts_for_nothing() -> None:
    sketches = Sketches(("often", "never", "mixed"))
    for n in range(300):
        sketches.add_all((0, 0), np.array([[1.0, np.nan, np.inf if n % 3 else 5.0]]), n)
    told = {each["feature"]: each for each in sketches.take(300)}
    assert set(told) == {"often", "mixed"}
    assert told["mixed"]["records"] == 100
    assert read(told["mixed"]).get_max_value() == 5.0


def test_recipes_and_positions_have_sketches_of_their_own() -> None:
    sketches = Sketches(("x",))
    for n in range(1000):
        sketches.add_all((n % 2, n % 4), np.array([[float(n % 4)]]), n)
    told = list(sketches.take(1000))
    assert sorted((each["recipe"], each["position"]) for each in told) == [(0, 0), (0, 2), (1, 1), (1, 3)]
    assert all(read(each).get_min_value() == read(each).get_max_value() == each["position"] for each in told)


def test_a_stream_of_few_records_is_not_told_but_goes_on() -> None:
    sketches = Sketches(("x",))
    for n in range(LEAST_RECORDS - 1):
        sketches.add_all((0, 0), np.array([[float(n)]]), 10)
    assert list(sketches.take(20)) == []
    sketches.add_all((0, 0), np.array([[0.0]]), 30)
    (told,) = sketches.take(40)
    assert (told["from_ns"], told["to_ns"], told["records"]) == (10, 40, LEAST_RECORDS)


def test_recipe_numbers_that_run_wild_cost_no_memory_and_are_counted() -> None:
    sketches = Sketches(("x",))
    for n in range(MOST_STREAMS + 50):
        sketches.add_all((n, 0), np.array([[1.0]]), n)
    assert sketches.left_out == 50


def test_a_sketch_fits_one_message_as_text() -> None:
    sketches = Sketches(("x",))
    rng = np.random.default_rng(3)
    for n in range(400):
        sketches.add_all((0, 0), rng.standard_normal((250, 1)), n)
    (told,) = sketches.take(100_000)
    assert len(json.dumps(told)) < 8000
