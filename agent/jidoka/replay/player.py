"""Plays a recording into a monitor's core: of the plan that was recorded, or of another one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jidoka_bridge import plan as plans
from jidoka_bridge.errors import InputError
from jidoka_bridge.messages import Decision, Judgement, PlcStatus
from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from jidoka.monitor.core import Baselines, Monitor
from jidoka.monitor.trace import DECISION, FORMAT, NO_MODEL, Event, Kind
from jidoka.replay.outcome import Causes, Change, Outcome

#: ties are broken by chance: a recording that began late has no seed, and gets this one
SEED = 1


@dataclass(frozen=True)
class Start:
    """What the monitor was when the recording began. seed: None = it had judged records before."""

    plan: Plan
    seed: int | None
    created_ns: int
    baselines: Mapping[str, Sequence[str]]


def start_of(event: Event) -> Start:
    """The first event of a recording. Raises InputError if it isn't one."""
    remedy = "Replay it with the version that recorded it."
    if event.kind is not Kind.START:
        raise InputError("the recording doesn't begin with a start", "Its beginning is missing: record anew.")
    try:
        body: dict[str, Any] = json.loads(event.body)
        if body["format"] != FORMAT:
            raise InputError(
                f"the recording has format {body['format']}, this program reads {FORMAT}", remedy
            )
        seed = body["seed"]
        return Start(
            plans.parse(body["plan"]),
            None if seed is None else int(seed),
            int(body["created_ns"]),
            body["baselines"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the recording's start can't be understood: {error}", remedy) from None


class Player:
    """A monitor of a plan that gets recorded events. names: of the recording's models, by their index there."""

    def __init__(self, plan: Plan, monitor: Monitor, names: Sequence[str]) -> None:
        self.monitor = monitor
        self.names = names
        self.outcome = Outcome()
        self._causes = Causes(plan)
        self._expected: dict[str, Decision] = {}
        self._take: dict[Kind, Callable[[str, Event], None]] = {
            Kind.START: lambda *_: None,
            Kind.CONNECTED: self._connected,
            Kind.GONE: lambda name, _: monitor.tap_gone(name),
            Kind.BEAT: lambda name, event: monitor.tap_beat(name, event.ns),
            Kind.REFUSED: lambda name, _: monitor.tap_refused(name),
            Kind.SECOND_WRITER: self._second_writer,
            Kind.RECORD: self._record,
            Kind.JUDGED: self._judged,
            Kind.PLC_STATUS: self._status,
            Kind.GUARD_GONE: lambda *_: monitor.guard_gone(),
            Kind.TICK: lambda _, event: monitor.tick(event.ns),
        }

    def take(self, event: Event) -> None:
        """One event, in its order."""
        outcome = self.outcome
        outcome.dropped = event.dropped
        if event.ns:
            outcome.seen(event.ns)
        name = self.names[event.model] if event.model != NO_MODEL and event.model < len(self.names) else ""
        if event.model != NO_MODEL and name not in self.monitor.models:
            outcome.left_out += event.kind is Kind.RECORD
            return
        try:
            self._take[event.kind](name, event)
        except (wire.WireError, ValueError, KeyError) as error:
            raise InputError(
                f"the recording holds an event that can't be read: {error}",
                "It was written by another version.",
            ) from None
        self._tell(event.ns)

    def _tell(self, now_ns: int) -> None:
        for index in self.monitor.take_changed():
            state = self.monitor.conditions[index]
            self.outcome.changes.append(
                Change(state.id, state.judgement, now_ns, self.outcome.records, dict(state.evidence))
            )
            self._causes.condition(state.id, state.judgement is Judgement.ON)
        self.outcome.acts += self._causes.due(now_ns, self.outcome.records)

    def _connected(self, name: str, event: Event) -> None:
        self.monitor.tap_connected(name, json.loads(event.body), event.ns)

    def _second_writer(self, name: str, event: Event) -> None:
        self.monitor.second_writer(name, json.loads(event.body), event.ns)

    def _record(self, name: str, event: Event) -> None:
        if self.monitor.models[name].extractor is None:
            self.outcome.left_out += 1  # its HELLO was dropped
            return
        row = self.monitor.record(name, wire.unpack_record(memoryview(event.body)), event.ns)
        self.outcome.judged(name, row)
        self._expected[name] = row
        self.monitor.take_rows(event.ns, 0)  # nobody keeps them here

    def _judged(self, name: str, event: Event) -> None:
        self.outcome.compare(name, DECISION.unpack(event.body), self._expected.pop(name, None))

    def _status(self, name: str, event: Event) -> None:
        del name
        self.monitor.plc_status(PlcStatus.unpack(event.body), event.ns)


def play(events: Iterable[Event], start: Start, plan: Plan, baselines: Baselines) -> Outcome:
    """What a monitor of this plan and these baselines makes of a recording's events (those behind its start).

    With the recording's own plan and baselines, and a recording that began with the monitor, each row is what the live
    monitor answered, bit for bit; `Outcome.differing` counts those that aren't. Raises InputError.
    """
    seed = SEED if start.seed is None else start.seed
    monitor = Monitor(plan, baselines, seed, start.created_ns)
    player = Player(plan, monitor, [model.id for model in start.plan.models])
    for event in events:
        player.take(event)
    return player.outcome
