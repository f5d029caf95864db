"""Round trips of function code 23 over one pseudo-terminal: this link's frames, pymodbus, libmodbus, by turns.

The far end is the same for all: a process that answers each request with a reply made before.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pty
import select
import statistics
import time
import tty
from collections.abc import Callable, Iterator

from jidoka_bridge import registers
from jidoka_bridge.link import frames
from jidoka_bridge.link.frames import Assembler
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.plan import Link

from tools.bench._late_answers import libmodbus
from tools.bench._rows import Row

UNIT = 1
REPLY = frames.sealed(bytes((UNIT, 0x17, 32)) + bytes(range(32)))
REQUEST_BYTES = 13 + 2 * registers.A.words
ROUNDS_A_TURN = 100


@contextlib.contextmanager
def echo_server() -> Iterator[str]:
    """The path of the other end; the server is a forked process that ends with us."""
    ours, other = pty.openpty()
    tty.setraw(other)
    path = os.ttyname(other)
    child = os.fork()
    if child == 0:
        os.close(other)
        with contextlib.suppress(OSError):
            seen = 0
            while data := os.read(ours, 256):
                seen += len(data)
                if seen >= REQUEST_BYTES:
                    seen = 0
                    os.write(ours, REPLY)
        os._exit(0)
    try:
        yield path
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(ours)
        os.close(other)


def ours(path: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """(one round trip, the end)."""
    port = SerialPort(Link(path, baud=115200))
    assert port.open(0), port.error
    poller = select.poll()
    poller.register(port.fileno(), select.POLLIN)

    def once() -> None:
        request = frames.read_write(
            UNIT, registers.B.address, registers.B.words, registers.A.address, [7] * 8
        )
        assembler = Assembler(request)
        port.write(request.frame)
        found = None
        while found is None:
            assert poller.poll(1_000), "no answer"
            found = assembler.feed(port.read())
        assert len(found.words) == registers.B.words

    return once, port.close


def of_libmodbus(path: str) -> tuple[Callable[[], None], Callable[[], None]]:
    library = libmodbus()
    context = library.modbus_new_rtu(path.encode(), 115200, b"N", 8, 1)
    library.modbus_set_slave(context, UNIT)
    assert library.modbus_connect(context) == 0
    there, back = (ctypes.c_uint16 * 8)(*[7] * 8), (ctypes.c_uint16 * 16)()

    def once() -> None:
        count = library.modbus_write_and_read_registers(
            context, registers.A.address, 8, there, registers.B.address, 16, back
        )
        assert count == registers.B.words

    def end() -> None:
        library.modbus_close(context)
        library.modbus_free(context)

    return once, end


def of_pymodbus(path: str) -> tuple[Callable[[], None], Callable[[], None]]:
    from pymodbus.client import ModbusSerialClient  # noqa: PLC0415 - a peer, not a dependency

    client = ModbusSerialClient(path, baudrate=115200, timeout=1, retries=0)
    assert client.connect()

    def once() -> None:
        found = client.readwrite_registers(
            read_address=registers.B.address, read_count=16, write_address=registers.A.address, values=[7] * 8,
            device_id=UNIT,
        )  # fmt: skip
        assert len(found.registers) == registers.B.words

    return once, client.close


def rows(rounds: int) -> Iterator[Row]:
    """Medians, by turns so that all see the same machine."""
    times: dict[str, list[float]] = {}
    for _ in range(max(1, rounds // ROUNDS_A_TURN)):
        for name, make in (("ours", ours), ("libmodbus", of_libmodbus), ("pymodbus", of_pymodbus)):
            try:
                with echo_server() as path:
                    once, end = make(path)
                    for _ in range(ROUNDS_A_TURN if name != "pymodbus" else ROUNDS_A_TURN // 4):
                        began_ns = time.perf_counter_ns()
                        once()
                        times.setdefault(name, []).append((time.perf_counter_ns() - began_ns) / 1000)
                    end()
            except (ImportError, OSError) as error:  # noqa: PERF203 - a peer that isn't there is left out
                print(f"{name} isn't installed here: {error}")
    median = {name: statistics.median(found) for name, found in times.items()}
    for name, value in median.items():
        yield Row(f"round trip over a pty, median: {name}", value, "µs")
    if "libmodbus" in median:
        yield Row(
            "round trip in libmodbus' own",
            median["ours"] / median["libmodbus"],
            "times",
            2.0,
            peer="libmodbus",
        )
    if "pymodbus" in median:
        yield Row(
            "round trip in pymodbus' own", median["ours"] / median["pymodbus"], "times", 0.05, peer="pymodbus"
        )
