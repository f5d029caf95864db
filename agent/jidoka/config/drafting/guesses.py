"""What may be guessed of a tensor from its shape, its name and the operator that makes it: each guess says why."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jidoka.config.drafting.graph import Graph, Tensor
from jidoka.config.judgeable import FLOATS

COMMAND_NAMES = re.compile(r"action|command|control|torque|cmd", re.IGNORECASE)
EMBEDDING_NAMES = re.compile(r"embed|feature|latent|hidden", re.IGNORECASE)
SIDES = (8, 16, 32)  # pixels of a cell, in the usual one-stage detectors
ANCHORS_OF_A_CELL = (1, 3)


@dataclass(frozen=True)
class Picture:
    """An input that looks like one. channels: 1 or 3; size: (width, height), None where one is free."""

    layout: str
    channels: int
    size: tuple[int, int] | None
    why: str


@dataclass(frozen=True)
class Role:
    """What an output seems to be. role: as in the manifest, None where nothing tells it."""

    role: str | None
    why: str


def picture_of(tensor: Tensor) -> Picture | None:
    """What a picture this input looks like; None if it looks like none."""
    shape = tensor.shape
    if shape is None or len(shape) != 4 or tensor.dtype not in {*FLOATS, "uint8"}:
        return None
    for layout, channel, rows in (("NCHW", 1, 2), ("NHWC", 3, 1)):
        channels, height, width = shape[channel], shape[rows], shape[rows + 1]
        if channels in {1, 3}:
            size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
            return Picture(
                layout,
                int(channels),
                size,
                f"axis {channel} has {channels} channel{'s' if channels == 3 else ''}",
            )
    return None


def first_picture(graph: Graph) -> Picture | None:
    """The first input that looks like a picture."""
    return next((found for found in map(picture_of, graph.inputs) if found is not None), None)


def roles_of(graph: Graph) -> list[Role]:
    """What each output seems to be, in their order."""
    picture = first_picture(graph)
    roles = [_role(each, picture) for each in graph.outputs]
    # of several rows of numbers the shortest is the class scores, the others come from further inside
    scores = [at for at, role in enumerate(roles) if role.role == "logits"]
    shortest = min(scores, key=lambda at: _entries(graph.outputs[at]), default=0)
    for at in scores:
        if at != shortest:
            roles[at] = Role(
                "embedding", "another output has fewer numbers, and those are the class scores then"
            )
    return roles


def _role(tensor: Tensor, picture: Picture | None) -> Role:
    shape = tensor.shape
    if tensor.dtype not in FLOATS or shape is None:
        return Role("other", "")
    if len(shape) == 3 and picture is not None:
        return _boxes_or_other(shape, picture)
    if len(shape) != 2 or not isinstance(shape[1], int):
        return Role("other", "")
    if tensor.made_by == "Softmax":
        return Role(
            "other",
            "the graph ends in Softmax, so these are probabilities, no logits: export it without, or they are judged "
            "as plain numbers",
        )
    if COMMAND_NAMES.search(tensor.name):
        return Role("command", f"its name, {tensor.name}")
    if EMBEDDING_NAMES.search(tensor.name):
        return Role("embedding", f"its name, {tensor.name}")
    if picture is not None and shape[1] >= 2:
        return Role("logits", f"a row of {shape[1]} numbers for a picture")
    return Role(None, "")


def _boxes_or_other(shape: Sequence[str | int], picture: Picture) -> Role:
    rows, columns = shape[1], shape[2]
    if isinstance(columns, int) and 6 <= columns <= 1000 and (not isinstance(rows, int) or rows > columns):
        cells = _cells(picture, rows) if isinstance(rows, int) else ""
        return Role("detections", f"rows of {columns} = 5 + {columns - 5} numbers{cells}")
    if isinstance(rows, int) and 5 <= rows <= 1000 and isinstance(columns, int) and columns > rows:
        return Role(
            "other",
            f"{columns} boxes as columns of {rows} numbers; only rows are understood: transpose them, or they are judged "
            "as plain numbers",
        )
    return Role("other", "")


def _cells(picture: Picture, rows: int) -> str:
    """Whether so many rows are the cells of the usual grids."""
    if picture.size is None:
        return ""
    width, height = picture.size
    cells = sum(math.ceil(width / side) * math.ceil(height / side) for side in SIDES)
    for anchors in ANCHORS_OF_A_CELL:
        if rows == anchors * cells:
            sides = ", ".join(map(str, SIDES))
            return f"; {rows} is {anchors} for each cell of {sides} pixels of the picture"
    return ""


def _entries(tensor: Tensor) -> int:
    return math.prod(size for size in tensor.shape or () if isinstance(size, int))
