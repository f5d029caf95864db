"""Alarms for people: feeds the alarm table with causes, conditions, acts and time; says what to record and to tell. Pure.

The guard's causes are the guard's, and an alarm of the trip class follows from them. What lasts of the other alarms
(state, acknowledgement, shelf, permit) lives in the ledger's alarm entries.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
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
from jidoka.alarms.record import chatter_of, here, past_of, recorded, restored
from jidoka.alarms.table import IS_ACTIVE, Annunciation, Event, State
from jidoka.alarms.until import Clock
from jidoka.steward import own_alarms, risks
from jidoka.steward.alarm_lists import AlarmLists

#: a cause is recorded again when one of these changed; its evidence alone may move every half second
RECORDED_FIELDS = ("active", "latched", "revision", "acknowledged_revision", "person", "quality", "trip")
_NOTHING_YET = {"active": False, "latched": False, "revision": 0, "quality": "good"}
#: how long after its connection the guard has told every cause that it knows
TOLD_NS = 10 * SECOND_NS
_QUALITY = frozenset({Event.NO_DATA, Event.DATA_BACK})
#: alarms of the last ten minutes that a restart needs, and no more: a flood is found by fewer
MOST_HEARD = 1000


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
        self.causes: dict[str, dict[str, Any]] = {}
        self._plan = plan
        section = (plan.sections.get("alarms") or {}).get("shelve") or {}
        longest_ns = round(float(section.get("at_most_s") or SHELF_NS / SECOND_NS) * SECOND_NS)
        site = Site(ACKNOWLEDGE_REASONS, longest_ns, bool(section.get("is_local", False)))
        self._alarms = Alarms(own_alarms.definitions(plan), site)
        self._own = frozenset(self._alarms.definitions)
        self.shown = AlarmLists(self._alarms, self.causes, self._own)
        self._observing = own_alarms.observing(plan)
        self._promises = own_alarms.promises(plan)
        self._by_sight = sorted(
            self._own - {spec.id for spec in self._observing}
        )  # what the steward sees by itself
        self._recorded: dict[str, dict[str, Any]] = {}
        self._kept: dict[str, tuple[Mapping[str, Any], Clock, bool]] = {}
        self._rows = {spec.id: spec for spec in plan.causes}
        self._judgements: Mapping[str, str] = {}
        self._unjudged: set[str] = set()  # told as gone by a guard that can't know it yet
        self._untold: set[str] = set()
        self._forgotten: set[str] = (
            set()
        )  # the guard knows them no more, so nobody but the steward can end them
        self._guard_since_ns: int | None = None
        self._heard: list[tuple[Clock, bool]] = []
        self._flood: tuple[Mapping[str, Any], Clock, bool] | None = None

    # ------------------------------------------------------------ what the ledger remembers

    def restore_cause(self, body: Mapping[str, Any]) -> None:
        """A cause entry of the ledger."""
        self._recorded[str(body["id"])] = {field: body.get(field) for field in RECORDED_FIELDS}
        cause = Cause.from_message(body)
        self._alarms.causes[cause.id] = cause

    def restore_alarm(self, body: Mapping[str, Any], written: Clock, is_this_boot: bool) -> None:
        """An alarm entry of the ledger; the last one of each alarm counts."""
        name = str(body["id"])
        self._kept[name] = (body, written, is_this_boot)
        events = body.get("events") or ()
        if Event.REALARM.value in events:
            self._alarms.load.called(name, written.wall_ns, bool(body.get("stale")))
        elif body.get("heard", body.get("sign") == "S"):
            self._alarms.load.came(name, str(body.get("priority", "low")), written.wall_ns)
            self._heard.append((written, is_this_boot))
            del self._heard[:-MOST_HEARD]

    def restore_start(self, wall_ns: int) -> None:
        """A boot entry of the ledger: since the first one somebody would have been called."""
        self._alarms.load.began(wall_ns)

    def restore_flood(self, body: Mapping[str, Any], written: Clock, is_this_boot: bool) -> None:
        """A flood entry of the ledger; the last one counts."""
        self._flood = (body, written, is_this_boot)

    def begin(self, now: Clock) -> list[dict[str, Any]]:
        """Everything was restored. Returns alarm entries of what couldn't be read, or is worse by the plan of now."""
        changes: list[Change] = []
        self._alarms.load.began(now.wall_ns)
        for name, (body, written, is_this_boot) in self._kept.items():
            if name not in self._own:
                self._alarms.define(self._definition(name, body))
                self._untold.add(name)
            try:
                past = past_of(body, written, is_this_boot, now)
                self._alarms.restore(restored(body, written, is_this_boot, now), past)
                changes += self._alarms.regraded(name, now)
            except (LookupError, TypeError, ValueError, AttributeError):
                changes += self._alarms.restore_unknown(name, now)
        self._kept = {}
        self._restore_flood(now)
        return self._entries(changes)

    def _restore_flood(self, now: Clock) -> None:
        times = [here(written.ns, written, is_this_boot, now) for written, is_this_boot in self._heard]
        self._heard = []
        since_ns = alarms = 0
        if self._flood is not None:
            body, written, is_this_boot = self._flood
            # one that can't be read is none: what comes begins it anew, with the alarms of the last minutes
            with contextlib.suppress(LookupError, TypeError, ValueError, ArithmeticError):
                if body["event"] == "begins":
                    since_ns, alarms = (
                        here(int(body["since_ns"]), written, is_this_boot, now),
                        int(body["alarms"]),
                    )
            alarms = max(alarms, sum(ns >= since_ns for ns in times)) if since_ns else 0
        self._alarms.flood.restore(times, since_ns, alarms)

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
        self._guard_since_ns = now.ns

    def take(
        self, body: dict[str, Any], reason: str, now: Clock
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """A CAUSE body → (body of a cause entry or None where it is no news, bodies of alarm entries).

        reason: code of the acknowledgement that led to it, if any. Raises KeyError, TypeError or ValueError if the
        body isn't a cause.
        """
        cause = Cause.from_message(body)
        is_own = cause.id in self._own
        if is_own and not self._is_left_over(cause):
            raise ValueError(f"{cause.id!r} is an alarm of the steward's own")
        self.causes[cause.id] = body
        is_news = self._is_news(cause.id, body)
        if is_own:
            return (body if is_news else None), []
        self._untold.discard(cause.id)
        self._forgotten.discard(cause.id)
        is_unjudged = self._is_unjudged(cause, now)
        if is_unjudged:
            self._unjudged.add(cause.id)
            cause = replace(cause, is_active=True)
        else:
            self._unjudged.discard(cause.id)
        changes = self._alarms.follow(cause, self._definition(cause.id, body), now, _seen(body, reason))
        has_data = body.get("quality", "good") == "good" and not is_unjudged
        changes += self._alarms.data(cause.id, has_data, now)
        return (body if is_news else None), self._entries(changes, body, reason)

    def tick(self, facts: Facts, now: Clock) -> list[dict[str, Any]]:
        """What the agent sees of itself and what time brings; bodies of alarm entries."""
        alarms = self._alarms
        alarms.facts = facts.rules
        self._judgements = facts.judgements
        changes = alarms.read(NOT_RECORDING, not facts.is_recording, now)
        changes += alarms.read(GUARD_AWAY, not facts.is_guard_here, now)
        changes += alarms.read(NEARLY_FULL, facts.is_nearly_full, now)
        for name, is_near in own_alarms.certificate_alarms(facts.certificate_days).items():
            changes += alarms.read(name, is_near, now)
        for name in self._promises:
            changes += alarms.read(name, name in facts.findings, now)
        for model in self._plan.models:
            name = f"{MONITOR_SILENT}:{model.id}"
            changes += alarms.read(name, model.id in facts.silent, now)
        for name in self._by_sight:
            changes += alarms.data(name, True, now)
        changes += self._of_rows(facts, now)
        if not facts.is_guard_here:
            self._guard_since_ns = None  # what it has not told isn't gone: it tells when it is back
        # back, it has told everything anew, long before the alarm of its absence goes
        is_away = not facts.is_guard_here and alarms.alarms[GUARD_AWAY].below in IS_ACTIVE
        for name in sorted(self._untold.union(self.causes) - self._own) if is_away else ():
            changes += alarms.data(name, False, now)
        if self._untold and self._guard_since_ns is not None and now.ns - self._guard_since_ns > TOLD_NS:
            for name in sorted(self._untold):
                changes += alarms.forget(name, now)
            self._forgotten |= self._untold
            self._untold = set()
        judged = [name for name in sorted(self._unjudged) if self._is_judged_off(name)]
        entries = [entry for name in judged for entry in self.take(self.causes[name], "", now)[1]]
        return entries + self._entries(changes + alarms.tick(now))

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
        """True if the guard decides about this acknowledgement: it knows the alarm's cause, and has something of it to
        acknowledge. What was called again here, being stale or at the end of a shelf, is over there once it is gone."""
        name, cause = act.alarm, self._alarms.causes.get(act.alarm)
        if name in self._own and name in self.causes and act.kind == "acknowledge":
            left = Cause.from_message(self.causes[name])
            return left.is_latched and not left.is_acknowledged and left.revision == act.revision
        if name in self._own or name in self._forgotten:
            return False
        if cause is None or cause.is_trip or act.kind != "acknowledge":
            return True
        return cause.is_active or cause.is_latched or not cause.is_acknowledged

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

    def _is_unjudged(self, cause: Cause, now: Clock) -> bool:
        """A guard that starts anew tells of a row as if it were gone until the monitor has judged it: that isn't gone."""
        is_told_anew = self._guard_since_ns is not None and now.ns - self._guard_since_ns <= TOLD_NS
        is_standing = cause.id in self._alarms.signals and self._alarms.signals[cause.id].raw
        if cause.is_active or cause.is_trip or not is_standing or cause.id not in self._rows:
            return False
        return (is_told_anew or cause.id in self._unjudged) and not self._is_judged_off(cause.id)

    def _is_judged_off(self, name: str) -> bool:
        return risks.status_of(self._rows[name], self._judgements) == risks.OFF

    def _is_left_over(self, cause: Cause) -> bool:
        """A row that only observes now tripped under an earlier plan: its alarm is its condition's, and a reset still waits
        for an acknowledgement of what tripped."""
        is_observing = any(spec.id == cause.id for spec in self._observing)
        return is_observing and (cause.is_latched or cause.id in self.causes)

    def _is_news(self, name: str, body: Mapping[str, Any]) -> bool:
        """Whether a cause is recorded again."""
        fields = {field: body.get(field) for field in RECORDED_FIELDS}
        if self._recorded.get(name) == fields:
            return False
        if name not in self._recorded and all(
            body.get(key, value) == value for key, value in _NOTHING_YET.items()
        ):
            return False
        self._recorded[name] = fields
        return True

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
