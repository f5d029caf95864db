"""What a person may do with an alarm, judged before the table is asked: who, with what reason, for how long. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from jidoka.alarms.alarm import Alarm, Withheld
from jidoka.alarms.definition import HOUR_NS, rank
from jidoka.alarms.table import LIFE, Event, State
from jidoka.alarms.until import Clock, Until

#: default end of a shelf, and one shift: no shelf may last longer
SHELF_NS = 4 * HOUR_NS
SHIFT_NS = 8 * HOUR_NS
#: a permit ends as well
LONGEST_SERVICE_NS = 30 * 24 * HOUR_NS


@dataclass(frozen=True)
class Act:
    """What somebody asks for. revision: the one that he saw; reason: a code of the table of reasons, or his words;
    length_ns: of a shelf or a permit; is_entitled: his role may do this at all; is_remote: not at the machine."""

    kind: str
    alarm: str
    role: str
    pseudonym: str
    is_entitled: bool
    revision: int | None = None
    reason: str = ""
    length_ns: int = 0
    permit: str = ""
    is_one_shot: bool = False
    is_remote: bool = False


class Site(NamedTuple):
    """What this site decided. reasons: those that an acknowledgement may carry."""

    reasons: tuple[str, ...]
    longest_shelf_ns: int = SHELF_NS
    is_shelving_local: bool = False


class Judged(NamedTuple):
    """The event of the table, and what goes with it; refused and remedy: why it is one that the table refuses."""

    event: Event
    refused: str = ""
    remedy: str = ""
    withheld: Withheld | None = None


def judge(act: Act, alarm: Alarm, site: Site, now: Clock) -> Judged:
    """Which event an act is. Raises KeyError for an act that there isn't."""
    return _JUDGES[act.kind](act, alarm, site, now)


def _acknowledge(act: Act, alarm: Alarm, site: Site, now: Clock) -> Judged:
    del now
    wrong = Event.ACKNOWLEDGE_WRONG
    if not act.is_entitled:
        return Judged(
            wrong,
            f"the role {act.role or '(none)'} may not acknowledge",
            "Ask an operator, maintenance or quality.",
        )
    if act.reason not in site.reasons:
        # not what it was: this stands in the record, where nobody can erase it
        return Judged(wrong, "what was given isn't a reason", f"One of: {', '.join(site.reasons)}.")
    if act.revision != alarm.revision:
        seen = "none" if act.revision is None else act.revision
        return Judged(wrong, *_changed(alarm, f"{seen} was seen"))
    return Judged(Event.ACKNOWLEDGE_REMOTE if act.is_remote else Event.ACKNOWLEDGE)


def _unacknowledge(act: Act, alarm: Alarm, site: Site, now: Clock) -> Judged:
    del site, now
    wrong = Event.ACKNOWLEDGE_WRONG
    if not act.is_entitled or act.is_remote:
        return Judged(
            wrong,
            f"the role {act.role or '(none)'} may not take it back from here",
            "Whoever acknowledged it may, at the machine.",
        )
    if alarm.below not in {State.ACKNOWLEDGED, State.LATCHED}:
        return Judged(wrong, f"{alarm.id} isn't acknowledged", "See: jidoka alarm list")
    seen = alarm.seen
    if seen is None or act.role != seen.role:
        return Judged(
            wrong,
            f"{alarm.id} was acknowledged by {seen.role if seen else 'somebody'}",
            "The same role takes it back.",
        )
    return Judged(Event.UNACKNOWLEDGE)


def _shelve(act: Act, alarm: Alarm, site: Site, now: Clock) -> Judged:
    wrong = Event.SHELVE_WRONG
    longest_ns = min(site.longest_shelf_ns, SHIFT_NS)
    if not act.is_entitled:
        return Judged(
            wrong,
            f"the role {act.role or '(none)'} may not shelve",
            "Ask an operator, maintenance or quality.",
        )
    if act.is_remote and site.is_shelving_local:
        return Judged(
            wrong, "this site lets alarms be shelved at the machine only", "Shelve it at the machine."
        )
    if not act.reason.strip():
        return Judged(wrong, "a reason is needed", "Say why it may be silent.")
    if not 0 < act.length_ns <= longest_ns:
        return Judged(
            wrong,
            f"{act.length_ns / HOUR_NS:g} h is no time to shelve an alarm for",
            f"At most {longest_ns / HOUR_NS:g} h.",
        )
    until = Until(now.ns, now.wall_ns, act.length_ns)
    held = _held(act, until, is_one_shot=act.is_one_shot, rank=rank(alarm.priority))
    return Judged(Event.SHELVE, withheld=held, remedy=_remedy(alarm))


def _unshelve(act: Act, alarm: Alarm, site: Site, now: Clock) -> Judged:
    del site, now
    if not act.is_entitled:
        return Judged(
            Event.SHELVE_WRONG,
            f"the role {act.role or '(none)'} may not unshelve",
            "Ask an operator, maintenance or quality.",
        )
    if alarm.state is not State.SHELVED:
        return Judged(Event.SHELVE_WRONG, f"{alarm.id} isn't shelved", "See: jidoka alarm list")
    return Judged(Event.UNSHELVE)


def _out(act: Act, alarm: Alarm, site: Site, now: Clock) -> Judged:
    del site
    wrong = Event.SHELVE_WRONG
    if not act.is_entitled or act.is_remote:
        return Judged(
            wrong,
            f"the role {act.role or '(none)'} may not take an alarm out of service from here",
            "Maintenance does, at the machine, with a permit.",
        )
    if not act.permit.strip():
        return Judged(wrong, "the number of the permit is needed", "Get a permit to work first.")
    if not 0 < act.length_ns <= LONGEST_SERVICE_NS:
        return Judged(wrong, "it must have an end", f"At most {LONGEST_SERVICE_NS // HOUR_NS // 24} days.")
    if alarm.state is State.OUT_OF_SERVICE:
        return Judged(
            wrong, f"{alarm.id} is out of service already: its end can't be put off", "Take it back first."
        )
    held = _held(act, Until(now.ns, now.wall_ns, act.length_ns), permit=act.permit.strip())
    return Judged(Event.OUT, withheld=held, remedy=_remedy(alarm))


def _back(act: Act, alarm: Alarm, site: Site, now: Clock) -> Judged:
    del site, now
    if not act.is_entitled or act.is_remote:
        return Judged(
            Event.SHELVE_WRONG,
            f"the role {act.role or '(none)'} may not take an alarm back from here",
            "Maintenance does, at the machine.",
        )
    if alarm.state is not State.OUT_OF_SERVICE:
        return Judged(Event.SHELVE_WRONG, f"{alarm.id} isn't out of service", "See: jidoka alarm list")
    return Judged(Event.BACK)


_JUDGES: Mapping[str, Callable[[Act, Alarm, Site, Clock], Judged]] = {
    "acknowledge": _acknowledge,
    "unacknowledge": _unacknowledge,
    "shelve": _shelve,
    "unshelve": _unshelve,
    "out of service": _out,
    "back in service": _back,
}
#: what each act is called; entitlement goes by these names
KINDS: tuple[str, ...] = tuple(_JUDGES)


def _held(act: Act, until: Until, **fields: object) -> Withheld:
    return Withheld("person", act.role, act.pseudonym, act.reason, until=until, **fields)  # type: ignore[arg-type]


def _changed(alarm: Alarm, seen: str) -> tuple[str, str]:
    return (
        f"{alarm.id} has changed: revision {alarm.revision} now, {seen}",
        "Look at it again, then acknowledge.",
    )


def _remedy(alarm: Alarm) -> str:
    return (
        "See: jidoka alarm list"
        if alarm.state in LIFE
        else "See who did it, and until when: jidoka alarm list"
    )
