"""How much room a ledger may take on the disk, how much it takes, and when history has to go. Pure.

What may go is history alone (decision blocks and sketches); alarms and evidence never do, whatever the limit says. So
the limit is warned of when what may *not* go comes near it: that history goes at the limit is the rule, no fault.
"""

from __future__ import annotations

from dataclasses import dataclass

#: history goes until the ledger is this far below its limit
LOW_WATER = 0.95
NEARLY_FULL, ROOM_AGAIN = 0.80, 0.75
#: history goes as well while less than this is free on the disk, whatever the limit
LEAST_FREE_BYTES = 64 << 20
#: less isn't worth a pass: what is left at the ends of short runs adds up
LEAST_PASS_BYTES = 64 << 10
#: a look that found nothing to remove is worth another after so much was written
LOOK_AGAIN_BYTES = 1 << 20


@dataclass
class Room:
    """limit_bytes: 0 for none; used_bytes: blocks of the file; history_bytes: of entries that may go, now or later;
    removed: entries that went since the program began."""

    limit_bytes: int = 0
    used_bytes: int = 0
    free_bytes: int = 1 << 62
    history_bytes: int = 0
    removed: int = 0
    is_nearly_full: bool = False
    why_not: str = ""  # why history can't be removed though it should
    _is_trimming: bool = False
    _nothing_at: tuple[int | None, int] | None = None

    def measure(self, used_bytes: int, free_bytes: int) -> None:
        """What the file and the disk say now."""
        self.used_bytes, self.free_bytes = used_bytes, free_bytes
        if self.limit_bytes:
            share = self.stays_bytes / self.limit_bytes
            is_over = self.used_bytes > self.limit_bytes and self._nothing_at is not None
            self.is_nearly_full = share >= (ROOM_AGAIN if self.is_nearly_full else NEARLY_FULL) or is_over

    @property
    def stays_bytes(self) -> int:
        """What may never go."""
        return max(0, self.used_bytes - self.history_bytes)

    def is_due(self, acknowledged: int | None, committed_bytes: int) -> bool:
        """True if history should go now. acknowledged: see `trimming.choose`; committed_bytes: length of the file."""
        if not self.limit_bytes or self.history_bytes <= 0:
            return False
        is_over = self.used_bytes > self.limit_bytes or self.free_bytes < LEAST_FREE_BYTES
        is_low = self.used_bytes <= LOW_WATER * self.limit_bytes and self.free_bytes >= LEAST_FREE_BYTES
        self._is_trimming = (self._is_trimming or is_over) and not is_low
        if self._nothing_at is not None:
            then, length = self._nothing_at
            if acknowledged == then and committed_bytes - length < LOOK_AGAIN_BYTES:
                return False
        return self._is_trimming

    def excess_bytes(self, most: int) -> int:
        """How much one pass should give back."""
        if self.free_bytes < LEAST_FREE_BYTES:
            return most
        return min(most, max(LEAST_PASS_BYTES, self.used_bytes - round(LOW_WATER * self.limit_bytes)))

    def went(self, entries: int, history_bytes: int) -> None:
        """A pass removed something."""
        self.removed += entries
        self.history_bytes -= history_bytes
        self._nothing_at = None

    def found_nothing(self, acknowledged: int | None, committed_bytes: int) -> None:
        """A pass came to the end of the file and found nothing that may go."""
        self._nothing_at = acknowledged, committed_bytes
