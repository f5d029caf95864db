"""The arena (contract C3): shared memory for large tensors, made and sealed here, written by one application.

The monitor reads and writes it by system calls and doesn't map it. In a mapping a page that can't be had is a
SIGBUS, and a hole that the application punches is filled with memory of the monitor's account; `preadv` reads a hole
as zeros and gives an error for everything else. The copy takes twice as long (1.2 MB: 0.12 instead of 0.06 ms).
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from jidoka_tap import wire

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
#: of wire.SLOT_HEAD: `begun` and `ended` first, `released` behind them
_RELEASED_AT = 16
_WRITTEN_BYTES = 16


class Refusal(wire.WireError):
    """A record that is refused. reason: of jidoka_bridge.refusals."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Arena:
    """Memory of `slots` slots for one connection; its descriptor goes to the application.

    slot_bytes: data of one slot, rounded up to wire.ARENA_ALIGN; room: memory of the caller's, at least that large,
    which `take` copies to. Raises OSError where the kernel has no memory or descriptors left.
    """

    def __init__(self, slots: int, slot_bytes: int, room: memoryview) -> None:
        self.slots = slots
        self.slot_bytes = aligned(slot_bytes)
        self._stride = wire.SLOT_HEAD.size + self.slot_bytes
        self._room = room
        self._head = bytearray(wire.SLOT_HEAD.size)
        self.descriptor = os.memfd_create("jidoka-arena", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, slots * self._stride)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, SEALS)
        except OSError:
            self.close()
            raise

    def take(self, slot: int, number: int, size: int) -> memoryview:
        """The first `size` bytes of the slot that holds record `number`, copied once, valid until the next `take`.

        Raises Refusal: no such slot, slot too small, slot not written, slot changed.
        """
        if not 0 <= slot < self.slots:
            raise Refusal("no such slot")
        if size > self.slot_bytes:
            raise Refusal("slot too small")
        written = number.to_bytes(8, "little") * 2
        copy = self._room[:size]
        begin = slot * self._stride
        # the head is read before the data, as the kernel copies in order
        came = os.preadv(self.descriptor, [self._head, copy], begin)
        if came != len(self._head) + size or self._head[:_WRITTEN_BYTES] != written:
            raise Refusal("slot not written")
        if os.pread(self.descriptor, _WRITTEN_BYTES, begin) != written:
            raise Refusal("slot changed")
        return copy.toreadonly()

    def release(self, slot: int, number: int) -> None:
        """Tell the application that record `number` is done with; a slot that isn't there is left alone."""
        if 0 <= slot < self.slots:
            # where there is no memory for a page that was punched out, the slot stays taken
            with contextlib.suppress(OSError):
                os.pwrite(self.descriptor, number.to_bytes(8, "little"), slot * self._stride + _RELEASED_AT)

    def close(self) -> None:
        """Give the memory up; it lives on for as long as the application maps it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def aligned(size: int) -> int:
    """The size rounded up to where the next tensor may begin."""
    return -(-size // wire.ARENA_ALIGN) * wire.ARENA_ALIGN
