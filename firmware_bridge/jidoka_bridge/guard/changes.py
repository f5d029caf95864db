"""What people may change of models while the guard runs: announce a window or the known answers, set a mode.

All of it at the machine. Lowering is anybody's who may hold; what gives something back needs an engineer, and is
never done while anything is permitted. A reset, an arming, an override or a new table comes by no message at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jidoka_bridge.guard import plain
from jidoka_bridge.guard.approved import ENFORCE, Approved
from jidoka_bridge.guard.facts import is_moving
from jidoka_bridge.guard.known_answers import SHOWN_IN
from jidoka_bridge.guard.recorder import Details, Out
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.messages import Kind
from jidoka_bridge.registers import State
from jidoka_bridge.roles import is_entitled

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

#: refusal and remedy; both empty = granted
Decision = tuple[str, str]
GRANTED: Decision = ("", "")
#: the second of two persons has a day
SECOND_NS = 24 * 3_600_000 * MS_NS
#: what comes by no message, and how it is done
NEVER: dict[str, str] = {
    "reset": "Press and release the reset button at the machine.",
    "arm": "Press and release the reset button at the machine.",
    "override": "Turn the override key at the machine.",
    "unlock": "An engineer unlocks at the machine: jidoka unlock",
    "table": "Install it while the guard is stopped, then approve its digest at the PLC.",
}


def person_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Role and pseudonym as they go into the record."""
    return {
        "role": plain.text(body, "role", plain.MAX_NAME),
        "pseudonym": plain.text(body, "person", plain.MAX_NAME),
    }


def _judge(guard: Guard, body: Mapping[str, Any], act: str) -> Decision:
    """What every act on a model needs."""
    role, name = plain.text(body, "role"), plain.text(body, "model")
    if not is_entitled(role, act):
        return f"the role {role or '(none)'} may not {act}", "Ask somebody who may: see docs/reference.md."
    if body.get("remote"):
        return f"nobody may {act} from elsewhere", "Do it at the machine."
    if name not in guard.approved.by_id:
        return f"there is no model {name!r}", f"One of: {', '.join(guard.approved.by_id)}."
    if not plain.text(body, "person").strip():
        return "it must be known who it is", "Give your name or pseudonym."
    return GRANTED


def announce_window(guard: Guard, now_ns: int, body: Mapping[str, Any]) -> Decision:
    """Two persons announce the same time for changing a model; the second opens it."""
    decision = _judge(guard, body, "announce a window")
    length_ms, most_ms = body.get("ms"), guard.plan.times.window_s * 1_000
    if decision == GRANTED and (type(length_ms) is not int or not 0 < length_ms <= most_ms):
        decision = f"a window has 1 to {most_ms} ms", "Give its length in ms."
    if decision == GRANTED and guard.interlock.state is State.LOCKOUT:
        decision = "it is locked out", "An engineer unlocks first: jidoka unlock"
    person = person_of(body)
    if decision != GRANTED:
        guard.event(now_ns, "change refused", Details(None, (decision[0],), person))
        return decision
    assert isinstance(length_ms, int)
    each = guard.approved.by_id[plain.text(body, "model")]
    event = _agree(each, now_ns, length_ms, person["pseudonym"])
    guard.event(now_ns, event, Details(None, (), person, None, {"model": each.id, "ms": length_ms}))
    return GRANTED


def _agree(each: Approved, now_ns: int, length_ms: int, pseudonym: str) -> str:
    """The kind of event: announced by a first person, or opened by another who announced the same within a day."""
    first = each.announced
    is_same = first is not None and first[0] == length_ms and now_ns - first[2] <= SECOND_NS
    if first is None or not is_same or first[1] == pseudonym:
        each.announced = (length_ms, pseudonym, now_ns)
        return "window announced"
    each.announced, each.left_ns = None, length_ms * MS_NS
    return "window open"


def set_mode(guard: Guard, now_ns: int, body: Mapping[str, Any]) -> Decision:
    """Out of enforce at any time; back into it by an engineer, while nothing is permitted."""
    mode = plain.text(body, "mode")
    decision = _judge(
        guard, body, "bring a model into enforce" if mode == ENFORCE else "take a model out of enforce"
    )
    person = person_of(body)
    each = guard.approved.by_id.get(plain.text(body, "model"))
    if decision == GRANTED and mode not in ("observe", ENFORCE):
        decision = f"{mode!r} is no mode to change to", "One of: observe, enforce."
    if decision == GRANTED and each is not None and each.planned != ENFORCE:
        decision = f"{each.id} isn't in enforce by the plan", "Change the configuration."
    if decision == GRANTED and mode == ENFORCE and is_moving(guard):
        decision = (
            "nothing may be given back while something is permitted",
            "Hold the machine first: jidoka hold",
        )
    if decision != GRANTED or each is None:
        guard.event(now_ns, "change refused", Details(None, (decision[0],), person))
        return decision
    each.mode = mode
    guard.event(now_ns, "mode set", Details(None, (), person, None, {"model": each.id, "mode": mode}))
    return GRANTED


def announce_answers(guard: Guard, now_ns: int, body: Mapping[str, Any]) -> Decision:
    """The known answers will be shown: only the plan's set, only while nothing is permitted."""
    decision = _judge(guard, body, "show the known answers")
    name, person = plain.text(body, "model"), person_of(body)
    wanted = next((model.known_answers for model in guard.plan.models if model.id == name), "")
    if decision == GRANTED and not wanted:
        decision = f"{name} has no known answers", "Add them to the configuration."
    if decision == GRANTED and plain.text(body, "digest") != wanted:
        decision = "it isn't the set of the plan", f"Show the one whose digest is {wanted[:16]}…."
    if decision == GRANTED and guard.interlock.state not in SHOWN_IN:
        decision = f"not in {guard.interlock.state.name}", "Hold the machine first: jidoka hold"
    if decision != GRANTED:
        guard.event(now_ns, "change refused", Details(None, (decision[0],), person))
        return decision
    guard.known_answers.announce(now_ns, name)
    asked = {"model": name, "digest": wanted}
    guard.recorder.outbox.append(Out("monitor", Kind.KNOWN_ANSWERS, asked))
    guard.event(now_ns, "known answers announced", Details(None, (), person, None, {"model": name}))
    return GRANTED


def refuse_command(guard: Guard, now_ns: int, body: Mapping[str, Any]) -> Decision:
    """A reset, an arming, an override, an unlock or a table from elsewhere: never."""
    name = plain.text(body, "command", plain.MAX_NAME)
    decision = f"{name or '(nothing)'} comes by no message", NEVER.get(name, "Do it at the machine.")
    guard.event(now_ns, "command refused", Details(None, (decision[0],), person_of(body)))
    return decision
