"""A wire that takes the time of its characters, and the PLC's program behind it: both in simulated time, no I/O."""

from __future__ import annotations

import random

from jidoka_bridge.link.times import character_ms
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.plc.server import Registers, RequestParser
from jidoka_bridge.registers import Input, Input2, Word

MS = 1_000_000
NEVER = 2**63
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY


class Wire:
    """Stands where the serial port does: what is written arrives when its last character would.

    loses: the answer that is under way, or the next one, doesn't arrive.
    """

    def __init__(self, baud: int) -> None:
        self.is_open = False
        self.error = ""
        self.notes: tuple[tuple[str, str], ...] = ()
        self.now_ns = 0
        self.to_plc: tuple[int, bytes] = (NEVER, b"")
        self.to_agent: tuple[int, bytes] = (NEVER, b"")
        self.loses = False
        self._character_ns = int(character_ms(baud) * MS)

    def open(self, now_ns: int) -> bool:
        del now_ns
        self.is_open = True
        return True

    def fileno(self) -> int:
        return -1

    def drain(self) -> None:
        """Nothing is ever left over here."""

    def read(self) -> bytes:
        _, data = self.to_agent
        self.to_agent = (NEVER, b"")
        return data

    def write(self, data: bytes) -> None:
        if data:
            self.to_plc = (self.now_ns + len(data) * self._character_ns, data)

    def answer(self, data: bytes) -> None:
        """What the PLC writes."""
        if data and not self.loses:
            self.to_agent = (self.now_ns + len(data) * self._character_ns, data)
        self.loses = False

    def line_errors(self) -> None:
        """A simulated driver counts none."""

    def close(self) -> None:
        self.is_open = False


class SimulatedPlc:
    """Registers, the rule and a button, a scan at a time. coil_ns: when the output changed last."""

    def __init__(self, link: Link, seed: int) -> None:
        self._unit = link.unit
        self._numbers = random.Random(seed)
        self.rule = PlcRule(self._draw, link.unit, link.hold_ms)
        self.registers = Registers(self._block_c)
        self.parser = RequestParser(link.unit)
        self.requests: list[bytes] = []
        self.inputs = READY
        self.inputs2 = Input2(0)
        self.parts = 0
        self.coil_ns = 0
        self.rises = 0
        self.presses = 0

    def _draw(self) -> int:
        return self._numbers.randint(1, 0xFFFF)

    def _block_c(self) -> list[int]:
        return PlcRecord().block(self.rule.admission, 0).encode(self._unit)

    @property
    def output(self) -> Word:
        return self.rule.output

    def scan(self, now_ns: int, wire: Wire) -> None:
        """What came goes in, the rule runs, the answers go out."""
        requests, self.requests = self.requests, []
        exceptions = [self.registers.write(request) for request in requests]
        done = self.rule.scan(now_ns // MS, self.registers.block("A"), self.inputs)
        if done.output != done.was:
            self.coil_ns = now_ns
            self.rises += done.was is Word.WITHHOLD
        self.presses += done.is_accepted
        if requests:  # nobody else reads it
            block = self.rule.block(self.parts, inputs2=self.inputs2)
            self.registers.set("B", block.encode(self._unit))
        for request, exception in zip(requests, exceptions, strict=True):
            wire.answer(self.registers.reply(request, exception))
