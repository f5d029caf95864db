"""What the steward learns of the broker: each change once as news for the ledger, and always a snapshot for `status`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jidoka.steward.mqtt.certificates import CertificateEnd
from jidoka.steward.mqtt.connection import PROTOCOL_NAMES, Connection

#: so many different troubles are remembered as told until a connection stands again
MOST_TOLD = 32


@dataclass(frozen=True)
class News:
    """Something that the steward records. state: up, down or refused; since_ns: when it began."""

    state: str
    text: str
    remedy: str
    since_ns: int


@dataclass
class Snapshot:
    """What `status` shows of the broker. rank: of the one that is connected or tried, 0 the first; of: how many there are;
    ends: what ends first of the certificates that the way there needs."""

    broker: str
    rank: int = 0
    of: int = 1
    is_connected: bool = False
    protocol: str = ""
    tls: str = ""
    published: int = 0
    error: str = ""
    remedy: str = ""
    ends: CertificateEnd | None = None

    def value(self, backlog: dict[str, int]) -> dict[str, Any]:
        """As the answer to `ASK status` has it."""
        return {
            "connected": self.is_connected,
            "broker": self.broker,
            "rank": self.rank,
            "of": self.of,
            "protocol": self.protocol,
            "tls": self.tls,
            "published": self.published,
            "backlog": backlog,
            "error": self.error,
            "remedy": self.remedy,
            "certificate": None if self.ends is None else self.ends.value(time.time()),
        }


#: the same where the plan has no broker
NO_BROKER: dict[str, Any] = {
    **Snapshot("").value({}),
    "broker": None,
    "of": 0,
}


class Bulletin:
    """Written by the courier's thread; `take` is called by the steward's loop, which `wake_loop` wakes."""

    def __init__(self, brokers: Sequence[str], wake_loop: Callable[[], None]) -> None:
        self.snapshot = Snapshot(brokers[0], of=len(brokers))
        self._wake_loop = wake_loop
        self._news: deque[News] = deque()
        self._down_since_ns = time.monotonic_ns()
        self._told: set[str] = set()

    def take(self) -> list[News]:
        return [self._news.popleft() for _ in range(len(self._news))]

    def up(self, connection: Connection, rank: int) -> None:
        """The broker took the connection."""
        told = self.snapshot
        told.broker, told.rank = str(connection.broker), rank
        told.is_connected = True
        told.protocol = PROTOCOL_NAMES[connection.version]
        told.tls = connection.tls_version
        told.error = told.remedy = ""
        self._told = set()
        self._say(News("up", f"{connection.broker}: connected", "", self._down_since_ns))

    def down(self, connection: Connection, rank: int, *, is_probe: bool) -> None:
        """The connection is over, or never was. is_probe: asking for a version that the broker needn't know is no fault."""
        told = self.snapshot
        if told.is_connected:
            self._down_since_ns = time.monotonic_ns()
        told.broker, told.rank = str(connection.broker), rank
        told.is_connected = False
        told.error, told.remedy = connection.error, connection.remedy
        if is_probe or connection.error in self._told:
            return
        if len(self._told) < MOST_TOLD:
            self._told.add(connection.error)
        self._say(News("down", connection.error, connection.remedy, self._down_since_ns))

    def refused(self, text: str, remedy: str, *, is_of_broker: bool) -> None:
        """Something isn't taken, by the broker (then `status` shows it) or by us."""
        if is_of_broker:
            self.snapshot.error, self.snapshot.remedy = text, remedy
        self._say(News("refused", text, remedy, time.monotonic_ns()))

    def _say(self, news: News) -> None:
        self._news.append(news)
        self._wake_loop()
