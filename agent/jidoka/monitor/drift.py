"""Drift of one stream: a condition's detector and off-test over the records of one (recipe, position)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import cached_property, partial
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline
from jidoka.monitor.conditions import OFF, ON, UNKNOWN
from jidoka.monitor.detectors.arming import Armed
from jidoka.monitor.detectors.level_test import LevelTest
from jidoka.monitor.detectors.offline import ties_of
from jidoka.monitor.detectors.onset import onset
from jidoka.monitor.detectors.shiryaev_roberts import ShiryaevRoberts
from jidoka.monitor.detectors.whitening import term_up_to
from jidoka.monitor.features import FeatureSet
from jidoka.monitor.kernels.bets import BETS, ROWS
from jidoka.monitor.kernels.judge import judge
from jidoka.monitor.kernels.whiten import MOST_ORDER
from jidoka.monitor.material import MaterialWatch
from jidoka.monitor.terms import History, Terms
from jidoka.monitor.verdicts import DRIFT

Floats = NDArray[np.float64]


class Watch:
    """One drift condition on one stream: unknown until judged, on at an alarm, off when the off-test accepts.

    armed: the features of the baseline that belong to its group and keep its budget, and their banks of bets; terms: of
    the plan's detector; bets: (M, 35), where its statistics lie.
    """

    def __init__(self, baseline: Baseline, armed: Armed, terms: Terms, bets: Floats) -> None:
        self.key = (baseline.recipe, baseline.position)
        self.names = baseline.names
        self.bit = int(DRIFT[terms.group])
        reference = baseline.reference_for(terms.covariates)
        self.detector = ShiryaevRoberts(armed.members, terms.limit, armed.constants, bets)
        each = [term_up_to(reference.whitenings[f].shift_v, terms.records) for f in armed.members]
        self.counts = reference.counts
        self.level = LevelTest(armed.members, reference.counts, terms.records, terms.error, np.array(each))
        self.is_explained = bool(reference.table.size)
        self.judgement = UNKNOWN
        self.judged_ns = 0
        self.evidence: dict[str, Any] = {}

    def start_afresh(self) -> None:
        """Forget the judgement and every record: the next judgement rests on fresh ones only."""
        self.judgement = UNKNOWN
        self.judged_ns = 0
        self.evidence = {}
        self.detector.restart()
        self.level.restart()

    def take(self, statistic: float, z: Floats, history: History, now_ns: int) -> None:
        """One record, already in the history and the bets; the judgement may change.

        statistic: NaN if the record has none of the watch's features, and so says nothing; z: (3, F) its scores, the
        lowest and the highest that they may be where covariates explain them.
        """
        if statistic != statistic:  # noqa: PLR0124 - NaN
            return
        if self.detector.advanced(statistic):
            if self.judgement is not ON:
                self.evidence = self._evidence(history, now_ns)
            self.judgement = ON
            self.judged_ns = now_ns
            self.detector.restart()
            self.level.restart()
            return
        if self.judgement is OFF:
            return
        accepted = self.level.update(z[1], z[2]) if self.is_explained else self.level.update(z[0])
        if accepted is None:
            return
        if not accepted and self.judgement is not ON:
            self.evidence = {**self._evidence(history, now_ns), "by": "level test"}
        if accepted:
            self.evidence = {}
        self.judgement = OFF if accepted else ON
        self.judged_ns = now_ns

    def _evidence(self, history: History, now_ns: int) -> dict[str, Any]:
        """What the alarm rests on: the worst feature, the onset and the parts since then."""
        row, direction = self.detector.worst()
        constants = self.detector.constants[int(np.flatnonzero(self.detector.members == row)[0])]
        places = history.last(self.detector.records)
        found = onset(history.scores[places, row].astype(np.float64), constants)
        since = places[found.row :]
        parts = [int(history.parts[places[at]]) for at in (found.row, found.low, found.high)]
        with np.errstate(invalid="ignore"):
            mean = float(np.nanmean(history.scores[since, row]))
        shares = zip(self.detector.members, self.detector.shares(), strict=True)
        return {
            "feature": self.names[row],
            "direction": direction,
            "z": round(mean, 3) if math.isfinite(mean) else 0.0,
            "most_z": round(most_score(int(self.counts[row])), 3),
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
            "armed": [self.names[f] for f in self.detector.members],
        }


def most_score(n: int) -> float:
    """The largest score that n records of a baseline can give: whatever lies beyond all of them has this one.

    >>> round(most_score(1000), 2)
    3.29
    """
    return NormalDist().inv_cdf((n + 0.5) / (n + 1))


class Stream:
    """Everything about one (recipe, position): the reference, the history and the watches by condition index.

    names: of the features that records bring, in their order; groups: which of them a group means; terms: by
    condition index. A condition of whose group the baseline has nothing isn't watched.
    """

    def __init__(
        self, baseline: Baseline, features: FeatureSet, terms: Mapping[int, Terms], rng: np.random.Generator
    ) -> None:
        self.baseline = baseline
        count = len(baseline.names)
        self.history = History(count)
        places = {name: place for place, name in enumerate(features.names)}
        self._columns = np.array([places.get(name, -1) for name in baseline.names], np.int64)
        #: one setting of the model, so all of its conditions have the same
        self.reference = baseline.reference_for(next((each.covariates for each in terms.values()), ()))
        self._z = np.empty((3, count))
        self._lags, self._seen, self._scale = (
            np.zeros((count, MOST_ORDER)),
            np.zeros(count, np.int64),
            np.ones(count),
        )
        self._ties = np.array([ties_of(rng)], np.uint64)
        change = {i: each for i, each in terms.items() if not each.tolerance}
        # refused ones too: `Offline`, which knows these only, draws for their ties as well
        asked = {name for each in change.values() for name in features.groups[each.group]}
        found = {i: baseline.armed(features.groups[each.group], each) for i, each in change.items()}
        armed = {i: each for i, each in found.items() if each.members.size}
        self._members = np.concatenate([np.zeros(0, np.int64), *(each.members for each in armed.values())])
        self._constants = np.concatenate(
            [np.zeros((0, ROWS, 7)), *(each.constants for each in armed.values())]
        )
        self._spans = np.cumsum([0, *(each.members.size for each in armed.values())], dtype=np.int64)
        self._bets = np.zeros((self._members.size, BETS))
        self._statistics = np.empty(len(armed))
        spans = zip(armed.items(), self._spans[:-1], self._spans[1:], strict=True)
        self._changes = {
            i: Watch(baseline, each, terms[i], self._bets[first:last]) for (i, each), first, last in spans
        }
        self._materials: dict[int, MaterialWatch] = {}
        for i, each in terms.items():
            if each.tolerance:
                shares = baseline.shares(features.groups[each.group], each)
                if shares.members.size:
                    columns = self._columns[shares.members]
                    self._materials[i] = MaterialWatch(baseline, shares, columns, each)
        self.watches: dict[int, Watch | MaterialWatch] = {**self._changes, **self._materials}
        self._moving, self._held = tuple(self._changes.values()), tuple(self._materials.values())
        reference = self.reference
        #: what is the same for each record: nineteen names to look up cost as much as the arithmetic
        self._judge = partial(
            judge, self._judged(asked), reference.table, reference.models, reference.orders, reference.values, reference.counts,
            self._lags, self._seen, self._scale, self._ties, self._z, self._bets, self._members, self._constants,
            self._spans, self._statistics, self.history.scores,
        )  # fmt: skip

    def _judged(self, asked: set[str]) -> NDArray[np.int64]:
        """Where the features lie that a record is scored by: those that a condition asks for, and covariates; else -1."""
        if self.reference.table.size:
            return self._columns
        is_asked = np.array([name in asked for name in self.baseline.names], bool)
        return np.where(is_asked, self._columns, -1)

    def take(self, values: Floats, part: int, start_ns: int, now_ns: int) -> None:
        """Feed one record's features, (V,) in the order of the feature set."""
        history = self.history
        place = history.add(part, start_ns)
        self._judge(values, place)
        for watch, statistic in zip(self._moving, self._statistics.tolist()):  # noqa: B905 - as many; each record pays
            watch.take(statistic, self._z, history, now_ns)
        for material in self._held:
            material.take(values, place, history, now_ns)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it remembers in arrays, the very ones: what is written into them, it remembers.

        What the last values were isn't among it: whoever restores them doesn't know what came in between.
        """
        history = self.history
        return {
            "scale": self._scale,
            "ties": self._ties,
            "bets": self._bets,
            "parts": history.parts,
            "starts_ns": history.starts_ns,
            "scores": history.scores,
            **{
                f"{name} {i}": array
                for i, each in self._materials.items()
                for name, array in (
                    ("marks", each.marks), ("counts", each.detector.counts), ("beyond", each.detector.beyond),
                    ("share bets", each.detector.bets),
                )
            },
        }  # fmt: skip

    @cached_property
    def digest(self) -> str:
        """Of the bets, and of what they are on: two streams with the same one may go on from each other's state."""
        reference = self.reference
        whole = hashlib.sha256(
            repr((self.baseline.names, self._members.tolist(), self._spans.tolist())).encode()
        )
        shares = [each.detector.shares for each in self._materials.values()]
        ranges = [array for each in shares for array in (each.low, each.high, each.allowed, each.odds)]
        for array in (self._constants, reference.models, reference.values, reference.table, *ranges):
            whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()

    def interrupt(self) -> None:
        """The next record doesn't follow the last one: what a feature remembers of its past begins anew.

        A feature that depends on its past then has no score until as many records as its model looks back on came
        in a row; one that doesn't has one at once.
        """
        self._seen[:] = 0

    def start_afresh(self) -> None:
        for watch in self.watches.values():
            watch.start_afresh()
