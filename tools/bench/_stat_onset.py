"""The parts to sort again: does the interval that an alarm states hold the true start of the change? Through the live
stream, part by part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.drift import Stream
from jidoka.monitor.features.table import FeatureSet
from jidoka.monitor.terms import Terms
from jidoka_bridge.messages import Judgement

from tools.bench._stat_laws import Floats

FEATURE = "x"
FEATURES = FeatureSet((FEATURE,), {"all": (FEATURE,)})
#: the off-test isn't what is measured: a block of so many records never fills
OFF_RECORDS, OFF_ERROR = 10**9, 0.01


class Stated(NamedTuple):
    """One alarm. at: its part, counted from 1; low, high: between which parts it says that the change began."""

    at: int
    low: int
    high: int

    def holds(self, part: int) -> bool:
        return self.low <= part <= self.high

    @property
    def length(self) -> int:
        return self.high - self.low + 1


def stated(before: Floats, after: Floats, limit: float, seed: int) -> Stated | None:
    """What the first alarm in `after`, (T,), each record a part, says of its onset; None: it doesn't come."""
    baseline = Baseline("bench", "", 1, 0, (FEATURE,), before[:, None], 1.0, "")
    terms = {0: Terms("all", limit, OFF_RECORDS, OFF_ERROR)}
    stream = Stream(baseline, FEATURES, terms, np.random.default_rng(seed))
    if not stream.watches:
        return None
    watch = stream.watches[0]
    for part, value in enumerate(after[:, None], 1):
        stream.take(value, part, part, part)
        if watch.judgement is Judgement.ON:
            return Stated(part, watch.evidence["onset_low_part"], watch.evidence["onset_high_part"])
    return None
