"""Clients that are not ours read and write the firmware: libmodbus (C) and pymodbus."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest
from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockA, BlockB, BlockC
from jidoka_bridge.registers import Phase, State, Word

from tests.firmware.builds import host_program
from tests.processes import programs

UNIT = 3
pytestmark = pytest.mark.process


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Path]:
    """A firmware's pseudo-terminal."""
    with programs(tmp_path) as start:
        plc = start(
            str(host_program()),
            "--link",
            str(tmp_path / "plc"),
            "--panel",
            str(tmp_path / "panel"),
            "--unit",
            str(UNIT),
        )
        plc.wait_for_text('"ready"')
        yield tmp_path / "plc"


def frame(number: int, stamp: int) -> list[int]:
    return BlockA(310, 0, number, stamp, State.HOLD, Phase.IDLE, 0, Word.WITHHOLD).encode(UNIT)


class LibModbus:
    """libmodbus through ctypes: an RTU client."""

    def __init__(self, path: Path) -> None:
        try:
            self.library = ctypes.CDLL("libmodbus.so.5")
        except OSError:
            pytest.skip("libmodbus is not installed")
        self.library.modbus_new_rtu.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(
            self.library.modbus_new_rtu(str(path).encode(), 19_200, ctypes.c_char(b"E"), 8, 1)
        )
        self.library.modbus_set_slave(self.context, UNIT)
        self.library.modbus_set_response_timeout(self.context, 5, 0)
        assert self.library.modbus_connect(self.context) == 0

    def read(self, address: int, count: int) -> list[int]:
        words = (ctypes.c_uint16 * count)()
        assert self.library.modbus_read_registers(self.context, address, count, words) == count
        return list(words)

    def write(self, address: int, values: list[int]) -> int:
        words = (ctypes.c_uint16 * len(values))(*values)
        done: int = self.library.modbus_write_registers(self.context, address, len(values), words)
        return done

    def write_and_read(self, address: int, values: list[int], read: int, count: int) -> list[int]:
        words, found = (ctypes.c_uint16 * len(values))(*values), (ctypes.c_uint16 * count)()
        done = self.library.modbus_write_and_read_registers(
            self.context, address, len(values), words, read, count, found
        )
        assert done == count
        return list(found)

    def close(self) -> None:
        self.library.modbus_close(self.context)
        self.library.modbus_free(self.context)


def test_libmodbus_reads_and_writes_the_firmware(line: Path) -> None:
    peer = LibModbus(line)
    block = BlockB.decode(peer.read(registers.B.address, registers.B.words), UNIT)
    assert peer.write(registers.A.address, frame(500, block.counter)) == registers.A.words
    words = peer.write_and_read(
        registers.A.address, frame(501, block.counter), registers.B.address, registers.B.words
    )
    assert BlockB.decode(words, UNIT).echo == 501
    assert peer.read(registers.A.address, registers.A.words) == frame(501, block.counter)
    whole = peer.read(registers.C.address, 125) + peer.read(registers.C.address + 125, 45)
    assert BlockC.decode(whole, UNIT).map_digest == int.from_bytes(registers.MAP_DIGEST, "big")
    assert peer.write(registers.B.address, [1]) == -1  # the program's own block
    assert peer.write(300, [1]) == -1
    assert peer.read(registers.B.address, 1) == [0x4B01]
    peer.close()


def test_pymodbus_reads_and_writes_the_firmware(line: Path) -> None:
    client = pytest.importorskip("pymodbus.client")
    # a pseudo-terminal has no parity, and pyserial sets what it is told
    peer = client.ModbusSerialClient(str(line), baudrate=19_200, timeout=5)
    assert peer.connect()
    read = peer.read_holding_registers(registers.B.address, count=registers.B.words, device_id=UNIT)
    block = BlockB.decode(read.registers, UNIT)
    written = peer.write_registers(registers.A.address, frame(600, block.counter), device_id=UNIT)
    assert not written.isError()
    both = peer.readwrite_registers(
        read_address=registers.B.address, read_count=registers.B.words, write_address=registers.A.address,
        values=frame(601, block.counter), device_id=UNIT,
    )  # fmt: skip
    assert BlockB.decode(both.registers, UNIT).echo == 601
    refused = peer.write_registers(registers.B.address, [1], device_id=UNIT)
    assert refused.isError()
    assert refused.exception_code == 2
    assert peer.read_coils(0, count=1, device_id=UNIT).exception_code == 1
    peer.close()
