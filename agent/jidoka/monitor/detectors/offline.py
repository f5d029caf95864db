"""A baseline's detector over recorded streams: what benches, rehearsals, sensitivity and replay simulate with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.arming import arm, run_alarms
from jidoka.monitor.detectors.reference import freeze

Floats = NDArray[np.float64]


class Offline:
    """One group of features over whole streams, bit for bit as the live stream judges the same records.

    names: F features; records: (n, F) of the baseline, in the order they came, NaN = none; limit: A, in records; seed: as
    of the generator that a live stream draws its ties from; slowest_cycle: of the process, in records, 0 = none declared;
    covariates: of names, which explain the others; stakes: "full", or "location" for bets on steps alone; bias: is added to what is fitted (`whiten`), for tests of the
    promise. faults: why the whole may not arm, empty = armed; refused: feature -> why it leaves the group.

    >>> rng = np.random.default_rng(1)
    >>> offline = Offline(("brightness",), rng.standard_normal((1000, 1)), limit=1e4)
    >>> offline.faults, offline.first_alarm(rng.standard_normal((500, 1)) + 2.0) < 20
    ([], True)
    """

    def __init__(  # noqa: PLR0917 - options have defaults
        self, names: tuple[str, ...], records: Floats, limit: float, seed: int = 1, slowest_cycle: float = 0.0,
        stakes: str = "full", bias: float = 0.0, covariates: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.names = tuple(names)
        self.limit = limit
        records = np.asarray(records, np.float64)
        places = tuple(self.names.index(name) for name in covariates)
        self.reference = freeze(self.names, records, bias, places)
        self._ties = ties_of(np.random.default_rng(seed))
        found = arm(self.reference, records, tuple(range(len(names))), limit, slowest_cycle, stakes, bias)
        self.members, self.constants, self.refused = found.members, found.constants, found.refused
        self.faults = [] if found.members.size else [f"{name} {why}" for name, why in found.refused.items()]

    def _run(self, stream: Floats, most: int | None) -> NDArray[np.int64]:
        if self.faults:
            return np.zeros(0, np.int64)
        x = np.ascontiguousarray(stream, np.float64)
        return run_alarms(self.reference, x, self.constants, self.limit, self._ties, most, self.members)

    def first_alarm(self, stream: Floats) -> int:
        """The record, counted from 1, of the first alarm in (T, F) records; 0 = none."""
        found = self._run(stream, 1)
        return int(found[0]) if found.size else 0

    def alarms(self, stream: Floats) -> NDArray[np.int64]:
        """Every alarm's record, counted from 1; the statistic restarts after each."""
        return self._run(stream, None)


def ties_of(rng: np.random.Generator) -> int:
    """The first state of the numbers that break ties in one stream."""
    return int(rng.integers(2**63))
