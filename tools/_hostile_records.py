"""An application that can't be trusted: good records, and the ways of spoiling them that `tools/fuzz_records.py` uses."""

from __future__ import annotations

import mmap
import random
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from jidoka_tap import wire

SIDE = 16  # pixels of the picture's edge
SLOTS, SLOT_BYTES = 4, 16_384


def good_tensors(rng: np.random.Generator) -> list[tuple[int, int, np.ndarray[Any, Any]]]:
    """Logits and a picture, as (role, index, array)."""
    image = np.clip(120.0 + 10.0 * rng.standard_normal((1, 1, SIDE, SIDE)), 0, 255).astype(np.uint8)
    logits = (np.array([[4.0, 0.0, 0.0, 0.0]]) + 0.5 * rng.standard_normal((1, 4))).astype(np.float32)
    return [(wire.OUTPUT, 0, logits), (wire.INPUT, 0, image)]


Datagram = bytearray
EXTREMES = (
    0,
    1,
    2,
    3,
    7,
    0x7F,
    0xFF,
    0x100,
    0x7FFF,
    0xFFFF,
    0x10000,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
    2**64 - 1,
)
_AT_HEAD = wire.HEADER.size
_AT_TENSORS = _AT_HEAD + wire.RECORD_HEAD.size
#: (offset, size) of the fields of a record's head, and of a tensor's descriptor
_HEAD_FIELDS = ((0, 8), (8, 8), (16, 8), (24, 8), (32, 2), (34, 2), (36, 2), (38, 2))
_TENSOR_FIELDS = (
    (0, 1),
    (1, 1),
    (2, 1),
    (3, 1),
    (4, 2),
    (6, 2),
    (8, 4),
    *((12 + 4 * n, 4) for n in range(wire.MAX_NDIM)),
)


def _put(datagram: Datagram, place: int, size: int, value: int) -> None:
    if place + size <= len(datagram):
        datagram[place : place + size] = (value % 256**size).to_bytes(size, "little")


def _true_length(datagram: Datagram) -> None:
    if len(datagram) >= _AT_HEAD:
        struct.pack_into("<I", datagram, 8, len(datagram) - _AT_HEAD)


class Application:
    """Makes records as a tap would, in the arena or inline, and spoils them. dice: decides everything."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        rng = np.random.default_rng(seed)
        self.tensors = [good_tensors(rng) for _ in range(64)]
        self.number = 0
        self.memory: mmap.mmap | None = None

    def map(self, descriptor: int | None) -> None:
        """Map the arena that the monitor handed out, as a tap does; None: it has none."""
        self.memory = mmap.mmap(descriptor, 0) if descriptor is not None else None

    def datagram(self) -> bytes:
        """The next one."""
        self.number += 1
        dice = self.dice
        made = self._in_arena() if self.memory is not None and dice.random() < 0.5 else self._inline()
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
            dice.choice(MUTATIONS)(self, made)
        return bytes(made)

    def _record(self, pieces: bytes) -> Datagram:
        flags = self.dice.choice((0, wire.WANTS_VERDICT))
        return bytearray(wire.encode(wire.RECORD, 1, pieces, flags))

    def _content(self) -> list[tuple[int, int, np.ndarray[Any, Any]]]:
        return self.dice.choice(self.tensors)

    def _inline(self) -> Datagram:
        pieces, _ = wire.pack_record(self.number, self.number // 3, 1, 1, self._content())
        return self._record(b"".join(pieces))

    def _in_arena(self) -> Datagram:
        assert self.memory is not None
        slot = self.dice.randrange(SLOTS)
        stride = len(self.memory) // SLOTS
        head = slot * stride
        place = head + wire.SLOT_HEAD.size
        descriptors = []
        self.memory[head : head + 8] = self.number.to_bytes(8, "little")
        for role, index, array in self._content():
            content = array.tobytes()
            shape = (*array.shape, *(0,) * (wire.MAX_NDIM - array.ndim))
            number = wire.DTYPE_NUMBERS[array.dtype]
            descriptors.append(
                wire.TENSOR.pack(role | wire.IN_ARENA, number, array.ndim, 0, index, 0, len(content), *shape)
            )
            self.memory[place : place + len(content)] = content
            place += -(-len(content) // wire.ARENA_ALIGN) * wire.ARENA_ALIGN
        self.memory[head + 8 : head + 16] = self.number.to_bytes(8, "little")
        first = wire.RECORD_HEAD.pack(self.number, self.number // 3, 1, 1, 0, 0, len(descriptors), slot + 1)
        return self._record(first + b"".join(descriptors))

    # ------------------------------------------------------------ ways to spoil one

    def flip(self, datagram: Datagram) -> None:
        """Bytes anywhere."""
        for _ in range(self.dice.randrange(1, 5)):
            if datagram:
                datagram[self.dice.randrange(len(datagram))] = self.dice.randrange(256)

    def cut(self, datagram: Datagram) -> None:
        """A part is missing; the header may know of it."""
        del datagram[self.dice.randrange(len(datagram) + 1) :]
        if self.dice.random() < 0.7:
            _true_length(datagram)

    def lengthen(self, datagram: Datagram) -> None:
        """Bytes behind the last tensor."""
        datagram += self.dice.randbytes(self.dice.choice((1, 8, 64, 5000)))
        _true_length(datagram)

    def head_field(self, datagram: Datagram) -> None:
        """Number, part, times, count of tensors, slot: any value."""
        offset, size = self.dice.choice(_HEAD_FIELDS)
        _put(datagram, _AT_HEAD + offset, size, self.dice.choice(EXTREMES))

    def slot_field(self, datagram: Datagram) -> None:
        """Another slot than the one that was written."""
        _put(datagram, _AT_HEAD + 38, 2, self.dice.choice((0, 1, 2, 3, 4, 5, 6, 255, 65535)))

    def tensor_field(self, datagram: Datagram) -> None:
        """Role, type, rank, index, size or an axis of a tensor: any value."""
        offset, size = self.dice.choice(_TENSOR_FIELDS)
        which = self.dice.randrange(3)
        _put(datagram, _AT_TENSORS + which * wire.TENSOR.size + offset, size, self.dice.choice(EXTREMES))

    def empty_axes(self, datagram: Datagram) -> None:
        """A tensor without bytes, whose other axes are as long as they can be."""
        begin = _AT_TENSORS
        rank = self.dice.randrange(1, wire.MAX_NDIM + 1)
        _put(datagram, begin + 2, 1, rank)
        _put(datagram, begin + 8, 4, 0)
        axes = [0, *(self.dice.choice((1, 65536, 2**32 - 1)) for _ in range(rank - 1))]
        self.dice.shuffle(axes)
        for n, axis in enumerate(axes):
            _put(datagram, begin + 12 + 4 * n, 4, axis)

    def large_in_arena(self, datagram: Datagram) -> None:
        """A tensor whose shape and size agree, and which is larger than its slot or the arena."""
        size = self.dice.choice((SLOT_BYTES, SLOT_BYTES + 1024, SLOTS * SLOT_BYTES * 2, 2**32 - 4))
        _put(datagram, _AT_TENSORS, 1, wire.OUTPUT | wire.IN_ARENA)
        for offset, width, value in ((1, 1, 2), (2, 1, 1), (8, 4, size), (12, 4, size)):
            _put(datagram, _AT_TENSORS + offset, width, value)

    def not_finite(self, datagram: Datagram) -> None:
        """NaN, infinity and huge numbers where the logits are."""
        values = (float("nan"), float("inf"), -float("inf"), 3.4e38, -3.4e38, 1e-45)
        place = _AT_TENSORS + 2 * wire.TENSOR.size
        if place + 16 <= len(datagram):
            struct.pack_into("<4f", datagram, place, *(self.dice.choice(values) for _ in range(4)))

    def header_field(self, datagram: Datagram) -> None:
        """Magic, version, kind, flags or length."""
        place = self.dice.choice((0, 4, 5, 5, 6, 7, 8, 11))
        _put(datagram, place, 1, self.dice.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 255)))

    def noise(self, datagram: Datagram) -> None:
        """Nothing of a record is left."""
        datagram[:] = self.dice.randbytes(self.dice.choice((1, 19, 20, 60, 300, 60_000)))

    def unwritten_slot(self, _: Datagram) -> None:
        """The heads of the slots say something else than the record."""
        if self.memory is not None:
            stride = len(self.memory) // SLOTS
            for slot in range(SLOTS):
                place = slot * stride + self.dice.choice((0, 8))
                self.memory[place : place + 8] = self.dice.choice(EXTREMES).to_bytes(8, "little")


MUTATIONS: tuple[Callable[[Application, Datagram], None], ...] = (
    Application.flip, Application.cut, Application.lengthen, Application.head_field, Application.slot_field,
    Application.tensor_field, Application.tensor_field, Application.empty_axes, Application.large_in_arena,
    Application.not_finite, Application.not_finite, Application.header_field, Application.noise,
    Application.unwritten_slot,
)  # fmt: skip
