"""Steps of the protocol while nothing is granted yet: E-stop, bridges, key, wires, line and reject path."""

from __future__ import annotations

from collections.abc import Iterator

from jidoka_bridge.plan import Plan

from jidoka.handover.signals import BRIDGE_MACHINE, BRIDGE_MODEL, INPUTS, KEY_AROUND
from jidoka.handover.step import WHO, Step


def steps(plan: Plan, drives: frozenset[str]) -> Iterator[Step]:
    """All of them. drives: what the models' applications move themselves."""
    yield from _before()
    yield from _bridged()
    yield from _key()
    yield from _wires()
    yield from _link(plan)
    yield from _rejects(drives)


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
    part = "Wires (agent running with `mode: observe`, bridges in, `jidoka plc watch` in view; the machine stands until parts are made)"
    for each in INPUTS:
        if each.name in {"MachineReleased", "ModelReleased", "PartSensor", "FallbackHealthy"}:
            continue
        warning = "; danger zone clear, OVERRIDE enables the machine" if each.device == "S1" else ""
        yield Step(part, f"{each.device} {each.name}: switch on and off ({each.text}{warning})",
                   f"watch shows it on and off; broken wire: {each.broken}")  # fmt: skip
    for name, device, lamp in (("MachineReleased", "K1", "M"), ("ModelReleased", "K2", "A")):
        yield Step(part, f"{device} {name}: pull the wire with {device} off, put it back",
                   f"watch shows {lamp} as on and the fault RELAY_FEEDBACK, then {lamp} as off again; the fault stays until the next "
                   "accepted reset (below)")  # fmt: skip
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
               f"agent's; a longest scan above {link.scan_ms} ms goes into `plc.scan`, and this folder is made again; the fault of the wire test may be told as latched")  # fmt: skip
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
