"""What a model's drift conditions say after each record: the worst of the streams that count now."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jidoka.monitor.conditions import OFF, ON, UNKNOWN, ConditionState
from jidoka.monitor.drift import Stream, Watch
from jidoka.monitor.material import MaterialWatch
from jidoka.monitor.models import ModelState

_SEVERITY = {OFF: 0, UNKNOWN: 1, ON: 2}


def judge_drift(
    state: ModelState, conditions: Sequence[ConditionState], changed: list[int]
) -> tuple[float, int]:
    """Say each drift condition of a model; returns (largest log(statistic), reason bits of those that are on).

    A condition is the worst of this recipe's streams, and whatever is on of another's. changed: gets the indices of
    conditions with news.
    """
    largest = 0.0
    reasons = 0
    only = None
    if len(state.current) == 1:  # as nearly always
        (only,) = state.current.values()
        if only.baseline.recipe != state.recipe:
            only = None
    for index in state.drift:
        condition = conditions[index]
        stream, worst = (only, only.watches.get(index)) if only is not None else worst_watch(state, index)
        if stream is None or worst is None:
            if condition.judgement is not UNKNOWN and condition.say(UNKNOWN, 0, {}):
                changed.append(index)
            continue
        detector, judgement = worst.detector, worst.judgement
        statistic = detector.statistic
        condition.value = statistic
        condition.limit = detector.limit
        condition.judged_n = detector.records if judgement is OFF else worst.level.taken
        largest = max(largest, statistic)
        evidence = worst.evidence
        if judgement is ON:
            reasons |= worst.bit
            evidence["last_part"] = max(evidence["last_part"], stream.history.last_part)
        if condition.say(judgement, worst.judged_ns, evidence):
            changed.append(index)
    return (math.log(largest) if largest > 0.0 else -math.inf), reasons


def worst_watch(state: ModelState, index: int) -> tuple[Stream, Watch | MaterialWatch] | tuple[None, None]:
    """The stream of a condition that decides what it says, and its watch; Nones if no stream counts now."""
    found: tuple[Stream, Watch | MaterialWatch] | tuple[None, None] = (None, None)
    worst: tuple[int, float, int] = (-1, 0.0, 0)
    for key, stream in state.current.items():
        watch = stream.watches.get(index)
        if watch is None or (key[0] != state.recipe and watch.judgement is not ON):
            continue
        rank = (_SEVERITY[watch.judgement], watch.detector.statistic, key[1])
        if rank > worst:
            found, worst = (stream, watch), rank
    return found
