"""What the guard's core sees of the link after each beat: the session and its last good block B, frozen."""

from __future__ import annotations

from dataclasses import dataclass

from jidoka_bridge.link.session import Beat, Session
from jidoka_bridge.registers import Fault, Input, Input2, Phase, PlcState, Word

NO_INPUTS, NO_INPUTS2 = Input(0), Input2(0)
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
NOT_READY_TEXTS: dict[Input, str] = {
    Input.KEY_AUTO: "the key switch isn't in AUTO",
    Input.SAFETY_CHAIN: "the safety chain is open",
    Input.MACHINE_READY: "the machine isn't ready",
}


@dataclass(frozen=True)
class LinkView:
    """One beat's outcome. beat_ns: of the last good beat, 0 = none; edges: presses for display (B7), counted or not; press_ms: length of
    the last one, in whole 100 ms.

    acknowledges, acknowledge_reason, person: of the last acknowledgement at the PLC's own panel; foreign: somebody else
    speaks to the PLC. presses: accepted ones of all sessions (B13), only ever rising; part_count likewise; rtts_us: newest last.
    is_own: it carried blocks A and B, not another one in their place; lack: why there is no link, as a sentence for a person that stands for a while; "" where nothing is wrong or known.
    """

    good: bool = False
    is_up: bool = False
    why: str = ""
    phase: Phase = Phase.IDLE
    connection: int = 0
    presses: int = 0
    edges: int = 0
    part_count: int = 0
    actual: Word = Word.WITHHOLD
    plc_state: PlcState = PlcState.OFF
    fault: Fault = Fault.NONE
    inputs: Input = NO_INPUTS
    inputs2: Input2 = NO_INPUTS2
    recipe: int = 0
    acknowledges: int = 0
    acknowledge_reason: int = 0
    person: int = 0
    press_ms: int = 0
    foreign: bool = False
    remaining_ms: int = 0
    beat_ns: int = 0
    rtt_ns: int = 0
    rtts_us: tuple[int, ...] = ()
    lack: str = ""
    is_own: bool = True

    @property
    def key_on(self) -> bool:
        return bool(self.inputs & Input.OVERRIDE_KEY)

    @property
    def running(self) -> bool:
        return self.is_up and bool(self.inputs & Input.RUNNING)

    @property
    def is_press_awaited(self) -> bool:
        """The PLC has accepted the arm-request: a press of the button counts from now on."""
        return (
            self.is_up
            and self.phase is Phase.ARM_REQUEST
            and self.plc_state in (PlcState.ARMING, PlcState.ARMED)
        )

    @property
    def not_ready(self) -> list[str]:
        """Why the PLC isn't ready, as sentences; empty when it is."""
        return [text for bit, text in NOT_READY_TEXTS.items() if not self.inputs & bit]


def view_of(session: Session, beat: Beat, before: LinkView) -> LinkView:
    """The view after `beat`; what only a good block can tell stays as before where there is none."""
    block = beat.block
    if block is None:
        return LinkView(why=beat.why, phase=session.phase, foreign=session.foreign)
    return LinkView(
        good=beat.good,
        is_up=session.is_up,
        why=beat.why,
        phase=session.phase,
        connection=session.connection_id,
        presses=session.presses,
        edges=block.edges,
        part_count=session.part_count,
        actual=block.actual,
        plc_state=block.plc_state,
        fault=block.fault,
        inputs=block.inputs,
        inputs2=block.inputs2,
        recipe=block.recipe,
        acknowledges=block.acknowledges,
        acknowledge_reason=block.acknowledge_reason,
        person=block.person,
        press_ms=block.press_ms,
        foreign=session.foreign,
        remaining_ms=block.remaining_ms,
        beat_ns=beat.at_ns if beat.good and beat.is_own else before.beat_ns,
        rtt_ns=beat.rtt_ns if beat.good else before.rtt_ns,
        rtts_us=tuple(rtt // 1000 for rtt in list(session.history)[-8:]),
        is_own=beat.is_own,
    )
