"""How everything stands, as numbers for the counters of contract C7: read once a second. Pure.

A gauge is (number of the metric, value, labels).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jidoka.steward.core import Core
from jidoka.steward.ledger.room import Room
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.mqtt.courier import Courier
from jidoka.steward.outbox.outbox import Backlog
from jidoka.steward.presence import programs_of

Gauge = tuple[int, float, Mapping[str, str]]


def of_core(core: Core, now_ns: int, *, is_clock_sure: bool) -> Iterator[Gauge]:
    """Alarms, programs, conditions, and whether it is recorded and the clock is sure."""
    annunciator = core.alarms.annunciator
    yield from of_alarms(annunciator.shown.summary, core.alarms.load(now_ns))
    here = {*core.presence.programs.values(), *(("guard",) if core.is_guard_here else ())}
    yield 54, int(not core.why_not_recording), {}
    for program in programs_of(core.plan):
        yield 55, int(program in here), {"program": program}
    yield 58, int(is_clock_sure), {}
    for model in sorted(core.counters.models):
        words = [
            core.conditions.judgements.get(spec.id, "unknown")
            for spec in core.plan.conditions
            if spec.model == model
        ]
        yield 59, words.count("on"), {"model": model}
        yield 75, words.count("unknown"), {"model": model}


def of_alarms(summary: Mapping[str, Any], load: Mapping[str, Any]) -> Iterator[Gauge]:
    """What the alarms ask of people. summary, load: of the annunciator."""
    yield 45, summary["unacknowledged"], {}
    yield 46, summary["active"], {}
    yield 47, summary["shelved"], {}
    yield 48, summary["suppressed"] + summary["out_of_service"], {}
    yield 49, load["alarms"], {}
    yield 50, load["last_10_min"], {}
    yield 51, int(load["flood"]), {}
    yield 52, len(load["chattering"]), {}
    yield 53, load["stale_24_h"], {}


def of_ledger(ledger: Ledger) -> Iterator[Gauge]:
    """What is on the disk, and the room that it takes."""
    room: Room = ledger.pruner.room
    yield 40, ledger.committed_entries, {}
    yield 41, ledger.committed_bytes, {}
    yield 72, room.limit_bytes, {}
    yield 73, room.used_bytes, {}
    yield 74, room.removed, {}


def of_courier(courier: Courier, waiting: Mapping[str, Backlog]) -> Iterator[Gauge]:
    """The broker, and what waits for it."""
    yield 42, int(courier.snapshot.is_connected), {}
    yield 43, courier.snapshot.published, {}
    for lane, count in courier.backlog().items():
        yield 44, count, {"lane": lane}
    for lane, each in waiting.items():
        yield 70, each.size_bytes, {"lane": lane}
        yield 71, each.oldest_s, {"lane": lane}
