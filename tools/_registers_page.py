"""The register map as the page docs/registers.md."""

from __future__ import annotations

from tools._registers_map import Registers, map_digest


def text(source: Registers) -> str:
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
