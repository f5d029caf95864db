"""The block as SCL for Siemens TIA Portal (external source file, `.scl`): the same statements, written as SCL wants them.

Locals carry `#`, our functions are called by quoted names, a function's own variables are VAR_TEMP, and a literal beyond
31 bits has its type. Source: SIMATIC S7-1200/S7-1500 programming with SCL, sections on external source files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jidoka.handover.plcopen import ELEMENTARY
from jidoka.handover.source import Declaration, Section, Unit

#: names of SCL's own that a variable of ours has too: these are quoted
RESERVED = frozenset({"LIMIT", "MIN", "MAX", "SEL", "MUX", "RETAIN", "BEGIN"})
#: types of the CPU's own instructions
SYSTEM_TYPES = frozenset({"TON_TIME"})
DATA_BLOCKS = frozenset({"JIDOKA_REGISTERS"})
LARGEST_INT = 0x7FFF_FFFF
_TOKEN = re.compile(r"\(\*.*?\*\)|16#[0-9A-Fa-f_]+|\d[\d_]*|\w+|:=|\s+|.", re.DOTALL)
_HEX = re.compile(r"16#([0-9A-Fa-f_]+)")


def scl_of(units: list[Unit], head: str) -> str:
    """The whole source file; head: lines of a comment above it."""
    functions = frozenset(unit.name for unit in units if unit.kind == "FUNCTION")
    return "\n\n".join([head, *("\n".join(_unit(unit, functions)) for unit in units)]) + "\n"


def _unit(unit: Unit, functions: frozenset[str]) -> Iterator[str]:
    if unit.head:
        yield unit.head
    yield f'{unit.kind} "{unit.name}"' + (f" : {unit.result}" if unit.result else "")
    yield "{ S7_Optimized_Access := 'TRUE' }"
    yield "VERSION : 0.1"
    for section in unit.sections:
        yield from _section(section, is_function=unit.kind == "FUNCTION")
    yield "BEGIN"
    yield scl_body(unit.body, unit.names | {unit.name}, functions)
    yield f"END_{unit.kind}"


def _section(section: Section, *, is_function: bool) -> Iterator[str]:
    kind = "VAR_TEMP" if is_function and (section.kind, section.modifier) == ("VAR", "") else section.kind
    yield f"    {kind} {section.modifier}".rstrip()
    for row in section.rows:
        yield f"        {row}" if isinstance(row, str) else f"        {declared(row)}"
    yield "    END_VAR"


def declared(row: Declaration) -> str:
    """One declaration."""
    array = "" if row.bounds is None else f"ARRAY[{row.bounds[0]}..{row.bounds[1]}] OF "
    initial = (
        f" := {_number(row.initial) if row.initial[:1].isdigit() else row.initial}" if row.initial else ""
    )
    comment = f"  (* {row.comment} *)" if row.comment else ""
    kind = row.type if row.type in ELEMENTARY | SYSTEM_TYPES else f'"{row.type}"'
    return f"{_quoted(row.name)} : {array}{kind}{initial};{comment}"


def _quoted(name: str) -> str:
    return f'"{name}"' if name.upper() in RESERVED else name


def scl_body(body: str, names: frozenset[str] | set[str], functions: frozenset[str]) -> str:
    """Statements with `#` before each name of `names`, except a parameter's on the left of := in a call, or a member's."""
    tokens = _TOKEN.findall(body)
    written: list[str] = []
    calls: list[bool] = []
    for at, word in enumerate(tokens):
        before, after = _next(tokens, at, -1), _next(tokens, at, 1)
        if word == "(":
            calls.append(before in functions or before in names)
            written.append(word)
        elif word == ")":
            calls.pop()
            written.append(word)
        elif (word in functions and after == "(") or word in DATA_BLOCKS:
            written.append(f'"{word}"')
        elif before == ".":
            written.append(word)
        elif word in names and not (calls and calls[-1] and after == ":=" and before in {"(", ","}):
            written.append(f"#{_quoted(word)}")
        elif word in names:
            written.append(_quoted(word))
        elif word[0].isdigit():
            written.append(_number(word))
        else:
            written.append(word)
    return "".join(written)


def _next(tokens: list[str], at: int, step: int) -> str:
    """The nearest token that is neither space nor comment; "" at the end."""
    at += step
    while 0 <= at < len(tokens):
        if tokens[at].strip() and not tokens[at].startswith("(*"):
            return tokens[at]
        at += step
    return ""


def _number(text: str) -> str:
    digits = _HEX.fullmatch(text)
    if digits is not None:
        return f"DWORD#{text}" if len(digits[1].replace("_", "")) > 4 else text
    return f"UDINT#{text}" if int(text.replace("_", "")) > LARGEST_INT else text


def plain_of(body: str) -> str:
    """SCL statements as Structured Text again: the way back, by which the variant is proven."""
    text = re.sub(r"\"(\w+)\"", r"\1", body)
    text = re.sub(r"(?:DWORD|UDINT)#(?=\d)", "", text)
    return re.sub(r"(?<!16)(?<!\bT)#", "", text)
