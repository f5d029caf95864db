"""What people ask for: acts of the machine go to the guard and are concluded by its answer, acts of alarms are decided here,
labels are joined with what the model said. Each is recorded, granted or refused, and whoever asked is told. Pure.
"""

from __future__ import annotations

from typing import Any

from jidoka_bridge.messages import Kind, Message
from jidoka_bridge.roles import is_entitled

from jidoka.steward import acts
from jidoka.steward.acts import Asked
from jidoka.steward.effects import Effect, Record, Reply, ToGuard
from jidoka.steward.knowledge import Knowledge
from jidoka.steward.labels import labels_of
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.lists import items_of


def act(known: Knowledge, now_ns: int, peer: int, message: Message) -> list[Effect]:
    """Something that the guard decides, or a whole list of acknowledgements."""
    body = message.json()
    if message.kind is Kind.ACKNOWLEDGE and "list" in body:
        return _act_on_list(known, now_ns, peer, body)
    return _act_on_one(known, now_ns, peer, message.kind, body)


def _act_on_list(known: Knowledge, now_ns: int, peer: int, body: dict[str, Any]) -> list[Effect]:
    """Each entry is an acknowledgement of its own; one answer comes when all are decided."""
    try:
        items = items_of(body)
        known.lists.begin(peer, str(body.get("request", "")), items)
    except ValueError as error:
        asked = Asked(peer, Kind.ACKNOWLEDGE, {**body, "cause": None, "revision": None}, 0)
        return refused(known, asked, str(error), "See: jidoka ack --help")
    return [effect for item in items for effect in _act_on_one(known, now_ns, peer, Kind.ACKNOWLEDGE, item)]


def _act_on_one(known: Knowledge, now_ns: int, peer: int, kind: Kind, body: dict[str, Any]) -> list[Effect]:
    asked = Asked(peer, kind, body, 0)
    if known.why_not_recording and kind in acts.NEED_RECORD:
        return refused(known, asked, f"it couldn't be recorded: {known.why_not_recording}", known.remedy)
    if kind is Kind.ACKNOWLEDGE:
        decided = known.alarms.before_guard(
            now_ns, peer, body, lambda why, remedy: refused(known, asked, why, remedy)
        )
        if decided is not None:
            return decided
    taken = known.acts.ask(now_ns, peer, kind, body)
    if taken is None:
        why = "it has no request id, or one that is under way"
        return refused(known, asked, why, "Use a new random id.")
    return pass_on(known, taken)


def pass_on(known: Knowledge, asked: Asked) -> list[Effect]:
    """To the guard, if it is here; it gets what wasn't sent when it comes."""
    if not known.is_guard_here:
        return []
    asked.was_sent = True
    return [ToGuard(asked.kind, acts.for_guard(asked.body))]


def overdue(known: Knowledge, now_ns: int) -> list[Effect]:
    """Acts that the guard didn't answer in time."""
    away = "doesn't answer within 2 s" if known.is_guard_here else "isn't running"
    remedy = "See: jidoka status. Use the machine's own stop."
    late = known.acts.overdue(now_ns)
    return [effect for asked in late for effect in refused(known, asked, f"the guard {away}", remedy)]


def refused(known: Knowledge, asked: Asked, why: str, remedy: str) -> list[Effect]:
    """The act isn't followed."""
    return conclude(known, asked, {"ok": False, "refused": why, "remedy": remedy})


def conclude(known: Knowledge, asked: Asked, answer: dict[str, Any]) -> list[Effect]:
    """The act is decided: record it, tell who asked."""
    entry, secret = acts.recorded(asked, known.seal)
    name = acts.name_of(asked.kind, asked.body)
    is_granted = bool(answer.get("ok"))
    reply = {
        "request": entry["request"],
        "ok": is_granted,
        "refused": str(answer.get("refused") or ""),
        "remedy": str(answer.get("remedy") or ""),
        "value": answer.get("value") or {},
    }
    if is_granted:
        value = {"act": name, **entry, "is_remote": bool(asked.body.get("remote", False))}
        record = Record(EntryKind.ACT, value, is_urgent=True, secret=secret)
    else:
        value = {"what": name, "refused": reply["refused"], "remedy": reply["remedy"], **entry}
        record = Record(EntryKind.REFUSAL, value, is_urgent=True, secret=secret)
    # an act that only raises or hides nothing may be told at once; an acknowledgement must outlive whoever told it
    is_after_record = is_granted and asked.kind in acts.NEED_RECORD
    return [record, Reply(asked.peer, reply, is_after_record=is_after_record)]


def alarm_act(known: Knowledge, now_ns: int, peer: int, message: Message) -> list[Effect]:
    """Shelve, out of service and the like."""
    why = f"it couldn't be recorded: {known.why_not_recording}" if known.why_not_recording else ""
    return known.alarms.act(now_ns, peer, message.kind, message.json(), (why, known.remedy))


def label(known: Knowledge, now_ns: int, peer: int, message: Message) -> list[Effect]:
    """Somebody says whether a model was right: recorded beside what it said, or refused."""
    body = message.json()
    entry, why, remedy = acts.labelled(body), "", ""
    model, role = str(body.get("model", "")), entry["role"]
    told: list[dict[str, Any]] = []
    if known.why_not_recording:
        why, remedy = f"it couldn't be recorded: {known.why_not_recording}", known.remedy
    elif not is_entitled(role, "label"):
        why, remedy = f"the role {role!r} may not label", "Act in a role that may."
    elif model not in known.labels.words:
        why, remedy = f"there is no model {model!r}", f"Use one of: {', '.join(known.labels.words)}."
    else:
        try:
            found = labels_of(body, known.labels.words[model])
            told = [known.labels.join(model, each, now_ns) for each in found]
        except ValueError as error:
            why, remedy = str(error), "See: jidoka label --help"
    reply = {"request": entry["request"], "ok": not why, "refused": why, "remedy": remedy}
    if why:
        value = {"what": "label", "refused": why, "remedy": remedy, **entry}
        return [Record(EntryKind.REFUSAL, value), Reply(peer, {**reply, "value": {}})]
    value = {"act": "label", **entry, "model": model, "labels": told}
    return [
        Record(EntryKind.ACT, value, is_urgent=True),
        Reply(peer, {**reply, "value": {"labels": told}}),
    ]
