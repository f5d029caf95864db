"""The PLC's rule, each scan: the reference model of what stands on the other side of the link.

Downwards only: a frame may lower the output at any time. A press of the reset button that lay wholly within a
renewed arm-request opens one rise for 2 s, to the word of the first frame that is higher. What isn't renewed lapses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jidoka_bridge.link.blocks import RANK, BlockA, BlockB
from jidoka_bridge.plc.admission import TICK_MS, Admission
from jidoka_bridge.plc.press import STUCK_MS, Button, Press
from jidoka_bridge.registers import Fault, Input, Input2, Phase, PlcState, Word

OFFER_MS = 1_000
RISE_MS = 2_000
PRESS_MS = range(100, 5_001)


@dataclass(frozen=True)
class Scan:
    """What one scan did. why: of the last change of the output; refused: why block A was, "" if it wasn't."""

    output: Word
    was: Word
    why: str
    refused: str
    press: Press | None
    is_accepted: bool


class PlcRule:
    """One PLC's program. Times are ms of PLC time; its inputs and block A come with each scan.

    draw: a random number 1 to 65535 for a connection id; hold_limit_ms: the PLC's own limit W of the hold time;
    relay_ms: after which the output must read back as written. `output` is what is written to the relays, `actual`
    what was read back.
    """

    def __init__(
        self, draw: Callable[[], int], unit: int = 1, hold_limit_ms: int = 310, relay_ms: int = 35
    ) -> None:
        self.admission = Admission(draw, unit, hold_limit_ms)
        self.output = Word.WITHHOLD
        self.actual = Word.WITHHOLD
        self.fault = Fault.NONE
        self.is_armed = False
        self.accepted = 0
        self.edges = 0
        self.press_ms = 0
        self._relay_ms = relay_ms
        self._button = Button()
        self._inputs = Input(0)
        self._may_arm = True
        self._why = ""
        self._now_ms = 0
        self._differs_since_ms: int | None = None
        self._end()

    def _end(self) -> None:
        """Back to step 1: no session, nothing given."""
        self.admission.end()
        self.output = Word.WITHHOLD
        self.is_armed = False
        self._rise_until_ms: int | None = None
        self._request_since_ms: int | None = None
        self._request_at_ms = 0

    def _drop(self, why: str, fault: Fault = Fault.NONE) -> None:
        if self.output != Word.WITHHOLD:
            self._why = why
        self._end()
        if fault:
            self.fault = fault

    @property
    def connection(self) -> int:
        return self.admission.connection

    # ------------------------------------------------------------------ one scan

    def scan(
        self, now_ms: int, words: Sequence[int] | None, inputs: Input, actual: Word | None = None, may_arm: bool = True
    ) -> Scan:  # fmt: skip
        """One scan. words: block A as it stands in the registers, None if nothing was ever written.

        actual: the output read back (None: it reads as written); may_arm: the digest in block D is the approved one.
        """
        was, self._why = self.output, ""
        self._now_ms, self._inputs, self._may_arm = now_ms, inputs, may_arm
        self._read_back(actual)
        if not self._is_key_auto and (self.is_armed or self._request_since_ms is not None):
            self._drop("key")
        if self._rise_until_ms is not None and now_ms > self._rise_until_ms:
            self._rise_until_ms = None
        if self._request_since_ms is not None and now_ms - self._request_at_ms > OFFER_MS:
            self._request_since_ms = None
        refused = ""
        if words is not None:
            block, refused = self.admission.admit(now_ms, words)
            if block is not None:
                self._follow(block)
                if self.connection and block.phase == Phase.ARM_REQUEST:
                    self._request()
        if self.admission.is_lapsed(now_ms):
            # without an accepted press nothing was given: the offer is gone, which is no fault
            self._drop("hold time over", self.admission.fault if self.is_armed else Fault.NONE)
        press = self._button.scan(now_ms, bool(inputs & Input.RESET_BUTTON))
        is_accepted = press is not None and self._press(press)
        return Scan(self.output, was, self._why, refused, press, is_accepted)

    @property
    def _is_key_auto(self) -> bool:
        return bool(self._inputs & Input.KEY_AUTO) and not self._inputs & Input.OVERRIDE_KEY

    def _read_back(self, actual: Word | None) -> None:
        self.actual = self.output if actual is None else actual
        if self.actual == self.output:
            self._differs_since_ms = None
            return
        if self._differs_since_ms is None:
            self._differs_since_ms = self._now_ms
        if self._now_ms - self._differs_since_ms > self._relay_ms:
            self._drop("relay feedback", Fault.RELAY_FEEDBACK)

    def _press(self, press: Press) -> bool:
        """A press and release; True if it counts: then it clears the fault and opens one rise."""
        self.press_ms = press.length_ms
        if press.length_ms <= STUCK_MS:
            self.edges = self.edges + 1 & 0xFFFF
        since_ms = self._request_since_ms
        if press.length_ms not in PRESS_MS or since_ms is None or press.began_ms < since_ms:
            return False
        self.accepted = self.accepted + 1 & 0xFF
        self.fault = Fault.NONE
        self.is_armed = True
        self._rise_until_ms = self._now_ms + RISE_MS
        return True

    def _follow(self, block: BlockA) -> None:
        """The permissive word, downwards only; upwards once where a press has opened a rise."""
        is_rise_open = self._rise_until_ms is not None
        is_withdrawn = block.phase in (Phase.WITHDRAW, Phase.LATCH) or block.hold_ms == 0
        if is_withdrawn or RANK[block.word] == 0:
            is_asking = block.phase in (Phase.ARM_REQUEST, Phase.ARMED) and block.word == Word.WITHHOLD
            is_waiting = is_asking and is_rise_open and self.output == Word.WITHHOLD
            if is_withdrawn or (self.is_armed and not is_waiting):
                self._drop("withheld" if block.word == Word.WITHHOLD else "abstained")
        elif RANK[block.word] > RANK[self.output]:
            if not is_rise_open:
                self._drop("raise without press", Fault.RAISE_WITHOUT_PRESS)
                return
            self.output, self._rise_until_ms, self._why = block.word, None, "press"
        elif RANK[block.word] < RANK[self.output]:
            self.output, self._rise_until_ms, self._why = block.word, None, "lowered"

    def _request(self) -> None:
        """Step 2: an arm-request, made or renewed."""
        if not self._is_key_auto or self._differs_since_ms is not None or not self._may_arm:
            self._request_since_ms = None
            return
        if self._request_since_ms is None:
            self._request_since_ms = self._now_ms
        self._request_at_ms = self._now_ms

    # ------------------------------------------------------------------ what it shows

    @property
    def state(self) -> PlcState:
        if self.is_armed:
            return PlcState.ARMED
        if self._request_since_ms is not None:
            return PlcState.ARMING
        if self.fault:
            return PlcState.TRIPPED
        return PlcState.IDLE if self.connection else PlcState.OFF

    def block(self, parts: int = 0, recipe: int = 0, inputs2: Input2 = Input2.FALLBACK_HEALTHY) -> BlockB:
        """Block B as the program leaves it at the end of this scan. parts: the whole part count."""
        remaining_ms = max(0, self.admission.expiry_ms - self._now_ms) if self.connection else 0
        return BlockB(
            self.connection,
            self.admission.last_number or 0,
            self._now_ms // TICK_MS & 0xFFFF,
            self.actual,
            self.state,
            self.fault,
            self._inputs,
            press_ms=min(self.press_ms, 25_500),
            edges=self.edges,
            remaining_ms=min(remaining_ms, 0xFFFF),
            parts=parts & 0xFFFF,
            recipe=recipe,
            inputs2=inputs2,
            accepted=self.accepted,
        )
