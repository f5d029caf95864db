"""The part that calls the block in each scan, for each family of PLCs: registers in, wires in, block, wires out.

It is written once with the same shape as the block's own source, so that SCL and PLCopen XML are made of it by the same
way; what differs is where the registers lie and where the milliseconds come from.
"""

from __future__ import annotations

from collections.abc import Iterator

from jidoka_bridge import registers

from jidoka.handover.signals import INPUTS, OUTPUTS

NAME = "JIDOKA_SITE"
A, B, C, D = registers.A, registers.B, registers.C, registers.D
REGISTERS = C.address + C.words
BY_HAND = {"PartSensor", "MachineContact", "ModelContact"}

HEAD = """(* JIDOKA_SITE: calls JIDOKA_GUARD once in every scan with this site's wires and registers.
   This part is yours to change; JIDOKA_GUARD isn't. *)"""

#: TIME_TCK of Siemens runs from 0 to 2147483647 ms and starts again
SIEMENS_CLOCK = """
    Tick := DINT_TO_UDINT(TIME_TO_DINT(TIME_TCK()));
    Passed := 0;
    IF HasTick THEN
        IF Tick >= LastTick THEN
            Passed := Tick - LastTick;
        ELSE
            Passed := (2147483647 - LastTick) + Tick + 1;
        END_IF;
    END_IF;
    HasTick := TRUE;
    LastTick := Tick;
    NowMs := JIDOKA_SUM(One := NowMs, Other := Passed);
"""


def calling_part(*, is_siemens: bool = False) -> str:
    """JIDOKA_SITE as Structured Text. is_siemens: its clock is in it and its registers lie in a data block."""
    return "\n".join(_lines(is_siemens=is_siemens)) + "\n"


def _lines(*, is_siemens: bool) -> Iterator[str]:
    yield HEAD
    yield f"FUNCTION_BLOCK {NAME}"
    yield "VAR_INPUT"
    if not is_siemens:
        yield "    NowMs : UDINT;  (* free-running milliseconds; may wrap from 4294967295 to 0 *)"
    for each in INPUTS:
        yield f"    {each.name} : BOOL;  (* {each.device}: {each.text} *)"
    yield "    Recipe : UINT;  (* 0 = unknown *)"
    yield "    Acknowledges : UINT;  (* counter of acknowledgements at your own panel; leave 0 without one *)"
    yield "    AcknowledgeReason : UINT;  (* its reason number *)"
    yield "    Person : UINT;  (* its person number *)"
    yield "END_VAR"
    yield "VAR_OUTPUT"
    for each in OUTPUTS:
        yield f"    {each.name} : BOOL;  (* {each.device}: {each.text} *)"
    yield "    State : UINT;  (* for your panel: state of the agent's interlock, see reasons.csv *)"
    yield "    Reason : UINT;  (* for your panel: reason number, see reasons.csv *)"
    yield "    PlcState : UINT;  (* for your panel: state of the block *)"
    yield "    Fault : UINT;  (* for your panel: fault of the block *)"
    yield "END_VAR"
    if not is_siemens:
        yield "VAR_IN_OUT"
        yield f"    Registers : ARRAY [0..{REGISTERS - 1}] OF UINT;  (* the Modbus server's holding registers from 0 on *)"
        yield "END_VAR"
    yield "VAR"
    yield "    Guard : JIDOKA_GUARD;"
    yield f"    WordsA : ARRAY [0..{A.words - 1}] OF UINT;"
    yield f"    WordsD : ARRAY [0..{D.words - 1}] OF UINT;"
    for name in ("HasA", "HasD", "WasPart", "Refresh", "HasTick" if is_siemens else ""):
        if name:
            yield f"    {name} : BOOL;"
    for name in (
        "Parts",
        "Seed",
        "RefreshAtMs",
        *(("NowMs", "Tick", "LastTick", "Passed") if is_siemens else ()),
    ):
        yield f"    {name} : UDINT;"
    yield "    I : UINT;"
    yield "END_VAR"
    yield from _body("JIDOKA_REGISTERS.Register" if is_siemens else "Registers", is_siemens=is_siemens)
    yield "END_FUNCTION_BLOCK"


def _body(store: str, *, is_siemens: bool) -> Iterator[str]:
    if is_siemens:
        yield SIEMENS_CLOCK.strip("\n")
    yield f"""    (* what the agent wrote *)
    FOR I := 0 TO {A.words - 1} DO
        WordsA[I] := {store}[I];
    END_FOR;
    HasA := WordsA[0] <> 0;
    HasD := FALSE;
    FOR I := 0 TO {D.words - 1} DO
        IF {store}[I + {D.address}] <> WordsD[I] THEN
            HasD := TRUE;
        END_IF;
        WordsD[I] := {store}[I + {D.address}];
    END_FOR;
    (* a part, once for each pulse *)
    Parts := 0;
    IF PartSensor AND NOT WasPart THEN
        Parts := 1;
    END_IF;
    WasPart := PartSensor;
    (* a number that can't be foreseen, for the connection's id *)
    Seed := (Seed * 75 + NowMs MOD 997 + 74) MOD 65537;
    (* block C takes long: once a second *)
    Refresh := JIDOKA_SINCE(NowMs := NowMs, ThenMs := RefreshAtMs) >= 1000;
    IF Refresh THEN
        RefreshAtMs := NowMs;
    END_IF;"""
    wires = _wires([each.name for each in INPUTS if each.name not in BY_HAND])
    yield f"""    Guard(NowMs := NowMs, BlockA := WordsA, HasBlockA := HasA, BlockD := WordsD, HasBlockD := HasD, RefreshC := Refresh,
        Actual := JIDOKA_ACTUAL(MachineContact := MachineContact, ModelContact := ModelContact), Parts := Parts,
        {wires},
        Recipe := Recipe, Acknowledges := Acknowledges, AcknowledgeReason := AcknowledgeReason, Person := Person,
        Random := UDINT_TO_UINT(Seed MOD 65536));
    MachineMayRun := Guard.MachineMayRun;
    ModelMayBeUsed := Guard.ModelMayBeUsed;
    (* what the agent reads *)
    FOR I := 0 TO {B.words - 1} DO
        {store}[I + {B.address}] := Guard.BlockB[I];
    END_FOR;
    IF Refresh THEN
        FOR I := 0 TO {C.words - 1} DO
            {store}[I + {C.address}] := Guard.BlockC[I];
        END_FOR;
    END_IF;
    (* for your panel *)
    State := WordsA[4] / 4096;
    Reason := WordsA[4] MOD 256;
    PlcState := Guard.BlockB[5] / 256;
    Fault := Guard.BlockB[5] MOD 256;"""


def _wires(names: list[str]) -> str:
    """`Name := Name` for each, four a line."""
    lines = [", ".join(f"{name} := {name}" for name in names[at : at + 4]) for at in range(0, len(names), 4)]
    return ",\n        ".join(lines)


SIEMENS_DATA = f"""(* The Modbus server's memory: give it to MB_SLAVE or MB_SERVER as MB_HOLD_REG. It must not be optimized. *)
DATA_BLOCK "JIDOKA_REGISTERS"
{{ S7_Optimized_Access := 'FALSE' }}
VERSION : 0.1
NON_RETAIN
    STRUCT
        Register : ARRAY[0..{REGISTERS - 1}] OF UINT;
    END_STRUCT;
BEGIN
END_DATA_BLOCK"""


def openplc_program(scan_ms: int) -> str:
    """What OpenPLC needs around it: located variables, a program and its task, whose interval is the step of its milliseconds.

    Holding register n is %QWn there.
    """
    return "\n".join(_openplc(scan_ms)) + "\n"


def _openplc(scan_ms: int) -> Iterator[str]:
    yield f"(* OpenPLC: holding register n is %QWn. The task's {scan_ms} ms are the clock: for trials only. *)"
    yield "PROGRAM JIDOKA_MAIN"
    yield "VAR"
    for number, each in enumerate(INPUTS):
        yield f"    {each.name} AT %IX{number // 8}.{number % 8} : BOOL;"
    for number, each in enumerate(OUTPUTS):
        yield f"    {each.name} AT %QX0.{number} : BOOL;"
    for layout in (A, D, B, C):
        for word in range(layout.words):
            yield f"    {layout.name}{word} AT %QW{layout.address + word} : UINT;"
    yield "END_VAR"
    yield "VAR"
    yield f"    Site : {NAME};"
    yield f"    Registers : ARRAY [0..{REGISTERS - 1}] OF UINT;"
    yield "    NowMs : UDINT;"
    yield "END_VAR"
    yield f"    NowMs := JIDOKA_SUM(One := NowMs, Other := {scan_ms});"
    for layout in (A, D):
        for word in range(layout.words):
            yield f"    Registers[{layout.address + word}] := {layout.name}{word};"
    wires = _wires([each.name for each in INPUTS])
    yield f"    Site(NowMs := NowMs, Registers := Registers, {wires});"
    for each in OUTPUTS:
        yield f"    {each.name} := Site.{each.name};"
    for layout in (B, C):
        for word in range(layout.words):
            yield f"    {layout.name}{word} := Registers[{layout.address + word}];"
    yield "END_PROGRAM"
    yield ""
    yield "CONFIGURATION Config0"
    yield "    RESOURCE Res0 ON PLC"
    yield f"        TASK Main(INTERVAL := T#{scan_ms}ms, PRIORITY := 0);"
    yield "        PROGRAM Instance0 WITH Main : JIDOKA_MAIN;"
    yield "    END_RESOURCE"
    yield "END_CONFIGURATION"
