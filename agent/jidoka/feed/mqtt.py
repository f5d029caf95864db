"""Lines from an MQTT topic: each message is one; the connection is made again whenever it is lost."""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from jidoka_bridge.errors import BrokerError, InputError
from paho.mqtt.enums import CallbackAPIVersion, LogLevel

from jidoka.broker import endpoint
from jidoka.broker.endpoint import Broker
from jidoka.feed.intake import Intake, NewStream
from jidoka.feed.reading import LONGEST_LINE_BYTES, Entry

log = logging.getLogger(__name__)

MOST_WAITING = 2000
MOST_WAITING_BYTES = 16 << 20
#: of a broker's address, those over plain TCP: WebSockets have a path where the topic stands here
SCHEMES = {name: scheme for name, scheme in endpoint.SCHEMES.items() if scheme.transport == endpoint.TCP}
AT_LEAST_ONCE = 1
MOST_AT_ONCE = 500


class Files(NamedTuple):
    """For TLS. ca: None means the system's authorities; certificate, key: this program's own at the broker."""

    ca: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None


NO_FILES = Files()


@dataclass(frozen=True)
class Topic:
    """mqtts://USER:PASSWORD@HOST:PORT/TOPIC, taken apart. text: without user and password; login: files for TLS."""

    host: str
    port: int
    topic: str
    username: str | None
    password: str | None
    is_tls: bool = False
    login: Files = NO_FILES

    @property
    def broker(self) -> Broker:
        """For TLS: the same rules and the same words as the steward's."""
        ca, certificate, key = (None if each is None else str(each) for each in self.login)
        return Broker(self.host, self.port, is_tls=self.is_tls, ca=ca, certificate=certificate, key=key)

    @property
    def text(self) -> str:
        return f"{'mqtts' if self.is_tls else 'mqtt'}://{self.host}:{self.port}/{self.topic}"


def topic_of(address: str, password_file: Path | None = None, login: Files = NO_FILES) -> Topic:
    """The topic of an address. Raises InputError: it can't be understood, the password can't be read, or there are files for
    TLS without TLS."""
    scheme, _, rest = address.partition("://")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    # `#` is a wildcard of MQTT, and a fragment for everybody else
    topic = unquote(rest.partition("/")[2])
    if not host or not topic or scheme not in SCHEMES:
        raise InputError(
            "the address of the topic can't be understood.",
            "Write mqtts://HOST:PORT/TOPIC, or mqtt://HOST:PORT/TOPIC without TLS.",
        )
    is_tls = SCHEMES[scheme].is_tls
    if not is_tls and login != NO_FILES:
        raise InputError(
            "certificates are of no use where nothing is encrypted.", "Write mqtts://, or leave them out."
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
    username = None if parts.username is None else unquote(parts.username)
    return Topic(host, port or SCHEMES[scheme].port, topic, username, password, is_tls, login)


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
        self._remedy = ""
        self._was_connected = False
        self._socket_error = ""  # the newest that paho tells; an alert of TLS is nowhere else
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message, client.on_subscribe = self._on_message, self._on_subscribe
        client.on_log = self._on_log
        client.reconnect_delay_set(1, 30)
        if topic.username is not None:
            client.username_pw_set(topic.username, topic.password)
        if topic.is_tls:
            from jidoka.broker.tls import context_of  # noqa: PLC0415 - cryptography is large

            client.tls_set_context(context_of(topic.broker))
        try:
            client.connect(topic.host, topic.port)
        except ssl.SSLError as error:
            from jidoka.broker.tls_trouble import explained  # noqa: PLC0415

            raise explained(error, topic.broker) from None
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
            raise BrokerError(self._refusal, self._remedy)
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
        self._was_connected = True
        client.subscribe(self._topic.topic, AT_LEAST_ONCE)

    def _on_subscribe(self, _client: Any, _user: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refuse(f"{self._topic.host}:{self._topic.port} refuses the topic {self._topic.topic}")
            return
        log.info("%s: subscribed", self.text)

    def _on_disconnect(self, _client: Any, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure and self._topic.is_tls and not self._was_connected:
            from jidoka.broker.tls_trouble import explained_end  # noqa: PLC0415

            # with TLS 1.3 a certificate that isn't taken shows only now
            refused = explained_end(self._topic.broker, self._socket_error)
            if refused is not None:
                self._refuse(refused.what, refused.remedy)
                return
        if reason.is_failure and not self._refusal:
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

    def _on_log(self, _client: Any, _user: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._socket_error = text

    def _refuse(self, why: str, remedy: str = "Check user, password and the broker's access list.") -> None:
        self._refusal, self._remedy = why, remedy
        self._client.disconnect()
        self._ring()
