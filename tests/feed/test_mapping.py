"""The `feed:` section: what is refused by itself, and what doesn't fit the model."""

from __future__ import annotations

from typing import Any

import pytest
from jidoka.config.manifest import Output
from jidoka.feed.mapping import FeedSettings, names_of, unfit
from pydantic import ValidationError

LOGITS = Output("logits", "float32", ("batch", 3), role="logits")
BOXES = Output("boxes", "float32", (1, "anchors", 4))


def settings(**values: Any) -> FeedSettings:
    return FeedSettings.model_validate({"format": "json", "outputs": {"logits": "y"}, **values})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"format": "xml"}, "'json', 'csv' or 'log'"),
        ({"outputs": {}}, "at least 1"),
        ({"outputs": {"logits": 3}}, "logits"),
        ({"format": "log"}, "pattern belongs to the format log"),
        ({"pattern": "(?P<a>x)"}, "pattern belongs to the format log"),
        ({"format": "log", "pattern": "("}, "isn't a regular expression"),
        ({"format": "log", "pattern": "(x)"}, "has no named group"),
        ({"columns": ["a"]}, "columns belongs to the format csv"),
        ({"separator": "|"}, "separator"),
        ({"latency_unit": "min"}, "latency_unit"),
        ({"prat": "n"}, "prat"),
        ({"outputs": {"logits": {"class": "c"}}}, "confidence"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as raised:
        settings(**values)
    assert says in str(raised.value)


def test_a_mapping_survives_being_written_into_a_plan() -> None:
    made = settings(outputs={"logits": {"class": "c", "confidence": "p"}, "boxes": ["a", "b"]}, part="n")
    assert FeedSettings.model_validate(made.model_dump(by_alias=True)) == made


@pytest.mark.parametrize(
    ("values", "trail", "says"),
    [
        ({"outputs": {"logit": "y"}}, ("outputs", "logit"), "isn't an output of the model"),
        ({"outputs": {"logits": ["a", "b"]}}, ("outputs", "logits"), "2 fields for the 3 entries"),
        ({"outputs": {"logits": {"probabilities": ["a", "b"]}}}, ("outputs", "logits"), "2 fields for the 3"),
        ({"outputs": {"boxes": {"class": "c", "confidence": "p"}}}, ("outputs", "boxes"), "isn't the logits"),
        ({"format": "log", "pattern": "(?P<x>.)"}, ("outputs", "logits"), "there is no field 'y'"),
        ({"format": "csv", "columns": ["y"], "part": "n"}, ("part",), "there is no field 'n'"),
    ],
)
def test_what_does_not_fit_the_model_is_named_with_its_place(
    values: dict[str, Any], trail: tuple[str, ...], says: str
) -> None:
    (found,) = unfit(settings(**values), [LOGITS, BOXES], ["ok", "scratch", "pit"])
    assert found.trail == trail
    assert says in found.message
    assert found.remedy


def test_what_fits_has_no_fault() -> None:
    for source in ("y", ["a", "b", "c"], {"class": "c", "confidence": "p"}, {"probabilities": "y"}):
        made = settings(outputs={"logits": source, "boxes": "b"})
        assert unfit(made, [LOGITS, BOXES], ["ok", "scratch", "pit"]) == []
        assert names_of(made.outputs["logits"])
