"""The steward's core: a message comes in, effects go out. No clock, socket or file in here; it decides nothing about the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jidoka_bridge.messages import (
    Condition,
    Kind,
    Message,
    MessageError,
    PlcStatus,
    unpack_decisions,
)
from jidoka_bridge.plan import Plan
from jidoka_bridge.roles import is_entitled

from jidoka.steward import acts
from jidoka.steward.acts import Acts, Asked
from jidoka.steward.alarm_desk import AlarmDesk
from jidoka.steward.conditions import Conditions
from jidoka.steward.effects import ConnectAnew, Effect, Live, Record, Reply, Rows, ToGuard
from jidoka.steward.inventory import Inventory
from jidoka.steward.labels import Labels, labels_of, words_of
from jidoka.steward.ledger.format import Entry, FormatError
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.lists import Lists, items_of
from jidoka.steward.metrics import Counters
from jidoka.steward.risks import EVERY_NS, Risks
from jidoka.steward.transitions import Arrival, Transitions

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
#: which kind of message shows which program is at the other end
SHOWS: dict[Kind, str] = {Kind.SUMMARY: "monitor", Kind.CONDITION: "monitor", Kind.DECISIONS: "monitor"}
PROGRAMS = ("monitor", "guard", "host")
#: those that connect to the steward; the guard is known by its own socket alone
PEERS = frozenset({"monitor", "host"})


class Core:
    """All that the steward knows. Handlers return what the shell is to do, in order.

    seal: text → (commitment, line for the side file). why_not_recording, is_nearly_full, certificate_days: set by the shell; the first is empty while recording.
    """

    def __init__(self, plan: Plan, boot: bytes, seal: acts.Seal) -> None:
        self.plan = plan
        self.alarms = AlarmDesk(plan, seal)
        self.conditions = Conditions(plan)
        self.inventory = Inventory(plan)
        self.risks = Risks(plan)
        self.transitions = Transitions()
        self.acts = Acts()
        self.lists = Lists()
        sections = plan.sections.get("models") or {}
        self.labels = Labels({model.id: words_of(sections.get(model.id) or {}) for model in plan.models})
        self.counters = Counters(frozenset(model.id for model in plan.models))
        self.interlock: dict[str, Any] = {}  # last transition, of this boot or an earlier one
        self.since_ns = 0
        self.plc: PlcStatus | None = None
        self.mode: dict[str, Any] = {}
        self.summaries: dict[str, dict[str, Any]] = {}
        self.known_answers: dict[str, dict[str, Any]] = {}  # model -> what was last said of them
        self.programs: dict[int, str] = {}
        self.is_guard_here = False
        self.why_not_recording = ""
        self.is_nearly_full = False
        self.certificate_days: float | None = None
        self.remedy = ""
        self.last_plan = ""
        self.last_boot_event = "none"
        self._boot = boot
        self._seal = seal
        self._away: dict[str, int] = {}
        self._complained: set[int] = set()
        self._restorers: dict[EntryKind, Callable[[Entry, dict[str, Any], bool], None]] = {
            EntryKind.TRANSITION: lambda _, body, is_this_boot: self._restore_transition(body, is_this_boot),
            EntryKind.CAUSE: lambda _entry, body, _: self.alarms.annunciator.restore_cause(body),
            EntryKind.ALARM: self.alarms.restore,
            EntryKind.FLOOD: self.alarms.restore_flood,
            EntryKind.ACT: lambda _entry, body, _: self.alarms.restore_act(body),
            EntryKind.CONDITION: lambda _, body, is_this_boot: self.conditions.restore(body, is_this_boot),
            EntryKind.BOOT: lambda _entry, body, _: self._restore_boot(body),
            EntryKind.CONFIG: lambda _entry, body, _: self._restore_config(body),
            EntryKind.INVENTORY: lambda _entry, body, _: self.inventory.restore(body),
            EntryKind.RISK: lambda entry, body, is_this_boot: self.risks.restore(
                body, entry.monotonic_ns if is_this_boot else -EVERY_NS
            ),
        }
        self._from_peer: dict[Kind, Callable[[int, int, Message], list[Effect]]] = {
            Kind.CONDITION: self._condition,
            Kind.DECISIONS: self._decisions,
            Kind.SUMMARY: self._summary,
            Kind.COUNTERS: self._counters,
            Kind.SKETCH: self._sketch,
            Kind.EVENT: self._event,
            Kind.ACKNOWLEDGE: self._act,
            Kind.HOLD: self._act,
            Kind.UNLOCK: self._act,
            Kind.WINDOW: self._act,
            Kind.MODE: self._act,
            Kind.KNOWN_ANSWERS: self._act,
            Kind.COMMAND: self._act,
            Kind.LABEL: self._label,
            Kind.ALARM_ACT: self._alarm_act,
            Kind.BYE: lambda now_ns, peer, _message: self.on_peer_lost(peer, now_ns),
        }
        self._from_guard: dict[Kind, Callable[[int, Message], list[Effect]]] = {
            Kind.TRANSITION: self._transition,
            Kind.CAUSE: self._cause,
            Kind.MODE: self._mode,
            Kind.PLC_STATUS: self._plc_status,
            Kind.ANSWER: self._answer,
            Kind.COUNTERS: lambda now_ns, message: self._counters(now_ns, -1, message),
            Kind.EVENT: lambda now_ns, message: self._event(now_ns, -1, message),
            Kind.BYE: lambda _now_ns, _message: [],
        }

    # ------------------------------------------------------------ what the ledger remembers

    def restore(self, entry: Entry) -> None:
        """An entry that was in the ledger at the start. Bodies that can't be read are left alone."""
        restore = self._restorers.get(entry.kind)
        if restore is None:
            return
        try:
            restore(entry, entry.json(), entry.boot == self._boot)
        except (FormatError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
            return

    def _restore_transition(self, body: dict[str, Any], is_this_boot: bool) -> None:
        self.transitions.restore(int(body["number"]), int(body["ns"]))
        self._follow(body)
        if not is_this_boot:
            self.since_ns = 0

    def _restore_boot(self, body: dict[str, Any]) -> None:
        self.last_boot_event = "planned" if body.get("event") == "stop" else "unplanned"

    def _restore_config(self, body: dict[str, Any]) -> None:
        self.last_plan = str(body.get("plan", self.last_plan))

    # ------------------------------------------------------------ from the guard

    def on_guard_connected(self, now_ns: int) -> list[Effect]:
        self.is_guard_here = True
        self.alarms.guard_connected(now_ns)
        self.transitions.connect()
        effects = self._back("guard", now_ns)
        for asked in self.acts.unsent():
            effects += self._pass_on(asked)
        return effects

    def on_guard_lost(self, now_ns: int) -> list[Effect]:
        self.is_guard_here = False
        self.plc = None
        self.mode = {}
        self._away["guard"] = now_ns
        return []

    def on_guard(self, now_ns: int, message: Message) -> list[Effect]:
        """A message of the guard."""
        handle = self._from_guard.get(message.kind)
        if handle is None:
            return self._complain(-1, f"{message.kind.name} isn't the guard's to send")
        return self._handled(-1, message, lambda: handle(now_ns, message))

    def _transition(self, now_ns: int, message: Message) -> list[Effect]:
        body = message.json()
        number = int(body["number"])
        arrival = self.transitions.arrive(number, int(body["ns"]))
        if arrival is Arrival.DUPLICATE:
            return []
        if arrival is Arrival.GAP:
            return [ConnectAnew()]
        effects: list[Effect] = []
        if arrival is Arrival.LOST:
            text = f"{self.transitions.missing} transitions before number {number} never came."
            effects.append(
                Record(
                    EntryKind.LOSS,
                    {
                        "what": "transitions",
                        "text": text,
                        "count": self.transitions.missing,
                        "unit": "entries",
                    },
                )
            )
        was = self.interlock.get("to")
        body, secret = self._without_free_text(body)
        self._follow(body)
        effects.append(Record(EntryKind.TRANSITION, body, is_urgent=True, transition=number, secret=secret))
        override = _override_act(body, was)
        if override:
            kept = {key: body.get(key) for key in ("number", "ns", "text", "person")}
            effects.append(Record(EntryKind.OVERRIDE, {"act": override, **kept}, is_urgent=True))
        return effects + self.alarms.transition(now_ns, body)

    def _without_free_text(self, body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        reason = str(body.get("reason") or "")
        code = acts.reason_code(reason)
        if code == reason:
            return body, b""
        commitment, line = self._seal(reason)
        return {**body, "reason": code, "commitment": commitment}, line

    def _follow(self, body: dict[str, Any]) -> None:
        if not self.interlock or body.get("from") != body.get("to"):
            self.since_ns = int(body["ns"])
        self.interlock = body

    def _cause(self, now_ns: int, message: Message) -> list[Effect]:
        body = message.json()
        return self.alarms.cause(now_ns, body, self.acts.reason_for(str(body.get("id"))))

    def _mode(self, now_ns: int, message: Message) -> list[Effect]:
        del now_ns
        self.mode = message.json()
        return []

    def _plc_status(self, now_ns: int, message: Message) -> list[Effect]:
        del now_ns
        self.plc = PlcStatus.unpack(message.body)
        return []

    def _answer(self, now_ns: int, message: Message) -> list[Effect]:
        answer = message.json()
        asked = self.acts.answered(str(answer.get("request", "")))
        if asked is None:
            return []
        effects = self._conclude(asked, answer)
        if asked.kind is Kind.ACKNOWLEDGE and answer.get("ok"):
            told = self.alarms.guard_agreed(now_ns, asked)
            effects = [*effects[:1], *told, *effects[1:]]  # the answer comes last
        return effects

    # ------------------------------------------------------------ from elsewhere

    def on_refused_command(self, now_ns: int, kind: str) -> list[Effect]:
        """A command from elsewhere isn't followed: a person sees that somebody tries. kind: of the refusal."""
        return self.alarms.refused_command(now_ns, kind)

    def each_second(self, now_ns: int) -> list[Effect]:
        """What stands on this device, where it changed: its inventory and the rows of its register."""
        inventory = self.inventory.due(now_ns)
        effects: list[Effect] = [Record(EntryKind.INVENTORY, inventory)] if inventory else []
        rows = self.risks.due(now_ns, self.conditions, self.alarms.annunciator.causes, self.summaries)
        return effects + [Record(EntryKind.RISK, row) for row in rows]

    def report(self) -> dict[str, Any]:
        """What a command `report` is answered with."""
        interlock = {name: self.interlock.get(name) for name in ("to", "cause", "m", "a", "number")}
        return {"interlock": interlock, "alarms": self.alarms.annunciator.summary, "plan": self.plan.digest}

    # ------------------------------------------------------------ from monitor, host, command line

    def on_peer(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        """A message of whoever is connected at `peer` (a number that the shell gives)."""
        handle = self._from_peer.get(message.kind)
        if handle is None:
            return self._complain(peer, f"{message.kind.name} isn't for the steward")
        effects = self._shows(peer, SHOWS[message.kind], now_ns) if message.kind in SHOWS else []
        return effects + self._handled(peer, message, lambda: handle(now_ns, peer, message))

    def on_peer_lost(self, peer: int, now_ns: int) -> list[Effect]:
        self._complained.discard(peer)
        program = self.programs.pop(peer, None)
        if program and program not in self.programs.values():
            self._away.setdefault(program, now_ns)
        return []

    def on_garbage(self, peer: int, why: str) -> list[Effect]:
        """Something that isn't a message."""
        return self._complain(peer, why)

    def tick(self, now_ns: int) -> list[Effect]:
        """What time brings: acts that nobody answered, and what alarms wait for."""
        effects = self.alarms.tick(
            now_ns,
            is_recording=not self.why_not_recording,
            is_guard_here=self.is_guard_here,
            plc=self.plc,
            judgements=self.conditions.judgements,
            summaries=self.summaries,
            is_nearly_full=self.is_nearly_full,
            certificate_days=self.certificate_days,
        )
        for asked in self.acts.overdue(now_ns):
            away = "isn't running" if not self.is_guard_here else "doesn't answer within 2 s"
            effects += self._conclude(
                asked,
                {"ok": False, "refused": f"the guard {away}", "remedy": "See: jidoka status. Use the machine's own stop."},
            )  # fmt: skip
        return self.lists.gather(effects)

    def _condition(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        del now_ns, peer
        body = self.conditions.change(Condition.unpack(message.body))
        return [] if body is None else [Record(EntryKind.CONDITION, body, is_urgent=True)]

    def _decisions(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        del now_ns, peer
        index, rows = unpack_decisions(message.body)
        model = self.plan.models[index].id
        self.labels.rows(model, rows)
        return [Rows(model, rows)]

    def _summary(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        del peer
        body = message.json()
        model = str(body["model"])
        if model not in self.counters.models:
            raise KeyError(model)
        self.summaries[model] = body
        self.inventory.summary(body)
        body.pop("application", None)
        self.alarms.heard(model, now_ns)
        self.conditions.went_on(model, int(body.get("last_part") or 0))
        return [Live("health", body)]

    def _sketch(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        del now_ns, peer
        body = message.json()
        if body["model"] not in self.counters.models:
            raise KeyError(body["model"])
        return [Record(EntryKind.SKETCH, body)]

    def _counters(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        body = message.json()
        self.counters.take(body)
        program = str(body.get("program", ""))
        return self._shows(peer, program, now_ns) if peer >= 0 and program in PEERS else []

    def _event(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        del peer
        body = message.json()
        kind = EVENT_KINDS.get(str(body.get("kind")))
        if body.get("kind") == "known answers" and body["model"] in self.counters.models:
            self.known_answers[body["model"]] = {**body, "ns": now_ns}
        if kind is None:
            body = {
                **body,
                "what": "event",
                "refused": f"events of kind {body.get('kind')!r} have no place of their own",
            }
            return [Record(EntryKind.REFUSAL, body)]
        defaults = {
            "what": str(body.get("what") or body.get("text", "")),
            "refused": str(body.get("text", "")),
        }
        return [Record(kind, {**defaults, **body} if kind in _NEED_WHAT else body)]

    def _act(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        body = message.json()
        if message.kind is Kind.ACKNOWLEDGE and "list" in body:
            return self._act_on_list(now_ns, peer, body)
        return self._act_on_one(now_ns, peer, message.kind, body)

    def _act_on_list(self, now_ns: int, peer: int, body: dict[str, Any]) -> list[Effect]:
        """Each entry is an acknowledgement of its own; one answer comes when all are decided."""
        try:
            items = items_of(body)
            self.lists.begin(peer, str(body.get("request", "")), items)
        except ValueError as error:
            asked = Asked(peer, Kind.ACKNOWLEDGE, {**body, "cause": None, "revision": None}, 0)
            return self._conclude(
                asked, {"ok": False, "refused": str(error), "remedy": "See: jidoka ack --help"}
            )
        return [effect for item in items for effect in self._act_on_one(now_ns, peer, Kind.ACKNOWLEDGE, item)]

    def _act_on_one(self, now_ns: int, peer: int, kind: Kind, body: dict[str, Any]) -> list[Effect]:
        if self.why_not_recording and kind in acts.NEED_RECORD:
            refused = f"it couldn't be recorded: {self.why_not_recording}"
            asked = Asked(peer, kind, body, 0)
            return self._conclude(asked, {"ok": False, "refused": refused, "remedy": self.remedy})
        if kind is Kind.ACKNOWLEDGE:
            asked = Asked(peer, kind, body, 0)
            decided = self.alarms.before_guard(
                now_ns, peer, body,
                lambda why, remedy: self._conclude(asked, {"ok": False, "refused": why, "remedy": remedy}),
            )  # fmt: skip
            if decided is not None:
                return decided
        known = self.acts.ask(now_ns, peer, kind, body)
        if known is None:
            refused = "it has no request id, or one that is under way"
            asked = Asked(peer, kind, body, 0)
            return self._conclude(asked, {"ok": False, "refused": refused, "remedy": "Use a new random id."})
        return self._pass_on(known)

    def _alarm_act(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        why = f"it couldn't be recorded: {self.why_not_recording}" if self.why_not_recording else ""
        return self.alarms.act(now_ns, peer, message.kind, message.json(), (why, self.remedy))

    def _label(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        """Somebody says whether a model was right: recorded beside what it said, or refused."""
        body = message.json()
        entry, refused, remedy = acts.labelled(body), "", ""
        model, role = str(body.get("model", "")), entry["role"]
        told: list[dict[str, Any]] = []
        if self.why_not_recording:
            refused, remedy = f"it couldn't be recorded: {self.why_not_recording}", self.remedy
        elif not is_entitled(role, "label"):
            refused, remedy = f"the role {role!r} may not label", "Act in a role that may."
        elif model not in self.labels.words:
            refused = f"there is no model {model!r}"
            remedy = f"Use one of: {', '.join(self.labels.words)}."
        else:
            try:
                found = labels_of(body, self.labels.words[model])
                told = [self.labels.join(model, each, now_ns) for each in found]
            except ValueError as error:
                refused, remedy = str(error), "See: jidoka label --help"
        reply = {"request": entry["request"], "ok": not refused, "refused": refused, "remedy": remedy}
        if refused:
            value = {"what": "label", "refused": refused, "remedy": remedy, **entry}
            return [Record(EntryKind.REFUSAL, value), Reply(peer, {**reply, "value": {}})]
        value = {"act": "label", **entry, "model": model, "labels": told}
        return [
            Record(EntryKind.ACT, value, is_urgent=True),
            Reply(peer, {**reply, "value": {"labels": told}}),
        ]

    def _pass_on(self, asked: Asked) -> list[Effect]:
        if not self.is_guard_here:
            return []
        asked.was_sent = True
        return [ToGuard(asked.kind, acts.for_guard(asked.body))]

    def _conclude(self, asked: Asked, answer: dict[str, Any]) -> list[Effect]:
        """The act is decided: record it, tell who asked."""
        entry, secret = acts.recorded(asked, self._seal)
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
        return [
            record,
            Reply(asked.peer, reply, is_after_record=is_granted and asked.kind in acts.NEED_RECORD),
        ]

    # ------------------------------------------------------------ small parts

    def _handled(self, peer: int, message: Message, handle: Callable[[], list[Effect]]) -> list[Effect]:
        """What a malformed message costs: a recorded refusal, never the steward."""
        try:
            return self.lists.gather(handle())
        except (MessageError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            return self._complain(peer, f"{message.kind.name} can't be used: {type(error).__name__}: {error}")

    def _complain(self, peer: int, why: str) -> list[Effect]:
        """Record that a message was refused: once a connection, for a flood must not fill the disk."""
        if peer in self._complained:
            return []
        self._complained.add(peer)
        program = "guard" if peer < 0 else self.programs.get(peer, "somebody")
        return [Record(EntryKind.REFUSAL, {"what": "message", "refused": f"{program}: {why}"})]

    def _shows(self, peer: int, program: str, now_ns: int) -> list[Effect]:
        if self.programs.get(peer) == program:
            return []
        self.programs[peer] = program
        return self._back(program, now_ns)

    def _back(self, program: str, now_ns: int) -> list[Effect]:
        away_ns = self._away.pop(program, None)
        if away_ns is None:
            return []
        text = f"The {program} was away for {(now_ns - away_ns) / 1e9:.1f} s."
        return [
            Record(EntryKind.ABSENCE, {"what": program, "text": text, "from_ns": away_ns, "to_ns": now_ns})
        ]


_NEED_WHAT = frozenset({EntryKind.REFUSAL, EntryKind.LOSS, EntryKind.ABSENCE})


def _override_act(body: dict[str, Any], was: Any) -> str:
    """start, repeat or end of an override; empty for every other transition."""
    before, after = body.get("from", was), body.get("to")
    if after == "OVERRIDE":
        if before != "OVERRIDE":
            return "start"
        return "repeat" if "override repeat" in str(body.get("event")) else ""
    return "end" if before == "OVERRIDE" else ""
