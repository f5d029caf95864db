"""What people wrote freely when they silenced an alarm, read again from the side file where that changed: a text that was
erased there is shown no more."""

from __future__ import annotations

from pathlib import Path

from jidoka.steward.alarm_desk import AlarmDesk
from jidoka.steward.ledger.people import people_path, read_texts


class Written:
    """The side file beside a ledger."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._seen: tuple[int, int] | None = None

    def refresh(self, alarms: AlarmDesk) -> None:
        """Give the alarms the texts that are still there; nothing is read while no alarm has any, or nothing changed."""
        if not alarms.commitments():
            return
        try:
            found = people_path(self._ledger).stat()
            now = (found.st_mtime_ns, found.st_size)
        except OSError:
            now = (0, 0)
        if now != self._seen:
            self._seen = now
            alarms.reveal(read_texts(self._ledger))
