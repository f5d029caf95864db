"""`models:`: which models are watched, and how their records are taken."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jidoka.config.faults import UnfitError, shown
from jidoka.config.quantities import Bytes, Duration, Share
from jidoka.config.schema.base import FilePath, MayBe, Name, Settings
from jidoka.config.users import User


def _roi(value: list[int]) -> list[int]:
    if len(value) != 4 or value[0] < 0 or value[1] < 0 or value[2] < 1 or value[3] < 1:
        raise UnfitError("isn't a region", "Write [x, y, width, height] in pixels.")
    return value


class GateSettings(Settings):
    """The gate: rejects single records whose feature lies farther out than nearly all of the baseline's."""

    feature: str = Field(
        default="top1_confidence",
        description="Feature that is judged; `jidoka baseline show` lists those of a model.",
    )
    reject_at_most: Annotated[float, Share("0.01 %", "20 %")] = Field(
        description="Largest share of good parts that may be rejected: the smaller, the longer the baseline must be "
        "(399 records for 0.5 % on both sides)."
    )
    side: Literal["both", "low", "high"] = Field(
        default="both",
        description="Which records are unusual. A model that is suddenly too sure is as unusual as one that is unsure.",
    )
    adapts: bool = Field(
        default=True,
        description="Give way, down to a quarter of the rate, where this baseline's few outermost records reject more "
        "good parts than was agreed.",
    )


def _clock(value: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise UnfitError(f"{shown(value)} isn't a time of day", "Write one such as 06:00, 24 hours a day.")
    return value


class PerformanceSettings(Settings):
    """What was agreed about how often the model may be wrong, and which slices are compared. Fixed before looking."""

    error_rate_at_most: Annotated[float, Share("0.01 %", "50 %")] | None = Field(
        default=None, description="The agreed share of wrong answers; labels are held against it at any time."
    )
    slices: Annotated[
        list[Literal["shift", "recipe", "position"]], MayBe("list of `shift`, `recipe`, `position`")
    ] = Field(
        default=["shift", "recipe", "position"],
        description="By what decisions are told apart; never by a person.",
    )
    shifts: Annotated[
        list[Annotated[str, AfterValidator(_clock)]],
        Field(max_length=12),
        MayBe("list of times of day, such as 06:00"),
    ] = Field(default=[], description="When the shifts begin, by this device's clock; left out: no shifts.")
    least_gap: Annotated[float, Share("0 %", "50 %")] = Field(
        default=0.0,
        description="A gap between a slice and the rest up to this is information, not a finding.",
    )


class ModelSettings(Settings):
    """An AI model that is watched."""

    id: Name = Field(
        description="Name of the model on this device; the application gives the same to the tap."
    )
    bundle: FilePath = Field(
        description="Folder with model and manifest.yaml, relative to this file, or the name of a shipped bundle."
    )
    mode: Literal["none", "observe", "enforce"] = Field(
        description="none: no PLC, alarms and evidence only; observe: the PLC is connected and never gets a permissive; "
        "enforce: the machine runs only while the model can be trusted."
    )
    drives: Literal["nothing", "reject", "robot"] = Field(
        default="nothing", description="What the application itself moves with this model's answers."
    )
    known_answers: FilePath | None = Field(
        default=None,
        description="File of inputs whose right outputs are known (`jidoka model answers make`). The application shows them "
        "to the model after each start; shown again while the machine is held, they are how a model is proven that moves "
        "nothing without A.",
    )
    in_shadow: bool = Field(
        default=False,
        description="While M alone is given the machine makes the same motions by a program of its own, and the application "
        "goes on asking this model: so a model that commands it is proven in that program's shadow.",
    )
    writer: Annotated[int, User()] | None = Field(
        default=None,
        description="The only user whose application may write this model's records, as the monitor's kernel sees it: "
        "of a container the number outside. Left out: anybody who can reach the tap socket.",
    )
    longest_interval: Annotated[float, Duration("20 ms", "1 h")] = Field(
        default=1.0, description="Longest time between two inferences while the machine makes parts."
    )
    every: int = Field(default=1, ge=1, le=1_000_000, description="Copy the input of every n-th inference.")
    roi: Annotated[list[int], AfterValidator(_roi), MayBe("[x, y, width, height]")] | None = Field(
        default=None, description="Part of the picture that is measured: [x, y, width, height] in pixels."
    )
    thumbnail: bool = Field(
        default=False,
        description="True where the application hands in a small picture with each record (`tap.image`) because the "
        "model's own input isn't copied.",
    )
    records_per_s: float | None = Field(
        default=None, gt=0, le=10_000, allow_inf_nan=False,
        description="Inferences a second while the line runs; without it the baseline's own rate is taken.",
    )  # fmt: skip
    records_per_part: int = Field(default=1, ge=1, le=10_000, description="Inferences for one part.")
    judged: Literal["per record", "per part"] = Field(
        default="per record",
        description="per part: the features are averaged over the records of one part before drift is looked for, "
        "where several pictures of one part aren't independent.",
    )
    slowest_cycle: Annotated[float, Duration("1 s", "30 days")] | None = Field(
        default=None,
        description="The slowest thing that comes back in what the model sees: warming up, a lot of material, a shift. A "
        "baseline that doesn't hold it twice arms nothing, as its limits wouldn't hold.",
    )
    covariates: Annotated[
        list[str], Field(max_length=8), MayBe("list of features, such as process.temperature")
    ] = Field(
        default=[],
        description="Features that explain the others and may move as they like: a temperature, a speed, a set point that the "
        "model gets as an input. What they foretell of a feature is taken out before drift is looked for; they themselves "
        "are then watched by nothing but limits.",
    )
    gate: GateSettings | None = Field(
        default=None, description="Rejects single records that are unlike the baseline's; left out: none."
    )
    temperature: float | None = Field(
        default=None, ge=0.02, le=50, allow_inf_nan=False,
        description="Divides the class scores before they become confidence; fitted on labelled records by "
        "`jidoka calibrate`. Another one is another confidence: learn the baseline anew.",
    )  # fmt: skip
    performance: PerformanceSettings = Field(
        default_factory=PerformanceSettings,
        description="How often the model may be wrong, and which slices are compared.",
    )
    largest_record: Annotated[int, Bytes("1 kB", "128 MB")] | None = Field(
        default=None,
        description="Room for the tensors of one record in shared memory; computed from the manifest where it is left "
        "out, for one item a batch, with 4 MiB where other sizes are free.",
    )
