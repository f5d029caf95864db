"""Material drift of one stream: a condition's share test and off-test over the records of one (recipe, position)."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline
from jidoka.monitor.conditions import OFF, ON, UNKNOWN
from jidoka.monitor.detectors.material import SIDES, Shares
from jidoka.monitor.kernels.material import ABOVE, ABSENT, BELOW, share_step
from jidoka.monitor.terms import HISTORY, History, Terms
from jidoka.monitor.verdicts import Reason

Floats = NDArray[np.float64]

#: log-likelihood below the best start that still belongs to the interval of the onset, as of tests of change
ONSET_DEPTH = 5.5


class ShareTest:
    """The mean of the bets on a group of features, held against A; `records` since the last restart."""

    def __init__(self, shares: Shares, limit: float) -> None:
        self.shares = shares
        self.limit = limit
        members, bets = shares.odds.shape
        self.counts = np.zeros(members, np.int64)
        self.beyond = np.zeros((members, 2), np.int64)
        self.bets: Floats = np.zeros((members, 2, bets))
        self.statistic = 0.0
        self.records = 0

    def update(self, values: Floats, columns: NDArray[np.int64], marks: NDArray[np.uint8]) -> bool | None:
        """Take one record's features, (V,); True at an alarm, None if it has none of them. marks: (M,), filled."""
        of = self.shares
        statistic = share_step(
            values, columns, of.low, of.high, of.allowed, of.blocks, of.odds, self.counts, self.beyond, self.bets, marks
        )  # fmt: skip
        if math.isnan(statistic):
            return None
        self.statistic = statistic
        self.records += 1
        return bool(statistic >= self.limit)

    def restart(self) -> None:
        """Forget everything seen so far; the limit stays."""
        self.counts[:] = 0
        self.beyond[:] = 0
        self.bets[:] = 0.0
        self.statistic = 0.0
        self.records = 0

    def worst(self) -> tuple[int, int]:
        """(member, side of SIDES) of the bets that speak loudest."""
        member, side = np.unravel_index(int(self.bets.sum(axis=2).argmax()), self.beyond.shape)
        return int(member), int(side)


class ShareLevel:
    """The off-test: do no more of the last n fresh records lie beyond the range than is allowed? Blocks don't overlap.

    records: n; error: chance of rejecting a line on which as much as allowed lies beyond, for the whole group, taken as
    a normal law's whose variance grows with how long a feature remembers.
    """

    def __init__(self, shares: Shares, records: int, error: float) -> None:
        self.needed = records
        deviates = NormalDist().inv_cdf(1.0 - error / (4.0 * max(1, shares.members.size)))
        allowed = shares.allowed
        self._limits = allowed + deviates * np.sqrt(allowed * (1.0 - allowed) * shares.taus / records)
        self._beyond = np.zeros((shares.members.size, 2), np.int64)
        self._taken = np.zeros(shares.members.size, np.int64)

    @property
    def taken(self) -> int:
        """Fresh records of the feature that has fewest, among those that were seen at all."""
        seen = self._taken[self._taken > 0]
        return int(seen.min(initial=self.needed)) if seen.size else 0

    def restart(self) -> None:
        """Forget the records taken so far."""
        self._beyond[:] = 0
        self._taken[:] = 0

    def update(self, marks: NDArray[np.uint8]) -> bool | None:
        """Take one record's marks. True: the range is kept again; False: it isn't; None: not judged yet."""
        open_ = (marks != ABSENT) & (self._taken < self.needed)
        self._taken += open_
        self._beyond[:, 0] += open_ & (marks == BELOW)
        self._beyond[:, 1] += open_ & (marks == ABOVE)
        if self.taken < self.needed:
            return None
        is_kept = bool((self._beyond / self.needed <= self._limits[:, None]).all())
        self.restart()
        return is_kept


class Since(NamedTuple):
    """Rows of the marks, oldest = 0: the likeliest start and an interval of starts; the share beyond since it."""

    row: int
    low: int
    high: int
    share: float


class MaterialWatch:
    """One material(…) condition on one stream: unknown until judged, on at an alarm, off when the range is kept again.

    shares: of the baseline's group; columns: (M,) where its features lie in a record's values; terms: of the plan.
    """

    bit = int(Reason.MATERIAL_DRIFT)

    def __init__(self, baseline: Baseline, shares: Shares, columns: NDArray[np.int64], terms: Terms) -> None:
        self.key = (baseline.recipe, baseline.position)
        self.names = baseline.names
        self.tolerance = terms.tolerance
        self.detector = ShareTest(shares, terms.limit)
        self.level = ShareLevel(shares, terms.records, terms.error)
        self.marks = np.full((HISTORY, shares.members.size), ABSENT, np.uint8)
        self.judgement = UNKNOWN
        self.judged_ns = 0
        self.evidence: dict[str, Any] = {}
        self._columns = columns

    def start_afresh(self) -> None:
        """Forget the judgement and every record: the next judgement rests on fresh ones only."""
        self.judgement = UNKNOWN
        self.judged_ns = 0
        self.evidence = {}
        self.detector.restart()
        self.level.restart()

    def take(self, values: Floats, place: int, history: History, now_ns: int) -> None:
        """One record, already in the history at `place`; the judgement may change."""
        marks = self.marks[place]
        is_alarm = self.detector.update(values, self._columns, marks)
        if is_alarm is None:
            return
        if is_alarm:
            if self.judgement is not ON:
                self.evidence = self._evidence(history, now_ns)
            self.judgement, self.judged_ns = ON, now_ns
            self.detector.restart()
            self.level.restart()
            return
        if self.judgement is OFF:
            return
        is_kept = self.level.update(marks)
        if is_kept is None or (not is_kept and self.judgement is ON):
            return
        self.evidence = {} if is_kept else {**self._evidence(history, now_ns), "by": "level test"}
        self.judgement, self.judged_ns = (OFF if is_kept else ON), now_ns

    def _evidence(self, history: History, now_ns: int) -> dict[str, Any]:
        """What the alarm rests on: the worst feature, the onset and the parts since then."""
        member, side = self.detector.worst()
        shares = self.detector.shares
        places = history.last(self.detector.records)
        found = since(self.marks[places, member], (BELOW, ABOVE)[side], float(shares.allowed[member]))
        parts = [int(history.parts[places[at]]) for at in (found.row, found.low, found.high)]
        feature = self.names[int(shares.members[member])]
        return {
            "feature": feature,
            "direction": SIDES[side],
            "share_beyond": round(found.share, 3),
            "range": [float(shares.low[member]), float(shares.high[member])],
            "tolerance": self.tolerance,
            "onset_part": parts[0],
            "onset_low_part": parts[1],
            "onset_high_part": parts[2],
            "last_part": int(history.parts[places[-1]]),
            "onset_ns": int(history.starts_ns[places[found.row]]),
            "record_ns": int(history.starts_ns[places[-1]]),
            "judged_ns": now_ns,
            "records_since_onset": len(places) - found.row,
            "recipe": self.key[0],
            "position": self.key[1],
            "armed": [self.names[f] for f in shares.members],
        }


def since(marks: NDArray[np.uint8], mark: int, allowed: float) -> Since:
    """Since when more records than allowed lie beyond: the start from which their likelihood grew most.

    marks: (T,), oldest first, at least one; mark: BELOW or ABOVE. The share is that of the later half at first, then of
    what lies since the start found with it.

    >>> since(np.array([0] * 20 + [2, 0, 2, 2, 2], np.uint8), ABOVE, 0.1)
    Since(row=20, low=17, high=24, share=0.8)
    """
    is_beyond = marks == mark
    begin = marks.size // 2
    after = np.zeros(marks.size)
    for _ in range(3):
        share = min(max(float(is_beyond[begin:].mean()), allowed + 0.01), 0.99)
        gains = np.where(is_beyond, math.log(share / allowed), math.log((1.0 - share) / (1.0 - allowed)))
        gains[marks == ABSENT] = 0.0
        after = np.cumsum(gains[::-1])[::-1]
        begin = int(after.argmax())
    near = np.flatnonzero(after >= after[begin] - ONSET_DEPTH)
    return Since(begin, int(near[0]), int(near[-1]), float(is_beyond[begin:].mean()))
