"""The `feed:` section of a manifest: which fields of a line are which entries of which outputs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from jidoka.config.faults import UnfitError, near

#: a field's place: a column, a named group, or a path in JSON such as `result.scores.0`
FieldName = Annotated[str, Field(min_length=1, max_length=200)]
FieldNames = Annotated[list[FieldName], Field(min_length=1, max_length=100_000)]
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
LONGEST_PATTERN = 2000


def _pattern(value: str) -> str:
    try:
        groups = re.compile(value).groupindex
    except re.error as error:
        raise UnfitError(f"isn't a regular expression: {error}", "Write Python's syntax.") from None
    if not groups:
        raise UnfitError("has no named group", "Name what is wanted: (?P<score>[0-9.]+)")
    return value


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class TopClass(_Settings):
    """The program tells its class and how sure it is, not the scores: scores are made that give just this confidence;
    the rest is spread evenly, so an entropy computed from them says nothing more than the confidence."""

    name: FieldName = Field(alias="class", description="Field with the name of the class, as in `classes`.")
    confidence: FieldName = Field(description="Field with its probability, 0 to 1.")


class Probabilities(_Settings):
    """The program tells probabilities, where the model's output is logits: their logarithms are sent."""

    probabilities: FieldName | FieldNames = Field(
        description="Field with all of them, or one field for each."
    )


class FeedSettings(_Settings):
    """How `jidoka feed` reads the lines of a program that can't be changed. Outputs only: no inputs, no gate."""

    format: Literal["json", "csv", "log"] = Field(
        description="One JSON object, table row or log entry a line."
    )
    outputs: Annotated[
        dict[FieldName, FieldName | FieldNames | TopClass | Probabilities], Field(min_length=1)
    ] = Field(
        description="For each output: a field that holds all its entries, or a list with a field for each."
    )
    pattern: Annotated[str, Field(max_length=LONGEST_PATTERN), AfterValidator(_pattern)] | None = Field(
        default=None, description="log: regular expression whose named groups are the fields; lines without it are passed over."
    )  # fmt: skip
    columns: FieldNames | None = Field(
        default=None, description="csv: names of the columns where the table has no header line."
    )
    separator: Literal[",", ";", "\t", " "] = Field(
        default=",", description="csv: what stands between two columns."
    )
    part: FieldName | None = Field(default=None, description="Field with the number of the part.")
    position: FieldName | None = Field(default=None, description="Field with the number of the position.")
    recipe: FieldName | None = Field(default=None, description="Field with the number of the recipe.")
    time: FieldName | None = Field(
        default=None, description="Field with the end of the inference: seconds since 1970, or ISO 8601."
    )
    latency: FieldName | None = Field(default=None, description="Field with the duration of the inference.")
    latency_unit: Literal["s", "ms", "us", "ns"] = Field(default="ms", description="Its unit.")

    @model_validator(mode="after")
    def _belongs_together(self) -> FeedSettings:
        if (self.format == "log") != (self.pattern is not None):
            raise UnfitError("pattern belongs to the format log, and to it only", "Write both or neither.")
        if self.columns is not None and self.format != "csv":
            raise UnfitError("columns belongs to the format csv", "Leave it out.")
        return self


class OutputLike(Protocol):
    """What is needed to know of an output."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> Sequence[int | str]: ...
    @property
    def role(self) -> str: ...


class Unfit(NamedTuple):
    """What doesn't fit between the mapping and the model. trail: place within `feed`."""

    trail: tuple[str | int, ...]
    message: str
    remedy: str


def unfit(feed: FeedSettings, outputs: Sequence[OutputLike], classes: Sequence[str]) -> list[Unfit]:
    """Everything in the mapping that the model's outputs don't have."""
    found: list[Unfit] = []
    known = {each.name: each for each in outputs}
    fields = _fields_that_exist(feed)
    for name, source in feed.outputs.items():
        trail: tuple[str | int, ...] = ("outputs", name)
        output = known.get(name)
        if output is None:
            found.append(Unfit(trail, f"{name!r} isn't an output of the model", near(name, known)))
            continue
        if not isinstance(source, (str, list)) and (output.role != "logits" or not classes):
            found.append(
                Unfit(trail, f"{name!r} isn't the logits of a classifier", "Name the fields of its entries.")
            )
        names = names_of(source)
        free = any(not isinstance(size, int) for size in output.shape[1:])
        entries = math.prod(size for size in output.shape[1:] if isinstance(size, int))
        if isinstance(getattr(source, "probabilities", source), list) and not free and len(names) != entries:
            found.append(
                Unfit(
                    trail,
                    f"{len(names)} fields for the {entries} entries of {name!r}",
                    "Name one for each entry.",
                )
            )
        found += [
            Unfit(trail, f"there is no field {each!r}", near(each, fields))
            for each in names
            if fields is not None and each not in fields
        ]
    for key in ("part", "position", "recipe", "time", "latency"):
        field = getattr(feed, key)
        if field is not None and fields is not None and field not in fields:
            found.append(Unfit((key,), f"there is no field {field!r}", near(field, fields)))
    return found


def names_of(source: Any) -> list[str]:
    """The fields that an output's mapping names."""
    if isinstance(source, TopClass):
        return [source.name, source.confidence]
    if isinstance(source, Probabilities):
        source = source.probabilities
    return [source] if isinstance(source, str) else list(source)


def _fields_that_exist(feed: FeedSettings) -> list[str] | None:
    """The names that are known before a line was read; None where only the lines tell."""
    if feed.pattern is not None:
        return list(re.compile(feed.pattern).groupindex)
    return feed.columns
