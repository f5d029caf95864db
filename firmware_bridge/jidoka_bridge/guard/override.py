"""The override key as the PLC shows it: on, off, for too long, and told again every few minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.registers import State

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

S_NS = 1_000 * MS_NS


def watch_key(guard: Guard, now_ns: int) -> None:
    """The key's level is read at every good beat; while the link is away the last one holds."""
    if guard.view.is_up:
        key_on, was_on = guard.view.key_on, guard.key_was_on
        guard.key_was_on = key_on
        if key_on and not guard.key_must_go_off:
            _key_on(guard, now_ns, was_on)
        elif not key_on:
            # also where it went off while no guard was there to see it
            guard.key_must_go_off, guard.override_used_ns = False, 0
            if was_on:
                guard.causes.end("override")
                guard.event(now_ns, "override key off", Details("override"))
    passed_ns, guard.last_tick_ns = now_ns - guard.last_tick_ns, now_ns
    if guard.interlock.state is State.OVERRIDE:
        _count_override(guard, now_ns, passed_ns)


def _key_on(guard: Guard, now_ns: int, was_on: bool) -> None:
    """The key went on, or its level is read again in HOLD; in START_UP and LOCKOUT it is noted once."""
    state = guard.interlock.state
    if state is State.OVERRIDE or (was_on and state in (State.START_UP, State.LOCKOUT)):
        return
    guard.override_repeat_ns = now_ns
    guard.causes.begin("override", now_ns, state is not State.START_UP, {})
    guard.event(now_ns, "override key on", Details("override"))


def _count_override(guard: Guard, now_ns: int, passed_ns: int) -> None:
    guard.override_used_ns += passed_ns
    if guard.override_used_ns > guard.plan.times.override_s * S_NS:
        guard.key_must_go_off = True
        guard.causes["override"].strike(now_ns, {"used_s": guard.override_used_ns // S_NS})
        guard.event(now_ns, "override time over", Details("override"))
    elif now_ns - guard.override_repeat_ns > guard.plan.times.override_repeat_s * S_NS:
        guard.override_repeat_ns = now_ns
        guard.event(now_ns, "override repeat", Details("override"))
