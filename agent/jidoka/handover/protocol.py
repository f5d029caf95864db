"""The test protocol that is signed at the machine: each step with what must be seen, with this site's times."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from jidoka_bridge.plan import Plan

from jidoka.commissioning.reaction import Reaction
from jidoka.handover.signals import BRIDGE_MACHINE, BRIDGE_MODEL, INPUTS, KEY_AROUND

HEAD = ("no.", "step", "expected", "seen / measured", "done", "name, date, signature")
#: of a command that keeps who did it
WHO = "--config CONFIGURATION --role engineer --person NAME"
CABLE = {"rtu": "Pull the RS-485 cable to the agent", "modbus-tcp": "Pull the Ethernet cable to the agent"}


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
        *_rejects(drives),
        *_enforce(plan),
        *_rises(plan),
        *_falls(plan, reaction),
        *_passes(),
        *_key(plan),
        *_power(),
        *_end(),
        *_later(),
    ]


def _before() -> Iterator[Step]:
    part = "Before power"
    yield Step(part, "E-stop, guards and light curtains: run their own test with the agent switched off",
               "all work as before; none of them goes through the PLC's new program or K1, K2")  # fmt: skip
    yield Step(part, "The hazard questions are answered and signed", "every line has an answer")
    yield Step(
        part, f"Measure: K1 and K2 without current, {BRIDGE_MACHINE} and {BRIDGE_MODEL} out, S1 in AUTO",
        "machine not enabled; gate at REJECT, robot not enabled",
    )  # fmt: skip
    yield Step(
        part, f"Put {BRIDGE_MACHINE} and {BRIDGE_MODEL} in", "the machine works as before the agent came"
    )


def _wires() -> Iterator[Step]:
    part = "Wires (agent running with `mode: observe`, bridges in, `jidoka plc watch` in view)"
    for each in INPUTS:
        if each.name in {"MachineContact", "ModelContact", "PartSensor", "FallbackHealthy"}:
            continue
        yield Step(part, f"{each.device} {each.name}: switch on and off ({each.text})",
                   f"watch shows it on and off; broken wire: {each.broken}")  # fmt: skip
    yield Step(part, "Stop the agent, `jidoka plc watch --line`; FallbackHealthy: switch on and off",
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
    yield Step(part, "With the agent stopped: `jidoka plc probe CONFIGURATION --save --role engineer --person NAME`",
               f"\"Good\"; register map {plan.map_digest}, own limit W as set in the block, longest scan at most {link.scan_ms} ms")  # fmt: skip
    yield Step(part, "Switch the PLC to STOP, probe again", 'K1 and K2 off; "its program doesn\'t run"')
    yield Step(
        part, "Start the agent; look at the panel", "state START_UP or HOLD with its text; K1 and K2 off"
    )


def _rejects(drives: frozenset[str]) -> Iterator[Step]:
    part = f"Reject path with A off (still `observe`: {BRIDGE_MACHINE} in, {BRIDGE_MODEL} out)"
    own = drives & {"reject", "robot"}
    through = "; the application drives it itself" if own else ""
    yield Step(part, f"Run a part that the model calls good past the gate{through}", "the part is rejected")
    if own:
        yield Step(part, f"The same with S4 on, led by `jidoka plc drill --no-withdrawal {WHO}`",
                   "recorded with your name: without it `enforce` is refused")  # fmt: skip


def _enforce(plan: Plan) -> Iterator[Step]:
    part = "From here on the agent is in charge"
    yield Step(
        part, f"Take {BRIDGE_MACHINE} and {BRIDGE_MODEL} out, set `mode: enforce`, start the agent and the model's application",
        "machine not enabled; the panel says what a reset lacks, or that one is offered",
    )  # fmt: skip
    yield Step(
        part,
        "Approve this plan at the PLC: S1 to OVERRIDE, hold S2 for 4 s, let go, S1 back to AUTO; acknowledge at the agent",
        f"`jidoka plc watch` shows {plan.digest[:8]} as approved; from now on another plan is armed only after the same",
    )


def _rises(plan: Plan) -> Iterator[Step]:
    part = "It rises only by the button"
    yield Step(part, "Press reset for less than 0.1 s", "nothing")
    yield Step(
        part, "Press reset and keep it for more than 5 s", "nothing, then an alarm that the button is stuck"
    )
    drifts = any(spec.statistical for spec in plan.conditions)
    both = "K1 and K2 on"
    first = (
        f"K1 on; K2 too, or after a proving run (the panel says so) by a second press: {both}"
        if drifts
        else both
    )
    yield Step(part, "Press and release reset", f"{first}; the machine does NOT start by itself")
    yield Step(part, "Start the machine by its own start", "it runs")


def _falls(plan: Plan, reaction: Reaction) -> Iterator[Step]:
    part = "It falls, and stays down (acknowledge at the agent and reset before each)"
    at_worst = {each.name: math.ceil(each.ms) for each in reaction.outcomes}
    silent, withdrawal = at_worst["silent agent"], at_worst["withdrawal"]
    mm = {each.name: each.mm for each in reaction.outcomes}["silent agent"]
    way = "" if mm is None else f", at most {mm:.0f} mm of travel"
    yield Step(
        part,
        f'`jidoka hold --reason "commissioning" {WHO}` while it runs',
        f"K1 and K2 off within {withdrawal} ms",
    )
    yield Step(part, "Press reset before that was acknowledged", "nothing")
    yield Step(
        part, "Acknowledge at the agent, press and release reset", "as in the first part; start the machine"
    )
    yield Step(
        part,
        f"{CABLE[plan.link.transport] if plan.link else ''} while it runs",
        f"K1 and K2 off within {silent} ms{way}; fault WATCHDOG",
    )
    yield Step(part, "Plug it in again, wait 30 s", "K1 and K2 stay off until acknowledged and reset")
    yield Step(part, "Cut the agent's power while it runs", f"K1 and K2 off within {silent} ms")
    yield Step(
        part,
        f"`jidoka plc drill --no-reject {WHO}` with S4 on",
        "it measures the reaction and keeps the record",
    )
    yield Step(part, "Stop the model's application while it runs",
               f"within {plan.times.no_data_ms} ms and a beat: "
               + (f"K2 off, K1 on: {plan.fallback}" if plan.fallback else "K1 and K2 off"))  # fmt: skip
    yield Step(
        part,
        "M drops in mid-cycle (hold while a part is worked on)",
        "what the hazard questions say, nothing else moves",
    )
    yield Step(part, "Switch S1 out of AUTO to 0 while it runs", "K1 and K2 off")
    yield Step(
        part,
        "E-stop while it runs, then release it",
        "stops by itself as before; nothing starts by the release",
    )


def _passes() -> Iterator[Step]:
    part = "Reject path with A on"
    yield Step(part, "Run a good part and a bad part", "good passes, bad is rejected")
    yield Step(part, "Pull the wire to the gate's coil", "every part is rejected")


def _key(plan: Plan) -> Iterator[Step]:
    part = "Override key"
    minutes = plan.times.override_s / 60
    yield Step(
        part,
        "S1 to OVERRIDE",
        f"K1 and K2 off, the machine is enabled through {KEY_AROUND}; the plant's own program drives, parts go to the gate's "
        "resting position; the agent shows OVERRIDE and asks for nothing",
    )
    yield Step(part, "E-stop with S1 in OVERRIDE", "it stops as before")
    yield Step(
        part,
        f"Leave it there for more than {minutes:g} min",
        "the agent alarms; the PLC goes on by its own rule",
    )
    yield Step(
        part, "S1 back to AUTO", "the machine isn't enabled; the agent is in HOLD, never straight in RUN"
    )


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
    yield Step(
        part, f"Back to watching: {BRIDGE_MACHINE} and {BRIDGE_MODEL} in and marked, `mode: observe`, start the agent",
        "the machine works as before; nothing is granted, every stop that would have been is on record",
    )  # fmt: skip
    yield Step(part, "Keep this protocol, the PLC project and this folder together", "both copies signed")


def _later() -> Iterator[Step]:
    part = "Later, by the plant, when `jidoka plc arming` says so (nothing in the PLC changes)"
    yield Step(
        part, f"Take {BRIDGE_MACHINE} and {BRIDGE_MODEL} out for good, set `mode: enforce`, start the agent",
        "before the first press: machine not enabled, gate at REJECT; the bridges are locked away",
    )  # fmt: skip
