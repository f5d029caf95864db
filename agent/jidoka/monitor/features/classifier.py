"""Features of a classifier's answer: how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from jidoka.monitor.features.port import Port
from jidoka.monitor.features.views import rows
from jidoka.monitor.kernels.output import DRIFTING, OUTPUT_FEATURES, classifier_features


class Classifier:
    """What class scores (last axis) tell, averaged over the batch, and how many came where the manifest leaves it open.

    spec: the entry; prefix: of the features' names, where a model has several such outputs; temperature: divides the
    scores.
    """

    kernels = (classifier_features,)

    def __init__(self, spec: Mapping[str, Any], prefix: str, temperature: float = 1.0) -> None:
        self._counts = Port(spec).has_free_size
        names = (*OUTPUT_FEATURES, "outputs") if self._counts else OUTPUT_FEATURES
        self.names = tuple(prefix + name for name in names)
        self.groups = {"confidence": self.names[:DRIFTING] + self.names[len(OUTPUT_FEATURES) :]}
        self.confidence = self.names[0]
        self.top_class = -1
        self._temperature = temperature

    def read(self, array: NDArray[Any], values: NDArray[Any], at: int) -> int:
        """Fill the values of `names` from `at` on, and `top_class` of the first row; returns how many aren't finite."""
        self.top_class, bad = classifier_features(rows(array, is_exact=True), self._temperature, values, at)
        if self._counts and not bad:
            values[at + len(OUTPUT_FEATURES)] = array.size
        return int(bad)
