"""The same withdrawal with all programs running: every term from the picture to the coil, and what each process holds.

A lamp fails, the machine stops, the lamp is replaced, the line is started again; as often as asked. Times come from
where they are known: the record's start and judgement from the condition's evidence, the guard's from the event
`withdrawn`, the coil's from the PLC.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
from jidoka.demo.facts import OFF_WORDS, Facts
from jidoka.demo.plant import Line
from jidoka.demo.rig import Rig
from jidoka_bridge.link.times import as_set

from tools.bench._rows import Row

MS = 1e6
LEARN_RECORDS = 1000
#: program -> MiB it may hold, None: the application's, shown for information
MEMORY_REACH_MIB: dict[str, float | None] = {"guard": 24.0, "steward": 90.0, "monitor": 170.0, "host": None}


@dataclass(frozen=True)
class Trip:
    """One withdrawal, CLOCK_MONOTONIC ns. delay_ms: how late the guard's loop was at most in the second before."""

    record_ns: int
    judged_ns: int
    condition_ns: int
    asked_ns: int
    coil_ns: int
    delay_ms: float


#: term of the way -> from, to
TERMS: dict[str, tuple[str, str]] = {
    "frame to verdict": ("record_ns", "judged_ns"),
    "verdict to guard": ("judged_ns", "condition_ns"),
    "guard to line": ("condition_ns", "asked_ns"),
    "line to coil": ("asked_ns", "coil_ns"),
    "frame to coil": ("record_ns", "coil_ns"),
}


def span_ms(trip: Trip, term: str) -> float:
    """How long one term of TERMS took."""
    start, end = TERMS[term]
    return float(getattr(trip, end) - getattr(trip, start)) / MS


def make_trip(rig: Rig) -> Trip:
    """From RUN: the lamp fails, the permissive goes; the lamp is replaced."""
    seen, switched = len(rig.facts.transitions), len(rig.facts.outputs)

    def is_told(facts: Facts) -> bool:
        return facts.state == "HOLD" and any(t["event"] == "withdrawn" for t in facts.transitions[seen:])

    line = rig.line
    assert isinstance(line, Line)
    line.fail_lamp()
    rig.wait(is_told, "the failed lamp stops the machine", limit_s=30.0)
    line.replace_lamp()
    told = rig.facts.transitions[seen:]
    times = next(t for t in told if t["event"] == "withdrawn")["evidence"]
    trip = next(t for t in told if t["number"] == times["trip"])
    evidence = trip["evidence"]
    return Trip(
        int(evidence["record_ns"]),
        int(evidence["judged_ns"]),
        int(times["condition_ns"]),
        int(times["asked_ns"]),
        next(ns for ns, word, _ in rig.facts.outputs[switched:] if word in OFF_WORDS),
        float(evidence["loop_delay_ms"]),
    )


def unexplained_ms(trip: Trip, promised_ms: float) -> float:
    """What is left beyond the formula once the guard's own recorded delay is taken off; negative: a margin."""
    return (trip.coil_ns - trip.condition_ns) / MS - promised_ms - trip.delay_ms


def rows(is_quick: bool) -> Iterator[Row]:
    """Terms, the formula against them, then memory."""
    trips: list[Trip] = []
    with contextlib.closing(Rig()) as rig:
        rig.learn(LEARN_RECORDS)
        rig.start()
        for _ in range(2 if is_quick else 12):
            rig.reach_run()
            trips.append(make_trip(rig))
        memory_mib = {
            name: psutil.Process(rig.supervisor.children[name].pid).memory_info().rss / 2**20
            for name in MEMORY_REACH_MIB
        }
        link = rig.site.plan.link
    assert link is not None
    for term in TERMS:
        spans = [span_ms(trip, term) for trip in trips]
        yield Row(f"{term}, median", statistics.median(spans), "ms")
        yield Row(f"{term}, worst", max(spans), "ms")
    # a PLC in software has no relay whose time could be used up
    promised_ms = as_set(link).withdraw_ms - link.relay_ms
    peer = f"R_cmd without relay = {promised_ms:.1f} ms, {len(trips)} trips of the running programs"
    excess_ms = max(unexplained_ms(trip, promised_ms) for trip in trips)
    yield Row("guard to coil: beyond formula and recorded delay", excess_ms, "ms", 0.0, peer=peer)
    for name, reach_mib in MEMORY_REACH_MIB.items():
        yield Row(f"resident memory: {name}", memory_mib[name], "MiB", reach_mib)
