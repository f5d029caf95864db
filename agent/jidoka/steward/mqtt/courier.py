"""Carries ledger entries and live values to the broker, on a thread of its own; nothing else ever waits for it.

Order: alarm lane, live values, evidence lane, history lane. At most WINDOW messages wait for the broker, some of which
only alarms may use. A new connection begins behind the cursors. See `outbox.lane` for whose word moves these.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from jidoka_bridge.errors import BrokerError

from jidoka.steward.ledger.format import ENTRY_HEADER, Entry, Lane, body_length, decode
from jidoka.steward.ledger.writer import Ticket
from jidoka.steward.mqtt.connection import (
    CONNECT_S,
    PROTOCOL_NAMES,
    V5,
    V311,
    WINDOW,
    Broker,
    Connection,
)
from jidoka.steward.mqtt.envelope import Letter, Place, letter_of_entry, live_letter, topic_id
from jidoka.steward.outbox.outbox import AIMS, Outbox

BACKOFF_MIN_S = 0.2
BACKOFF_MAX_S = 30.0
#: how long a broker may be silent after CONNECT; some that don't know MQTT 5 say nothing at all to it
CONNACK_S = {V5: 2.0, V311: 10.0}
PROGRESS_S = 15.0
LATE_NS = 5_000_000_000
GOODBYE_S = 1.5
#: share of the window that each lane may fill
ROOM: dict[Lane, int] = {Lane.ALARM: WINDOW, Lane.EVIDENCE: WINDOW - 20, Lane.HISTORY: WINDOW - 40}
ACKNOWLEDGEMENT = "jidoka.ack.v1"
COMMAND_TOPIC = re.compile(r"/cmd/([^/]+)/request")
#: that wait for the steward's loop; more are a flood, of which the oldest go
MOST_COMMANDS = 1_000


@dataclass(frozen=True)
class News:
    """Something that the steward records. state: up, down or refused; since_ns: when it began."""

    state: str
    text: str
    remedy: str
    since_ns: int


class Command(NamedTuple):
    """A message on a command's topic. name: from the topic."""

    name: str
    message: bytes
    is_retained: bool


@dataclass
class Snapshot:
    """What `status` shows of the broker."""

    broker: str
    is_connected: bool = False
    protocol: str = ""
    published: int = 0
    error: str = ""
    remedy: str = ""


@dataclass
class _Flight:
    """What is under way on one connection."""

    letters: dict[int, tuple[Lane, int, int]] = field(default_factory=dict)  # lane, number, offset
    progress_at: float = 0.0
    is_current_told: bool = False
    has_refused: bool = False
    digests: set[tuple[Lane, int]] = field(
        default_factory=set
    )  # told by their digest, as the letter was refused


class Courier:
    """Started with `start`; `add` and `tell` are called by the steward's loop, all else happens on the thread."""

    def __init__(
        self, broker: Broker, place: Place, ledger: Path, *, boot: bytes, about: dict[str, Any],
        wake_loop: Callable[[], None], acknowledge: str = AIMS, takes_commands: bool = False,
    ) -> None:  # fmt: skip
        self.place = place
        self.boot = boot
        self.about = about
        self.snapshot = Snapshot(str(broker))
        self.outbox = Outbox(ledger, acknowledge)
        self._broker = broker
        self._ledger = ledger
        self._wake_loop = wake_loop
        self._inbox: deque[Ticket] = deque()
        self._news: deque[News] = deque()
        self._live_lock = threading.Lock()
        self._live_due: dict[str, Letter] = {}
        self._live_kept: dict[str, Letter] = {}
        self._version = V5
        self._was_up = False
        self._is_version_sure = False  # MQTT 5 worked with this broker: a hang-up has another reason
        self._down_since_ns = 0
        self._ack_topic = f"{place.tree}/ack"
        self._takes_commands = takes_commands
        self._commands: deque[Command] = deque(maxlen=MOST_COMMANDS)
        self._told_disbelief = ""
        self._told_error = ""
        self._is_stopping = False
        self._file = -1
        self._wake, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    # ------------------------------------------------------------ the loop's side

    def index(self, ticket: Ticket) -> None:
        """Before `start`: an entry that the ledger already has."""
        self.outbox.add(ticket)

    def reconcile(self, last: Mapping[Lane, int]) -> list[str]:
        """Before `start`: cursors that claim more than the ledger has (it was put back to an older copy) are lowered."""
        return self.outbox.reconcile(last)

    def start(self) -> None:
        self._file = os.open(self._ledger, os.O_RDONLY | os.O_CLOEXEC)
        self._thread.start()

    def add(self, ticket: Ticket) -> None:
        """A committed entry that is to be told."""
        self._inbox.append(ticket)
        self._nudge()

    def tell(self, name: str, value: dict[str, Any], now_ns: int, wall_ns: int) -> None:
        """The newest live value; it replaces one that wasn't sent yet."""
        letter = live_letter(self.place, name, value, boot=self.boot, now_ns=now_ns, wall_ns=wall_ns)
        with self._live_lock:
            self._live_due[letter.topic] = letter
            if letter.is_retained:
                self._live_kept[letter.topic] = letter
        self._nudge()

    def take_news(self) -> list[News]:
        return [self._news.popleft() for _ in range(len(self._news))]

    def take_commands(self) -> list[Command]:
        """What somebody asks for from elsewhere, believed by nobody yet."""
        return [self._commands.popleft() for _ in range(len(self._commands))]

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
        backoff_s = BACKOFF_MIN_S
        self._down_since_ns = time.monotonic_ns()
        while not self._is_stopping:
            connection = Connection(self._broker, topic_id(self.place.device), self._will(), self._version)
            try:
                connection.open()
                self._await_connack(connection)
                if connection.is_up:
                    backoff_s = BACKOFF_MIN_S
                    self._serve(connection)
            except BrokerError as error:
                connection.abandon(error.what, error.remedy)
            except (OSError, ValueError) as error:
                connection.abandon(f"{self._ledger}: can't be read back: {error}", "Run: jidoka ledger check")
            if self._is_stopping:
                break
            self._is_down(connection)
            self._choose_version(connection)
            self._pause(backoff_s * random.uniform(0.5, 1.5))
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)
        self.outbox.store(time.monotonic(), is_last=True)

    def _await_connack(self, connection: Connection) -> None:
        deadline = time.monotonic() + CONNACK_S[connection.version]
        while not connection.is_up and not connection.error and not self._is_stopping:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                connection.is_version_refused = True
                raise BrokerError(
                    f"{self._broker} takes the connection and gives no answer of MQTT",
                    "Check that an MQTT broker listens at this port, or restart it.",
                )
            connection.pump(self._wake, min(left_s, 0.5))
            self._drain_wake()

    def _serve(self, connection: Connection) -> None:
        """Send until the connection is over or the steward stops."""
        self._is_now_up(connection)
        self.outbox.go_back(time.monotonic())
        topics = [self._ack_topic] if self.outbox.acknowledge == AIMS else []
        topics += [f"{self.place.tree}/cmd/+/request"] if self._takes_commands else []
        if topics:
            connection.subscribe(*topics)
        flight = _Flight(progress_at=time.monotonic())
        while not connection.error:
            if self._is_stopping:
                self._say_goodbye(connection, flight)
                return
            self._step(connection, flight, limit_s=0.5)

    def _step(self, connection: Connection, flight: _Flight, limit_s: float) -> None:
        self._take_inbox()
        self._fill(connection, flight)
        connection.pump(self._wake, limit_s)
        self._drain_wake()
        self._confirm(connection, flight)
        self._listen(connection)
        now_s = time.monotonic()
        self.outbox.resend(now_s)
        self.outbox.store(now_s)
        if flight.letters and time.monotonic() - flight.progress_at > PROGRESS_S:
            connection.abandon(f"{self._broker} confirms nothing any more", "Restart the broker.")

    def _fill(self, connection: Connection, flight: _Flight) -> None:
        self._fill_lane(connection, flight, Lane.ALARM)
        self._tell_current(connection, flight)
        with self._live_lock:
            due, self._live_due = self._live_due, {}
        for letter in due.values():
            connection.publish(letter)
        self._fill_lane(connection, flight, Lane.EVIDENCE)
        self._fill_lane(connection, flight, Lane.HISTORY)

    def _fill_lane(self, connection: Connection, flight: _Flight, lane: Lane) -> None:
        index = self.outbox.lanes[lane]
        while len(flight.letters) < ROOM[lane] and not connection.error:
            following = index.next()
            if following is None:
                return
            number, offset = following
            now_s = time.monotonic()
            self.outbox.sent(lane, number, now_s)
            if not flight.letters:
                flight.progress_at = now_s
            message_id = connection.publish(self._letter(offset))
            if message_id >= 0:
                flight.letters[message_id] = (lane, number, offset)

    def _tell_current(self, connection: Connection, flight: _Flight) -> None:
        """Once the alarm lane is empty on a new connection: the current interlock, retained, should the broker have forgotten."""
        index, current = self.outbox.lanes[Lane.ALARM], self.outbox.current
        if flight.is_current_told or index.next() is not None:
            return
        flight.is_current_told = True
        if current is not None and current.lane_number <= index.cursor:
            connection.publish(self._letter(current.offset))

    def _letter(self, offset: int, why_kept: str = "") -> Letter:
        entry = read_entry(self._file, offset)
        is_late = entry.boot != self.boot or time.monotonic_ns() - entry.monotonic_ns > LATE_NS
        current = self.outbox.current
        is_current = current is not None and entry.index == current.index
        return letter_of_entry(
            self.place, entry, is_historical=is_late, is_current=is_current, why_kept=why_kept
        )

    def _confirm(self, connection: Connection, flight: _Flight) -> None:
        while connection.acknowledged:
            message_id, reason = connection.acknowledged.popleft()
            found = flight.letters.pop(message_id, None)
            if found is None:
                continue  # a live value
            lane, number, _ = found
            flight.progress_at = time.monotonic()
            if reason >= 0x80:
                self._refused(connection, flight, found, reason)
            else:
                self.snapshot.published += 1
                self.outbox.taken(lane, number)

    def _listen(self, connection: Connection) -> None:
        """What the AIMS acknowledges. Nothing that comes from outside moves anything but cursors."""
        while connection.received:
            topic, payload, is_retained = connection.received.popleft()
            command = COMMAND_TOPIC.fullmatch(topic.removeprefix(self.place.tree))
            if command and self._takes_commands:
                self._commands.append(Command(unquote(command[1])[:64], payload, is_retained))
                self._wake_loop()
            elif topic == self._ack_topic:
                why = self._acknowledged(payload)
                if why and why != self._told_disbelief:
                    self._told_disbelief = why
                    remedy = "Find out who may write this topic, and whether the AIMS knows another device by this name."
                    self._say(
                        News(
                            "refused",
                            f"an acknowledgement isn't believed: {why}",
                            remedy,
                            time.monotonic_ns(),
                        )
                    )

    def _acknowledged(self, payload: bytes) -> str:
        """Why an acknowledgement isn't believed; "" if it is."""
        try:
            event = json.loads(payload)
            if event["type"] != ACKNOWLEDGEMENT:
                return f"its type is {str(event['type'])[:64]!r}"
            return self.outbox.committed(event["data"], time.monotonic())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return "it can't be read"

    def _refused(
        self, connection: Connection, flight: _Flight, found: tuple[Lane, int, int], reason: int
    ) -> None:
        """The broker refuses a message: it stays in the ledger and its digest is told in its place, so that the lane goes
        on. Recorded once a connection (the record is a message too, and would be refused in turn)."""
        lane, number, offset = found
        self.outbox.taken(lane, number)
        if (lane, number) not in flight.digests:
            flight.digests.add((lane, number))
            message_id = connection.publish(
                self._letter(offset, f"the broker refuses it: reason 0x{reason:02x}")
            )
            if message_id >= 0:
                flight.letters[message_id] = found
        if flight.has_refused:
            return
        flight.has_refused = True
        text = f"{self._broker} refuses messages ({lane.label} {number}, reason 0x{reason:02x})"
        remedy = f"Let the broker's access list admit writing {self.place.tree}/#."
        self.snapshot.error, self.snapshot.remedy = text, remedy
        self._say(News("refused", text, remedy, time.monotonic_ns()))

    # ------------------------------------------------------------ small parts

    def _take_inbox(self) -> None:
        while self._inbox:
            self.outbox.add(self._inbox.popleft())

    def _is_now_up(self, connection: Connection) -> None:
        now_ns = time.monotonic_ns()
        self._is_version_sure = connection.version == V5
        self._was_up = True
        self.snapshot.is_connected = True
        self.snapshot.protocol = PROTOCOL_NAMES[connection.version]
        self.snapshot.error = self.snapshot.remedy = ""
        self._say(News("up", f"{self._broker}: connected", "", self._down_since_ns))
        self._told_error = ""
        self.tell("status", {"online": True, "why": "connected", **self.about}, now_ns, time.time_ns())
        with self._live_lock:
            self._live_due.update(self._live_kept)

    def _is_down(self, connection: Connection) -> None:
        if self.snapshot.is_connected:
            self._down_since_ns = time.monotonic_ns()
        self.snapshot.is_connected = False
        self.snapshot.error, self.snapshot.remedy = connection.error, connection.remedy
        is_probe = connection.is_version_refused and connection.version == V5 and not self._is_version_sure
        if connection.error != self._told_error and not is_probe:
            self._told_error = connection.error
            self._say(News("down", connection.error, connection.remedy, self._down_since_ns))

    def _choose_version(self, connection: Connection) -> None:
        """MQTT 5 first, and again after every connection that ended; 3.1.1 where 5 is refused and never worked."""
        if self._was_up:
            self._version, self._was_up = V5, False
        elif connection.is_version_refused and not self._is_version_sure:
            self._version = V311 if self._version == V5 else V5

    def _say(self, news: News) -> None:
        self._news.append(news)
        self._wake_loop()

    def _will(self) -> Letter:
        value = {"online": False, "why": "connection lost", **self.about}
        now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        return live_letter(self.place, "status", value, boot=self.boot, now_ns=now_ns, wall_ns=wall_ns)

    def _say_goodbye(self, connection: Connection, flight: _Flight) -> None:
        deadline = time.monotonic() + GOODBYE_S
        self.tell(
            "status",
            {"online": False, "why": "planned stop", **self.about},
            time.monotonic_ns(),
            time.time_ns(),
        )
        while time.monotonic() < deadline and not connection.error:
            self._step(connection, flight, limit_s=0.1)
            if not flight.letters and not self._live_due and not self._inbox:
                break
        connection.close()

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _pause(self, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while not self._is_stopping and (left_s := deadline - time.monotonic()) > 0:
            select.select([self._wake], [], [], left_s)
            self._drain_wake()
            self._take_inbox()


def read_entry(descriptor: int, offset: int) -> Entry:
    """The committed entry at `offset`. Raises OSError, or FormatError if the file changed under us."""
    head = os.pread(descriptor, ENTRY_HEADER.size, offset)
    return decode(head + os.pread(descriptor, body_length(head), offset + ENTRY_HEADER.size))
