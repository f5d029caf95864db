"""Lines from an MQTT topic: each message is one; the connection is made again whenever it is lost."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from jidoka_bridge.errors import BrokerError, InputError
from paho.mqtt.enums import CallbackAPIVersion

from jidoka.feed.intake import Intake, NewStream
from jidoka.feed.reading import LONGEST_LINE_BYTES, Entry

log = logging.getLogger(__name__)

MOST_WAITING = 2000
MOST_WAITING_BYTES = 16 << 20
PORT = 1883
AT_LEAST_ONCE = 1
MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Topic:
    """mqtt://USER:PASSWORD@HOST:PORT/TOPIC, taken apart. text: without user and password."""

    host: str
    port: int
    topic: str
    username: str | None
    password: str | None

    @property
    def text(self) -> str:
        return f"mqtt://{self.host}:{self.port}/{self.topic}"


def topic_of(address: str, password_file: Path | None = None) -> Topic:
    """The topic of an address. Raises InputError: it can't be understood, or the password can't be read."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        host, port = None, PORT
    # `#` is a wildcard of MQTT, and a fragment for everybody else
    topic = unquote(address.split("://", 1)[-1].partition("/")[2])
    if not host or not topic or parts.scheme != "mqtt":
        raise InputError(
            "the address of the topic can't be understood.", "Write mqtt://HOST:PORT/TOPIC, without TLS."
        )
    password = None if parts.password is None else unquote(parts.password)
    if password_file is not None:
        try:
            password = password_file.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, UnicodeDecodeError, IndexError) as error:
            why = getattr(error, "strerror", None) or "there is no text in it"
            raise InputError(
                f"{password_file}: can't read the password: {why}.", "Put the password on its first line."
            ) from None
    return Topic(host, port, topic, None if parts.username is None else unquote(parts.username), password)


class Subscription(Intake):
    """The messages of a topic. Retained ones are passed over, as they tell of an inference that was long ago.

    Messages wait in a queue of at most 2000 and 16 MB; what doesn't fit is counted. paho's own thread keeps the
    connection. Raises BrokerError where nobody answers at the start.
    """

    def __init__(self, topic: Topic, new_stream: NewStream) -> None:
        self.text = topic.text
        self._topic = topic
        self._stream = new_stream(topic.topic)
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = self._retained = self._overflowed = self._lost = 0
        self._lock = threading.Lock()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._refusal = ""
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message, client.on_subscribe = self._on_message, self._on_subscribe
        client.reconnect_delay_set(1, 30)
        if topic.username is not None:
            client.username_pw_set(topic.username, topic.password)
        try:
            client.connect(topic.host, topic.port)
        except OSError as error:
            raise BrokerError(
                f"{topic.host}:{topic.port}: no broker can be reached: {error.strerror or error}.",
                "Start the broker, or correct host and port.",
            ) from None
        except ValueError:
            raise BrokerError(f"{topic.text}: isn't an address.", "Write mqtt://HOST:PORT/TOPIC.") from None
        client.loop_start()

    def ears(self) -> Sequence[Any]:
        return (self._bell,)

    def take(self, now_ns: int) -> list[Entry]:
        del now_ns
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        if self._refusal:
            raise BrokerError(self._refusal, "Check user, password and the broker's access list.")
        found: list[Entry] = []
        for _ in range(MOST_AT_ONCE):
            with self._lock:
                if not self._waiting:
                    return found
                message = self._waiting.popleft()
                self._waiting_bytes -= len(message)
            # a message is one line, whatever its ends
            found += self._stream.take(message.rstrip(b"\r\n").replace(b"\n", b" ") + b"\n")
        self._ring()
        return found

    def counts(self) -> dict[str, int]:
        return {
            "retained messages passed over": self._retained, "messages that found no room": self._overflowed,
            "connections lost": self._lost, "lines without the pattern": self._stream.unmatched,
        }  # fmt: skip

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._bell, 1)

    # ------------------------------------------------------------ called by paho's thread

    def _on_connect(self, client: Any, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refuse(
                f"{self._topic.host}:{self._topic.port} refuses the connection: {str(reason).lower()}"
            )
            return
        client.subscribe(self._topic.topic, AT_LEAST_ONCE)

    def _on_subscribe(self, _client: Any, _user: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refuse(f"{self._topic.host}:{self._topic.port} refuses the topic {self._topic.topic}")
            return
        log.info("%s: subscribed", self.text)

    def _on_disconnect(self, _client: Any, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._lost += 1
            log.warning("%s: connection lost (%s); it is made again", self.text, str(reason).lower())

    def _on_message(self, _client: Any, _user: Any, message: Any) -> None:
        if message.retain:
            self._retained += 1
            return
        payload: bytes = message.payload[: LONGEST_LINE_BYTES + 2]
        with self._lock:
            has_room = len(self._waiting) < MOST_WAITING
            if has_room and self._waiting_bytes + len(payload) <= MOST_WAITING_BYTES:
                self._waiting.append(payload)
                self._waiting_bytes += len(payload)
            else:
                self._overflowed += 1
        self._ring()

    def _refuse(self, why: str) -> None:
        self._refusal = why
        self._client.disconnect()
        self._ring()
