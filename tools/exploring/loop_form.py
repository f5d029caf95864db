"""What of the loop's objects takes part in the canonical form: the guard's and the link's rules, and those of the loop."""

# ruff: noqa: SLF001 - what a search must tell apart is what the program keeps for itself
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jidoka_bridge.guard.interlock import BY_EVENT, UNCHANGED
from jidoka_bridge.registers import Phase

from tools.exploring import link_world, snapshot
from tools.exploring.book import RANKS
from tools.exploring.canonical import Rule, drop
from tools.exploring.link_world import BEAT_MS, HOLD_MS, MS, RISE_MS, SCAN_MS, LinkForm
from tools.exploring.rules import RULES as GUARD_RULES
from tools.exploring.rules import GuardForm

if TYPE_CHECKING:
    from tools.exploring.loop_world import LoopBook

#: from a press until its rise, at the latest: the window, the press itself, and the beats that tell of it
RISE_NS = (RISE_MS + 2 * BEAT_MS) * MS


def _numbers(_: Any, value: Any, form: Any) -> Any:
    """Of a process that began anew: for how long something older may still be echoed. One that doesn't knows all its numbers."""
    if not form.is_restarted or value._is_known:
        return None
    return value._answers


def _pressed(book: LoopBook, value: bool, form: Any) -> bool:
    """Whether somebody may still use the last press: for the time that a rise may follow it."""
    return value and form.now_ns - book.press_ns <= RISE_NS


def _press_ns(book: LoopBook, value: int, form: Any) -> int:
    """When it was, as long as that is asked for."""
    return form.age(value, RISE_NS) if _pressed(book, book.may_ask or book.may_rise, form) else 0


def _more(guard: Any, value: int, form: Any) -> int:
    """Since when the output reads more than is written; asked for, and set anew, at beats that find the link up.

    With the link down and an output that is off the first such beat finds it off: it rises to a frame only that comes of a
    link that is up, for one that was held up meanwhile is older than the arm-request that a press answers.
    """
    world = form.world
    is_off = RANKS[int(world.rule.output)] == 0
    is_away = not world.session.is_up and not guard.view.is_up
    return -1 if is_off and is_away else form.age(value, form.limits_ns["more_since_ns"])


def _durable(_: Any, value: dict[str, Any], form: Any) -> Any:
    """What a restart finds: which causes wait. Without restarts nobody looks for it."""
    if not form.is_restarted:
        return None
    held = sorted((each, cause[1] == cause[2]) for each, cause in value["causes"].items() if cause[0])
    return bool(value["clean"]), bool(value["lockout"]), tuple(held), value.get("key_must_go_off", False)


def _of_living(world: Any, value: Any, form: Any) -> Any:
    """Of a process that is dead nothing is left."""
    return None if world.is_dead else form.value(value, 0)


def _session(world: Any, value: Any, form: Any) -> Any:
    """Of a dead one: whether it asked for a press, and whether the PLC still holds it."""
    if world.is_dead:
        return value.phase is Phase.ARM_REQUEST, value.connection_id == world.rule.connection
    return form.value(value, 0)


def _granted(_: LoopBook, value: list[int], form: Any) -> Any:
    """How long ago each was asked for: while it is, always the same, unless the guard is paused."""
    limit_ns = (HOLD_MS + 2 * SCAN_MS) * MS
    return tuple(form.age(value[rank], limit_ns) for rank in (1, 2))


RULES: dict[str, dict[str, Rule]] = {
    **link_world.RULES,
    "LoopWorld": {
        **link_world.RULES["LinkWorld"],
        **dict.fromkeys(("told", "submitted", "restarts", "response"), drop),
        "durable": _durable,
        "guard": _of_living,
        "session": _session,
        "view": drop,
    },
    "LoopBook": {
        **link_world.RULES["LinkBook"],
        "left": drop,
        "granted_ns": _granted,
        "may_ask": _pressed,
        "may_rise": _pressed,
        "press_ns": _press_ns,
        # follows from the two ends at each scan
        "is_other": drop,
    },
    "Guard": {
        **GUARD_RULES["Guard"],
        "more_since_ns": _more,
        # the row of the read-back that it waits for changes nothing in any state
        **({"withdrawal": drop} if set(BY_EVENT["withdrawn"].cells) == {UNCHANGED} else {}),
    },
    "Session": {**link_world.RULES["Session"], "_numbers": _numbers},
    # this line brings no old answers, and of the others each is of now, whenever the last one was
    "Freshness": {**link_world.RULES["Freshness"], "_last": drop},
}


class LoopForm(GuardForm):
    """world: whose numbers, ids and counters are seen as distances; is_restarted: its process may be started again."""

    world: Any = None
    is_restarted = False
    touches_unlatched = False
    plc = LinkForm.plc


snapshot.never_changes(LoopForm)
