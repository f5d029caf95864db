"""The firmware's Modbus half: answers as the reference server's, whatever the line delivers."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka_bridge import registers
from jidoka_bridge.link import frames
from jidoka_bridge.link.blocks import BlockC
from jidoka_bridge.link.frames import sealed
from jidoka_bridge.plc.server import Registers, RequestParser

from tests.firmware.c_core import WINDOW_BYTES, CCore, CServer
from tests.firmware.scans import Inputs, PythonCore, Settings

UNIT = 7
LIBRARY = CCore(Settings()).library


class PythonServer:
    """The reference server before the reference model: a scan with each request, as the firmware does it."""

    def __init__(self) -> None:
        self.core = PythonCore(Settings(UNIT))
        self.parser = RequestParser(UNIT)
        self.registers = Registers(self.core.block_c)

    def exchange(self, data: bytes, inputs: Inputs) -> bytes:
        replies = b""
        for byte in data:
            for request in self.parser.feed(bytes((byte,))):
                exception = self.registers.write(request)
                block_d = self.registers.block("D") if self.registers.is_written["D"] else None
                self.registers.is_written["D"] = False
                block_a = self.registers.block("A")
                done = self.core.scan(inputs._replace(
                    block_a=None if block_a is None else tuple(block_a),
                    block_d=None if block_d is None else tuple(block_d),
                ))  # fmt: skip
                self.registers.set("B", done.block_b)
                replies += self.registers.reply(request, exception)
        return replies


def pair() -> tuple[CServer, PythonServer]:
    """Both, after block C was read once (before that the reference shows zeros where the firmware shows its ring)."""
    servers = CServer(CCore(Settings(UNIT), LIBRARY)), PythonServer()
    first = frames.read_holding(UNIT, registers.C.address, 1).frame
    assert servers[0].exchange(first, Inputs(10)) == servers[1].exchange(first, Inputs(10)) != b""
    return servers


ADDRESSES = st.one_of(
    st.sampled_from(
        [0, 1, 7, 8, 19, 20, 31, 32, 99, 100, 115, 116, 199, 200, 224, 300, 368, 369, 370, 65_535]
    ),
    st.integers(0, 65_535),
)
COUNTS = st.one_of(st.integers(0, 20), st.sampled_from([124, 125, 126, 65_535]))
DATA = st.integers(0, 50).flatmap(lambda words: st.binary(min_size=2 * words, max_size=2 * words))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A frame with a right CRC-16: reads and writes of all kinds, right and wrong, and other functions."""
    unit = draw(st.sampled_from([UNIT, UNIT, UNIT, UNIT, UNIT + 1, 0]))
    kind = draw(st.sampled_from([3, 16, 23, 23, 6, 43]))
    address, count = draw(ADDRESSES), draw(COUNTS)
    head = struct.pack(">BBHH", unit, kind, address, count)
    if kind in (16, 23):
        data = draw(DATA)
        words = len(data) // 2 if draw(st.integers(0, 9)) else draw(COUNTS)
        target = draw(ADDRESSES)
        tail = struct.pack(">HHB", target, words, len(data)) + data
        head = struct.pack(">BB", unit, kind) + tail if kind == 16 else head + tail
    return sealed(head)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.one_of(requests(), st.binary(max_size=12)), max_size=6))
def test_requests_among_noise_get_the_reference_servers_answers(parts: list[bytes]) -> None:
    ours, reference = pair()
    data = b"".join(parts)
    assert ours.exchange(data, Inputs(20)) == reference.exchange(data, Inputs(20))


@pytest.mark.parametrize("first", [0, 1, 7, 19, 20, 31, 99, 100, 115, 199, 200, 223, 224, 367, 368, 369])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 125, 126])
def test_reads_and_writes_at_the_edges_get_the_reference_servers_answers(first: int, count: int) -> None:
    ours, reference = pair()
    for frame in (
        struct.pack(">BBHH", UNIT, 3, first, count),
        struct.pack(">BBHHB", UNIT, 16, first, count, 2 * min(count, 12)) + b"\x01\x02" * min(count, 12),
        struct.pack(">BBHHHHB", UNIT, 23, first, count, 20, 1, 2) + b"\x44\x01",
        struct.pack(">BBHHHHB", UNIT, 23, 100, 16, first, 1, 2) + b"\x44\x01",
        struct.pack(">BBHH", UNIT, 6, first, count),
    ):
        request = sealed(frame)
        assert ours.exchange(request, Inputs(20)) == reference.exchange(request, Inputs(20)) != b""


def test_without_a_request_there_is_no_answer() -> None:
    ours, _ = pair()
    ours.scan(Inputs(30))
    assert ours.answer() == b""
    ours.feed(frames.read_holding(UNIT, 0, 1).frame)
    assert ours.answer() == b""  # the program has not run yet
    ours.scan(Inputs(40))
    assert len(ours.answer()) == 7


def test_block_c_read_in_pieces_is_whole_while_what_it_tells_goes_on() -> None:
    ours, _ = pair()
    words: list[int] = []
    for first in range(0, registers.C.words, 16):
        count = min(16, registers.C.words - first)
        reply = ours.exchange(
            frames.read_holding(UNIT, registers.C.address + first, count).frame, Inputs(20 + first, parts=1)
        )
        words += struct.unpack_from(f">{count}H", reply, 3)
    block = BlockC.decode(words, UNIT)
    assert block.part_count == 1  # as at the first piece
    assert ours.core.record.part_count == len(range(0, registers.C.words, 16))


def test_an_answer_under_way_is_not_begun_again_and_nothing_new_is_taken() -> None:
    ours, _ = pair()
    request = frames.read_holding(UNIT, registers.B.address, registers.B.words).frame
    assert ours.feed(request) == len(request)
    assert ours.feed(request) == 0
    ours.scan(Inputs(30))
    begun = ours.answer(5)
    ours.scan(Inputs(40))  # at 19200 baud an answer takes two scans
    reply = begun + ours.answer()
    assert frames.crc16(reply) == 0
    assert len(reply) == 5 + 2 * registers.B.words
    assert not ours.modbus.has_request
    assert ours.answer() == b""


def test_silence_ends_half_a_frame() -> None:
    ours, _ = pair()
    request = frames.read_holding(UNIT, 0, 1).frame
    ours.feed(request[:5])
    ours.library.jidoka_modbus_silence(ours.modbus)
    ours.feed(request[5:])
    assert not ours.modbus.has_request
    ours.feed(request)
    assert ours.modbus.has_request


def test_a_frame_longer_than_any_that_writes_gets_no_answer_and_swallows_no_other() -> None:
    ours, _ = pair()
    long = sealed(struct.pack(">BBHHB", UNIT, 16, 0, 100, 200) + bytes(200))
    request = frames.read_holding(UNIT, 0, 1).frame
    assert len(long) > WINDOW_BYTES
    assert ours.exchange(long + request, Inputs(20)) == ours.exchange(request, Inputs(20)) != b""


@pytest.mark.parametrize("seed", range(3))
def test_babble_never_leaves_the_window_nor_hides_a_request(seed: int) -> None:
    ours, _ = pair()
    rng = random.Random(seed)
    request = frames.read_holding(UNIT, 0, 1).frame
    for _ in range(40):
        size = rng.randrange(200)
        alphabet = rng.choice((range(256), (UNIT, 16, 23, 3, 255), (UNIT,)))
        ours.exchange(bytes(rng.choice(alphabet) for _ in range(size)), Inputs(20))
        assert ours.modbus.used < WINDOW_BYTES
        assert ours.exchange(request, Inputs(20)) != b""
