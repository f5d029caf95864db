"""What the tap has to say to people: gathered wherever it comes up, written to the log by the tap's own thread.

A log handler may block (a full pipe, a slow disk); the application's call must not wait for it.
"""

import collections
import logging
from typing import Deque, Set, Tuple

log = logging.getLogger("jidoka_tap")

MOST_WAITING = 100


class Notes:
    """Lines that wait for the log. Any thread may add one; the oldest go when nobody writes them."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._waiting: Deque[Tuple[int, str]] = collections.deque(maxlen=MOST_WAITING)
        self._said: Set[str] = set()

    def info(self, text: str) -> None:
        self._waiting.append((logging.INFO, text))

    def warning(self, text: str) -> None:
        self._waiting.append((logging.WARNING, text))

    def once(self, text: str) -> None:
        """A warning that is worth saying once in the life of the program."""
        if text not in self._said and len(self._said) < MOST_WAITING:
            self._said.add(text)
            self.warning(text)

    def write(self) -> None:
        """Write what waits to the log `jidoka_tap`."""
        while True:
            try:
                level, text = self._waiting.popleft()
            except IndexError:
                return
            log.log(level, "tap of %s: %s", self._model, text)
