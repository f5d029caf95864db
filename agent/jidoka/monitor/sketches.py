"""Distributions of a model's features, small enough to be sent, and mergeable by anybody: KLL sketches, hourly.

Source: Karnin, Lang, Liberty 2016, in the binary format of Apache DataSketches, so that any of its libraries (C++,
Java, Python, PostgreSQL) reads and merges them, across devices and months.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import datasketches
import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.baseline import Key

Floats = NDArray[np.float64]

#: 1.33 % error of a rank, about 2.5 kB a feature
SIZE = 200
#: streams that are sketched; more of them (a recipe number that runs wild) are counted only
MOST_STREAMS = 64
#: what so few records show isn't told: a cell of few is about persons or single parts
LEAST_RECORDS = 100


class _Stream:
    """The sketches of one (recipe, position), and how many records they are of."""

    def __init__(self, features: int, now_ns: int) -> None:
        self.since_ns = now_ns
        self.records = 0
        self.sketches = [datasketches.kll_floats_sketch(SIZE) for _ in range(features)]

    def add_all(self, rows: Floats) -> None:
        self.records += len(rows)
        with np.errstate(over="ignore"):  # becomes infinite, and is left out as such
            columns = rows.astype(np.float32).T
        for sketch, column in zip(self.sketches, columns, strict=True):
            # NaN is "none", and an infinite value isn't one that a distribution has
            sketch.update(column[np.isfinite(column)])


class Sketches:
    """Feeds a sketch for every feature of every (recipe, position) of one model; constant memory.

    names: the V features, in the order of the values. left_out: records of streams beyond MOST_STREAMS.

    >>> sketches = Sketches(("brightness",))
    >>> sketches.add_all((7, 0), np.arange(1000.0)[:, None], 0)
    >>> (told,) = sketches.take(1000)
    >>> told["recipe"], told["records"], told["feature"]
    (7, 1000, 'brightness')
    >>> sketch = datasketches.kll_floats_sketch.deserialize(base64.b64decode(told["kll"]))
    >>> abs(sketch.get_quantile(0.5) - 500) < 30
    True
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.left_out = 0
        self._streams: dict[Key, _Stream] = {}

    def add_all(self, key: Key, rows: Floats, since_ns: int) -> None:
        """Features of records, (n, V) float64, NaN = none: one call for many costs a tenth. since_ns: of the first of them."""
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= MOST_STREAMS:
                self.left_out += len(rows)
                return
            stream = self._streams[key] = _Stream(len(self.names), since_ns)
        stream.add_all(rows)

    def take(self, now_ns: int) -> Iterator[dict[str, Any]]:
        """What was seen since each was taken last, one a feature; sketches start anew. Streams of few records go on."""
        for key, stream in [*self._streams.items()]:
            if stream.records < LEAST_RECORDS:
                continue
            del self._streams[key]
            for name, sketch in zip(self.names, stream.sketches, strict=True):
                if sketch.n >= LEAST_RECORDS:
                    yield {
                        "recipe": key[0],
                        "position": key[1],
                        "feature": name,
                        "from_ns": stream.since_ns,
                        "to_ns": now_ns,
                        "records": sketch.n,
                        "kll": base64.b64encode(sketch.serialize()).decode(),
                    }
