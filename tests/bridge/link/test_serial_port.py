"""The serial port over real pseudo-terminals: opening, losing, reopening."""

from __future__ import annotations

import contextlib
import itertools
import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from jidoka_bridge.errors import LinkError
from jidoka_bridge.link.byte_port import BACKOFF_MAX_NS, BACKOFF_MIN_NS
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.plan import Link

from tests.processes import wait_until

Line = tuple[int, str]


@pytest.fixture
def line() -> Iterator[Line]:
    """Our end and the path of the other end."""
    ours, other = pty.openpty()
    tty.setraw(other)
    name = os.ttyname(other)
    os.close(other)
    yield ours, name
    with contextlib.suppress(OSError):  # the test may have closed it
        os.close(ours)


def opened(path: str) -> SerialPort:
    port = SerialPort(Link(path))
    assert port.open(0), port.error
    return port


def test_bytes_go_both_ways_and_reading_never_blocks(line: Line) -> None:
    ours, path = line
    port = opened(path)
    assert port.read() == b""
    port.write(b"\x01\x17request")
    assert os.read(ours, 100) == b"\x01\x17request"
    os.write(ours, b"\x00\x0d\x0a\x11\x13\xff")  # what a terminal that isn't raw would change
    received = b""

    def has_all() -> bool:
        nonlocal received
        received += port.read()
        return len(received) == 6

    wait_until(has_all, "the reply arrives")
    assert received == b"\x00\x0d\x0a\x11\x13\xff"
    assert port.fileno() >= 0
    port.close()
    assert (port.fileno(), port.is_open) == (-1, False)


@pytest.mark.parametrize("parity", ["N", "E", "O"])
def test_a_port_can_be_opened_again_and_again_by_whoever_comes_next(line: Line, parity: str) -> None:
    for _ in range(3):
        port = SerialPort(Link(line[1], baud=9600, parity=parity))
        assert port.open(0), port.error
        assert port.read() == b""
        port.close()


def test_a_path_that_is_not_there_is_named_and_tried_again_with_back_off(tmp_path: Path) -> None:
    port = SerialPort(Link(str(tmp_path / "nowhere")))
    tries = []
    now_ns = 0
    while len(tries) < 6:
        before = port._next_try_ns
        assert not port.open(now_ns)
        if port._next_try_ns != before:
            tries.append(now_ns)
        now_ns += 10_000_000
    pauses = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert pauses[0] == BACKOFF_MIN_NS
    assert pauses == sorted(pauses)
    assert pauses[-1] == BACKOFF_MAX_NS
    assert "nowhere" in port.error
    assert "No such file" in port.error


def test_a_file_that_is_no_serial_port_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path, "/dev/null"):
        port = SerialPort(Link(str(path)))
        assert not port.open(0)
        assert port.error == f"{path}: isn't a serial port"


def test_a_second_program_does_not_get_the_port(line: Line) -> None:
    first = opened(line[1])
    second = SerialPort(Link(line[1]))
    assert not second.open(0)
    assert "another program has it" in second.error
    first.close()
    assert second.open(BACKOFF_MIN_NS)
    second.close()


def test_a_port_whose_other_end_vanished_is_lost_and_can_be_opened_again(line: Line, tmp_path: Path) -> None:
    ours, name = line
    path = tmp_path / "plc"
    path.symlink_to(name)
    port = opened(str(path))
    os.close(ours)
    with pytest.raises(LinkError, match="lost"):
        port.read()
    assert not port.is_open
    assert "lost" in port.error
    for act in (port.read, lambda: port.write(b"x"), port.drain):
        with pytest.raises(LinkError, match="isn't open"):
            act()
    again, other = pty.openpty()
    path.unlink()
    path.symlink_to(os.ttyname(other))
    assert port.open(1)
    assert port.error == ""
    port.close()
    os.close(again)
    os.close(other)


def test_writing_to_a_peer_that_has_stopped_reading_is_an_error_and_never_blocks(line: Line) -> None:
    port = opened(line[1])

    def fill() -> None:
        for _ in range(10_000):
            port.write(bytes(100))

    with pytest.raises(LinkError, match="takes no more bytes"):
        fill()
    assert not port.is_open


def test_what_came_unasked_is_drained(line: Line) -> None:
    ours, path = line
    port = opened(path)
    os.write(ours, bytes(300))
    dropped = 0

    def is_empty() -> bool:
        nonlocal dropped
        dropped += port.drain()
        return dropped == 300

    wait_until(is_empty, "all 300 bytes are gone")
    assert port.read() == b""
    port.close()


def test_an_empty_write_is_a_pause(line: Line) -> None:
    port = opened(line[1])
    port.write(b"")
    port.close()
