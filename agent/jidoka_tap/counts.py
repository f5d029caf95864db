"""What a tap did, in numbers."""

import threading
from typing import NamedTuple


class Counts(NamedTuple):
    """Since the tap began. records = sent + dropped; tensors_not_sent: too large or of a kind the wire doesn't know;
    not_watched: calls by a way that the tap can't see; arena_full: records some of whose tensors found no room in the
    arena; unjudged, rejected: gated calls without a verdict, and with a verdict of reject."""

    records: int
    sent: int
    dropped: int
    tensors_not_sent: int
    not_watched: int
    is_connected: bool
    arena_full: int
    unjudged: int
    rejected: int


class Tally:
    """Rare events, counted by whatever thread sees them: the fields of `Counts` with these names."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.not_watched = self.unjudged = self.rejected = 0

    def add(self, what: str) -> None:
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)
