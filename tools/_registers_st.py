"""The register map as constants in Structured Text, put between the markers of the function block.

A marker `(* constants: GROUP ... *)` names what stands between it and `(* end of constants *)`: blocks of the map by
their letters, code tables by their names, MAP_DIGEST. Of a field: NAME is its word; bits are (word / _UNIT) MOD _SIZE,
times _SCALE; _FIXED is the only right value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tools._registers_map import Registers, map_digest

BLOCK = Path(__file__).resolve().parents[1] / "firmware_bridge" / "plc" / "JidokaGuard.st"
MARKED = re.compile(
    r"(?P<head>^(?P<space> *)\(\* constants: (?P<groups>[\w ]+) \*\)\n).*?(?P<tail>^ *\(\* end of constants \*\)\n)",
    re.DOTALL | re.MULTILINE,
)


def text(source: Registers) -> str:
    """JidokaGuard.st as it stands, with the constants of this map."""
    return filled(BLOCK.read_text(encoding="utf-8"), source)


def filled(template: str, source: Registers) -> str:
    """A text with what stands between its markers made anew. Raises ValueError for an unknown group."""

    def fill(match: re.Match[str]) -> str:
        lines = [line for group in match["groups"].split() for line in _group(group, source)]
        return match["head"] + "".join(f"{match['space']}{line}\n" for line in lines) + match["tail"]

    return MARKED.sub(fill, template)


def _group(group: str, source: Registers) -> Iterator[str]:
    if group == "MAP_DIGEST":
        digest = map_digest(source).hex().upper()
        yield f"MAP_DIGEST_HIGH : UINT := 16#{digest[:4]};"
        yield f"MAP_DIGEST_LOW : UINT := 16#{digest[4:]};"
    elif group in source["blocks"]:
        block = source["blocks"][group]
        yield f"{group}_WORDS : UINT := {block['words']};"
        yield f"{group}_DIRECTION : UINT := 16#{block['direction']:02X};"
        for key, field in block["fields"].items():
            name = f"{group}_{key}".upper()
            yield f"{name} : UINT := {field['word']};"
            if field["shift"]:
                yield f"{name}_UNIT : UDINT := {1 << field['shift']};"
            if field["bits"] < 16:
                yield f"{name}_SIZE : UDINT := {1 << field['bits']};"
            if field["scale"] != 1:
                yield f"{name}_SCALE : UDINT := {field['scale']};"
            if field["fixed"] is not None:
                yield f"{name}_FIXED : UDINT := 16#{field['fixed']:X};"
    elif group in source["codes"]:
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", group).upper()
        for key, (number, _) in source["codes"][group]["values"].items():
            yield f"{prefix}_{key} : UDINT := {f'16#{number:04X}' if group == 'Word' else number};"
    else:
        raise ValueError(f"{BLOCK.name}: constants {group} are not in the register map")
