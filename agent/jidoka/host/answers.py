"""What a model said of one sample, by its task: a class, objects by class, a command by channel, or plain figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from jidoka.config.manifest import Bundle, Output

MOST_VALUES = 16  # of an output that are printed as they are; of a larger one only extremes and mean
MIN_SCORE = 0.3


class Said(Protocol):
    """An answer. counted: what people count it under (classes), each with how often it occurs in this answer."""

    @property
    def counted(self) -> dict[str, int]: ...

    def as_json(self) -> dict[str, Any]: ...


class Answer(NamedTuple):
    """What a classifier said of one picture. confidence: softmax of the logits, 0 to 1."""

    name: str
    confidence: float
    is_good: bool

    @property
    def counted(self) -> dict[str, int]:
        return {self.name: 1}

    def as_json(self) -> dict[str, Any]:
        return {"class": self.name, "confidence": round(self.confidence, 6), "good": self.is_good}


class Detections(NamedTuple):
    """Boxes of a detector at or over min_score, by class, before overlapping ones are joined; best: the top score."""

    boxes: dict[str, int]
    best: float

    @property
    def counted(self) -> dict[str, int]:
        return self.boxes

    def as_json(self) -> dict[str, Any]:
        return {"boxes": self.boxes, "best": _plain(self.best)}


class Command(NamedTuple):
    """A command by the names of its channels; no unit is converted."""

    channels: dict[str, float]

    @property
    def counted(self) -> dict[str, int]:
        return {}

    def as_json(self) -> dict[str, Any]:
        return {"command": {name: _plain(value) for name, value in self.channels.items()}}


class Figures(NamedTuple):
    """The outputs of a model of no known task: short ones as they are, of others lowest, mean and highest value."""

    outputs: dict[str, Any]

    @property
    def counted(self) -> dict[str, int]:
        return {}

    def as_json(self) -> dict[str, Any]:
        return {"outputs": self.outputs}


def answers_of(bundle: Bundle, outputs: Sequence[NDArray[Any]], count: int) -> list[Said]:
    """The answers to a batch of `count` samples in the outputs, which come in the manifest's order.

    An output whose first axis isn't the batch belongs to every sample.
    """
    arrays = [np.asarray(each) for each in outputs]
    split = [
        [array[n : n + 1] if array.ndim > 1 and len(array) == count else array for array in arrays]
        for n in range(count)
    ]
    return [_answer(bundle, each) for each in split]


def _answer(bundle: Bundle, outputs: Sequence[NDArray[Any]]) -> Said:
    by_role = {output.role: (output, values) for output, values in zip(bundle.outputs, outputs, strict=True)}
    if "logits" in by_role and bundle.classes:
        return _class(bundle, by_role["logits"][1])
    if "detections" in by_role and by_role["detections"][0].boxes is not None:
        return _detections(bundle, *by_role["detections"])
    if "command" in by_role:
        return _command(*by_role["command"])
    return Figures(
        {output.name: _figures(values) for output, values in zip(bundle.outputs, outputs, strict=True)}
    )


def _class(bundle: Bundle, values: NDArray[Any]) -> Answer:
    logits = values.astype(np.float64).reshape(-1)
    share = np.exp(logits - logits.max())
    top = int(logits.argmax())
    name = bundle.classes[top]
    return Answer(name, float(share[top] / share.sum()), name in bundle.good_classes)


def _detections(bundle: Bundle, output: Output, values: NDArray[Any]) -> Detections:
    boxes = output.boxes
    assert boxes is not None
    rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
    scores = np.ones(len(rows)) if boxes.score is None else rows[:, boxes.score]
    tops = np.zeros(len(rows), np.intp)
    if boxes.classes is not None:
        columns = rows[:, boxes.classes :]
        tops = columns.argmax(axis=1) if columns.size else tops
        scores = scores * columns.max(axis=1, initial=0.0)
    least = MIN_SCORE if output.min_score is None else output.min_score
    found = np.bincount(tops[scores >= least])
    names = bundle.classes
    counts = {
        names[index] if index < len(names) else f"class {index}": int(n) for index, n in enumerate(found) if n
    }
    return Detections(counts, float(scores.max(initial=0.0)))


def _command(output: Output, values: NDArray[Any]) -> Command:
    flat = values.astype(np.float64).reshape(-1)
    names = [each.name for each in output.channels or ()]
    names += [f"{output.name}[{n}]" for n in range(len(names), len(flat))]
    return Command({name: float(value) for name, value in zip(names, flat, strict=False)})


def _figures(values: NDArray[Any]) -> Any:
    flat = values.astype(np.float64).reshape(-1)
    if flat.size <= MOST_VALUES:
        return [_plain(each) for each in flat]
    known = flat[np.isfinite(flat)]
    spread = (known.min(), known.mean(), known.max()) if known.size else (np.nan,) * 3
    figures: dict[str, Any] = {"shape": list(values.shape)}
    figures.update(zip(("low", "mean", "high"), (_plain(each) for each in spread), strict=True))
    if known.size < flat.size:
        figures["not finite"] = int(flat.size - known.size)
    return figures


def _plain(value: float) -> float | str:
    """A number for JSON, which knows no NaN: those are the words `nan`, `inf` and `-inf`."""
    return round(float(value), 6) if np.isfinite(value) else str(float(value))
