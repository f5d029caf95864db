"""What a model's drift conditions say after each record: the worst of the streams that count now."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jidoka_bridge.messages import Judgement

from jidoka.monitor.conditions import ConditionState
from jidoka.monitor.drift import Stream, Watch
from jidoka.monitor.material import MaterialWatch
from jidoka.monitor.models import ModelState

_SEVERITY = {Judgement.OFF: 0, Judgement.UNKNOWN: 1, Judgement.ON: 2}


def judge_drift(
    state: ModelState, conditions: Sequence[ConditionState], changed: list[int]
) -> tuple[float, int]:
    """Say each drift condition of a model; returns (largest log(statistic), reason bits of those that are on).

    A condition is the worst of this recipe's streams, and whatever is on of another's. changed: gets the indices of
    conditions with news.
    """
    largest = 0.0
    reasons = 0
    for index in state.drift:
        condition = conditions[index]
        found = worst_watch(state, index)
        if found is None:
            if condition.judgement is not Judgement.UNKNOWN and condition.say(Judgement.UNKNOWN, 0, {}):
                changed.append(index)
            continue
        stream, worst = found
        detector, judgement = worst.detector, worst.judgement
        condition.value = detector.statistic
        condition.limit = detector.limit
        condition.judged_n = detector.records if judgement is Judgement.OFF else worst.level.taken
        largest = max(largest, detector.statistic)
        evidence = worst.evidence
        if judgement is Judgement.ON:
            reasons |= worst.bit
            evidence["last_part"] = max(evidence["last_part"], stream.history.last_part)
        if condition.say(judgement, worst.judged_ns, evidence):
            changed.append(index)
    return (math.log(largest) if largest > 0.0 else -math.inf), reasons


def worst_watch(state: ModelState, index: int) -> tuple[Stream, Watch | MaterialWatch] | None:
    """The watch of a condition that decides what it says, and its stream; None if no stream counts now."""
    if len(state.current) == 1:  # as nearly always
        (stream,) = state.current.values()
        watch = stream.watches.get(index)
        if watch is None or (stream.baseline.recipe != state.recipe and watch.judgement is not Judgement.ON):
            return None
        return stream, watch
    found: tuple[Stream, Watch | MaterialWatch] | None = None
    worst: tuple[int, float, int] = (-1, 0.0, 0)
    for key, stream in state.current.items():
        watch = stream.watches.get(index)
        if watch is None or (key[0] != state.recipe and watch.judgement is not Judgement.ON):
            continue
        rank = (_SEVERITY[watch.judgement], watch.detector.statistic, key[1])
        if rank > worst:
            found, worst = (stream, watch), rank
    return found
