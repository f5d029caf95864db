"""Nothing that an application sends can crash the monitor; everything refused is counted."""

from __future__ import annotations

import dataclasses
import errno
import mmap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.arena import Arena
from jidoka.monitor.core import Monitor
from jidoka.monitor.intake import MOST_GARBAGE, Intake, Outcome, Writer
from jidoka.monitor.learning import Learner
from jidoka.monitor.verdicts import Reason
from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from tests.monitor import line
from tests.monitor.application import write_slot

SECOND = 1_000_000_000
BASELINE = line.baseline(n=300)
RECORD = line.record_datagram(5, line.tensors(np.random.default_rng(1)), part=5)


def intake(plan: Plan | None = None) -> tuple[Intake, Monitor]:
    plan = plan or line.plan(Path("/nowhere"))
    monitor = Monitor(plan, {line.MODEL: {(0, 0): BASELINE}}, 1, SECOND)
    return Intake(plan, monitor), monitor


def greeted(each: Intake, now_ns: int = SECOND) -> Writer:
    writer = each.opened(1000, now_ns)
    each.take(writer, line.hello_datagram(), now_ns)
    return writer


def reply(writer: Writer) -> tuple[int, dict[str, object]]:
    kind, _, body = wire.decode(writer.replies.pop(0).datagram)
    return kind, wire.decode_json(body)


def with_model(plan: Plan, **settings: object) -> Plan:
    """The plan with its model's settings changed."""
    return dataclasses.replace(plan, models=(dataclasses.replace(plan.models[0], **settings),))  # type: ignore[arg-type]


def with_section(plan: Plan, **settings: object) -> Plan:
    """The plan with its model's section changed."""
    return dataclasses.replace(
        plan, sections={**plan.sections, "models": {line.MODEL: {**line.SECTION, **settings}}}
    )


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans(), st.sampled_from(sorted(wire.KINDS)))
def test_garbage_never_crashes_and_is_counted(body: bytes, has_header: bool, kind: int) -> None:
    each, monitor = intake()
    for writer in (greeted(each), each.opened(1000, SECOND)):
        each.take(writer, wire.encode(kind, 1, body) if has_header else body, SECOND)
    assert sum(each.refused.counts.values()) >= 1
    assert monitor.models[line.MODEL].total <= 1


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(20, len(RECORD) - 1), st.integers(0, 255)), max_size=8),
    st.integers(0, 100),
)
def test_a_record_with_changed_bytes_is_judged_or_refused_and_never_crashes(
    changes: list[tuple[int, int]], cut: int
) -> None:
    each, monitor = intake()
    writer = greeted(each)
    damaged = bytearray(RECORD)
    for place, value in changes:
        damaged[place] = value
    body = bytes(damaged[20 : len(damaged) - cut])
    each.take(writer, wire.encode(wire.RECORD, 1, body), SECOND)
    state = monitor.models[line.MODEL]
    assert state.total + state.refused == 1


@settings(max_examples=200, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "inputs", "outputs", "pid"]), inner),
))  # fmt: skip
def test_any_hello_is_welcomed_or_refused(value: object) -> None:
    each, _ = intake()
    writer = each.opened(1000, SECOND)
    each.take(writer, wire.encode_json(wire.HELLO, 1, value), SECOND)  # type: ignore[arg-type]
    assert reply(writer)[0] in {wire.WELCOME, wire.REFUSED}


def test_a_second_writer_is_refused_until_the_first_has_gone() -> None:
    each, monitor = intake()
    first, second = greeted(each), greeted(each)
    assert reply(second)[1]["reason"] == "two writers"
    each.closed(second)
    assert not first.is_ended
    assert line.MODEL in each.writers
    each.closed(first)
    assert reply(greeted(each))[0] == wire.WELCOME
    assert monitor.models[line.MODEL].extractor is not None


def test_what_is_beyond_the_quota_is_counted_and_costs_nobody_else() -> None:
    each, monitor = intake(with_model(line.plan(Path("/nowhere")), records_per_s=10.0))
    writer = greeted(each)
    outcomes = [each.take(writer, RECORD, SECOND) for _ in range(25)]
    assert outcomes == [Outcome.JUDGED] * 10 + [Outcome.REFUSED] * 15
    assert monitor.models[line.MODEL].total == 10
    assert monitor.models[line.MODEL].refused == 15
    assert each.refused.counts == {(line.MODEL, "records quota"): 15}
    each.take(writer, RECORD, 2 * SECOND)
    assert monitor.models[line.MODEL].total == 11


def test_bytes_have_a_quota_too_and_those_of_the_arena_count() -> None:
    plan = with_section(line.plan(Path("/nowhere")), arena_slots=2, largest_record_bytes=2000)
    each, monitor = intake(with_model(plan, bytes_per_s=3000.0))
    writer = greeted(each)
    arena = arena_of(writer)
    content = line.tensors(np.random.default_rng(1))
    for number in range(12):
        memory = mmap.mmap(arena.descriptor, 0)
        each.take(writer, write_slot(memory, arena.slot_bytes, 0, number, content), SECOND)
    # 112 bytes of datagram and, aligned, 64 + 256 of the arena each
    judged = int(3000 // (wire.RECORD_HEAD.size + 2 * wire.TENSOR.size + 320))
    assert monitor.models[line.MODEL].total == judged
    assert each.refused.counts == {(line.MODEL, "bytes quota"): 12 - judged}


def test_endless_garbage_ends_the_connection() -> None:
    each, _ = intake()
    writer = greeted(each)
    writer.replies.clear()
    for _ in range(MOST_GARBAGE):
        assert not writer.is_ended
        each.take(writer, b"x", SECOND)
    assert writer.is_ended
    assert reply(writer)[1]["reason"] == "endless garbage"
    assert each.refused.counts == {(line.MODEL, "garbage"): MOST_GARBAGE, (line.MODEL, "endless garbage"): 1}


def test_a_connection_that_never_says_who_it_is_is_overdue() -> None:
    each, _ = intake()
    writer = each.opened(1000, SECOND)
    assert not each.is_overdue(writer, 2 * SECOND)
    assert each.is_overdue(writer, 7 * SECOND)
    assert not each.is_overdue(greeted(each), 7 * SECOND)


@pytest.mark.parametrize("kind", [wire.WELCOME, wire.REFUSED, wire.VERDICT, wire.HELLO])
def test_a_tap_may_not_say_what_is_the_monitors_to_say(kind: int) -> None:
    each, _ = intake()
    writer = greeted(each)
    each.take(writer, wire.encode_json(kind, 1, {}), SECOND)
    assert each.refused.counts == {(line.MODEL, "garbage"): 1}


# ---------------------------------------------------------------- verdicts


def arena_of(writer: Writer) -> Arena:
    assert writer.grant is not None
    assert writer.grant.arena is not None
    return writer.grant.arena


def gated(number: int, part: int = 0, worst: float = 4.0) -> bytes:
    """A record that wants its verdict; worst: the largest logit."""
    content = line.tensors(np.random.default_rng(1))
    content[0][2][0, 0] = worst
    datagram = bytearray(line.record_datagram(number, content, part=part))
    datagram[6] |= wire.WANTS_VERDICT
    return bytes(datagram)


def verdicts(writer: Writer) -> list[tuple[int, ...]]:
    found = [wire.decode(each.datagram) for each in writer.replies]
    writer.replies.clear()
    assert {kind for kind, _, _ in found} <= {wire.VERDICT}
    return [wire.VERDICT_BODY.unpack(body) for _, _, body in found]


def test_a_record_that_wants_its_verdict_gets_it_at_once_and_others_get_none() -> None:
    each, _ = intake()
    writer = greeted(each)
    writer.replies.clear()
    each.take(writer, RECORD, SECOND)
    assert verdicts(writer) == []
    each.take(writer, gated(6), SECOND)
    each.take(writer, gated(7, worst=float("nan")), SECOND)
    assert verdicts(writer) == [
        (6, 0, 0, wire.PASS, wire.PASS),
        (7, 0, int(Reason.OUTPUT_NOT_FINITE), wire.REJECT, wire.REJECT),
    ]


def test_the_verdict_of_a_part_is_the_worst_of_its_records_and_never_better_than_the_records_own() -> None:
    plan = line.plan(Path("/nowhere"))
    monitor = Monitor(plan, {line.MODEL: {(0, 0): BASELINE}}, 1, SECOND)
    each = Intake(plan, monitor, part_verdict={1: wire.SUSPECT, 2: wire.PASS}.get)
    writer = greeted(each)
    writer.replies.clear()
    for number, part, worst in ((1, 1, 4.0), (2, 2, float("nan")), (3, 3, 4.0), (4, 0, 4.0)):
        each.take(writer, gated(number, part, worst), SECOND)
    assert [(record, verdict, of_part) for record, _, _, verdict, of_part in verdicts(writer)] == [
        (1, wire.PASS, wire.SUSPECT),
        (2, wire.REJECT, wire.REJECT),
        (3, wire.PASS, wire.PASS),
        (4, wire.PASS, wire.PASS),
    ]


def test_a_refused_record_gets_no_verdict() -> None:
    each, _ = intake(with_model(line.plan(Path("/nowhere")), records_per_s=1.0))
    writer = greeted(each)
    writer.replies.clear()
    for number in range(3):
        each.take(writer, gated(number), SECOND)
    assert [number for number, *_ in verdicts(writer)] == [0]


def test_while_a_baseline_is_learned_no_verdicts_are_given_out_of_nothing() -> None:
    plan = line.plan(Path("/nowhere"))
    each = Intake(plan, Learner(plan, line.MODEL, 10), is_judging=False)
    writer = each.opened(1000, SECOND)
    each.take(writer, line.hello_datagram(gate=True), SECOND)
    _, welcome = reply(writer)
    assert any("no verdicts come" in note for note in welcome["notes"])  # type: ignore[attr-defined]


# ---------------------------------------------------------------- the arena


def test_a_model_with_large_tensors_is_handed_an_arena_and_one_without_is_not() -> None:
    each, _ = intake()
    welcome = greeted(each).replies[0]
    assert welcome.descriptor == -1
    assert wire.decode_json(wire.decode(welcome.datagram)[2])["arena"] is None
    each, _ = intake(with_section(line.plan(Path("/nowhere")), arena_slots=4, largest_record_bytes=100_000))
    writer = greeted(each)
    arena = arena_of(writer)
    assert writer.replies[0].descriptor == arena.descriptor
    told = reply(writer)[1]["arena"]
    assert told == {"slots": 4, "slot_bytes": arena.slot_bytes}
    assert arena.slot_bytes >= 100_000 + 2 * wire.ARENA_ALIGN
    assert arena.slot_bytes % wire.ARENA_ALIGN == 0
    each.closed(writer)
    assert arena.descriptor == -1, "freed with its connection"


def test_a_record_in_the_arena_is_judged_as_one_that_came_inline() -> None:
    each, monitor = intake(
        with_section(line.plan(Path("/nowhere")), arena_slots=2, largest_record_bytes=1000)
    )
    writer = greeted(each)
    arena = arena_of(writer)
    memory = mmap.mmap(arena.descriptor, 0)
    content = line.tensors(np.random.default_rng(1))
    each.take(writer, line.record_datagram(1, content), SECOND)
    each.take(writer, write_slot(memory, arena.slot_bytes, 1, 2, content), SECOND)
    inline, by_arena = monitor.models[line.MODEL].rows
    assert (by_arena.reasons, by_arena.confidence) == (inline.reasons, inline.confidence)
    assert released(memory, arena, 1) == 2


def released(memory: mmap.mmap, arena: Arena, slot: int) -> int:
    return int(wire.SLOT_HEAD.unpack_from(memory, slot * (wire.SLOT_HEAD.size + arena.slot_bytes))[2])


@pytest.mark.parametrize(
    "reason", ["records quota", "bytes quota", "slot not written", "bad tensors", "slot too small"]
)
def test_the_slot_of_a_refused_record_is_free_again(reason: str) -> None:
    plan = with_section(line.plan(Path("/nowhere")), arena_slots=2, largest_record_bytes=1000)
    limits = {"records quota": {"records_per_s": 0.5}, "bytes quota": {"bytes_per_s": 200.0}}.get(reason, {})
    each, monitor = intake(with_model(plan, **limits))
    writer = greeted(each)
    arena = arena_of(writer)
    memory = mmap.mmap(arena.descriptor, 0)
    datagram = bytearray(write_slot(memory, arena.slot_bytes, 1, 77, line.tensors(np.random.default_rng(1))))
    second = wire.HEADER.size + wire.RECORD_HEAD.size + wire.TENSOR.size
    if reason == "slot not written":
        memory[wire.SLOT_HEAD.size + arena.slot_bytes] ^= 1
    elif reason == "bad tensors":
        datagram[second + 1] = 99  # an element type that isn't one
    elif reason == "slot too small":
        datagram[second + 8 : second + 12] = datagram[second + 20 : second + 24] = (65_536).to_bytes(
            4, "little"
        )
        datagram[second + 12 : second + 20] = (1).to_bytes(4, "little") * 2
        datagram[second + 24 : second + 28] = (1).to_bytes(4, "little")
    each.take(writer, bytes(datagram), SECOND)
    assert each.refused.counts == {(line.MODEL, reason): 1}
    assert monitor.models[line.MODEL].total == 0
    assert released(memory, arena, 1) == 77


def test_a_record_that_points_into_an_arena_that_was_never_handed_out_is_refused() -> None:
    given_one, _ = intake(with_section(line.plan(Path("/nowhere")), arena_slots=2, largest_record_bytes=1000))
    writer = greeted(given_one)
    arena = arena_of(writer)
    memory = mmap.mmap(arena.descriptor, 0)
    datagram = write_slot(memory, arena.slot_bytes, 0, 1, line.tensors(np.random.default_rng(1)))
    each, _ = intake()
    assert each.take(greeted(each), datagram, SECOND) is Outcome.REFUSED
    assert each.refused.counts == {(line.MODEL, "no arena"): 1}


def test_where_no_arena_can_be_had_the_application_is_told_and_served_without() -> None:
    def none_left(*_: object) -> Arena:
        raise OSError(errno.EMFILE, "Too many open files")

    plan = with_section(line.plan(Path("/nowhere")), arena_slots=2, largest_record_bytes=1000)
    monitor = Monitor(plan, {}, 1, SECOND)
    each = Intake(plan, monitor, make_arena=none_left)
    writer = greeted(each)
    kind, welcome = reply(writer)
    assert (kind, welcome["arena"]) == (wire.WELCOME, None)
    assert "large tensors aren't monitored: no arena: Too many open files" in welcome["notes"]  # type: ignore[operator]
    each.take(writer, RECORD, SECOND)
    assert monitor.models[line.MODEL].total == 1
