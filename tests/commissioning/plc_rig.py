"""A PLC on a real pseudo-terminal in a thread: the reference program behind the real server half, with one thing wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import select
import struct
import termios
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from jidoka_bridge import registers
from jidoka_bridge.link.frames import EXCEPTION_BIT, READ_WRITE, sealed
from jidoka_bridge.plc.pseudo_terminal import PseudoTerminal
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.plc.server import Registers, RequestParser
from jidoka_bridge.registers import Input

SCAN_S = 0.005
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
OTHER_MAP = bytes.fromhex("01020304")
BAUDS = {9600: termios.B9600, 19200: termios.B19200, 115200: termios.B115200}


@dataclasses.dataclass
class Wrong:
    """What is wrong with this PLC. baud: it understands no other; clock_rate: of its milliseconds; program_unit: of its blocks, not of its server."""

    has_fc23: bool = True
    is_stopped: bool = False
    is_empty: bool = False
    has_registers: bool = True
    is_deaf: bool = False
    is_damaged: bool = False
    map_digest: bytes = registers.MAP_DIGEST
    program_unit: int = 0
    baud: int = 0
    lose_every: int = 0
    other_master: bool = False
    hold_limit_ms: int = 310
    clock_rate: float = 1.0


class PlcRig:
    """One PLC that answers until it is closed. seen: every request that came, whole."""

    def __init__(self, path: Path, unit: int, wrong: Wrong) -> None:
        self.unit, self.wrong, self.seen = unit, wrong, list[bytes]()
        self.inputs = READY
        self._terminal = PseudoTerminal(path)
        self._parser = RequestParser(unit)
        self.rule = PlcRule(lambda: 4711, unit, wrong.hold_limit_ms)
        self._record = PlcRecord()
        self._registers = Registers(
            lambda: self._as_built("C", self._record.block(self.rule.admission, 7).encode(unit))
        )
        self._is_over = threading.Event()
        self._foreign = 100
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._scan()
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()
        self._terminal.close()

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._terminal.fd, select.POLLIN)
        while not self._is_over.is_set():
            if self._terminal.is_connected and poller.poll(int(SCAN_S * 1000)):
                for request in self._parser.feed(self._heard(self._terminal.read())):
                    self._answer(request)
            else:
                self._is_over.wait(SCAN_S)
            if not self.wrong.is_stopped:
                self._scan()

    def _heard(self, data: bytes) -> bytes:
        """What this PLC makes of the bytes: noise where the other end's speed isn't its own."""
        if self.wrong.baud and data:
            speed = termios.tcgetattr(self._terminal.fd)[5]
            if speed != BAUDS[self.wrong.baud]:
                self._terminal.write(bytes(byte ^ 0x55 for byte in data[:3]))
                return b""
        return data

    def _scan(self) -> None:
        now_ms = int(time.monotonic_ns() / 1_000_000 * self.wrong.clock_rate)
        words = None if self.wrong.is_deaf else self._registers.block("A")
        self.rule.scan(now_ms, words, self.inputs)
        block = self.rule.block(7)
        if self.wrong.other_master:
            self._foreign += 1
            block = dataclasses.replace(block, echo=self._foreign & 0xFFFF)
        self._registers.set("B", self._as_built("B", block.encode(self.unit)))

    def _as_built(self, name: str, words: Sequence[int]) -> list[int]:
        """The block as a PLC with that digest and unit writes it."""
        layout, wrong = registers.BLOCKS[name], self.wrong
        if wrong.is_empty:
            return [0] * layout.words
        body = list(words[:-2])
        if name == "C":
            body[2:4] = struct.unpack(">2H", wrong.map_digest)
        tail = bytes((wrong.program_unit or self.unit, layout.direction)) + wrong.map_digest
        crc = zlib.crc32(struct.pack(f">{len(body)}H", *body) + tail) ^ wrong.is_damaged
        return [*body, crc >> 16, crc & 0xFFFF]

    def _answer(self, request: bytes) -> None:
        self.seen.append(request)
        if self.wrong.lose_every and len(self.seen) % self.wrong.lose_every == 0:
            return
        exception = 0 if self.wrong.has_registers else 2
        if request[1] == READ_WRITE and not self.wrong.has_fc23:
            exception = 1
        if exception:
            self._terminal.write(sealed(bytes((self.unit, request[1] | EXCEPTION_BIT, exception))))
            return
        code = self._registers.write(request)
        if not self.wrong.is_stopped:
            self._scan()
        self._terminal.write(self._registers.reply(request, code))


@contextlib.contextmanager
def plc(folder: Path, unit: int = 1, wrong: Wrong | None = None) -> Iterator[PlcRig]:
    """A PLC at `folder/plc` that ends with the block."""
    rig = PlcRig(folder / "plc", unit, wrong or Wrong())
    try:
        yield rig
    finally:
        rig.close()
