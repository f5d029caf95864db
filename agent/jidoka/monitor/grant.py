"""What an accepted connection may use: so many records and bytes a second, and one arena."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge.plan import Model
from jidoka_tap import wire

from jidoka.monitor.arena import Arena, Refusal, aligned
from jidoka.monitor.unpacking import Unpacker

_SLOT = struct.Struct("<H")
_SLOT_AT = wire.RECORD_HEAD.size - _SLOT.size
_NUMBER = struct.Struct("<Q")


class Allowance:
    """A token bucket of one second's worth: rate a second, at most that much at once."""

    __slots__ = ("at_ns", "left", "rate")

    def __init__(self, rate: float, now_ns: int) -> None:
        self.rate = rate
        self.left = rate
        self.at_ns = now_ns

    def take(self, amount: float, now_ns: int) -> bool:
        self.left = min(self.rate, self.left + (now_ns - self.at_ns) * 1e-9 * self.rate)
        self.at_ns = now_ns
        if amount > self.left:
            return False
        self.left -= amount
        return True


@dataclass
class Grant:
    """One connection's: its model, what is left of its quotas, its arena where it has one."""

    model: Model
    records: Allowance
    bytes: Allowance
    arena: Arena | None = None
    unpacker: Unpacker = field(default_factory=Unpacker)

    def unpack(self, body: memoryview, now_ns: int) -> wire.Record:
        """The record in a body, within the quotas. Its slot is given back whether or not it is refused.

        Raises Refusal (a quota, a slot), WireError and ValueError (tensors that aren't what it says of them).
        """
        slot = _SLOT.unpack_from(body, _SLOT_AT)[0] if len(body) >= wire.RECORD_HEAD.size else 0
        if not slot:
            self._allow(len(body), now_ns)
            return self.unpacker.unpack(body)
        arena = self.arena
        if arena is None:
            raise Refusal("no arena")

        def take_slot(slot: int, number: int, size: int) -> memoryview:
            if not self.bytes.take(size, now_ns):
                raise Refusal("bytes quota")
            return arena.take(slot, number, size)

        try:
            self._allow(len(body), now_ns)
            return self.unpacker.unpack(body, take_slot)
        finally:
            arena.release(slot - 1, _NUMBER.unpack_from(body)[0])

    def _allow(self, size: int, now_ns: int) -> None:
        if not self.records.take(1.0, now_ns):
            raise Refusal("records quota")
        if not self.bytes.take(size, now_ns):
            raise Refusal("bytes quota")

    def end(self) -> None:
        """The connection is gone: the arena is freed."""
        if self.arena is not None:
            self.arena.close()


def arena_size(section: Mapping[str, Any]) -> tuple[int, int]:
    """(slots, bytes of a slot) of a model's arena; both 0: it needs none. section: of Plan.sections["models"]."""
    slots, largest = int(section.get("arena_slots") or 0), int(section.get("largest_record_bytes") or 0)
    if not slots or not largest:
        return 0, 0
    # each tensor begins at a multiple of the alignment
    tensors = len(section["inputs"]) + len(section["outputs"])
    return slots, aligned(largest) + tensors * wire.ARENA_ALIGN
