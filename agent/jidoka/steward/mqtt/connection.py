"""One connection to a broker: a fresh client, driven by its owner's thread alone, never reused.

`publish` of a client that lost its connection queues in silence and would send twice; so a connection that is
down is thrown away.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections import deque
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.subscribeoptions import SubscribeOptions

from jidoka.broker.endpoint import WEBSOCKETS, Broker
from jidoka.broker.line import (
    HUNG_UP,
    V5,
    V311,
    WINDOW,
    Client,
    Heard,
    dial,
    make_client,
    properties_of,
)
from jidoka.broker.tunnel import CONNECT_S
from jidoka.steward.mqtt.envelope import CONTENT_TYPE, Letter

__all__ = ["CONNECT_S", "PROTOCOL_NAMES", "V5", "V311", "WINDOW", "Broker", "Connection"]

SESSION_S = 10
WILL_DELAY_S = 5
MOST_PACKET_BYTES = 65_536

PROTOCOL_NAMES = {V5: "MQTT 5", V311: "MQTT 3.1.1"}
UNSUPPORTED_VERSION = 0x84

#: CONNACK reason codes of MQTT 5 (paho translates those of 3.1.1 into them) -> what to do
REMEDIES: dict[int, str] = {
    0x84: "The broker speaks another version of MQTT; the other one is tried next.",
    0x85: "Let the broker take this device's id as client id, or set client_id.",
    0x86: "Check the user name and the password file of mqtt in the configuration.",
    0x87: "Check username and password_file of the broker, or let the broker's access list admit this device.",
    0x88: "The broker is busy or stopping; it is tried again.",
    0x8A: "The broker has banned this device: see the broker's log.",
    0x8C: "The broker wants another way of logging in than user name, password or certificate: see its settings.",
}
#: DISCONNECT reason codes of a broker (MQTT 5) -> what to do
LOST_REMEDIES: dict[int, str] = {
    0x87: "Let the broker's access list admit this device's topics: it ends the connection at others.",
    0x8B: "The broker is stopping; it is tried again.",
    0x8D: "The broker heard nothing within 1.5 times keepalive: check the network. It is tried again.",
    0x8E: "Somebody else logs in with this client id: look for a second device with this one's name, such as a copied disk.",
    0x95: "The broker takes no message of this size: raise its limit.",
    0x97: "The broker's quota is used up: see its limits.",
    0x98: "Somebody ended it at the broker; it is tried again.",
}
HUNG_UP_AFTER_TLS = (
    "With TLS 1.3 this is also how a broker refuses a certificate: see the broker's log. Both versions of MQTT are "
    "tried in turn."
)


class Connection:
    """Opened with `open`, driven with `pump`; `is_up` after CONNACK, `error` once it is over."""

    def __init__(self, broker: Broker, client_id: str, will: Letter, version: MQTTProtocolVersion) -> None:
        self.broker = broker
        self.version = version
        self.is_up = False
        self.error = ""
        self.remedy = ""
        self.is_version_refused = False
        #: `TLSv1.3` and the end of the broker's certificate (`Nov 28 22:15:00 2026 GMT`); empty without TLS
        self.tls_version = ""
        self.broker_certificate_ends = ""
        self._client_id = client_id
        self._will = will
        self._client: Client | None = None
        self._heard: Heard | None = None

    def open(self) -> None:
        """Connect the socket and send CONNECT. Raises BrokerError with cause and remedy."""
        client = make_client(self.broker, self._client_id, self.version)
        self._leave_will(client)
        self._heard = Heard(client)
        options: dict[str, Any] = {}
        if self.version == V5:
            properties = properties_of(PacketTypes.CONNECT)
            # the session outlives a flap, so that the will waits; what gathers in it is an acknowledgement at most
            properties.SessionExpiryInterval = SESSION_S
            # nobody makes the steward hold more than commands and acknowledgements need
            properties.MaximumPacketSize = MOST_PACKET_BYTES
            properties.ReceiveMaximum = WINDOW
            options = {"properties": properties, "clean_start": False}
        dial(client, self.broker, **options)
        self._client = client
        self._look_at_tls()

    def _leave_will(self, client: Client) -> None:
        """What the broker tells when we are gone; with MQTT 5 not at once."""
        will, properties = self._will, None
        if will is None:
            return
        if self.version == V5:
            properties = properties_of(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = WILL_DELAY_S
            properties.ContentType = CONTENT_TYPE
        client.will_set(will.topic, will.payload, 1, True, properties)

    @property
    def acknowledged(self) -> deque[tuple[int, int]]:
        """(message id, reason) of PUBACKs; a reason of 0x80 or more is a refusal."""
        return self._opened()[1].acknowledged

    @property
    def subscribed(self) -> deque[tuple[int, list[int]]]:
        """(message id, reasons in the order of the topics) of SUBACKs."""
        return self._opened()[1].subscribed

    @property
    def received(self) -> deque[tuple[str, bytes, bool]]:
        """(topic, payload, is retained) of what was subscribed to."""
        return self._opened()[1].received

    def pump(self, wake: int, limit_s: float) -> None:
        """Wait for the broker, for `wake`, or for limit_s; move what waits on the line."""
        client, heard = self._opened()
        sock: Any = client.socket()
        if sock is None:
            self._settle()
            return
        # what TLS has read from the socket already, select doesn't know of
        is_pending = hasattr(sock, "pending") and sock.pending() > 0
        writing = [sock] if client.want_write() else []
        waiting: list[Any] = [sock, wake]
        readable, writable, _ = select.select(waiting, writing, [], 0.0 if is_pending else limit_s)
        code = paho.MQTT_ERR_SUCCESS
        if is_pending or sock in readable:
            code = client.loop_read()
        if writable and code == paho.MQTT_ERR_SUCCESS:
            code = client.loop_write()
        if code == paho.MQTT_ERR_SUCCESS:
            code = client.loop_misc()
        if code != paho.MQTT_ERR_SUCCESS and not heard.ended:
            heard.ended.append(paho.error_string(code))
        self._settle()

    def publish(self, letter: Letter) -> int:
        """Hand a letter to the line; its message id. −1 if the connection is over."""
        client, _ = self._opened()
        properties = None
        if self.version == V5:
            properties = properties_of(PacketTypes.PUBLISH)
            properties.ContentType = CONTENT_TYPE
            properties.UserProperty = list(letter.properties)
            if letter.expiry_s:
                properties.MessageExpiryInterval = letter.expiry_s
        info = client.publish(letter.topic, letter.payload, letter.qos, letter.is_retained, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            self._end(paho.error_string(info.rc), "")
            return -1
        return info.mid

    def subscribe(self, *topics: str) -> int:
        """Ask for what comes on these topics, with QoS 1; the message id of the SUBACK. With MQTT 5 what was published as
        retained says so, also where it comes live; 3.1.1 tells it only of what was there before."""
        client, _ = self._opened()
        if self.version == V5:
            options = SubscribeOptions(qos=1, retainAsPublished=True)
            code, message_id = client.subscribe([(topic, options) for topic in topics])
        else:
            code, message_id = client.subscribe([(topic, 1) for topic in topics])
        if code != paho.MQTT_ERR_SUCCESS:
            self._end(paho.error_string(code), "")
        return message_id or 0

    def close(self) -> None:
        """Say goodbye if connected, so that the will isn't sent."""
        if self._client is not None:
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect()
        self.is_up = False

    def abandon(self, why: str, remedy: str) -> None:
        """Give the connection up without a goodbye."""
        sock: Any = self._client.socket() if self._client is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                # over WebSockets paho wraps the socket, and the wrapper can't be shut down
                (sock.shutdown(socket.SHUT_RDWR) if hasattr(sock, "shutdown") else sock.close())
        self._end(why, remedy)

    def _opened(self) -> tuple[Client, Heard]:
        assert self._client is not None
        assert self._heard is not None
        return self._client, self._heard

    def _look_at_tls(self) -> None:
        if not self.broker.is_tls or self._client is None:
            return
        sock: Any = self._client.socket()
        sock = getattr(sock, "_socket", sock) if self.broker.transport == WEBSOCKETS else sock
        if isinstance(sock, ssl.SSLSocket):
            self.tls_version = sock.version() or ""
            self.broker_certificate_ends = str((sock.getpeercert() or {}).get("notAfter", ""))

    def _settle(self) -> None:
        """Draw the conclusions of the callbacks."""
        client, heard = self._opened()
        if heard.connack and not self.is_up and not self.error:
            reason = heard.connack.popleft()
            if reason.is_failure:
                self.is_version_refused = reason.value == UNSUPPORTED_VERSION
                self._end(
                    f"{self.broker} refuses the connection: {str(reason).lower()}",
                    REMEDIES.get(reason.value, "See the broker's log."),
                )
                return
            self.is_up = True
        if heard.ended or client.socket() is None:
            ended = heard.ended.popleft() if heard.ended else "the connection ended"
            if self.is_up:
                remedy = LOST_REMEDIES.get(getattr(ended, "value", 0), "It is tried again.")
                self._end(f"{self.broker}: connection lost: {str(ended).lower()}", remedy)
            else:
                self._hung_up(heard)

    def _hung_up(self, heard: Heard) -> None:
        """Over before CONNACK: a certificate that isn't taken, where TLS says so, or another version of MQTT."""
        if self.broker.is_tls:
            from jidoka.broker.tls_trouble import explained_end  # noqa: PLC0415 - cryptography is large

            refused = explained_end(self.broker, heard.socket_error)
            if refused is not None:
                self._end(refused.what, refused.remedy)
                return
        # brokers that don't know the version hang up instead of answering
        self.is_version_refused = True
        self._end(
            f"{self.broker} hung up on {PROTOCOL_NAMES[self.version]} without an answer",
            HUNG_UP_AFTER_TLS if self.broker.is_tls else HUNG_UP,
        )

    def _end(self, why: str, remedy: str) -> None:
        self.is_up = False
        if not self.error:
            self.error, self.remedy = why, remedy
