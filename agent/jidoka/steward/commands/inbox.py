"""Commands between the courier's thread and the steward's loop: bounded, and a true hold always finds room.

A flood fills what waits; then the newest are turned away and counted, so that nothing goes unrecorded. Holds have a place
of their own: one for each key, which only that key's signature opens, so a flood of false holds can't fill it.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from jidoka.steward.commands.kinds import BY_NAME, HOLD, MOST_BYTES

#: that wait for the steward's loop
MOST_WAITING = 1_000
#: that it judges in one turn, so that everything else goes on meanwhile
TURN = 20
#: in counts: whatever isn't in the table of commands
OTHER = "other"


class Command(NamedTuple):
    """A message on a command's topic. name: from the topic; size, sha256: of one that is too long to be kept, whose
    message is cut then."""

    name: str
    message: bytes
    is_retained: bool = False
    size: int = 0
    sha256: str = ""


#: message → (key, number) of a hold that a key of the plan signed for this device, None for anything else
HoldOf = Callable[[bytes], tuple[str, int] | None]


class Inbox:
    """`put` is called by the courier's thread, the rest by the steward's loop."""

    def __init__(self, hold_of: HoldOf) -> None:
        self._hold_of = hold_of
        self._lock = threading.Lock()
        self._waiting: deque[Command] = deque()
        self._holds: dict[str, tuple[int, Command]] = {}
        self._turned_away: Counter[str] = Counter()

    def put(self, command: Command) -> None:
        """Keep a command for the loop, or count it where there is no room."""
        if len(command.message) > MOST_BYTES:
            digest = hashlib.sha256(command.message).hexdigest()
            command = command._replace(message=b"", size=len(command.message), sha256=digest)
        # as long as the loop takes all at once nobody has to overtake
        is_busy = len(self._waiting) >= TURN
        found = (
            self._hold_of(command.message)
            if is_busy and command.name == HOLD and not command.is_retained
            else None
        )
        with self._lock:
            if found is not None:
                self._keep_hold(command, *found)
            elif len(self._waiting) < MOST_WAITING:
                self._waiting.append(command)
            else:
                self._turn_away(command.name)

    def take(self, most: int = TURN) -> list[Command]:
        """Holds first, then what came first; `is_empty` says whether more waits."""
        with self._lock:
            taken = [command for _, command in self._holds.values()]
            self._holds = {}
            taken += [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            return taken

    @property
    def is_empty(self) -> bool:
        return not self._waiting and not self._holds

    def turned_away(self) -> Counter[str]:
        """Command → how many found no room since the last call."""
        with self._lock:
            counts, self._turned_away = self._turned_away, Counter()
            return counts

    def _keep_hold(self, command: Command, key: str, number: int) -> None:
        """Of several holds of one key the highest number: an old one that is played again displaces none."""
        kept = self._holds.get(key)
        if kept is not None:
            self._turn_away(HOLD)
        if kept is None or number > kept[0]:
            self._holds[key] = (number, command)

    def _turn_away(self, name: str) -> None:
        self._turned_away[name if name in BY_NAME else OTHER] += 1
