"""Features of an embedding: where it lies among those of the commissioning, and whether its like move to one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.features.embedding_fit import Fit
from jidoka.monitor.features.plain import is_float
from jidoka.monitor.features.views import rows
from jidoka.monitor.kernels.detections import count_not_finite
from jidoka.monitor.kernels.embedding import AXES, EMBEDDING_FEATURES, J, K, embedding_features

Key = tuple[int, int]
#: more dimensions than this are a picture rather than an embedding
MOST_DIMENSIONS = 16_384


def dimensions_of(spec: Mapping[str, Any]) -> int:
    """D of an output with the role embedding; 0: it is none, or the manifest doesn't tell.

    [batch, D]; [batch, tokens, D] is averaged over the tokens; [batch, D, rows, columns] over the picture.
    """
    shape: Sequence[Any] = spec.get("shape") or ()
    if spec.get("role") != "embedding" or not is_float(spec) or len(shape) not in {2, 3, 4}:
        return 0
    size = shape[1] if len(shape) == 4 else shape[-1]
    return size if isinstance(size, int) and 2 <= size <= MOST_DIMENSIONS else 0


class Embedding:
    """Distances and coordinates of an embedding against the fit of its recipe and position; NaN where there is none.

    Each (recipe, position) has a memory of its last records of its own. With `is_kept`, `rows` holds the embeddings of
    the last record, (N, D) float32, for who fits them; else nothing of a record is held on to.
    """

    kernels = (embedding_features,)

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.name = str(spec["name"])
        dimensions = dimensions_of(spec)
        axes = min(AXES, max(1, dimensions // 2))
        self._places = [f for f, name in enumerate(EMBEDDING_FEATURES) if name not in _axes_beyond(axes)]
        self.names = tuple(f"{self.name}.{EMBEDDING_FEATURES[f]}" for f in self._places)
        self.groups = {"embedding": self.names}
        self.confidence = ""
        self.is_kept = False
        self.rows: NDArray[np.float32] | None = None
        self._u, self._sums, self._phi = (
            np.empty(dimensions, np.float32),
            np.empty(K + 1 + J),
            np.empty(J, np.float32),
        )
        self._values = np.empty(len(EMBEDDING_FEATURES))
        self._fits: dict[Key, Fit] = {}
        self._recent: dict[Key, NDArray[np.float64]] = {}
        self._key: Key = (0, 0)

    def use(self, key: Key, fit: Fit) -> None:
        """What records of this (recipe, position) are held against; what was remembered of them is forgotten."""
        if fit.dimensions == self._u.size:
            self._fits[key] = fit
            self._recent[key] = np.zeros(K + 2 + J)

    def of(self, key: Key) -> None:
        """The next record is of this (recipe, position)."""
        self._key = key
        self.rows = None

    def read(self, array: NDArray[Any], values: NDArray[Any], at: int) -> int:
        """Fill the values of `names` from `at` on; returns how many numbers aren't finite."""
        table = rows(_averaged(array))
        fit = self._fits.get(self._key)
        if fit is None or table.shape[1] != self._u.size:
            bad = int(count_not_finite(table.reshape(-1)))
        else:
            found = self._values
            bad = int(
                embedding_features(
                    table, fit.basis, fit.waves, fit.terms, self._recent[self._key], self._u, self._sums, self._phi,
                    found, 0,
                )
            )  # fmt: skip
            values[at : at + len(self._places)] = found[self._places]
        if self.is_kept and not bad and table.shape[1] == self._u.size:
            self.rows = table
        return bad


def _axes_beyond(count: int) -> set[str]:
    return {f"axis{k + 1}" for k in range(count, AXES)}


def _averaged(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 4 and array.size:
        return np.asarray(array.mean(axis=(2, 3), dtype=np.float32))
    return np.asarray(array.mean(axis=1, dtype=np.float32)) if array.ndim == 3 and array.size else array
