"""Where alarms meet the steward: what is annunciated becomes entries and answers, and the steward's own sight becomes facts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jidoka_bridge.messages import Kind, PlcStatus
from jidoka_bridge.plan import Plan

from jidoka.alarms.acting import BULK
from jidoka.alarms.until import Clock
from jidoka.steward import alarm_acts
from jidoka.steward.acts import Asked, Seal
from jidoka.steward.annunciator import Annunciator, Facts
from jidoka.steward.effects import Effect, Live, Record, Reply
from jidoka.steward.ledger.format import Entry
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.own_alarms import GUARD_START_NS, SILENT_NS, START_NS
from jidoka.steward.surroundings import facts_of_plc, statistics_of

#: how often alarms are looked at for what time brings
TICK_NS = 100_000_000

#: acts that silence an alarm, whose free words the list shows
SILENCES = frozenset({"shelve", "out of service"})

#: an act that is refused → effects: recorded, and told to whoever asked
Refuse = Callable[[str, str], list[Effect]]


class AlarmDesk:
    """Alarms as the steward's core uses them. wall_offset_ns: wall clock less CLOCK_MONOTONIC, as the shell last saw it."""

    def __init__(self, plan: Plan, seal: Seal) -> None:
        self.annunciator = Annunciator(plan)
        self.wall_offset_ns = 0
        self._models = frozenset(model.id for model in plan.models)
        self._seal = seal
        self._words: dict[str, tuple[str, str]] = {}  # alarm → commitment, words that were written freely
        self._began_ns: int | None = None
        self._heard_ns: dict[str, int] = {}
        self._next_ns = 0
        self._was_guard_here = False
        self._unwritten: set[str] = set()

    def restore(self, entry: Entry, body: Mapping[str, Any], is_this_boot: bool) -> None:
        """An alarm entry of the ledger."""
        self.annunciator.restore_alarm(body, Clock(entry.monotonic_ns, entry.wall_ns), is_this_boot)

    def restore_flood(self, entry: Entry, body: Mapping[str, Any], is_this_boot: bool) -> None:
        """A flood entry of the ledger."""
        self.annunciator.restore_flood(body, Clock(entry.monotonic_ns, entry.wall_ns), is_this_boot)

    def restore_act(self, body: Mapping[str, Any]) -> None:
        """An act of the ledger: what somebody wrote freely when he silenced an alarm."""
        if body["act"] in SILENCES:
            self._words[str(body["cause"])] = (str(body.get("commitment") or ""), "")

    def begin(self, now_ns: int, wall_ns: int) -> list[Effect]:
        """Everything that the ledger remembers was restored."""
        self.wall_offset_ns = wall_ns - now_ns
        self._began_ns = now_ns
        return self._told(self.annunciator.begin(self._clock(now_ns)))

    # ------------------------------------------------------------ what comes in

    def guard_connected(self, now_ns: int) -> None:
        self._was_guard_here = True
        self.annunciator.guard_connected(self._clock(now_ns))

    def cause(self, now_ns: int, body: dict[str, Any], reason: str) -> list[Effect]:
        """A record of the guard. Raises KeyError, TypeError or ValueError if it is none."""
        cause, alarms = self.annunciator.take(body, reason, self._clock(now_ns))
        record: list[Effect] = [] if cause is None else [Record(EntryKind.CAUSE, cause, is_urgent=True)]
        return record + self._told(alarms)

    def transition(self, now_ns: int, body: Mapping[str, Any]) -> list[Effect]:
        """A refused command is an alarm; a slip with an acknowledgement is told to whoever made it."""
        if not body.get("refused") or "acknowledge" in str(body.get("event")):
            return []
        return self.refused_command(now_ns)

    def refused_command(self, now_ns: int, kind: str = "") -> list[Effect]:
        """Something was asked for and refused. kind: why a command from elsewhere was, each an alarm of its own."""
        return self._told(self.annunciator.refused_command(self._clock(now_ns), kind))

    def heard(self, model: str, now_ns: int) -> None:
        """A summary of this model's monitor came."""
        self._heard_ns[model] = now_ns

    def not_written(self, name: str) -> None:
        """An entry of this alarm found no room: it is written as it stands, once there is some."""
        self._unwritten.add(name)

    def tick(
        self, now_ns: int, *, is_recording: bool, is_guard_here: bool, plc: PlcStatus | None,
        judgements: Mapping[str, str], summaries: Mapping[str, Mapping[str, Any]], is_nearly_full: bool = False,
        certificate_days: float | None = None, findings: frozenset[str] = frozenset(),
    ) -> list[Effect]:  # fmt: skip
        """Ten times a second: the alarms' clocks, and what the steward sees of its surroundings."""
        if self._began_ns is None or now_ns < self._next_ns:
            return []
        self._next_ns = now_ns + TICK_NS
        unheard_ns = self._began_ns + START_NS - SILENT_NS  # after a start everybody gets longer
        silent = frozenset(
            model for model in self._models if now_ns - self._heard_ns.get(model, unheard_ns) > SILENT_NS
        )
        heard = frozenset(self._heard_ns) - silent
        is_starting = not self._was_guard_here and now_ns - self._began_ns < GUARD_START_NS
        statistics = statistics_of(summaries)
        facts = Facts(
            is_recording,
            is_guard_here or is_starting,
            silent,
            heard,
            facts_of_plc(plc),
            judgements,
            statistics,
            is_nearly_full,
            certificate_days,
            findings,
        )
        told = self._told(self.annunciator.tick(facts, self._clock(now_ns)))
        if is_recording and self._unwritten:
            lost, self._unwritten = sorted(self._unwritten), set()
            told += self._told(self.annunciator.again(lost))
        return told

    # ------------------------------------------------------------ what people do

    def before_guard(
        self, now_ns: int, peer: int, body: dict[str, Any], refuse: Refuse
    ) -> list[Effect] | None:
        """An acknowledgement that the steward decides, or the table refuses; None: the guard is to be asked."""
        act = alarm_acts.act_of(Kind.ACKNOWLEDGE, body)
        if act.is_remote or act.alarm in BULK or not self.annunciator.is_guards(act):
            return self.act(now_ns, peer, Kind.ACKNOWLEDGE, body)
        refused, remedy, _ = self.annunciator.may_ask_guard(act)
        return refuse(refused, remedy) if refused else None

    def guard_agreed(self, now_ns: int, asked: Asked) -> list[Effect]:
        """The guard granted an acknowledgement."""
        act = alarm_acts.act_of(asked.kind, asked.body)
        return self._told(self.annunciator.guard_agreed(act, self._clock(now_ns)))

    def act(
        self,
        now_ns: int,
        peer: int,
        kind: Kind,
        body: dict[str, Any],
        why_not_recording: tuple[str, str] = ("", ""),
    ) -> list[Effect]:
        """An act that the alarm table decides: recorded either way, and answered once the record is on the disk.

        why_not_recording: why and what to do; empty while recording. Raises KeyError or ValueError if it is no act.
        """
        act = alarm_acts.act_of(kind, body)
        entry, secret = alarm_acts.recorded(act, body, self._seal)
        refused, remedy = why_not_recording
        told: list[Effect] = []
        if not refused:
            (refused, remedy, _), bodies = self.annunciator.act(act, self._clock(now_ns))
            told = self._told(bodies)
        answer = {
            "request": entry["request"],
            "ok": not refused,
            "refused": refused,
            "remedy": remedy,
            "value": {},
        }
        if refused:
            value = {"what": act.kind, "refused": refused, "remedy": remedy, **entry}
            return [Record(EntryKind.REFUSAL, value, is_urgent=True, secret=secret), Reply(peer, answer)]
        if act.kind in SILENCES:
            self._words[act.alarm] = (str(entry["commitment"]), str(body.get("text") or ""))
        value = {"act": act.kind, **entry, "is_remote": act.is_remote}
        record = Record(EntryKind.ACT, value, is_urgent=True, secret=secret)
        return [record, *told, Reply(peer, answer, is_after_record=True)]

    def load(self, now_ns: int) -> dict[str, Any]:
        """What the alarms ask of people (ISA-18.2)."""
        return self.annunciator.shown.load(self._clock(now_ns))

    def commitments(self) -> dict[str, str]:
        """Alarm → commitment of what somebody wrote freely when he silenced it."""
        return {name: commitment for name, (commitment, _) in self._words.items() if commitment}

    def reveal(self, texts: Mapping[str, str]) -> None:
        """texts: commitment → what the side file still has of it. What was erased there isn't shown any more."""
        for name, commitment in self.commitments().items():
            self._words[name] = (commitment, texts.get(commitment, ""))

    @property
    def withheld(self) -> list[dict[str, Any]]:
        """Alarms that are silent, with what was written freely about it: for people at this device only, never recorded."""
        return [
            # a rule of the plan wrote nothing: what is kept is of a shelf that ended
            {**each, "written": self._words.get(each["id"], ("", ""))[1] if each["state"] != "F" else ""}
            for each in self.annunciator.shown.withheld
        ]

    # ------------------------------------------------------------ small parts

    def _told(self, bodies: list[dict[str, Any]]) -> list[Effect]:
        """Record what happened to alarms, a flood that began or ended, and tell the list."""
        floods = self.annunciator.take_floods()
        if not bodies and not floods:
            return []
        entries: list[Effect] = [Record(EntryKind.ALARM, body, is_urgent=True) for body in bodies]
        entries += [Record(EntryKind.FLOOD, body, is_urgent=True) for body in floods]
        return [*entries, Live("alarms", self.annunciator.shown.summary)]

    def _clock(self, now_ns: int) -> Clock:
        return Clock(now_ns, now_ns + self.wall_offset_ns)
