"""What goes over the line beside the beats, one exchange in place of a beat: block D to the PLC, block C from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from jidoka_bridge import registers
from jidoka_bridge.link import frames
from jidoka_bridge.link.arming import MS, Arming, Ask
from jidoka_bridge.link.blocks import RANK, BlockC, BlockD, BlockError
from jidoka_bridge.link.frames import Assembler
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Phase

HOUR_NS = 3_600_000 * MS
#: block C is read in pieces of the size of block B, so that a piece takes no longer than a beat
PIECE_WORDS = 16
C_TRIES = 3


@dataclass(frozen=True)
class Sent:
    """A request that waits for its answer. kind: block that it carries or reads; number: of block A."""

    kind: str
    at_ns: int
    assembler: Assembler
    number: int = 0


class Asides:
    """Block D before each arm-request and once an hour; block C at connect and hourly, while nothing is asked for.

    record: what block D tells (the connection id is put in here); block_c: None until it was read whole.
    """

    def __init__(self, link: Link) -> None:
        self.record = BlockD(0)
        self.block_c: BlockC | None = None
        self._link = link
        self._recorded_ns = 0
        self._words: list[int] = []
        self._failures = 0
        self._c_due_ns = 0

    def due(self, now_ns: int, arming: Arming, ask: Ask) -> Sent | None:
        """The request whose turn it is, None for a beat."""
        is_d_due = arming.is_quiet
        if arming.is_recorded:
            is_d_due = self._recorded_ns + HOUR_NS <= now_ns
        if is_d_due and arming.connection_id and arming.phase != Phase.WITHDRAW:
            block = dataclasses.replace(self.record, connection=arming.connection_id)
            words = block.encode(self._link.unit)
            request = frames.write_multiple(self._link.unit, registers.D.address, words)
            return Sent("D", now_ns, Assembler(request, self._link.echo))
        if arming.is_quiet and not ask.arm and RANK[ask.word] == 0 and now_ns >= self._c_due_ns:
            first = len(self._words)
            count = min(PIECE_WORDS, registers.C.words - first)
            request = frames.read_holding(self._link.unit, registers.C.address + first, count)
            return Sent("C", now_ns, Assembler(request, self._link.echo))
        return None

    def answered(self, now_ns: int, sent: Sent, words: Sequence[int], arming: Arming) -> str:
        """An answer came; returns why block C is of no use, "" where all is well."""
        if sent.kind == "D":
            arming.is_recorded = True
            self._recorded_ns = now_ns
            return ""
        self._words += words
        if len(self._words) < registers.C.words:
            return ""
        try:
            self.block_c = BlockC.decode(self._words, self._link.unit)
        except BlockError as error:
            self.failed(now_ns, sent)
            return f"block C {error.flaw.value}"
        self._words = []
        self._failures = 0
        self._c_due_ns = now_ns + HOUR_NS
        return ""

    def failed(self, now_ns: int, sent: Sent) -> None:
        """No answer, or a torn block C: begin again, and after three tries only in an hour."""
        if sent.kind != "C":
            return
        self._words = []
        self._failures += 1
        if self._failures >= C_TRIES:
            self._failures = 0
            self._c_due_ns = now_ns + HOUR_NS
