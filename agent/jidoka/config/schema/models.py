"""`models:`: which models are watched, and how their records are taken."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jidoka.config.faults import UnfitError
from jidoka.config.quantities import Bytes, Duration
from jidoka.config.schema.base import FilePath, MayBe, Name, Settings


def _roi(value: list[int]) -> list[int]:
    if len(value) != 4 or value[0] < 0 or value[1] < 0 or value[2] < 1 or value[3] < 1:
        raise UnfitError("isn't a region", "Write [x, y, width, height] in pixels.")
    return value


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
    largest_record: Annotated[int, Bytes("1 kB", "128 MB")] | None = Field(
        default=None,
        description="Room for the tensors of one record in shared memory; computed from the manifest where it is left "
        "out, for one item a batch, with 4 MiB where other sizes are free.",
    )
