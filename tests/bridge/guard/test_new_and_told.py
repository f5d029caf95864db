"""What a guard knows when it is new, what it can record of what others say, and when the steward hears of a cause."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from jidoka_bridge.guard import plain
from jidoka_bridge.guard.causes import Cause, Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.guard_condition import NONE, Offer
from jidoka_bridge.guard.interlock import BY_EVENT
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.memory import Memory
from jidoka_bridge.guard.recorder import Details, Recorder
from jidoka_bridge.guard.remembered import LATER, NEW
from jidoka_bridge.messages import Condition, Judgement, Kind, encode_json
from jidoka_bridge.plan import CauseSpec, ConditionSpec

from tests.bridge.guard.guard_rig import plan

BOOT = b"b" * 16


def test_a_new_guard_has_seen_nothing_and_permits_nothing() -> None:
    content = {**NEW, **LATER, "override_used_s": 7, "first_out": "R-2", "transition": 41}
    memory = Memory(plan(), [], content, 90, latch_number=5, is_same_boot=True)
    zeros = (
        "offer_since_ns",
        "offer_lapsed_ns",
        "up_since_ns",
        "acknowledged_ns",
        "renewed_ns",
        "more_since_ns",
        "loop_delay_ns",
        "_refused",
    )
    assert [(type(getattr(memory, name)), getattr(memory, name)) for name in zeros] == [(int, 0)] * len(zeros)
    falses = (
        "offer_held",
        "passed",
        "arming_told",
        "was_up",
        "stopping",
        "is_clean_stop",
        "key_was_on",
        "key_must_go_off",
    )
    assert [getattr(memory, name) for name in falses] == [False] * len(falses)
    for name in ("block_c", "pending", "withdrawal", "acknowledged_by"):
        assert getattr(memory, name) is None
    assert (memory.plc_memory, memory.fresh, memory._content) == ({}, set(), {})
    assert memory.offer == Offer(NONE, ("the guard has just started",))
    assert (memory.latch_number, memory.latch_written, memory.latch_failed) == (5, 4, "")
    for name in ("latch_asked_ns", "started_ns", "changed_ns", "last_tick_ns", "override_repeat_ns"):
        assert getattr(memory, name) == 90
    assert memory.override_used_ns == 7_000_000_000
    assert memory.recorder.first_out == "R-2"
    assert memory._told.maxlen == 5


def started(latch: Latch | None, fault: str = "") -> tuple[Guard, list[dict[str, Any]]]:
    guard = Guard(plan(), latch, fault, [], 500)
    return guard, [out.body for out in guard.take_outbox() if out.kind is Kind.TRANSITION]


def test_without_a_latch_file_it_is_locked_out_and_says_what_is_wrong_with_it() -> None:
    guard, told = started(None, "it is torn")
    [last] = [each for each in told if each["event"] == "lockout cause on"]
    assert (last["cause"], last["ns"], last["to"]) == ("latch file", 500, "LOCKOUT")
    assert "it is torn" in last["text"]
    assert (guard.causes["latch file"].since_ns, guard.causes["latch file"].evidence) == (
        500,
        {"why": "it is torn"},
    )


@pytest.mark.parametrize(("torn", "evidence"), [(True, {"torn": True}), (False, {})])
def test_a_start_tells_whether_half_of_the_latch_file_was_torn(torn: bool, evidence: dict[str, Any]) -> None:
    latch = dataclasses.replace(Latch(1, BOOT, {**NEW, "clean": False}), torn=torn)
    guard, told = started(latch)
    wanted = {"clean": False, "plan": plan().digest, **evidence}
    [restart] = [each for each in told if each["event"] == "restart"]
    assert (restart["ns"], restart["evidence"]) == (500, wanted)
    told_of_it = "One of the two copies in the latch file was damaged; the other one is used."
    assert (told_of_it in restart["text"]) is torn
    assert (restart["text"] == BY_EVENT["restart"].text) is not torn
    assert guard.causes["restart"].evidence == wanted


def test_a_cause_of_an_earlier_plan_is_a_hold_that_waits_for_a_person() -> None:
    a_plan = plan()
    causes = Causes(a_plan, Conditions(a_plan))
    cause = causes.add_foreign("R-77")
    assert causes["R-77"] is cause is causes.add_foreign("R-77")
    told = ("R-77: tripped under an earlier plan.", "Acknowledge and reset.")
    assert cause == Cause("R-77", "earlier plan", "hold", "medium", 0, *told)


# ---------------------------------------------------------------------- evidence


def test_evidence_keeps_what_a_record_can_hold_and_names_the_rest() -> None:
    long = "n" * 70
    given = {
        "n": 2**63 - 1,
        "least": -(2**63),
        "x": 1.5,
        "t": "text",
        "l": [1, {"a": 2}],
        long: 1,
        "onset_ns": 0,
    }
    assert plain.evidence(given) == {**{k: v for k, v in given.items() if k != long}, "n" * 64: 1}
    bad = {
        "big": 2**63,
        "small": -(2**63) - 1,
        "inf": float("inf"),
        "in": [float("nan")],
        "deep": {"a": [2**63]},
    }
    assert plain.evidence(bad) == {"dropped": ["big", "small", "inf", "in", "deep"]}
    assert plain.evidence({"onset_ns": -1, "judged_ns": 1.5}) == {"dropped": ["onset_ns", "judged_ns"]}
    many = {f"k{number}": float("nan") for number in range(12)}
    assert plain.evidence(many) == {"dropped": [f"k{number}" for number in range(10)]}


def test_of_more_sentences_than_a_message_takes_the_first_are_told_and_how_many_more_there_are() -> None:
    few = ["a" * 100] * 20
    assert plain.sentences(few) == few
    fits = ["a" * 997] * 24  # with quotes and a comma 1 000 bytes each
    assert plain.sentences(fits) == fits
    assert plain.sentences([*fits, "b", "c"]) == [*fits, "and 2 more"]
    longest = [
        "😀" * (plain.MAX_LIST_BYTES // plain.LONGEST_CHARACTER)
    ]  # each of them as long as a character can be
    assert plain.sentences(longest) == longest
    assert plain.sentences(["検" * 160] * 70)[-2:] == ["検" * 160, "and 46 more"]


def test_what_a_large_plan_lacks_reaches_people_in_whatever_script_its_risks_are_written() -> None:
    names = [f"m:{number}" for number in range(100)]
    conditions = tuple(ConditionSpec(name, "m", False, 0.0, True) for name in names)
    causes = tuple(
        CauseSpec(name, "risk", "hold", "high", 32 + number, "検" * 160, "r.", (name,))
        for number, name in enumerate(names)
    )
    guard = Guard(plan(conditions=conditions, causes=causes), None, "lost", [], 500)
    for number in range(100):
        guard.condition(600, Condition(number, Judgement.ON, 1, judged_ns=600))
    guard.event(600, "reset refused", Details(reasons=guard.offer.missing))
    for out in guard.take_outbox():
        encode_json(out.kind, 0, 600, out.body)


def test_evidence_of_8000_bytes_is_kept_and_of_one_more_is_not() -> None:
    fits = {"a": "x" * (8_000 - len('{"a": ""}'))}
    assert plain.evidence(fits) == fits
    assert plain.evidence({"a": fits["a"] + "x"}) == {"dropped": "all of it: 8001 bytes"}


# ---------------------------------------------------------------------- what the steward hears


CHANGES = {
    "active": True, "latched": True, "revision": 1, "acknowledged_revision": 1, "second_revision": 1,
    "quality": "no data", "needs_role": "maintenance", "seen": {"role": "operator"},
}  # fmt: skip


@pytest.mark.parametrize("field", CHANGES)
def test_the_steward_hears_of_each_change_of_a_cause_once(field: str) -> None:
    a_plan = plan()
    causes, recorder, mode = Causes(a_plan, Conditions(a_plan)), Recorder(1, True), {"offer": "none"}
    recorder.report(causes, mode)
    assert [tuple(out[:2]) for out in recorder.take()] == [("steward", Kind.MODE)], (
        "of a new cause there is no news"
    )
    recorder.report(causes, mode)
    assert recorder.take() == []
    setattr(causes["R-2"], field, CHANGES[field])
    recorder.report(causes, {"offer": "run"})
    told = recorder.take()
    assert [tuple(out[:2]) for out in told] == [("steward", Kind.CAUSE), ("steward", Kind.MODE)]
    assert (told[0].body["id"], told[1].body) == ("R-2", {"offer": "run"})
    recorder.report(causes, {"offer": "run"})
    assert recorder.take() == []
