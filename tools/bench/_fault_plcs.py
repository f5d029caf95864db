"""What stands behind the faulty line: the reference model, or the C firmware's core, scan by scan in simulated time."""

from __future__ import annotations

import random
from collections import Counter
from typing import Protocol

from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockD, BlockError
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.plc.server import Registers, RequestParser
from jidoka_bridge.registers import Input

MS = 1_000_000
SILENCE_NS = 20 * MS
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
A_SPAN = range(registers.A.address, registers.A.address + registers.A.words)


class Plc(Protocol):
    """A PLC. found: requests that its Modbus half found; fates: what became of those that wrote block A."""

    output: int
    echo: int
    presses: int
    found: int
    fates: Counter[str]

    @property
    def own_refusals(self) -> int: ...

    def feed(self, now_ns: int, data: bytes) -> None: ...

    def scan(self, now_ns: int, is_pressed: bool) -> list[bytes]: ...


def writes_a(request: bytes) -> bool:
    """This request (without CRC-16) writes into block A."""
    if request[1] == 0x17:
        return int.from_bytes(request[6:8], "big") in A_SPAN
    return request[1] == 0x10 and int.from_bytes(request[2:4], "big") in A_SPAN


class PythonPlc:
    """The reference model behind the reference server."""

    def __init__(self, link: Link, seed: int) -> None:
        numbers = random.Random(seed)
        self.rule = PlcRule(lambda: numbers.randint(1, 0xFFFF), link.unit, link.hold_ms)
        self.output = int(self.rule.output)
        self.echo = self.presses = self.found = 0
        self.fates: Counter[str] = Counter()
        self._unit = link.unit
        self._record = PlcRecord()
        self._registers = Registers(lambda: self._record.block(self.rule.admission, 0).encode(link.unit))
        self._parser = RequestParser(link.unit)
        self._requests: list[bytes] = []
        self._heard_ns = 0
        self._before: list[int] | None = None

    def feed(self, now_ns: int, data: bytes) -> None:
        if now_ns - self._heard_ns > SILENCE_NS:
            self._parser.silence()
        self._heard_ns = now_ns
        found = self._parser.feed(data)
        self.found += len(found)
        self._requests += found

    def scan(self, now_ns: int, is_pressed: bool) -> list[bytes]:
        requests, self._requests = self._requests, []
        exceptions = [self._registers.write(request) for request in requests]
        if self._registers.is_written["D"]:
            self._registers.is_written["D"] = False
            self._take(self._registers.block("D") or [])
        words = self._registers.block("A")
        done = self.rule.scan(
            now_ns // MS,
            words,
            READY | (Input.RESET_BUTTON if is_pressed else Input(0)),
            None,
            self._record.may_arm,
        )
        self.presses += done.is_accepted
        block = self.rule.block()
        self._tell_fates(requests, exceptions, words, done.refused, block.echo)
        self.output, self.echo = int(done.output), block.echo
        self._registers.set("B", block.encode(self._unit))
        return [self._registers.reply(r, e) for r, e in zip(requests, exceptions, strict=True)]

    def _take(self, words: list[int]) -> None:
        try:
            block = BlockD.decode(words, self._unit)
        except BlockError:
            return
        if block.connection == self.rule.connection:
            self._record.take(block, False)

    def _tell_fates(
        self, requests: list[bytes], exceptions: list[int], words: list[int] | None, refused: str, echo: int
    ) -> None:
        a = sum(writes_a(request) and not error for request, error in zip(requests, exceptions, strict=True))
        fates = self.fates
        fates["refused: exception"] += sum(bool(error) for error in exceptions)
        fates["other blocks"] += sum(not error for error in exceptions) - a
        if not a:
            return
        fates["overwritten before the scan"] += a - 1
        if words == self._before:
            fates["repeated"] += 1
        elif refused:
            fates[f"refused: {refused}"] += 1
        else:
            fates["accepted" if echo != self.echo else "same number again"] += 1
        self._before = words

    @property
    def own_refusals(self) -> int:
        """As the PLC counts them itself, for block C and its faults."""
        return sum(self.rule.admission.counts.values())


class CPlc:
    """The C firmware's core behind its own Modbus half; one request a scan, as the firmware takes them."""

    def __init__(self, link: Link, seed: int) -> None:
        from tests.firmware.c_core import CCore, CServer  # noqa: PLC0415 - built only where it is asked for
        from tests.firmware.scans import Inputs, Settings  # noqa: PLC0415

        self._server = CServer(CCore(Settings(link.unit, link.hold_ms)))
        self._numbers = random.Random(seed)
        self._make = Inputs
        self.output = int(registers.Word.WITHHOLD)
        self.echo = self.presses = self.found = 0
        self.fates: Counter[str] = Counter()
        self._data = b""
        self._heard_ns = 0
        self._before: tuple[int, ...] = ()
        self._refusals = 0

    def feed(self, now_ns: int, data: bytes) -> None:
        if now_ns - self._heard_ns > SILENCE_NS and not self._data:
            self._server.library.jidoka_modbus_silence(self._server.modbus)
        self._heard_ns = now_ns
        self._data += data

    def scan(self, now_ns: int, is_pressed: bool) -> list[bytes]:
        server = self._server
        while self._data and not server.modbus.has_request:
            taken = server.feed(self._data)
            self._data = self._data[taken:]
            if not taken:
                break
        has_request, error = bool(server.modbus.has_request), int(server.modbus.exception)
        inputs = READY | (Input.RESET_BUTTON if is_pressed else Input(0))
        done = server.scan(self._make(
            now_ns // MS, inputs=int(inputs), actual=self.output, random=self._numbers.randint(1, 0xFFFF)
        ))  # fmt: skip
        self.presses += done.is_accepted
        if has_request:
            self.found += 1
            self._tell_fate(error, tuple(server.modbus.a), server.core.refused, done.block_b[2])
        self.output, self.echo = done.output, done.block_b[2]
        answer = server.answer()
        return [answer] if answer else []

    def _tell_fate(self, error: int, words: tuple[int, ...], refused: str, echo: int) -> None:
        fates = self.fates
        if error:
            fates["refused: exception"] += 1
        elif refused:
            fates[f"refused: {refused}"] += 1
            self._refusals += 1
        elif words == self._before:
            fates["repeated, or other blocks"] += 1
        else:
            fates["accepted" if echo != self.echo else "same number again"] += 1
        self._before = words

    @property
    def own_refusals(self) -> int:
        """Refusals as the core told them."""
        return self._refusals
