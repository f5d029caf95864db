"""The test protocol that is signed at the machine: each step with what must be seen, with this site's times."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from jidoka_bridge.plan import Plan

from jidoka.commissioning.reaction import Reaction
from jidoka.handover.signals import INPUTS

HEAD = ("no.", "step", "expected", "seen / measured", "done", "name, date, signature")


class Step(NamedTuple):
    """One step. part: the heading it stands under."""

    part: str
    do: str
    expected: str


def steps_of(plan: Plan, reaction: Reaction, drives: frozenset[str]) -> list[Step]:
    """Every step of this site, in the order in which they are done."""
    return [
        *_before(),
        *_wires(),
        *_link(plan),
        *_rises(),
        *_falls(plan, reaction),
        *_reject(drives),
        *_key(plan),
        *_power(),
        *_end(),
    ]


def _before() -> Iterator[Step]:
    part = "Before power"
    yield Step(part, "E-stop, guards and light curtains: run their own test with the agent switched off",
               "all work as before; none of them goes through the PLC's new program or K1, K2")  # fmt: skip
    yield Step(part, "The hazard questions are answered and signed", "every line has an answer")
    yield Step(
        part, "Measure: K1 and K2 without current", "machine not enabled; gate at REJECT, robot not enabled"
    )


def _wires() -> Iterator[Step]:
    part = "Wires (agent running in observe, `jidoka plc watch` in view)"
    for each in INPUTS:
        if each.name in {"MachineContact", "ModelContact", "PartSensor", "FallbackHealthy"}:
            continue
        yield Step(part, f"{each.device} {each.name}: switch on and off ({each.text})",
                   f"watch shows it on and off; broken wire: {each.broken}")  # fmt: skip
    yield Step(part, "Stop the guard, `jidoka plc watch --line`; FallbackHealthy: switch on and off",
               "watch shows it on and off; broken wire: FALLBACK becomes HOLD")  # fmt: skip
    yield Step(
        part,
        "Make 20 parts",
        "watch: `running` is on while parts are made, the part counter rises by 20 exactly",
    )


def _link(plan: Plan) -> Iterator[Step]:
    part = "Line"
    link = plan.link
    assert link is not None
    yield Step(part, "Stop the guard; `jidoka plc probe CONFIGURATION --save`",
               f"\"Good\"; register map {plan.map_digest}, own limit W as set in the block, longest scan at most {link.scan_ms} ms")  # fmt: skip
    yield Step(part, "Switch the PLC to STOP, probe again", 'K1 and K2 off; "its program doesn\'t run"')
    yield Step(
        part, "Start the guard; look at the panel", "state START_UP or HOLD with its text; K1 and K2 off"
    )


def _rises() -> Iterator[Step]:
    part = "It rises only by the button"
    yield Step(part, "Press reset before anything was acknowledged", "nothing")
    yield Step(part, "Acknowledge at the agent, press reset for less than 0.1 s", "nothing")
    yield Step(
        part, "Press reset and keep it for more than 5 s", "nothing, then an alarm that the button is stuck"
    )
    yield Step(part, "Press and release reset", "K1 and K2 on; the machine does NOT start by itself")
    yield Step(part, "Start the machine by its own start", "it runs")


def _falls(plan: Plan, reaction: Reaction) -> Iterator[Step]:
    part = "It falls, and stays down (repeat the reset before each)"
    at_worst = {each.name: math.ceil(each.ms) for each in reaction.outcomes}
    silent, withdrawal = at_worst["silent agent"], at_worst["withdrawal"]
    mm = {each.name: each.mm for each in reaction.outcomes}["silent agent"]
    way = "" if mm is None else f", at most {mm:.0f} mm of travel"
    yield Step(part, "`jidoka hold` while it runs", f"K1 and K2 off within {withdrawal} ms")
    yield Step(
        part,
        "Pull the cable to the agent while it runs",
        f"K1 and K2 off within {silent} ms{way}; fault WATCHDOG",
    )
    yield Step(part, "Plug it in again, wait 30 s", "K1 and K2 stay off until acknowledged and reset")
    yield Step(part, "Cut the agent's power while it runs", f"K1 and K2 off within {silent} ms")
    yield Step(part, "`jidoka plc drill` with S4 on", "it measures the reaction and keeps the record")
    yield Step(part, "Stop the model's application while it runs",
               f"within {plan.times.no_data_ms} ms and a beat: "
               + (f"K2 off, K1 on: {plan.fallback}" if plan.fallback else "K1 and K2 off"))  # fmt: skip
    yield Step(
        part,
        "M drops in mid-cycle (hold while a part is worked on)",
        "what the hazard questions say, nothing else moves",
    )
    yield Step(part, "Switch S1 out of AUTO while it runs", "K1 and K2 off")
    yield Step(
        part,
        "E-stop while it runs, then release it",
        "stops by itself as before; nothing starts by the release",
    )


def _reject(drives: frozenset[str]) -> Iterator[Step]:
    part = "Reject path (A)"
    own = "; the application drives it itself" if drives & {"reject", "robot"} else ""
    yield Step(
        part, f"A off, M on: run a part that the model calls good past the gate{own}", "the part is rejected"
    )
    yield Step(part, "A on: run a good part and a bad part", "good passes, bad is rejected")
    yield Step(part, "Pull the wire to the gate's coil", "every part is rejected")
    if drives & {"reject", "robot"}:
        yield Step(part, "`jidoka plc drill` with the first of these three",
                   "recorded with your name: without it `enforce` is refused")  # fmt: skip


def _key(plan: Plan) -> Iterator[Step]:
    part = "Override key"
    minutes = plan.times.override_s / 60
    yield Step(
        part,
        "S1 to OVERRIDE",
        "the plant's own program drives; the agent shows OVERRIDE and asks for nothing",
    )
    yield Step(
        part,
        f"Leave it there for more than {minutes:g} min",
        "the agent alarms; the PLC goes on by its own rule",
    )
    yield Step(part, "S1 back to AUTO", "the agent is in HOLD, never straight in RUN")


def _power() -> Iterator[Step]:
    part = "Power"
    yield Step(
        part, "Cut and restore the PLC's power while it runs", "K1 and K2 off and stay off until reset"
    )
    yield Step(
        part, "`jidoka plc watch`: counters of block C before and after", "parts, resets, key times are kept"
    )


def _end() -> Iterator[Step]:
    part = "At the end"
    yield Step(part, "Panel: provoke three reasons", "number and text are those of reasons.csv")
    yield Step(
        part, "Taking it out: do it once as written, and put it back", "the machine runs as before it came"
    )
    yield Step(part, "Keep this protocol, the PLC project and this folder together", "both copies signed")
