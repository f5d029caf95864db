"""What the watches of a stream share: what the plan asks of each, and the stream's last records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HISTORY = 4096
#: an application may say of a record that it began whenever it likes
LATEST_NS = 2**63 - 1


class Terms(NamedTuple):
    """What the plan asks of a drift condition on one baseline. limit: A; records, error: of the off-test;
    slowest_cycle_s: of the process, 0 = none declared; tolerance: the share that may come beyond the baseline's range, 0
    where any change counts; covariates: features that explain the others, and may move themselves (not of a material
    condition: what lies beyond a range is looked at as it is)."""

    group: str
    limit: float
    records: int
    error: float
    slowest_cycle_s: float = 0.0
    tolerance: float = 0.0
    covariates: tuple[str, ...] = ()


class History:
    """The last records of a stream: part, start and scores, for the onset. Constant memory."""

    def __init__(self, features: int) -> None:
        self.total = 0
        self.last_part = 0
        self.parts = np.zeros(HISTORY, np.uint64)
        self.starts_ns = np.zeros(HISTORY, np.int64)
        self.scores = np.zeros((HISTORY, features), np.float32)
        # the same memory: single numbers are written sooner through these
        self._parts, self._starts_ns = self.parts.data, self.starts_ns.data

    def add(self, part: int, start_ns: int) -> int:
        """The place of a new record, whose scores the caller fills in."""
        at = self.total % HISTORY
        self._parts[at] = self.last_part = part
        self._starts_ns[at] = min(start_ns, LATEST_NS)
        self.total += 1
        return at

    def last(self, count: int) -> NDArray[np.int64]:
        """Places of the last `count` records (as many as are kept), oldest first."""
        kept = min(count, self.total, HISTORY)
        return np.arange(self.total - kept, self.total) % HISTORY
