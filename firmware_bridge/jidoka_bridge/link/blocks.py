"""The safety layer's blocks A to D: register words with a CRC-32 that also covers unit, direction and register map.

A block of another station, direction or register map fails by construction: those three are in the CRC and are
never sent. Whoever decodes gets a block of which every word and code is right, or a BlockError that says why not.
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jidoka_bridge import registers
from jidoka_bridge.registers import Fault, Input, Input2, Layout, Phase, PlcState, State, Word

#: A ⊇ M ⊇ nothing; ABSTAIN asks for nothing either
RANK: dict[Word, int] = {Word.WITHHOLD: 0, Word.ABSTAIN: 0, Word.MACHINE: 1, Word.MACHINE_AND_AI: 2}
RING_HOURS = 24
NO_INPUT2 = Input2(0)
HEAD = struct.Struct(">IQ")  # a ledger head in the ring: size, root prefix


class Flaw(enum.Enum):
    """Why words are no block."""

    LENGTH = "length"
    CRC = "crc"
    FORMAT = "format"
    CODE = "code"


class BlockError(ValueError):
    """Words that are no block. flaw: which test they failed."""

    def __init__(self, flaw: Flaw, text: str) -> None:
        super().__init__(text)
        self.flaw = flaw


def checksum(words: Sequence[int], unit: int, direction: int) -> int:
    """CRC-32 of words (without the CRC itself), followed by unit, direction and map digest."""
    body = struct.pack(f">{len(words)}H", *words)
    return zlib.crc32(body + bytes((unit, direction)) + registers.MAP_DIGEST)


def pack(layout: Layout, values: Mapping[str, int], unit: int) -> list[int]:
    """All words of a block from its fields (fixed ones are filled in). Raises ValueError for a value that can't fit."""
    words = [0] * (layout.words - 2)
    for field in layout.fields:
        value = (values[field.name] if field.fixed is None else field.fixed) // field.scale
        width = field.bits * field.words
        if not 0 <= value < 1 << width:
            raise ValueError(f"{layout.name}.{field.name}: {value} doesn't fit {width} bits")
        for offset in range(field.words):
            part = value >> 16 * (field.words - 1 - offset) & 0xFFFF
            words[field.word + offset] |= part << field.shift
    crc = checksum(words, unit, layout.direction)
    return [*words, crc >> 16, crc & 0xFFFF]


def unpack(layout: Layout, words: Sequence[int], unit: int) -> dict[str, int]:
    """The fields of a block. Raises BlockError (length, CRC, format)."""
    if len(words) != layout.words:
        raise BlockError(Flaw.LENGTH, f"block {layout.name} has {layout.words} words, {len(words)} came")
    crc = words[-2] << 16 | words[-1]
    if checksum(words[:-2], unit, layout.direction) != crc:
        raise BlockError(Flaw.CRC, f"block {layout.name}: the CRC-32 doesn't match")
    values: dict[str, int] = {}
    for field in layout.fields:
        value = 0
        for word in words[field.word : field.word + field.words]:
            value = value << 16 | word
        value = value >> field.shift & (1 << field.bits * field.words) - 1
        if field.fixed is not None and value != field.fixed:
            raise BlockError(Flaw.FORMAT, f"block {layout.name}: format {value:#x} isn't {field.fixed:#x}")
        values[field.name] = value * field.scale
    return values


def _word(value: int) -> Word:
    """The permissive word; anything that isn't one is WITHHOLD, all zeros and all ones included."""
    try:
        return Word(value)
    except ValueError:
        return Word.WITHHOLD


@dataclass(frozen=True)
class BlockA:
    """Agent → PLC, once a beat. hold_ms: 0 to 2550, whole 10 ms (a remainder is cut off)."""

    hold_ms: int
    connection: int
    number: int
    stamp: int
    state: State
    phase: Phase
    reason: int
    word: Word

    def encode(self, unit: int) -> list[int]:
        return pack(registers.A, vars(self), unit)

    @classmethod
    def decode(cls, words: Sequence[int], unit: int) -> BlockA:
        """Raises BlockError; a permissive word that isn't in the table decodes as WITHHOLD."""
        values = _without_fixed(registers.A, words, unit)
        try:
            codes = {"state": State(values["state"]), "phase": Phase(values["phase"])}
        except ValueError as error:
            raise BlockError(Flaw.CODE, f"block A: {error}") from None
        return cls(**{**values, **codes, "word": _word(values["word"])})  # type: ignore[arg-type]


@dataclass(frozen=True)
class BlockB:
    """PLC → agent, the answer to each beat. See docs/registers.md for each field."""

    connection: int
    echo: int
    counter: int
    actual: Word
    plc_state: PlcState
    fault: Fault
    inputs: Input
    press_ms: int = 0
    edges: int = 0
    remaining_ms: int = 0
    parts: int = 0
    recipe: int = 0
    acknowledges: int = 0
    acknowledge_reason: int = 0
    person: int = 0
    inputs2: Input2 = NO_INPUT2
    accepted: int = 0

    def encode(self, unit: int) -> list[int]:
        return pack(registers.B, vars(self), unit)

    @classmethod
    def decode(cls, words: Sequence[int], unit: int) -> BlockB:
        """Raises BlockError, also for a code that isn't in the table: what it would mean is unknown."""
        values = _without_fixed(registers.B, words, unit)
        try:
            codes = {
                "actual": Word(values["actual"]),
                "plc_state": PlcState(values["plc_state"]),
                "fault": Fault(values["fault"]),
            }
        except ValueError as error:
            raise BlockError(Flaw.CODE, f"block B: {error}") from None
        bits = {"inputs": Input(values["inputs"]), "inputs2": Input2(values["inputs2"])}
        return cls(**{**values, **codes, **bits})  # type: ignore[arg-type]


@dataclass(frozen=True)
class BlockC:
    """PLC → agent, what the PLC is and remembers. ring: 24 pairs (ledger size, root prefix), place by place."""

    version: int
    map_digest: int
    hold_limit_ms: int
    longest_scan_ms: int
    flags: int
    refused_crc: int = 0
    refused_format: int = 0
    refused_connection: int = 0
    refused_number: int = 0
    refused_stamp: int = 0
    part_count: int = 0
    ring_epoch: int = 0
    ring_next: int = 0
    key_seconds: int = 0
    key_times: int = 0
    resets: int = 0
    parts_without_session: int = 0
    approved_digest: int = 0
    ring: tuple[tuple[int, int], ...] = ((0, 0),) * RING_HOURS

    def encode(self, unit: int) -> list[int]:
        ring = b"".join(HEAD.pack(size, root) for size, root in self.ring)
        return pack(registers.C, {**vars(self), "ring": int.from_bytes(ring, "big")}, unit)

    @classmethod
    def decode(cls, words: Sequence[int], unit: int) -> BlockC:
        """Raises BlockError."""
        values = _without_fixed(registers.C, words, unit)
        ring = values.pop("ring").to_bytes(HEAD.size * RING_HOURS, "big")
        heads = tuple((int(size), int(root)) for size, root in HEAD.iter_unpack(ring))
        return cls(**values, ring=heads)


@dataclass(frozen=True)
class BlockD:
    """Agent → PLC, what the PLC is to remember of the ledger; all zeros while nobody named a ledger head."""

    connection: int
    ledger_size: int = 0
    root_prefix: int = 0
    digest_prefix: int = 0

    def encode(self, unit: int) -> list[int]:
        return pack(registers.D, vars(self), unit)

    @classmethod
    def decode(cls, words: Sequence[int], unit: int) -> BlockD:
        """Raises BlockError."""
        return cls(**_without_fixed(registers.D, words, unit))


def _without_fixed(layout: Layout, words: Sequence[int], unit: int) -> dict[str, int]:
    values = unpack(layout, words, unit)
    return {field.name: values[field.name] for field in layout.fields if field.fixed is None}
