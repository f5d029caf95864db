"""The records of one connection, read faster than one by one: descriptors repeat, so they are understood once.

`wire.unpack_record` says what a record is, and reads each with descriptors that weren't seen before.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jidoka_tap import wire

#: sets of descriptors that are remembered; an application that varies more starts afresh
MOST_LAYOUTS = 64


class Layout(NamedTuple):
    """Records with the same descriptors. slot_bytes: -1 = nothing lies in the arena.

    places: role, index, shape, dtype of each tensor, where its bytes begin (-1: not sent) and whether in the slot.
    """

    body_bytes: int
    slot_bytes: int
    places: tuple[tuple[int, int, tuple[int, ...], Any, int, bool], ...]


class Unpacker:
    """`unpack` gives what wire.unpack_record gives, or raises what it raises."""

    def __init__(self) -> None:
        self._layouts: dict[bytes, Layout] = {}

    def unpack(self, body: memoryview, take_slot: wire.TakeSlot | None = None) -> wire.Record:
        """The record in a body; arrays are views of it, or of what take_slot gave."""
        if len(body) < wire.RECORD_HEAD.size:
            return wire.unpack_record(body, take_slot)
        number, part, start_ns, latency_ns, position, recipe, count, slot = wire.RECORD_HEAD.unpack_from(body)
        size = count * wire.TENSOR.size
        descriptors = bytes(body[wire.RECORD_HEAD.size : wire.RECORD_HEAD.size + size])
        layout = self._layouts.get(descriptors) if len(descriptors) == size else None
        if layout is None or len(body) != layout.body_bytes:
            record = wire.unpack_record(body, take_slot)
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[descriptors] = layout_of(descriptors, len(body), record)
            return record
        copy = None
        if layout.slot_bytes >= 0:
            if not slot or take_slot is None:
                raise wire.WireError("tensors in an arena that wasn't handed out")
            copy = take_slot(slot - 1, number, layout.slot_bytes)
        tensors = [
            wire.Tensor(
                role, index, shape, dtype,
                None if place < 0 else np.ndarray(shape, dtype, copy if is_in_slot else body, place),
            )
            for role, index, shape, dtype, place, is_in_slot in layout.places
        ]  # fmt: skip
        return wire.Record(number, part, start_ns, latency_ns, position, recipe, tensors)


def layout_of(descriptors: bytes, body_bytes: int, record: wire.Record) -> Layout:
    """Where the tensors lie that these descriptors name. record: one that was read with them."""
    inline, in_slot = wire.RECORD_HEAD.size + len(descriptors), 0
    places = []
    for (flags, *_, size), tensor in zip(
        (fields[:7] for fields in wire.TENSOR.iter_unpack(descriptors)), record.tensors, strict=True
    ):
        place, is_in_slot = -1, bool(flags & wire.IN_ARENA)
        if is_in_slot:
            place, in_slot = in_slot, in_slot + wire.padded(size, wire.ARENA_ALIGN)
        elif not flags & wire.NOT_SENT:
            place, inline = inline, inline + wire.padded(size)
        places.append((tensor.role, tensor.index, tensor.shape, tensor.dtype, place, is_in_slot))
    return Layout(body_bytes, in_slot if any(place[-1] for place in places) else -1, tuple(places))
