"""The plan's section `alarms`, which the steward reads: delays, dead bands and rules of each row, and shelving."""

from __future__ import annotations

from typing import Any

from jidoka.config.schema import Configuration


def alarm_section(config: Configuration) -> dict[str, Any]:
    """{"rows": {risk: {"off_delay_s", "dead_band", "suppressed_while"}}, "shelve": {"at_most_s", "is_local"}}."""
    rows = {
        risk.id: {
            "off_delay_s": risk.off_delay,
            "dead_band": risk.dead_band,
            "suppressed_while": list(risk.suppressed_while),
        }
        for risk in config.risks
        if risk.off_delay is not None or risk.dead_band is not None or risk.suppressed_while
    }
    shelve = {
        "at_most_s": config.alarms.shelve_at_most,
        "is_local": config.alarms.shelve_from == "machine",
    }
    return {"rows": rows, "shelve": shelve}
