"""The way to a broker: straight or through an HTTP proxy, and every way in which it may not be there."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jidoka.broker.endpoint import WEBSOCKETS, Broker, Proxy
from jidoka.broker.tunnel import connected_socket
from jidoka_bridge.errors import BrokerError

from tests.processes import programs
from tests.steward.mqtt.brokers import Certified, pump, tried
from tests.steward.mqtt.proxy import ConnectProxy, connect_proxy
from tests.steward.site import free_port

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    folder = tmp_path_factory.mktemp("tunnel")
    made = Certified(folder)
    with programs(folder) as start:
        made.start(start)
        yield made


def through(proxy: ConnectProxy, broker: Broker, **fields: str) -> Broker:
    return replace(broker, proxy=Proxy("127.0.0.1", proxy.port, **fields))


@pytest.mark.parametrize("kind", ["mtls", "websockets"])
def test_a_proxy_that_sends_its_answer_in_pieces_is_gone_through_with_tls(
    world: Certified, kind: str
) -> None:
    broker = world.broker(kind, world.press, **({"transport": WEBSOCKETS} if kind == "websockets" else {}))
    with connect_proxy() as proxy, tried(through(proxy, broker)) as connection:
        assert connection.is_up, connection.error
        assert connection.tls_version == "TLSv1.3"
        connection.subscribe("aims/v1/plant/7/press/ack")
        pump(connection, lambda: bool(connection.subscribed))
        line, _ = proxy.asked[0]
        assert line == f"CONNECT 127.0.0.1:{broker.port} HTTP/1.1"


def test_a_proxy_of_the_environment_is_not_asked(world: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mqtt_proxy", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with tried(world.broker("tls")) as connection:
        assert connection.is_up, connection.error


def test_name_and_password_go_to_the_proxy_and_not_to_the_broker(world: Certified, tmp_path: Path) -> None:
    password = tmp_path / "proxy-password"
    password.touch(0o600)
    password.write_text("open sesame\n")
    with connect_proxy() as proxy:
        broker = through(proxy, world.broker("tls"), username="press", password_file=str(password))
        with tried(broker) as connection:
            assert connection.is_up, connection.error
        _, fields = proxy.asked[0]
        pair = base64.b64encode(b"press:open sesame").decode()
        assert f"Proxy-Authorization: Basic {pair}" in fields


REFUSALS = {
    "HTTP/1.1 407 Proxy Authentication Required": ("refuses to connect to", "Check proxy_username"),
    "HTTP/1.1 403 Forbidden": ("(HTTP 403)", "Let the proxy admit CONNECT"),
    "HTTP/1.0 502 Bad Gateway": ("(HTTP 502)", "The proxy can't reach the broker"),
    "HTTP/1.1 418 I'm a teapot": ("(HTTP 418)", "See the proxy's log"),
    "SSH-2.0-OpenSSH": ("doesn't answer as an HTTP proxy", "Check the proxy's host and port"),
}


@pytest.mark.parametrize("answer", REFUSALS)
def test_what_a_proxy_refuses_is_told_with_what_to_do(answer: str) -> None:
    cause, remedy = REFUSALS[answer]
    with connect_proxy(answer) as proxy, pytest.raises(BrokerError) as caught:
        connected_socket(through(proxy, Broker("aims", 8883)))
    assert cause in caught.value.what
    assert remedy in caught.value.remedy


def test_a_proxy_that_is_not_there_is_named_and_not_the_broker() -> None:
    port = free_port()
    with pytest.raises(BrokerError, match=f"no proxy listens at 127.0.0.1:{port}"):
        connected_socket(Broker("aims", proxy=Proxy("127.0.0.1", port)))


def test_names_that_do_not_resolve_are_told() -> None:
    for host in ("no-such-host.invalid", "a" * 70 + ".invalid", "x..y"):
        with pytest.raises(BrokerError, match="can't be resolved"):
            connected_socket(Broker(host))


def test_a_password_that_others_may_read_is_not_sent(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    password.chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker = Broker("127.0.0.1", server.getsockname()[1], username="press", password_file=str(password))
        with tried(broker) as connection:
            assert "others may read or write it (mode 0644)" in connection.error
            assert "chmod 600" in connection.remedy
