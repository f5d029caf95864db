"""The families of PLCs that the sources are made for, with what differs: file, function code, hold limit, how to import."""

from __future__ import annotations

from dataclasses import dataclass

from jidoka_bridge.plan import Link

from jidoka.commissioning.ways import Line
from jidoka.handover import calling, scl
from jidoka.handover.plcopen import plcopen_of
from jidoka.handover.source import read_source, units_of, with_values

#: scans after which the relay's contact must have been seen, besides its own time
FEEDBACK_SCANS = 2


@dataclass(frozen=True)
class Target:
    """One family. has_fc23: its Modbus server answers function code 23; notes: file beside the block; steps: how to get it in."""

    file: str
    name: str
    has_fc23: bool
    notes: str
    steps: tuple[str, ...]


TARGETS: tuple[Target, ...] = (
    Target(
        "JidokaGuard.scl", "Siemens S7-1200, S7-1500 (TIA Portal, SCL)", False,
        "siemens.md",
        (
            "Project tree: External source files → Add new external file → JidokaGuard.scl; right click → Generate blocks.",
            ("Call \"JIDOKA_SITE\" once in a cyclic interrupt OB (OB30) of 10 ms or in OB1, with an instance data block; "
            "connect its inputs and outputs to your addresses."),
            ("Serial (CM 1241 RS422/485): MB_COMM_LOAD once with this site's baud rate and parity, then MB_SLAVE in each scan with "
            "MB_ADDR = the station and MB_HOLD_REG := \"JIDOKA_REGISTERS\".Register. MB_SLAVE must run in the same OB, before "
            "JIDOKA_SITE. It has no function code 23: the agent finds that out and uses 16 and 03."),
            "Ethernet: MB_SERVER with the same MB_HOLD_REG, `transport: modbus-tcp` in the agent's configuration.",
            "The instance data block of JIDOKA_GUARD keeps retentive values: leave retain as generated.",
            "\"JIDOKA_REGISTERS\" must stay without optimized access, or MB_SLAVE answers with an error.",
        ),
    ),
    Target(
        "JidokaGuard.xml", "CODESYS V3 and relatives (WAGO, Beckhoff, Schneider, ...): PLCopen XML", True,
        "codesys.md",
        (
            "Project → Import PLCopenXML… → JidokaGuard.xml; take all objects.",
            ("In a cyclic task of 10 ms: `Site(NowMs := TIME_TO_UDINT(TIME()), Registers := Registers, …);` with "
            "`Site : JIDOKA_SITE;` and `Registers : ARRAY [0..369] OF UINT;`."),
            ("Modbus serial or TCP device (slave): holding registers 0 to 369 must be this array, readable with function code 03 "
            "and 23 as well as writable. Where the slave has separate areas for reading and writing, switch on that they overlay."),
            "Copy the device's registers into the array before the call, and registers 100 to 369 back after it, in the same task.",
        ),
    ),
    Target(
        "JidokaGuard.st", "OpenPLC, and any other IEC 61131-3 system: plain Structured Text", False,
        "openplc.md",
        (
            "OpenPLC Runtime: Programs → upload JidokaGuard.st → compile → Start PLC. Slave devices are not needed.",
            "Its Modbus server has holding register n at %QWn, which JIDOKA_MAIN at the end of the file uses.",
            "OpenPLC's clock is its task's interval: for trials, not for production.",
            "Elsewhere: take everything above JIDOKA_MAIN, and call JIDOKA_SITE with a free-running count of milliseconds.",
        ),
    ),
)  # fmt: skip


def hold_limit_ms(line: Line) -> int:
    """W, the PLC's own limit: what the plan promises and no more, up to whole 10 ms."""
    return -(-line.link.hold_ms // 10) * 10


def advice(line: Line, target: Target) -> str:
    """What to set first where the plan reckons with a function code that this family hasn't; "" where all fits."""
    if target.has_fc23 or line.way[1] != "23":
        return ""
    slower = line.by(line.link.transport, "16+03").times
    if slower.hold_ms <= line.link.hold_ms:
        return ""
    return (
        f"This family has no function code 23, and the plan reckons with it: a beat takes {slower.beat_ms:g} ms in place of "
        f"{line.link.beat_ms} ms, so fewer lost beats than planned stop the machine. Set `function: 16+03` under `plc:` "
        f"and make this folder again; W is {slower.hold_ms:g} ms then."
    )


def site_values(link: Link, target: Target, limit_ms: int) -> dict[str, str]:
    """Initial values of the block's inputs at this site."""
    return {
        "Station": str(link.unit),
        "HoldLimitMs": str(limit_ms),
        "RelayMs": str(link.relay_ms + FEEDBACK_SCANS * link.scan_ms),
        "HasFc23": "TRUE" if target.has_fc23 else "FALSE",
    }


def source_for(line: Line, target: Target, note: str, version: str) -> bytes:
    """The importable file of one family. note: the digests, as a sentence without comment marks."""
    is_siemens = target.file.endswith(".scl")
    block = with_values(read_source(), site_values(line.link, target, hold_limit_ms(line)))
    call = calling.calling_part(is_siemens=is_siemens)
    head = f"(* {note} *)"
    if is_siemens:
        return scl.scl_of([*units_of(block), *units_of(call)], f"{head}\n\n{calling.SIEMENS_DATA}").encode()
    if target.file.endswith(".xml"):
        return plcopen_of([*units_of(block), *units_of(call)], "jidoka", version, note)
    return f"{head}\n\n{block}\n{call}\n{calling.openplc_program(line.link.scan_ms)}".encode()
