"""The guard's line on a real pseudo-terminal and a PLC behind it, with the clock in the test's hand.

The bytes go through the kernel; what is waited for is that they have arrived, never time.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import itertools
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.line import Line
from jidoka_bridge.guard.link_view import LinkView
from jidoka_bridge.link.arming import Ask
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.line import SerialLine
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.plc.server import Registers
from jidoka_bridge.registers import Input, State, Word

from tests.processes import wait_until

MS = 1_000_000
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
REQUEST = Ask(Word.WITHHOLD, State.HOLD, arm=True)
RUN = Ask(Word.MACHINE_AND_AI, State.RUN)


class Wish:
    """What a guard would ask for, and what it is told."""

    def __init__(self) -> None:
        self.wanted = REQUEST
        self.view = LinkView()

    def ask(self) -> Ask:
        return self.wanted

    def sent(self, now_ns: int, word: Word) -> None:
        """Nothing to remember."""
        del now_ns, word

    def beat(self, now_ns: int, view: LinkView) -> None:
        del now_ns
        self.view = view


class Rig:
    """alter: what the line makes of a reply (b"" for nothing); is_stopped: the stack answers, the program stands."""

    def __init__(self, folder: Path, unit: int = 1, has_fc23: bool = True, **link: Any) -> None:
        self.path = folder / "plc"
        self.wire = SerialLine(self.path, unit)
        draws = itertools.count(4_711)
        self.rule = PlcRule(lambda: next(draws), unit, 1_000)
        self.record = PlcRecord()
        self.unit = unit
        self.registers = Registers(self.block_c, has_fc23)
        self.inputs = READY
        self.is_stopped = False
        self.alter: Callable[[bytes], bytes] = lambda reply: reply
        self.line = Line(Link(str(self.path), **link), 60_000)
        self.wish = Wish()
        self.now_ms = 655_000
        self.heard: list[bytes] = []
        self._scan()

    def block_c(self) -> list[int]:
        return self.record.block(self.rule.admission, 0).encode(self.unit)

    @property
    def view(self) -> LinkView:
        return self.wish.view

    @property
    def guard(self) -> Guard:
        return cast("Guard", self.wish)

    def run(self, ms: int, ask: Ask | None = None) -> LinkView:
        """Let so much time pass."""
        self.wish.wanted = ask or self.wish.wanted
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            self.now_ms += 10
            before = self.line.beats, self.line.session.has_second
            self.line.step(self.now_ms * MS, self.guard)
            if self.line.in_transaction and (self.line.beats, self.line.session.has_second) != before:
                self._exchange()
            else:
                self._scan()
        return self.view

    def _exchange(self) -> None:
        requests: list[Any] = []
        descriptor = self.wire._terminal.fd
        if self.line.session._sent is not None:  # a pause sends nothing
            wait_until(lambda: waiting(descriptor) > 0, "the request has arrived")
            self.wire.readable(descriptor, self.now_ms * MS)
            requests = self.wire.take(self.now_ms * MS)
        self.heard += [request for _, request in requests]
        exceptions = [self.registers.write(request) for _, request in requests]
        self._scan()
        reply = b"".join(
            self.registers.reply(request, error)
            for (_, request), error in zip(requests, exceptions, strict=True)
        )
        self.say(self.alter(reply))

    def say(self, data: bytes) -> None:
        """Bytes from the PLC's end, and what the line makes of them."""
        if not data:
            return
        port = self.line.port.fileno()
        before = waiting(port)
        self.wire._terminal.write(data)
        wait_until(lambda: waiting(port) >= before + len(data), "the reply has arrived")
        self.line.readable(self.now_ms * MS, self.guard)

    def _scan(self) -> None:
        if self.is_stopped:
            return
        self.rule.scan(self.now_ms, self.registers.block("A"), self.inputs)
        self.registers.set("B", self.rule.block().encode(self.unit))

    def arm(self) -> None:
        """From nothing to RUN, as an operator would."""
        self.run(4_000, REQUEST)
        self.inputs |= Input.RESET_BUTTON
        self.run(300)
        self.inputs &= ~Input.RESET_BUTTON
        self.run(200)
        self.run(300, RUN)
        assert self.rule.output is Word.MACHINE_AND_AI

    def close(self) -> None:
        self.line.close()
        with contextlib.suppress(OSError):  # the test may have closed it
            self.wire.close()


def waiting(descriptor: int) -> int:
    """Bytes that wait at a terminal."""
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]
