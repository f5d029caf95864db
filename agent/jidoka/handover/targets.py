"""The families of PLCs that the sources are made for, with what differs: file, function code, hold limit, how to import."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jidoka_bridge.plan import Link

from jidoka.commissioning.ways import Line
from jidoka.handover import calling, openplc, scl
from jidoka.handover.plcopen import plcopen_of
from jidoka.handover.source import read_source, units_of, with_values

#: scans after which the relay's contact must have been seen, besides its own time
FEEDBACK_SCANS = 2


@dataclass(frozen=True)
class Target:
    """One family. has_fc23: its Modbus server answers function code 23; filter_ms: of its inputs, as delivered; notes: file
    beside the block; steps: how to get it in."""

    file: str
    name: str
    has_fc23: bool
    filter_ms: int
    notes: str
    steps: tuple[str, ...]


TARGETS: tuple[Target, ...] = (
    Target(
        "JidokaGuard.scl", "Siemens S7-1200, S7-1500 (TIA Portal, SCL)", False, 7,
        "siemens.md",
        (
            "Project tree: External source files → Add new external file → JidokaGuard.scl; right click → Generate blocks.",
            ("Call \"JIDOKA_SITE\" once in a cyclic interrupt OB (OB30) of 10 ms (S7-1200: 20 ms, with `plc.scan: 20 ms`) or in OB1, with an instance data block; "
            "connect its inputs and outputs to your addresses. In OB30 the outputs K1, K2 and all inputs of the block must be in "
            "a process image partition that is assigned to OB30, or be addressed with :P; else they move with OB1's cycle only."),
            ("Serial (CM 1241 RS422/485): in the instance data block of Modbus_Comm_Load set MODE := 4 (RS-485, two wires; its "
            "default is RS-232) and LINE_PRE := 2, then call it once with this site's BAUD, PARITY (0 none, 1 odd, 2 even) and "
            "MB_DB := the instance of Modbus_Slave; then Modbus_Slave in each scan with MB_ADDR = the station and MB_HOLD_REG := "
            "\"JIDOKA_REGISTERS\".Register, in the same OB, before JIDOKA_SITE. It has no function code 23: the agent finds that "
            "out and uses 16 and 03."),
            "Ethernet: MB_SERVER with the same MB_HOLD_REG, `transport: modbus-tcp` in the agent's configuration.",
            "The instance data block of JIDOKA_SITE, in which JIDOKA_GUARD lies, keeps retentive values: leave retain as generated.",
            "\"JIDOKA_REGISTERS\" must stay without optimized access, or MB_SLAVE answers with an error.",
        ),
    ),
    Target(
        "JidokaGuard.xml", "CODESYS V3 and relatives (WAGO, Beckhoff, Schneider, ...): PLCopen XML", True, 3,
        "codesys.md",
        (
            "Project → Import PLCopenXML… → JidokaGuard.xml; take all objects.",
            ("In a cyclic task of 10 ms: `Site(NowMs := TIME_TO_UDINT(TIME()), Registers := Registers, …);` with "
            "`Site : JIDOKA_SITE;` and `Registers : ARRAY [0..369] OF UINT;`."),
            ("A Modbus server whose holding registers 0 to 369 are one array of yours: WAGO FbMbServer…, Beckhoff ModbusRtuSlave_…, "
            "Schneider %MW. Give it this array; it must be readable with function code 03 and 23 as well as writable."),
            ("CODESYS' own Modbus Serial or TCP device keeps what the client writes (%IW) apart from what the program shows (%QW, "
            "which only function code 04 reads): the agent reads with 03 and 23, so that device alone doesn't do."),
            "Where the server copies: its registers into the array before the call, and 100 to 369 back after it, in the same task.",
        ),
    ),
    Target(
        "JidokaGuard.st", "OpenPLC, and any other IEC 61131-3 system: plain Structured Text", False, 0,
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
        f"and make this folder again; W is {math.ceil(slower.hold_ms / 10) * 10} ms then."
    )


def site_values(link: Link, target: Target, limit_ms: int) -> dict[str, str]:
    """Initial values of the block's inputs at this site."""
    return {
        "Station": str(link.unit),
        "HoldLimitMs": str(limit_ms),
        "RelayMs": str(link.relay_ms + target.filter_ms + FEEDBACK_SCANS * link.scan_ms),
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
    text = f"{block}\n{call}\n{openplc.program(line.link.scan_ms)}"
    return f"{head}\n\n{openplc.with_named_arrays(text)}".encode()
