"""Arming after the self-test, and the offer of a reset: what a press of the button would do at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jidoka_bridge.guard import resetting
from jidoka_bridge.guard.facts import fallback_is_healthy
from jidoka_bridge.guard.guard_condition import (
    FALLBACK,
    NONE,
    Lack,
    Offer,
    lacks_of_causes,
    lacks_of_people,
    offer,
)
from jidoka_bridge.guard.read_back import is_a_alone
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.link.blocks import RANK

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

S_NS = 1_000 * MS_NS
#: a press opens the PLC for 2 s; a write that takes longer than this gives the reset up
RAISE_LIMIT_NS = 1_500 * MS_NS


def pass_self_test(guard: Guard, now_ns: int) -> None:
    """Three good beats and no faults: armed. A latched stop from before the restart leads to HOLD."""
    if guard.passed or guard.faults or guard.plan.link is None:
        return
    if not guard.view.is_up:
        late = now_ns - guard.started_ns > guard.plan.times.arming_s * S_NS
        if late and not guard.arming_told:
            guard.arming_told = True
            guard.event(now_ns, "arming time over", Details(reasons=guard.offer.missing))
        return
    guard.passed = True
    held = any(cause.latched for cause in guard.causes)
    event = "self-test passed"
    if held and guard.view.key_on and not guard.key_must_go_off:
        # noted in START-UP it isn't latched, and driving with it is what needs an acknowledgement
        guard.causes["override"].strike(now_ns, {})
        event = "self-test passed, key on"
    elif held:
        event = "self-test passed, held"
    guard.event(now_ns, event)


def _lacks(guard: Guard, now_ns: int) -> list[Lack]:
    view, causes = guard.view, guard.causes
    lacks = []
    if guard.faults:
        lacks.append(Lack("the self-test failed"))
    if not view.is_up and not causes["plc link"].active:
        lacks.append(Lack(f"no link to the PLC yet: {view.lack or 'three good beats are needed'}"))
    if view.is_up and not guard.passed:
        lacks.append(Lack("the self-test hasn't passed yet"))
    if view.lack and (view.is_up or causes["plc link"].active):
        lacks.append(Lack(view.lack))
    lacks += [Lack(f"PLC: {text}") for text in view.not_ready if view.is_up]
    if view.is_up and view.key_on:
        lacks.append(Lack("the override key is on"))
    for watch in guard.data.models:
        if not guard.data.is_fresh(watch, now_ns) and not causes[f"no data:{watch.id}"].active:
            lacks.append(Lack(f"{watch.id}: no data yet from the application", frozenset({FALLBACK})))
    if not guard.records.is_fresh(now_ns) and not causes["no record"].active:
        allows = frozenset({FALLBACK} if guard.plan.no_record == FALLBACK else ())
        lacks.append(Lack("the steward doesn't record yet", allows))
    if guard.is_enforcing and view.is_up and RANK[view.actual] != RANK[guard.word]:
        lacks.append(Lack(f"the PLC's output reads {view.actual.name}, written is {guard.word.name}"))
    if guard.is_enforcing and is_a_alone(view):
        lacks.append(
            Lack("the PLC's output A is on while M is off: a contact is welded, or A isn't wired through M")
        )
    lacks += lacks_of_causes(causes, now_ns, guard.interlock.proving)
    return lacks + (lacks_of_people(causes) if guard.is_enforcing else [])


def refresh_offer(guard: Guard, now_ns: int) -> None:
    """What a press would do now; a change of it ends the time that a press may rely on, and a reset under way."""
    if guard.plan.link is None:
        guard.offer = Offer(NONE, ("interlock: none: no PLC is connected",))
        return
    found = offer(guard.interlock.state, _lacks(guard, now_ns), fallback_is_healthy(guard))
    if found.target != NONE:
        found = _with_time_limit(guard, now_ns, found)
    if guard.stopping:
        found = Offer(NONE, ("the guard is being stopped",))
    changed = found.target != guard.offer.target
    guard.offer = found
    if changed:
        resetting.offer_changed(guard)
        guard.offer_since_ns = now_ns
    pending = guard.pending
    if pending and (pending.target != found.target or now_ns - pending.pressed_ns > RAISE_LIMIT_NS):
        resetting.cancel(guard, now_ns, found.missing)
    if found.target != NONE and not guard.is_enforcing:
        resetting.raise_to(guard, now_ns, found.target)  # in observe nobody presses: the shadow goes on
        guard.offer = Offer(NONE, _modes(guard))


def _with_time_limit(guard: Guard, now_ns: int, found: Offer) -> Offer:
    """An offer lasts so long after the later of the last acknowledgement and its beginning, where one can repeat it."""
    began_ns = max(guard.acknowledged_ns, guard.offer_since_ns if guard.offer.target != NONE else now_ns)
    can_repeat = any(cause.latched for cause in guard.causes)
    lapsed = now_ns - began_ns > guard.plan.times.offer_s * S_NS
    if guard.offer_lapsed_ns and guard.acknowledged_ns <= guard.offer_lapsed_ns:
        lapsed = True
    if not (lapsed and can_repeat):
        guard.offer_lapsed_ns = 0
        return found
    guard.offer_lapsed_ns = guard.offer_lapsed_ns or now_ns
    return Offer(NONE, ("the reset was on offer for too long: acknowledge again",))


def _modes(guard: Guard) -> tuple[str, ...]:
    return tuple(
        f"{model.id} is in mode {model.mode}: the word stays WITHHOLD"
        for model in guard.plan.models
        if model.mode != "enforce"
    )
