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
        *_bridged(),
        *_key(),
        *_wires(),
        *_link(plan),
        *_rejects(drives),
        *_enforce(plan),
        *_rises(plan),
        *_falls(plan, reaction),
        *_passes(),
        *_key_in_charge(plan),
        *_power(),
        *_end(),
        *_later(drives),
    ]


def _before() -> Iterator[Step]:
    part = "Before power"
    yield Step(part, "The hazard questions are answered and signed", "every line has an answer")
    yield Step(part, "Wiring of E-stop, guards and light curtains against the drawing",
               "as before; none of them goes through the PLC's new program or K1, K2")  # fmt: skip
    yield Step(
        part, f"Measure: K1 and K2 without current, {BRIDGE_MACHINE} and {BRIDGE_MODEL} out, S1 in AUTO",
        "machine not enabled; gate at REJECT, robot not enabled",
    )  # fmt: skip


def _bridged() -> Iterator[Step]:
    part = "With the bridges, the agent switched off"
    yield Step(
        part, f"Put {BRIDGE_MACHINE} and {BRIDGE_MODEL} in", "the machine works as before the agent came"
    )
    yield Step(part, "E-stop, guards and light curtains: their own tests, with the machine running",
               "all stop it as before; nothing starts by their release")  # fmt: skip


def _key() -> Iterator[Step]:
    part = "The key leads around K1 (danger zone clear: in OVERRIDE the machine is enabled)"
    yield Step(part, f"Take {BRIDGE_MACHINE} out, machine off; S1 to OVERRIDE",
               f"the machine is enabled through {KEY_AROUND}; it does NOT start by itself")  # fmt: skip
    yield Step(part, "Start it by its own start; E-stop with S1 in OVERRIDE", "it stops as before")
    yield Step(part, "Start it again; S1 from OVERRIDE to 0", "the enable is gone, it stops")
    yield Step(part, f"S1 to AUTO, {BRIDGE_MACHINE} in", "the machine does NOT start by itself")


def _wires() -> Iterator[Step]:
    part = (
        "Wires (agent running with `mode: observe`, bridges in, machine standing, `jidoka plc watch` in view)"
    )
    for each in INPUTS:
        if each.name in {"MachineReleased", "ModelReleased", "PartSensor", "FallbackHealthy"}:
            continue
        warning = "; danger zone clear, OVERRIDE enables the machine" if each.device == "S1" else ""
        yield Step(part, f"{each.device} {each.name}: switch on and off ({each.text}{warning})",
                   f"watch shows it on and off; broken wire: {each.broken}")  # fmt: skip
    for name, device in (("MachineReleased", "K1"), ("ModelReleased", "K2")):
        yield Step(part, f"{device} {name}: pull the wire with {device} off, put it back",
                   f"watch shows {device} as on and the fault RELAY_FEEDBACK; the fault stays until the next accepted reset")  # fmt: skip
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
               f"\"Good\" or \"Usable\"; register map {plan.map_digest}, own limit W as set in the block, the PLC's clock as fast as the "
               f"agent's; a longest scan above {link.scan_ms} ms goes into `plc.scan`, and this folder is made again")  # fmt: skip
    yield Step(part, "Switch the PLC to STOP, probe again",
               'K1 and K2 off; "its program doesn\'t run", or no answer at all where the Modbus server is part of the program (Siemens)')  # fmt: skip
    yield Step(
        part, "Start the agent; look at the panel", "state START_UP or HOLD with its text; K1 and K2 off"
    )


def _rejects(drives: frozenset[str]) -> Iterator[Step]:
    part = f"Reject path with A off (still `observe`: {BRIDGE_MACHINE} in, {BRIDGE_MODEL} out)"
    own = drives & {"reject", "robot"}
    through = "; the application drives it itself" if own else ""
    if not own:
        yield Step(part, f"Look at Observing in the PLC with {BRIDGE_MODEL} in, then out", "TRUE, then FALSE")
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
        "Approve this plan at the PLC (danger zone clear: OVERRIDE enables the machine): S1 to OVERRIDE, hold S2 for 4 s, let go, "
        "S1 back to AUTO; acknowledge at the agent",
        f"{_approved(plan)}; from now on another plan is armed only after the same",
    )


def _approved(plan: Plan) -> str:
    """What the PLC shows of the plan: that of `enforce`, where the folder is made while the configuration says so."""
    if all(model.mode == "enforce" for model in plan.models):
        return f"`jidoka plc watch` shows {plan.digest[:8]} as approved"
    return "`jidoka plc watch` shows the plan's digest as `jidoka status` does (`mode` is part of it: another than this folder's)"


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
        f"K1 and K2 off within {silent} ms{way}; fault WATCHDOG; your panel: the agent is silent",
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
        "Bridge K1's feedback at the PLC's terminals while it runs (it reads as off)",
        "K1 and K2 off; fault RELAY_FEEDBACK",
    )
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


def _key_in_charge(plan: Plan) -> Iterator[Step]:
    part = "Override key"
    minutes = plan.times.override_s / 60
    yield Step(
        part,
        "S1 to OVERRIDE while it runs (danger zone clear)",
        f"K1 and K2 off, the machine is enabled through {KEY_AROUND} and does NOT start by itself; the plant's own program drives, "
        "parts go to the gate's resting position; the agent shows OVERRIDE and asks for nothing",
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
    counters = "counters of block C (agent stopped: `jidoka plc watch --line`)"
    yield Step(part, f"Write down the {counters}", "parts, resets, key times, approved plan")
    yield Step(
        part, "Cut and restore the PLC's power while it runs", "K1 and K2 off and stay off until reset"
    )
    yield Step(part, f"The {counters} again",
               "the same or more; from 0 where the PLC keeps no RETAIN (OpenPLC): write that down")  # fmt: skip


def _end() -> Iterator[Step]:
    part = "At the end"
    yield Step(part, "Panel: provoke three reasons", "number and text are those of reasons.csv")
    yield Step(
        part, "Read \"How to take it out again\" through with the electrician; don't do it now",
        "every wire and every place in the program is found; whoever does it repeats this protocol afterwards",
    )  # fmt: skip
    yield Step(
        part, f"Back to watching: {BRIDGE_MACHINE} and {BRIDGE_MODEL} in and marked, `mode: observe`, start the agent",
        "the machine works as before; nothing is granted, every stop that would have been is on record",
    )  # fmt: skip
    yield Step(part, "Keep this protocol, the PLC project and this folder together", "both copies signed")


def _later(drives: frozenset[str]) -> Iterator[Step]:
    part = "Later, by the plant, when `jidoka plc arming` says so"
    yield Step(
        part, f"Take {BRIDGE_MACHINE} and {BRIDGE_MODEL} out for good, set `mode: enforce`, start the agent",
        "before the first press: machine not enabled, gate at REJECT; the bridges are locked away",
    )  # fmt: skip
    if not drives & {"reject", "robot"}:
        yield Step(part, "Look at Observing in the PLC", "FALSE")
    yield Step(
        part,
        "Run a part that the model calls good past the gate before the first press",
        "the part is rejected",
    )
    yield Step(
        part, "Where the plan has changed since: approve it at the PLC as above (S1 to OVERRIDE, hold S2 for 4 s)",
        "the agent no longer names an unapproved plan",
    )  # fmt: skip
