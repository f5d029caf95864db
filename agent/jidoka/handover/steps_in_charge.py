"""Steps of the protocol while the agent is in charge: it rises by the button only, falls and stays down, key and power."""

from __future__ import annotations

import math
from collections.abc import Iterator

from jidoka_bridge.plan import Plan

from jidoka.commissioning.reaction import Reaction
from jidoka.handover.signals import BRIDGE_MACHINE, BRIDGE_MODEL, KEY_AROUND
from jidoka.handover.step import WHO, Step

CABLE = {"rtu": "Pull the RS-485 cable to the agent", "modbus-tcp": "Pull the Ethernet cable to the agent"}


def steps(plan: Plan, reaction: Reaction) -> Iterator[Step]:
    """All of them, with this site's times."""
    yield from _enforce(plan)
    yield from _rises(plan)
    yield from _falls(plan, reaction)
    yield from _passes()
    yield from _key_in_charge(plan)
    yield from _power()


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
    yield Step(
        part, "Press reset for less than 0.1 s", "K1 and K2 stay off; the agent tells that it was too short"
    )
    yield Step(
        part,
        "Press reset and keep it for more than 5 s",
        "K1 and K2 stay off; then an alarm that the button is stuck",
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
    yield Step(
        part,
        "Press reset before that was acknowledged",
        "K1 and K2 stay off; the agent tells what is lacking",
    )
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
        "Bridge K1's feedback at the PLC's terminals while it runs (it reads as off); take the bridge off again",
        "K1 and K2 off; fault RELAY_FEEDBACK",
    )
    yield Step(
        part,
        "Switch the PLC to STOP while it runs, then to RUN",
        "K1 and K2 off at once, and they stay off until acknowledged and reset",
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
    yield Step(part, "Start the agent, acknowledge, press and release reset, start the machine; cut and restore the PLC's power while it runs",
               "K1 and K2 off and stay off until reset; nothing starts by itself")  # fmt: skip
    yield Step(part, f"The {counters} again",
               "the same or more; from 0 where the PLC keeps no RETAIN (OpenPLC): write that down")  # fmt: skip
