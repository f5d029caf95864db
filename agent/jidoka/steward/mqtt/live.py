"""Live values: the newest of each topic replaces one that wasn't sent yet; the retained ones are told anew on each connection."""

from __future__ import annotations

import threading

from jidoka.steward.mqtt.envelope import Letter


class LiveValues:
    """Filled by the steward's loop, emptied by the courier's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[str, Letter] = {}
        self._kept: dict[str, Letter] = {}

    def put(self, letter: Letter) -> None:
        with self._lock:
            self._due[letter.topic] = letter
            if letter.is_retained:
                self._kept[letter.topic] = letter

    def take(self) -> list[Letter]:
        """What is due, by the order of its topics' first values."""
        with self._lock:
            due, self._due = self._due, {}
        return list(due.values())

    def go_back(self) -> None:
        """A new connection: what the broker should retain is due again."""
        with self._lock:
            self._due.update(self._kept)

    @property
    def is_empty(self) -> bool:
        return not self._due
