"""The agent's half of the link: one beat after the other, each reply judged, each refusal counted by its reason.

`Session` is pure: the shell asks for a request each beat, sends it, feeds what comes back or reports the time-out.
It can lower at any beat and by silence; it raises only within what `Arming` allows.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from jidoka_bridge import registers
from jidoka_bridge.link import frames
from jidoka_bridge.link.arming import MS, Arming, Ask
from jidoka_bridge.link.asides import Asides, Sent
from jidoka_bridge.link.blocks import RANK, BlockA, BlockB, BlockC, BlockD, BlockError
from jidoka_bridge.link.frames import Assembler, Found, Outcome
from jidoka_bridge.link.freshness import Freshness
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Phase, Word

__all__ = ["Ask", "Beat", "Session"]

GOOD_BEATS_UP = 3
MISMATCHES_TO_PAUSE = 3
#: a restarted session counts on from here, so that an echo of the old one can't pass for its own
RESTART_GAP = 256


@dataclass(frozen=True)
class Beat:
    """Outcome of one beat. why: "" when good; block: the last good block B, this beat's own where it carried one.

    A beat that carried block D or a piece of block C instead of A is good when that was answered; its `block` is
    then the one from before (None if there was none).
    """

    good: bool
    why: str
    at_ns: int
    rtt_ns: int
    block: BlockB | None


class Session:
    """One agent's dealings with one PLC.

    link: unit, times and echo as the plan has them; first_number: random 1 to 65535, so that two agents on one
    line don't count alike. `presses` and `part_count` only ever rise; `counts` says how often each reason to refuse
    a reply came up; `block_c` is block C once it was read; `record` is what block D tells the PLC of the ledger
    (the session puts the connection id in).
    """

    def __init__(self, link: Link, first_number: int) -> None:
        self.link = link
        self.is_up = False
        self.block: BlockB | None = None
        self.part_count = 0
        self.history: deque[int] = deque(maxlen=64)
        self.foreign = False
        self.counts: Counter[str] = Counter()
        self._arming = Arming((link.reply_timeout_ms + 2 * link.scan_ms) * MS)
        self._fresh = Freshness(link.scan_ms)
        self._asides = Asides(link)
        self._number = first_number & 0xFFFF or 1
        self._own_numbers: deque[int] = deque(maxlen=512)
        self._began_ns: int | None = None
        self._forget_line()

    def _forget_line(self) -> None:
        self._sent: Sent | None = None
        self._word = Word.WITHHOLD
        self._was_aside = False
        self._is_paused = False
        self._good_run = 0
        self._lost_run = 0
        self._mismatches = 0
        self._last_good_ns: int | None = None
        self._last_good_sent_ns = 0

    @property
    def phase(self) -> Phase:
        return self._arming.phase

    @property
    def connection_id(self) -> int:
        return self._arming.connection_id

    @property
    def presses(self) -> int:
        return self._arming.presses

    @property
    def block_c(self) -> BlockC | None:
        return self._asides.block_c

    @property
    def record(self) -> BlockD:
        return self._asides.record

    @record.setter
    def record(self, record: BlockD) -> None:
        self._asides.record = record

    def reset(self, now_ns: int) -> None:
        """The port was lost or reopened: the session is over, arming begins anew."""
        self._arming.end()
        self._fresh.forget()
        self._forget_line()
        self.is_up = False
        self._began_ns = now_ns
        self._number = self._number + RESTART_GAP & 0xFFFF or 1

    def request(self, now_ns: int, ask: Ask) -> bytes:
        """The next frame. b"" is a pause: send nothing, and report the time-out as for any other beat.

        A call later than the hold time after the last good beat withholds; it doesn't renew.
        """
        if self._began_ns is None:
            self._began_ns = now_ns
        if self._sent is not None:
            self._lost(now_ns, "no answer")
        self._check_time(now_ns)
        # a word that goes down waits for nothing
        is_lowering = min(RANK[ask.word], RANK[self._arming.level]) < RANK[self._word]
        self._is_paused = self._mismatches >= MISMATCHES_TO_PAUSE and not is_lowering
        if self._is_paused:
            self._mismatches = 0
            self._fresh.forget()  # the line is empty after the pause; the PLC may have started anew
            return b""
        may_be_aside = self.is_up and self._lost_run == 0 and not self._was_aside and not is_lowering
        aside = self._asides.due(now_ns, self._arming, ask) if may_be_aside else None
        self._was_aside = aside is not None
        if aside is not None:
            self._sent = aside
            return aside.assembler.request.frame
        return self._beat(now_ns, ask)

    def _beat(self, now_ns: int, ask: Ask) -> bytes:
        phase, word = self._arming.shape(now_ns, ask, self.is_up)
        self._word = word
        number = self._number
        self._number = number + 1 & 0xFFFF
        self._own_numbers.append(number)
        self._arming.sent(number)
        stamp = 0 if self.block is None else self.block.counter
        hold_ms = min(self.link.hold_ms, 2550)
        block = BlockA(hold_ms, self.connection_id, number, stamp, ask.state, phase, ask.reason, word)
        request = frames.read_write(
            self.link.unit, registers.B.address, registers.B.words, registers.A.address,
            block.encode(self.link.unit),
        )  # fmt: skip
        self._sent = Sent("A", now_ns, Assembler(request, self.link.echo), number)
        return request.frame

    def feed(self, now_ns: int, data: bytes) -> Beat | None:
        """Bytes from the line. None: not complete yet, or nothing was asked."""
        if self._sent is None:
            if data:
                self.counts["unasked bytes"] += 1
            return None
        found = self._sent.assembler.feed(data)
        if found is None:
            return None
        sent, self._sent = self._sent, None
        if found.outcome is not Outcome.REPLY:
            self._asides.failed(now_ns, sent)
            return self._lost(now_ns, found.why or f"exception {found.exception}")
        if sent.kind != "A":
            return self._aside_answered(now_ns, sent, found)
        return self._judge(now_ns, sent, found)

    def timeout(self, now_ns: int) -> Beat:
        """The reply did not come within the link's reply time-out."""
        sent, self._sent = self._sent, None
        if sent is None:
            return self._lost(now_ns, "resync pause" if self._is_paused else "nothing asked")
        self._asides.failed(now_ns, sent)
        return self._lost(now_ns, sent.assembler.why)

    def _aside_answered(self, now_ns: int, sent: Sent, found: Found) -> Beat:
        why = self._asides.answered(now_ns, sent, found.words, self._arming)
        if why:
            self.counts[why] += 1
        self._check_time(now_ns)
        return Beat(True, "", now_ns, now_ns - sent.at_ns, self.block)

    def _judge(self, now_ns: int, sent: Sent, found: Found) -> Beat:
        try:
            block = BlockB.decode(found.words, self.link.unit)
        except BlockError as error:
            return self._lost(now_ns, f"block {error.flaw.value}")
        stale = self._fresh.judge(block.counter, sent.at_ns)
        if stale:
            self._mismatches += 1
            return self._lost(now_ns, stale)
        if self.connection_id and block.connection != self.connection_id:
            if block.connection:
                self.foreign = True
            self._arming.end()
        # the read part of FC23 may be served before the PLC's program saw the written part
        if (sent.number - block.echo) & 0xFFFF > 1:
            self._mismatches += 1
            if block.echo not in self._own_numbers and self._is_settled(now_ns):
                self.foreign = True
            return self._lost(now_ns, "number")
        return self._good(now_ns, sent, block)

    def _is_settled(self, now_ns: int) -> bool:
        """Long enough after a start that nothing of an earlier session can stand in the PLC any more."""
        assert self._began_ns is not None
        return now_ns - self._began_ns > 2 * (self.link.hold_ms + self.link.beat_ms) * MS

    def _good(self, now_ns: int, sent: Sent, block: BlockB) -> Beat:
        self._fresh.accept(block.counter, now_ns)
        self._count_parts(block)
        self._arming.seen(block, now_ns, self._last_good_sent_ns)
        self.block = block
        self._mismatches = 0
        self._lost_run = 0
        self._good_run += 1
        self._last_good_ns = now_ns
        self._last_good_sent_ns = sent.at_ns
        self.is_up = self.is_up or self._good_run >= GOOD_BEATS_UP
        self.history.append(now_ns - sent.at_ns)
        return Beat(True, "", now_ns, now_ns - sent.at_ns, block)

    def _count_parts(self, block: BlockB) -> None:
        moved = block.parts if self.block is None else block.parts - self.block.parts & 0xFFFF
        # a counter that went backwards is that of a PLC that started anew
        self.part_count += moved if moved < 0x8000 or self.block is None else block.parts

    def _lost(self, now_ns: int, why: str) -> Beat:
        self._sent = None
        self._good_run = 0
        self._lost_run += 1
        self.counts[why] += 1
        if self._lost_run > self.link.lost_beats:
            self._down()
        self._check_time(now_ns)
        return Beat(False, why, now_ns, 0, self.block)

    def _check_time(self, now_ns: int) -> None:
        last = self._last_good_ns
        if self.is_up and (last is None or now_ns - last > self.link.hold_ms * MS):
            self._down()

    def _down(self) -> None:
        """The link is lost: the PLC drops by itself; whatever comes back begins with a withdrawal."""
        self.is_up = False
        self._good_run = 0
        self._arming.withdraw()
