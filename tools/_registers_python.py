"""The register map as the Python module of the link: jidoka_bridge/registers.py."""

from __future__ import annotations

from tools._registers_map import Registers, map_digest

HEAD = '''"""Register map of the link, format 1. Made by tools/registers.py from firmware_bridge/registers.yaml; don't edit."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Field(NamedTuple):
    """A field of a block. word: offset from 0; value = register bits × scale; fixed: the only right value."""

    name: str
    word: int
    words: int
    shift: int
    bits: int
    scale: int
    fixed: int | None


class Layout(NamedTuple):
    """A block. address: of its first register; words: with the CRC-32 in the last two; direction: in the CRC."""

    name: str
    address: int
    words: int
    direction: int
    fields: tuple[Field, ...]


class Reason(NamedTuple):
    """A built-in reason. number: on the wire, 0 to 31."""

    number: int
    name: str
    text: str

'''


def text(source: Registers) -> str:
    """The Python module."""
    lines = [HEAD]
    for name, table in source["codes"].items():
        base = "enum.IntFlag" if table["kind"] == "flags" else "enum.IntEnum"
        width = 4 if name == "Word" else 0
        lines += [f"class {name}({base}):", f'    """{table["title"]}."""', ""]
        lines += [
            f"    {key} = {f'0x{number:04X}' if width else number}  # {text}"
            for key, (number, text) in table["values"].items()
        ]
        lines += ["", ""]
    lines += [f'MAP_DIGEST = bytes.fromhex("{map_digest(source).hex()}")', ""]
    for name, block in source["blocks"].items():
        lines += [f"{name} = Layout(", f'    "{name}",', f"    {block['address']},", f"    {block['words']},"]
        lines += [f"    0x{block['direction']:02X},", "    ("]
        for key, field in block["fields"].items():
            numbers = ", ".join(str(field[part]) for part in ("word", "words", "shift", "bits", "scale"))
            fixed = "None" if field["fixed"] is None else f"0x{field['fixed']:X}"
            lines.append(f'        Field("{key}", {numbers}, {fixed}),')
        lines += ["    ),", ")"]
    lines += ["", "BLOCKS: dict[str, Layout] = {layout.name: layout for layout in (A, D, B, C)}", ""]
    lines += ["REASONS: tuple[Reason, ...] = ("]
    lines += [
        f'    Reason({number}, "{name}", "{text}"),' for name, (number, text) in source["reasons"].items()
    ]
    lines += [")", ""]
    lines += ["REASON_NUMBERS: dict[str, int] = {reason.name: reason.number for reason in REASONS}", ""]
    return "\n".join(lines)
