"""A verified bundle as the programs see it: what the model is, what goes in and comes out, what may be commanded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from jidoka_bridge.errors import ModelError

from jidoka.feed.mapping import FeedSettings

Dtype = Literal[
    "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"
]  # fmt: skip
#: bytes of one entry
DTYPE_BYTES: dict[str, int] = {
    name: int("".join(filter(str.isdigit, name)) or 8) // 8 for name in get_args(Dtype)
}

#: roles of outputs that are monitored where the manifest doesn't say
MONITORED_ROLES = frozenset({"logits", "detections", "command"})

Shape = tuple[str | int, ...]


@dataclass(frozen=True)
class Input:
    """One input tensor. shape: sizes, or a name where the size is free; range: (lowest, highest) value; channels:
    names of the last axis' entries, () where they have none; role: state, target or other."""

    name: str
    dtype: str
    shape: Shape
    layout: str | None = None
    colour: str | None = None
    unit: str = "1"
    range: tuple[float, float] | None = None
    monitored: bool = False
    channels: tuple[str, ...] = ()
    role: str = "other"


@dataclass(frozen=True)
class Channel:
    """One entry of a command. low, high: in unit; rate: the most that it may change, unit/s; jerk: the most that its
    rate may change, unit/s²; None: no limit."""

    name: str
    unit: str = "1"
    low: float | None = None
    high: float | None = None
    rate: float | None = None
    jerk: float | None = None


@dataclass(frozen=True)
class Boxes:
    """What the columns of detections mean: four numbers of a box first, by `format`, in pixels of a picture of `size`
    (width, height); score: column of objectness; classes: first column of class scores; None: there is none."""

    format: str
    size: tuple[int, int]
    score: int | None = None
    classes: int | None = None


@dataclass(frozen=True)
class Output:
    """One output tensor. role: logits, embedding, detections, command or other; channels: of a command, one for each
    entry of the last axis; min_score: a box counts from here, 0 to 1."""

    name: str
    dtype: str
    shape: Shape
    unit: str = "1"
    role: str = "other"
    monitored: bool = False
    channels: tuple[Channel, ...] = ()
    boxes: Boxes | None = None
    min_score: float | None = None


@dataclass(frozen=True)
class Saturation:
    """Refused when more than `share` of a command's values within `records` are at `at` × their limit or beyond."""

    at: float
    share: float
    records: int


@dataclass(frozen=True)
class Chatter:
    """Refused when in more than `share` of `records` a channel turns round."""

    share: float
    records: int


@dataclass(frozen=True)
class Entries:
    """Entries of the last axis of an input."""

    input: str
    entries: tuple[int, ...]


@dataclass(frozen=True)
class Tracking:
    """Refused when a state is further than `limit` from its target."""

    state: Entries
    target: Entries
    limit: float


@dataclass(frozen=True)
class Refusals:
    """Repeated refusals: in_a_row, or k of the last n in of_last = (k, n)."""

    in_a_row: int = 5
    of_last: tuple[int, int] = (20, 100)


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: `file` had this sha256 when it was loaded; `read_model` checks it again."""

    folder: Path
    file: Path
    sha256: str
    id: str
    version: str
    title: str
    task: str
    classes: tuple[str, ...]
    good_classes: tuple[str, ...]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    min_confidence: float
    period_s: float | None = None
    saturation: Saturation | None = None
    chatter: Chatter | None = None
    tracking: Tracking | None = None
    refusals: Refusals = Refusals()
    feed: FeedSettings | None = None

    def read_model(self) -> bytes:
        """The model file's bytes, whose digest is the manifest's: make the session from these, not from the path.

        Raises ModelError when the file changed or went since it was loaded.
        """
        content = read(self.file)
        require_digest(self.file, content, self.sha256)
        return content

    @property
    def command(self) -> Output | None:
        """The output that is a command, None where there is none."""
        return next((each for each in self.outputs if each.role == "command"), None)


def read(path: Path) -> bytes:
    """A file's bytes. Raises ModelError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> ModelError:
    """What to say of a file or folder that the system doesn't give."""
    return ModelError(
        f"{path}: can't be read: {error.strerror}", "Let this user read it, or run as the user that owns it."
    )


def require_digest(file: Path, content: bytes, expected: str) -> None:
    """Raises ModelError where the content isn't what was approved."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ModelError(
            f"{file}: SHA-256 {found[:16]}… isn't the manifest's {expected[:16]}…: this isn't the file that was approved",
            "Copy the bundle anew from its maker; write the new digest only after the new model was approved.",
        )
