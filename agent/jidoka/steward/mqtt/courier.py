"""Carries ledger entries and live values to the broker, on a thread of its own; nothing else ever waits for it.

One connection after the other: opened, served until it is over, then a pause that grows. Which broker comes next is
`rotation`'s to say; what is sent on a connection is `flight`'s, what comes on it `inbound`'s, what is told of it `bulletin`'s.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import BrokerError

from jidoka.broker.endpoint import Broker
from jidoka.steward.commands.inbox import Inbox
from jidoka.steward.ledger.format import Lane
from jidoka.steward.ledger.writer import Ticket
from jidoka.steward.mqtt.bulletin import Bulletin, News, Snapshot
from jidoka.steward.mqtt.certificates import CertificateWatch
from jidoka.steward.mqtt.connection import CONNECT_S, V5, V311, Connection
from jidoka.steward.mqtt.envelope import Letter, Place, live_letter, topic_id
from jidoka.steward.mqtt.flight import Flight
from jidoka.steward.mqtt.inbound import Inbound
from jidoka.steward.mqtt.letters import Letters
from jidoka.steward.mqtt.live import LiveValues
from jidoka.steward.mqtt.rotation import RETURN_AFTER_S, Candidate, Rotation
from jidoka.steward.mqtt.silence import Silence
from jidoka.steward.outbox.outbox import AIMS, Outbox

#: how long a broker may be silent after CONNECT; some that don't know MQTT 5 say nothing at all to it
CONNACK_S = {V5: 2.0, V311: 10.0}
GOODBYE_S = 1.5


class Courier:
    """Started with `start`; `add` and `tell` are called by the steward's loop, all else happens on the thread."""

    def __init__(
        self, brokers: Sequence[Broker], place: Place, ledger: Path, *, boot: bytes, about: dict[str, Any],
        wake_loop: Callable[[], None], acknowledge: str = AIMS, inbox: Inbox | None = None,
        return_after_s: float = RETURN_AFTER_S,
    ) -> None:  # fmt: skip
        self.place = place
        self.boot = boot
        self.about = about
        self.outbox = Outbox(ledger, acknowledge)
        self._bulletin = Bulletin([str(each) for each in brokers], wake_loop)
        self._rotation = Rotation(brokers, return_after_s)
        self._certificates = CertificateWatch(brokers)
        self._silence = Silence(f"{place.tree}/ack", self.outbox, self._bulletin)
        self._inbound = Inbound(place.tree, self.outbox, self._bulletin, wake_loop, inbox)
        self._letters = Letters(place, boot, ledger, self.outbox)
        self._live = LiveValues()
        self._ledger = ledger
        self._inbox: deque[Ticket] = deque()
        self._is_stopping = False
        self._wake, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    # ------------------------------------------------------------ the loop's side

    @property
    def snapshot(self) -> Snapshot:
        """What `status` shows of the broker."""
        return self._bulletin.snapshot

    def index(self, ticket: Ticket) -> None:
        """Before `start`: an entry that the ledger already has."""
        self.outbox.add(ticket)

    def reconcile(self, last: Mapping[Lane, int]) -> list[str]:
        """Before `start`: cursors that claim more than the ledger has (it was put back to an older copy) are lowered."""
        return self.outbox.reconcile(last)

    def start(self) -> None:
        self._letters.open()
        self._thread.start()

    def add(self, ticket: Ticket) -> None:
        """A committed entry that is to be told."""
        self._inbox.append(ticket)
        self._nudge()

    def tell(self, name: str, value: dict[str, Any], now_ns: int, wall_ns: int) -> None:
        """The newest live value; it replaces one that wasn't sent yet."""
        self._live.put(live_letter(self.place, name, value, boot=self.boot, now_ns=now_ns, wall_ns=wall_ns))
        self._nudge()

    def take_news(self) -> list[News]:
        return self._bulletin.take()

    def backlog(self) -> dict[str, int]:
        """Messages that aren't done with, per lane."""
        waiting = [ticket.lane for ticket in list(self._inbox)]
        return {lane.label: index.backlog + waiting.count(lane) for lane, index in self.outbox.lanes.items()}

    def stop(self) -> None:
        """Send what can be sent in a moment, say goodbye, keep the cursors."""
        self._is_stopping = True
        self._nudge()
        self._thread.join(GOODBYE_S + CONNECT_S)

    def _nudge(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_writer, b"\0")

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while not self._is_stopping:
            self._look_at_certificates()
            connection: Connection | None = self._connection(self._rotation.current)
            while connection is not None:
                connection = self._live_through(connection)
        self.outbox.store(time.monotonic(), is_last=True)

    def _live_through(self, connection: Connection) -> Connection | None:
        """From opening to the end, and the pause after it. Returns one to the first broker that stands already, if it took over."""
        try:
            if not connection.is_up:
                connection.open()
                self._await_connack(connection, CONNACK_S[connection.version])
            if connection.is_up:
                return self._serve(connection)
        except BrokerError as error:
            connection.abandon(error.what, error.remedy)
        except (OSError, ValueError) as error:
            connection.abandon(f"{self._ledger}: can't be read back: {error}", "Run: jidoka ledger check")
        if not self._is_stopping:
            self._rest_after(connection)
        return None

    def _rest_after(self, connection: Connection) -> None:
        candidate, rank = self._rotation.current, self._rotation.rank
        is_refused = connection.is_version_refused
        self._bulletin.down(connection, rank, is_probe=candidate.is_probe(is_version_refused=is_refused))
        self._pause(self._rotation.ended(time.monotonic(), is_version_refused=is_refused))

    def _await_connack(self, connection: Connection, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while not connection.is_up and not connection.error and not self._is_stopping:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                connection.is_version_refused = True
                raise BrokerError(
                    f"{connection.broker} takes the connection and gives no answer of MQTT",
                    "Check that an MQTT broker listens at this port, or restart it.",
                )
            connection.pump(self._wake, min(left_s, 0.5))
            self._drain_wake()

    def _serve(self, connection: Connection) -> Connection | None:
        """Send until the connection is over or the steward stops; or until the first broker takes us back: its connection."""
        self._rotation.came_up(time.monotonic())
        self._certificates.saw(connection.broker, connection.broker_certificate_ends)
        self._bulletin.up(connection, self._rotation.rank)
        self._tell_status(is_online=True, why="connected")
        self._live.go_back()
        self.outbox.go_back(time.monotonic())
        self._inbound.subscribe(connection)
        flight = Flight(connection, self.outbox, self._letters, self._live, self._bulletin)
        self._silence = Silence(f"{self.place.tree}/ack", self.outbox, self._bulletin)
        while not connection.error:
            if self._is_stopping:
                self._say_goodbye(connection, flight, "planned stop")
                return None
            self._step(connection, flight, limit_s=0.5)
            self._look_at_certificates()
            if self._rotation.should_try_first(time.monotonic()) and (first := self._first()) is not None:
                self._say_goodbye(connection, flight, f"back to {first.broker}")
                self._rotation.returned()
                return first
        self._rest_after(connection)
        return None

    def _first(self) -> Connection | None:
        """A connection to the first broker, while a later one still serves; None if it doesn't take us. What it lacks isn't
        told: the one that serves is no trouble. Both versions are asked at once; alarms wait for it meanwhile."""
        candidate = self._rotation.candidates[0]
        for _ in range(2):
            connection = self._connection(candidate)
            try:
                connection.open()
                self._await_connack(connection, CONNACK_S[V5])
            except BrokerError as error:
                connection.abandon(error.what, error.remedy)
            if connection.is_up:
                return connection
            candidate.ended(is_version_refused=connection.is_version_refused)
            if not connection.is_version_refused:
                break
        self._rotation.stays(time.monotonic())
        return None

    def _connection(self, candidate: Candidate) -> Connection:
        client_id = candidate.broker.client_id or topic_id(self.place.device)
        return Connection(candidate.broker, client_id, self._will(), candidate.version)

    def _step(self, connection: Connection, flight: Flight, limit_s: float) -> None:
        self._take_inbox()
        has_more = flight.fill()
        connection.pump(self._wake, 0.0 if has_more else limit_s)
        self._drain_wake()
        flight.confirm(self.place.tree)
        self._inbound.listen(connection)
        now_s = time.monotonic()
        self._silence.look(now_s)
        self.outbox.store(now_s)
        if flight.is_stuck():
            connection.abandon(f"{connection.broker} confirms nothing any more", "Restart the broker.")

    def _say_goodbye(self, connection: Connection, flight: Flight, why: str) -> None:
        deadline = time.monotonic() + GOODBYE_S
        self._tell_status(is_online=False, why=why)
        while time.monotonic() < deadline and not connection.error:
            self._step(connection, flight, limit_s=0.1)
            if flight.is_empty and self._live.is_empty and not self._inbox:
                break
        connection.close()

    # ------------------------------------------------------------ small parts

    def _look_at_certificates(self) -> None:
        self._bulletin.snapshot.ends = self._certificates.first(time.monotonic())

    def _tell_status(self, *, is_online: bool, why: str) -> None:
        self._live.put(self._status(is_online=is_online, why=why))

    def _will(self) -> Letter:
        return self._status(is_online=False, why="connection lost")

    def _status(self, *, is_online: bool, why: str) -> Letter:
        value = {"online": is_online, "why": why, **self.about}
        now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        return live_letter(self.place, "status", value, boot=self.boot, now_ns=now_ns, wall_ns=wall_ns)

    def _take_inbox(self) -> None:
        while self._inbox:
            self.outbox.add(self._inbox.popleft())

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _pause(self, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while not self._is_stopping and (left_s := deadline - time.monotonic()) > 0:
            select.select([self._wake], [], [], left_s)
            self._drain_wake()
            self._take_inbox()
