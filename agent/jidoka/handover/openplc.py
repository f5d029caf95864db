"""What OpenPLC's compiler (MatIEC) needs besides the block: named types for arrays, located variables, a program and its task."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jidoka.handover.calling import NAME, REGISTERS, A, B, C, D, wires
from jidoka.handover.signals import INPUTS, OUTPUTS

_ARRAY = re.compile(r"ARRAY \[0\.\.(\d+)\] OF UINT")


def with_named_arrays(text: str) -> str:
    """Arrays of registers by a type's name: MatIEC takes two that are written out for two types, and assigns none to the other."""
    sizes = sorted({int(last) + 1 for last in _ARRAY.findall(text)})
    types = "\n".join(f"TYPE JIDOKA_WORDS_{size} : ARRAY [0..{size - 1}] OF UINT; END_TYPE" for size in sizes)
    return f"{types}\n\n" + _ARRAY.sub(lambda found: f"JIDOKA_WORDS_{int(found[1]) + 1}", text)


def without_named_arrays(text: str) -> str:
    """The way back, by which the variant is proven."""
    text = re.sub(r"TYPE JIDOKA_WORDS_\d+ : .*? END_TYPE\n+", "", text)
    return re.sub(r"JIDOKA_WORDS_(\d+)", lambda found: f"ARRAY [0..{int(found[1]) - 1}] OF UINT", text)


def program(scan_ms: int) -> str:
    """JIDOKA_MAIN with its task, whose interval is the step of its milliseconds. Holding register n is %QWn there."""
    return "\n".join(_program(scan_ms)) + "\n"


def _program(scan_ms: int) -> Iterator[str]:
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
    given = wires([each.name for each in INPUTS])
    yield f"    Site(NowMs := NowMs, Registers := Registers, {given});"
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
