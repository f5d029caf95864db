"""Questions that only the machine's builder can answer, how A is wired into the reject path, and how all comes out again."""

from __future__ import annotations

import math

from jidoka_bridge.plan import Plan

from jidoka.commissioning.reaction import Reaction
from jidoka.commissioning.words import whole_parts
from jidoka.handover.signals import BRIDGE_MACHINE, BRIDGE_MODEL, KEY_AROUND

HEAD = ("no.", "question", "why it is asked", "answer", "name, date")


def questions_of(plan: Plan, reaction: Reaction) -> list[tuple[str, str]]:
    """(question, why), with this site's figures."""
    run_out = f"{plan.times.run_out_ms} ms"
    silent = next(each for each in reaction.outcomes if each.name == "silent agent")
    travel = "" if silent.mm is None else f" or {silent.mm:.0f} mm"
    parts = "" if silent.parts is None else f" ({whole_parts(silent.parts)} parts at most)"
    return [
        ("What moves when M drops in mid-cycle, how far, and where does it stop?",
         "M drops at any moment, also in the middle of a stroke"),
        ("May the cycle be finished after M dropped? Must it (a hot, clamped or hanging part)?",
         "if so the PLC finishes it by its own program, and the agent must know how long that takes"),
        ("How long does finishing take at worst, in ms?",
         f"movement for longer than {run_out} after the read-back is off locks the agent out (moved without permissive)"),
        ("What falls, swings, springs back or stays under pressure when M drops?",
         "K1 takes the enable away; brakes and valves must hold by themselves"),
        ("What is the stopping category of the machine's enable (IEC 60204-1: 0, 1 or 2)?",
         "the agent asks for a normal stop; it never replaces an emergency stop"),
        ("Does anything start by itself when M comes back?",
         "nothing may: the reset gives the permissive back, the machine needs its own start"),
        (f"Is it acceptable that the machine runs on for {math.ceil(silent.ms)} ms{travel} after the agent died{parts}?",
         "that is the worst case of the link at this site; `jidoka plan` shows what shortens it"),
        ("What becomes of the part that was being worked on, and of those between the model's station and the gate?",
         "they count as not inspected; they must be found again"),
        ("Which parts are rejected after a stop, and how many?", "the agent names the parts to sort again"),
        ("How far is it from the model's station to the gate, in parts and ms?",
         "A must act on the part that it belongs to"),
        ("What happens upstream and downstream while this machine stands?", "jams and starved machines are hazards of their own"),
        (f"What is the fallback ({plan.fallback or 'none is set'}), who approved it, what does it need to be ready?",
         "FallbackHealthy must be 1 only while it is"),
        ("How often an hour may M drop before wear, heat or scrap become a problem?", "false alarms have a budget in the configuration"),
        ("Who keeps the override key, and where does it hang?", "with the key the plant alone is responsible"),
        ("Who may be inside the danger zone when M drops and when it returns?", "the reset button must not be reachable from inside"),
        ("Can the reset button be seen from where the danger zone can be seen?", "a press is presence, not identity"),
        ("Is any safety function fed by, or bridged by, anything in this folder?", "it must not be: no SIL, no PL"),
        ("Was the risk assessment of the machine (ISO 12100) updated for this change?", "a new automatic stop and a new restart are a change"),
    ]  # fmt: skip


REJECT_PATH = (
    "The plant's good = the model's good AND A. The gate's resting position is REJECT.",
    (
        f"Where the PLC sorts: in its program, `Good := ModelSaysGood AND (Site.ModelMayBeUsed OR Observing);`. Observing is an "
        f"input of yours, wired over the terminals {BRIDGE_MODEL}: TRUE only while the bridge is in, FALSE with a broken wire. Show it "
        "on your panel."
    ),
    (
        "Where the application drives the gate or a robot itself: its output goes through a make contact of K2 "
        "(gate: in series with the coil towards GOOD; robot: in the enable). The application can't bypass it."
    ),
    (
        "A is that of now. If the gate is d parts behind the model's station, shift A by d parts with the part itself: "
        "a part is good only if A was on when it was judged AND is on when it passes the gate."
    ),
    "While M is on and A is off (FALLBACK), parts go the fallback's way or to REJECT. Never to GOOD.",
    (
        f"While the agent only observes A is never on: the bridge {BRIDGE_MODEL} leads around K2 (where the PLC sorts: into the input "
        "Observing), so that good parts pass. It comes out for the drill, and for good with `enforce`; what then stays TRUE, or is "
        "left in, takes A away for good and nobody would notice: steps of the protocol look for it."
    ),
    (
        "Until a drill has shown a rejected part with A off (`jidoka plc drill`), a model that drives "
        "a gate or robot itself can't be set to `enforce`."
    ),
)

_CABLE = {
    "rtu": "Disconnect the RS-485 cable at both ends, take out the two resistors.",
    "modbus-tcp": "Disconnect the Ethernet cable at both ends.",
}


def taking_out_of(transport: str) -> tuple[str, ...]:
    """How all comes out again, step by step."""
    return (
        "Get it signed by the person who is responsible for the machine: after this nothing watches the model.",
        (
            '`jidoka hold --reason "taking it out" --config CONFIGURATION --role engineer --person NAME`, wait until K1 and K2 are '
            "off, stop the agent (`jidoka run` or its service)."
        ),
        "Switch the machine off and lock it.",
        (
            f"Put the wire of the machine's enable back from K1's contact to where it came from (the drawing names both ends); "
            f"take {KEY_AROUND} and {BRIDGE_MACHINE} out with it."
        ),
        (
            f"Put the wire of the gate or robot enable back from K2's contact, take {BRIDGE_MODEL} out. Without the model the gate "
            "stays at REJECT, or the parts go the fallback's way: decide which."
        ),
        (
            "In the PLC: take ModelMayBeUsed, MachineMayRun, Observing, State and Reason out of your own program (the cross-reference "
            "of JIDOKA_SITE's instance must be empty), then delete the calls of JIDOKA_SITE and of the Modbus server, the blocks and "
            "the data block. Keep a copy of the project."
        ),
        _CABLE[transport],
        "Test E-stop, guards, start and stop; write it into the machine's book.",
    )


OWN_PANEL = (
    (
        "Show the reason's text (output Reason) and the state (output State) of JIDOKA_SITE: that is the cause that a press of "
        "your key acknowledges. It counts only after it stood there for a second."
    ),
    (
        "One press of your key: put the reason's number (list `acknowledge reason`) into AcknowledgeReason and the person's number "
        "into Person (0 = not given), then count Acknowledges up by 1 (255 is followed by 0), all in one scan."
    ),
    "It has the force of an operator at the machine. Where a role above that is asked for, it is refused.",
    "It never resets: that is the wired button S2, or a button of this PLC's own panel on the same input. Never a register.",
)
