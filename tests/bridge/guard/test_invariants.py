"""Invariants I1 to I9 of the interlock, watched from outside: nothing here reads the guard's own conclusions.

The watcher keeps its own book of what it told the guard (conditions, presses, acknowledgements, holds, the key) and
looks only at the state and the word. It goes with long random orders of every event on a whole plan; every order on
reduced plans, and seeded faults, are explored by tools/explore.py and tests/explore.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Plan
from jidoka_bridge.registers import Input

from tests.bridge.guard.guard_rig import DIGEST, DRIFT, INVALID, Rig, plan

ON, OFF, UNKNOWN = Judgement.ON, Judgement.OFF, Judgement.UNKNOWN
PERMITS = {"WITHHOLD": 0, "ABSTAIN": 0, "MACHINE": 1, "MACHINE_AND_AI": 2}
#: turns after which the guard must have noticed: 500 ms and 2 s at 70 ms a turn, and one
NO_DATA_TURNS, NO_RECORD_TURNS = 9, 30


class BrokenInvariantError(AssertionError):
    """An invariant that doesn't hold."""


class Watcher:
    """A rig and the book kept beside it."""

    def __init__(self, a_plan: Plan) -> None:
        self.rig = Rig(a_plan)
        self.sticky: set[str] = set()
        self.judged_off_run: int | None = None
        self.judged_on_run: int | None = None
        self.key = False
        self.healthy = False
        self.held = False
        self.trips: set[str] = set()
        self.pressed = False
        self.locked = False
        self.unlocked = False
        self.quiet_turns = {"monitor": 0, "steward": 0}
        self.permitted = 0
        self.seen_events = 0
        self.turn(3)

    # ------------------------------------------------------------------ what may happen

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.rig.turn()
            self.look()

    def say(self, name: str, judgement: Judgement) -> None:
        run = self.rig.guard.status().proving_run
        self.rig.says[name] = (judgement, run)
        if judgement is ON:
            self.sticky.add(name)
        elif judgement is OFF:
            self.sticky.discard(name)
        if name == DRIFT:
            self.judged_off_run = run if judgement is OFF else None
            self.judged_on_run = run if judgement is ON else None
        self.turn()

    def press(self) -> None:
        self.pressed = self.rig.guard.ask().arm
        counted = self.rig.view.presses + self.pressed
        self.rig.view = dataclasses.replace(self.rig.view, edges=self.rig.view.edges + 1, presses=counted)
        self.turn(2)

    def lose(self, what: str) -> None:
        setattr(self.rig, what, False)
        self.turn(32)

    def back(self, what: str) -> None:
        setattr(self.rig, what, True)
        self.turn(2)

    def turn_key(self, on: bool) -> None:
        self.key = on
        if not on:
            self.held = False
        bits = self.rig.view.inputs
        inputs = bits | Input.OVERRIDE_KEY if on else bits & ~Input.OVERRIDE_KEY
        self.rig.view = dataclasses.replace(self.rig.view, inputs=inputs)
        self.turn()

    def fallback(self, healthy: bool) -> None:
        self.healthy = healthy
        self.rig.fallback(healthy)
        self.look()
        self.turn()

    def hold(self, remote: bool) -> None:
        was = self.rig.state
        assert self.rig.hold(remote=remote)["ok"]
        self.held = self.held or was == "OVERRIDE"
        self.trips.add("remote hold" if remote else "local hold")
        self.look()

    def acknowledge(self, remote: bool) -> None:
        for cause in self.rig.guard.causes.unacknowledged():
            answer = self.rig.acknowledge(cause.id, remote=remote, role=cause.needs_role or "quality")
            if answer["ok"]:
                self.trips.discard(cause.id)
            self.look()
        self.turn(2)

    def unlock(self, remote: bool) -> None:
        self.unlocked = self.rig.unlock(remote=remote)["ok"] and not remote
        self.look()
        self.unlocked = False

    def restart(self) -> None:
        """SIGKILL and a new guard; the PLC has dropped by itself meanwhile."""
        rig, old = Rig(self.rig.plan, self.rig.content), self.rig
        rig.view = dataclasses.replace(rig.view, inputs=old.view.inputs, inputs2=old.view.inputs2)
        rig.says, rig.now = dict(old.says), old.now
        self.rig, self.seen_events = rig, 0
        self.permitted = 0
        self.locked = self.locked and old.content["lockout"]
        self.trips = {
            name for name in self.trips if name in rig.guard.causes.by_id and old.content["causes"].get(name)
        }
        self.trips.add("restart")
        self.turn(3)

    # ------------------------------------------------------------------ what must hold

    def look(self) -> None:
        rig = self.rig
        state, word, proving = rig.state, rig.word, rig.guard.interlock.proving
        now = PERMITS[word]
        for name in self.quiet_turns:
            self.quiet_turns[name] = 0 if getattr(rig, name) else self.quiet_turns[name] + 1
        data = self.quiet_turns["monitor"] < NO_DATA_TURNS
        record = self.quiet_turns["steward"] < NO_RECORD_TURNS
        for event in rig.events[self.seen_events :]:
            if event["cause"] and PERMITS[event["word"]] < self.permitted_before(event):
                self.trips.add(event["cause"])
        self.seen_events = len(rig.events)
        stopping = self.sticky & {INVALID, DIGEST}
        if now:
            self.claim(not stopping, f"I1: {word} with {stopping}")
            bad = self.judged_on_run == rig.guard.run.number
            self.claim(not bad, "I1: M after drift was judged on in this run")
            self.claim(
                DRIFT not in self.sticky or proving, "I1: M with a statistical cause outside a proving run"
            )
        if now > self.permitted:
            judged = self.judged_off_run == rig.guard.run.number
            self.claim(
                judged or now < 2, "I1: A given while drift isn't judged off"
            )  # unknown alone trips nothing
            self.claim(self.pressed, f"I2: {word} without a press")
            self.claim(not self.trips, f"I7: {word} while nobody acknowledged {self.trips}")
            self.pressed = False
        if self.locked:
            left = state != "LOCKOUT"
            self.claim(not left or (self.unlocked and state == "HOLD"), f"I3: LOCKOUT became {state}")
        self.locked = state == "LOCKOUT"
        self.claim((state == "OVERRIDE") == (word == "ABSTAIN"), f"I6: {word} in {state}")
        if state == "FALLBACK":
            self.claim(
                self.healthy or (proving and data and record), "I8: FALLBACK without a reason to trust it"
            )
        if self.key and rig.link:
            allowed = {"START_UP", "OVERRIDE", "LOCKOUT"} | ({"HOLD"} if self.held else set())
            self.claim(state in allowed, f"I9: {state} with the key on")
        self.permitted = now

    def permitted_before(self, event: dict[str, Any]) -> int:
        return {"RUN": 2, "ADVISE": 2, "FALLBACK": 1}.get(event["from"], 0)

    def claim(self, holds: bool, text: str) -> None:
        if not holds:
            raise BrokenInvariantError(text)


EVENTS: dict[str, Callable[[Watcher], None]] = {
    "press": lambda w: w.press(),
    "acknowledge": lambda w: w.acknowledge(remote=False),
    "drift on": lambda w: w.say(DRIFT, ON),
    "drift off": lambda w: w.say(DRIFT, OFF),
    "drift unknown": lambda w: w.say(DRIFT, UNKNOWN),
    "invalid on": lambda w: w.say(INVALID, ON),
    "invalid off": lambda w: w.say(INVALID, OFF),
    "hold": lambda w: w.hold(remote=False),
    "key on": lambda w: w.turn_key(True),
    "key off": lambda w: w.turn_key(False),
    "restart": lambda w: w.restart(),
    "digest on": lambda w: w.say(DIGEST, ON),
    "digest off": lambda w: w.say(DIGEST, OFF),
    "remote hold": lambda w: w.hold(remote=True),
    "remote acknowledge": lambda w: w.acknowledge(remote=True),
    "unlock": lambda w: w.unlock(remote=False),
    "remote unlock": lambda w: w.unlock(remote=True),
    "monitor lost": lambda w: w.lose("monitor"),
    "monitor back": lambda w: w.back("monitor"),
    "steward lost": lambda w: w.lose("steward"),
    "steward back": lambda w: w.back("steward"),
    "link lost": lambda w: w.lose("link"),
    "link back": lambda w: w.back("link"),
    "disk stuck": lambda w: setattr(w.rig, "disk", False),
    "disk back": lambda w: w.back("disk"),
    "fallback ready": lambda w: w.fallback(True),
    "fallback gone": lambda w: w.fallback(False),
    "time": lambda w: w.turn(10),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=25))
def test_long_random_orders_of_every_event_keep_the_invariants(names: list[str]) -> None:
    watcher = Watcher(plan(fallback="program 7", no_record="fallback"))
    for name in names:
        EVENTS[name](watcher)
