"""The guard's own start, its floods and its faults, in the words and numbers that are told."""

from __future__ import annotations

import pytest
from jidoka_bridge.guard import remembered, rules
from jidoka_bridge.guard.button import APPROVE_NS
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.memory import REFUSALS
from jidoka_bridge.guard.remembered import LATER, NEW
from jidoka_bridge.link.blocks import BlockC
from jidoka_bridge.messages import Kind
from jidoka_bridge.registers import Input, Word

from tests.bridge.guard.guard_rig import MS, Rig, plan

S_NS = 1_000 * MS
BLOCK_C = BlockC(
    **{name: ([0] * 48 if name == "ring" else 1) for name in BlockC.__dataclass_fields__}  # type: ignore[arg-type]
)


def started(latch: Latch | None, boot: bytes = b"b" * 16) -> Guard:
    return Guard(plan(), latch, "torn", [], 500 * MS, boot=boot)


def test_the_next_write_has_the_number_behind_the_file_and_without_a_file_the_second() -> None:
    # the first write of a start is asked for as it settles
    assert started(Latch(7, b"b" * 16, {**NEW, **LATER})).latch_number == 9
    assert started(None).latch_number == 3


def test_without_a_file_it_was_no_clean_stop_and_it_stays_locked_out() -> None:
    guard = started(None)
    told = [out.body for out in guard.take_outbox() if out.kind is Kind.TRANSITION]
    assert told[0]["event"] == "restart"
    assert told[0]["evidence"]["clean"] is False
    content = guard.latch(b"b" * 16).content
    assert content["lockout"] is True
    assert content["clean"] is False


@pytest.mark.parametrize(("boot", "age_ms"), [(b"b" * 16, 60_000), (b"c" * 16, 0), (b"", 0)])
def test_ages_count_within_one_run_of_the_computer_only(boot: bytes, age_ms: int) -> None:
    latch = Latch(7, b"b" * 16, {**NEW, **LATER, "trips": {"R-1": [60_000]}})
    assert started(latch, boot).trips.ages_ms(500 * MS) == {"R-1": [age_ms]}
    nameless = Latch(7, b"", {**NEW, **LATER, "trips": {"R-1": [60_000]}})
    assert Guard(plan(), nameless, "", [], 500 * MS).trips.ages_ms(500 * MS) == {"R-1": [60_000]}


def test_the_file_has_this_computers_run_and_the_ages_of_now() -> None:
    guard = started(Latch(7, b"b" * 16, {**NEW, **LATER}))
    guard.tick(1_000 * MS)
    guard.trips.add(400 * MS, "R-1")
    latch = guard.latch(b"d" * 16)
    assert (latch.number, latch.boot_id, latch.content["trips"]) == (
        guard.latch_number,
        b"d" * 16,
        {"R-1": [600]},
    )


def test_a_flood_of_what_cannot_be_read_is_told_five_times_a_second_with_its_count() -> None:
    rig = Rig()
    rig.collect()
    rig.events.clear()
    guard = rig.guard

    def told() -> list[tuple[int, list[str]]]:
        rig.collect()
        return [(each["ns"], each["reasons"]) for each in rig.events if each["event"] == "message refused"]

    begun = rig.now
    for number in range(REFUSALS + 3):
        guard.refuse_input(begun + number, "nonsense")
    expected = [(begun + each, [f"nonsense ({each + 1} refused so far)"]) for each in range(REFUSALS)]
    assert told() == expected
    guard.refuse_input(begun + S_NS - 1, "nonsense")
    assert told() == expected, "the first of the five isn't a second ago"
    guard.refuse_input(begun + S_NS, "nonsense")
    expected.append((begun + S_NS, ["nonsense (10 refused so far)"]))
    assert told() == expected
    guard.refuse_input(begun + S_NS, "nonsense")
    assert told() == expected, "the second of them isn't either"
    guard.refuse_input(begun + S_NS + 1, "nonsense")
    assert len(told()) == REFUSALS + 2


def test_an_error_inside_is_a_lockout_with_its_own_words_told_once() -> None:
    rig = Rig()
    rig.turn(3)
    for _ in range(2):
        rig.guard.fail(rig.now + 5, "KeyError in tick: 'x'")
    rig.collect()
    (told,) = [each for each in rig.events if each["event"] == "fault"]
    assert (told["ns"], told["cause"], told["to"]) == (rig.now + 5, "fault", "LOCKOUT")
    assert told["text"].endswith("KeyError in tick: 'x'")
    cause = rig.guard.causes["fault"]
    assert (cause.evidence, cause.revision) == ({"why": "KeyError in tick: 'x'"}, 1)
    rig.guard.fail(rig.now + 6, "another")
    assert cause.revision == 2


def test_a_rule_that_fails_each_time_keeps_neither_the_file_nor_people_from_the_lockout() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    rig.turn(2)
    rig.guard.take_outbox()

    def fails(guard: Guard, now_ns: int) -> None:
        raise ZeroDivisionError(guard.word, now_ns)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "RULES", (fails,))
        rig.guard.tick(rig.now + 1)
        told = [out.body["id"] for out in rig.guard.take_outbox() if out.kind is Kind.CAUSE]
        assert (rig.state, told, rig.guard.latch_asked_ns) == ("LOCKOUT", ["fault"], rig.now + 1)
        rig.turn(3)
    assert rig.content["lockout"]
    assert Rig(content=rig.content).state == "LOCKOUT"


def test_an_error_in_what_the_file_shall_hold_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    monkeypatch.setattr(remembered, "content_of", lambda _: 1 // 0)
    rig.turn(2)
    assert (rig.state, rig.word) == ("LOCKOUT", "WITHHOLD")


def test_what_the_plc_is_and_remembers_is_kept_for_people() -> None:
    rig = Rig()
    rig.guard.remember_plc(BLOCK_C)
    assert rig.guard.block_c is BLOCK_C
    assert rig.guard.plc_memory["version"] == "0.1"


def test_a_trip_has_the_loops_delay_in_whole_milliseconds_and_a_new_word_ends_a_doubt() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    rig.guard.loop_delay_ns = 3_999_999
    rig.guard.more_since_ns = 7
    rig.hold()
    told = rig.last("local hold")
    assert (told["evidence"]["loop_delay_ms"], type(told["evidence"]["loop_delay_ms"])) == (3, int)
    assert (rig.guard.more_since_ns, type(rig.guard.more_since_ns)) == (0, int)


def test_the_file_gets_a_new_number_only_where_its_content_changed() -> None:
    rig = Rig()
    rig.turn(3)
    guard = rig.guard
    before = guard.latch_number
    guard.note_latch(rig.now)
    assert guard.latch_number == before
    guard.override_used_ns += 10_000 * MS
    guard.note_latch(rig.now + 1)
    assert (guard.latch_number, guard.latch_asked_ns) == (before + 1, rig.now + 1)
    guard.override_used_ns += 10_000 * MS
    guard.note_latch(rig.now + 2)
    assert (guard.latch_number, guard.latch_asked_ns) == (before + 2, rig.now + 1), (
        "it still waits for the first"
    )


def test_the_last_beats_say_that_the_agent_was_stopped_by_plan_where_nothing_worse_is_to_be_said() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    assert rig.guard.ask().reason == 0
    rig.guard.stop(rig.now)
    assert (rig.guard.ask().reason, rig.guard.ask().word) == (23, Word.WITHHOLD)
    held = Rig()
    held.turn(3)
    held.prove()
    held.hold()
    held.guard.stop(held.now)
    assert held.guard.ask().reason == held.guard.causes["local hold"].reason != 23


@pytest.mark.parametrize(
    ("key", "held_ns", "approves"),
    [(True, APPROVE_NS, False), (True, APPROVE_NS + 1, True), (False, APPROVE_NS + 1, False)],
)
def test_key_and_button_held_for_longer_than_three_seconds_approve(
    key: bool, held_ns: int, approves: bool
) -> None:
    rig = Rig()
    rig.inputs(on=Input.OVERRIDE_KEY if key else Input(0))
    rig.guard.button.down_ns = 5
    rig.guard.last_tick_ns = 5 + held_ns
    assert rig.guard.ask().approve is approves
    rig.guard.button.down_ns = 0
    assert rig.guard.ask().approve is False
