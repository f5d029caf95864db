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
    label: str, shown: str, *events: str, is_reduced: bool = False, roots: tuple[str, ...] = ()
) -> Slice:
    always = (
        PRESSES[is_reduced],
        *ALWAYS,
        *tuple(each if each in EVENTS else f"beat, {each}" for each in events),
    )
    roots = roots or ("given",)
    return Slice(label, shown, always, lambda: LoopWorld(always), roots, is_reduced, ("L1",), SCALED, MENDING)


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
    _slice("loop alone", "guard, session and PLC over a line that is good", *CAUSE, is_reduced=True),
)  # fmt: skip


def _never(*_: object) -> bool:
    return False


def _nothing(*_: object) -> list[object]:
    return []


LOOP_FAULTS: tuple[Fault, ...] = (
    Fault("loop: a hold time that is over drops nothing", name("plc.admission:Admission.is_lapsed", _never), "loop: death", "J"),
    Fault("loop: nobody need acknowledge", name("guard.causes:Causes.unacknowledged", _nothing), "loop alone", "I7"),
    Fault("loop: the guard asks on while the cause is there",
          text("guard.judging:judge_causes", "_apply_change(guard, now_ns, change)", "pass"), "loop alone", "I1", True),
)  # fmt: skip
