"""From one record to its features: which tensors matter, what they must look like, and the numbers they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jidoka_tap import wire
from numpy.typing import NDArray

from jidoka.monitor.kernels.frame import FRAME_FEATURES, frame_features
from jidoka.monitor.kernels.output import OUTPUT_FEATURES, classifier_features
from jidoka.monitor.verdicts import INVALID_OUTPUT, Reason

Floats = NDArray[np.float64]

FEATURES: tuple[str, ...] = FRAME_FEATURES + OUTPUT_FEATURES
#: which features a condition's group means
GROUPS: dict[str, tuple[str, ...]] = {
    "input": FRAME_FEATURES,
    "confidence": OUTPUT_FEATURES,
    "all": FEATURES,
}
_FRAMES = slice(0, len(FRAME_FEATURES))
_OUTPUTS = slice(len(FRAME_FEATURES), len(FEATURES))


class Extract(NamedTuple):
    """What one record shows. values: (6,) in the order of FEATURES, NaN = not available; top_class: -1 = none."""

    values: Floats
    top_class: int
    reasons: Reason


class Extractor:
    """Reads the records of one connection of one model.

    section: the model's entry of Plan.sections["models"]; inputs, outputs: the tap's names, which its tensor
    indices count. The picture is the first monitored input with a layout, the answer the first output with the
    role logits.
    """

    def __init__(self, section: Mapping[str, Any], inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.outputs = list(outputs)
        self.inputs = list(inputs)
        self.output_specs = {each["name"]: each for each in section["outputs"]}
        self.temperature = float(section.get("temperature") or 1.0)
        self.min_confidence = section.get("min_confidence")
        self.logits = next((each["name"] for each in section["outputs"] if each["role"] == "logits"), None)
        picture = next(
            (each for each in section["inputs"] if each.get("monitored") and each.get("layout") in _AXES),
            None,
        )
        spec = picture or {}
        self.picture = spec.get("name")
        self.layout = spec.get("layout") or ""
        self.is_bgr = str(spec.get("colour") or "").lower() == "bgr"
        low, high = spec.get("range") or (0.0, 255.0)
        self.scale = 255.0 / (float(high) - float(low))
        self.offset = -float(low) * self.scale

    def extract(self, record: wire.Record) -> Extract:
        """Features and faults of one record. Raises nothing for a record that the wire let through."""
        values = np.full(len(FEATURES), np.nan)
        reasons = Reason(0)
        top_class = -1
        has_answer = False
        for tensor in record.tensors:
            names = self.outputs if tensor.role == wire.OUTPUT else self.inputs
            name = names[tensor.index] if tensor.index < len(names) else None
            if tensor.role == wire.OUTPUT and name in self.output_specs:
                reasons |= fault_of(tensor, self.output_specs[name])
                if name == self.logits:
                    has_answer = True
                    if tensor.array is None:
                        reasons |= Reason.OUTPUT_NOT_SENT
                    elif tensor.array.size == 0:
                        reasons |= Reason.OUTPUT_MISSING
                    elif not reasons & Reason.OUTPUT_SHAPE:
                        top_class = self._answer(tensor.array, values)
            elif tensor.role == wire.INPUT and name == self.picture and tensor.array is not None:
                frames = as_frames(tensor.array, self.layout, self.is_bgr)
                if frames is not None and frame_features(frames, self.scale, self.offset, values[_FRAMES]):
                    reasons |= Reason.INPUT_NOT_FINITE
        if self.logits is not None and not has_answer:
            reasons |= Reason.OUTPUT_MISSING
        confidence = values[len(FRAME_FEATURES)]
        if self.min_confidence is not None and confidence < self.min_confidence:
            reasons |= Reason.LOW_CONFIDENCE
        if reasons & INVALID_OUTPUT:
            values[_OUTPUTS] = np.nan
        return Extract(values, top_class, reasons)

    def _answer(self, array: NDArray[Any], values: Floats) -> int:
        rows = np.array(array, np.float64).reshape(-1, array.shape[-1] if array.ndim else 1)
        return int(classifier_features(rows, self.temperature, values[_OUTPUTS])[0])


def fault_of(tensor: wire.Tensor, spec: Mapping[str, Any]) -> Reason:
    """What is wrong with an output, by its manifest entry: shape (a name stands for any size), type, NaN, infinity."""
    shape = spec.get("shape") or []
    is_right = len(shape) == len(tensor.shape) and all(
        not isinstance(want, int) or want < 0 or want == have
        for want, have in zip(shape, tensor.shape, strict=True)
    )
    if not is_right or (tensor.dtype is not None and tensor.dtype.name != spec.get("dtype")):
        return Reason.OUTPUT_SHAPE
    if tensor.array is not None and tensor.array.dtype.kind == "f" and not np.isfinite(tensor.array).all():
        return Reason.OUTPUT_NOT_FINITE
    return Reason(0)


#: layout -> axes that make (N, H, W, C) of it; None = an axis of length 1
_AXES: dict[str, tuple[int | None, ...]] = {
    "NCHW": (0, 2, 3, 1),
    "NHWC": (0, 1, 2, 3),
    "CHW": (None, 1, 2, 0),
    "HWC": (None, 0, 1, 2),
    "NHW": (0, 1, 2, None),
    "HW": (None, 0, 1, None),
}


def as_frames(array: NDArray[Any], layout: str, is_bgr: bool) -> NDArray[Any] | None:
    """A view (N, H, W, C), uint8 or float32, channels as red, green, blue. None if the rank doesn't fit the layout."""
    if array.ndim != len(layout) or array.size == 0:
        return None
    if array.dtype != np.uint8 and (array.dtype != np.float32 or not array.flags.aligned):
        array = array.astype(np.float32)
    axes = _AXES[layout]
    view = array.transpose([axis for axis in axes if axis is not None])
    view = np.expand_dims(view, [place for place, axis in enumerate(axes) if axis is None])
    return view[..., ::-1] if is_bgr and view.shape[-1] == 3 else view
