"""Which frames the PLC takes: CRC, format, connection, consecutive number, stamp; and how long they keep the session.

The stamp is what bounds delay: a frame that was held up in a buffer on the way is "new" by its number, but the hold
time runs from the PLC's own counter that it carries, so it renews nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from jidoka_bridge.link.blocks import RANK, BlockA, BlockError, Flaw
from jidoka_bridge.registers import Fault, Phase, Word

TICK_MS = 10
MAX_STEP = 8
ARM_FRAMES = 20
ARM_MS = 1_000
FAULT_RUN = 3

FLAWS = {Flaw.CRC: "crc", Flaw.LENGTH: "format", Flaw.FORMAT: "format", Flaw.CODE: "format"}
#: what a run of refused frames until the hold time was over is called
FAULTS = {
    "crc": Fault.CRC_RUN,
    "format": Fault.FORMAT,
    "connection": Fault.WRONG_CONNECTION,
    "number": Fault.SEQUENCE_GAP,
}


class Admission:
    """The session as the PLC keeps it. Times are ms of PLC time.

    draw: a random number 1 to 65535 for a connection id; hold_limit_ms: the PLC's own limit W of the hold time.
    `counts` tells refused frames by reason: crc, format, connection, number, stamp, word.
    """

    def __init__(self, draw: Callable[[], int], unit: int, hold_limit_ms: int) -> None:
        self.unit = unit
        self.hold_limit_ms = hold_limit_ms
        self.last_number: int | None = None
        self.expiry_ms = 0
        self.counts: Counter[str] = Counter()
        self._draw = draw
        self._last_id = 0
        self._last_words: tuple[int, ...] = ()
        self._refused_since_good: Counter[str] = Counter()
        self.end()

    def end(self) -> None:
        """Back to step 1: no session."""
        self.connection = 0
        self._is_confirmed = False
        self._run = 0
        self._run_since_ms = 0
        self._run_at_ms = 0

    def is_lapsed(self, now_ms: int) -> bool:
        """A session stands whose hold time is over."""
        return self.connection != 0 and now_ms > self.expiry_ms

    @property
    def fault(self) -> Fault:
        """What to call a hold time that is over: what came instead of good frames, or nothing."""
        reason, times = max(self._refused_since_good.items(), key=lambda each: each[1], default=("", 0))
        return FAULTS[reason] if times >= FAULT_RUN and reason in FAULTS else Fault.WATCHDOG

    def admit(self, now_ms: int, words: Sequence[int]) -> tuple[BlockA | None, str]:
        """Block A as it stands in the registers: the frame if it is new, right and of this session, and why not.

        A frame of step 1 is dealt with here: (None, "").
        """
        if tuple(words) == self._last_words:
            return None, ""
        self._last_words = tuple(words)
        block, why = self._judge(now_ms, words)
        if why:
            self.counts[why] += 1
            self._refused_since_good[why] += 1
        return block, why

    def _judge(self, now_ms: int, words: Sequence[int]) -> tuple[BlockA | None, str]:
        try:
            block = BlockA.decode(words, self.unit)
        except BlockError as error:
            return None, FLAWS[error.flaw]
        # the offer may not have been heard yet
        may_be_unconnected = not self._is_confirmed and block.connection == 0
        if block.connection != self.connection and not may_be_unconnected:
            return None, "connection"
        step = MAX_STEP + 1 if self.last_number is None else (block.number - self.last_number) & 0xFFFF
        if step == 0:
            return None, ""
        if self.connection and step > MAX_STEP:
            return None, "number"
        if block.connection == 0:
            return None, self._first_step(now_ms, block, step)
        ticks = now_ms // TICK_MS
        age = (ticks - block.stamp) & 0xFFFF
        if age >= 0x8000:
            return None, "stamp"
        expiry_ms = (ticks - age) * TICK_MS + min(block.hold_ms, self.hold_limit_ms)
        # from the first frame with the id on only stamps count, not the arrival of what came before it
        self.expiry_ms = max(self.expiry_ms, expiry_ms) if self._is_confirmed else expiry_ms
        self._is_confirmed = True
        self._accept(block)
        return block, ""

    def _accept(self, block: BlockA) -> None:
        self.last_number = block.number
        self._refused_since_good.clear()

    def _first_step(self, now_ms: int, block: BlockA, step: int) -> str:
        """Nothing can be given; a run of WITHHOLD for long enough is offered a connection id."""
        self._accept(block)
        hold_ms = min(block.hold_ms, self.hold_limit_ms)
        is_run = step <= MAX_STEP and now_ms - self._run_at_ms <= hold_ms
        if block.word != Word.WITHHOLD or block.phase != Phase.IDLE:
            self._run = 0
            return "word" if RANK[block.word] else ""
        if self._run == 0 or not is_run:
            self._run, self._run_since_ms = 0, now_ms
        self._run += 1
        self._run_at_ms = now_ms
        self.expiry_ms = now_ms + hold_ms
        if self.connection == 0 and self._run >= ARM_FRAMES and now_ms - self._run_since_ms >= ARM_MS:
            while self.connection in (0, self._last_id):
                self.connection = self._draw() & 0xFFFF
            self._last_id = self.connection
        return ""
