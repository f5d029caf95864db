"""`inputs:` and `outputs:` of a manifest: each tensor, and what its entries mean."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from jidoka.config import faults
from jidoka.config.bundle import Dtype
from jidoka.config.faults import UnfitError
from jidoka.config.schema.base import MayBe, Settings


def _shape(value: list[Any]) -> list[Any]:
    for size in value:
        is_whole = isinstance(size, int) and not isinstance(size, bool) and size > 0
        if not is_whole and not (isinstance(size, str) and re.search(r"[^\W\d]", size)):
            raise UnfitError(
                f"{faults.shown(size)} is no size",
                "Write a whole number, or a name such as `batch` where the size is free.",
            )
    return value


def _range(value: list[float]) -> list[float]:
    if value[0] >= value[1]:
        raise UnfitError(f"{value[0]:g} to {value[1]:g} is no range", "Write [lowest, highest].")
    return value


Text = Annotated[str, Field(min_length=1, max_length=500), MayBe("text, at most 500 characters")]
Sizes = Annotated[
    list[Any], Field(max_length=8), AfterValidator(_shape), MayBe("list of sizes and names, at most 8")
]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Column = Annotated[int, Field(ge=4, le=100_000)]
Pair = Annotated[list[Finite], Field(min_length=2, max_length=2)]
Whole = Annotated[int, Field(ge=1, le=10_000)]


class InputTable(Settings):
    """One tensor that goes in."""

    name: Text = Field(description="Its name in the model file.")
    dtype: Dtype = Field(description="Type of its entries.")
    shape: Sizes = Field(description="Its sizes, and a name where a size is free: `[batch, 3, 416, 416]`.")
    layout: Literal["NCHW", "NHWC"] | None = Field(
        default=None,
        description="Of a picture: the order of batch (N), colours (C), rows (H) and columns (W).",
    )
    colour: Literal["grey", "RGB", "BGR"] | None = Field(
        default=None, description="Of a picture: its colours and their order."
    )
    unit: Text = Field(default="1", description="Unit of its entries; `1` for none.")
    range: Annotated[Pair, AfterValidator(_range), MayBe("[lowest, highest]")] | None = Field(
        default=None, description="Lowest and highest value: black and white of a picture."
    )
    monitored: bool = Field(
        default=False, description="Whether it is copied and judged; a large one costs its copy."
    )
    channels: Annotated[list[Text], MayBe("list of names")] = Field(
        default=[], description="Names of the entries of the last axis, where they have some."
    )
    role: Literal["state", "target", "other"] = Field(
        default="other", description="Of a control model: what it was measured, or told to reach."
    )


class ChannelTable(Settings):
    """One entry of a command, with what it may do. A limit that is left out isn't judged."""

    name: Text = Field(description="Such as the joint.")
    unit: Text = Field(default="1", description="Unit of the command; `1` for none.")
    low: Finite | None = Field(default=None, description="Lowest command, in its unit.")
    high: Finite | None = Field(default=None, description="Highest command, in its unit.")
    rate: Positive | None = Field(
        default=None, description="The most that it may change, in its unit per second; needs `period`."
    )
    jerk: Positive | None = Field(
        default=None,
        description="The most that its rate may change, in its unit per second²; needs `period`.",
    )


class BoxesTable(Settings):
    """What the columns of a detector's last axis mean; its shape is [batch, anchors, columns], four of a box first."""

    format: Literal["cxcywh", "xyxy"] = Field(
        description="The first four columns: centre and size, or two corners."
    )
    size: Annotated[list[Whole], Field(min_length=2, max_length=2), MayBe("[width, height]")] = Field(
        description="Width and height, in pixels, of the picture that the boxes lie in."
    )
    score: Column | None = Field(
        default=None, description="Column of the objectness, counted from 0; left out where there is none."
    )
    classes: Column | None = Field(
        default=None, description="First column of the class scores; they are the last ones. Left out: none."
    )


class OutputTable(Settings):
    """One tensor that comes out."""

    name: Text = Field(description="Its name in the model file.")
    dtype: Dtype = Field(description="Type of its entries.")
    shape: Sizes = Field(description="Its sizes, and a name where a size is free; [] for a single number.")
    unit: Text = Field(default="1", description="Unit of its entries; `1` for none.")
    role: Literal["logits", "embedding", "detections", "command", "other"] = Field(
        default="other",
        description="logits: class scores before softmax; embedding: numbers just before the answer, judged by "
        "drift(embedding) where monitored; detections: boxes with scores; command: what drives a machine.",
    )
    monitored: bool | None = Field(
        default=None,
        description="Whether it is copied and judged; if left out: `true` for logits, detections and a command, "
        "`false` for the others.",
    )
    channels: Annotated[list[ChannelTable], Field(max_length=1000)] = Field(
        default=[], description="Of a command: one for each entry of the last axis."
    )
    boxes: BoxesTable | None = Field(
        default=None, description="Of detections: what the columns mean. Without it they are plain numbers."
    )
    min_score: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Of detections: a box counts from this score; 0.3 if left out."
    )
