"""Labels of counters are bounded: what a program sends can't make series without end."""

from __future__ import annotations

import pytest
from jidoka.steward.metrics import Counters
from jidoka_bridge.refusals import REFUSALS


def test_a_refusal_is_counted_under_its_reason() -> None:
    counters = Counters(frozenset({"m"}))
    for reason in REFUSALS:
        labels = {"model": "m", "reason": reason}
        assert counters.take({"program": "monitor", "labels": labels, "values": {"11": 3}}) == 0
        assert counters.take({"program": "monitor", "labels": {"reason": reason}, "values": {"12": 1}}) == 0
    assert set(counters.values[11]) == {("m", reason) for reason in REFUSALS}


@pytest.mark.parametrize(
    "labels", [{"model": "m", "reason": "invented"}, {"model": "m", "reason": ["garbage"]}, {"model": "m"},
               {"model": "x", "reason": "garbage"}],
)  # fmt: skip
def test_a_reason_that_is_not_in_the_table_is_refused(labels: dict[str, object]) -> None:
    counters = Counters(frozenset({"m"}))
    assert counters.take({"program": "monitor", "labels": labels, "values": {"11": 3}}) == 1
    assert not counters.values.get(11)
