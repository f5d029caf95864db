"""The register map as plain objects, checked, and its digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Registers = dict[str, Any]
CRC_WORDS = 2
#: what the digest covers of a field, with the defaults
FIELD_NUMBERS = {"word": None, "words": 1, "shift": 0, "bits": 16, "scale": 1, "fixed": None, "codes": None}


def load(path: Path) -> Registers:
    """The map as plain objects, checked. Raises ValueError naming what overlaps, repeats or doesn't fit."""
    source: Registers = YAML(typ="safe").load(path)
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


def map_digest(source: Registers) -> bytes:
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
