"""Whether the machine moves as it may: not without a permissive, and not while it says that it stands.

Without a permissive it may run out. Counted from the read-back off, nothing may be made after that time, nor may it
run; in changeover it may run, which is told, but make no parts. With a permissive, parts that come while the input
`running` is 0 show a broken wire: then the detectors are fed nothing, and nothing would be noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jidoka_bridge.guard.facts import fact, is_moving, with_fallback
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.registers import Input, State

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

#: parts that may be counted while `running` is 0; hands and a late input may make one or two
STANDING_PARTS = 3
#: a part that was counted counts as movement for so long
PART_NS = 2_000 * MS_NS
WITHHELD = (State.START_UP, State.HOLD, State.LOCKOUT)


class Motion:
    """off_ns: since when the output reads back as withheld; stood_ns: since when a permitted machine doesn't run."""

    def __init__(self) -> None:
        self.off_ns = 0
        self.part_ns = 0
        self.stood_ns = 0
        self.standing_parts = 0
        self.is_told = False
        self.parts = -1

    def new_parts(self, part_count: int) -> int:
        """How many parts the PLC counted since the last call."""
        before, self.parts = self.parts, part_count
        return max(0, part_count - before) if before >= 0 else 0


def watch_motion(guard: Guard, now_ns: int) -> None:
    """Looks at good beats only; what the line doesn't show can't be judged, and is judged anew afterwards."""
    view, motion = guard.view, guard.motion
    if not guard.is_enforcing or guard.stopping:
        return
    if not view.is_up:
        motion.off_ns = motion.stood_ns = 0
        motion.parts = -1
        return
    made = motion.new_parts(view.part_count)
    _watch_withheld(guard, now_ns, made)
    _watch_running(guard, now_ns, made)


def _watch_withheld(guard: Guard, now_ns: int, made: int) -> None:
    view, motion = guard.view, guard.motion
    is_off = guard.interlock.state in WITHHELD and RANK[view.actual] == 0 and not view.key_on
    if not is_off:
        motion.off_ns = motion.part_ns = 0
    else:
        motion.off_ns = motion.off_ns or now_ns
    is_late = is_off and now_ns - motion.off_ns > guard.plan.times.run_out_ms * MS_NS
    if is_late and made:
        motion.part_ns = now_ns
    is_made = motion.part_ns > 0 and now_ns - motion.part_ns <= PART_NS
    is_changeover = bool(view.inputs & Input.CHANGEOVER)
    runs = is_late and view.running
    why = {"running": view.running, "part_count": view.part_count, "changeover": is_changeover}
    name = "moved without permissive"
    if guard.causes.set_active(name, is_made or (runs and not is_changeover), now_ns, True, why) == "on":
        guard.event(now_ns, name, Details(name, evidence=why))
    in_changeover = "running in changeover"
    fact(guard, now_ns, in_changeover, runs and is_changeover, on=in_changeover, off="cause off", **why)


def _watch_running(guard: Guard, now_ns: int, made: int) -> None:
    view, motion = guard.view, guard.motion
    is_excused = view.running or bool(view.inputs & Input.CHANGEOVER) or RANK[view.actual] == 0
    if is_excused or not is_moving(guard):
        motion.stood_ns = motion.standing_parts = 0
        motion.is_told = False
        return
    motion.stood_ns = motion.stood_ns or now_ns
    if now_ns - motion.stood_ns > guard.plan.times.run_out_ms * MS_NS:
        motion.standing_parts += made
    if motion.standing_parts >= STANDING_PARTS and not motion.is_told:
        motion.is_told = True
        why = {"parts": motion.standing_parts, "part_count": view.part_count}
        guard.causes["running input"].strike(now_ns, why)
        event = with_fallback(guard, "fallback cause on")
        guard.event(now_ns, event, Details("running input", evidence=why))
