"""The guard's self-test: is what it was started with what was approved, and is its own table whole?"""

from __future__ import annotations

from jidoka_bridge.guard.interlock import faults_of_table
from jidoka_bridge.plan import RESPONSES, Plan
from jidoka_bridge.registers import MAP_DIGEST

#: a reason has 8 bits in block A
MAX_REASON = 255


def faults(plan: Plan) -> list[str]:
    """What is wrong, as sentences; the plan's own digest was verified when it was loaded.

    A missing port or a silent PLC is no fault: it is not armed yet. The latch file is looked at by the guard.
    """
    found = faults_of_table()
    if plan.link is not None and plan.map_digest != MAP_DIGEST.hex():
        found.append(
            f"the plan was made for register map {plan.map_digest or '(none)'}, not {MAP_DIGEST.hex()}"
        )
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
