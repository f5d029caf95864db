"""The alarms written down and played again: the same entries, bit for bit, over a restart too; anything else is told."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jidoka.alarms import signal
from jidoka.alarms.definition import SECOND_NS
from jidoka.cli.alarm import command
from jidoka.steward.alarm_desk import AlarmDesk
from jidoka.steward.alarm_trace import MAGIC, record, replay
from jidoka.steward.effects import Effect, Record
from jidoka.steward.ledger.format import Entry, Lane
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka_bridge.errors import InputError
from jidoka_bridge.guard import trace
from jidoka_bridge.guard.trace import TraceWriter
from jidoka_bridge.messages import Kind
from jidoka_bridge.plan import CauseSpec, Plan

from tests.processes import wait_until
from tests.steward.site import DRIFT, MODEL, cause, make_plan

WALL_NS = 10**18
ROWS = 12


def plan_of(folder: Path) -> Plan:
    rows = tuple(
        CauseSpec(f"W-{n:02}", "drift", "observe", "medium", 40 + n, "It drifts.", "Look.", (DRIFT,))
        for n in range(ROWS)
    )
    return dataclasses.replace(make_plan(folder), causes=rows)


class Life:
    """A desk whose alarms are written down; what it records is kept, as a ledger would."""

    def __init__(self, folder: Path, trace: Path) -> None:
        self.now = SECOND_NS
        self.plan = plan_of(folder)
        self.desk = AlarmDesk(self.plan, lambda text: ("c" * 8, text.encode()))
        self.desk.annunciator, self.writer = record(self.desk.annunciator, trace, self.plan, lambda: self.now)
        self.entries: list[tuple[EntryKind, dict[str, Any], int]] = []

    def begin(self, before: Life | None = None) -> Life:
        for kind, body, at in before.entries if before else ():
            entry = Entry(kind, Lane.ALARM, 0, 0, at, WALL_NS + at, b"b" * 16, json.dumps(body).encode())
            if kind is EntryKind.ALARM:
                self.desk.restore(entry, body, True)
            elif kind is EntryKind.FLOOD:
                self.desk.restore_flood(entry, body, True)
        self.now = before.now if before else self.now
        self.keep(self.desk.begin(self.now, WALL_NS + self.now))
        return self

    def keep(self, effects: list[Effect] | None) -> None:
        for effect in effects or ():
            if isinstance(effect, Record):
                self.entries.append((effect.kind, effect.value, self.now))

    def step(self, chance: random.Random) -> None:
        self.now += chance.choice((1, 1, 5, 40)) * SECOND_NS
        if chance.random() < 0.3:
            revision = chance.randrange(1, 4)
            body = cause(
                active=chance.random() < 0.6, revision=revision, acknowledged=chance.randrange(revision + 1)
            )
            self.keep(self.desk.cause(self.now, body, "other"))
        if chance.random() < 0.2:
            self.keep(self.desk.refused_command(self.now, ""))
        if chance.random() < 0.3:
            self.act(chance)
        self.keep(
            self.desk.tick(
                self.now, is_recording=chance.random() < 0.9, is_guard_here=chance.random() < 0.9, plc=None,
                judgements={DRIFT: chance.choice(("on", "off"))},
                summaries={MODEL: {"statistic": {"value": 2.0, "limit": 3.0}}},
            )
        )  # fmt: skip

    def act(self, chance: random.Random) -> None:
        alarm = f"W-{chance.randrange(ROWS):02}"
        shown = {each["id"]: each["revision"] for each in self.desk.annunciator.shown.listed}
        person = {"request": "q", "role": "operator", "person": "p1", "reason": "other"}
        if chance.random() < 0.5:
            body = {**person, "cause": alarm, "revision": shown.get(alarm, 0)}
            self.keep(self.desk.before_guard(self.now, 7, body, lambda *_: []))
        else:
            body = {**person, "act": "shelve", "alarm": alarm, "for_s": 60.0, "text": "a private word"}
            self.keep(self.desk.act(self.now, 7, Kind.ALARM_ACT, body))


def lived(folder: Path, trace: Path, steps: int = 150, seed: int = 1, before: Life | None = None) -> Life:
    life, chance = Life(folder, trace).begin(before), random.Random(seed)
    for _ in range(steps):
        life.step(chance)
        # hours go by here in a moment: no disk is as fast as that, and a trace doesn't wait for it
        wait_until(life.writer._blocks.empty, "the trace is written so far")
    life.writer.close(limit_s=60.0)
    return life


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Life]:
    folder = tmp_path_factory.mktemp("trace")
    return folder / "alarms.trace", lived(folder, folder / "alarms.trace")


def test_the_same_inputs_give_the_same_entries_bit_for_bit(traced: tuple[Path, Life]) -> None:
    trace, life = traced
    outcome = replay(trace)
    assert outcome.differs == ""
    told = [value for kind, value, _ in life.entries if kind in {EntryKind.ALARM, EntryKind.FLOOD}]
    assert json.dumps([body for _, body in outcome.entries]) == json.dumps(told)
    assert {kind for kind, _, _ in life.entries} >= {EntryKind.ALARM, EntryKind.FLOOD, EntryKind.ACT}
    assert outcome.inputs > 150


def test_what_a_steward_restored_from_its_ledger_is_part_of_its_trace(
    traced: tuple[Path, Life], tmp_path: Path
) -> None:
    lived(tmp_path, tmp_path / "second.trace", 60, 2, before=traced[1])
    assert replay(tmp_path / "second.trace").differs == ""


def test_nothing_that_somebody_wrote_freely_is_in_it(traced: tuple[Path, Life]) -> None:
    acts = [value for kind, value, _ in traced[1].entries if kind is EntryKind.ACT]
    assert any(value["commitment"] for value in acts)
    outcome = CliRunner().invoke(command, ["replay", str(traced[0]), "--json"])
    assert "private word" not in outcome.output


def test_a_reason_that_is_no_code_is_not_in_it_either_and_is_refused_again(tmp_path: Path) -> None:
    life = Life(tmp_path, tmp_path / "x.trace").begin()
    life.keep(life.desk.refused_command(life.now, ""))
    body = {"request": "q", "role": "operator", "person": "p1", "cause": "refused command", "revision": 1,
            "reason": "Anna has seen it"}  # fmt: skip
    life.keep(life.desk.before_guard(life.now, 7, body, lambda *_: []))
    life.writer.close()
    _, lines = trace.read(tmp_path / "x.trace", MAGIC, how="")
    written = json.dumps(
        [[name, trace.unpacked(told), trace.unpacked(result)] for _, name, told, result in lines]
    )
    assert "refused command" in written
    assert "Anna" not in written
    assert replay(tmp_path / "x.trace").differs == ""


def test_alarms_that_do_anything_else_are_told_with_the_place(
    traced: tuple[Path, Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = tuple(rule._replace(strikes=rule.strikes + 1) for rule in signal.CHATTER)
    monkeypatch.setattr(signal, "CHATTER", shorter)
    outcome = replay(traced[0])
    assert "tick: then" in outcome.differs
    told = CliRunner().invoke(command, ["replay", str(traced[0])])
    assert "DIFFERS at input" in told.output


def test_a_trace_that_was_cut_is_good_up_to_the_cut(traced: tuple[Path, Life], tmp_path: Path) -> None:
    whole = traced[0].read_bytes()
    (tmp_path / "cut.trace").write_bytes(whole[: len(whole) - 20])
    outcome = replay(tmp_path / "cut.trace")
    assert outcome.differs == ""
    assert outcome.inputs < replay(traced[0]).inputs


def test_a_trace_ends_at_its_limit_and_plays_to_there(tmp_path: Path) -> None:
    life = Life(tmp_path, tmp_path / "unused.trace")
    writer = TraceWriter(tmp_path / "small.trace", life.plan, 4_000, magic=MAGIC)
    life.desk.annunciator._writer = writer  # type: ignore[attr-defined]
    life.begin()
    chance = random.Random(3)
    for _ in range(400):
        life.step(chance)
    writer.close()
    assert (tmp_path / "small.trace").stat().st_size < 40_000
    outcome = replay(tmp_path / "small.trace")
    assert outcome.differs == ""
    assert outcome.inputs > 0


@pytest.mark.parametrize("content", [b"", MAGIC, b"JDKGUARD1 another kind", b"no trace"])
def test_what_is_no_trace_of_alarms_says_how_to_make_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match="isn't a trace of this kind") as caught:
        replay(tmp_path / "x")
    assert "JIDOKA_ALARM_TRACE" in caught.value.remedy
