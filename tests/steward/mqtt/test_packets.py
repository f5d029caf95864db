"""Packets as other brokers than mosquitto send them, from a server of the test's own: several at once, and reasons of an end."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from jidoka.broker.endpoint import Broker

from tests.credentials.authority import Authority
from tests.steward.mqtt.brokers import pump, tried

#: MQTT 5: CONNACK, success; DISCONNECT with a reason (3.2 and 3.14 of the specification)
CONNACK = bytes([0x20, 3, 0, 0, 0])


def publish(topic: str, payload: bytes) -> bytes:
    """PUBLISH with QoS 0 and without properties."""
    body = len(topic).to_bytes(2, "big") + topic.encode() + b"\0" + payload
    return bytes([0x30, len(body)]) + body


@contextlib.contextmanager
def scripted(answer: bytes, pair: tuple[str, str] | None = None) -> Iterator[int]:
    """A server that says `answer` in one piece to CONNECT, with TLS where it has a certificate; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if pair is not None:
        context.load_cert_chain(*pair)
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            taken, _ = server.accept()
            with contextlib.suppress(OSError), taken:
                line = taken if pair is None else context.wrap_socket(taken, server_side=True)
                line.recv(4096)
                line.sendall(answer)
                is_over.wait(10.0)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        is_over.set()
        thread.join(5.0)


def test_packets_that_come_in_one_piece_of_tls_are_all_read_though_the_socket_is_empty(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path, "ca")
    pair = authority.issue("server", hosts=("127.0.0.1",))
    letters = b"".join(publish("a/ack", b"%d" % number) for number in range(5))
    with scripted(CONNACK + letters, pair) as port:
        broker = Broker("127.0.0.1", port, is_tls=True, ca=authority.file)
        with tried(broker) as connection:
            pump(connection, lambda: len(connection.received) == 5, 5.0)
            assert [payload for _, payload, _ in connection.received] == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize(
    ("reason", "cause", "remedy"),
    [
        (0x8E, "session taken over", "look for a second device with this one's name"),
        (0x97, "quota exceeded", "see its limits"),
        (0x8B, "server shutting down", "it is tried again"),
        (0x9D, "server moved", "It is tried again"),
    ],
)
def test_why_a_broker_ends_a_connection_is_told_with_what_to_do(reason: int, cause: str, remedy: str) -> None:
    with (
        scripted(CONNACK + bytes([0xE0, 1, reason])) as port,
        tried(Broker("127.0.0.1", port)) as connection,
    ):
        pump(connection, lambda: bool(connection.error), 5.0)
        assert f"connection lost: {cause}" in connection.error
        assert remedy in connection.remedy


@pytest.mark.parametrize(
    ("reason", "cause", "remedy"),
    [
        (0x84, "unsupported protocol version", "the other one is tried next"),
        (0x85, "client identifier not valid", "client_id"),
        (0x86, "bad user name or password", "password file"),
        (0x8A, "banned", "see the broker's log"),
    ],
)
def test_why_a_broker_refuses_a_connection_is_told_with_what_to_do(
    reason: int, cause: str, remedy: str
) -> None:
    with (
        scripted(bytes([0x20, 3, 0, reason, 0])) as port,
        tried(Broker("127.0.0.1", port)) as connection,
    ):
        assert cause in connection.error
        assert remedy in connection.remedy
        assert connection.is_version_refused is (reason == 0x84)
