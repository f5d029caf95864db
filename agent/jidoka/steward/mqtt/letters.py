"""Letters of ledger entries, read back from the ledger's file when they are sent."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jidoka.steward.ledger.format import Lane
from jidoka.steward.ledger.places import read_numbered
from jidoka.steward.mqtt.envelope import Letter, Place, kept_body_of_gone, letter_of_entry
from jidoka.steward.outbox.outbox import Outbox

#: what is sent later than this after it happened is `historical`
LATE_NS = 5_000_000_000


class Letters:
    """boot: of the entries that can be on time at all. `open` before `letter`."""

    def __init__(self, place: Place, boot: bytes, ledger: Path, outbox: Outbox) -> None:
        self._place = place
        self._boot = boot
        self._ledger = ledger
        self._outbox = outbox
        self._file = -1

    def open(self) -> None:
        """Raises OSError."""
        self._file = os.open(self._ledger, os.O_RDONLY | os.O_CLOEXEC)

    def letter(self, offset: int, number: int, why_kept: str = "") -> Letter:
        """The letter of the entry with this number of its lane, at `offset`. What was removed since is told by its digest.
        Raises OSError, or FormatError if the file changed under us."""
        entry, gone = read_numbered(self._file, offset, number, self._outbox.runs)
        is_late = entry.boot != self._boot or time.monotonic_ns() - entry.monotonic_ns > LATE_NS
        is_current = entry.lane is not Lane.HISTORY and self._outbox.is_current(entry.index)
        kept = b"" if gone is None else kept_body_of_gone(gone, why_kept)
        return letter_of_entry(
            self._place, entry, is_historical=is_late, is_current=is_current, why_kept=why_kept, kept=kept
        )
