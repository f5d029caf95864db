"""Parts: the verdict on a part, which is the worst of its records', and a part's features, which are their mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels.judge import add_up

Floats = NDArray[np.float64]

#: so many parts are remembered: those of a line that has this many between camera and ejector would be too long
MOST_PARTS = 4096


class PartVerdicts:
    """The worst verdict so far of each of the last MOST_PARTS parts, over all records and models.

    >>> verdicts = PartVerdicts()
    >>> [verdicts.add(7, verdict) for verdict in (0, 2, 1)]
    [0, 2, 2]
    >>> verdicts.of(7), verdicts.of(8)
    (2, None)
    """

    def __init__(self) -> None:
        self._worst: dict[int, int] = {}

    def add(self, part: int, verdict: int) -> int:
        """A record of this part was judged; returns the part's verdict. Part 0 is no part: nothing is kept."""
        if not part:
            return verdict
        worst = self._worst.get(part)
        if worst is None:
            if len(self._worst) >= MOST_PARTS:
                del self._worst[next(iter(self._worst))]  # the one that began first
        elif worst >= verdict:
            return worst
        self._worst[part] = verdict
        return verdict

    def of(self, part: int) -> int | None:
        """The verdict of a part so far; None if it isn't (or no longer) known."""
        return self._worst.get(part)


class Part(NamedTuple):
    """A part that ended. values: (V,) means over its records, NaN where no record had the feature."""

    number: int
    start_ns: int
    values: Floats


class PartMean:
    """Averages the features of the records of one part; a part ends when another number comes.

    A part of which any record was invalid is left out and counted, and so is a record without a number: whose mean
    would it belong to? One of these for each (recipe, position).
    """

    def __init__(self, features: int) -> None:
        self.left_out = 0
        self.without_number = 0
        self._number = 0
        self._start_ns = 0
        self._is_valid = True
        self._sums = np.zeros(features)
        self._counts = np.zeros(features, np.int64)

    def take(self, number: int, values: Floats, start_ns: int, *, is_valid: bool) -> Part | None:
        """One record of a part; returns the part before it if that ended with it and is valid.

        values: (V,); is_valid: may be judged: it is no invalid output, and the machine was running.
        """
        if not number:
            self.without_number += 1
            return None
        ended = None
        if number != self._number:
            ended = self._end()
            self._number, self._start_ns = number, start_ns
        if is_valid:
            add_up(values, self._sums, self._counts)
        else:
            self._is_valid = False
        return ended

    def start_afresh(self) -> None:
        """What has begun counts for nothing: it isn't known which of its records are fresh."""
        self._is_valid = False

    def _end(self) -> Part | None:
        part = None
        if self._number and self._is_valid:
            with np.errstate(invalid="ignore"):
                part = Part(self._number, self._start_ns, self._sums / self._counts)
        elif self._number:
            self.left_out += 1
        self._sums[:] = 0.0
        self._counts[:] = 0
        self._is_valid = True
        return part
