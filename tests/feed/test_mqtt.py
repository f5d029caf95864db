"""Messages of a topic on a real broker (mosquitto) become records; nothing secret is shown."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from jidoka.feed.mqtt import Files, topic_of
from jidoka_bridge.errors import InputError
from paho.mqtt.enums import CallbackAPIVersion

from tests.credentials.authority import Authority, Pair
from tests.feed.bundles import fed_bundle
from tests.feed.test_process import FEED, finish, line, summary
from tests.processes import Program, programs, wait_until
from tests.steward.site import free_port
from tests.steward.test_mqtt import listens
from tests.tap.listener import Listener

MOSQUITTO = "/usr/sbin/mosquitto"
SECRET = "s3cret"
Start = Callable[..., Program]


class Broker:
    """Starts mosquitto as often as it is killed; with an account where one is given."""

    def __init__(self, root: Path, start: Start) -> None:
        self.port, self._root, self._start = free_port(), root, start
        self.settings = "allow_anonymous true\n"

    def start(self) -> Program:
        config = self._root / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nuser root\nlog_dest none\n{self.settings}")
        program = self._start(MOSQUITTO, "-c", str(config))
        wait_until(lambda: listens(self.port), "mosquitto listens")
        return program

    def demand(self, user: str, password: str) -> None:
        passwords = self._root / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), user, password], check=True)
        self.settings = f"allow_anonymous false\npassword_file {passwords}\n"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with programs(tmp_path) as starter:
        yield lambda *arguments: starter(*map(str, arguments))


@pytest.fixture
def broker(tmp_path: Path, start: Start) -> Broker:
    if not Path(MOSQUITTO).exists() or not shutil.which("mosquitto_passwd"):
        pytest.skip("mosquitto isn't on this machine")
    return Broker(tmp_path, start)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "tap.sock")
    yield listener
    listener.close()


def publish(
    port: int, messages: list[tuple[str, str, bool]], account: tuple[str, str] | None = None,
    tls: tuple[str, Pair] | None = None,
) -> None:  # fmt: skip
    """Topic, text, retained."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    if tls:
        client.tls_set(tls[0], *tls[1])
    if account:
        client.username_pw_set(*account)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for topic, text, is_retained in messages:
        client.publish(topic, text, 1, is_retained).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def wait_until_ready(program: Program, listener: Listener, connections: int = 1) -> None:
    """The tap is welcome and the topic subscribed: nothing that is published now is lost."""
    beats = len(listener.beats)
    listener.wait(lambda: len(listener.hellos) >= connections, "the feed is there")
    listener.wait(lambda: len(listener.beats) > beats + 1, "the feed beats")
    program.wait_for_text("subscribed")


@pytest.mark.process
def test_each_message_of_the_topic_is_a_record_and_retained_ones_are_not(
    broker: Broker, listener: Listener, start: Start, tmp_path: Path
) -> None:
    broker.start()
    publish(broker.port, [("line7/results", line(99), True)])
    program = start(*FEED, fed_bundle(tmp_path / "b"), "--mqtt", f"mqtt://127.0.0.1:{broker.port}/line7/#",
                    "--socket", listener.path, "--json")  # fmt: skip
    wait_until_ready(program, listener)
    pretty = json.dumps(json.loads(line(2)), indent=1)
    publish(
        broker.port,
        [("line7/results", line(1), False), ("line7/a/b", pretty, False), ("line8/results", line(5), False),
         ("line7/results", "nonsense", False), ("line7/results", line(3), False)],
    )  # fmt: skip
    listener.wait_for_records(3)
    program.signal(signal.SIGTERM)
    assert finish(program, listener) == 0, program.text
    assert [record.part for record in listener.records] == [1, 2, 3]
    told = summary(program)
    assert told["refused_because"] == {"not JSON": 1}
    assert told["of_the_source"]["retained messages passed over"] == 1
    assert told["from"] == f"mqtt://127.0.0.1:{broker.port}/line7/#"


@pytest.mark.process
def test_a_broker_that_goes_is_waited_for(
    broker: Broker, listener: Listener, start: Start, tmp_path: Path
) -> None:
    running = broker.start()
    program = start(*FEED, fed_bundle(tmp_path / "b"), "--mqtt", f"mqtt://127.0.0.1:{broker.port}/r",
                    "--socket", listener.path, "--json")  # fmt: skip
    wait_until_ready(program, listener)
    running.end()
    program.wait_for_text("connection lost")
    broker.start()

    def came() -> bool:
        publish(broker.port, [("r", line(1), False)])
        listener.pump()
        return bool(listener.records)

    wait_until(came, "a record after the broker's return")
    program.signal(signal.SIGTERM)
    assert finish(program, listener) == 0
    assert summary(program)["of_the_source"]["connections lost"] == 1


@pytest.mark.process
def test_an_account_opens_the_broker_and_its_password_is_never_shown(
    broker: Broker, listener: Listener, start: Start, tmp_path: Path
) -> None:
    broker.demand("op", SECRET)
    broker.start()
    bundle = fed_bundle(tmp_path / "b")
    (tmp_path / "password").write_text(SECRET + "\n")
    address = f"127.0.0.1:{broker.port}/r"
    ways: list[tuple[Any, ...]] = [
        ("--mqtt", f"mqtt://op:{SECRET}@{address}"),
        ("--mqtt", f"mqtt://op@{address}", "--password-file", tmp_path / "password"),
    ]
    for count, way in enumerate(ways, 1):
        program = start(*FEED, bundle, *way, "--socket", listener.path, "--json")
        wait_until_ready(program, listener, count)
        publish(broker.port, [("r", line(count), False)], ("op", SECRET))
        listener.wait_for_records(count)
        program.signal(signal.SIGTERM)
        assert finish(program, listener) == 0
        assert SECRET not in program.text
    wrong = start(*FEED, bundle, "--mqtt", f"mqtt://op:{SECRET}x@{address}", "--socket", listener.path)
    assert wrong.wait() == 8
    assert "refuses the connection: not authorized" in wrong.text
    assert SECRET not in wrong.text


@pytest.mark.process
def test_over_tls_the_broker_is_checked_and_a_certificate_opens_it(
    broker: Broker, listener: Listener, start: Start, tmp_path: Path
) -> None:
    plant, foreign = Authority(tmp_path, "plant-ca"), Authority(tmp_path, "foreign-ca")
    server = plant.issue("127.0.0.1", hosts=("127.0.0.1",), file="server")
    good, stranger = plant.issue("feed"), foreign.issue("stranger")
    broker.settings = (
        f"cafile {plant.file}\ncertfile {server.certificate}\nkeyfile {server.key}\n"
        "require_certificate true\nallow_anonymous true\n"
    )
    broker.start()
    address = f"mqtts://127.0.0.1:{broker.port}/r"
    command = (*FEED, fed_bundle(tmp_path / "b"), "--mqtt", address, "--json")

    def ends(ca: str, pair: Pair | None) -> str:
        own = ("--certificate", pair.certificate, "--certificate-key", pair.key) if pair else ()
        program = start(*command, "--socket", tmp_path / "nobody.sock", "--ca", ca, *own)
        assert program.wait() == 8
        return program.text

    assert "was issued by somebody (CN=plant-ca) who isn't among" in ends(foreign.file, good)
    assert "asks for a certificate, and this device has none to show" in ends(plant.file, None)
    assert "CN=stranger" in (told := ends(plant.file, stranger)), told
    assert "it doesn't know who issued it" in told
    program = start(
        *command, "--socket", listener.path, "--ca", plant.file, "--certificate", good.certificate,
        "--certificate-key", good.key,
    )  # fmt: skip
    wait_until_ready(program, listener)
    publish(broker.port, [("r", line(1), False)], tls=(plant.file, good))
    listener.wait_for_records(1)
    program.signal(signal.SIGTERM)
    assert finish(program, listener) == 0, program.text
    assert summary(program)["from"] == address


@pytest.mark.parametrize(
    ("address", "topic"),
    [
        ("mqtt://host/a/b", "a/b"), ("mqtt://host:1/line7/#", "line7/#"), ("mqtt://u:p%40@host//a", "/a"),
        ("mqtt://host/a%20b?c=1", "a b?c=1"), ("mqtts://host/t", "t"),
    ],
)  # fmt: skip
def test_a_topic_is_everything_behind_the_host(address: str, topic: str) -> None:
    assert topic_of(address).topic == topic
    assert "p@" not in topic_of(address).text


@pytest.mark.parametrize(
    "address", ["mqtt://host", "mqtt:///topic", "wss://host/t", "host/t", "mqtt://h:x/t", ""]
)
def test_an_address_that_cannot_be_understood_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="can't be understood"):
        topic_of(address)


def test_the_port_is_that_of_tls_where_tls_is_spoken_and_files_for_tls_need_it() -> None:
    assert topic_of("mqtt://host/t").port == 1883
    assert topic_of("mqtts://host/t").port == 8883
    assert topic_of("mqtts://host:1/t").text == "mqtts://host:1/t"
    with pytest.raises(InputError, match="nothing is encrypted"):
        topic_of("mqtt://host/t", None, Files(ca=Path("ca.pem")))
