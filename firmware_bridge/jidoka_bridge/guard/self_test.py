"""The guard's self-test: is what it was started with what was approved, and is its own table whole?"""

from __future__ import annotations

from jidoka_bridge.guard.interlock import digest, faults_of_table
from jidoka_bridge.plan import ACK_AT, MODES, RESET_NEEDS, RESPONSES, Plan
from jidoka_bridge.registers import MAP_DIGEST

#: a reason has 8 bits in block A
MAX_REASON = 255
#: nobody drives with the key for longer than a shift
SHIFT_S = 8 * 3_600
NO_RECORD = ("hold", "fallback")


def faults(plan: Plan) -> list[str]:
    """What is wrong, as sentences; the plan's own digest was verified when it was loaded.

    A missing port or a silent PLC is no fault: it is not armed yet. The latch file is looked at by the guard.
    """
    found = faults_of_table()
    if plan.link is not None and plan.map_digest != MAP_DIGEST.hex():
        found.append(
            f"the plan was made for register map {plan.map_digest or '(none)'}, not {MAP_DIGEST.hex()}"
        )
    if plan.table_digest not in ("", digest()):
        found.append(
            f"the plan was made for the interlock's table {plan.table_digest[:16]}…, not {digest()[:16]}…"
        )
    found += _limits(plan)
    known = {condition.id for condition in plan.conditions}
    for cause in plan.causes:
        if cause.response not in RESPONSES:
            found.append(f"{cause.id}: {cause.response!r} is no response")
        if not 0 <= cause.reason <= MAX_REASON:
            found.append(f"{cause.id}: {cause.reason} is no reason number, they go to {MAX_REASON}")
        missing = [each for each in (*cause.any_of, *cause.all_of) if each not in known]
        if missing or not (cause.any_of or cause.all_of):
            found.append(f"{cause.id}: conditions {', '.join(missing) or '(none)'} aren't in the plan")
    return found


def _limits(plan: Plan) -> list[str]:
    """A time of 0 would mean "never", and a choice that nobody knows would mean nothing."""
    limits = {
        **vars(plan.times),
        **vars(plan.proving),
        **vars(plan.trips),
        "judgement_valid_h": plan.judgement_valid_h,
    }
    found = [f"{name} is {value:g}: it must be above 0" for name, value in limits.items() if not value > 0]
    if plan.link is not None and plan.times.override_s > SHIFT_S:
        found.append(f"override_s is {plan.times.override_s}: at most one shift, {SHIFT_S}")
    choices = ((plan.ack_at, ACK_AT), (plan.reset_needs, RESET_NEEDS), (plan.no_record, NO_RECORD))
    found += [f"{value!r} is none of {', '.join(known)}" for value, known in choices if value not in known]
    return found + [f"{each.id}: {each.mode!r} is no mode" for each in plan.models if each.mode not in MODES]
