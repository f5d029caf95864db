"""The off-test: do the last n fresh records lie where the baseline lay?"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels.judge import level_step

Floats = NDArray[np.float64]


class LevelTest:
    """Normal-score location test (van der Waerden 1952) on n fresh records, two-sided, Bonferroni over the group.

    terms: (M,) variance terms v, 1 if left out. For each feature the mean of n normal scores Φ⁻¹(rank / (N + 1)) against the N reference records has variance
    v(1/n + 1/N) when nothing has changed, v the variance term of n records; the baseline is rejected when any |mean|
    exceeds Φ⁻¹(1 − error/(2M)) of its root. error is the chance of rejecting a good baseline, for the whole group. Blocks don't overlap: a judgement
    falls each time every live feature has n scores.

    >>> test = LevelTest(np.array([0]), np.array([10_000]), records=20, error=0.01)
    >>> judged = [test.update(np.array([0.1])) for _ in range(20)]
    >>> judged[0], judged[-1]
    (None, True)
    """

    def __init__(
        self, members: NDArray[np.int64], counts: NDArray[np.int64], records: int, error: float,
        terms: Floats | None = None,
    ) -> None:  # fmt: skip
        self.members = members
        self.needed = records
        #: fresh records of the feature that has fewest, among those that were seen at all
        self.taken = 0
        limit = NormalDist().inv_cdf(1.0 - error / (2.0 * members.size))
        self._limits: Floats = limit * np.sqrt(
            (1.0 if terms is None else terms) * (1.0 / records + 1.0 / counts[members])
        )
        self._sums: Floats = np.zeros((2, members.size))
        self._taken = np.zeros(members.size, np.int64)

    def restart(self) -> None:
        """Forget the records taken so far."""
        self._sums[:] = 0.0
        self._taken[:] = 0
        self.taken = 0

    def update(self, z: Floats, highest: Floats | None = None) -> bool | None:
        """Take one record's scores, (F,), or the lowest and the highest that they may be. True: baseline accepted; False:
        rejected; None: not judged yet."""
        most = z if highest is None else highest
        judged, self.taken = level_step(
            z, most, self.members, self._sums, self._taken, self.needed, self._limits
        )
        if judged < 0:
            return None
        self.restart()
        return bool(judged)
