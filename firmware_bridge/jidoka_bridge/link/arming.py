"""Two-step arming as the agent keeps it: which word and phase a beat may carry, and which press counts.

Step 1: WITHHOLD with good echo for 1 s and 20 beats, until the PLC offers a connection id. Step 2: arm-request with
that id. A press of the reset button that the PLC accepted after step 2 opens one rise. Any withdrawal, trip or new
id: back to step 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from jidoka_bridge.link.blocks import RANK, BlockB
from jidoka_bridge.registers import Phase, State, Word

MS = 1_000_000
ARM_BEATS = 20
ARM_NS = 1_000 * MS
RISE_NS = 2_000 * MS


#: good beats in a row, and their time, after which a PLC that is asked by nobody else has offered a session
OFFERED_BEATS, OFFERED_NS = 3 * ARM_BEATS, 3 * ARM_NS


@dataclass(frozen=True)
class Ask:
    """What the guard wants this beat to carry.

    word: the permissive; arm: make or renew the arm-request (the guard's condition for a reset holds; keep it
    true between an accepted press and the raise, for without it the PLC takes WITHHOLD as the end of the session);
    approve: somebody at the machine holds key and button: the PLC takes the plan that it is told now as approved.
    """

    word: Word
    state: State
    reason: int = 0
    arm: bool = False
    approve: bool = False


class Arming:
    """The agent's side of one arming after the other.

    margin_ns: from sending a frame until the PLC's program has certainly acted on it, taken off the 2 s of a rise.
    `level`: the highest word that the last accepted press still allows; `presses` only ever rises.
    """

    def __init__(self, margin_ns: int) -> None:
        self.connection_id = 0
        self.phase = Phase.IDLE
        self.level = Word.WITHHOLD
        self.presses = 0
        self.unasked_presses = 0
        self._margin_ns = margin_ns
        self.end()

    def end(self) -> None:
        """The session is over: back to step 1."""
        self.connection_id = 0
        self.phase = Phase.IDLE
        self.level = Word.WITHHOLD
        self.is_recorded = False  # block D was written in this session
        self._is_withdrawing = False
        self._withheld_beats = 0
        self._withheld_since_ns: int | None = None
        self._rise_until_ns = 0
        self._reference: int | None = None
        self._request_number: int | None = None
        self._is_request_echoed = False

    def withdraw(self) -> None:
        """Ask for nothing from now on; the PLC ends the session when it hears of it."""
        self.level = Word.WITHHOLD
        self._rise_until_ns = 0
        self._is_withdrawing = self.connection_id != 0

    @property
    def is_quiet(self) -> bool:
        """Nothing is asked for or given: the line may carry something else for a beat."""
        return self.phase in (Phase.IDLE, Phase.LATCH) and self.level == Word.WITHHOLD

    def shape(self, now_ns: int, ask: Ask, is_up: bool) -> tuple[Phase, Word]:
        """Phase and word of the next beat: at most what was asked for and at most what a press allows."""
        word = ask.word
        if RANK[word] > RANK[self.level] and now_ns >= self._rise_until_ns:
            word = self.level
        if RANK[word] == 0:
            self.phase = self._shape_nothing(now_ns, ask, is_up)
        else:
            if RANK[word] > RANK[self.level]:
                self._rise_until_ns = 0  # one rise per press
            self.level = word
            steps_up = ask.arm and word == Word.MACHINE
            self.phase = Phase.ARM_REQUEST if steps_up else Phase.ARMED
        return self.phase, word

    def _shape_nothing(self, now_ns: int, ask: Ask, is_up: bool) -> Phase:
        if self.level != Word.WITHHOLD:
            self.withdraw()
        if ask.state == State.LOCKOUT:
            self._rise_until_ns = 0
            return Phase.LATCH
        if self._is_withdrawing:
            return Phase.WITHDRAW
        if ask.arm and is_up and ask.word != Word.ABSTAIN and self._may_request(now_ns):
            return Phase.ARM_REQUEST
        self._rise_until_ns = 0
        return Phase.IDLE

    def _may_request(self, now_ns: int) -> bool:
        since = self._withheld_since_ns
        is_long = since is not None and now_ns - since >= ARM_NS
        return self.connection_id != 0 and self.is_recorded and is_long and self._withheld_beats >= ARM_BEATS

    def sent(self, number: int) -> None:
        """The shaped beat went out under this number."""
        if self.phase == Phase.ARM_REQUEST and self._request_number is None:
            self._request_number = number

    def seen(self, block: BlockB, now_ns: int, previous_ns: int) -> None:
        """A good block B; previous_ns: when the request of the good one before was sent (a press came after it)."""
        if self.connection_id == 0:
            self.connection_id = block.connection
        if self.level == Word.WITHHOLD:
            self._withheld_beats += 1
            if self._withheld_since_ns is None:
                self._withheld_since_ns = now_ns
        if self.connection_id == 0:
            return
        if self._request_number is not None and (block.echo - self._request_number) & 0xFFFF < 0x8000:
            self._is_request_echoed = True
        if self._reference is None:
            self._reference = block.accepted
        counted = block.accepted - self._reference & 0xFF
        self._reference = block.accepted
        if counted and self._is_request_echoed and not self._is_withdrawing:
            self.presses += counted
            self._rise_until_ns = previous_ns + RISE_NS - self._margin_ns
        elif counted:
            self.unasked_presses += counted


class OfferWatch:
    """Waits for the PLC's offer of a session. `is_late`: it didn't come, as where two agents begin at the same time and each
    breaks the other's run of step 1; it stays so until there is an offer, or nothing to be offered.
    """

    def __init__(self) -> None:
        self.is_late = False
        self._beats = 0
        self._since_ns = 0

    def good(self, now_ns: int, is_first_step: bool) -> None:
        """A good beat. is_first_step: the PLC counts it towards an offer."""
        self._beats = self._beats + 1 if is_first_step else 0
        if self._beats == 1:
            self._since_ns = now_ns
        is_over = self._beats >= OFFERED_BEATS and now_ns - self._since_ns >= OFFERED_NS
        self.is_late = is_first_step and (self.is_late or is_over)

    def lost(self) -> None:
        """A lost beat may have broken the PLC's run."""
        self._beats = 0
