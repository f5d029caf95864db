"""The agent's half of the link: one beat after the other, each reply judged, each refusal counted by its reason.

`Session` is pure: the shell asks for a request each beat, sends it, feeds what comes back or reports the time-out.
It can lower at any beat and by silence; it raises only within what `Arming` allows.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque

from jidoka_bridge.link.arming import MS, Arming, Ask, OfferWatch
from jidoka_bridge.link.asides import Asides
from jidoka_bridge.link.blocks import RANK, BlockA, BlockB, BlockC, BlockD, BlockError
from jidoka_bridge.link.exchange import CONFIGURATION_FAULTS, Exchange, Sent
from jidoka_bridge.link.frames import Found, Outcome
from jidoka_bridge.link.freshness import EchoHabit, Freshness
from jidoka_bridge.link.numbers import Numbers
from jidoka_bridge.link.part_count import PartCount
from jidoka_bridge.link.standing import Beat, Standing
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Phase, Word

__all__ = ["Ask", "Beat", "Session"]

MISMATCHES_TO_PAUSE = 3
#: blocks B in a row that fit no register map of ours, until the PLC is asked which one it has
MISFITS_TO_ASK = 3
#: beats between two requests beside them, once there is a session
BEATS_BETWEEN = 2
MISFITS = ("block crc", "block format")
#: so long after its last sign somebody else is taken to be gone
FOREIGN_NS = 10_000 * MS


class Session:
    """One agent's dealings with one PLC.

    link: unit, times and echo as the plan has them; first_number: random 1 to 65535, so that two agents on one
    line don't count alike. `presses` and `part_count` only ever rise; `counts` says how often each reason to refuse
    a reply came up; `block_c` is block C once it was read; `record` is what block D tells the PLC of the ledger
    (the session puts the connection id in). While `has_second` is true the PLC has taken block A and block B is still
    to be asked for: send what `second` returns after the silence between frames.
    """

    def __init__(self, link: Link, first_number: int) -> None:
        self.link = link
        self.block: BlockB | None = None
        self.asked_ns = 0  # when the request was sent that `block` answers
        self._foreign_until_ns = 0
        self.foreign = False
        self.counts: Counter[str] = Counter()
        self._arming = Arming((link.reply_timeout_ms + 2 * link.scan_ms) * MS)
        self._fresh = Freshness(link.scan_ms)
        self._habit = EchoHabit()
        self._exchange = Exchange(link)
        self._asides = Asides(link, self._exchange)
        self._parts = PartCount()
        self._standing = Standing(link)
        self._numbers = Numbers(first_number, 2 * (link.hold_ms + link.beat_ms) // link.beat_ms)
        self._forget_line()

    def _forget_line(self) -> None:
        self._sent: Sent | None = None
        self.has_second = False
        self._word = Word.WITHHOLD
        self._beats_since_aside = BEATS_BETWEEN
        self._is_paused = False
        self._mismatches = 0
        self._misfits = 0
        self._offer = OfferWatch()

    @property
    def is_up(self) -> bool:
        return self._standing.is_up

    @property
    def history(self) -> deque[int]:
        """Round trips of good beats in ns, newest last."""
        return self._standing.history

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
    def part_count(self) -> int:
        return self._parts.total

    @property
    def function(self) -> str:
        """How a beat goes now: "23", or "16+03"."""
        return self._exchange.function

    @property
    def skew(self) -> str:
        """Why this PLC's program isn't armed, whatever it answers: its register map or firmware; "" if it fits."""
        return self._asides.skew

    @property
    def is_unapproved(self) -> bool:
        """The PLC has approved another plan, so it takes no arm-request."""
        return self.is_up and self._asides.is_unapproved

    @property
    def is_unrecorded(self) -> bool:
        """The PLC refuses block D, before which nothing is armed in this session."""
        return self.is_up and self._asides.is_refused and not self._arming.is_recorded

    @property
    def is_unoffered(self) -> bool:
        """The PLC answers and takes the beats of step 1, but offers no session."""
        return self.is_up and self._offer.is_late

    @property
    def block_c(self) -> BlockC | None:
        return self._asides.block_c

    @property
    def record(self) -> BlockD:
        return self._asides.record

    @record.setter
    def record(self, record: BlockD) -> None:
        self._asides.record = record

    def reset(self) -> None:
        """The port was lost or reopened: the session is over, arming begins anew."""
        self._arming.end()
        self._fresh.forget()
        self._exchange.forget()
        self._asides.forget()
        self._standing.forget()
        self._habit.forget()
        self._forget_line()
        self._numbers.restart()
        self.foreign = False

    def request(self, now_ns: int, ask: Ask) -> bytes:
        """The next frame. b"" is a pause: send nothing, and report the time-out as for any other beat.

        A call later than the hold time after the last good beat withholds; it doesn't renew.
        """
        self.foreign &= now_ns < self._foreign_until_ns
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
        # a session lives by stamps, and the beat after an aside carries an old one
        between = BEATS_BETWEEN if self.connection_id else 1
        may_be_aside = self._beats_since_aside >= between and not is_lowering
        aside = self._aside(now_ns, ask) if may_be_aside else None
        self._beats_since_aside = 0 if aside else min(self._beats_since_aside + 1, BEATS_BETWEEN)
        self._sent = aside or self._beat(now_ns, ask)
        return self._sent.assembler.frame

    def _aside(self, now_ns: int, ask: Ask) -> Sent | None:
        if self.is_up and self._standing.lost_run == 0:
            return self._asides.due(now_ns, self._arming, ask)
        # a PLC whose program doesn't fit doesn't come up: it is asked all the same
        answers = self._standing.answers or self._misfits >= MISFITS_TO_ASK
        is_quiet = self._arming.level == Word.WITHHOLD and RANK[ask.word] == 0
        return (
            self._asides.head(now_ns) if answers and is_quiet and self._asides.is_head_due(now_ns) else None
        )

    def _beat(self, now_ns: int, ask: Ask) -> Sent:
        if not self._asides.may_arm(now_ns, self._arming):
            ask = dataclasses.replace(ask, arm=False)
        phase, word = self._arming.shape(now_ns, ask, self.is_up)
        self._word = word
        number = self._numbers.take()
        self._arming.sent(number)
        stamp = 0 if self.block is None else self.block.counter
        hold_ms, connection = self._standing.hold_ms, self.connection_id
        block = BlockA(hold_ms, connection, number, stamp, ask.state, phase, ask.reason, word)
        return self._exchange.beat(now_ns, number, block.encode(self.link.unit))

    def second(self, now_ns: int) -> bytes:
        """The frame that asks for block B where block A went over by itself. Only while `has_second`."""
        assert self._sent is not None
        self.has_second = False
        self._sent = self._exchange.second(now_ns, self._sent)
        return self._sent.assembler.frame

    @property
    def reply_bytes(self) -> int:
        """Of the reply that is waited for; 0 where nothing was asked."""
        return 0 if self._sent is None else self._sent.assembler.request.length

    def feed(self, now_ns: int, data: bytes) -> Beat | None:
        """Bytes from the line. None: not complete yet, or nothing was asked."""
        if self._sent is None or self.has_second:
            if data:
                self.counts["unasked bytes"] += 1
                self._habit.interrupted()  # a second answer a beat: the first may be that to somebody else
            return None
        found = self._sent.assembler.feed(data)
        if found is None:
            return None
        if self._sent.is_half and found.outcome is Outcome.REPLY:
            self.has_second = True
            return None
        sent, self._sent = self._sent, None
        if found.outcome is not Outcome.REPLY:
            return self._refused(now_ns, sent, found)
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

    def _refused(self, now_ns: int, sent: Sent, found: Found) -> Beat:
        """An exception, or bytes that are no reply."""
        self._asides.failed(now_ns, sent)
        beat = self._lost(now_ns, found.why or f"exception {found.exception}")
        if sent.kind == "A" and found.exception in CONFIGURATION_FAULTS:
            self._down()  # no repetition changes it
        # never inside an armed session; one that was lost has to be over at the PLC too
        is_free = self._arming.level == Word.WITHHOLD and not (self.is_up and self.connection_id)
        if is_free and RANK[self._word] == 0 and self._exchange.may_change(sent, found):
            self._exchange.change()
            self._arming.end()
        return beat

    def _aside_answered(self, now_ns: int, sent: Sent, found: Found) -> Beat:
        why = self._asides.answered(now_ns, sent, found.words, self._arming)
        if why:
            self.counts[why] += 1
        if self.is_up and self.skew:
            self._down()
        self._check_time(now_ns)
        return Beat(True, "", now_ns, now_ns - sent.at_ns, self.block, is_own=False)

    def _judge(self, now_ns: int, sent: Sent, found: Found) -> Beat:
        # one that came in time and is read after a pause brings back nothing that the PLC has let go meanwhile
        self._check_time(now_ns)
        try:
            block = BlockB.decode(found.words, self.link.unit)
        except BlockError as error:
            why = f"block {error.flaw.value}"
            self._misfits += why in MISFITS
            # a session that stands is asked for when it is over: nothing is asked aside within it
            if self._misfits == MISFITS_TO_ASK and self._arming.level == Word.WITHHOLD:
                self._asides.recheck()
            return self._lost(now_ns, why)
        stale = self._fresh.judge(block.counter, sent.asked_ns)
        if stale:
            self._mismatches += 1
            return self._lost(now_ns, stale)
        self._numbers.answered()
        if self.connection_id and block.connection != self.connection_id:
            self._suspect(now_ns, block.connection != 0)
            self._arming.end()
            self._asides.recheck()
        # the read part of FC23 may be served before the PLC's program saw the written part
        lag = (sent.number - block.echo) & 0xFFFF
        if not self._habit.allows(lag):
            self._mismatches += 1
            # a PLC that has just started shows neither id nor number
            is_new = block.connection == block.echo == 0
            self._suspect(now_ns, not is_new and self._numbers.is_strange(block.echo))
            return self._lost(now_ns, "number")
        return self._good(now_ns, sent, block)

    def _suspect(self, now_ns: int, is_strange: bool) -> None:
        """Somebody else's id or number stands in the PLC; without a further sign of it that is over after a while."""
        if is_strange:
            self.foreign = True
            self._foreign_until_ns = now_ns + FOREIGN_NS

    def _good(self, now_ns: int, sent: Sent, block: BlockB) -> Beat:
        self._fresh.accept(block.counter, now_ns)
        self._numbers.echoed(block.echo)
        self._parts.seen(block.parts)
        self._arming.seen(block, now_ns, self._standing.last_sent_ns)
        self.block = block
        self.asked_ns = sent.asked_ns
        self._mismatches = self._misfits = 0
        is_first_step = self.connection_id == 0 and self.phase == Phase.IDLE and self._word == Word.WITHHOLD
        self._offer.good(now_ns, is_first_step)
        self._standing.good(now_ns, sent.at_ns, fits=not self.skew)
        return Beat(True, "", now_ns, now_ns - sent.at_ns, block)

    def _lost(self, now_ns: int, why: str) -> Beat:
        self._sent = None
        self._offer.lost()
        self.has_second = False
        self.counts[why] += 1
        if why not in ("number", "resync pause"):
            self._habit.interrupted()
        if self._standing.lost():
            self._down()
        self._check_time(now_ns)
        return Beat(False, why, now_ns, 0, self.block)

    def _check_time(self, now_ns: int) -> None:
        if self._standing.is_over(now_ns):
            self._down()

    def _down(self) -> None:
        """The link is lost: the PLC drops by itself; whatever comes back begins with a withdrawal."""
        if self.is_up and self._misfits >= MISFITS_TO_ASK:
            self._asides.recheck()
        self._standing.down()
        self._arming.withdraw()
