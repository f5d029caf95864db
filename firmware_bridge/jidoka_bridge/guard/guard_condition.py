"""The guard condition G: what a reset still lacks, as sentences, and what a press would lead to.

Each lack says which lesser targets it still allows: a healthy fallback forgives causes about the model, data and
(by policy) records; a proving run forgives statistical causes only. No lack: run. Source: INTERLOCK §4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from jidoka_bridge.guard.causes import Cause, Causes
from jidoka_bridge.guard.conditions import Known
from jidoka_bridge.messages import Judgement
from jidoka_bridge.registers import State

NONE, RUN, PROVING, FALLBACK = "none", "run", "proving", "fallback"
NOTHING = frozenset[str]()


class Lack(NamedTuple):
    """One thing that a reset lacks. allows: targets that are still possible with it."""

    text: str
    allows: frozenset[str] = NOTHING


@dataclass(frozen=True)
class Offer:
    """target: what a press of the reset button would do now; missing: what RUN lacks."""

    target: str
    missing: tuple[str, ...]


#: what a press may lead to in each state; the table of the interlock has the same cells
TARGETS: dict[State, tuple[str, ...]] = {
    State.START_UP: (RUN, FALLBACK, PROVING),
    State.RUN: (),
    State.ADVISE: (),
    State.FALLBACK: (RUN,),
    State.HOLD: (RUN, FALLBACK, PROVING),
    State.LOCKOUT: (),
    State.OVERRIDE: (),
}
STATE_LACKS: dict[State, Lack] = {
    State.LOCKOUT: Lack("LOCKOUT: an engineer must unlock first"),
    State.OVERRIDE: Lack("OVERRIDE: the key must go off first"),
}


def offer(state: State, lacks: Iterable[Lack], fallback_healthy: bool) -> Offer:
    """What a press would do. In RUN and ADVISE nothing is missing and nothing is offered."""
    if state in (State.RUN, State.ADVISE):
        return Offer(NONE, ())
    found = [STATE_LACKS[state]] if state in STATE_LACKS else []
    found += lacks
    return Offer(_target(state, found, fallback_healthy), tuple(dict.fromkeys(lack.text for lack in found)))


def _target(state: State, lacks: list[Lack], fallback_healthy: bool) -> str:
    targets = TARGETS[state]
    if not lacks:
        return RUN if RUN in targets else NONE
    if fallback_healthy and FALLBACK in targets and all(FALLBACK in lack.allows for lack in lacks):
        return FALLBACK
    if PROVING in targets and all(PROVING in lack.allows for lack in lacks):
        return PROVING
    return NONE


def lacks_of_causes(causes: Causes, now_ns: int, in_proving: bool) -> list[Lack]:
    """Active and possible (unjudged) trip causes."""
    lacks = []
    for cause in causes:
        if cause.trips and (cause.active or causes.possible(cause, now_ns)):
            lacks += _lacks_of(cause, causes, now_ns, in_proving)
    return lacks


def lacks_of_people(causes: Causes) -> list[Lack]:
    """Trip causes that nobody, or not everybody who is needed, has acknowledged."""
    lacks = []
    for cause in causes.unacknowledged():
        who = (
            f" by {cause.needs_role}"
            if cause.needs_role
            else " by a second person"
            if cause.waits_for_second
            else ""
        )
        lacks.append(Lack(f"{cause.id} (revision {cause.revision}) must be acknowledged{who} with a reason"))
    return lacks


def _count(known: Known) -> str:
    """How far it is; enough that were judged were so before something that made them not count."""
    if known.needed_n > known.judged_n:
        return f": {known.judged_n} of {known.needed_n} records judged"
    return ": records of now are needed" if known.needed_n else ""


def _lacks_of(cause: Cause, causes: Causes, now_ns: int, in_proving: bool) -> list[Lack]:
    """Why one cause can't be ruled out; at least one lack, whatever its conditions say."""
    forgiven = {FALLBACK} if cause.response == "fallback" else set()
    is_statistical = bool(cause.conditions) and cause.statistical
    lacks = []
    if cause.active and not (in_proving and is_statistical):
        allows = forgiven | ({PROVING} if is_statistical else set())
        lacks.append(Lack(f"{cause.id} is active: {cause.text}", frozenset(allows)))
    for known in causes.not_off(cause, now_ns):
        if known.judgement is Judgement.ON or (known.is_on and not in_proving):
            continue
        if not known.is_statistical:  # no record of a proving run judges it
            why = "isn't judged" if known.reported else "the monitor hasn't reported it yet"
            lacks.append(Lack(f"{known.id}: {why}", frozenset(forgiven)))
            continue
        lacks.append(Lack(f"{known.id} isn't judged yet{_count(known)}", frozenset(forgiven | {PROVING})))
    return lacks or [Lack(f"{cause.id} can't be ruled out yet", frozenset(forgiven))]
