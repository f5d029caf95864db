"""Nothing that an application sends can crash the monitor; everything refused is counted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.core import Monitor
from jidoka.monitor.intake import MOST_GARBAGE, Intake, Writer
from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from tests.monitor import line

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
    kind, _, body = wire.decode(writer.replies.pop(0))
    return kind, wire.decode_json(body)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans(), st.sampled_from(sorted(wire.KINDS)))
def test_garbage_never_crashes_and_is_counted(body: bytes, has_header: bool, kind: int) -> None:
    each, monitor = intake()
    for writer in (greeted(each), each.opened(1000, SECOND)):
        each.take(writer, wire.encode(kind, 1, body) if has_header else body, SECOND)
    assert sum(each.refusals.values()) >= 1
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


def test_a_tap_is_told_what_the_plan_wants_of_it() -> None:
    each, _ = intake()
    kind, welcome = reply(greeted(each))
    assert kind == wire.WELCOME
    assert welcome == {"model": line.MODEL, "every": 1, "roi": None, "inline_limit_bytes": 60_000}


def test_an_unknown_model_is_refused_and_the_known_ones_named() -> None:
    each, _ = intake()
    writer = each.opened(1000, SECOND)
    each.take(writer, line.hello_datagram(model="other"), SECOND)
    kind, refusal = reply(writer)
    assert (kind, refusal["reason"]) == (wire.REFUSED, "unknown model")
    assert line.MODEL in str(refusal["remedy"])
    assert writer.is_ended


def test_another_user_than_the_plans_is_refused_and_the_super_user_has_no_right_by_being_it() -> None:
    plan = line.plan(Path("/nowhere"))
    each, _ = intake(dataclasses.replace(plan, models=(dataclasses.replace(plan.models[0], user_id=1234),)))
    for user_id in (1000, 0):
        writer = each.opened(user_id, SECOND)
        each.take(writer, line.hello_datagram(), SECOND)
        assert reply(writer)[1]["reason"] == "wrong user"


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
    plan = line.plan(Path("/nowhere"))
    each, monitor = intake(
        dataclasses.replace(plan, models=(dataclasses.replace(plan.models[0], records_per_s=10.0),))
    )
    writer = greeted(each)
    for _ in range(25):
        each.take(writer, RECORD, SECOND)
    assert monitor.models[line.MODEL].total == 10
    assert each.refusals[line.MODEL, "quota"] == 15
    each.take(writer, RECORD, 2 * SECOND)
    assert monitor.models[line.MODEL].total == 11


def test_endless_garbage_ends_the_connection() -> None:
    each, _ = intake()
    writer = greeted(each)
    for _ in range(MOST_GARBAGE):
        assert not writer.is_ended
        each.take(writer, b"x", SECOND)
    assert writer.is_ended


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
    assert each.refusals[line.MODEL, "garbage"] == 1
