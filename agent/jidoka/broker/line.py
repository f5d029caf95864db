"""One paho client as used here: made for one connection, its callbacks only append, its socket is ours.

paho calls callbacks under locks of its own, so nothing is decided in one.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from typing import Any

import paho.mqtt.client as paho
from jidoka_bridge.errors import BrokerError
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from jidoka.broker.endpoint import WEBSOCKETS, Broker, password_of
from jidoka.broker.tunnel import CONNECT_S, connected_socket

WINDOW = 100  # paho slows down above it: 9 400/s at 100, 5 400/s at 1 000

HUNG_UP = "Check that an MQTT broker without TLS listens at this port, and see its log; both versions of MQTT are tried in turn."
HUNG_UP_IN_TLS = "Check that the port is the broker's with TLS (8883 as a rule), and see the broker's log."

V5 = MQTTProtocolVersion.MQTTv5
V311 = MQTTProtocolVersion.MQTTv311


class Client(paho.Client):
    """paho's client over a socket of ours: paho itself would need an unmaintained package for a proxy, and would obey the
    environment's."""

    def __init__(self, broker: Broker, client_id: str, version: MQTTProtocolVersion) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id, clean_session=None if version == V5 else True, protocol=version,
            transport="websockets" if broker.transport == WEBSOCKETS else "tcp", reconnect_on_failure=False,
        )  # fmt: skip
        self._place = broker

    def _create_socket_connection(self) -> socket.socket:
        return connected_socket(self._place)


class Heard:
    """What the callbacks of one client say, in order. Reasons of PUBACK and SUBACK of 0x80 or more are refusals."""

    def __init__(self, client: paho.Client) -> None:
        self.connack: deque[ReasonCode] = deque()
        self.ended: deque[ReasonCode | str] = deque()
        #: (message id, reason)
        self.acknowledged: deque[tuple[int, int]] = deque()
        #: (message id, reasons in the order of the topics)
        self.subscribed: deque[tuple[int, list[int]]] = deque()
        #: (topic, payload, is retained) of what was subscribed to
        self.received: deque[tuple[str, bytes, bool]] = deque()
        #: what paho says of a socket that failed, the newest; the alert of TLS is nowhere else
        self.socket_error = ""
        client.on_connect = lambda _c, _u, _f, reason, _p: self.connack.append(reason)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self.ended.append(reason)
        client.on_publish = lambda _c, _u, mid, reason, _p: self.acknowledged.append((mid, int(reason.value)))
        client.on_subscribe = lambda _c, _u, mid, reasons, _p: self.subscribed.append(
            (mid, [int(each.value) for each in reasons])
        )
        client.on_message = lambda _c, _u, message: self.received.append(
            (message.topic, bytes(message.payload), bool(message.retain))
        )
        client.on_log = self._logged

    def _logged(self, _client: paho.Client, _userdata: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self.socket_error = text


def dial(client: Client, broker: Broker, **options: Any) -> None:
    """Connect the socket and send CONNECT. Raises BrokerError with cause and remedy. options: of paho's `connect`."""
    try:
        client.connect(broker.host, broker.port, broker.keepalive_s, **options)
    except ssl.SSLError as error:
        from jidoka.broker.tls_trouble import explained  # noqa: PLC0415 - cryptography is large

        raise explained(error, broker) from None
    except paho.WebsocketConnectionError:
        raise BrokerError(
            f"{broker} speaks no MQTT over WebSockets at {broker.path}",
            "Check port and path of url; mosquitto takes /mqtt with `protocol websockets`.",
        ) from None
    except TimeoutError:
        raise BrokerError(
            f"{broker} doesn't answer within {CONNECT_S:.0f} s", "Check cable, firewall and address."
        ) from None
    except ConnectionError:
        # the TCP connection stood
        when, remedy = ("TLS handshake", HUNG_UP_IN_TLS) if broker.is_tls else ("first words", HUNG_UP)
        raise BrokerError(f"{broker} hung up during the {when}", remedy) from None
    except OSError as error:
        raise BrokerError(
            f"{broker} can't be reached: {error.strerror or error}", "Check the network."
        ) from None


def make_client(broker: Broker, client_id: str, version: MQTTProtocolVersion) -> Client:
    """Ready for `dial`. Raises BrokerError if a password or a certificate can't be used."""
    client = Client(broker, client_id, version)
    client.connect_timeout = CONNECT_S
    client.max_inflight_messages_set(2 * WINDOW)
    if broker.transport == WEBSOCKETS:
        client.ws_set_options(broker.path)
    if broker.is_tls:
        from jidoka.broker.tls import context_of  # noqa: PLC0415 - cryptography is large, and a plain broker needs none

        client.tls_set_context(context_of(broker))
    if broker.username:
        client.username_pw_set(broker.username, password_of(broker.password_file))
    return client


def properties_of(packet: int) -> Properties:
    """Empty properties of a packet of MQTT 5."""
    return Properties(packet)  # type: ignore[no-untyped-call]
