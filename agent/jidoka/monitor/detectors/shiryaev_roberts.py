"""e-Shiryaev–Roberts: a sequential test whose average run length is at least its limit A, and that can restart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.bank import independent
from jidoka.monitor.kernels.bets import BETS, WEIGHT, advance, head, restart

Floats = NDArray[np.float64]

#: what an alarm says of a feature, and the columns of the bets that speak for it
DIRECTIONS: dict[str, tuple[int, ...]] = {
    "up": (*range(7), *range(21, 28)),
    "down": (*range(7, 14), *range(28, 35)),
    "wider": (14, 15, 16, 20),
    "narrower": (17, 18, 19),
}


class ShiryaevRoberts:
    """The weighted mean of the bets on a group of features, held against A (STATISTICS §3.1).

    members: (M,) rows of the score array that the group watches; limit: A, in records; constants: (M, 8, 7) of each
    member's bank of bets, that of an independent feature with 10 000 reference records if none is given; bets: (M, 35)
    where their statistics lie, its own if none is given (several detectors may then be advanced in one call).
    R_t − t − R_0 is a supermartingale for every bet that is fair, hence for the mean: E[records until an alarm] ≥ A.

    >>> detector = ShiryaevRoberts(np.array([0]), limit=1000.0)
    >>> [detector.update(np.array([2.0])) for _ in range(5)]
    [False, False, False, False, True]
    >>> detector.worst()
    (0, 'up')
    """

    def __init__(
        self,
        members: NDArray[np.int64],
        limit: float,
        constants: Floats | None = None,
        bets: Floats | None = None,
    ) -> None:
        self.members = members
        self.limit = limit
        self.constants = independent(members.size, limit) if constants is None else constants
        self.bets: Floats = np.zeros((members.size, BETS)) if bets is None else bets
        #: what the statistic begins with, so that an alarm comes at limit + head
        self.head = float(head(self.constants))
        self.restart()

    def update(self, z: Floats) -> bool:
        """Take one record's scores, (F,); True once the statistic reaches the limit. Restart after that."""
        return self.advanced(float(advance(self.bets, z, self.members, self.constants)))

    def advanced(self, statistic: float) -> bool:
        """Take note that the bets were advanced by one record elsewhere, to this mean; as `update`."""
        beyond = statistic - self.head
        self.statistic = beyond if beyond > 0.0 else 0.0  # noqa: FURB136 - a call costs as much as all the rest here
        self.records += 1
        return beyond >= self.limit

    def restart(self) -> None:
        """Forget everything seen so far; the limit stays."""
        restart(self.bets, self.constants)
        self.statistic = 0.0
        self.records = 0

    def _spoken(self) -> Floats:
        """(M, 35) each bet's statistic with its weight."""
        weights = self.constants[:, WEIGHT]
        return self.bets * np.repeat(weights[:, :3], (14, 7, 14), axis=1)

    def shares(self) -> Floats:
        """(M,) natural log of each member's own statistic; -inf where it has none."""
        with np.errstate(divide="ignore"):
            logs: Floats = np.log(self._spoken().sum(axis=1))
        return logs

    def worst(self) -> tuple[int, str]:
        """(row of the score array, direction of DIRECTIONS) of the member and kind of change that speak loudest."""
        spoken = self._spoken()
        sides = np.array([spoken[:, list(columns)].sum(axis=1) for columns in DIRECTIONS.values()])
        side, member = np.unravel_index(int(sides.argmax()), sides.shape)
        return int(self.members[member]), tuple(DIRECTIONS)[side]
