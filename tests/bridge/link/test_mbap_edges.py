"""MBAP frames at their edges: the shortest, the longest, and what differs from an answer in one place only."""

from __future__ import annotations

import pytest
from jidoka_bridge.link import frames
from jidoka_bridge.link.frames import Assembler, Outcome
from jidoka_bridge.link.mbap import RequestFinder, Rtu, Tcp, TcpAssembler, UnframedError, take, wrapped

READ = frames.read_holding(9, 100, 2)
BODY = bytes((9, 3, 4, 0, 1, 0, 2))


def test_the_longest_frame_is_taken_and_one_byte_more_is_none() -> None:
    longest = wrapped(5, bytes(254))
    assert take(bytearray(longest)) == (5, bytes(254))
    with pytest.raises(UnframedError, match=r"^protocol 0, length 255$"):
        take(bytearray(wrapped(5, bytes(255))))


def test_the_shortest_frame_is_a_unit_and_a_function() -> None:
    buffer = bytearray(wrapped(5, b"\x09\x03") + b"\x00")
    assert take(buffer) == (5, b"\x09\x03")
    assert buffer == b"\x00", "what follows stays"
    with pytest.raises(UnframedError, match="length 1"):
        take(bytearray(wrapped(5, b"\x09")))


def test_a_header_is_judged_as_soon_as_it_is_whole() -> None:
    assert take(bytearray(b"\x00\x05\x00\x01\x00\x02")) is None
    with pytest.raises(UnframedError, match="protocol 1, length 2"):
        take(bytearray(b"\x00\x05\x00\x01\x00\x02\x09"))


@pytest.mark.parametrize(
    "body", [b"\x09\x83\x02\x00", b"\x09\x83", b"\x09\x04\x02", b"\x09\x03\x02", BODY + b"\x00", b"\x09\x03\x05" + BODY[3:]]
)  # fmt: skip
def test_an_answer_with_another_length_or_head_is_no_answer(body: bytes) -> None:
    found = TcpAssembler(READ, 7).feed(wrapped(7, body))
    assert found is not None
    assert (found.outcome, found.why) == (Outcome.REJECT, "other answer")


def test_what_was_passed_over_is_told_only_while_nothing_waits() -> None:
    assembler = TcpAssembler(READ, 7)
    assert assembler.feed(wrapped(6, BODY)) is None
    assert assembler.why == "other transaction"
    assert assembler.feed(wrapped(7, b"\x08\x03")) is None
    assert assembler.why == "other unit"
    assert assembler.feed(b"\x00") is None
    assert assembler.why == "incomplete answer"


def test_an_answer_behind_another_ones_is_found_in_the_same_bytes() -> None:
    found = TcpAssembler(READ, 7).feed(wrapped(6, BODY) + wrapped(7, b"\x08" + BODY[1:]) + wrapped(7, BODY))
    assert found is not None
    assert (found.outcome, found.words) == (Outcome.REPLY, (1, 2))


def test_transactions_go_round() -> None:
    wire = Tcp()
    numbers = [int.from_bytes(wire.ask(READ).frame[:2], "big") for _ in range(65_537)]
    assert numbers == [*range(1, 65_536), 0, 1]
    asked = wire.ask(READ)
    assert asked.request is READ
    assert asked.feed(wrapped(2, BODY)) == frames.Found(Outcome.REPLY, (1, 2))


@pytest.mark.parametrize("echo", [False, True])
def test_a_serial_line_waits_for_its_echo_only_where_it_has_one(echo: bool) -> None:
    asked = Rtu(echo).ask(READ)
    assert isinstance(asked, Assembler)
    assert (asked.request, asked.frame) == (READ, READ.frame)
    assert asked.why == ("no echo" if echo else "no answer")
    assert Rtu().ask(READ).why == "no answer"


def test_the_server_takes_requests_to_its_own_unit_however_they_are_cut() -> None:
    finder = RequestFinder(9)
    data = wrapped(3, b"\x09\x03") + wrapped(4, b"\x08\x03") + wrapped(5, b"\x09\x10\x00")
    assert finder.feed(data[:4]) == []
    assert finder.feed(data[4:]) == [(3, b"\x09\x03"), (5, b"\x09\x10\x00")]
    assert finder.feed(b"") == []
