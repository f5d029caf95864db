"""Features of a detector's answer, before any suppression of boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.features.views import flat
from jidoka.monitor.kernels.detections import DETECTION_FEATURES, detection_features

#: how sure the detector is; the others tell what it found
_SURENESS = ("top_score", "mean_score", "high_score", "mean_class", "class_confidence", "class_entropy")


#: a box counts from here where the manifest doesn't say
MIN_SCORE = 0.3


def has_boxes(spec: Mapping[str, Any]) -> bool:
    """True if the manifest says which columns are boxes and scores."""
    boxes: Mapping[str, Any] = spec.get("boxes") or {}
    return boxes.get("score") is not None or boxes.get("classes") is not None


class Detections:
    """Boxes in an array (batch, anchors, columns); which column is what says the manifest's `boxes`.

    spec: the output's entry; prefix: of the features' names, where a model has several such outputs.
    """

    kernels = (detection_features,)

    def __init__(self, spec: Mapping[str, Any], prefix: str, temperature: float = 1.0) -> None:
        del temperature
        boxes: Mapping[str, Any] = spec.get("boxes") or {}
        self.names = tuple(prefix + name for name in DETECTION_FEATURES)
        sureness = tuple(prefix + name for name in _SURENESS)
        self.groups = {"confidence": sureness, "output": self.names}
        self.confidence = prefix + "top_score"
        score, classes = boxes.get("score"), boxes.get("classes")
        self._score = -1 if score is None else int(score)
        self._classes = -1 if classes is None else int(classes)
        self._columns = 1 + max(3, self._score, self._classes)
        self._is_corners = boxes.get("format") == "xyxy"
        width, height = boxes.get("size") or (1, 1)
        self._width, self._height = float(width), float(height)
        self._min_score = float(spec["min_score"] if spec.get("min_score") is not None else MIN_SCORE)

    def read(self, array: NDArray[Any], values: NDArray[Any], at: int) -> int:
        """Fill values[at:at + 11]; returns how many numbers aren't finite. Too few columns give nothing."""
        if array.ndim != 3 or array.shape[2] < self._columns:
            return int(np.count_nonzero(~np.isfinite(array)))
        boxes = flat(array).reshape(array.shape)
        return int(
            detection_features(
                boxes, self._score, self._classes, self._is_corners, self._width, self._height,
                self._min_score, values, at,
            )
        )  # fmt: skip
