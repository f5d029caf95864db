"""Every refusal is counted; people hear of it at once, and then at most once a minute."""

from __future__ import annotations

import pytest
from jidoka.monitor.refused import TELL_AGAIN_NS, Refused
from jidoka_bridge.metrics import LABEL_VALUES, METRICS
from jidoka_bridge.refusals import REFUSALS


def test_each_refusal_is_counted_by_model_and_reason() -> None:
    refused = Refused()
    for _ in range(3):
        refused.add("a", "garbage", 1)
    refused.add("b", "garbage", 1)
    refused.add("", "too many taps", 1)
    assert refused.counts == {("a", "garbage"): 3, ("b", "garbage"): 1, ("", "too many taps"): 1}


def test_a_reason_that_is_not_in_the_table_is_a_fault_of_the_program() -> None:
    with pytest.raises(AssertionError):
        Refused().add("a", "a new one", 1)


def test_the_first_is_told_at_once_with_its_remedy_and_a_flood_once_a_minute_with_its_count() -> None:
    refused = Refused()
    refused.add("a", "another model", 0, "Mend the names.")
    (first,) = refused.take_news(0)
    assert first == f"a was refused (another model): {REFUSALS['another model']}. Mend the names."
    for _ in range(1000):
        refused.add("a", "another model", 1)
    assert refused.take_news(TELL_AGAIN_NS - 1) == []
    (second,) = refused.take_news(TELL_AGAIN_NS)
    assert second.endswith("1000 more in 60 s")
    assert refused.take_news(3 * TELL_AGAIN_NS) == [], "nothing came since"


def test_a_flood_of_every_kind_makes_no_more_sentences_than_there_are_reasons() -> None:
    refused = Refused()
    for _ in range(10):
        for reason in REFUSALS:
            refused.add("a", reason, 0)
    assert len(refused.take_news(0)) == len(REFUSALS)
    assert len(refused.take_news(TELL_AGAIN_NS)) == len(REFUSALS)


def test_an_unknown_tap_is_called_so() -> None:
    refused = Refused()
    refused.add("", "no hello", 0)
    assert refused.take_news(0)[0].startswith("an unknown tap was refused (no hello)")


def test_the_metrics_label_reason_is_bounded_by_the_table() -> None:
    assert LABEL_VALUES["reason"] == set(REFUSALS)
    assert [metric.number for metric in METRICS if "reason" in metric.labels] == [11, 12]


def test_every_reason_is_a_few_words_and_its_text_a_clause() -> None:
    for reason, text in REFUSALS.items():
        assert 1 <= len(reason.split()) <= 3
        assert text[0].islower()
        assert not text.endswith(".")
