"""From a site's settings and what was measured there to its times."""

from __future__ import annotations

from collections.abc import Sequence

from jidoka_bridge.plan import Plan

from jidoka.commissioning.reaction import Reaction, reaction_of
from jidoka.commissioning.records import Entry, measured_of
from jidoka.commissioning.ways import Line
from jidoka.config.link import table_of
from jidoka.config.schema import PlcSettings


def line_of(plc: PlcSettings) -> Line:
    """The line as the configuration sets it. Raises LinkError as table_of does."""
    table = table_of(plc)
    return Line(table.link, table.answer_ms, table.beat_ms)


def reaction_of_site(plc: PlcSettings, plan: Plan, given: Sequence[Entry]) -> Reaction:
    """The times of a site with its own speed and rate. Raises LinkError as table_of does."""
    return reaction_of(
        line_of(plc),
        measured_of(given, plc.transport),
        no_data_ms=plan.times.no_data_ms,
        speed_mm_s=plc.line_speed,
        part_rate_hz=plc.part_rate,
    )
