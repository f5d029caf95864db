"""Features of numbers of which only the type is known, and of inputs whose entries have names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.features.port import Port
from jidoka.monitor.features.views import flat, rows
from jidoka.monitor.kernels.detections import count_not_finite
from jidoka.monitor.kernels.plain import BINS, PLAIN_FEATURES, entry_means, plain_features

_FLOATS = ("float16", "float32", "float64")


def is_float(spec: Mapping[str, Any]) -> bool:
    """True if the entry's numbers have features at all: whole numbers are names or places more often than measures."""
    return spec.get("dtype") in _FLOATS


class Plain:
    """Mean, spread, levels and largest size of all numbers of an output or input, and how many came where that is free.

    spec: the entry; group: of the features.
    """

    kernels = (plain_features,)

    def __init__(self, spec: Mapping[str, Any], group: str) -> None:
        self.names = tuple(f"{spec['name']}.{name}" for name in PLAIN_FEATURES)
        self._counts = Port(spec).has_free_size
        if self._counts:
            self.names += (f"{spec['name']}.size",)
        self.groups = {group: self.names}
        self.confidence = ""
        self._histogram = np.zeros(BINS, np.uint32)

    def read(self, array: NDArray[Any], values: NDArray[Any], at: int) -> int:
        """Fill values[at:at + 5 or 6]; returns how many numbers aren't finite."""
        if array.dtype == np.float64 and (bad := count_not_finite(flat(array, is_exact=True))):
            return int(bad)  # the largest would be infinite as float32 only
        bad = plain_features(_within_float32(array), self._histogram, values, at)
        if self._counts and not bad:
            values[at + 5] = array.size
        return int(bad)


class Entries:
    """Each named entry (last axis) of an input, as a mean over the batch. spec: the entry, with `channels`."""

    kernels = (entry_means,)

    def __init__(self, spec: Mapping[str, Any], group: str) -> None:
        self.names = tuple(f"{spec['name']}.{name}" for name in names_of(spec))
        self.groups = {group: self.names}
        self.confidence = ""

    def read(self, array: NDArray[Any], values: NDArray[Any], at: int) -> int:
        """Fill values[at:at + entries]; returns how many numbers aren't finite."""
        table = rows(array)
        if table.shape[1] != len(self.names):
            return int(count_not_finite(flat(array)))
        return int(entry_means(table, values, at))


def names_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the entries of the last axis, as the manifest gives them: texts, or tables with a name."""
    return tuple(
        str(each["name"]) if isinstance(each, Mapping) else str(each) for each in spec.get("channels") or ()
    )


def _within_float32(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.float64:
        most = np.finfo(np.float32).max
        array = np.clip(array, -most, most)
    return flat(array)
