"""Modbus RTU both ways: standard vectors, and everything a serial line does to a frame."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka_bridge.link import frames
from jidoka_bridge.link.frames import (
    Assembler,
    Outcome,
    crc16,
    read_holding,
    read_write,
    sealed,
    write_multiple,
)
from jidoka_bridge.plc.server import Registers, RequestParser

WORDS = list(range(0x100, 0x108))
REQUEST = read_write(1, 100, 16, 0, WORDS)
REPLY = sealed(bytes((1, 0x17, 32)) + bytes(range(32)))


def feed(data: bytes, request: frames.Request = REQUEST, echo: bool = False) -> frames.Found | None:
    return Assembler(request, echo).feed(data)


def test_crc_and_frames_are_those_of_the_modbus_documents() -> None:
    assert crc16(b"123456789") == 0x4B37
    assert read_holding(0x11, 0x6B, 3).frame == bytes.fromhex("1103006b00037687")
    assert write_multiple(0x11, 1, [0x0A, 0x0102]).frame == bytes.fromhex("11100001000204000a0102c6f0")
    frame = read_write(0x11, 3, 6, 0x0E, [0xFF, 0xFF, 0xFF]).frame
    assert frame[:-2] == bytes.fromhex("111700030006000e00030600ff00ff00ff")


def test_a_request_to_all_or_for_too_much_is_never_made() -> None:
    for unit, count in ((0, 1), (248, 1), (1, 0), (1, 126)):
        with pytest.raises(ValueError, match=r"unit|registers"):
            read_holding(unit, 0, count)


def test_a_reply_is_found_however_it_is_cut() -> None:
    for cut in range(len(REPLY)):
        assembler = Assembler(REQUEST)
        assert assembler.feed(REPLY[:cut]) is None
        found = assembler.feed(REPLY[cut:])
        assert found is not None
        assert found.outcome is Outcome.REPLY
        assert found.words[0] == 0x0001


def test_every_flipped_bit_of_a_reply_is_a_reject_or_waited_out() -> None:
    for place in range(len(REPLY)):
        for bit in range(8):
            damaged = bytearray(REPLY)
            damaged[place] ^= 1 << bit
            found = feed(bytes(damaged))
            assert found is None or found.outcome is Outcome.REJECT


def test_a_damaged_reply_with_the_right_head_is_rejected_at_once() -> None:
    found = feed(REPLY[:-1] + bytes((REPLY[-1] ^ 1,)))
    assert found is not None
    assert (found.outcome, found.why) == (Outcome.REJECT, "line crc")


@given(st.binary(max_size=60))
def test_noise_before_the_reply_is_skipped(noise: bytes) -> None:
    found = feed(noise.replace(b"\x01", b"\x02") + REPLY)
    assert found is not None
    assert found.outcome is Outcome.REPLY


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no answer"),
        (REPLY[:20], "incomplete answer"),
        (sealed(bytes((2, 0x17, 32)) + bytes(32)), "other unit"),
        (sealed(bytes((1, 0x03, 32)) + bytes(32)), "incomplete answer"),
    ],
)
def test_what_is_no_reply_is_waited_out_and_named(data: bytes, why: str) -> None:
    assembler = Assembler(REQUEST)
    assert assembler.feed(data) is None
    assert assembler.why == why


def test_a_reply_after_one_of_another_unit_is_found() -> None:
    found = feed(sealed(bytes((2, 0x17, 32)) + bytes(32)) + REPLY)
    assert found is not None
    assert found.outcome is Outcome.REPLY


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6])
def test_an_exception_is_no_damage(code: int) -> None:
    found = feed(sealed(bytes((1, 0x97, code))))
    assert found is not None
    assert (found.outcome, found.exception) == (Outcome.EXCEPTION, code)


def test_endless_babble_is_rejected() -> None:
    found = feed(b"\x55" * 600)
    assert found is not None
    assert found.why == "babble"


def test_an_exact_echo_is_stripped_and_anything_else_is_a_line_fault() -> None:
    found = feed(REQUEST.frame + REPLY, echo=True)
    assert found is not None
    assert found.outcome is Outcome.REPLY
    altered = feed(REQUEST.frame[:5] + b"\x99", echo=True)
    assert altered is not None
    assert altered.why == "echo altered"
    assert feed(REQUEST.frame[:5], echo=True) is None
    missing = Assembler(REQUEST, echo=True)
    assert missing.feed(b"") is None
    assert missing.why == "no echo"


@given(st.lists(st.binary(max_size=80), max_size=20))
@settings(max_examples=200)
def test_garbage_never_crashes_either_half(chunks: list[bytes]) -> None:
    assembler, parser = Assembler(REQUEST), RequestParser(1)
    registers = Registers(lambda: [0] * 170)
    for chunk in chunks:
        assembler.feed(chunk)
        for request in parser.feed(chunk):
            registers.reply(request, registers.write(request))


# ---------------------------------------------------------------- the server's half


@given(st.data())
def test_the_server_finds_each_request_however_the_stream_is_cut(data: st.DataObject) -> None:
    requests = [REQUEST, read_holding(1, 200, 16), write_multiple(1, 20, [0] * 12)]
    stream = b"".join(request.frame for request in requests)
    parser, found = RequestParser(1), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += parser.feed(stream[:cut])
        stream = stream[cut:]
    assert found == [request.frame[:-2] for request in requests]


def answer(registers: Registers, request: frames.Request) -> frames.Found:
    (body,) = RequestParser(1).feed(request.frame)
    found = feed(registers.reply(body, registers.write(body)), request)
    assert found is not None
    return found


def test_blocks_are_written_read_and_refused_by_address() -> None:
    registers = Registers(lambda: [7] * 170)
    assert registers.block("A") is None
    assert answer(registers, REQUEST).words == (0,) * 16
    assert registers.block("A") == WORDS
    assert answer(registers, write_multiple(1, 20, [3] * 12)).outcome is Outcome.REPLY
    assert registers.block("D") == [3] * 12
    assert answer(registers, read_holding(1, 200, 16)).words == (7,) * 16
    assert answer(registers, read_holding(1, 354, 16)).words == (7,) * 16
    for wrong in (
        read_holding(1, 50, 1), write_multiple(1, 100, [1]), read_write(1, 100, 17, 0, WORDS), write_multiple(1, 7, [1, 2])
    ):  # fmt: skip
        assert answer(registers, wrong).exception == 2
    assert registers.block("A") == WORDS


def test_an_unknown_function_is_answered_with_exception_1_and_another_unit_not_at_all() -> None:
    registers = Registers(lambda: [0] * 170)
    (body,) = RequestParser(1).feed(sealed(bytes((1, 0x06, 0, 0, 0, 1))))
    assert registers.reply(body, registers.write(body)) == sealed(bytes((1, 0x86, 1)))
    assert RequestParser(2).feed(REQUEST.frame) == []


def test_half_a_frame_ends_with_silence() -> None:
    parser = RequestParser(1)
    assert parser.feed(REQUEST.frame[:12]) == []
    parser.silence()
    assert parser.feed(REQUEST.frame) == [REQUEST.frame[:-2]]


def test_a_frame_whose_count_and_size_differ_is_refused() -> None:
    registers = Registers(lambda: [0] * 170)
    (body,) = RequestParser(1).feed(sealed(bytes((1, 0x10, 0, 0, 0, 3, 2, 0, 0))))
    assert registers.write(body) == 3


def test_a_damaged_reply_behind_noise_is_waited_out_and_the_next_one_is_taken() -> None:
    request = frames.read_holding(1, 100, 1)
    good = frames.sealed(bytes((1, 3, 2, 0, 7)))
    assembler = frames.Assembler(request)
    assert assembler.feed(b"\x00" + good[:-1] + bytes((good[-1] ^ 1,))) is None
    found = assembler.feed(good)
    assert found is not None
    assert (found.words, found.exception) == ((7,), 0)


def test_the_highest_station_and_the_most_registers_are_asked_as_any_others() -> None:
    assert frames.read_holding(247, 0xFFFE, 125).frame[:-2] == b"\xf7\x03\xff\xfe\x00\x7d"
    assert frames.write_multiple(247, 0xFFFE, [7] * 125).frame[:7] == b"\xf7\x10\xff\xfe\x00\x7d\xfa"
    request = frames.read_write(247, 0xFFFE, 125, 0x8000, [7] * 100)
    assert request.frame[:11] == b"\xf7\x17\xff\xfe\x00\x7d\x80\x00\x00\x64\xc8"


def test_an_echo_ends_where_the_request_ended() -> None:
    request = frames.read_holding(1, 100, 1)
    good = frames.sealed(bytes((1, 3, 2, 0, 7)))
    assembler = frames.Assembler(request, echo=True)
    assert assembler.feed(request.frame) is None
    assert assembler.why == "no answer"
    found = assembler.feed(good)
    assert found is not None
    assert found.words == (7,)


def test_an_altered_echo_and_babble_are_rejects_and_520_bytes_are_no_babble_yet() -> None:
    request = frames.read_holding(1, 100, 1)
    found = frames.Assembler(request, echo=True).feed(b"\x02")
    assert found is not None
    assert (found.outcome, found.why) == (frames.Outcome.REJECT, "echo altered")
    assembler = frames.Assembler(request)
    assert assembler.feed(bytes(520)) is None
    found = assembler.feed(b"\x00")
    assert found is not None
    assert (found.outcome, found.why) == (frames.Outcome.REJECT, "babble")
