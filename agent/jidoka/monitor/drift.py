"""Drift of one stream: a condition's detector and off-test over the records of one (recipe, position)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jidoka_bridge.messages import Judgement
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline
from jidoka.monitor.detectors.level_test import LevelTest
from jidoka.monitor.detectors.shiryaev_roberts import ShiryaevRoberts, onset, side_column
from jidoka.monitor.features import FeatureSet
from jidoka.monitor.kernels.bets import PLAIN, SHIFTS
from jidoka.monitor.kernels.judge import judge

Floats = NDArray[np.float64]

HISTORY = 4096
#: uniform numbers for ties are drawn for so many records at once
TIES = 256


class Terms(NamedTuple):
    """What the plan asks of a drift condition on one baseline. limit: A; records, error: of the off-test."""

    group: str
    limit: float
    records: int
    error: float


class History:
    """The last records of a stream: part, start and scores, for the onset. Constant memory."""

    def __init__(self, features: int) -> None:
        self.total = 0
        self.last_part = 0
        self.parts = np.zeros(HISTORY, np.uint64)
        self.starts_ns = np.zeros(HISTORY, np.int64)
        self.scores = np.zeros((HISTORY, features, 3), np.float32)

    def add(self, part: int, start_ns: int) -> int:
        """The place of a new record, whose scores the caller fills in."""
        at = self.total % HISTORY
        self.parts[at] = self.last_part = part
        self.starts_ns[at] = min(start_ns, 2**63 - 1)
        self.total += 1
        return at

    def last(self, count: int) -> NDArray[np.int64]:
        """Places of the last `count` records (as many as are kept), oldest first."""
        kept = min(count, self.total, HISTORY)
        return np.arange(self.total - kept, self.total) % HISTORY


class Watch:
    """One drift condition on one stream: unknown until judged, on at an alarm, off when the off-test accepts.

    members: (M,) the features of the baseline that belong to its group; terms: of the plan's detector; bets: (M, 2, 7),
    where its statistics lie.
    """

    def __init__(self, baseline: Baseline, members: NDArray[np.int64], terms: Terms, bets: Floats) -> None:
        self.key = (baseline.recipe, baseline.position)
        self.names = baseline.names
        reference = baseline.reference
        self.detector = ShiryaevRoberts(members, terms.limit, bets)
        self.level = LevelTest(members, reference.counts, terms.records, terms.error)
        self.judgement = Judgement.UNKNOWN
        self.judged_ns = 0
        self.evidence: dict[str, Any] = {}

    def start_afresh(self) -> None:
        """Forget the judgement and every record: the next judgement rests on fresh ones only."""
        self.judgement = Judgement.UNKNOWN
        self.judged_ns = 0
        self.evidence = {}
        self.detector.restart()
        self.level.restart()

    def take(self, statistic: float, z: Floats, history: History, now_ns: int) -> None:
        """One record, already in the history and the bets; the judgement may change.

        statistic: NaN if the record has none of the watch's features, and so says nothing.
        """
        if math.isnan(statistic):
            return
        if self.detector.advanced(statistic):
            if self.judgement is not Judgement.ON:
                self.evidence = self._evidence(history, now_ns)
            self.judgement = Judgement.ON
            self.judged_ns = now_ns
            self.detector.restart()
            self.level.restart()
            return
        if self.judgement is Judgement.OFF:
            return
        accepted = self.level.update(z)
        if accepted is None:
            return
        if not accepted and self.judgement is not Judgement.ON:
            self.evidence = {**self._evidence(history, now_ns), "by": "level test"}
        if accepted:
            self.evidence = {}
        self.judgement = Judgement.OFF if accepted else Judgement.ON
        self.judged_ns = now_ns

    def _evidence(self, history: History, now_ns: int) -> dict[str, Any]:
        """What the alarm rests on: the worst feature, the onset and the parts since then."""
        row, direction = self.detector.worst()
        places = history.last(self.detector.records)
        found = onset(history.scores[places, row, side_column(direction)].astype(np.float64))
        since = places[found.row :]
        parts = [int(history.parts[places[at]]) for at in (found.row, found.low, found.high)]
        with np.errstate(invalid="ignore"):
            mean = float(np.nanmean(history.scores[since, row, PLAIN]))
        shares = zip(self.detector.members, self.detector.shares(), strict=True)
        return {
            "feature": self.names[row],
            "direction": direction,
            "z": round(mean, 3) if math.isfinite(mean) else 0.0,
            "shares": {
                self.names[f]: round(float(share), 2) for f, share in shares if math.isfinite(float(share))
            },
            "onset_part": parts[0],
            "onset_low_part": parts[1],
            "onset_high_part": parts[2],
            "last_part": int(history.parts[places[-1]]),
            "onset_ns": int(history.starts_ns[since[0]]),
            "record_ns": int(history.starts_ns[places[-1]]),
            "judged_ns": now_ns,
            "records_since_onset": len(since),
            "recipe": self.key[0],
            "position": self.key[1],
        }


class Stream:
    """Everything about one (recipe, position): the reference, the history and the watches by condition index.

    names: of the features that records bring, in their order; groups: which of them a group means; terms: by
    condition index. A condition of whose group the baseline has nothing isn't watched.
    """

    def __init__(
        self, baseline: Baseline, features: FeatureSet, terms: Mapping[int, Terms], rng: np.random.Generator
    ) -> None:
        self.baseline = baseline
        self.history = History(len(baseline.names))
        places = {name: place for place, name in enumerate(features.names)}
        self._columns = np.array([places.get(name, -1) for name in baseline.names], np.int64)
        self._z = np.empty((len(baseline.names), 3))
        self._rng = rng
        self._u = np.empty((0, len(baseline.names)))
        self._used = 0
        members = {
            i: np.array(
                [f for f, name in enumerate(baseline.names) if name in features.groups[each.group]], np.int64
            )
            for i, each in terms.items()
        }
        members = {i: rows for i, rows in members.items() if rows.size}
        self._members = np.concatenate([np.zeros(0, np.int64), *members.values()])
        self._spans = np.cumsum([0, *(rows.size for rows in members.values())], dtype=np.int64)
        self._bets = np.zeros((self._members.size, 2, len(SHIFTS)))
        self._statistics = np.empty(len(members))
        spans = zip(members.items(), self._spans[:-1], self._spans[1:], strict=True)
        self.watches = {
            i: Watch(baseline, rows, terms[i], self._bets[first:last]) for (i, rows), first, last in spans
        }

    def take(self, values: Floats, part: int, start_ns: int, now_ns: int) -> None:
        """Feed one record's features, (V,) in the order of the feature set."""
        if self._used == len(self._u):
            self._u = self._rng.random((TIES, len(self._columns)))
            self._used = 0
        reference, history = self.baseline.reference, self.history
        judge(
            values, self._columns, reference.values, reference.counts, reference.tails, self._u[self._used], self._z,
            self._bets, self._members, self._spans, self._statistics, history.scores, history.add(part, start_ns),
        )  # fmt: skip
        self._used += 1
        for watch, statistic in zip(self.watches.values(), self._statistics.tolist(), strict=True):
            watch.take(statistic, self._z, history, now_ns)

    def start_afresh(self) -> None:
        for watch in self.watches.values():
            watch.start_afresh()
