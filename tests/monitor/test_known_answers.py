"""Known answers at the monitor: right needs all of them, wrong needs one, what wasn't seen is neither."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from jidoka.monitor.core import Monitor
from jidoka.monitor.intake import Intake, Outcome
from jidoka.monitor.known_answers import ROUND_NS, Result, Rounds, in_words
from jidoka.monitor.sink import TimedMonitor
from jidoka.monitor.trace import Trace
from jidoka_bridge.channel import Channel
from jidoka_bridge.plan import Plan
from jidoka_tap import wire
from jidoka_tap.known_answers import pack

from tests.monitor import line

COUNT = 3
IMAGES = np.random.default_rng(1).integers(0, 256, (COUNT, 1, 1, 16, 16), np.uint8)
LOGITS = np.linspace(-2, 2, COUNT * 4, dtype=np.float32).reshape(COUNT, 1, 4)
S = 1_000_000_000


def plan_with_answers(folder: Path, tolerance: float = 0.01) -> Plan:
    content = pack({"image": IMAGES}, {"logits": LOGITS}, {"logits": tolerance})
    file = folder / "answers.npz"
    file.write_bytes(content)
    plan = line.plan(folder)
    model = dataclasses.replace(plan.models[0], known_answers=hashlib.sha256(content).hexdigest())
    section = {**line.SECTION, "known_answers": {"file": str(file), "count": COUNT}}
    return dataclasses.replace(
        plan, models=(model,), sections={**plan.sections, "models": {line.MODEL: section}}
    )


def answer(
    n: int, off: float = 0.0, *, image: int | None = None, is_sent: bool = True, part: int | None = None
) -> wire.Record:
    """The record of the n-th known answer, from 0."""
    logits = LOGITS[n] + np.float32(off)
    tensors = [
        wire.Tensor(wire.OUTPUT, 0, logits.shape, logits.dtype, logits if is_sent else None),
        wire.Tensor(wire.INPUT, 0, IMAGES[n].shape, IMAGES.dtype, IMAGES[n if image is None else image]),
    ]
    return wire.Record(7 + n, n + 1 if part is None else part, 1, 1, 0, 0, tensors)


@pytest.fixture
def rounds(tmp_path: Path) -> Rounds:
    found = Rounds(plan_with_answers(tmp_path))
    found.connected(line.MODEL, line.HELLO)
    return found


def shown(rounds: Rounds, *records: wire.Record) -> list[Result]:
    results = [rounds.take(line.MODEL, record, S) for record in records]
    return [result for result in results if result is not None]


def test_a_model_that_gives_them_all_within_their_tolerance_passes_at_the_last(rounds: Rounds) -> None:
    (result,) = shown(rounds, answer(0), answer(1, off=0.009), answer(2))
    assert (result.passed, result.asked, result.seen, result.count) == (True, False, COUNT, COUNT)
    assert in_words(result) == "The model gave all 3 known answers."


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (answer(1, off=0.011), "answer 2: 'logits' is 0.011 off, 0.01 are allowed"),
        (answer(1, off=float("nan")), "inf off"),
        (answer(1, image=0), "another input 'image'"),
        (answer(1, part=9), "the set has 3"),
        (answer(1, part=0), "the set has 3"),
    ],
)
def test_one_that_is_wrong_fails_at_once_and_says_why(rounds: Rounds, record: wire.Record, why: str) -> None:
    (result,) = shown(rounds, answer(0), record)
    assert result.passed is False
    assert why in result.why
    assert rounds.wrong[line.MODEL] == result


def test_an_output_of_another_shape_is_wrong(rounds: Rounds) -> None:
    record = answer(0)
    other = np.zeros((1, 5), np.float32)
    record.tensors[0] = record.tensors[0]._replace(shape=other.shape, array=other)
    (result,) = shown(rounds, record)
    assert "has the shape [1, 5], right is [1, 4]" in result.why


def test_what_was_not_sent_is_neither_right_nor_wrong_and_the_round_ends_without_a_verdict(
    rounds: Rounds,
) -> None:
    assert rounds.ask(line.MODEL, S) is None
    assert not shown(rounds, answer(0), answer(1, is_sent=False), answer(2))
    assert not list(rounds.tick(S + ROUND_NS))
    (result,) = rounds.tick(S + ROUND_NS + 1)
    assert (result.passed, result.asked, result.seen) == (None, True, 2)
    assert not list(rounds.tick(S + 3 * ROUND_NS))


def test_the_same_answer_twice_doesnt_stand_for_another(rounds: Rounds) -> None:
    assert not shown(rounds, answer(1), answer(1), answer(2), answer(2))


def test_a_set_that_is_shown_from_the_beginning_again_is_a_new_round(rounds: Rounds) -> None:
    assert not shown(rounds, answer(0), answer(1), answer(0))
    (result,) = shown(rounds, answer(1), answer(2))
    assert result.passed


def test_right_answers_end_what_wrong_ones_left(rounds: Rounds) -> None:
    shown(rounds, answer(0, off=1.0))
    shown(rounds, answer(0), answer(1), answer(2))
    assert not rounds.wrong


def test_a_file_that_isnt_the_plans_shows_nothing(tmp_path: Path) -> None:
    plan = plan_with_answers(tmp_path)
    (tmp_path / "answers.npz").write_bytes(pack({"image": IMAGES}, {"logits": LOGITS + 1}, {}))
    rounds = Rounds(plan)
    result = rounds.ask(line.MODEL, S)
    assert result is not None
    assert "isn't the file of the plan" in result.why
    assert not shown(rounds, answer(0))


def test_a_model_without_a_set_says_so(tmp_path: Path) -> None:
    result = Rounds(line.plan(tmp_path)).ask(line.MODEL, S)
    assert result is not None
    assert (result.passed, "names no known answers" in in_words(result)) == (None, True)


def test_known_answers_on_the_wire_feed_no_detector_and_count_as_no_record(tmp_path: Path) -> None:
    plan = plan_with_answers(tmp_path)
    monitor = Monitor(plan, {line.MODEL: {(0, 0): line.baseline()}}, 1, 0)
    sink = TimedMonitor(monitor, Trace(Channel(tmp_path / "nobody")), lambda: 5, lambda _: None)
    intake = Intake(plan, sink)
    writer = intake.opened(1, 0)
    intake.take(writer, line.hello_datagram(shows=True), 1)
    assert writer.shows
    (welcome,) = writer.replies
    assert wire.decode_json(wire.decode(welcome.datagram)[2])["known_answers"] == plan.models[0].known_answers
    for n in range(COUNT):
        content = [(wire.OUTPUT, 0, LOGITS[n]), (wire.INPUT, 0, IMAGES[n])]
        pieces, _ = wire.pack_record(100 + n, n + 1, 1, 1, content)
        datagram = wire.encode(wire.RECORD, 1, b"".join(pieces), wire.KNOWN_ANSWER)
        assert intake.take(writer, datagram, 10 + n) is Outcome.HEARD
    (result,) = sink.results
    assert result.passed
    state = monitor.models[line.MODEL]
    assert (state.records, state.lost, state.total, state.record_ns) == (0, 0, 0, 0)
    intake.take(writer, line.record_datagram(100 + COUNT, line.tensors(np.random.default_rng(1))), 20)
    monitor.study()
    assert (state.records, state.lost) == (1, 0)
