"""A guard's pure core with a toy world around it: a PLC that obeys, a monitor, a steward and a clock; no I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.link_view import NO_INPUTS, READY, LinkView
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.messages import Condition, Judgement, Kind, Lease
from jidoka_bridge.plan import CauseSpec, ConditionSpec, Link, Model, Plan, Proving, Times
from jidoka_bridge.registers import Input, Input2, Phase, Word

MS = 1_000_000
DRIFT, INVALID, ADVICE, DIGEST = "m:drift(all)", "m:invalid output", "m:drift(input)", "m:two writers"
CONDITIONS = (DRIFT, INVALID, ADVICE, DIGEST)


def plan(**changes: Any) -> Plan:
    """One model, one cause of each kind: drift (statistical), invalid output, advice, lockout."""

    def cause(name: str, response: str, reason: int, *conditions: str, **more: Any) -> CauseSpec:
        return CauseSpec(name, "risk", response, "high", reason, f"{name}.", "Look.", conditions, **more)

    values: dict[str, Any] = {
        "site": "s", "line": "l", "device": "d", "run_dir": "/nowhere", "state_dir": "/nowhere", "map_digest": "",
        "link": Link(port="/nowhere"), "times": Times(), "proving": Proving(parts=10, minutes=1.0),
        "models": (Model("m", "enforce", longest_interval_ms=1000),),
        "conditions": (
            ConditionSpec(DRIFT, "m", True, 0.0), ConditionSpec(INVALID, "m", False, 0.0, True),
            ConditionSpec(ADVICE, "m", True, 0.0), ConditionSpec(DIGEST, "m", False, 0.0, True),
        ),
        "causes": (
            cause("R-1", "hold", 32, DRIFT), cause("R-2", "hold", 33, INVALID), cause("R-3", "advise", 34, ADVICE),
            cause("R-4", "lockout", 35, DIGEST),
        ),
    }  # fmt: skip
    return Plan(**{**values, **changes})


class Rig:
    """The world: `turn` lets one beat pass; a press counts only while the guard asks for arming."""

    def __init__(
        self, a_plan: Plan | None = None, content: dict[str, Any] | None = None, faults: Any = ()
    ) -> None:
        self.plan = a_plan or plan()
        self.now = 1_000 * MS
        self.content = {**NEW, **(content or {})}
        self.guard = Guard(self.plan, Latch(1, b"b" * 16, self.content), "", list(faults), self.now)
        self.view = LinkView(
            inputs=READY, phase=Phase.IDLE, connection=7, actual=Word.WITHHOLD, good=True, is_up=True
        )
        self.monitor = self.steward = self.disk = self.link = self.obeys = True
        self.says: dict[str, tuple[Judgement, int]] = dict.fromkeys(CONDITIONS, (Judgement.OFF, 0))
        self.says[DRIFT] = (Judgement.UNKNOWN, 0)
        self.submitted = self.guard.latch_written
        self.events: list[dict[str, Any]] = []
        self.evidence: dict[str, Any] = {}

    @property
    def state(self) -> str:
        return self.guard.interlock.state.name

    @property
    def word(self) -> str:
        return self.guard.word.name

    def turn(self, times: int = 1) -> None:
        """Beats pass: leases and conditions are renewed, the PLC follows, the disk writes."""
        for _ in range(times):
            self.now += 70 * MS
            guard = self.guard
            if self.monitor:
                guard.lease(self.now, Lease(0, self.now, self.now, 1, 0))
                self.tell()
            if self.steward:
                guard.recorded(self.now, guard.recorder.ring.last_number)
            if self.link:
                ask = guard.ask()
                guard.sent(self.now, ask.word)
                if self.obeys:
                    self.view = replace(self.view, actual=ask.word)
            beat_ns = self.now if self.link else self.view.beat_ns
            self.view = replace(self.view, good=self.link, is_up=self.link, beat_ns=beat_ns)
            guard.beat(self.now, self.view)
            self.write()
            guard.tick(self.now)
            self.collect()

    def tell(self) -> None:
        for index, name in enumerate(CONDITIONS):
            judgement, run = self.says[name]
            self.guard.condition(
                self.now,
                Condition(
                    index,
                    judgement,
                    1,
                    judged_ns=self.now,
                    judged_n=3,
                    needed_n=20,
                    run=run,
                    evidence=self.evidence,
                ),
            )

    def write(self) -> None:
        """The helper thread's part."""
        if self.disk and self.guard.latch_number > self.submitted:
            self.submitted = self.guard.latch_number
            self.content = self.guard.latch(b"b" * 16).content
            self.guard.written(self.now, self.submitted, "")

    def collect(self) -> None:
        self.events += [out.body for out in self.guard.take_outbox() if out.kind is Kind.TRANSITION]

    def judge(self, name: str, judgement: Judgement, run: int | None = None) -> None:
        self.says[name] = (judgement, self.guard.run.number if run is None else run)
        self.turn()

    def press(self) -> None:
        """Somebody who has seen what is on offer presses and releases: counted by the PLC only within an arm-request."""
        if self.guard.offer.target != "none" and not self.guard.offer_held:
            self.turn()
        counted = self.guard.ask().arm
        self.view = replace(
            self.view, edges=self.view.edges + 1, presses=self.view.presses + counted, press_ms=300
        )
        self.turn()

    def inputs(self, on: Input = NO_INPUTS, off: Input = NO_INPUTS) -> None:
        self.view = replace(self.view, inputs=(self.view.inputs | on) & ~off)
        self.turn()

    def fallback(self, healthy: bool) -> None:
        self.view = replace(self.view, inputs2=Input2.FALLBACK_HEALTHY if healthy else Input2(0))
        self.turn()

    def acknowledge(self, cause: str, **changes: Any) -> dict[str, Any]:
        body = {
            "request": "1", "cause": cause, "revision": self.guard.causes[cause].revision, "reason": "cause removed",
            "role": "operator", "person": "p1",
        }  # fmt: skip
        answer = self.guard.act(self.now, Kind.ACKNOWLEDGE, {**body, **changes})
        assert answer is not None
        self.turn()
        return answer

    def acknowledge_all(self, role: str = "operator") -> None:
        for cause in self.guard.causes.unacknowledged():
            assert self.acknowledge(cause.id, role=cause.needs_role or role)["ok"]

    def hold(self, **changes: Any) -> dict[str, Any]:
        body = {
            "request": "2",
            "reason": "test",
            "role": "operator",
            "person": "p1",
            "remote": False,
            **changes,
        }
        answer = self.guard.act(self.now, Kind.HOLD, body)
        assert answer is not None
        self.turn()
        return answer

    def unlock(self, **changes: Any) -> dict[str, Any]:
        body = {"request": "3", "reason": "repaired", "role": "engineer", "person": "e1", **changes}
        answer = self.guard.act(self.now, Kind.UNLOCK, body)
        assert answer is not None
        self.turn()
        return answer

    def prove(self) -> None:
        """From an offered proving run to RUN."""
        self.turn(2)
        assert self.guard.offer.target == "proving", self.guard.offer
        self.press()
        assert self.guard.interlock.proving, self.events[-3:]
        self.judge(DRIFT, Judgement.OFF)
        self.turn()
        self.press()
        assert self.state in ("RUN", "ADVISE"), (self.state, self.guard.offer)

    def last(self, event: str) -> dict[str, Any]:
        return [each for each in self.events if each["event"] == event][-1]
