"""The register map as C: numbers for the firmware's core, and names for the port that shows them to people."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools._registers_map import Registers, map_digest

HEAD = "/* {title}, format 1. Made by tools/registers.py from firmware_bridge/registers.yaml; don't edit. */"


def text(source: Registers) -> str:
    """core/registers.h: addresses, words and directions of the blocks, places and scales of the fields, codes."""
    lines = [HEAD.format(title="Register map of the link"), ""]
    lines += ["#ifndef JIDOKA_REGISTERS_H", "#define JIDOKA_REGISTERS_H", ""]
    lines += [_define("MAP_DIGEST", f"0x{map_digest(source).hex().upper()}U"), ""]
    lines += [
        "/* _WORD from 0, _WORDS, _SHIFT, _MASK after shifting; value = bits x _SCALE; _FIXED: the only right value */"
    ]
    for name, block in source["blocks"].items():
        lines += ["", f"/* block {name}, written by the {block['writer']}: {block['title']} */"]
        lines += [
            _define(f"{name}_ADDRESS", f"{block['address']}U"),
            _define(f"{name}_WORDS", f"{block['words']}U"),
        ]
        lines += [_define(f"{name}_DIRECTION", f"0x{block['direction']:02X}U")]
        for key, field in block["fields"].items():
            lines += [_define(f"{name}_{key}_{part}", number) for part, number in _numbers(field)]
    for name, table in source["codes"].items():
        lines += ["", f"/* {table['title']} */"]
        width = "0x{:04X}U" if name == "Word" else "{}U"
        lines += [
            _define(f"{_snake(name)}_{key}", width.format(number))
            for key, (number, _) in table["values"].items()
        ]
    return "\n".join([*lines, "", "#endif", ""])


def names_text(source: Registers) -> str:
    """machine/register_names.h: names of the codes by number, for what a port prints."""
    lines = [HEAD.format(title="Names of the register map's codes"), ""]
    lines += [
        "#ifndef JIDOKA_REGISTER_NAMES_H",
        "#define JIDOKA_REGISTER_NAMES_H",
        "",
        '#include "registers.h"',
        "",
    ]
    for name in ("PlcState", "Fault"):
        values = source["codes"][name]["values"]
        lines += [f"static const char *const jidoka_{_snake(name).lower()}_names[] = {{"]
        lines += [f'    [JIDOKA_{_snake(name)}_{key}] = "{key}",' for key in values] + ["};", ""]
    lines += ["static inline const char *jidoka_word_name(unsigned word) {", "    switch (word) {"]
    lines += [f'    case JIDOKA_WORD_{key}: return "{key}";' for key in source["codes"]["Word"]["values"]]
    return "\n".join([*lines, '    default: return "UNKNOWN";', "    }", "}", "", "#endif", ""])


def _numbers(field: dict[str, int]) -> Iterator[tuple[str, str]]:
    yield "word", f"{field['word']}U"
    yield "words", f"{field['words']}U"
    yield "shift", f"{field['shift']}U"
    yield "mask", f"0x{(1 << field['bits']) - 1:X}U"
    yield "scale", f"{field['scale']}U"
    if field["fixed"] is not None:
        yield "fixed", f"0x{field['fixed']:X}U"


def _define(name: str, number: str) -> str:
    return f"#define JIDOKA_{name.upper()} {number}"


def _snake(name: str) -> str:
    """PlcState -> PLC_STATE."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
