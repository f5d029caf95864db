"""manifest.yaml as it is written: every setting with its kind, range, default and sentence, for checks, docs, errors."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from jidoka.config import faults
from jidoka.config.faults import UnfitError
from jidoka.config.quantities import Duration
from jidoka.config.schema.base import MayBe, Settings
from jidoka.config.tensor_schema import InputTable, OutputTable, Positive, Text, Whole
from jidoka.feed.mapping import FeedSettings


def _digest(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise UnfitError("isn't a SHA-256", "Write the 64 small hex digits that `sha256sum FILE` prints.")
    return value


def _id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
        raise UnfitError(
            f"{faults.shown(value)} can't be an id",
            "Use letters, digits, - _ and . only, at most 64, starting with a letter or digit.",
        )
    return value


def _file_name(value: str) -> str:
    if "/" in value or "\\" in value or value in {"", ".", ".."} or "\0" in value:
        raise UnfitError(
            f"{faults.shown(value)} isn't a file name", "Name a file in the bundle's own folder."
        )
    return value


def _of_last(value: list[int]) -> list[int]:
    if value[0] > value[1]:
        raise UnfitError(f"{value[0]} of {value[1]} is never reached", "Write [how many, of how many].")
    return value


Share = Annotated[float, Field(gt=0, lt=1)]
Records = Annotated[int, Field(ge=2, le=10_000)]


class SaturationTable(Settings):
    """Refuses a command while the last ones stood at their limits too often."""

    at: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.98, description="Share of the limit from which a command counts as being at it."
    )
    share: Share = Field(description="Share of channels and records above which it is refused.")
    records: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="Over so many records; with 1 each command is judged by itself."
    )


class ChatterTable(Settings):
    """Refuses a command while a channel turned round too often in the last ones."""

    share: Share = Field(description="Share of turns above which it is refused.")
    records: Records = Field(description="Over so many records.")


class EntriesTable(Settings):
    """Entries of an input."""

    input: Text = Field(description="Name of a monitored input.")
    entries: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=1000)] = Field(
        description="Places in its last axis, counted from 0."
    )


class TrackingTable(Settings):
    """Refuses a command while the machine isn't where it was told to be."""

    state: EntriesTable = Field(description="What was measured.")
    target: EntriesTable = Field(description="What it was told to reach, entry for entry.")
    limit: Positive = Field(description="Largest distance of an entry, in the input's unit.")


class LimitsTable(Settings):
    """Limits of a single answer; a command that breaks one is refused."""

    min_confidence: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="Of a classifier: an answer that is less sure than this is suspect."
    )
    saturation: SaturationTable | None = Field(
        default=None, description="Of a command: too often at its limits."
    )
    chatter: ChatterTable | None = Field(default=None, description="Of a command: to and fro.")
    tracking: TrackingTable | None = Field(
        default=None, description="Of a command: the machine doesn't follow."
    )


class RefusalsTable(Settings):
    """When the condition `repeated refusals` goes on."""

    in_a_row: Whole = Field(default=5, description="So many refused records one after the other.")
    of_last: Annotated[
        list[Whole], Field(min_length=2, max_length=2), AfterValidator(_of_last), MayBe("[k, n]")
    ] = Field(default=[20, 100], description="Or k refused ones of the last n.")


class Manifest(Settings):
    """What the model is, who made it, what it may be used for."""

    format: Literal[1] = Field(description="Version of this format.")
    id: Annotated[str, AfterValidator(_id), MayBe("letters, digits, `-`, `_`, `.`, at most 64")] = Field(
        description="Name of the model; an application gives it to the tap."
    )
    version: Text = Field(description="Its maker's version.")
    title: Text | None = Field(default=None, description="Name for people; id and version if left out.")
    file: Annotated[Text, AfterValidator(_file_name), MayBe("file name")] = Field(
        description="The model file, in the same folder."
    )
    sha256: Annotated[str, AfterValidator(_digest), MayBe("64 hex digits")] = Field(
        description="Digest of the approved file; another file is refused."
    )
    maker: Text = Field(description="Who made and answers for it.")
    licence: Text = Field(description="The licence of the model file, such as Apache-2.0.")
    intended_use: Text = Field(description="What it may be used for, in a sentence.")
    not_for: list[Text] = Field(default=[], description="What it must not be used for, a sentence each.")
    task: Literal["classifier", "detector", "control", "other"] = Field(description="What it does.")
    classes: Annotated[list[Text], Field(max_length=100_000), MayBe("list of names")] = Field(
        default=[], description="Names of the classes in the model's order; a classifier has two or more."
    )
    good_classes: Annotated[list[Text], MayBe("list of names")] = Field(
        default=[], description="Of a classifier: the classes of sound parts."
    )
    period: Annotated[float, Duration("100 us", "1 h")] | None = Field(
        default=None, description="Of a control model: nominal time between two commands."
    )
    inputs: Annotated[list[InputTable], Field(min_length=1, max_length=32)] = Field(
        description="What goes in."
    )
    outputs: Annotated[list[OutputTable], Field(min_length=1, max_length=32)] = Field(
        description="What comes out."
    )
    limits: LimitsTable = Field(default=LimitsTable(), description="Limits of a single answer.")
    refusals: RefusalsTable = Field(
        default=RefusalsTable(), description="When refusals are so many that it is a condition."
    )
    feed: FeedSettings | None = Field(
        default=None, description="How `jidoka feed` reads the lines of a program that can't be changed."
    )
    figures: Annotated[dict[str, Any], MayBe("anything")] = Field(
        default={}, description="What its maker measured; nobody here reads it."
    )
