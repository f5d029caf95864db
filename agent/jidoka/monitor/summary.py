"""What the monitor tells each second of each model: the summary for people, the counters for Prometheus."""

from __future__ import annotations

import math
from typing import Any

from jidoka_bridge.messages import Judgement
from jidoka_tap.verdict import LEVELS

from jidoka.monitor.core import Monitor
from jidoka.monitor.models import ModelState, Second

#: distances cost milliseconds, and change slowly
DISTANCES_NS = 10_000_000_000
#: the summary is one datagram
MOST_STREAMS = 3


def take_summary(monitor: Monitor, state: ModelState, now_ns: int, elapsed_ns: int) -> dict[str, Any]:
    """The SUMMARY of the time since the last one, whose sums start anew. elapsed_ns: that time."""
    state.settle()
    second, state.second = state.second, Second(len(state.features.names))
    stream = next((state.streams[key] for key in sorted(state.current)), None)
    return {
        "model": state.model.id,
        "ns": now_ns,
        "records": state.total,
        "lost": state.total_lost,
        "refused": state.refused,
        "rate_hz": round(second.records * 1e9 / elapsed_ns, 2) if elapsed_ns > 0 else 0.0,
        "latency_ms": round(second.latency_ns / 1e6 / second.records, 3) if second.records else None,
        "verdicts": dict(zip(LEVELS, state.verdicts, strict=True)),
        "features": {
            name: round(total / count, 5)
            for name, total, count in zip(
                state.features.names, second.sums.tolist(), second.counts.tolist(), strict=True
            )
            if count
        },
        "statistic": statistic_of(monitor, state),
        "conditions": {
            monitor.conditions[index].id: Judgement(monitor.conditions[index].judgement).name.lower()
            for index in sorted([*state.drift, *state.signs])
        },
        "baseline": stream.baseline.digest if stream else None,
        "last_part": state.last_part,
        **_distances_of(state, now_ns),
        **_parts_of(state),
    }


def _distances_of(state: ModelState, now_ns: int) -> dict[str, Any]:
    """Every DISTANCES_NS: how far the last records of the streams of this recipe lie from their baselines."""
    if now_ns - state.distances_ns < DISTANCES_NS:
        return {}
    state.distances_ns = now_ns
    found = {key: state.windows.distances(key) for key in sorted(state.current)}
    told = {
        f"recipe {recipe}, position {position}": distances
        for (recipe, position), distances in found.items()
        if recipe == state.recipe and distances
    }
    return {"distances": dict(list(told.items())[:MOST_STREAMS])} if told else {}


def _parts_of(state: ModelState) -> dict[str, Any]:
    """Where parts are judged: how many were left out, and how many records named none."""
    if state.parts is None:
        return {}
    means = state.parts.values()
    return {
        "parts_left_out": sum(mean.left_out for mean in means),
        "records_without_part": sum(mean.without_number for mean in means),
    }


def statistic_of(monitor: Monitor, state: ModelState) -> dict[str, float | None]:
    """Natural logs of the drift statistic that is nearest to its limit, and of the limit; None where there is none."""
    nearest = max(
        (monitor.conditions[index] for index in state.drift if monitor.conditions[index].limit > 0.0),
        key=lambda condition: condition.value / condition.limit,
        default=None,
    )
    if nearest is None:
        return {"log": None, "limit_log": None}
    log = round(math.log(nearest.value), 4) if nearest.value > 0.0 else None
    return {"log": log, "limit_log": round(math.log(nearest.limit), 4)}


def counters_of(monitor: Monitor, state: ModelState, judge_s: float) -> dict[str, Any]:
    """COUNTERS of one model, by index of jidoka_bridge.metrics. judge_s: mean time from receipt to verdict."""
    statistic = statistic_of(monitor, state)
    values: dict[str, float] = {
        "1": state.total,
        "2": state.total_lost,
        "3": state.refused,
        "4": state.verdicts[0],
        "5": state.verdicts[1],
        "6": state.verdicts[2],
        "10": judge_s,
    }
    if statistic["limit_log"] is not None:
        values["8"] = statistic["limit_log"]
        # Prometheus has no use for −inf: an untouched statistic is shown as 1
        values["7"] = statistic["log"] if statistic["log"] is not None else 0.0
    return {"program": "monitor", "labels": {"model": state.model.id}, "values": values}
