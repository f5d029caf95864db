"""What people may do: acknowledge, hold, unlock. The steward proved who they are; here it is decided what counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jidoka_bridge.guard import changes, clock, panel, plain, trips
from jidoka_bridge.guard.causes import Cause, Causes
from jidoka_bridge.guard.changes import GRANTED, Decision, person_of
from jidoka_bridge.guard.facts import is_advised
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.messages import Kind
from jidoka_bridge.registers import State
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS, TAKEN_BACK, is_entitled

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

#: built-in causes that lock out, and come from what block B shows
SEEN_AT_THE_PLC = ("other session", "plc disobeys", "moved without permissive")
NOTHING_TO_HOLD: Decision = ("no PLC is connected, so nothing would stop", "Use the machine's own stop.")


def judge_acknowledge(body: Mapping[str, Any], causes: Causes, ack_at: str = panel.PANEL) -> Decision:
    """May this acknowledgement count? By role, place, cause, the revision that was seen, and a reason of the list."""
    role, name = plain.text(body, "role"), plain.text(body, "cause")
    if not is_entitled(role, "acknowledge"):
        return f"the role {role or '(none)'} may not acknowledge", "Ask an operator, maintenance or quality."
    if body.get("remote"):
        return "an acknowledgement from elsewhere only marks as seen", "Acknowledge at the machine."
    cause = causes.by_id.get(name)
    if cause is None:
        return f"there is no cause {name!r}", "See: jidoka ack"
    decision = _judge_place(body, cause, ack_at)
    if decision != GRANTED:
        return decision
    if not cause.revision or not (cause.active or cause.latched or not cause.is_acknowledged):
        return f"{name} has nothing to acknowledge", "See: jidoka ack"
    if cause.needs_role and role != cause.needs_role:
        return f"{name} must be acknowledged by {cause.needs_role}", "It failed too often in a row."
    seen = body.get("revision")
    if type(seen) is not int or seen != cause.revision:
        seen = seen if type(seen) is int and abs(seen) < plain.MAX_INT else "none"
        return (
            f"{name} has changed: revision {cause.revision} now, {seen} was seen",
            "Look at it again, then acknowledge.",
        )
    if body.get("undo") is True:
        return _judge_undo(body, cause)
    if body.get("reason") not in ACKNOWLEDGE_REASONS:
        # not what it was: this stands in the record, where nobody can erase it
        return "what was given isn't a reason", f"One of: {', '.join(ACKNOWLEDGE_REASONS)}."
    return GRANTED


def _judge_place(body: Mapping[str, Any], cause: Cause, ack_at: str) -> Decision:
    """At this panel, at the PLC's own, or at either; what needs another role than the operator's never at the PLC's, nor
    an advice, which isn't shown there."""
    at = plain.text(body, "at") or panel.PANEL
    if ack_at in (at, panel.EITHER):
        return GRANTED
    if at == panel.PLC:
        return "the plan takes no acknowledgement from the PLC's panel", "Acknowledge with: jidoka ack"
    if cause.needs_role or not cause.trips:
        return GRANTED
    return "the plan takes acknowledgements from the PLC's panel only", "Acknowledge there."


def _judge_undo(body: Mapping[str, Any], cause: Cause) -> Decision:
    """By the role that acknowledged, of what is still acknowledged."""
    if cause.acknowledged_revision != cause.revision or cause.person is None:
        return f"{cause.id} isn't acknowledged", "See: jidoka ack"
    if plain.text(body, "role") != cause.person.get("role"):
        return f"{cause.id} was acknowledged by another role", f"Ask {cause.person.get('role')}."
    return GRANTED


def judge_hold(body: Mapping[str, Any]) -> Decision:
    """Anybody who is entitled may stop, from anywhere."""
    role = plain.text(body, "role")
    if not is_entitled(role, "hold"):
        return f"the role {role or '(none)'} may not hold", "Ask somebody who may."
    return GRANTED


def unknown_of(guard: Guard, now_ns: int) -> str:
    """What an unlock rests on and nobody has told since the start, "" if nothing: what isn't known counts as on."""
    for cause in guard.causes:
        if cause.latched and cause.response == "lockout" and guard.causes.possible(cause, now_ns):
            return f"whether {cause.id} is gone isn't known yet"
    for each in guard.approved.models:
        if guard.causes[f"digest:{each.id}"].latched and each.wanted and not each.digest:
            return f"nobody has said yet which file {each.id} runs"
    return ""


def judge_unlock(
    body: Mapping[str, Any], causes: Causes, state: State, key_on: bool, unknown: str = ""
) -> Decision:
    """An engineer, at the machine, with a reason, when the cause is known to be gone and everything is acknowledged."""
    role = plain.text(body, "role")
    if not is_entitled(role, "unlock"):
        return f"the role {role or '(none)'} may not unlock", "Ask the engineer."
    if body.get("remote"):
        return "a lockout can't be ended from elsewhere", "Unlock at the machine."
    if state is not State.LOCKOUT:
        return "there is no lockout", "See: jidoka status"
    if not plain.text(body, "reason").strip():
        return "a reason is needed", "Say why it is safe to go on."
    if key_on:
        return "the override key is on", "Turn it off first."
    active = [cause.id for cause in causes if cause.active and cause.response == "lockout"]
    if active:
        return f"still active: {', '.join(active)}", "The cause must be gone first."
    if unknown:
        return unknown, "Start the monitor and the application, then unlock."
    waiting = [cause.id for cause in causes.unacknowledged()]
    if waiting:
        return f"not acknowledged: {', '.join(waiting)}", "Acknowledge first: jidoka ack"
    return GRANTED


def acknowledge(guard: Guard, now_ns: int, body: Mapping[str, Any]) -> Decision:
    """Judge, carry out and record an acknowledgement, its taking back, or that it was seen from elsewhere."""
    decision = judge_acknowledge(body, guard.causes, guard.plan.ack_at)
    person, reason = person_of(body), plain.text(body, "reason")
    name = plain.text(body, "cause")
    cause = guard.causes.by_id.get(name)
    if decision != GRANTED:
        is_seen = (
            body.get("remote") is True and cause is not None and is_entitled(person["role"], "acknowledge")
        )
        if is_seen and cause is not None:
            cause.seen = person
        event = "seen remotely" if is_seen else "acknowledge refused"
        guard.event(now_ns, event, Details(name, (decision[0],), person, reason))
        return decision
    cause = guard.causes[name]
    if body.get("undo") is True:
        cause.take_back()
        guard.event(now_ns, "acknowledge taken back", Details(name, (), person, TAKEN_BACK))
        return decision
    cause.acknowledge(now_ns, person)
    guard.acknowledged_ns, guard.acknowledged_by = now_ns, person
    trips.seen(guard, cause)
    # the free text stays with the steward: it must be erasable, a transition never is
    guard.event(now_ns, "acknowledge", Details(name, (), person, reason, {"revision": cause.revision}))
    if name == clock.NAME and guard.causes.end(name):
        guard.event(now_ns, "cause off" if is_advised(guard) else "advise cause off", Details(name))
    return decision


def hold(guard: Guard, now_ns: int, body: Mapping[str, Any]) -> Decision:
    """Judge, carry out and record a hold. In OVERRIDE the key must go off and on again afterwards."""
    decision = NOTHING_TO_HOLD if guard.plan.link is None else judge_hold(body)
    person, reason = person_of(body), plain.text(body, "reason")
    if decision != GRANTED:
        guard.event(now_ns, "hold refused", Details(None, (decision[0],), person, reason))
        return decision
    name = "remote hold" if body.get("remote") else "local hold"
    guard.key_must_go_off = guard.key_must_go_off or guard.interlock.state is State.OVERRIDE
    guard.causes[name].strike(now_ns, {"reason": reason, **person})
    guard.event(now_ns, name, Details(name, (), person, reason))
    return decision


def _judge_line(guard: Guard) -> Decision:
    """What shows only at the PLC: without a link nobody knows whether it is gone."""
    latched = [name for name in SEEN_AT_THE_PLC if guard.causes[name].latched]
    if guard.plan.link is None or guard.view.is_up or not latched:
        return GRANTED
    return f"whether {latched[0]} is gone isn't known without a link to the PLC", "See that the PLC answers."


def unlock(guard: Guard, now_ns: int, body: Mapping[str, Any]) -> Decision:
    """Judge, carry out and record an engineer's unlock; it leads to HOLD only."""
    decision = judge_unlock(
        body, guard.causes, guard.interlock.state, guard.view.key_on, unknown_of(guard, now_ns)
    )
    if decision == GRANTED:
        decision = _judge_line(guard)
    person, reason = person_of(body), plain.text(body, "reason")
    name = "engineer unlock" if decision == GRANTED else "unlock refused"
    reasons = (decision[0],) if decision[0] else ()
    guard.event(now_ns, name, Details(None, reasons, person, reason))
    return decision


ACTS: dict[Kind, Callable[[Guard, int, Mapping[str, Any]], Decision]] = {
    Kind.ACKNOWLEDGE: acknowledge,
    Kind.HOLD: hold,
    Kind.UNLOCK: unlock,
    Kind.WINDOW: changes.announce_window,
    Kind.MODE: changes.set_mode,
    Kind.KNOWN_ANSWERS: changes.announce_answers,
    Kind.COMMAND: changes.refuse_command,
}
