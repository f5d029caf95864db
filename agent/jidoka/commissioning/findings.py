"""What can be wrong between device and PLC, each with its cause and what to do: one table."""

from __future__ import annotations

from typing import NamedTuple

from jidoka_bridge.guard.line_faults import EXCEPTION, SENTENCES, UNKNOWN
from jidoka_bridge.plan import Link


class Finding(NamedTuple):
    """One thing that was found. is_fault: the link can't be used as it is."""

    id: str
    text: str
    remedy: str
    is_fault: bool = True


#: id -> (sentence, remedy, whether it keeps the link from being used)
TABLE: dict[str, tuple[str, str, bool]] = {
    "other settings": (
        "the PLC answers at {baud} baud, parity {parity}, as unit {unit}, not as the configuration says",
        "Set {change} under `plc:`, or change it in the PLC.", True,
    ),
    "other settings twice": (
        "stations answer at {places}",
        "The line is shared or badly terminated: one PLC point to point is what the link is made for.", True,
    ),
    "silent": (
        "no station answers at {port}, at any usual baud rate and parity, as unit {units}",
        ("Check power, that the PLC's Modbus server is switched on for this port, A and B (swap them), termination, "
         "and that the adapter is the right one."), True,
    ),
    "silent as configured": (
        "no station answers at {port} with {baud} baud, parity {parity}, as unit {unit}",
        "Check power, wiring, baud, parity and unit; without --no-search other settings are tried.", True,
    ),
    "stop": (
        "the PLC answers, but its program doesn't run: its counter stands at {counter}",
        "Switch the PLC to RUN; if it is, see that the block is called in each scan and writes block B.", True,
    ),
    "empty": (
        "the PLC answers, but block B is all zeros: nothing writes it",
        "Switch the PLC to RUN; load the function block, call it in each scan, and bind its output to holding registers 100 to 115.", True,
    ),
    "no registers": (
        "the PLC refuses to read block B (Modbus exception {exception})",
        "Give its Modbus server holding registers 0 to 369: see registers.html of jidoka plc handover", True,
    ),
    "other map": (
        "the PLC was built with register map {theirs}, this program has {ours}",
        ("Load the function block of this version into the PLC (jidoka plc handover), or install the version that "
         "was commissioned."), True,
    ),
    "other unit in program": (
        "the PLC answers as unit {unit}, but its program was built for unit {theirs}",
        "Set the block's unit to {unit}, as its Modbus server has it.", True,
    ),
    "damaged block": (
        "block {block} comes with a wrong CRC-32 (it isn't another register map or unit)",
        "See that the whole block is copied in one scan, and that its words aren't swapped.", True,
    ),
    "other session": (
        "somebody else speaks to this PLC: its echo moves from {before} to {after} without us",
        "Disconnect the other master; the link is point to point.", True,
    ),
    "ignored": (
        "the PLC answers, but its program doesn't take what is written (echo {echo}, {number} was sent)",
        "See that the program reads block A from holding registers 0 to 7 in each scan.", True,
    ),
    "lost": (
        "{lost} of {beats} beats got no usable answer: {why}",
        "Check shield, termination and bias of the line, the adapter's latency, and plc_answer.", True,
    ),
    "plc clock": (
        "its milliseconds run {percent} % {way}: the hold time gets {effect}",
        "Give NowMs the PLC's own clock, not a sum of task intervals.", True,
    ),
    "no fc23": (
        "the PLC refuses function code 23; 16 and 03 are used, two exchanges a beat",
        "Set plc.function: 16+03 and make the plan anew, or fewer lost beats than planned are borne; `jidoka plan` shows what it costs.", False,
    ),
    "fault latched": (
        "the PLC has latched the fault {fault}",
        "It is cleared by the reset button once its reason is gone.", False,
    ),
    "hold limit": (
        "the PLC's own limit W is {theirs} ms, the plan asks for {ours} ms",
        "Set the block's hold limit to {ours}, or fewer lost beats than planned stop the machine.", False,
    ),
    "loose limit": (
        "the PLC's own limit W is {theirs} ms, more than the {ours} ms that the plan promises",
        "Set the block's hold limit to {ours}: it bounds what a faulty agent could ask for.", False,
    ),
    "slow answer": (
        "the PLC took up to {found} ms to begin its answer, the configuration says {assumed} ms",
        "Set plc_answer: {above} ms.", False,
    ),
    "slow scan": (
        "the PLC's longest scan was {found} ms, the configuration says {assumed} ms",
        "Set scan: {found} ms, or make the program shorter.", False,
    ),
    "map not stated": (
        "the map digest that block C states ({theirs}) isn't the one that its CRC was made with ({ours})",
        "Take both from the same generated file.", False,
    ),
}  # fmt: skip


def finding(name: str, **values: object) -> Finding:
    """A row of the table, filled in."""
    text, remedy, is_fault = TABLE[name]
    return Finding(name, text.format(**values), remedy.format(**values), is_fault)


def line_finding(why: str, link: Link) -> Finding:
    """Why beats stay bad, in the words that the guard uses too."""
    form = SENTENCES.get(why, EXCEPTION if why.startswith("exception") else UNKNOWN)
    text = form.format(port=link.port, unit=link.unit, wait=link.reply_timeout_ms, why=why)
    return Finding(why, text, "Check cable, unit, baud and parity.", True)
