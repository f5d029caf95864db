"""Labels of counters are bounded: what a program sends can't make series without end."""

from __future__ import annotations

import re

import pytest
from jidoka.steward.commands.kinds import REFUSAL_KINDS
from jidoka.steward.ledger.format import Lane
from jidoka.steward.metrics import Counters, registry_of
from jidoka.steward.presence import PROGRAMS
from jidoka_bridge.metrics import LABEL_VALUES, METRICS
from jidoka_bridge.refusals import REFUSALS
from prometheus_client import generate_latest


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
    assert not any(counters.values.get(11, {}).values()), "nothing was counted"
    assert {reason for _, reason in counters.values.get(11, {})} <= set(REFUSALS)


def test_a_hundred_thousand_part_ids_make_no_series() -> None:
    counters = Counters(frozenset({"m"}))
    before = None
    for part in range(100_000):
        model, labels = (
            f"part-{part}",
            {"part": str(part), "model": "m", "lane": f"{part}", "program": f"{part}"},
        )
        counters.take(
            {
                "program": "monitor",
                "labels": labels,
                "values": dict.fromkeys(("1", "11", "44", "55", "57"), part),
            }
        )
        counters.take(
            {
                "program": model,
                "labels": {"model": model, "reason": model},
                "values": {"1": 1, "11": 1, "12": 1},
            }
        )
        before = before or sum(map(len, counters.values.values()))
    assert before == sum(map(len, counters.values.values())) < 100
    text = generate_latest(registry_of(counters)).decode()
    assert "part" not in {label for line in text.splitlines() for label in re.findall(r'(\w+)="', line)}
    assert "part-" not in text


def test_every_metric_has_a_family_with_its_kind_labels_and_help() -> None:
    counters = Counters(frozenset({"m"}))
    for metric in METRICS:
        labels = {name: next(iter(LABEL_VALUES.get(name, ["m"]))) for name in metric.labels}
        assert counters.put(metric.number, 1.5, labels)
    families = {family.name: family for family in registry_of(counters).collect()}
    for metric in METRICS:
        name = f"jidoka_{metric.name}"
        family = families[name.removesuffix("_total") if metric.kind == "counter" else name]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        assert {sample.name for sample in family.samples} == {name}
        assert metric.name.endswith("_total") == (metric.kind == "counter"), "as Prometheus names counters"


def test_labels_of_commands_and_lanes_are_the_tables_own() -> None:
    assert LABEL_VALUES["kind"] == set(REFUSAL_KINDS)
    assert LABEL_VALUES["lane"] == {lane.label for lane in Lane}
    assert LABEL_VALUES["program"] == set(PROGRAMS)
