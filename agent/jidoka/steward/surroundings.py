"""What the rules of suppression and the dead bands may go by: the PLC's inputs and the detectors' statistics. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.registers import Input, State


def facts_of_plc(plc: PlcStatus | None) -> frozenset[str] | None:
    """Which facts hold; None while the PLC doesn't say: then no rule about them holds."""
    if plc is None or not plc.flags & PlcStatus.LINK_UP:
        return None
    holds = {
        "changeover": bool(plc.inputs & Input.CHANGEOVER),
        "not running": not plc.flags & PlcStatus.RUNNING,
        "override": plc.interlock == State.OVERRIDE,
    }
    return frozenset(name for name, is_so in holds.items() if is_so)


def statistics_of(summaries: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Model → (statistic of its drift detector, limit), both as logarithms, where its monitor tells them."""
    told = {}
    for model, summary in summaries.items():
        statistic = summary.get("statistic")
        if isinstance(statistic, dict):
            value, limit = statistic.get("log"), statistic.get("limit_log")
            if isinstance(value, int | float) and isinstance(limit, int | float):
                told[model] = (float(value), float(limit))
    return told
