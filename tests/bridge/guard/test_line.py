"""The guard's end of the line: when it wants to be called, on a real pseudo-terminal and in simulated time."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from typing import Any, cast

import pytest
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.line import Line
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
