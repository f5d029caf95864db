"""Makes firmware_bridge/jidoka_bridge/registers.py and docs/registers.md from firmware_bridge/registers.yaml.

`python tools/registers.py` writes both; `--check` writes nothing and exits 1 when one of them is stale.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "firmware_bridge" / "registers.yaml"
MODULE = ROOT / "firmware_bridge" / "jidoka_bridge" / "registers.py"
PAGE = ROOT / "docs" / "registers.md"
CRC_WORDS = 2
#: what the digest covers of a field, with the defaults
FIELD_NUMBERS = {"word": None, "words": 1, "shift": 0, "bits": 16, "scale": 1, "fixed": None, "codes": None}
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


def load(path: Path) -> dict[str, Any]:
    """The map as plain objects, checked. Raises ValueError naming what overlaps, repeats or doesn't fit."""
    source: dict[str, Any] = YAML(typ="safe").load(path)
    for name, block in source["blocks"].items():
        block["fields"] = {key: {**FIELD_NUMBERS, **field} for key, field in block["fields"].items()}
        check_block(name, block)
        for key, field in block["fields"].items():
            if field["codes"] is not None and field["codes"] not in source["codes"]:
                raise ValueError(f"{name}.{key}: codes {field['codes']} are not in the file")
    for name, table in [*source["codes"].items(), ("reasons", {"values": source["reasons"]})]:
        numbers = [number for number, _ in table["values"].values()]
        if len(set(numbers)) != len(numbers):
            raise ValueError(f"{name}: a number stands twice")
    if any(not 0 <= number < 32 for number, _ in source["reasons"].values()):
        raise ValueError("reasons: built-in numbers are 0 to 31")
    return source


def check_block(name: str, block: dict[str, Any]) -> None:
    """Raise ValueError unless the fields cover each word of the block but the CRC, without overlap."""
    used: dict[int, int] = {}
    for key, field in block["fields"].items():
        mask = ((1 << field["bits"]) - 1) << field["shift"]
        for word in range(field["word"], field["word"] + field["words"]):
            if mask > 0xFFFF or used.get(word, 0) & mask or word >= block["words"] - CRC_WORDS:
                raise ValueError(f"{name}.{key}: doesn't fit into word {word}")
            used[word] = used.get(word, 0) | mask
    if len(used) != block["words"] - CRC_WORDS:
        raise ValueError(f"{name}: a word belongs to no field")


def map_digest(source: dict[str, Any]) -> bytes:
    """First 4 bytes of SHA-256 over the canonical JSON of addresses, widths and numbers; texts are left out."""
    blocks = {
        name: {
            "address": block["address"], "words": block["words"], "direction": block["direction"],
            "fields": {key: {part: field[part] for part in FIELD_NUMBERS} for key, field in block["fields"].items()},
        }
        for name, block in source["blocks"].items()
    }  # fmt: skip
    codes = {
        name: {key: number for key, (number, _) in table["values"].items()}
        for name, table in source["codes"].items()
    }
    text = json.dumps({"blocks": blocks, "codes": codes}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()[:4]


def module_text(source: dict[str, Any]) -> str:
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


def page_text(source: dict[str, Any]) -> str:
    """The documentation page, in Markdown."""
    lines = [
        "# Register map", "",
        "Made by `tools/registers.py` from `firmware_bridge/registers.yaml`; don't edit.", "",
        f"Format 1, map digest `{map_digest(source).hex()}`. Registers are holding registers, addresses from 0.",
        "Each block ends with a CRC-32 (zlib, high word first) over the big-endian bytes of its other words, followed",
        "by three things that are never sent: unit id (1 byte), direction (1 byte), map digest (4 bytes).",
    ]  # fmt: skip
    for name, block in source["blocks"].items():
        lines += ["", f"## Block {name}: {block['title']}", ""]
        last = block["address"] + block["words"] - 1
        place = f"Registers {block['address']} to {last}, written by the {block['writer']}"
        lines += [f"{place}; direction 0x{block['direction']:02X} in the CRC.", ""]
        lines += ["| word | bits | field | scale | meaning |", "|---|---|---|---|---|"]
        for key, field in block["fields"].items():
            first = field["word"]
            words = str(first) if field["words"] == 1 else f"{first}–{first + field['words'] - 1}"
            whole = field["bits"] == 16
            bits = "all" if whole else f"{field['shift']}–{field['shift'] + field['bits'] - 1}"
            fixed = "" if field["fixed"] is None else f" (0x{field['fixed']:X})"
            codes = "" if field["codes"] is None else f"; see {field['codes']}"
            scale = "" if field["scale"] == 1 else f"× {field['scale']}"
            lines.append(f"| {words} | {bits} | `{key}`{fixed} | {scale} | {field['text']}{codes} |")
        lines.append(f"| {block['words'] - 2}–{block['words'] - 1} | all | CRC-32 | | |")
    for name, table in source["codes"].items():
        lines += ["", f"## {name}: {table['title']}", "", "| number | name | meaning |", "|---|---|---|"]
        for key, (number, text) in table["values"].items():
            shown = f"0x{number:04X}" if name == "Word" else str(number)
            lines.append(f"| {shown} | {key} | {text} |")
    lines += ["", "## Built-in reasons", "", "| number | name | meaning |", "|---|---|---|"]
    lines += [f"| {number} | {name} | {text} |" for name, (number, text) in source["reasons"].items()]
    return "\n".join([*lines, ""])


def main(arguments: list[str] | None = None) -> int:
    """Write or check the two files. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    options = parser.parse_args(arguments)
    source = load(SOURCE)
    stale = False
    for path, text in ((MODULE, module_text(source)), (PAGE, page_text(source))):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if options.check:
            print(f"{path.relative_to(ROOT)} is stale; run: python tools/registers.py", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
