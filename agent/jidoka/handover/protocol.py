"""The test protocol that is signed at the machine: each step with what must be seen, with this site's times."""

from __future__ import annotations

from collections.abc import Iterator

from jidoka_bridge.plan import Plan

from jidoka.commissioning.reaction import Reaction
from jidoka.handover import steps_in_charge, steps_observing
from jidoka.handover.signals import BRIDGE_MACHINE, BRIDGE_MODEL
from jidoka.handover.step import Step


def steps_of(plan: Plan, reaction: Reaction, drives: frozenset[str]) -> list[Step]:
    """Every step of this site, in the order in which they are done."""
    return [
        *steps_observing.steps(plan, drives),
        *steps_in_charge.steps(plan, reaction),
        *_end(),
        *_later(drives),
    ]


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
        "Lead a part that the model calls good past the gate before the first press: by hand, or with S1 in OVERRIDE (danger zone "
        "clear: it enables the machine)",
        "the part is rejected",
    )
    yield Step(
        part, "Where the plan has changed since: approve it at the PLC as above (S1 to OVERRIDE, hold S2 for 4 s)",
        "the agent no longer names an unapproved plan",
    )  # fmt: skip
