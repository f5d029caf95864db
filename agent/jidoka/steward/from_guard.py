"""What the guard says: each transition once and in order, causes, its mode, the PLC's status, answers to acts. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jidoka_bridge.messages import Kind, Message, PlcStatus

from jidoka.steward import acts, asking
from jidoka.steward.effects import ConnectAnew, Effect, Record
from jidoka.steward.from_peers import count, event
from jidoka.steward.knowledge import Knowledge
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.presence import GUARD
from jidoka.steward.transitions import Arrival


def connected(known: Knowledge, now_ns: int) -> list[Effect]:
    """The guard is here (again): it tells from its number on, and gets the acts that waited for it."""
    known.alarms.guard_connected(now_ns)
    known.transitions.connect()
    effects = known.presence.guard_connected(now_ns)
    for asked in known.acts.unsent():
        effects += asking.pass_on(known, asked)
    return effects


def lost(known: Knowledge, now_ns: int) -> list[Effect]:
    """The guard is away: what it said last of the PLC and of itself counts no more."""
    known.presence.guard_lost(now_ns)
    known.plc = None
    known.mode = {}
    return []


def _transition(known: Knowledge, now_ns: int, message: Message) -> list[Effect]:
    body = message.json()
    number = int(body["number"])
    arrival = known.transitions.arrive(number, int(body["ns"]))
    if arrival is Arrival.DUPLICATE:
        return []
    if arrival is Arrival.GAP:
        return [ConnectAnew()]
    effects: list[Effect] = []
    if arrival is Arrival.LOST:
        missing = known.transitions.missing
        text = f"{missing} transitions before number {number} never came."
        loss = {"what": "transitions", "text": text, "count": missing, "unit": "entries"}
        effects.append(Record(EntryKind.LOSS, loss))
    was = known.interlock.get("to")
    body, secret = _without_free_text(known, body)
    known.follow(body)
    effects.append(Record(EntryKind.TRANSITION, body, is_urgent=True, transition=number, secret=secret))
    override = _override_act(body, was)
    if override:
        kept = {key: body.get(key) for key in ("number", "ns", "text", "person")}
        effects.append(Record(EntryKind.OVERRIDE, {"act": override, **kept}, is_urgent=True))
    return effects + known.alarms.transition(now_ns, body)


def _without_free_text(known: Knowledge, body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    reason = str(body.get("reason") or "")
    code = acts.reason_code(reason)
    if code == reason:
        return body, b""
    commitment, line = known.seal(reason)
    return {**body, "reason": code, "commitment": commitment}, line


def _override_act(body: dict[str, Any], was: Any) -> str:
    """start, repeat or end of an override; empty for every other transition."""
    before, after = body.get("from", was), body.get("to")
    if after == "OVERRIDE":
        if before != "OVERRIDE":
            return "start"
        return "repeat" if "override repeat" in str(body.get("event")) else ""
    return "end" if before == "OVERRIDE" else ""


def _cause(known: Knowledge, now_ns: int, message: Message) -> list[Effect]:
    body = _without_words(message.json())
    return known.alarms.cause(now_ns, body, known.acts.reason_for(body))


def _without_words(body: dict[str, Any]) -> dict[str, Any]:
    """Of a person's hold the evidence says why in the person's own words: they are sealed with the act and the transition."""
    evidence = body.get("evidence")
    if not isinstance(evidence, dict) or "reason" not in evidence:
        return body
    return {**body, "evidence": {**evidence, "reason": acts.reason_code(str(evidence["reason"] or ""))}}


def _mode(known: Knowledge, _now_ns: int, message: Message) -> list[Effect]:
    known.mode = message.json()
    return []


def _plc_status(known: Knowledge, _now_ns: int, message: Message) -> list[Effect]:
    known.plc = PlcStatus.unpack(message.body)
    return []


def _answer(known: Knowledge, now_ns: int, message: Message) -> list[Effect]:
    answer = message.json()
    asked = known.acts.answered(str(answer.get("request", "")))
    if asked is None:
        return []
    effects = asking.conclude(known, asked, answer)
    if asked.kind is Kind.ACKNOWLEDGE and answer.get("ok"):
        told = known.alarms.guard_agreed(now_ns, asked)
        effects = [*effects[:1], *told, *effects[1:]]  # the answer comes last
    return effects


#: all that the guard may send
HANDLERS: dict[Kind, Callable[[Knowledge, int, Message], list[Effect]]] = {
    Kind.TRANSITION: _transition,
    Kind.CAUSE: _cause,
    Kind.MODE: _mode,
    Kind.PLC_STATUS: _plc_status,
    Kind.ANSWER: _answer,
    Kind.COUNTERS: lambda known, now_ns, message: count(known, now_ns, GUARD, message),
    Kind.EVENT: lambda known, now_ns, message: event(known, now_ns, GUARD, message),
    Kind.BYE: lambda _known, _now_ns, _message: [],
}
