"""The guard's end of the line: when it wants to be called, on a real pseudo-terminal and in simulated time."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from typing import Any, cast

import pytest
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.line import Line
from jidoka_bridge.link import frames
from jidoka_bridge.link.arming import Ask
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import State, Word

MS = 1_000_000


class Wish:
    """What a guard's core would ask for."""

    def __init__(self) -> None:
        self.word = Word.MACHINE

    def ask(self) -> Ask:
        return Ask(self.word, State.RUN)

    def sent(self, now_ns: int, word: Word) -> None:
        """Nothing to remember."""

    def beat(self, now_ns: int, view: Any) -> None:
        """Nothing to conclude."""


@pytest.fixture
def line() -> Iterator[Line]:
    master, slave = os.openpty()
    tty.setraw(slave)
    made = Line(Link(port=os.ttyname(slave), beat_ms=500), first_number=1)
    yield made
    made.close()
    os.close(master)
    os.close(slave)


def test_a_lower_word_waits_for_the_silence_after_a_transaction_and_not_for_the_next_beat(line: Line) -> None:
    wish = Wish()
    guard = cast("Guard", wish)
    now = 1_000 * MS
    line.step(now, guard)
    assert line.beats == 1
    reply_until = line.next_ns
    wish.word = Word.WITHHOLD
    line.step(now + MS, guard)
    assert (line.beats, line.next_ns) == (1, reply_until), "one transaction at a time"
    line.step(reply_until, guard)
    assert line.beats == 1, "the line is silent for a moment after every transaction"
    quiet = line.next_ns
    assert reply_until < quiet < now + line.link.beat_ms * MS
    line.step(quiet, guard)
    assert line.beats == 2


def test_a_word_that_does_not_fall_waits_for_its_beat(line: Line) -> None:
    wish = Wish()
    guard = cast("Guard", wish)
    now = 1_000 * MS
    line.step(now, guard)
    line.step(line.next_ns, guard)
    assert line.next_ns >= now + line.link.beat_ms * MS


@pytest.mark.parametrize(
    ("function", "kind", "there", "back"),
    [("23", "A", 29, 37), ("16+03", "A", 25, 8), ("16+03", "head", 8, 37), ("16+03", "D", 33, 8), ("23", "D", 33, 8)],
)  # fmt: skip
def test_an_answer_is_waited_for_as_long_as_its_own_bytes_take(
    function: str, kind: str, there: int, back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Link("/nowhere", baud=9600, beat_ms=500, reply_timeout_ms=100, function=function)
    line = Line(link, first_number=1)
    monkeypatch.setattr(line.port, "drain", lambda: 0)
    monkeypatch.setattr(line.port, "write", lambda data: None)
    exchange = line.session._exchange
    if kind == "A":
        line.session._sent = exchange.beat(0, 1, [0] * 8)
    elif kind == "D":
        line.session._sent = exchange.aside(0, kind, frames.write_multiple(1, 20, [0] * 12))
    else:
        line.session._sent = exchange.aside(0, kind, frames.read_holding(1, 200, 16))
    sent = line.session._sent
    assert sent is not None
    assert (len(sent.assembler.frame), line.session.reply_bytes) == (there, back)
    assert line._write(0, sent.assembler.frame, cast("Guard", Wish()))
    character_ms = 11_000 / 9600
    assert line._reply_until_ns == pytest.approx(((there + back - 37) * character_ms + 100) * MS, abs=2)


def test_a_pause_lasts_as_long_as_a_beat_that_isnt_answered() -> None:
    link = Link("/nowhere", baud=9600, beat_ms=500, reply_timeout_ms=100)
    line = Line(link, first_number=1)
    line.port = cast("Any", SilentPort())
    line._write(0, b"", cast("Guard", Wish()))
    assert line._reply_until_ns == pytest.approx((29 * 11_000 / 9600 + 100) * MS, abs=2)


class SilentPort:
    """Takes everything."""

    def drain(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        """Nothing to remember."""
