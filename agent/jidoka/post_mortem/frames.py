"""Frames of the line as a trip's record keeps them, read back into the fields of the blocks that they carried."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockError, unpack
from jidoka_bridge.registers import Fault, Input, Input2, Layout, Phase, PlcState, State, Word

#: fields that people read by name
NAMES: dict[str, type[Any]] = {
    "word": Word, "actual": Word, "state": State, "plc_state": PlcState, "phase": Phase, "fault": Fault,
    "inputs": Input, "inputs2": Input2,
}  # fmt: skip
#: direction in the record → block that such a frame carries
BLOCKS: dict[str, Layout] = {"A": registers.A, "B": registers.B}
WAYS = {"A": "to the PLC", "B": "from the PLC"}


def decoded(frame: Sequence[Any], unit: int) -> dict[str, Any]:
    """{"ns", "way", "hex", "fields"} of one kept frame; fields is empty where it carried no block A or B that is whole."""
    ns, way, text = int(frame[0]), str(frame[1]), str(frame[2])
    fields: dict[str, Any] = {}
    layout = BLOCKS.get(way)
    if layout is not None:
        fields = _fields(bytes.fromhex(text), layout, unit)
    return {"ns": ns, "way": WAYS.get(way, way), "hex": text, "fields": fields}


def _fields(data: bytes, layout: Layout, unit: int) -> dict[str, Any]:
    """The block somewhere in the frame: its CRC-32 says where, so that the transport's framing needn't be known."""
    size = 2 * layout.words
    for at in range(len(data) - size + 1):
        words = struct.unpack_from(f">{layout.words}H", data, at)
        try:
            values = unpack(layout, words, unit)
        except BlockError:
            continue
        return {name: _named(name, value) for name, value in values.items() if not name.startswith("crc")}
    return {}


def _named(name: str, value: int) -> Any:
    table = NAMES.get(name)
    if table is None:
        return value
    try:
        found = table(value)
    except ValueError:
        return f"{value:#06x}"
    if table in (Input, Input2):
        return [flag.name for flag in table if flag & found]
    return str(found.name)


def short(fields: Mapping[str, Any]) -> str:
    """One line: what a person looks at first."""
    if not fields:
        return "no whole block"
    keys = (
        "word",
        "actual",
        "plc_state",
        "state",
        "phase",
        "fault",
        "number",
        "echo",
        "remaining_ms",
        "parts",
        "inputs",
    )
    shown = [(key, fields[key]) for key in keys if key in fields]
    return ", ".join(f"{key} {' '.join(value) if isinstance(value, list) else value}" for key, value in shown)
