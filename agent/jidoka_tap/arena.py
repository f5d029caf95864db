"""The arena (contract C3): shared memory of the monitor's, in whose slots a record's large tensors lie, copied once.

The monitor made it and sealed it; that it can't shrink is checked before it is mapped, for a page that is missing
ends the program that touches it. The first free slot is taken, so that mostly one is in use, and in the caches.
"""

import fcntl
import mmap
import os
from typing import Any, List, Sequence, Tuple

import numpy as np

from jidoka_tap import wire

F_GET_SEALS = 1034  # fcntl has its name from Python 3.9 on
F_SEAL_SHRINK = 2
WORD_BYTES = 8


class Arena:
    """The slots that records of one connection may use. All under the tap's lock.

    words: the memory as 64-bit words; begun: of each slot, the word that gets the record's number before the copy, the
    next one gets it after; last: of each slot, the number of the record that was sent from it last: the slot is the
    monitor's until it has written that into the word behind them.
    descriptor: of the monitor's memory; it is only mapped, the caller closes it. Raises OSError or ValueError if it
    isn't sealed, too small, or can't be mapped. The mapping ends when the last view of it is gone.
    """

    def __init__(self, descriptor: int, slots: int, slot_bytes: int) -> None:
        self.slots, self.slot_bytes = slots, slot_bytes
        self._stride = wire.SLOT_HEAD.size + slot_bytes
        size = slots * self._stride
        if not fcntl.fcntl(descriptor, F_GET_SEALS) & F_SEAL_SHRINK:
            raise ValueError("it isn't sealed against shrinking")
        if os.fstat(descriptor).st_size < size:
            raise ValueError("it has fewer than %d bytes" % size)
        self._memory = mmap.mmap(descriptor, size)  # shared, to read and write
        self.words = memoryview(self._memory).cast("Q")
        self.begun = [n * (self._stride // WORD_BYTES) for n in range(slots)]
        self.last: List[int] = [0] * slots

    def free_slot(self) -> int:
        """The first slot that the monitor is done with, -1 if there is none."""
        words, last = self.words, self.last
        for slot, begun in enumerate(self.begun):
            if words[begun + 2] == last[slot]:
                return slot
        return -1

    def views(self, slot: int, tensors: Sequence[Tuple[int, Tuple[int, ...], Any]]) -> List[Any]:
        """Arrays in a slot; tensors: (offset in its data, shape, element type) of each."""
        begin = slot * self._stride + wire.SLOT_HEAD.size
        return [np.ndarray(shape, dtype, self._memory, begin + offset) for offset, shape, dtype in tensors]
