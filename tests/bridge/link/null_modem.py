"""Joins `Session` and `PlcRule` in one process and simulated time: bytes go through both halves of the framing."""

from __future__ import annotations

import random

from jidoka_bridge.link.session import Ask, Beat, Session
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.rule import PlcRule, Scan
from jidoka_bridge.plc.server import Registers, RequestParser
from jidoka_bridge.registers import Input, State, Word

MS = 1_000_000
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
HOLD = Ask(Word.WITHHOLD, State.HOLD)
REQUEST = Ask(Word.WITHHOLD, State.HOLD, arm=True)
RUN = Ask(Word.MACHINE_AND_AI, State.RUN)


class NullModem:
    """A PLC that scans every 10 ms and an agent that beats every `link.beat_ms`.

    lose_request, lose_reply: what the line does to each. After each beat `beat` is its outcome. Time goes on from
    an odd moment, so that nothing depends on starting at 0.
    """

    def __init__(self, link: Link | None = None, seed: int = 1, first_number: int = 65_500) -> None:
        self.link = link or Link("null modem")
        self.now_ms = 655_000
        self.rule = PlcRule(lambda: draw.randint(1, 0xFFFF), self.link.unit, hold_limit_ms=1_000)
        draw = random.Random(seed)
        self.registers = Registers(
            lambda: PlcRecord().block(self.rule.admission, self.parts).encode(self.link.unit)
        )
        self.parser = RequestParser(self.link.unit)
        self.session = Session(self.link, first_number)
        self.inputs = READY
        self.parts = 0
        self.lose_request = False
        self.lose_reply = False
        self.beat: Beat | None = None
        self.scans: list[Scan] = []
        self.rises: list[tuple[int, Word]] = []
        self.counted: list[int] = []
        self._scan()

    def _scan(self) -> None:
        scan = self.rule.scan(self.now_ms, self.registers.block("A"), self.inputs)
        self.scans.append(scan)
        if scan.is_accepted:
            self.counted.append(self.now_ms)
        if scan.output != scan.was and scan.why == "press":
            self.rises.append((self.now_ms, scan.output))
        self.registers.set("B", self.rule.block(self.parts).encode(self.link.unit))

    def wait(self, ms: int) -> None:
        """Let time pass without a beat."""
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            self.now_ms += 10
            self._scan()

    def exchange(self, frame: bytes) -> bytes:
        """One request to the PLC: its reply after 20 ms, b"" for none."""
        requests = [] if self.lose_request else self.parser.feed(frame)
        exceptions = [self.registers.write(request) for request in requests]
        self.wait(20)
        replies = [self.registers.reply(r, e) for r, e in zip(requests, exceptions, strict=True)]
        return b"" if self.lose_reply else b"".join(replies)

    def run(self, ms: int, ask: Ask = HOLD) -> Beat:
        """Beat with `ask` for so long; the last beat's outcome."""
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            began_ms = self.now_ms
            reply = self.exchange(self.session.request(self.now_ms * MS, ask))
            beat = self.session.feed(self.now_ms * MS, reply)
            if beat is None:
                self.wait(self.link.reply_timeout_ms // 10 * 10 - 10)
                beat = self.session.timeout(self.now_ms * MS)
            self.beat = beat
            self.wait(max(0, self.link.beat_ms - (self.now_ms - began_ms)))
        assert self.beat is not None
        return self.beat

    def press(self, ms: int = 300, ask: Ask = REQUEST) -> None:
        """Somebody presses the reset button for so long and releases it."""
        self.inputs |= Input.RESET_BUTTON
        self.run(ms, ask)
        self.inputs &= ~Input.RESET_BUTTON
        self.run(150, ask)

    def arm(self, ask: Ask = RUN) -> None:
        """From nothing to the word of `ask`, as an operator would."""
        self.run(2_500, REQUEST)
        self.press()
        self.run(300, ask)
