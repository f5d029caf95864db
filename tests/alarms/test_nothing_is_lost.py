"""Whatever happens, in whatever order, with restarts between: no alarm that nobody saw is silent for good."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jidoka.alarms.acts import SHIFT_NS, Act, Site
from jidoka.alarms.changes import Change
from jidoka.alarms.core import Alarms
from jidoka.alarms.definition import HOUR_NS, MINUTE_NS, SECOND_NS, Definition
from jidoka.alarms.record import recorded, restored
from jidoka.alarms.table import IS_ACTIVE, UNACKNOWLEDGED, WITHHELD, Annunciation, Event, State
from jidoka.alarms.until import Clock

NAMES = ("R-05", "R-06")
DEFINITIONS = [
    Definition("R-05", "low", off_delay_ns=0, suppressed_while=("changeover",)),
    Definition("R-06", "high"),
]
SITE = Site(("other",))
LONGEST_SILENCE_NS = {State.SHELVED: SHIFT_NS, State.OUT_OF_SERVICE: 2 * HOUR_NS}

names = st.sampled_from(NAMES)
STEPS = st.one_of(
    st.tuples(st.just("read"), names, st.booleans()),
    st.tuples(st.just("act"), names, st.sampled_from(
        ("acknowledge", "unacknowledge", "shelve", "unshelve", "out of service", "back in service")
    )),
    st.tuples(st.just("wait"), st.sampled_from((SECOND_NS, MINUTE_NS, HOUR_NS, 9 * HOUR_NS)), st.just(0)),
    st.tuples(st.just("step of the clock"), st.sampled_from((-HOUR_NS, 5 * SECOND_NS, HOUR_NS)), st.just(0)),
    st.tuples(st.just("rule"), st.booleans(), st.just(0)),
    st.tuples(st.just("severity"), names, st.sampled_from(("low", "medium", "high"))),
    st.tuples(st.just("data"), names, st.booleans()),
    st.tuples(st.just("restart"), st.booleans(), st.just(0)),
)  # fmt: skip


@dataclass
class Life:
    """Drives the core, keeps what a ledger would, and follows each alarm with a few facts of its own."""

    alarms: Alarms = field(default_factory=lambda: Alarms(DEFINITIONS, SITE))
    now: Clock = field(default_factory=lambda: Clock(1, 10**18))
    ledger: dict[str, tuple[dict[str, Any], Clock]] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    silent_ns: dict[str, int] = field(default_factory=dict)

    def take(self, changes: list[Change]) -> None:
        for change in changes:
            name, events = change.alarm.id, set(change.events)
            body = recorded(change, self.alarms.definitions[name])
            self.ledger[name] = (json.loads(json.dumps(body)), self.now)
            if Event.TRUE in events and change.was not in {State.ACTIVE, State.ACKNOWLEDGED}:
                self.unseen.add(name)
                is_loud = change.sign in {Annunciation.SOUND, Annunciation.FLASH}
                assert is_loud or change.was in WITHHELD, "it came, and nobody heard it"
            if change.act is not None and change.act.kind in {"acknowledge", "unshelve"}:
                self.unseen.discard(name)
            if change.alarm.state in {State.SHELVED, State.OUT_OF_SERVICE}:
                self.silent_ns.setdefault(name, self.now.ns)
            else:
                self.silent_ns.pop(name, None)

    def run(self, step: tuple[str, Any, Any]) -> None:
        kind, what, value = step
        if kind == "read":
            self.take(self.alarms.read(what, value, self.now))
        elif kind == "act":
            revision = self.alarms.alarms[what].revision
            act = Act(value, what, "operator", "s2", True, revision, "other", 2 * HOUR_NS, "P-1")
            before = dict(self.alarms.alarms)
            acted = self.alarms.act(act, self.now)
            assert not acted.refused or before == self.alarms.alarms
            self.take(acted.changes)
        elif kind == "wait":
            self.now = Clock(self.now.ns + what, self.now.wall_ns + what)
        elif kind == "step of the clock":
            self.now = Clock(self.now.ns, self.now.wall_ns + what)
        elif kind == "rule":
            self.alarms.facts = frozenset({"changeover"}) if what else frozenset()
        elif kind == "severity":
            self.take(self.alarms.severity(what, value, self.now))
        elif kind == "data":
            self.take(self.alarms.data(what, value, self.now))
        else:
            self.restart(is_same_boot=what)
        self.take(self.alarms.tick(self.now))
        self.take(self.alarms.tick(self.now))

    def restart(self, is_same_boot: bool) -> None:
        before, readings = dict(self.alarms.alarms), {n: s.raw for n, s in self.alarms.signals.items()}
        facts = self.alarms.facts
        if not is_same_boot:
            self.silent_ns = {}  # counted anew: the wall clock decides how much of it was spent
            self.now = Clock(5 * SECOND_NS, self.now.wall_ns + MINUTE_NS)
        told = list(self.alarms.definitions.values())  # whoever reads conditions tells their severity again
        self.alarms = Alarms(told, SITE)
        self.alarms.facts = facts
        for name, (body, written) in self.ledger.items():
            self.alarms.restore(restored(body, written, is_same_boot, self.now))
            self.take(self.alarms.severity(name, self.alarms.definitions[name].priority, self.now))
            was, found = before[name], self.alarms.alarms[name]
            assert (found.state, found.below, found.revision) == (was.state, was.below, was.revision)
            assert (found.seen, found.priority, found.count) == (was.seen, was.priority, was.count)
            assert found.acknowledged_revision == was.acknowledged_revision
        for name, raw in readings.items():
            self.take(self.alarms.read(name, raw, self.now))

    def check(self) -> None:
        for name, alarm in self.alarms.alarms.items():
            assert (alarm.state in WITHHELD) == (alarm.withheld is not None)
            assert (alarm.below in UNACKNOWLEDGED) or name not in self.unseen, "nobody acknowledged it"
            assert alarm.state in WITHHELD or alarm.state is alarm.below
            is_true = self.alarms.signals[name].is_true
            assert (alarm.below in IS_ACTIVE) <= (is_true or alarm.below is State.ACTIVE)
            assert not is_true or alarm.below in IS_ACTIVE
            since = self.silent_ns.get(name)
            if since is not None and alarm.state in LONGEST_SILENCE_NS:
                assert self.now.ns - since <= LONGEST_SILENCE_NS[alarm.state]


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_nothing_is_lost(steps: list[tuple[str, Any, Any]]) -> None:
    life = Life()
    for step in steps:
        life.run(step)
        life.check()


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS.filter(lambda step: step[0] != "restart"), max_size=25))
def test_a_restart_after_every_step_leaves_every_alarm_as_it_would_have_been(
    steps: list[tuple[str, Any, Any]],
) -> None:
    """Chatter is found anew after a restart, so only lives without it are compared."""
    calm, hurried = Life(), Life()
    for step in steps:
        calm.run(step)
        hurried.run(step)
        hurried.run(("restart", True, 0))
        assume(not calm.alarms.chattering)
        for name in NAMES:
            one, other = calm.alarms.alarms[name], hurried.alarms.alarms[name]
            assert (one.state, one.below, one.revision) == (other.state, other.below, other.revision)
            assert (one.withheld, one.seen, one.count, one.calls) == (
                other.withheld, other.seen, other.count, other.calls,
            )  # fmt: skip
