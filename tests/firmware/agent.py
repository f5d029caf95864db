"""The guard's loop in small: a real session over a real pseudo-terminal, and the hand at the panel."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.link.session import Ask, Session
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Phase, State, Word

from tests.processes import Program

#: of the link and of the PLC under test
HOLD_MS = 2_000
HOLD = Ask(Word.WITHHOLD, State.HOLD)
REQUEST = Ask(Word.WITHHOLD, State.HOLD, arm=True)
RUN = Ask(Word.MACHINE_AND_AI, State.RUN)


class Agent:
    """A session over the port at `path`; the panel at `panel`."""

    def __init__(self, path: Path, panel: Path, link: Link | None = None) -> None:
        # a shared machine stands still at times, and an emulated board with it
        self.link = link or Link(str(path), hold_ms=HOLD_MS, lost_beats=10, beat_ms=120, reply_timeout_ms=110)
        self.port = SerialPort(self.link)
        assert self.port.open(time.monotonic_ns()), self.port.error
        self.session = Session(self.link, 4_000)
        self.board = os.open(panel, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def beat(self, ask: Ask) -> None:
        """One beat: request, wait for the reply or the time-out, wait for the next."""
        began = time.monotonic_ns()
        self.port.drain()
        self.port.write(self.session.request(began, ask))
        deadline = began + self.link.reply_timeout_ms * 1_000_000
        beat = None
        while beat is None and (left := deadline - time.monotonic_ns()) > 0:
            if select.select([self.port], [], [], left / 1e9)[0]:
                beat = self.session.feed(time.monotonic_ns(), self.port.read())
        if beat is None:
            self.session.timeout(time.monotonic_ns())
        rest = began + self.link.beat_ms * 1_000_000 - time.monotonic_ns()
        select.select([], [], [], max(0, rest) / 1e9)

    def until(self, claim: Callable[[], object], ask: Ask, what: str, limit_s: float = 20) -> None:
        """Beat with `ask` until `claim()` holds."""
        deadline = time.monotonic() + limit_s
        while not claim():
            assert time.monotonic() < deadline, f"{what}: {self.session.counts}"
            self.beat(ask)

    def tell(self, line: str) -> None:
        """A line at the panel."""
        os.write(self.board, line.encode() + b"\n")

    def arm(self) -> None:
        """From nothing to the output on. A computer that stands still for a moment ends the session: once more."""
        for _ in range(6):
            if self._try_to_arm():
                return
        raise AssertionError(f"never armed: {self.session.counts}, {self.session.block}")

    def _try_to_arm(self) -> bool:
        session = self.session
        is_arming = self.within(
            10,
            lambda: (
                session.phase is Phase.ARM_REQUEST
                and session.block is not None
                and session.block.plc_state == 2
            ),
            REQUEST,
        )
        if not is_arming:
            return False
        before = session.presses
        self.tell("press")
        for _ in range(4):
            self.beat(REQUEST)
        self.tell("release")
        return self.within(2, lambda: session.presses > before, REQUEST) and self.within(
            3, lambda: self.actual is Word.MACHINE_AND_AI, RUN
        )

    def within(self, limit_s: float, claim: Callable[[], bool], ask: Ask) -> bool:
        """Beat with `ask` until the claim holds; False if it doesn't in time."""
        deadline = time.monotonic() + limit_s
        while not claim() and time.monotonic() < deadline:
            self.beat(ask)
        return claim()

    @property
    def actual(self) -> Word:
        return self.session.block.actual if self.session.block else Word.WITHHOLD

    def close(self) -> None:
        self.port.close()
        os.close(self.board)


def events(program: Program, name: str) -> list[dict[str, Any]]:
    """The JSON lines of one kind that a program printed."""
    found = [json.loads(line) for line in program.text.splitlines() if line.startswith("{")]
    return [event for event in found if event["event"] == name]
