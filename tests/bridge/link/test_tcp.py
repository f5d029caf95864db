"""Modbus TCP: frames by their header, one connection over a real socket, and a PLC in software behind it."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka_bridge.errors import ConfigurationError, LinkError
from jidoka_bridge.link import frames
from jidoka_bridge.link.byte_port import BACKOFF_MIN_NS, DRAIN_READS, READ_BYTES
from jidoka_bridge.link.frames import Outcome
from jidoka_bridge.link.mbap import RequestFinder, Tcp, TcpAssembler, UnframedError, wrapped
from jidoka_bridge.link.ports import port_of
from jidoka_bridge.link.session import Session
from jidoka_bridge.link.tcp_port import CONNECT_NS, TcpPort, address_of
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.line import TcpLine
from jidoka_bridge.registers import Word

from tests.bridge.link.null_modem import REQUEST
from tests.bridge.link.pty_rig import waiting
from tests.processes import programs, wait_until

READ = frames.read_holding(9, 100, 2)
BODY = bytes((9, 3, 4, 0, 1, 0, 2))


def link_to(port: int, **values: int) -> Link:
    return Link(f"127.0.0.1:{port}", transport="modbus-tcp", **values)  # type: ignore[arg-type]


def test_a_reply_is_found_by_its_length_however_it_is_cut() -> None:
    for cut in range(1, 13):
        assembler = TcpAssembler(READ, 7)
        data = wrapped(7, BODY)
        assert assembler.feed(data[:cut]) is None
        assert assembler.why == "incomplete answer"
        found = assembler.feed(data[cut:])
        assert found is not None
        assert (found.outcome, found.words) == (Outcome.REPLY, (1, 2))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no answer"),
        (wrapped(6, BODY), "other transaction"),
        (wrapped(7, bytes((8, *BODY[1:]))), "other unit"),
        (wrapped(7, BODY)[:5], "incomplete answer"),
    ],
)
def test_what_belongs_to_something_else_is_waited_out(data: bytes, why: str) -> None:
    assembler = TcpAssembler(READ, 7)
    assert assembler.feed(data) is None
    assert assembler.why == why


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x00\x07\x00\x01" + bytes(8), "not modbus tcp"),
        (b"\x00\x07\x00\x00\x00\x01" + bytes(8), "not modbus tcp"),
        (b"\x00\x07\x00\x00\x00\xff" + bytes(8), "not modbus tcp"),
        (wrapped(7, BODY[:-1]), "other answer"),
        (wrapped(7, bytes((9, 4, *BODY[2:]))), "other answer"),
    ],
)
def test_what_is_no_answer_is_rejected_at_once(data: bytes, why: str) -> None:
    found = TcpAssembler(READ, 7).feed(data)
    assert found is not None
    assert (found.outcome, found.why) == (Outcome.REJECT, why)


def test_an_exception_and_the_answer_to_a_write_are_read() -> None:
    found = TcpAssembler(READ, 7).feed(wrapped(7, bytes((9, 0x83, 2))))
    assert found is not None
    assert (found.outcome, found.exception) == (Outcome.EXCEPTION, 2)
    write = frames.write_multiple(9, 0, [1, 2])
    found = TcpAssembler(write, 7).feed(wrapped(6, b"\x09\x10") + wrapped(7, write.head))
    assert found is not None
    assert (found.outcome, found.words) == (Outcome.REPLY, ())


def test_each_request_has_a_transaction_of_its_own_and_no_crc() -> None:
    wire = Tcp()
    first, second = wire.ask(READ), wire.ask(READ)
    assert first.frame == wrapped(1, READ.frame[:-2])
    assert second.frame[:2] == b"\x00\x02"


@given(st.binary(max_size=600))
@settings(max_examples=100, deadline=None)
def test_garbage_never_crashes_either_half(data: bytes) -> None:
    found = TcpAssembler(READ, 7).feed(data)
    assert found is None or found.outcome in Outcome
    with contextlib.suppress(UnframedError):
        RequestFinder(9).feed(data)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.10:502", ("192.168.1.10", 502)),
        ("192.168.1.10", ("192.168.1.10", 502)),
        ("[fe80::1]:1502", ("fe80::1", 1502)),
        ("::1", ("::1", 502)),
    ],
)
def test_addresses_are_numbers(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    "text", ["plc.local:502", "", "10.0.0.1:0", "10.0.0.1:70000", "10.0.0.1:x", "/dev/ttyS0"]
)
def test_names_and_other_things_are_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        address_of(text)


# ---------------------------------------------------------------- the connection


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def connected(server: socket.socket) -> tuple[TcpPort, socket.socket]:
    port = TcpPort(link_to(server.getsockname()[1]))
    wait_until(lambda: port.open(0), "it is connected")
    far, _ = server.accept()
    return port, far


def test_bytes_go_both_ways_and_reading_never_blocks(server: socket.socket) -> None:
    port, far = connected(server)
    assert (port.is_open, port.read(), port.open(1)) == (True, b"", False)
    port.write(b"")
    port.write(b"request")
    assert far.recv(100) == b"request"
    far.sendall(b"reply")
    received = b""

    def has_all() -> bool:
        nonlocal received
        received += port.read()
        return received == b"reply"

    wait_until(has_all, "the reply arrives")
    assert port._socket is not None
    assert port._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    far.sendall(bytes(300))
    dropped = 0

    def is_empty() -> bool:
        nonlocal dropped
        dropped += port.drain()
        return dropped == 300

    wait_until(is_empty, "all is drained")
    port.close()
    assert (port.fileno(), port.is_open) == (-1, False)
    for act in (port.read, lambda: port.write(b"x"), port.drain):
        with pytest.raises(LinkError, match="no connection"):
            act()
    far.close()


def test_a_connection_that_the_plc_ends_is_lost_and_made_anew(server: socket.socket) -> None:
    port, far = connected(server)
    far.close()

    wait_until(lambda: bool(_readable(port)), "the end is there")
    with pytest.raises(LinkError, match="the PLC closed it"):
        port.read()
    assert not port.is_open
    wait_until(lambda: port.open(0), "it is connected again")
    port.close()


def test_a_plc_that_takes_no_more_is_a_lost_connection_and_never_blocks(server: socket.socket) -> None:
    port, far = connected(server)

    def fill() -> None:
        for _ in range(1_000):
            port.write(bytes(100_000))

    with pytest.raises(LinkError, match="takes no more bytes"):
        fill()
    far.close()


def test_a_reset_connection_is_told_in_plain_words(server: socket.socket) -> None:
    port, far = connected(server)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    far.close()

    def is_lost() -> bool:
        try:
            port.read()
        except LinkError as error:
            return "Connection reset by peer" in str(error)
        return False

    wait_until(is_lost, "the reset is seen")


def test_nobody_there_is_told_and_tried_again_with_back_off(server: socket.socket) -> None:
    number = server.getsockname()[1]
    server.close()
    port = TcpPort(link_to(number))
    assert not port.open(0)
    tries = itertools.count()
    wait_until(lambda: "Connection refused" in port.error or port.open(next(tries)), "it is refused")
    assert "can't connect: Connection refused" in port.error
    assert not port.open(BACKOFF_MIN_NS // 2)
    assert port._socket is None
    assert "Modbus TCP server" in port.remedy
    assert isinstance(port_of(port.link), TcpPort)


def test_a_host_that_says_nothing_is_given_up() -> None:
    """A server whose queue is full answers no further connection."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [TcpPort(link_to(full.getsockname()[1])) for _ in range(4)]
        for each in others:
            each.open(0)
        last = others[-1]
        assert not last.open(1)
        assert not last.open(CONNECT_NS + 2)
        assert "Connection timed out" in last.error
        for each in others:
            each.close()


def test_an_address_that_leads_nowhere_is_told_at_once() -> None:
    """A link-local address without an interface: the kernel refuses before anything is sent."""
    port = TcpPort(Link("[fe80::1]:502", transport="modbus-tcp"))
    assert not port.open(0)
    assert "can't connect: Invalid argument" in port.error
    assert (port.is_open, port.line_errors()) == (False, None)


def test_a_flood_is_drained_for_a_bounded_time(server: socket.socket) -> None:
    port, far = connected(server)
    flood = DRAIN_READS * READ_BYTES
    with far:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * flood)
        far.setblocking(False)
        assert far.send(bytes(4 * flood)) > flood
        wait_until(lambda: waiting(port.fileno()) >= flood - READ_BYTES, "more waits than is read at once")
        assert port.drain() <= flood
        assert port.is_open
    port.close()


def test_a_name_in_the_plan_is_refused_in_words() -> None:
    port = TcpPort(Link("plc.local:502", transport="modbus-tcp"))
    assert not port.open(0)
    assert "plc.local" in port.error


# ---------------------------------------------------------------- the PLC in software


def test_the_server_serves_one_master_and_the_newest_one() -> None:
    line = TcpLine("127.0.0.1:0".replace(":0", f":{_free_port()}"), 9)
    with pytest.raises(ConfigurationError, match="can't listen there"):
        TcpLine(line.name, 9)
    address = address_of(line.name)
    with socket.create_connection(address) as first:
        line.readable(line._server.fileno(), 0)
        first.sendall(wrapped(3, READ.frame[:-2]) + wrapped(4, bytes((8, 3, 0, 0, 0, 1))))
        found: list[tuple[tuple[int, int], bytes]] = []

        def has_one() -> bool:
            assert line._client is not None
            line.readable(line._client.fileno(), 0)
            found.extend(line.take(0))
            return bool(found)

        wait_until(has_one, "the request arrives")
        [(mark, request)] = found
        assert request == READ.frame[:-2]
        line.answer(mark, frames.sealed(BODY))
        assert first.recv(100) == wrapped(3, BODY)
        with socket.create_connection(address) as second:
            line.readable(line._server.fileno(), 0)
            assert first.recv(100) == b"", "the first one is ended"
            line.answer(mark, frames.sealed(BODY))  # an answer to it goes nowhere
            second.sendall(b"\xff" * 20)
            wait_until(lambda: line.readable(line._client.fileno(), 0) is None and line._client is None  # type: ignore[union-attr]
                       if line._client else True, "garbage ends it")  # fmt: skip
    line.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


@pytest.mark.process
@pytest.mark.parametrize("options", [(), ("--no-fc23",)])
def test_a_session_comes_up_over_tcp_with_the_program(tmp_path: Path, options: tuple[str, ...]) -> None:
    number = _free_port()
    with programs(tmp_path) as start:
        plc = start(sys.executable, "-m", "jidoka_bridge.plc", "--tcp", f"127.0.0.1:{number}",
                    "--panel", str(tmp_path / "panel"), *options)  # fmt: skip
        plc.wait_for_text('"ready"')
        link = link_to(number, beat_ms=50, reply_timeout_ms=500, hold_ms=2_000)
        port, session = TcpPort(link), Session(link, 5)
        wait_until(lambda: port.open(0), "it is connected")

        def is_up() -> bool:
            now_ns = time.monotonic_ns()
            port.write(session.request(now_ns, REQUEST))
            beat = None
            while beat is None:
                if session.has_second:
                    port.write(session.second(time.monotonic_ns()))
                wait_until(lambda: bool(_readable(port)), "an answer")
                beat = session.feed(time.monotonic_ns(), port.read())
            return session.is_up

        wait_until(is_up, "the link is up")
        assert session.function == ("16+03" if options else "23")
        assert session.block is not None
        assert session.block.actual is Word.WITHHOLD
        port.close()


def _readable(port: TcpPort) -> bool:
    return bool(select.select([port], [], [], 0.01)[0])
