"""Alarms for people: feeds the alarm table with causes, conditions, acts and time; says what to record and to tell. Pure.

The guard's causes are the guard's, and an alarm of the trip class follows from them. What lasts of the other alarms
(state, acknowledgement, shelf, permit) lives in the ledger's alarm entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from jidoka_bridge.plan import Plan
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

from jidoka.alarms.acts import SHELF_NS, Act, Site
from jidoka.alarms.alarm import Seen
from jidoka.alarms.causes import Cause
from jidoka.alarms.changes import Acted, Change
from jidoka.alarms.core import Alarms
from jidoka.alarms.definition import SECOND_NS, Definition
from jidoka.alarms.facts import (
    CHATTERING,
    GUARD_AWAY,
    MONITOR_SILENT,
    NEARLY_FULL,
    NOT_RECORDING,
    REFUSED_COMMAND,
)
from jidoka.alarms.flood import Turn
from jidoka.alarms.record import chatter_of, recorded
from jidoka.alarms.table import IS_ACTIVE, Annunciation, Event, State
from jidoka.alarms.until import Clock
from jidoka.steward import own_alarms, risks
from jidoka.steward.alarm_lists import AlarmLists
from jidoka.steward.alarm_memory import AlarmMemory, Entry
from jidoka.steward.causes_told import CausesTold

_QUALITY = frozenset({Event.NO_DATA, Event.DATA_BACK})


class Facts(NamedTuple):
    """What the steward sees beside causes. silent: models whose monitor isn't heard; heard: that were heard; rules: what the plan's rules of
    suppression may name, None while nobody knows; statistics: model → (value, limit) of its drift detector;
    certificate_days: until the first certificate of the way to the broker ends, None without one."""

    is_recording: bool
    is_guard_here: bool
    silent: frozenset[str]
    heard: frozenset[str]
    rules: frozenset[str] | None
    judgements: Mapping[str, str]
    statistics: Mapping[str, tuple[float, float]]
    is_nearly_full: bool = False
    certificate_days: float | None = None
    findings: frozenset[str] = frozenset()


class Annunciator:
    """Causes as the guard last told them, and all alarms."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        section = (plan.sections.get("alarms") or {}).get("shelve") or {}
        longest_ns = round(float(section.get("at_most_s") or SHELF_NS / SECOND_NS) * SECOND_NS)
        site = Site(ACKNOWLEDGE_REASONS, longest_ns, bool(section.get("is_local", False)))
        self._alarms = Alarms(own_alarms.definitions(plan), site)
        self._own = frozenset(self._alarms.definitions)
        self._observing = own_alarms.observing(plan)
        observing = {spec.id for spec in self._observing}
        self._by_sight = sorted(self._own - observing)  # what the steward sees by itself
        self._promises = own_alarms.promises(plan)
        self._told = CausesTold(plan, self._own, observing)
        self._memory = AlarmMemory(self._alarms)
        self.causes = self._told.bodies
        self.shown = AlarmLists(self._alarms, self.causes, self._own)

    # ------------------------------------------------------------ what the ledger remembers

    def restore_cause(self, body: Mapping[str, Any]) -> None:
        """A cause entry of the ledger."""
        cause = self._told.restore(body)
        self._alarms.causes[cause.id] = cause

    def restore_alarm(self, body: Mapping[str, Any], written: Clock, is_this_boot: bool) -> None:
        """An alarm entry of the ledger; the last one of each alarm counts."""
        self._memory.alarm(Entry(body, written, is_this_boot))

    def restore_start(self, wall_ns: int) -> None:
        """A boot entry of the ledger: since the first one somebody would have been called."""
        self._memory.start(wall_ns)

    def restore_flood(self, body: Mapping[str, Any], written: Clock, is_this_boot: bool) -> None:
        """A flood entry of the ledger; the last one counts."""
        self._memory.flood(Entry(body, written, is_this_boot))

    def begin(self, now: Clock) -> list[dict[str, Any]]:
        """Everything was restored. Returns alarm entries of what couldn't be read, or is worse by the plan of now."""
        return self._entries(self._memory.give(self._know, now))

    def _know(self, name: str, body: Mapping[str, Any]) -> None:
        """An alarm of an entry is known again; the guard's by its entry's own words."""
        if name not in self._own:
            self._alarms.define(self._definition(name, body))
            self._told.expect(name)

    def take_floods(self) -> list[dict[str, Any]]:
        """Bodies of flood entries since the last call: a flood began, or ended."""
        turns, self._alarms.turns = self._alarms.turns, []
        return [
            {
                "event": "begins" if turn.begins else "ends",
                "text": _flood_text(turn),
                "since_ns": turn.since_ns,
                "count": turn.recent,
                "alarms": turn.alarms,
            }
            for turn in turns
        ]

    # ------------------------------------------------------------ what comes in

    def guard_connected(self, now: Clock) -> None:
        """It will tell every cause that it knows."""
        self._told.connected(now)

    def take(
        self, body: dict[str, Any], reason: str, now: Clock
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """A CAUSE body → (body of a cause entry or None where it is no news, bodies of alarm entries).

        reason: code of the acknowledgement that led to it, if any. Raises KeyError, TypeError or ValueError if the
        body isn't a cause.
        """
        cause, told = Cause.from_message(body), self._told
        name, is_own = cause.id, cause.id in self._own
        if is_own and not told.is_left_over(cause):
            raise ValueError(f"{name!r} is an alarm of the steward's own")
        is_standing = not is_own and name in self._alarms.signals and self._alarms.signals[name].raw
        cause, is_judged = told.take(cause, body, now, is_standing=is_standing)
        entry = body if told.is_news(name, body) else None
        if is_own:
            return entry, []
        changes = self._alarms.follow(cause, self._definition(name, body), now, _seen(body, reason))
        has_data = body.get("quality", "good") == "good" and is_judged
        changes += self._alarms.data(name, has_data, now)
        return entry, self._entries(changes, body, reason)

    def tick(self, facts: Facts, now: Clock) -> list[dict[str, Any]]:
        """What the agent sees of itself and what time brings; bodies of alarm entries."""
        self._alarms.facts, self._told.judgements = facts.rules, facts.judgements
        changes = self._of_itself(facts, now) + self._of_rows(facts, now) + self._of_the_guard(facts, now)
        entries = [
            entry
            for name in self._told.judged_off
            for entry in self.take(self.causes[name], "", now)[1]
        ]  # fmt: skip
        return entries + self._entries(changes + self._alarms.tick(now))

    def _of_itself(self, facts: Facts, now: Clock) -> list[Change]:
        """What the steward sees by itself."""
        seen = {
            NOT_RECORDING: not facts.is_recording,
            GUARD_AWAY: not facts.is_guard_here,
            NEARLY_FULL: facts.is_nearly_full,
            **own_alarms.certificate_alarms(facts.certificate_days),
            **{name: name in facts.findings for name in self._promises},
            **{f"{MONITOR_SILENT}:{model.id}": model.id in facts.silent for model in self._plan.models},
        }
        changes = [change for name, is_on in seen.items() for change in self._alarms.read(name, is_on, now)]
        return changes + [change for name in self._by_sight for change in self._alarms.data(name, True, now)]

    def _of_rows(self, facts: Facts, now: Clock) -> list[Change]:
        """Rows that only observe follow the monitor's conditions."""
        alarms, changes = self._alarms, list[Change]()
        for spec in self._observing:
            models = {each.model for each in self._plan.conditions if each.id in spec.any_of + spec.all_of}
            value, limit = next(
                (facts.statistics[each] for each in models if each in facts.statistics), (None, None)
            )
            status = risks.status_of(spec, facts.judgements)
            if status != risks.UNKNOWN:  # else it stays as it is: not known isn't gone
                changes += alarms.read(spec.id, status == risks.ON, now, value, limit)
            if models & facts.silent:
                changes += alarms.data(spec.id, False, now)
            elif models <= facts.heard:
                changes += alarms.data(spec.id, True, now)
        return changes

    def _of_the_guard(self, facts: Facts, now: Clock) -> list[Change]:
        """What the guard would tell if it were here, and what it doesn't know any more."""
        alarms, changes = self._alarms, list[Change]()
        if not facts.is_guard_here:
            self._told.went_away()
            # back, it has told everything anew, long before the alarm of its absence goes
            if alarms.alarms[GUARD_AWAY].below in IS_ACTIVE:
                changes += [
                    change for name in self._told.all_of_guard for change in alarms.data(name, False, now)
                ]
        for name in self._told.now_forgotten(now):
            changes += alarms.forget(name, now)
        return changes

    def again(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Bodies of alarm entries as these alarms stand: their last ones are in no ledger."""
        alarms = [self._alarms.alarms[name] for name in names]
        return self._entries(Change(each, each.state, (), Annunciation.LOG, False) for each in alarms)

    def refused_command(self, now: Clock, kind: str = "") -> list[dict[str, Any]]:
        """A command or a reset was refused; bodies of alarm entries. kind: why one from elsewhere was."""
        name = f"{REFUSED_COMMAND}:{kind}" if kind else REFUSED_COMMAND
        return self._entries(self._alarms.pulse(name if name in self._own else REFUSED_COMMAND, now))

    # ------------------------------------------------------------ what people do

    def is_guards(self, act: Act) -> bool:
        """True if the guard decides about this acknowledgement."""
        return self._told.is_to_decide(act, self._alarms.causes.get(act.alarm))

    def may_ask_guard(self, act: Act) -> Acted:
        """What the table refuses before the guard is asked."""
        return self._alarms.may_ask_guard(act)

    def act(self, act: Act, now: Clock) -> tuple[Acted, list[dict[str, Any]]]:
        """Carry out an act, or say why not; bodies of alarm entries."""
        acted = self._alarms.act(act, now)
        return acted, self._entries(acted.changes)

    def guard_agreed(self, act: Act, now: Clock) -> list[dict[str, Any]]:
        """The guard granted an acknowledgement; bodies of alarm entries."""
        alarm = self._alarms.alarms.get(act.alarm)
        if alarm is not None and act.alarm in self._own and alarm.revision != act.revision:
            return []  # it was of what is left over of an earlier plan, and not of the alarm
        return self._entries(self._alarms.guard_agreed(act, now))

    # ------------------------------------------------------------ small parts

    def _definition(self, name: str, body: Mapping[str, Any]) -> Definition:
        """The alarm of a cause, in the guard's words and with the register's delays."""
        return Definition(
            name,
            str(body.get("priority", "low")),
            str(body.get("risk", "")),
            str(body.get("response", "")),
            str(body.get("text", "")),
            str(body.get("remedy", "")),
            **own_alarms.settings_of(name, self._plan),
            is_own=False,
        )

    def _entries(
        self, changes: Iterable[Change], body: Mapping[str, Any] | None = None, reason: str = ""
    ) -> list[dict[str, Any]]:
        """Bodies of alarm entries. body, reason: of the cause that led to them, and of its acknowledgement."""
        entries = []
        for change in changes:
            if change.alarm.state is State.NORMAL and change.events and set(change.events) <= _QUALITY:
                continue  # one that is normal only changes how it is drawn
            entry = recorded(change, self._alarms.definitions[change.alarm.id])
            if change.alarm.id == CHATTERING:
                entry["evidence"] = {"chattering": self._alarms.chattering}
            signal = self._alarms.signals[change.alarm.id]
            if signal.strikes and not change.alarm.is_trip:
                entry["chatter"] = chatter_of(signal)
            if body is not None:
                entry["since_ns"] = int(body.get("since_ns") or 0)
                entry["evidence"] = body.get("evidence") or {}
                if Event.ACKNOWLEDGE in change.events:
                    entry["person"], entry["reason"] = body.get("person"), reason
            entries.append(entry)
        return entries


def _seen(body: Mapping[str, Any], reason: str) -> Seen | None:
    """Who acknowledged, by the guard's record; of two the second."""
    who = body.get("second") or body.get("person")
    return Seen(str(who.get("role") or ""), str(who.get("pseudonym") or ""), reason) if who else None


def _flood_text(turn: Turn) -> str:
    if turn.begins:
        return f"{turn.recent} alarms in ten minutes: more than a person can follow. They are shown by priority, the first first."
    return f"The flood of {turn.alarms} alarms is over: {turn.recent} in the last ten minutes."
