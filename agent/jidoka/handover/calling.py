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
BY_HAND = {"PartSensor", "MachineReleased", "ModelReleased"}
#: the agent writes in each beat; a panel that shows what it last wrote must not outlive it
SILENT_MS = 1000

HEAD = """(* JIDOKA_SITE: calls JIDOKA_GUARD once in every scan with this site's wires and registers.
   This part is yours to change; JIDOKA_GUARD isn't. *)"""

#: an on-delay timer counts milliseconds on every CPU; it is begun anew once a day, in the moment in which it was read
SIEMENS_CLOCK = """
    Timer(IN := TRUE, PT := T#2D);
    Tick := DINT_TO_UDINT(TIME_TO_DINT(Timer.ET));
    IF Tick >= LastTick THEN
        Passed := Tick - LastTick;
    ELSE
        Passed := 3000; (* it was begun anew by something else: nobody knows how long ago, so that what was held is over *)
    END_IF;
    LastTick := Tick;
    IF Tick >= 86400000 THEN
        Timer(IN := FALSE, PT := T#2D);
        Timer(IN := TRUE, PT := T#2D);
        LastTick := 0;
        Passed := Passed + 1; (* a begun millisecond counts as a whole one: a clock that is slow would hold for longer *)
    END_IF;
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
    yield "    State : UINT;  (* for your panel: state of the agent's interlock, see reasons.csv; 0 = the agent is silent *)"
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
    if is_siemens:
        yield "    Timer : TON_TIME;"
    for name in ("HasA", "HasD", "WasPart", "Refresh", "IsHeard"):
        yield f"    {name} : BOOL;"
    for name in (
        "Parts",
        "Seed",
        "RefreshAtMs",
        "HeardAtMs",
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
    yield f"""    (* what the agent wrote: it is another number in each beat *)
    FOR I := 0 TO {A.words - 1} DO
        IF {store}[I] <> WordsA[I] THEN
            HeardAtMs := NowMs;
            IsHeard := TRUE;
        END_IF;
        WordsA[I] := {store}[I];
    END_FOR;
    IF JIDOKA_SINCE(NowMs := NowMs, ThenMs := HeardAtMs) > {SILENT_MS} THEN
        IsHeard := FALSE;
    END_IF;
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
    given = wires([each.name for each in INPUTS if each.name not in BY_HAND])
    yield f"""    Guard(NowMs := NowMs, BlockA := WordsA, HasBlockA := HasA, BlockD := WordsD, HasBlockD := HasD, RefreshC := Refresh,
        Actual := JIDOKA_ACTUAL(MachineContact := NOT MachineReleased, ModelContact := NOT ModelReleased), Parts := Parts,
        {given},
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
    State := 0;
    Reason := 0;
    IF IsHeard THEN
        State := WordsA[4] / 4096;
        Reason := WordsA[4] MOD 256;
    END_IF;
    PlcState := Guard.BlockB[5] / 256;
    Fault := Guard.BlockB[5] MOD 256;"""


def wires(names: list[str]) -> str:
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
