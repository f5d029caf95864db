"""A Modbus client for commissioning: one request, its answer and how long it took. It can only ever withhold."""

from __future__ import annotations

import random
import select
import time
from typing import NamedTuple

from jidoka_bridge import registers
from jidoka_bridge.errors import LinkError
from jidoka_bridge.link import frames
from jidoka_bridge.link.blocks import BlockA
from jidoka_bridge.link.frames import Found, Outcome, Request
from jidoka_bridge.link.mbap import Rtu, Tcp
from jidoka_bridge.link.ports import port_of
from jidoka_bridge.link.times import pace_of
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Phase, State, Word

MS_NS = 1_000_000
#: block C in one piece doesn't fit a frame
PIECE_WORDS = 85
TRIES = 3
OPEN_NS = 3_000_000_000


class Answer(NamedTuple):
    """What came of one request. why: "" for a reply; words: of a read; rtt_ns: from the last byte given to the port until
    came_ns, of the monotonic clock."""

    why: str
    words: tuple[int, ...]
    exception: int
    rtt_ns: int
    came_ns: int


class Client:
    """One port, opened for commissioning. Raises LinkError where it can't be opened or is lost."""

    def __init__(self, link: Link, answer_ms: float) -> None:
        self.link = link
        self.answer_ms = answer_ms
        self._number = random.randint(1, 0xFFFF)
        self._pace = pace_of(link)
        self._wire = Tcp() if link.transport == "modbus-tcp" else Rtu(link.echo)
        self._port = port_of(link)
        self._open()

    def _open(self) -> None:
        """A serial port opens at once, a connection takes its time."""
        until_ns = time.monotonic_ns() + OPEN_NS
        while not self._port.open(time.monotonic_ns()):
            if self._port.error or time.monotonic_ns() > until_ns:
                raise LinkError(self._port.error or f"{self.link.port}: no connection", self._port.remedy)
            time.sleep(0.01)

    def close(self) -> None:
        self._port.close()

    def read(self, address: int, count: int) -> Answer:
        """Function code 03."""
        return self.ask(frames.read_holding(self.link.unit, address, count))

    def read_patiently(self, address: int, count: int) -> Answer:
        """The same, asked again where nothing usable came: one lost answer says nothing."""
        answer = self.read(address, count)
        for _ in range(TRIES - 1):
            if not answer.why or answer.exception:
                break
            answer = self.read(address, count)
        return answer

    def beat(self, stamp: int, function: str = "23") -> tuple[Answer, int]:
        """Block A with WITHHOLD, no session and nothing asked for, and block B; (answer, the number it carried)."""
        words, number = self._withhold(stamp)
        unit, b = self.link.unit, registers.B
        if function == "23":
            return self.ask(frames.read_write(unit, b.address, b.words, registers.A.address, words)), number
        written = self.ask(frames.write_multiple(unit, registers.A.address, words))
        if written.why:
            return written, number
        read = self.read(b.address, b.words)
        return read._replace(rtt_ns=written.rtt_ns + read.rtt_ns), number

    def _withhold(self, stamp: int) -> tuple[list[int], int]:
        self._number = self._number % 0xFFFF + 1
        block = BlockA(
            self.link.hold_ms, 0, self._number, stamp, State.START_UP, Phase.IDLE, 0, Word.WITHHOLD
        )
        return block.encode(self.link.unit), self._number

    def ask(self, request: Request) -> Answer:
        """One request after the silence that the line needs, and its answer or why there is none."""
        self._quiet()
        assembler = self._wire.ask(request)
        began_ns = time.monotonic_ns()
        self._port.write(assembler.frame)
        wire_ms = (len(request.frame) + request.length) * self._pace.character_ms
        until_ns = began_ns + int((wire_ms + self.answer_ms) * MS_NS)
        found: Found | None = None
        while found is None and (left_ns := until_ns - time.monotonic_ns()) > 0:
            poller = select.poll()
            poller.register(self._port.fileno(), select.POLLIN)
            if poller.poll(max(1, left_ns // MS_NS)):
                found = assembler.feed(self._port.read())
        came_ns = time.monotonic_ns()
        rtt_ns = came_ns - began_ns
        if found is None:
            return Answer(assembler.why, (), 0, rtt_ns, came_ns)
        if found.outcome is Outcome.EXCEPTION:
            return Answer(f"exception {found.exception}", (), found.exception, rtt_ns, came_ns)
        return Answer(found.why if found.outcome is Outcome.REJECT else "", found.words, 0, rtt_ns, came_ns)

    def _quiet(self) -> None:
        """Wait for the silence between frames and throw away what came late."""
        until_ns = time.monotonic_ns() + int(self._pace.gap_ms * MS_NS)
        while (left_ns := until_ns - time.monotonic_ns()) > 0:
            select.poll().poll(max(1, left_ns // MS_NS))
        self._port.drain()

    def read_block_c(self) -> tuple[str, tuple[int, ...]]:
        """(why it couldn't be read, its words)."""
        words: tuple[int, ...] = ()
        while len(words) < registers.C.words:
            count = min(PIECE_WORDS, registers.C.words - len(words))
            answer = self.read_patiently(registers.C.address + len(words), count)
            if answer.why:
                return answer.why, ()
            words += answer.words
        return "", words
