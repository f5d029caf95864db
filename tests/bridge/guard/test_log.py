"""A log that nobody reads never holds the guard up, and what is lost of it is told."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from jidoka_bridge.guard.log import MOST_BYTES, NeverWaits

from tests.processes import fill


def too_long(*_: object) -> None:
    raise AssertionError("the handler waits")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    was = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(20)
    yield reader, writer
    signal.alarm(0)
    signal.signal(signal.SIGALRM, was)
    os.close(reader)
    os.close(writer)


def handler_of(descriptor: int) -> NeverWaits:
    handler = NeverWaits(descriptor)
    handler.setFormatter(logging.Formatter("guard: %(message)s"))
    return handler


def say(handler: NeverWaits, text: str) -> None:
    handler.emit(logging.LogRecord("guard", logging.INFO, "", 0, text, None, None))


def read_all(reader: int) -> bytes:
    found = b""
    try:
        while True:
            found += os.read(reader, 1 << 20)
    except BlockingIOError:
        return found


def test_a_line_is_written_as_it_is(pipe: tuple[int, int]) -> None:
    say(handler_of(pipe[1]), "RUN")
    assert os.read(pipe[0], 100) == b"guard: RUN\n"


def test_lines_without_room_are_lost_counted_and_told_with_the_next_that_has_some(
    pipe: tuple[int, int],
) -> None:
    reader, writer = pipe
    handler = handler_of(writer)
    fill(writer)
    for number in range(3):
        say(handler, f"line {number}")
    assert handler.lost == 3
    read_all(reader)
    say(handler, "HOLD")
    say(handler, "LOCKOUT")
    assert read_all(reader) == (
        b"guard: 3 lines found no room here and are lost\nguard: HOLD\nguard: LOCKOUT\n"
    )


def test_a_line_that_a_pipe_takes_only_in_pieces_is_cut(pipe: tuple[int, int]) -> None:
    say(handler_of(pipe[1]), "é" * MOST_BYTES)
    written = read_all(pipe[0])
    assert len(written) <= MOST_BYTES
    assert written.endswith("…\n".encode())


def test_a_reader_that_is_gone_costs_lines_and_nothing_else() -> None:
    reader, writer = os.pipe()
    handler = handler_of(writer)
    os.close(reader)
    say(handler, "RUN")
    assert handler.lost == 1
    os.close(writer)
