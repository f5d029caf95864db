"""Each thing that the guard watches by itself comes and goes: which events tell it, when, with what evidence, and what is left."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from jidoka_bridge.registers import Input

from tests.bridge.guard.cells import a_plan, prepared
from tests.bridge.guard.guard_rig import MS, Rig

Act = Callable[[Rig], Any]
NO_BITS = Input(0)


class Fact(NamedTuple):
    """on, off: events; evidence: with the values that don't depend on time, of others the names."""

    cause: str
    comes: Act
    goes: Act
    on: str
    off: str
    evidence: dict[str, Any]


def switch(name: str, value: bool, turns: int) -> Act:
    def act(rig: Rig) -> None:
        setattr(rig, name, value)
        rig.turn(turns)

    return act


def bits(on: Input = NO_BITS, off: Input = NO_BITS, turns: int = 1) -> Act:
    def act(rig: Rig) -> None:
        rig.inputs(on, off)
        rig.turn(turns)

    return act


def write_fails(rig: Rig) -> None:
    rig.guard.written(rig.now, rig.guard.latch_number, "the disk is full")
    rig.collect()


def write_succeeds(rig: Rig) -> None:
    rig.guard.written(rig.now, rig.guard.latch_number, "")
    rig.collect()


def parts_without_records(rig: Rig) -> None:
    """The application lives and infers nothing, the machine runs, a part is counted."""
    rig.inputs(on=Input.RUNNING)
    for watch in rig.guard.data.models:
        watch.part_ns, watch.owed_ns = rig.now - 500 * MS, 5_000 * MS
    rig.guard.tick(rig.now)
    rig.collect()


FACTS = (
    Fact("reset button", bits(on=Input.RESET_BUTTON, turns=75), bits(off=Input.RESET_BUTTON), "reset button fault", "cause off",
         {"why": "stuck"}),
    Fact("plc link", switch("link", False, 1), switch("link", True, 1), "plc link lost", "plc link back",
         {"why": "", "rtts_us": []}),
    Fact("plc not ready", bits(off=Input.MACHINE_READY), bits(on=Input.MACHINE_READY), "plc not ready", "plc ready",
         {"why": ["the machine isn't ready"]}),
    Fact("no data:m", switch("monitor", False, 10), switch("monitor", True, 1), "no data, none", "data or record back",
         {"beat_ns": ..., "record_ns": ..., "received_ns": ...}),
    Fact("no record", switch("steward", False, 32), switch("steward", True, 1), "no record, hold", "data or record back",
         {"ring_full": False}),
    Fact("latch file", write_fails, write_succeeds, "latch file not writable", "cause off", {"why": "the disk is full"}),
)  # fmt: skip


def in_hold() -> Rig:
    rig = prepared("HOLD", a_plan(fallback=None))
    rig.collect()
    rig.events.clear()
    return rig


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.cause)
def test_a_fact_is_told_when_it_comes_and_when_it_goes_with_its_cause_and_evidence(fact: Fact) -> None:
    rig = in_hold()
    fact.comes(rig)
    told = [each for each in rig.events if each.get("cause") == fact.cause]
    assert [each["event"] for each in told] == [fact.on]
    evidence = told[0]["evidence"]
    assert {
        name: value if fact.evidence.get(name) is not ... else ... for name, value in evidence.items()
    } == fact.evidence
    cause = rig.guard.causes[fact.cause]
    assert (cause.active, cause.since_ns, cause.evidence, cause.latched) == (
        True,
        told[0]["ns"],
        evidence,
        False,
    )
    rig.events.clear()
    fact.goes(rig)
    told = [each for each in rig.events if each.get("cause") == fact.cause]
    assert [(each["event"], each["evidence"]) for each in told] == [(fact.off, {})]
    assert (rig.guard.causes[fact.cause].active, rig.state) == (False, "HOLD")
    assert rig.now - told[0]["ns"] <= 140 * MS


def test_parts_without_records_are_told_with_the_part_and_the_record() -> None:
    rig = in_hold()
    parts_without_records(rig)
    told = [each for each in rig.events if each.get("cause") == "parts without records:m"]
    assert [each["event"] for each in told] == ["no data, none"]
    assert told[0]["ns"] == rig.now
    watch = rig.guard.data.models[0]
    assert told[0]["evidence"] == {
        "beat_ns": watch.beat_ns, "record_ns": watch.record_ns, "received_ns": watch.received_ns,
        "part_ns": watch.part_ns, "part_count": rig.guard.view.part_count,
    }  # fmt: skip
    rig.events.clear()
    rig.turn()
    assert [(each["event"], each["cause"]) for each in rig.events] == [
        ("data or record back", "parts without records:m")
    ]


def test_running_in_changeover_is_told_while_it_lasts() -> None:
    rig = in_hold()
    rig.inputs(on=Input.RUNNING | Input.CHANGEOVER)
    rig.turn(35)
    told = rig.last("running in changeover")
    assert (told["cause"], told["evidence"]) == (
        "running in changeover",
        {"running": True, "part_count": rig.guard.view.part_count, "changeover": True},
    )
    rig.events.clear()
    rig.inputs(off=Input.RUNNING)
    assert [(each["event"], each["cause"]) for each in rig.events] == [
        ("advise cause off", "running in changeover")
    ]


def test_parts_made_while_it_says_that_it_stands_are_told_with_their_count() -> None:
    rig = prepared("RUN", a_plan(fallback=None))
    rig.events.clear()
    rig.turn(30)  # longer than the run-out
    for _ in range(3):
        rig.view = dataclasses.replace(rig.view, part_count=rig.view.part_count + 1)
        rig.turn()
    told = rig.last("fallback cause on, none")
    assert (told["cause"], told["ns"], rig.state) == ("running input", rig.now, "HOLD")
    assert {name: told["evidence"][name] for name in ("parts", "part_count")} == {"parts": 3, "part_count": 3}
    assert rig.guard.causes["running input"].evidence == {"parts": 3, "part_count": 3}
    assert rig.guard.causes["running input"].since_ns == rig.now


def test_somebody_elses_session_is_told_with_its_connection_and_reason() -> None:
    rig = in_hold()
    rig.view = dataclasses.replace(rig.view, foreign=True, why="somebody else's number")
    rig.turn()
    told = rig.last("other session")
    assert (told["cause"], told["evidence"]) == (
        "other session",
        {"connection": 7, "why": "somebody else's number", "loop_delay_ms": 0, "rtts_us": []},
    )
    assert rig.guard.causes["other session"].latched
