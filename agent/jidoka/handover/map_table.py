"""The register map as a table: every field of every block with its holding register, from the map that the programs use."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from jidoka_bridge import registers
from jidoka_bridge.registers import Field, Layout

HEAD = ("block", "register", "Modbus number", "words", "bits", "name", "scale", "values")
TITLES = {
    "A": "what the agent asks for, once a beat: the agent writes it",
    "B": "what the PLC answers: the PLC's program writes it in each scan",
    "C": "what the PLC is and remembers: the PLC's program writes it",
    "D": "what the PLC keeps of the agent's record: the agent writes it",
}
CODES: dict[str, type[enum.IntEnum | enum.IntFlag]] = {
    "A.state": registers.State, "A.phase": registers.Phase, "A.word": registers.Word, "B.actual": registers.Word,
    "B.plc_state": registers.PlcState, "B.fault": registers.Fault, "B.inputs": registers.Input,
    "B.inputs2": registers.Input2, "C.flags": registers.Flag,
}  # fmt: skip


def rows() -> Iterator[tuple[str, ...]]:
    """Every field, in the order of the registers."""
    for layout in sorted(registers.BLOCKS.values(), key=lambda each: each.address):
        for each in layout.fields:
            yield _row(layout, each)
        crc = layout.address + layout.words - 2
        unit_and_map = (
            f"CRC-32 over the words, then (never sent) unit, direction {layout.direction:#04x}, map digest"
        )
        yield layout.name, f"{crc}", f"{40001 + crc}", "2", "", "CRC-32", "", unit_and_map


def _row(layout: Layout, each: Field) -> tuple[str, ...]:
    at = layout.address + each.word
    whole = each.bits == 16
    bits = "" if whole else f"{each.shift} to {each.shift + each.bits - 1}"
    scale = "" if each.scale == 1 else f"× {each.scale}"
    return (
        layout.name,
        f"{at}",
        f"{40001 + at}",
        f"{each.words}",
        bits,
        each.name,
        scale,
        _values(layout, each),
    )


def _values(layout: Layout, each: Field) -> str:
    if each.fixed is not None:
        return f"always {each.fixed:#x}"
    codes = CODES.get(f"{layout.name}.{each.name}")
    if codes is None:
        return ""
    form = "{:#06x} {}" if codes is registers.Word else "{} {}"
    return "; ".join(form.format(int(value), value.name) for value in codes)
