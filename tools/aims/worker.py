"""One worker: takes messages from the broker, stores them in batches, and only then acknowledges, to broker and device.

Several workers share the subscription; each message goes to one of them. A worker that dies had acknowledged nothing
that wasn't committed: the broker gives its messages to another, and what the broker loses the device sends again.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import paho.mqtt.client as paho
import psycopg
from jidoka.broker.endpoint import Broker
from jidoka.broker.line import V5, dial, make_client, properties_of
from jidoka_bridge.errors import BrokerError
from paho.mqtt.enums import LogLevel
from paho.mqtt.packettypes import PacketTypes

from tools.aims.database import Database, Stored
from tools.aims.letters import Event, Letter, read

#: of one transaction; a larger one makes an alarm that is committed meanwhile wait for its write, and is hardly faster
BATCH = 100
#: a batch that isn't full waits so long for more
GATHER_S = 0.05
SESSION_S = 86_400
#: messages that the broker may have out at this worker
WINDOW = 1_000
#: a worker that takes everything gives way to one that takes alarms, where they share a small machine
NICENESS = 8
RETRY_S = 1.0
#: a cursor is said again so often while events come, should an acknowledgement have been lost
REMIND_S = 5.0

ALARM = "alarm"
#: what devices tell in the lane that overtakes all others, below SITE/LINE/DEVICE
ALARM_TOPICS = ("alarms/+", "interlock", "override", "cmd/+/reply")


@dataclass(frozen=True)
class Address:
    """Where the broker is, and what is wanted there. password: of broker.username; group: of the shared subscription, "" for a subscription of one's own (brokers of MQTT 3.1.1);
    is_for_alarms: takes the alarm lane alone, so that a worker which only does that never has history before it."""

    broker: Broker
    password: str | None = None
    group: str = "aims"
    client_id: str = "aims-1"
    is_for_alarms: bool = False

    @property
    def filters(self) -> list[str]:
        """What is subscribed to. The alarm lane has a group of its own, so those messages come to both kinds of worker."""
        below = [f"+/+/+/{topic}" for topic in ALARM_TOPICS] if self.is_for_alarms else ["#"]
        group = f"{self.group}-alarms" if self.is_for_alarms else self.group
        return [f"$share/{group}/aims/v1/{each}" if self.group else f"aims/v1/{each}" for each in below]


class Worker:
    """Call `turn` for ever. Raises psycopg.Error, BrokerError or OSError: start anew then; nothing was acknowledged too early."""

    def __init__(self, address: Address, database: Database) -> None:
        self.address = address
        self.database = database
        self.totals = Stored()
        self._waiting: deque[tuple[Any, Letter | None]] = deque()
        self._first_at = 0.0
        self._told: dict[str, dict[str, int]] = {}
        self._told_at: dict[str, float] = {}
        self._ended: deque[str] = deque()
        self._is_subscribed = False
        self._is_connected = False
        self._socket_error = ""  # the newest that paho tells; an alert of TLS is nowhere else
        self._client = client = make_client(address.broker, address.client_id, V5)
        client.manual_ack_set(True)
        client.max_inflight_messages_set(100)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: setattr(self, "_is_subscribed", True)
        client.on_message = self._on_message
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._ended.append(str(reason))
        client.on_log = self._on_log
        if address.broker.username:
            client.username_pw_set(address.broker.username, address.password)
        properties = properties_of(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = WINDOW
        dial(client, address.broker, clean_start=False, properties=properties)

    @property
    def is_ready(self) -> bool:
        return self._is_subscribed

    def _on_connect(self, client: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._ended.append(f"{self.address.broker} refuses the connection: {str(reason).lower()}")
        else:
            self._is_connected = True
            client.subscribe([(each, 1) for each in self.address.filters])

    def _on_log(self, _c: paho.Client, _u: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._socket_error = text

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        if not self._waiting:
            self._first_at = time.monotonic()
        self._waiting.append((message, read(message.topic, bytes(message.payload))))

    def turn(self, limit_s: float = 0.2) -> None:
        """Take what comes; store a batch that is full or old enough."""
        is_due = self._waiting and time.monotonic() - self._first_at >= GATHER_S
        code = (
            self._client.loop(GATHER_S if self._waiting else limit_s) if not is_due else paho.MQTT_ERR_SUCCESS
        )
        if code != paho.MQTT_ERR_SUCCESS or self._ended:
            raise self._why_over(code)
        if len(self._waiting) >= BATCH or (self._waiting and time.monotonic() - self._first_at >= GATHER_S):
            self._store()

    def _why_over(self, code: int) -> Exception:
        """The connection ended: what is told of it. With TLS 1.3 a certificate that isn't taken shows only now."""
        if self.address.broker.is_tls and not self._is_connected:
            from jidoka.broker.tls_trouble import explained_end  # noqa: PLC0415 - cryptography is large

            explained = explained_end(self.address.broker, self._socket_error)
            if explained is not None:
                return explained
        return OSError(self._ended.popleft() if self._ended else paho.error_string(code))

    def _store(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        self._first_at = time.monotonic()
        letters = [letter for _, letter in batch if letter is not None]
        # alarms in a transaction of their own: a worker for alarms stores the same ones, and would wait for all of this one
        alarms = [each for each in letters if isinstance(each, Event) and each.lane == ALARM]
        others = [each for each in letters if not (isinstance(each, Event) and each.lane == ALARM)]
        for part in (alarms, others):
            if part:
                self._commit(part)
        for message, _ in batch:
            if message.qos:
                self._client.ack(message.mid, message.qos)

    def _commit(self, letters: Sequence[Letter]) -> None:
        stored = self.database.store(letters)
        self.totals.events += stored.events
        self.totals.conflicts += stored.conflicts
        self.totals.unreadable += stored.unreadable
        for tree, lanes in stored.contiguous.items():
            self._acknowledge(tree, lanes)

    def _acknowledge(self, tree: str, lanes: dict[str, int]) -> None:
        """Tell a device what is committed: the highest number of each lane up to which nothing is missing."""
        known, now = self._told.setdefault(tree, {}), time.monotonic()
        is_news = any(number > known.get(lane, 0) for lane, number in lanes.items())
        if not is_news and now - self._told_at.get(tree, 0.0) < REMIND_S:
            return
        known.update({lane: max(number, known.get(lane, 0)) for lane, number in lanes.items()})
        self._told_at[tree] = now
        moment = datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
        event = {
            "specversion": "1.0", "id": f"ack-{time.time_ns()}", "source": "/aims", "type": "jidoka.ack.v1",
            "time": moment, "datacontenttype": "application/json", "data": {"committed": known},
        }  # fmt: skip
        self._client.publish(f"{tree}/ack", json.dumps(event).encode(), 1, retain=True)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop(0.1)


def work(address: Address, database_address: str) -> None:
    """Work for ever: after any loss of broker or database begin anew, telling why."""
    if not address.is_for_alarms:
        os.nice(NICENESS)
    told = ""
    while True:
        why = _work_until_lost(address, database_address)
        if why != told:
            print(f"aims: {why}; trying again", flush=True)
            told = why
        time.sleep(RETRY_S)


def _work_until_lost(address: Address, database_address: str) -> str:
    """Why it ended."""
    is_told = False
    try:
        database = Database(database_address)
        try:
            worker = Worker(address, database)
            while True:
                worker.turn()
                if worker.is_ready and not is_told:
                    is_told = True
                    print(f"aims: stores what comes from {address.broker}", flush=True)
        finally:
            database.close()
    except BrokerError as error:
        return f"{error.what}. {error.remedy.rstrip('.')}"
    except (psycopg.Error, OSError) as error:
        return " ".join(str(error).split()) or type(error).__name__
