"""What must fit between a row of the register and its alarm: delays that somebody reads, rules that can't go in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jidoka.alarms.acting import BULK
from jidoka.alarms.facts import FACTS, OWN_ALARMS
from jidoka.config.case import Case, Found
from jidoka.config.faults import near

TRIPS = frozenset({"fallback", "hold", "lockout"})


def delays_are_read(case: Case) -> Found:
    """No trip alarm is delayed, and a dead band needs a value that is known while the condition is off."""
    enforced = {row.id for row in case.config.models if row.mode == "enforce"}
    for index, risk in enumerate(case.config.risks):
        if risk.off_delay is not None and risk.response in TRIPS and risk.model in enforced:
            problem = (
                f"nobody would read it: an alarm that may stop the machine ({risk.response}) is never delayed"
            )
            yield case.fault(("risks", index, "off_delay"), problem, "Remove it.")
        when = case.whens.get(index)
        if risk.dead_band is None or when is None:
            continue
        if risk.response != "observe" or not when.drifts:
            problem = "nobody would read it: only rows that observe a drift(…) have a value to compare"
            yield case.fault(("risks", index, "dead_band"), problem, "Remove it, or use off_delay.")


def rules_name_what_there_is(case: Case) -> Found:
    """A rule of suppression names a fact or another row."""
    rows = [risk.id for risk in case.config.risks if isinstance(risk.id, str)]
    for index, risk in enumerate(case.config.risks):
        for at, name in enumerate(_rules(risk.suppressed_while)):
            trail = ("risks", index, "suppressed_while", at)
            if name == risk.id:
                yield case.fault(trail, "an alarm can't suppress itself", "Name another row, or remove it.")
            elif name not in {*FACTS, *rows}:
                yield case.fault(trail, f"{name!r} is neither a fact nor a row", near(name, [*FACTS, *rows]))


def rules_go_in_no_circle(case: Case) -> Found:
    """Two alarms that suppress each other would both be silent."""
    rules = {risk.id: _rules(risk.suppressed_while) for risk in case.config.risks if isinstance(risk.id, str)}
    told: set[str] = set()
    for index, risk in enumerate(case.config.risks):
        others = [name for name in rules.get(risk.id, ()) if name != risk.id]
        reached = {each for name in others for each in _reached(name, rules)}
        if risk.id in reached and not told & reached:
            told.add(risk.id)
            problem = f"{risk.id} would be suppressed by what it suppresses: both would be silent"
            yield case.fault(("risks", index, "suppressed_while"), problem, "Let one of them speak.")


def names_are_free(case: Case) -> Found:
    """No row takes the name of an alarm of the agent's own, of a fact, or of all at once, which nobody may acknowledge."""
    for index, risk in enumerate(case.config.risks):
        problem = ""
        if risk.id in OWN_ALARMS:
            problem = f"{risk.id!r} is the id of one of the agent's own alarms"
        elif risk.id in FACTS:
            problem = f"{risk.id!r} is a fact that suppressed_while names"
        elif risk.id in BULK:
            problem = f"{risk.id!r} would be all alarms where one is acknowledged"
        if problem:
            yield case.fault(("risks", index, "id"), problem, "Give it another one, such as R-01.")


def _rules(value: object) -> list[str]:
    """The rule as far as it can be read."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _reached(name: str, rules: dict[str, list[str]]) -> Iterator[str]:
    """All that suppresses `name`, at however many removes, and itself."""
    found, left = set[str](), [name]
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += rules.get(each, [])
    yield from found


ALARM_CHECKS: tuple[Callable[[Case], Found], ...] = (
    delays_are_read,
    rules_name_what_there_is,
    rules_go_in_no_circle,
    names_are_free,
)
