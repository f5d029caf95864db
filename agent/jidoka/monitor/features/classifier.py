"""Features of a classifier's answer: how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from jidoka.monitor.features.views import rows
from jidoka.monitor.kernels.output import OUTPUT_FEATURES, classifier_features


class Classifier:
    """Top-1 confidence and entropy of class scores (last axis), averaged over the batch.

    prefix: of the features' names, where a model has several such outputs; temperature: divides the scores.
    """

    def __init__(self, spec: Mapping[str, Any], prefix: str, temperature: float = 1.0) -> None:
        del spec
        self.names = tuple(prefix + name for name in OUTPUT_FEATURES)
        self.groups = {"confidence": self.names}
        self.confidence = self.names[0]
        self.top_class = -1
        self._temperature = temperature

    def read(self, array: NDArray[Any], values: NDArray[Any], at: int) -> int:
        """Fill values[at:at + 2] and `top_class` of the first row; returns how many scores aren't finite."""
        self.top_class, bad = classifier_features(
            rows(array, is_exact=True), self._temperature, values[at : at + 2]
        )
        return int(bad)
