"""One connection to a broker: a fresh paho client, driven by its owner's thread alone, never reused.

`publish` of a client that lost its connection queues in silence and would send twice; so a connection that is
down is thrown away. Callbacks only append: paho calls them under locks of its own.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from jidoka_bridge.errors import BrokerError
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from jidoka.steward.mqtt.envelope import CONTENT_TYPE, Letter

WINDOW = 100  # paho slows down above it: 9 400/s at 100, 5 400/s at 1 000
CONNECT_S = 5.0
WILL_DELAY_S = 5
SESSION_S = 10

V5 = MQTTProtocolVersion.MQTTv5
V311 = MQTTProtocolVersion.MQTTv311
PROTOCOL_NAMES = {V5: "MQTT 5", V311: "MQTT 3.1.1"}
UNSUPPORTED_VERSION = 0x84

#: CONNACK reason codes of MQTT 5 (paho translates those of 3.1.1 into them) -> what to do
REMEDIES: dict[int, str] = {
    0x84: "The broker speaks another version of MQTT; the other one is tried next.",
    0x85: "Let the broker take this device's id as client id.",
    0x86: "Check the user name and the password file of mqtt in the configuration.",
    0x87: "Check username and password_file of the broker, or let the broker's access list admit this device.",
    0x88: "The broker is busy or stopping; it is tried again.",
    0x8A: "The broker has banned this device: see the broker's log.",
}
HUNG_UP = "Check that an MQTT broker without TLS listens at this port, and see its log; both versions of MQTT are tried in turn."


@dataclass(frozen=True)
class Broker:
    """Where the broker is, and who we are there. password_file: first line is the password."""

    host: str
    port: int = 1883
    username: str | None = None
    password_file: str | None = None
    keepalive_s: int = 30

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def password(self) -> str | None:
        """Raises BrokerError if the file can't be read."""
        if not self.password_file:
            return None
        try:
            return Path(self.password_file).read_text().splitlines()[0]
        except (OSError, UnicodeDecodeError, IndexError) as error:
            why = error.strerror if isinstance(error, OSError) else "there is no text in it"
            raise BrokerError(
                f"{self.password_file}: can't read the broker's password: {why}",
                "Put the password on its first line, and let the steward's user read it.",
            ) from None


class Connection:
    """Opened with `open`, driven with `pump`; `is_up` after CONNACK, `error` once it is over."""

    def __init__(self, broker: Broker, client_id: str, will: Letter, version: MQTTProtocolVersion) -> None:
        self.broker = broker
        self.version = version
        self.is_up = False
        self.error = ""
        self.remedy = ""
        self.is_version_refused = False
        #: (message id, reason) of PUBACKs; a reason of 0x80 or more is a refusal
        self.acknowledged: deque[tuple[int, int]] = deque()
        #: (topic, payload, is retained) of what was subscribed to
        self.received: deque[tuple[str, bytes, bool]] = deque()
        self._opened = False
        self._connack: deque[Any] = deque()
        self._ended: deque[Any] = deque()
        clean = None if version == V5 else True
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=clean, protocol=version,
            reconnect_on_failure=False,
        )  # fmt: skip
        self._client.connect_timeout = CONNECT_S
        self._client.max_inflight_messages_set(2 * WINDOW)
        self._client.on_connect = lambda _c, _u, _f, reason, _p: self._connack.append(reason)
        self._client.on_disconnect = lambda _c, _u, _f, reason, _p: self._ended.append(reason)
        self._client.on_publish = lambda _c, _u, mid, reason, _p: self.acknowledged.append(
            (mid, int(reason.value))
        )
        self._client.on_message = lambda _c, _u, message: self.received.append(
            (message.topic, bytes(message.payload), bool(message.retain))
        )
        properties = None
        if version == V5:
            properties = _properties(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = WILL_DELAY_S
            properties.ContentType = CONTENT_TYPE
        self._client.will_set(will.topic, will.payload, 1, True, properties)

    def open(self) -> None:
        """Connect the socket and send CONNECT. Raises BrokerError with cause and remedy."""
        if self.broker.username:
            self._client.username_pw_set(self.broker.username, self.broker.password())
        options: dict[str, Any] = {}
        if self.version == V5:
            properties = _properties(PacketTypes.CONNECT)
            # the session outlives a flap, so that the will waits; what gathers in it is an acknowledgement at most
            properties.SessionExpiryInterval = SESSION_S
            options = {"properties": properties, "clean_start": False}
        try:
            self._client.connect(self.broker.host, self.broker.port, self.broker.keepalive_s, **options)
        except ConnectionRefusedError:
            raise BrokerError(
                f"no broker listens at {self.broker}", "Start the broker, or correct its host and port."
            ) from None
        except socket.gaierror:
            raise BrokerError(
                f"the host name {self.broker.host} can't be resolved",
                "Correct it, or check the network's DNS.",
            ) from None
        except TimeoutError:
            raise BrokerError(
                f"{self.broker} doesn't answer within {CONNECT_S:.0f} s", "Check cable, firewall and address."
            ) from None
        except OSError as error:
            raise BrokerError(
                f"{self.broker} can't be reached: {error.strerror or error}", "Check the network."
            ) from None
        self._opened = True

    def pump(self, wake: int, limit_s: float) -> None:
        """Wait for the broker, for `wake`, or for limit_s; move what waits on the line."""
        sock = self._client.socket()
        if sock is None:
            self._settle()
            return
        writing = [sock] if self._client.want_write() else []
        waiting: list[Any] = [sock, wake]
        readable, writable, _ = select.select(waiting, writing, [], limit_s)
        code = paho.MQTT_ERR_SUCCESS
        if sock in readable:
            code = self._client.loop_read()
        if writable and code == paho.MQTT_ERR_SUCCESS:
            code = self._client.loop_write()
        if code == paho.MQTT_ERR_SUCCESS:
            code = self._client.loop_misc()
        if code != paho.MQTT_ERR_SUCCESS and not self._ended:
            self._ended.append(paho.error_string(code))
        self._settle()

    def publish(self, letter: Letter) -> int:
        """Hand a letter to the line; its message id. −1 if the connection is over."""
        properties = None
        if self.version == V5:
            properties = _properties(PacketTypes.PUBLISH)
            properties.ContentType = CONTENT_TYPE
            properties.UserProperty = list(letter.properties)
            if letter.expiry_s:
                properties.MessageExpiryInterval = letter.expiry_s
        info = self._client.publish(letter.topic, letter.payload, letter.qos, letter.is_retained, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            self._end(paho.error_string(info.rc), "")
            return -1
        return info.mid

    def subscribe(self, *topics: str) -> None:
        """Ask for what comes on these topics, with QoS 1. With MQTT 5 what was published as retained says so, also where it
        comes live; 3.1.1 tells it only of what was there before."""
        if self.version == V5:
            options = SubscribeOptions(qos=1, retainAsPublished=True)
            code, _ = self._client.subscribe([(topic, options) for topic in topics])
        else:
            code, _ = self._client.subscribe([(topic, 1) for topic in topics])
        if code != paho.MQTT_ERR_SUCCESS:
            self._end(paho.error_string(code), "")

    def close(self) -> None:
        """Say goodbye if connected, so that the will isn't sent."""
        if self._opened:
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect()
        self.is_up = False

    def abandon(self, why: str, remedy: str) -> None:
        """Give the connection up without a goodbye."""
        sock: Any = self._client.socket()
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._end(why, remedy)

    def _settle(self) -> None:
        """Draw the conclusions of the callbacks."""
        if self._connack and not self.is_up and not self.error:
            reason = self._connack.popleft()
            if reason.is_failure:
                self.is_version_refused = reason.value == UNSUPPORTED_VERSION
                self._end(
                    f"{self.broker} refuses the connection: {str(reason).lower()}",
                    REMEDIES.get(reason.value, "See the broker's log."),
                )
                return
            self.is_up = True
        if self._ended or self._client.socket() is None:
            reason = self._ended.popleft() if self._ended else "the connection ended"
            if self.is_up:
                self._end(f"{self.broker}: connection lost: {str(reason).lower()}", "It is tried again.")
            else:
                # brokers that don't know the version hang up instead of answering
                self.is_version_refused = True
                self._end(
                    f"{self.broker} hung up on {PROTOCOL_NAMES[self.version]} without an answer", HUNG_UP
                )

    def _end(self, why: str, remedy: str) -> None:
        self.is_up = False
        if not self.error:
            self.error, self.remedy = why, remedy


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]
