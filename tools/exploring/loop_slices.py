"""Closed slices of guard, session and PLC in one loop, and faults that only the loop shows or that it shows again."""

from __future__ import annotations

from tools.exploring.core_faults import Fault
from tools.exploring.core_slices import Slice
from tools.exploring.link_world import HELD_UP, LOST, REPEATED, UNHEARD
from tools.exploring.loop_world import EVENTS, MENDING, SCALED, LoopWorld
from tools.exploring.seeding import name, text

#: at any time in the small one; elsewhere while the agent's request stands (other presses: link and rule)
PRESSES = {True: "press", False: "press when asked"}
ALWAYS = ("beat", "acknowledge")
CAUSE = ("invalid on", "invalid off")


def _slice(
    label: str,
    shown: str,
    *events: str,
    is_reduced: bool = False,
    response: str = "hold",
    root: str = "given",
) -> Slice:
    named = [each if each in EVENTS else f"beat, {each}" for each in events]
    always = (PRESSES[is_reduced], *ALWAYS, *named)
    return Slice(
        label, shown, always, lambda: LoopWorld(always, response), (root,), is_reduced, ("L1",), SCALED, MENDING
    )  # fmt: skip


LOOP: tuple[Slice, ...] = (
    _slice("loop: requests lost", "guard, session and PLC over a line that loses requests", LOST),
    _slice("loop: answers lost", "guard, session and PLC over a line that loses answers", UNHEARD),
    _slice("loop: held up", "guard, session and PLC over a line that holds requests up for a beat", *CAUSE, HELD_UP),
    _slice("loop: repeated", "guard, session and PLC over a line that repeats requests a beat later", *CAUSE,
           REPEATED),
    _slice("loop: death", "the guard's process killed at any time and started again", "guard dies", "guard starts"),
    _slice("loop: pauses", "the guard's process stopped for some beats, or for as long as makes a difference",
           *(each for each in EVENTS if each.startswith("guard pauses"))),
    _slice("loop: key", "guard, session and PLC with the override key", *CAUSE, "key on", "key off"),
    _slice("loop: hours", "guard, session and PLC with what goes over the line once an hour", *CAUSE, "an hour passes"),
    _slice("loop: hours in fallback", "the same where the cause leaves the machine its permission", *CAUSE, "an hour passes",
           response="fallback"),
    _slice("loop: an hour fallen back alone", "what has to come before the next rise once blocks C and D are due",
           is_reduced=True, response="fallback", root="an hour fallen back"),
    _slice("loop alone", "guard, session and PLC over a line that is good", *CAUSE, is_reduced=True),
)  # fmt: skip


def _never(*_: object) -> bool:
    return False


def _nothing(*_: object) -> list[object]:
    return []


LOOP_FAULTS: tuple[Fault, ...] = (
    Fault("loop: what is approved is asked for before an arm-request also where the machine is permitted",
          text("link.asides:Asides.may_arm", "not (is_open and arming.is_quiet)", "not is_open"),
          "loop: an hour fallen back alone", "L1", True),
    Fault("loop: a hold time that is over drops nothing", name("plc.admission:Admission.is_lapsed", _never), "loop: death", "J"),
    Fault("loop: nobody need acknowledge", name("guard.causes:Causes.unacknowledged", _nothing), "loop alone", "I7"),
    Fault("loop: the guard asks on while the cause is there",
          text("guard.judging:judge_causes", "_apply_change(guard, now_ns, change)", "pass"), "loop alone", "I1", True),
)  # fmt: skip
