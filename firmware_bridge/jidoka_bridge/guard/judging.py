"""Causes that came or went become kinds of events; a proving run ends judged good, judged bad, or over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jidoka_bridge.guard.causes import Cause, Change
from jidoka_bridge.guard.facts import FALLBACK, is_advised, with_fallback
from jidoka_bridge.guard.proving import MAX_FAILED
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.registers import State

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

RENEW_NS = 2_000_000_000
LOCKOUT = "lockout"
RESPONSE_ORDER = (LOCKOUT, "hold", "fallback", "advise")


def judge_causes(guard: Guard, now_ns: int) -> None:
    """The worst change first, so that a milder one can't come before it."""
    changes = guard.causes.judge(now_ns, guard.fresh)
    guard.fresh = set()
    for change in sorted(changes, key=lambda each: RESPONSE_ORDER.index(each.cause.response)):
        _apply_change(guard, now_ns, change)


def _apply_change(guard: Guard, now_ns: int, change: Change) -> None:
    cause = change.cause
    details = Details(cause.id, evidence=cause.evidence if change.kind != "off" else {}, text=cause.text)
    if change.kind == "off":
        last_advice = cause.response == "advise" and not is_advised(guard)
        guard.event(now_ns, "advise cause off" if last_advice else "cause off", details)
        return
    if guard.interlock.proving and cause.trips and cause.statistical:
        _fail_run(guard, now_ns)
        if cause.response != LOCKOUT:  # a milder event never masks a worse one
            guard.event(now_ns, "proving judged bad", details)
            return
    event = f"{cause.response} cause on"
    step = guard.event(now_ns, with_fallback(guard, event) if cause.response == FALLBACK else event, details)
    if step.is_changed and step.state is State.FALLBACK:
        start_afresh(guard, now_ns)


def start_afresh(guard: Guard, now_ns: int) -> None:
    """In FALLBACK the detectors judge anew on what comes now, else nothing could ever clear the cause."""
    guard.run.number = guard.run.next_number
    guard.renewed_ns = now_ns
    guard.conditions.start_afresh(guard.run.number, proving=False, now_ns=now_ns)


def renew(guard: Guard, now_ns: int) -> None:
    """What is judged in FALLBACK can't count (a monitor that restarted, a judgement too old): begin anew.

    Else there were no way back to RUN: a proving run isn't on offer there. Not too often: the monitor must hear of it.
    """
    in_fallback = guard.interlock.state is State.FALLBACK and not guard.interlock.proving
    if in_fallback and now_ns - guard.renewed_ns > RENEW_NS:
        start_afresh(guard, now_ns)


def _fail_run(guard: Guard, now_ns: int) -> None:
    run, cause = guard.run, guard.causes["proving failed"]
    run.failed_in_a_row += 1
    if run.failed_in_a_row >= MAX_FAILED:
        cause.needs_role = "maintenance"
        cause.strike(now_ns, {"failed_in_a_row": run.failed_in_a_row})


def judge_proving(guard: Guard, now_ns: int) -> None:
    """Over by parts or time, or judged good when no trip cause is possible any more."""
    if not guard.interlock.proving:
        return
    run, view = guard.run, guard.view
    run.take(now_ns, view.part_count, view.running)
    over = run.over(now_ns)
    if over:
        if (
            run.is_judged_good
        ):  # the permit for a few parts has ended as it was meant to: no cause, nothing to acknowledge
            guard.event(now_ns, "proving over, judged good", Details(text=over))
            return
        _fail_run(guard, now_ns)
        guard.causes["proving failed"].strike(now_ns, {"why": over})
        guard.event(now_ns, "proving over", Details("proving failed", text=over))
        return
    if not run.is_judged_good and not any(_is_open(guard, cause, now_ns) for cause in guard.causes.register):
        run.is_judged_good = True
        run.failed_in_a_row = 0
        guard.causes["proving failed"].needs_role = ""
        guard.event(now_ns, "proving judged good", Details(evidence={"parts": run.parts}))


def _is_open(guard: Guard, cause: Cause, now_ns: int) -> bool:
    return cause.trips and guard.causes.possible(cause, now_ns)
