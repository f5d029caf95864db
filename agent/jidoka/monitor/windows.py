"""How far the last records of each stream lie from its baseline, for people; told now and then, alarming never."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline, Key
from jidoka.monitor.distances import Bins, LiveHistogram

Floats = NDArray[np.float64]

#: so many records later a record counts half
HALF_LIFE = 500.0
#: distances of fewer records say more of chance than of the line
LEAST_RECORDS = 100.0
#: rows that wait until they are asked about; of a faster line some are left out
MOST_ROWS = 1024


class Windows:
    """The live histograms of one model. names: of its V features, in the order of the values.

    Rows are only kept by `add_all`, and sorted into histograms by `distances`: nothing is computed while an application waits.

    >>> from jidoka.monitor.baseline import Baseline
    >>> records = np.linspace(0.0, 1.0, 1000)[:, None]
    >>> baseline = Baseline("camera", "", 7, 0, ("brightness",), records, 10.0, "")
    >>> windows = Windows(("brightness",), {(7, 0): baseline})
    >>> windows.add_all((7, 0), np.linspace(0.5, 1.0, 400)[:, None])
    >>> round(windows.distances((7, 0))["brightness"]["ks"], 1)
    0.5
    """

    def __init__(self, names: Sequence[str], baselines: Mapping[Key, Baseline]) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self._baselines = baselines
        self._histograms: dict[Key, dict[str, LiveHistogram]] = {}
        self._rows: dict[Key, list[Floats]] = {}

    def add_all(self, key: Key, rows: Floats) -> None:
        """Features of records, (n, V), in the order they came."""
        if key in self._baselines:
            kept = self._rows.setdefault(key, [])
            room = MOST_ROWS - sum(map(len, kept))
            if room > 0:
                kept.append(rows[:room])

    def distances(self, key: Key) -> dict[str, dict[str, float]]:
        """By feature and name, of the stream's last records; features that have too few are left out."""
        baseline = self._baselines.get(key)
        if baseline is None:
            return {}
        histograms = self._histograms.get(key)
        if histograms is None:
            histograms = self._histograms[key] = self._begun(baseline)
        rows = np.concatenate([np.empty((0, len(self._places))), *self._rows.pop(key, [])])
        found = {}
        for name, live in histograms.items():
            live.add_all(rows[:, self._places[name]])
            if live.records >= LEAST_RECORDS:
                found[name] = {
                    which: round(value, 4)
                    for which, value in live.distances().items()
                    if math.isfinite(value)
                }
        return found

    def _begun(self, baseline: Baseline) -> dict[str, LiveHistogram]:
        return {
            name: LiveHistogram(Bins(column), HALF_LIFE)
            for name, column in zip(baseline.names, baseline.records.T, strict=True)
            if name in self._places and not np.isnan(column).all()
        }
