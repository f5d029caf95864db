"""What goes over the line beside the beats, one exchange in place of a beat: block D to the PLC, block C from it.

Of block C three things are read: its head, which says whether the program fits; the digest that is approved there, which
says whether it may be armed; and the whole of it, for people, in pieces between which it may change. A PLC may make the
block anew only when its first word is read, so that the head goes before the digest.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from jidoka_bridge import registers
from jidoka_bridge.link import frames, skew
from jidoka_bridge.link.arming import MS, Arming, Ask
from jidoka_bridge.link.blocks import RANK, BlockC, BlockD, BlockError
from jidoka_bridge.link.exchange import Exchange, Sent
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Phase

HOUR_NS = 3_600_000 * MS
#: how soon a PLC that doesn't fit is asked again: somebody may just be loading the right program
AGAIN_NS = 2_000 * MS
#: block C is read in pieces of the size of block B, so that a piece takes no longer than a beat
PIECE_WORDS = 16
TRIES = 3
#: after so many tries, how much later: a whole block C changes while it is read, as long as the key is on (its seconds)
WAITS_NS = {"head": AGAIN_NS, "approved": AGAIN_NS, "C": 10_000 * MS, "D": 30_000 * MS}
APPROVED = next(field for field in registers.C.fields if field.name == "approved_digest")
#: a PLC makes block C anew about once a second (firmware_bridge/plc: RefreshC)
REFRESH_NS = 1_200 * MS


class Asides:
    """Block D before each arm-request, when it is to be approved, and once an hour; block C at connect, after an approval
    and hourly, while nothing is given; its head and the approved digest also after each session, before the next one.

    record: what block D tells (the connection id is put in here); block_c, approved_digest: None until they were read.
    The head of block C comes first of all: until it is known nothing is armed, and `skew` says why not.
    """

    def __init__(self, link: Link, exchange: Exchange) -> None:
        self.record = BlockD(0)
        self._link = link
        self._exchange = exchange
        self._recorded_ns = 0
        self._was_to_approve = self._is_approving = False
        self.forget()

    def forget(self) -> None:
        """Another PLC may stand there now, or another program in it."""
        self.is_known = False
        self.skew = ""
        self.block_c: BlockC | None = None
        self.approved_digest: int | None = None
        self._words: list[int] = []
        self._failures: Counter[str] = Counter()
        self._head_due_ns = self._approved_due_ns = self._c_due_ns = self._d_due_ns = 0
        self._is_refused = False
        self._is_approval_open, self._has_head = True, False

    def recheck(self) -> None:
        """The session ended: ask before the next one is armed; what didn't fit doesn't until it is asked anew."""
        self.is_known = False
        self._head_due_ns = self._approved_due_ns = 0

    @property
    def fits(self) -> bool:
        """The PLC's program is known, and is one that this program knows."""
        return self.is_known and not self.skew

    def may_arm(self, now_ns: int, arming: Arming) -> bool:
        """It fits, and what is approved there was read, or can't be; a request that stands, or a step up to A, waits for nothing."""
        is_open = self._is_approval_open or now_ns >= self._approved_due_ns
        return self.fits and not (is_open and arming.is_quiet)

    @property
    def is_unapproved(self) -> bool:
        """At the PLC another plan is approved than the one that block D tells of."""
        return self.approved_digest not in (None, 0, self.record.digest_prefix)

    @property
    def is_refused(self) -> bool:
        """The PLC doesn't take block D."""
        return self._is_refused

    def is_head_due(self, now_ns: int) -> bool:
        """It isn't known whether the PLC's program fits, and it is time to ask."""
        return not self.fits and now_ns >= self._head_due_ns

    def head(self, now_ns: int) -> Sent:
        """Ask for the head of block C."""
        request = frames.read_holding(self._link.unit, registers.C.address, skew.HEAD_WORDS)
        return self._exchange.aside(now_ns, "head", request)

    def due(self, now_ns: int, arming: Arming, ask: Ask) -> Sent | None:
        """The request whose turn it is, None for a beat."""
        is_quiet = arming.is_quiet and RANK[ask.word] == 0
        is_approval_due = is_quiet and now_ns >= self._approved_due_ns
        if is_quiet and (self.is_head_due(now_ns) or (is_approval_due and not self._has_head)):
            return self.head(now_ns)
        if is_approval_due:
            place = registers.C.address + APPROVED.word
            request = frames.read_holding(self._link.unit, place, APPROVED.words)
            return self._exchange.aside(now_ns, "approved", request)
        self._is_approving = ask.approve and is_quiet
        is_d_due = arming.is_quiet
        if arming.is_recorded:
            is_d_due = self._recorded_ns + HOUR_NS <= now_ns or (
                self._is_approving and not self._was_to_approve
            )
        self._was_to_approve &= ask.approve
        if is_d_due and now_ns >= self._d_due_ns and arming.connection_id and arming.phase != Phase.WITHDRAW:
            block = dataclasses.replace(self.record, connection=arming.connection_id)
            words = block.encode(self._link.unit)
            request = frames.write_multiple(self._link.unit, registers.D.address, words)
            return self._exchange.aside(now_ns, "D", request)
        if is_quiet and now_ns >= self._c_due_ns:
            first = len(self._words)
            count = min(PIECE_WORDS, registers.C.words - first)
            request = frames.read_holding(self._link.unit, registers.C.address + first, count)
            return self._exchange.aside(now_ns, "C", request)
        return None

    def answered(self, now_ns: int, sent: Sent, words: Sequence[int], arming: Arming) -> str:
        """An answer came; returns why block C is of no use, "" where all is well."""
        if sent.kind == "D":
            self._was_to_approve = self._is_approving
            if self._is_approving:  # people are shown what came of it
                self._approved_due_ns = self._c_due_ns = now_ns + REFRESH_NS
                self._is_approval_open = True
                self._words = []
            self._failures["D"], self._is_refused = 0, False
            arming.is_recorded = True
            self._recorded_ns = now_ns
            return ""
        if sent.kind == "head":
            self._judge(now_ns, words)
            self._has_head = True
            return ""
        if sent.kind == "approved":
            self._take_approved(now_ns, words[0] << 16 | words[1])
            return ""
        self._words += words
        if len(self._words) < registers.C.words:
            return ""
        try:
            self.block_c = BlockC.decode(self._words, self._link.unit)
        except BlockError as error:
            self.failed(now_ns, sent)
            return f"block C {error.flaw.value}"
        self._judge(now_ns, self._words)
        self._take_approved(now_ns, self.block_c.approved_digest)
        self._words = []
        self._failures["C"] = 0
        self._c_due_ns = now_ns + HOUR_NS
        return ""

    def _judge(self, now_ns: int, words: Sequence[int]) -> None:
        self.skew = skew.found_in(words)
        self.is_known = True
        self._failures["head"] = 0
        self._head_due_ns = now_ns + AGAIN_NS

    def _take_approved(self, now_ns: int, digest: int) -> None:
        """Where it is another plan's, somebody may just be approving this one; people are shown it beside what was read before."""
        self.approved_digest, self._is_approval_open, self._has_head = digest, False, False
        if self.block_c is not None and self.block_c.approved_digest != digest:
            self.block_c = dataclasses.replace(self.block_c, approved_digest=digest)
        self._failures["approved"] = 0
        self._approved_due_ns = now_ns + (AGAIN_NS if self.is_unapproved else HOUR_NS)

    def failed(self, now_ns: int, sent: Sent) -> None:
        """No answer, or a torn block C: begin again; after three tries later.

        A lost beat says nothing of these.
        """
        if sent.kind == "A":
            return
        self._failures[sent.kind] += 1
        if sent.kind != "D":
            self._words, self._has_head = [], False
        if self._failures[sent.kind] < TRIES:
            return
        self._failures[sent.kind] = 0
        due_ns = now_ns + WAITS_NS[sent.kind]
        if sent.kind == "D":
            self._d_due_ns, self._is_refused = due_ns, True
        elif sent.kind == "C":
            self._c_due_ns = due_ns
        elif sent.kind == "approved":
            self._approved_due_ns, self._is_approval_open = due_ns, False
        else:
            self.skew = self.skew or skew.UNKNOWN
            self._head_due_ns = due_ns
