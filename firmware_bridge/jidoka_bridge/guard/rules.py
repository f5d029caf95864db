"""The order in which the guard concludes: lowering first, then self-test and offer. Runs after every input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jidoka_bridge.guard import (
    approved,
    button,
    facts,
    judging,
    motion,
    override,
    read_back,
    reset_offer,
    trips,
    unjudged,
)
from jidoka_bridge.guard.reports import mode_body

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

RULES = (
    facts.watch_session,
    override.watch_key,  # before what else holds: its switch leaves AUTO in the same moment
    facts.watch_link,
    facts.watch_data,
    facts.watch_records,
    facts.watch_latch,
    approved.watch_approved,
    motion.watch_motion,
    button.watch_button,
    judging.judge_causes,
    judging.judge_proving,
    unjudged.watch_unjudged,
    facts.watch_fallback,
    read_back.watch_read_back,
    trips.watch_trips,
    reset_offer.pass_self_test,
    reset_offer.refresh_offer,
)


def settle(guard: Guard, now_ns: int) -> None:
    """Bring interlock, causes and offer up to date with everything that is known at `now_ns`."""
    for rule in RULES:
        rule(guard, now_ns)
    guard.note_latch(now_ns)
    is_awaited = guard.view.is_press_awaited and guard.offer_held
    mode = mode_body(guard.offer, guard.interlock.state, is_awaited, guard.approved.shown(), guard.plc_memory)
    guard.recorder.report(guard.causes, mode)
