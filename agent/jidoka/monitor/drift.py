"""Drift of one stream: a condition's detector and off-test over the records of one (recipe, position)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jidoka_bridge.messages import Judgement
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline
from jidoka.monitor.detectors.level_test import LevelTest
from jidoka.monitor.detectors.shiryaev_roberts import ShiryaevRoberts, onset, side_column
from jidoka.monitor.features import FEATURES
from jidoka.monitor.kernels.bets import PLAIN

Floats = NDArray[np.float64]

HISTORY = 4096


class History:
    """The last records of a stream: part, start and scores, for the onset. Constant memory."""

    def __init__(self, features: int) -> None:
        self.total = 0
        self.parts = np.zeros(HISTORY, np.uint64)
        self.starts_ns = np.zeros(HISTORY, np.int64)
        self.scores = np.zeros((HISTORY, features, 3), np.float32)

    def add(self, part: int, start_ns: int, z: Floats) -> None:
        at = self.total % HISTORY
        self.parts[at] = part
        self.starts_ns[at] = min(start_ns, 2**63 - 1)
        self.scores[at] = z
        self.total += 1

    def last(self, count: int) -> NDArray[np.int64]:
        """Places of the last `count` records (as many as are kept), oldest first."""
        kept = min(count, self.total, HISTORY)
        return np.arange(self.total - kept, self.total) % HISTORY


class Watch:
    """One drift condition on one stream: unknown until judged, on at an alarm, off when the off-test accepts.

    names: features of the group that the baseline has; limit: A; records, error: of the off-test.
    """

    def __init__(
        self, baseline: Baseline, group: tuple[str, ...], limit: float, records: int, error: float
    ) -> None:
        self.key = (baseline.recipe, baseline.position)
        self.names = baseline.names
        reference = baseline.reference
        members = np.array([f for f, name in enumerate(baseline.names) if name in group], np.int64)
        self.detector = ShiryaevRoberts(members, limit)
        self.level = LevelTest(members, reference.counts, records, error)
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

    def take(self, z: Floats, history: History, now_ns: int) -> None:
        """One record's scores, already in the history; the judgement may change."""
        if np.isnan(z[self.detector.members, PLAIN]).all():
            return
        if self.detector.update(z):
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
    """Everything about one (recipe, position): the reference, the history and the watches by condition index."""

    def __init__(self, baseline: Baseline, watches: dict[int, Watch], rng: np.random.Generator) -> None:
        self.baseline = baseline
        self.watches = watches
        self.history = History(len(baseline.names))
        self._columns = np.array([FEATURES.index(name) for name in baseline.names], np.int64)
        self._z = np.empty((len(baseline.names), 3))
        self._rng = rng

    def take(self, values: Floats, part: int, start_ns: int, now_ns: int) -> None:
        """Feed one record's features, (6,) in the order of FEATURES."""
        self.baseline.reference.scores(values[self._columns], self._rng.random(len(self._columns)), self._z)
        self.history.add(part, start_ns, self._z)
        for watch in self.watches.values():
            watch.take(self._z, self.history, now_ns)

    def start_afresh(self) -> None:
        for watch in self.watches.values():
            watch.start_afresh()
