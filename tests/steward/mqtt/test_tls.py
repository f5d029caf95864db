"""TLS and certificates at a real mosquitto: who is let in, and that everybody else is told which certificate, which date, what to do."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from jidoka.broker.endpoint import WEBSOCKETS, Broker
from jidoka.broker.tls import context_of
from jidoka.broker.tls_trouble import explained
from jidoka.cli.command import _broker_of, _exchange
from jidoka.steward.mqtt.connection import V311, Connection
from jidoka.steward.mqtt.envelope import Letter
from jidoka_bridge.errors import BrokerError

from tests.credentials.authority import Pair
from tests.processes import programs
from tests.steward.mqtt.brokers import PLACE, Certified, pump, tried

pytestmark = pytest.mark.process

TREE = PLACE.tree


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    folder = tmp_path_factory.mktemp("tls")
    made = Certified(folder)
    with programs(folder) as start:
        made.start(start)
        yield made


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_device_with_its_certificate_is_let_in_over_tls_1_3(world: Certified, version: str) -> None:
    broker = world.broker("mtls", world.press)
    with tried(broker, **({} if version == "5" else {"version": V311})) as connection:
        assert connection.is_up, connection.error
        assert connection.tls_version == "TLSv1.3"
        assert connection.broker_certificate_ends.endswith("GMT")


def test_nothing_older_than_tls_1_2_is_spoken_and_no_broker_is_believed_unchecked(world: Certified) -> None:
    context = context_of(world.broker("mtls", world.press))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


class Row(NamedTuple):
    """A listener, and what is told of it."""

    listener: str
    cause: str
    remedy: str


BROKERS = (
    Row("expired", "its certificate (CN=old) was valid until 20", "Renew the broker's certificate"),
    Row("not yet", "its certificate (CN=new) is valid from 20", "Set the clock, or wait"),
    Row(
        "other name",
        "(CN=elsewhere) is for broker.elsewhere, not for 127.0.0.1",
        "Write the name that it is for",
    ),
    Row("foreign", "was issued by somebody (CN=foreign-ca) who isn't among", "Set ca to the authority"),
    Row("plain", "hung up during the TLS handshake", "Check that the port is the broker's with TLS"),
)


@pytest.mark.parametrize("row", BROKERS, ids=[row.listener for row in BROKERS])
def test_a_broker_whose_certificate_is_not_good_is_named_with_its_certificate_and_date(
    world: Certified, row: Row
) -> None:
    with tried(world.broker(row.listener)) as connection:
        assert not connection.is_up
        assert row.cause in connection.error
        assert row.remedy in connection.remedy
        assert not connection.is_version_refused, "another version of MQTT would help nobody"


def test_the_same_trouble_is_told_in_the_same_words_so_that_it_is_recorded_once(world: Certified) -> None:
    told = set()
    for _ in range(2):
        with tried(world.broker("expired")) as connection:
            told.add(connection.error)
    assert len(told) == 1


def test_a_port_that_answers_something_else_than_tls_is_told_as_such(world: Certified) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            taken, _ = server.accept()
            with taken:
                taken.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                taken.recv(4096)

        thread = threading.Thread(target=answer)
        thread.start()
        broker = Broker("127.0.0.1", server.getsockname()[1], is_tls=True, ca=world.authority.file)
        with tried(broker) as connection:
            assert "doesn't speak TLS at this port" in connection.error
            assert "Correct the port" in connection.remedy
        thread.join()


def test_a_certificate_that_signed_itself_is_told_as_such(world: Certified) -> None:
    broker = world.broker("foreign", ca=world.foreign.file)
    with tried(broker) as connection:
        assert connection.is_up, connection.error
    error = ssl.SSLCertVerificationError("self-signed certificate")
    error.verify_code = 18
    assert "is signed by itself" in explained(error, broker).what


def test_a_clock_that_stands_before_2020_is_named_as_the_cause(world: Certified) -> None:
    broker = world.broker("not yet")
    error = ssl.SSLCertVerificationError("certificate is not yet valid")
    error.verify_code = 9
    told = explained(error, broker, datetime(1970, 1, 2, tzinfo=timezone.utc))
    assert "this device's clock says 1970" in told.what
    assert "Set the clock" in told.remedy


def test_a_device_without_certificate_is_told_that_the_broker_asks_for_one(world: Certified) -> None:
    with tried(world.broker("mtls")) as connection:
        assert "asks for a certificate, and this device has none to show" in connection.error
        assert "jidoka enroll" in connection.remedy


OWN = (
    (
        "expired",
        "refuses this device's certificate (CN=press in {file}, valid until 20",
        "it has ended",
        "Renew it",
    ),
    (
        "foreign",
        "refuses this device's certificate (CN=press in {file}",
        "doesn't know who issued it",
        "cafile",
    ),
    (
        "not yet",
        "refuses this device's certificate (CN=press in {file}, valid from 20",
        "",
        "Set the clock, or wait",
    ),
)


@pytest.mark.parametrize(("kind", "cause", "why", "remedy"), OWN, ids=[row[0] for row in OWN])
def test_a_certificate_of_ours_that_the_broker_refuses_is_named_though_tls_1_3_tells_it_late(
    world: Certified, kind: str, cause: str, why: str, remedy: str
) -> None:
    pair = {
        "expired": lambda: world.authority.issue("press", days=(-30.0, -2.0), file="press-old"),
        "foreign": lambda: world.foreign.issue("press", file="press-foreign"),
        "not yet": lambda: world.authority.issue("press", days=(3.0, 30.0), file="press-new"),
    }[kind]()
    with tried(world.broker("mtls", pair)) as connection:
        assert not connection.is_up
        assert cause.format(file=pair.certificate) in connection.error
        assert why in connection.error
        assert remedy in connection.remedy
        assert not connection.is_version_refused


def locked(world: Certified) -> Pair:
    key = load_pem_private_key(Path(world.press.key).read_bytes(), None)
    path = world.folder / "locked.key"
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    return Pair(world.press.certificate, str(path))


def exposed(world: Certified) -> Pair:
    pair = world.authority.issue("press", file="press-exposed")
    Path(pair.key).chmod(0o640)
    return pair


FILES = {
    "another key": (lambda world: Pair(world.press.certificate, world.other.key), "isn't the key of CN=press in", "was made with"),
    "a key that others may read": (exposed, "others may read or write it (mode 0640)", "chmod 600"),
    "a locked key": (locked, "the key is locked by a passphrase", "without a passphrase"),
    "no certificate": (lambda world: Pair("/nowhere/press.pem", world.press.key), "/nowhere/press.pem: can't be read", "Put the file there"),
    "no key": (lambda world: Pair(world.press.certificate, "/nowhere/press.key"), "/nowhere/press.key: can't be read", "mode 0600"),
    "text": (lambda world: Pair(str(world.acl), world.press.key), "holds no certificate", "-----BEGIN CERTIFICATE-----"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_of_ours_that_cannot_be_used_are_named_before_anything_is_sent(
    world: Certified, name: str
) -> None:
    make, cause, remedy = FILES[name]
    with tried(world.broker("mtls", make(world))) as connection:
        assert cause in connection.error
        assert remedy in connection.remedy


def test_an_authority_that_is_no_certificate_is_named(world: Certified) -> None:
    with pytest.raises(BrokerError, match="holds no certificate"):
        context_of(world.broker("mtls", ca=str(world.acl)))


def letter(topic: str) -> Letter:
    return Letter(f"aims/v1/plant/7/{topic}", b"{}", 1, is_retained=False)


def published(connection: Connection, topic: str) -> int:
    """The broker's reason."""
    message_id = connection.publish(letter(topic))
    pump(connection, lambda: bool(connection.acknowledged))
    told = connection.acknowledged.popleft()
    assert told[0] == message_id
    return told[1]


def test_a_device_writes_its_own_topics_and_no_other_devices(world: Certified) -> None:
    with tried(world.broker("mtls", world.press)) as connection:
        assert published(connection, "press/interlock") < 0x80
        assert published(connection, "welder/interlock") == 0x87
        assert published(connection, "welder/cmd/hold/request") == 0x87


def test_a_device_reads_no_other_devices_topics(world: Certified) -> None:
    """mosquitto grants the subscription and delivers nothing."""
    with (
        tried(world.broker("mtls", world.press)) as press,
        tried(world.broker("mtls", world.aims), "aims") as aims,
    ):
        press.subscribe("aims/v1/plant/7/+/ack", "aims/v1/#")
        pump(press, lambda: bool(press.subscribed))
        for topic in ("welder/ack", "press/ack"):
            assert published(aims, topic) < 0x80
        pump(press, lambda: bool(press.received))
        pump(press, lambda: any(topic.endswith("press/ack") for topic, _, _ in press.received))
        assert {topic for topic, _, _ in press.received} == {"aims/v1/plant/7/press/ack"}


def test_another_devices_client_id_throws_nobody_off(world: Certified) -> None:
    """use_username_as_clientid: the certificate decides which session it is."""
    with (
        tried(world.broker("mtls", world.press)) as press,
        tried(world.broker("mtls", world.other), "press") as other,
    ):
        assert other.is_up, other.error
        assert published(other, "welder/interlock") < 0x80
        assert published(press, "press/interlock") < 0x80
        assert not press.error


def test_a_person_sends_a_command_with_a_certificate_of_their_own(world: Certified) -> None:
    """No device is there: what counts is that the broker took it, and that its access list lets the reply be read."""
    commands = world.authority.issue("commands")
    address = f"mqtts://127.0.0.1:{world.ports['mtls']}"
    with tried(world.broker("mtls", world.press)) as press:
        press.subscribe(f"{TREE}/cmd/+/request")
        pump(press, lambda: bool(press.subscribed))
        broker = _broker_of(
            address, None, Path(world.authority.file), Path(commands.certificate), Path(commands.key)
        )
        replies: list[object] = []
        thread = threading.Thread(
            target=lambda: replies.append(_exchange(broker, TREE, "report", b"{}", "ab"))
        )
        thread.start()
        pump(press, lambda: bool(press.received))
        reply = b'{"data": {"sha256": "ab", "outcome": "done"}}'
        press.publish(Letter(f"{TREE}/cmd/report/reply", reply, 1, is_retained=False))
        pump(press, lambda: not thread.is_alive())
        assert replies == [{"sha256": "ab", "outcome": "done"}]


def test_mqtt_goes_over_websockets_with_tls(world: Certified) -> None:
    with tried(world.broker("websockets", transport=WEBSOCKETS, path="/mqtt")) as connection:
        assert connection.is_up, connection.error
        assert connection.tls_version == "TLSv1.3"
        for _ in range(50):
            connection.publish(letter("press/interlock"))
        pump(connection, lambda: len(connection.acknowledged) == 50)


def test_a_listener_without_websockets_is_told_as_such(world: Certified) -> None:
    with tried(world.broker("tls", transport=WEBSOCKETS, path="/mqtt")) as connection:
        assert "speaks no MQTT over WebSockets at /mqtt" in connection.error


def test_a_protocol_of_alpn_does_not_harm_a_broker_that_knows_none(world: Certified) -> None:
    with tried(world.broker("tls", alpn=("x-amzn-mqtt-ca",))) as connection:
        assert connection.is_up, connection.error


def test_without_a_ca_the_systems_authorities_count(world: Certified) -> None:
    broker = Broker("127.0.0.1", world.ports["tls"], is_tls=True)
    with tried(broker) as connection:
        assert "who isn't among the system's authorities" in connection.error
