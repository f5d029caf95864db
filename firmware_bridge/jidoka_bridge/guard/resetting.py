"""A counted press: what it needs, the write it waits for, and the one event after which more is permitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jidoka_bridge.guard.facts import is_advised
from jidoka_bridge.guard.guard_condition import NONE, PROVING, RUN
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.registers import Input, State

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

#: in observe nobody acknowledges or presses for it: the shadow goes on, so that the next stop is seen too
AS_IF = Details(
    reason="observe", text="In observe nobody pressed: so it would have gone on, and nothing is permitted."
)
#: of a press that the PLC counts
SHORTEST_MS = 100
#: the PLC is sure of a release after this; it looks once a scan, what a beat shows is up to a scan old, and contacts bounce
DEBOUNCE_MS, TOLD_SCANS = 20, 3


@dataclass
class Pending:
    """A reset between the accepted press and the end of the latch file's write. number: of the write it waits for."""

    target: str
    pressed_ns: int
    number: int


def hold_offer(guard: Guard) -> None:
    """Once good beats have shown the button up for longer than the PLC takes to tell of a press, and the same on offer all that
    time, a press that is counted after them began while that was on offer.

    One beat isn't enough: the button may just have been let go, and the PLC counts that only once it is sure of it. A beat that
    carried no block B of its own shows nothing.
    """
    view, link = guard.view, guard.plan.link
    if guard.offer_held or link is None or not view.is_own:
        return
    if view.inputs & Input.RESET_BUTTON or guard.offer.target == NONE:
        guard.up_since_ns = 0
        return
    guard.up_since_ns = guard.up_since_ns or view.beat_ns
    told_ns = (DEBOUNCE_MS + TOLD_SCANS * link.scan_ms) * MS_NS
    guard.offer_held = view.beat_ns - guard.up_since_ns >= told_ns


def offer_changed(guard: Guard) -> None:
    """A press that began before was for something else."""
    guard.offer_held, guard.up_since_ns = False, 0


def press(guard: Guard, now_ns: int, held: bool) -> None:
    """A press that the PLC counted. held: the same reset was on offer since before it began."""
    if not held or guard.offer.target == NONE:
        refuse_press(guard, now_ns, is_counted=True)
        return
    guard.pending = Pending(guard.offer.target, now_ns, 0)
    guard.note_latch(now_ns)
    guard.pending.number = guard.latch_number


def refuse_press(guard: Guard, now_ns: int, *, is_counted: bool) -> None:
    """A press that can't count is told with its reasons; in RUN and ADVISE it means nothing. is_counted: by the PLC."""
    if guard.interlock.state in (State.RUN, State.ADVISE) or guard.pending:
        return
    if guard.offer.target == NONE:
        reasons = guard.offer.missing
    elif not is_counted and guard.view.press_ms < SHORTEST_MS:
        reasons = ("the button was down for less than 0.1 s",)
    else:
        reasons = ("the offer had only just begun, or changed while the button was down",)
    guard.event(now_ns, "reset refused", Details(reasons=reasons))


def cancel(guard: Guard, now_ns: int, reasons: tuple[str, ...]) -> None:
    """Something changed between the press and the write: the press is void, and that is told."""
    if guard.pending:
        guard.pending = None
        guard.event(now_ns, "raise cancelled", Details(reasons=reasons))


def finish(guard: Guard, now_ns: int, number: int) -> None:
    """The latch file was written up to `number`: raise, if a press waits for that and nothing has changed."""
    pending = guard.pending
    if pending and number >= pending.number:
        guard.pending = None
        raise_to(guard, now_ns, pending.target)


def raise_to(guard: Guard, now_ns: int, target: str) -> None:
    """The accepted reset. Person: whoever acknowledged last; the button proves presence only. In observe it is assumed."""
    name = "advise" if target == RUN and is_advised(guard) else "proving run" if target == PROVING else target
    if target == PROVING:
        guard.run.number = guard.run.next_number
    pressed = Details(person=guard.acknowledged_by, reason="button")
    step = guard.event(now_ns, f"reset to {name}", pressed if guard.is_enforcing else AS_IF)
    if step.is_refused:
        return
    guard.recorder.first_out = None
    guard.causes.clear_latches()
    guard.data.forget_parts()
    guard.conditions.forget_answers()
    if target == PROVING:
        guard.run.start(now_ns, guard.view.part_count)
        guard.conditions.start_afresh(guard.run.number, proving=True, now_ns=now_ns)
