"""What monitor, host and command line say: conditions, decisions, summaries, counters, sketches, events, and what people ask for. Pure."""

from __future__ import annotations

from collections.abc import Callable

from jidoka_bridge.messages import Condition, Kind, Message, unpack_decisions

from jidoka.steward import asking
from jidoka.steward.effects import Effect, Live, Record, Rows
from jidoka.steward.knowledge import Knowledge
from jidoka.steward.ledger.format import Kind as EntryKind

#: EVENT kinds that are a kind of entry by themselves
EVENT_KINDS: dict[str, EntryKind] = {
    "config": EntryKind.CONFIG,
    "admission": EntryKind.ADMISSION,
    "baseline": EntryKind.BASELINE,
    "refusal": EntryKind.REFUSAL,
    "loss": EntryKind.LOSS,
    "absence": EntryKind.ABSENCE,
    "clock step": EntryKind.CLOCK_STEP,
    "retention": EntryKind.RETENTION,
    "known answers": EntryKind.ADMISSION,
    "drill": EntryKind.DRILL,
}
#: entries that say what they are about
NEED_WHAT = frozenset({EntryKind.REFUSAL, EntryKind.LOSS, EntryKind.ABSENCE})
#: which kind of message shows which program is at the other end
SHOWS: dict[Kind, str] = {Kind.SUMMARY: "monitor", Kind.CONDITION: "monitor", Kind.DECISIONS: "monitor"}
#: those that connect to the steward; the guard is known by its own socket alone
PEERS = frozenset({"monitor", "host"})

Handler = Callable[[Knowledge, int, int, Message], list[Effect]]


def lost(known: Knowledge, now_ns: int, peer: int) -> list[Effect]:
    """A connection ended, by a goodbye or without one."""
    known.presence.lost(peer, now_ns)
    return []


def count(known: Knowledge, now_ns: int, peer: int, message: Message) -> list[Effect]:
    """A program's counters; of a peer they show which program it is."""
    body = message.json()
    known.counters.take(body)
    program = str(body.get("program", ""))
    return known.presence.shows(peer, program, now_ns) if peer >= 0 and program in PEERS else []


def event(known: Knowledge, now_ns: int, _peer: int, message: Message) -> list[Effect]:
    """Something that has a kind of entry of its own, or is refused."""
    body = message.json()
    kind = EVENT_KINDS.get(str(body.get("kind")))
    if body.get("kind") == "known answers" and body["model"] in known.counters.models:
        known.known_answers[body["model"]] = {**body, "ns": now_ns}
    text = str(body.get("text", ""))
    if kind is None:
        why = f"events of kind {body.get('kind')!r} have no place of their own"
        return [Record(EntryKind.REFUSAL, {**body, "what": "event", "refused": why})]
    defaults = {"what": str(body.get("what") or text), "refused": text}
    return [Record(kind, {**defaults, **body} if kind in NEED_WHAT else body)]


def _condition(known: Knowledge, _now_ns: int, _peer: int, message: Message) -> list[Effect]:
    body = known.conditions.change(Condition.unpack(message.body))
    return [] if body is None else [Record(EntryKind.CONDITION, body, is_urgent=True)]


def _decisions(known: Knowledge, _now_ns: int, _peer: int, message: Message) -> list[Effect]:
    index, rows = unpack_decisions(message.body)
    model = known.plan.models[index].id
    known.labels.rows(model, rows)
    return [Rows(model, rows)]


def _summary(known: Knowledge, now_ns: int, _peer: int, message: Message) -> list[Effect]:
    body = message.json()
    model = str(body["model"])
    if model not in known.counters.models:
        raise KeyError(model)
    known.summaries[model] = body
    known.inventory.summary(body)
    body.pop("application", None)
    known.alarms.heard(model, now_ns)
    known.conditions.went_on(model, int(body.get("last_part") or 0))
    return [Live("health", body)]


def _sketch(known: Knowledge, _now_ns: int, _peer: int, message: Message) -> list[Effect]:
    body = message.json()
    if body["model"] not in known.counters.models:
        raise KeyError(body["model"])
    return [Record(EntryKind.SKETCH, body)]


#: all that may come on the steward's socket
HANDLERS: dict[Kind, Handler] = {
    Kind.CONDITION: _condition,
    Kind.DECISIONS: _decisions,
    Kind.SUMMARY: _summary,
    Kind.COUNTERS: count,
    Kind.SKETCH: _sketch,
    Kind.EVENT: event,
    Kind.ACKNOWLEDGE: asking.act,
    Kind.HOLD: asking.act,
    Kind.UNLOCK: asking.act,
    Kind.WINDOW: asking.act,
    Kind.MODE: asking.act,
    Kind.KNOWN_ANSWERS: asking.act,
    Kind.COMMAND: asking.act,
    Kind.LABEL: asking.label,
    Kind.ALARM_ACT: asking.alarm_act,
    Kind.BYE: lambda known, now_ns, peer, _message: lost(known, now_ns, peer),
}
