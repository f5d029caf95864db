"""Answers that come late, in order: who takes an old value for a current one? Real pseudo-terminals, real time.

Each value tells when the server had read its request, so the client knows what it got. The server answers each request
after the client has given it up and asked again. Peers: pymodbus and libmodbus (by ctypes), as they come.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import pty
import select
import struct
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator

from jidoka_bridge.link.arming import Ask
from jidoka_bridge.link.blocks import BlockB
from jidoka_bridge.link.frames import sealed
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.link.session import Session
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.server import RequestParser
from jidoka_bridge.registers import Fault, Input, PlcState, State, Word

from tools.bench._rows import Row

UNIT = 1
TIMEOUT_MS = 60
#: after the time-out, before the answer to the next request could be there
LATE_MS = 80
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
HOLD = Ask(Word.WITHHOLD, State.HOLD)


class LateServer:
    """Answers after LATE_MS, one after the other. `path`: the other end."""

    def __init__(self, late_ms: int = LATE_MS) -> None:
        self._ours, other = pty.openpty()
        tty.setraw(other)
        self.path = os.ttyname(other)
        self._other = other
        self._late_ms = late_ms
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        parser, waiting = RequestParser(UNIT), deque[tuple[float, bytes]]()
        while not self._is_over.is_set():
            left_s = max(0.0, waiting[0][0] - time.monotonic()) if waiting else 0.05
            if select.select([self._ours], [], [], left_s)[0]:
                for request in parser.feed(os.read(self._ours, 4096)):
                    waiting.append((time.monotonic() + self._late_ms / 1000, _reply(request)))
            while waiting and waiting[0][0] <= time.monotonic():
                os.write(self._ours, waiting.popleft()[1])

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()
        for descriptor in (self._ours, self._other):
            os.close(descriptor)


def _reply(request: bytes) -> bytes:
    """The time in ms in two registers, or block B with the counter of now and the request's own number."""
    now_ms = time.monotonic_ns() // 1_000_000
    if request[1] == 0x03:
        return sealed(struct.pack(">BBBI", UNIT, 0x03, 4, now_ms & 0xFFFF_FFFF))
    number = int.from_bytes(request[15:17], "big")
    block = BlockB(0, number, now_ms // 10 & 0xFFFF, Word.WITHHOLD, PlcState.IDLE, Fault.NONE, READY)
    words = block.encode(UNIT)
    return sealed(bytes((UNIT, 0x17, 2 * len(words))) + struct.pack(f">{len(words)}H", *words))


def _is_old(value_ms: int, asked_ms: int) -> bool:
    return 0 < (asked_ms - value_ms) & 0xFFFF_FFFF < 0x8000_0000


def of_pymodbus(path: str, rounds: int) -> int:
    """How many values were taken for current that are older than their request."""
    from pymodbus import ModbusException  # noqa: PLC0415 - a peer, not a dependency
    from pymodbus.client import ModbusSerialClient  # noqa: PLC0415

    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    client = ModbusSerialClient(path, baudrate=115200, timeout=TIMEOUT_MS / 1000, retries=0)
    client.connect()
    stale = 0
    for _ in range(rounds):
        asked_ms = time.monotonic_ns() // 1_000_000 & 0xFFFF_FFFF
        with contextlib.suppress(ModbusException):
            found = client.read_holding_registers(0, count=2, device_id=UNIT)
            if not found.isError():
                stale += _is_old(found.registers[0] << 16 | found.registers[1], asked_ms)
    client.close()  # type: ignore[no-untyped-call,unused-ignore]
    return stale


def libmodbus() -> ctypes.CDLL:
    """libmodbus 3.1. Raises OSError where it isn't installed."""
    library = ctypes.CDLL("libmodbus.so.5")
    library.modbus_new_rtu.restype = ctypes.c_void_p
    library.modbus_new_rtu.argtypes = (
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char,
        ctypes.c_int,
        ctypes.c_int,
    )
    for name, arguments in (
        ("set_slave", (ctypes.c_int,)), ("connect", ()), ("close", ()), ("free", ()),
        ("set_response_timeout", (ctypes.c_uint32, ctypes.c_uint32)),
        ("read_registers", (ctypes.c_int, ctypes.c_int, ctypes.c_void_p)),
        ("write_and_read_registers", (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)),
    ):  # fmt: skip
        getattr(library, f"modbus_{name}").argtypes = (ctypes.c_void_p, *arguments)
    return library


def of_libmodbus(path: str, rounds: int) -> int:
    """As of_pymodbus."""
    library = libmodbus()
    context = library.modbus_new_rtu(path.encode(), 115200, b"N", 8, 1)
    library.modbus_set_slave(context, UNIT)
    library.modbus_set_response_timeout(context, 0, TIMEOUT_MS * 1000)
    assert library.modbus_connect(context) == 0
    words = (ctypes.c_uint16 * 2)()
    stale = 0
    for _ in range(rounds):
        asked_ms = time.monotonic_ns() // 1_000_000 & 0xFFFF_FFFF
        if library.modbus_read_registers(context, 0, 2, words) == 2:
            stale += _is_old(words[0] << 16 | words[1], asked_ms)
    library.modbus_close(context)
    library.modbus_free(context)
    return stale


def of_ours(path: str, rounds: int) -> int:
    """As of_pymodbus: blocks that the session took for current."""
    link = Link(path, reply_timeout_ms=TIMEOUT_MS)
    port, session = SerialPort(link), Session(link, 4_711)
    assert port.open(0), port.error
    stale = 0
    for _ in range(rounds):
        asked_ns = time.monotonic_ns()
        port.write(session.request(asked_ns, HOLD))
        beat = None
        until_ns = asked_ns + TIMEOUT_MS * 1_000_000
        while beat is None and (left_ns := until_ns - time.monotonic_ns()) > 0:
            if select.select([port], [], [], left_ns / 1e9)[0]:
                beat = session.feed(time.monotonic_ns(), port.read())
        if beat is None:
            session.timeout(time.monotonic_ns())
        elif beat.good and beat.block is not None:
            made_ticks = beat.block.counter
            stale += 1 < (asked_ns // 10_000_000 - made_ticks & 0xFFFF) < 0x8000
        port.drain()
    port.close()
    return stale


def _measured(take: Callable[[str, int], int], rounds: int) -> int:
    server = LateServer()
    try:
        return take(server.path, rounds)
    finally:
        server.close()


def rows(rounds: int) -> Iterator[Row]:
    """Stale values of each, of so many requests."""
    for name, take, reach in (
        ("pymodbus", of_pymodbus, None), ("libmodbus", of_libmodbus, None), ("this link", of_ours, 0.0),
    ):  # fmt: skip
        try:
            stale = _measured(take, rounds)
        except (ImportError, OSError) as error:
            print(f"{name} isn't installed here: {error}")
            continue
        yield Row(
            f"late answers in order: {name} takes stale, of {rounds}", stale, "values", reach, peer=name
        )
