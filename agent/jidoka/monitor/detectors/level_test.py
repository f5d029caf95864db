"""The off-test: do the last n fresh records lie where the baseline lay?"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels.bets import PLAIN

Floats = NDArray[np.float64]


class LevelTest:
    """Normal-score location test (van der Waerden 1952) on n fresh records, two-sided, Bonferroni over the group.

    For each feature the mean of n normal scores Φ⁻¹(rank / (N + 1)) against the N reference records has variance
    1/n + 1/N when nothing has changed; the baseline is rejected when any |mean| exceeds Φ⁻¹(1 − error/(2M)) of
    it. error is the chance of rejecting a good baseline, for the whole group. Blocks don't overlap: a judgement
    falls each time every live feature has n scores.

    >>> test = LevelTest(np.array([0]), np.array([10_000]), records=20, error=0.01)
    >>> judged = [test.update(np.array([[0.0, 0.0, 0.1]])) for _ in range(20)]
    >>> judged[0], judged[-1]
    (None, True)
    """

    def __init__(
        self, members: NDArray[np.int64], counts: NDArray[np.int64], records: int, error: float
    ) -> None:
        self.members = members
        self.needed = records
        limit = NormalDist().inv_cdf(1.0 - error / (2.0 * members.size))
        self._limits: list[float] = [limit * math.sqrt(1.0 / records + 1.0 / n) for n in counts[members]]
        self.restart()

    def restart(self) -> None:
        """Forget the records taken so far."""
        self._sums = [0.0] * self.members.size
        self._taken = [0] * self.members.size
        self._is_live = [False] * self.members.size

    @property
    def taken(self) -> int:
        """Fresh records of the feature that has fewest, among those that were seen at all; at most `needed`."""
        live = [n for n, is_live in zip(self._taken, self._is_live, strict=True) if is_live]
        return min(live, default=0)

    def update(self, z: Floats) -> bool | None:
        """Take one record's scores, (F, 3). True: baseline accepted; False: rejected; None: not judged yet."""
        for m, row in enumerate(self.members):
            score = float(z[row, PLAIN])
            if not math.isnan(score):
                self._is_live[m] = True
                if self._taken[m] < self.needed:
                    self._sums[m] += score
                    self._taken[m] += 1
        if self.taken < self.needed:
            return None
        is_level = all(
            abs(total) / self.needed <= limit
            for total, limit, is_live in zip(self._sums, self._limits, self._is_live, strict=True)
            if is_live
        )
        self.restart()
        return is_level
