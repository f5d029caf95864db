"""The steward's alarms beside the guard's real cause records, through a random life with restarts and other plans between:
whatever waits can be acknowledged where it is asked for, and in the end each row's alarm is as its condition."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.alarms.acts import Act
from jidoka.alarms.definition import SECOND_NS
from jidoka.alarms.until import Clock
from jidoka.steward.annunciator import Annunciator, Facts
from jidoka_bridge.guard.acts import judge_acknowledge
from jidoka_bridge.guard.causes import Cause, Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.guard.remembered import causes_content, restore_causes
from jidoka_bridge.guard.reports import cause_body
from jidoka_bridge.messages import Condition, Judgement
from jidoka_bridge.plan import CauseSpec, ConditionSpec, Plan

from tests.steward.site import MODEL, make_plan

PERSON = {"role": "operator", "pseudonym": "p1"}
RESPONSES = ("hold", "advise", "observe", "advise")
CONDITIONS = tuple(ConditionSpec(f"c{number}", MODEL, False, 0.0) for number in range(len(RESPONSES)))
STEPS = (
    "judge", "judge", "judge", "wait", "wait", "long wait", "acknowledge", "acknowledge", "shelve", "unshelve", "permit",
    "guard goes", "guard comes", "steward restarts", "reset", "another plan", "changeover",
)  # fmt: skip


def plan_of(responses: list[str]) -> Plan:
    """An empty response is a row that the plan doesn't have."""
    rows = tuple(
        CauseSpec(f"R-{number}", "risk", each, ("high", "medium", "low", "low")[number], 40, "Text.", "Look.", (f"c{number}",))
        for number, each in enumerate(responses)
        if each
    )  # fmt: skip
    sections = {"alarms": {"rows": {"R-1": {"suppressed_while": ["changeover"]}}}}
    return replace(make_plan(Path("/nowhere")), conditions=CONDITIONS, causes=rows, sections=sections)


class Life:
    """Guard and steward; `ledger` and `latch` are all that outlives them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = Clock(10**12, 10**18)
        self.responses = list(RESPONSES)
        self.on: dict[str, bool] = {}
        self.ledger: list[tuple[str, dict[str, Any], Clock]] = []
        self.latch: dict[str, Any] = {}
        self.rules: frozenset[str] = frozenset()
        self.revision = 0
        self.start_guard()
        self.start_steward()

    # ------------------------------------------------------------ the programs

    def start_guard(self) -> None:
        self.plan, self.is_guard_here = plan_of(self.responses), True
        self.conditions = Conditions(self.plan)
        self.causes = Causes(self.plan, self.conditions)
        restore_causes(self.causes, {"causes": self.latch, "seconds": {}})

    def start_steward(self) -> None:
        self.steward = Annunciator(self.plan)
        for kind, body, at in self.ledger:
            if kind == "cause":
                self.steward.restore_cause(body)
            else:
                self.steward.restore_alarm(body, at, True)
        self.keep(self.steward.begin(self.now))
        if self.is_guard_here:
            self.connect()

    def connect(self) -> None:
        self.told: dict[str, tuple[Any, ...]] = {}
        self.steward.guard_connected(self.now)
        for cause in self.causes:
            self.tell(cause)

    def keep(self, bodies: list[dict[str, Any]]) -> None:
        self.ledger += [("alarm", json.loads(json.dumps(body)), self.now) for body in bodies]

    def tell(self, cause: Cause) -> None:
        shown = (cause.active, cause.latched, cause.revision, cause.acknowledged_revision)
        if self.told.get(cause.id) == shown:
            return
        self.told[cause.id] = shown
        try:
            entry, alarms = self.steward.take(json.loads(json.dumps(cause_body(cause, True))), "", self.now)
        except ValueError:
            return  # a row that only observes now: its alarm is the steward's
        self.ledger += [] if entry is None else [("cause", entry, self.now)]
        self.keep(alarms)

    def judge(self, name: str) -> None:
        self.revision += 1
        judgement = Judgement.ON if self.on[name] else Judgement.OFF
        condition = Condition(int(name[1]), judgement, self.revision, 1.0, 0.5, self.now.ns)
        is_new = self.conditions.take(self.now.ns, condition)
        self.causes.judge(self.now.ns, {name} if is_new else set())

    def wait(self, seconds: float) -> None:
        length_ns = round(seconds * SECOND_NS)
        self.now = Clock(self.now.ns + length_ns, self.now.wall_ns + length_ns)
        if self.is_guard_here:
            for cause in self.causes:
                self.tell(cause)
            self.latch = causes_content(self.causes)
        judgements = {name: "on" if is_on else "off" for name, is_on in self.on.items()}
        facts = Facts(True, self.is_guard_here, frozenset(), frozenset({MODEL}), self.rules, judgements, {})
        self.keep(self.steward.tick(facts, self.now))

    # ------------------------------------------------------------ people

    @property
    def alarms(self) -> dict[str, dict[str, Any]]:
        shown = self.steward.shown
        return {each["id"]: each for each in (*shown.listed, *shown.withheld, *shown.normal)}

    def acknowledge(self, name: str, revision: int) -> str:
        """As the steward does it. Returns why not."""
        act = Act("acknowledge", name, "operator", "p1", True, revision, "cause found")
        if not self.steward.is_guards(act):
            acted, bodies = self.steward.act(act, self.now)
            self.keep(bodies)
            return acted.refused
        body = {
            "cause": name,
            "revision": revision,
            "reason": "cause found",
            "role": "operator",
            "person": "p1",
        }
        refused = self.steward.may_ask_guard(act).refused or judge_acknowledge(body, self.causes)[0]
        if not refused and self.is_guard_here:
            self.causes[name].acknowledge(self.now.ns, PERSON)
            self.tell(self.causes[name])
            self.keep(self.steward.guard_agreed(act, self.now))
        return refused

    def silence(self, kind: str, role: str) -> None:
        name = self.chance.choice(sorted(self.alarms))
        act = Act(kind, name, role, "p1", True, reason="nuisance", length_ns=3600 * SECOND_NS, permit="P-1")
        self.keep(self.steward.act(act, self.now)[1])

    # ------------------------------------------------------------ what happens

    def step(self, what: str) -> None:
        number = self.chance.randrange(len(RESPONSES))
        if what == "judge":
            self.on[f"c{number}"] = not self.on.get(f"c{number}")
            self.judge(f"c{number}")
        elif what in {"wait", "long wait"}:
            self.wait(self.chance.choice((1, 12, 40) if what == "wait" else (600, 7300, 90_000)))
        elif what == "acknowledge":
            name, alarm = self.chance.choice(sorted(self.alarms.items()))
            self.acknowledge(name, alarm["revision"])
        elif what in {"shelve", "unshelve", "permit"}:
            is_permit = what == "permit"
            self.silence("out of service" if is_permit else what, "maintenance" if is_permit else "operator")
        elif what == "guard goes":
            self.is_guard_here = False
        elif what == "guard comes" and not self.is_guard_here:
            self.guard_comes()
        elif what == "steward restarts":
            self.start_steward()
        elif what == "reset":
            self.causes.clear_latches()
        elif what == "another plan":
            self.responses[number] = self.chance.choice(("hold", "advise", "observe", ""))
            self.start_guard()
            self.start_steward()
            self.judge_all()
        elif what == "changeover":
            self.rules = frozenset({"changeover"}) - self.rules
        self.wait(0.2)

    def guard_comes(self) -> None:
        self.start_guard()
        self.connect()
        self.judge_all()

    def judge_all(self) -> None:
        for name in self.on:
            self.judge(name)

    def settle(self) -> None:
        """Every delay is over, and everybody is there."""
        self.rules = frozenset()
        if not self.is_guard_here:
            self.guard_comes()
        for seconds in (0.1, 12, 4_000, 8_000, 1):
            self.wait(seconds)

    def check(self) -> None:
        for name, alarm in self.alarms.items():
            if alarm["state"] in "BD":
                assert self.acknowledge(name, alarm["revision"]) == "", f"{name} in {alarm['state']}"
                assert self.alarms[name]["state"] in "ACL", f"{name} was acknowledged"
        for cause in self.causes.unacknowledged():
            assert self.acknowledge(cause.id, cause.revision) == "", f"a reset waits for {cause.id}"
        for number, response in enumerate(self.responses):
            name, is_on = f"R-{number}", self.on.get(f"c{number}", False)
            if not response:
                assert self.alarms.get(name, {"state": "A"})["state"] in "AL", f"{name} isn't in the plan"
                continue
            alarm = self.alarms.get(name, {"state": "A", "quality": "good"})
            assert (alarm["state"] == "C", alarm["quality"]) == (is_on, "good"), (
                f"{name} is a row that does {response}"
            )


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happened_what_waits_can_be_acknowledged_and_each_alarm_is_as_its_condition(
    seed: int,
) -> None:
    life = Life(seed)
    for number in range(60):
        life.step(life.chance.choice(STEPS))
        if number % 20 == 19:
            life.settle()
            life.check()
