"""A whole steward on its way to brokers: with certificates, from one to the next and back, and past one that hangs."""

from __future__ import annotations

import io
import json
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.broker.endpoint import Broker
from jidoka.cli.status import screen
from jidoka.steward.client import ask
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.ledger.reader import entries
from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Judgement, Kind
from rich.console import Console

from tests.bridge.guard.guard_rig import ADVICE
from tests.bridge.guard.guard_world import World
from tests.processes import Program, programs, wait_until
from tests.steward.mqtt.brokers import MTLS, Certified, tried
from tests.steward.site import Site, free_port, site, transition
from tests.steward.test_mqtt import listens

pytestmark = pytest.mark.process
EXAMPLE = Path(__file__).parents[3] / "configs" / "mosquitto.conf"
PLAIN = "allow_anonymous true\nuser root\nlog_dest none\n"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    with programs(tmp_path) as starter:
        yield starter


def mosquitto(folder: Path, start: Callable[..., Program], port: int, settings: str = PLAIN) -> Program:
    file = folder / f"{port}.conf"
    file.write_text(f"listener {port} 127.0.0.1\n{settings}")
    program = start("/usr/sbin/mosquitto", "-c", str(file))
    wait_until(lambda: listens(port), "mosquitto listens")
    return program


def mqtt(place: Site) -> dict[str, Any]:
    value: dict[str, Any] = place.status()["mqtt"]
    return value


def shown(place: Site) -> str:
    console = Console(width=400, file=io.StringIO())
    console.print(screen({**place.status(), "commissioning": []}))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def refusals(place: Site) -> list[str]:
    return [entry.json()["refused"] for entry in entries(place.ledger) if entry.kind is EntryKind.REFUSAL]


def test_a_device_logs_in_with_its_certificate_and_warns_before_it_ends(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    world = Certified(tmp_path)
    pair = world.authority.issue("press", days=(-300.0, 3.0), file="press-ends")
    port = free_port()
    server = world.servers["mtls"][0]
    tls = f"cafile {world.authority.file}\ncertfile {server.certificate}\nkeyfile {server.key}\nuser root\nlog_dest none\n"
    mosquitto(tmp_path, start, port, tls + MTLS + f"acl_file {world.acl}\n")
    broker = {
        "host": "127.0.0.1", "port": port, "is_tls": True, "ca": world.authority.file, "certificate": pair.certificate,
        "key": pair.key, "acknowledge": "puback",
    }  # fmt: skip
    with site(broker=broker) as place:
        place.start()
        wait_until(lambda: mqtt(place)["connected"], "connected")
        place.guard.transition(transition(1))
        place.guard.until(lambda: place.guard.recorded == 1, "recorded")
        wait_until(lambda: not any(mqtt(place)["backlog"].values()), "told")
        told = mqtt(place)
        assert (told["protocol"], told["tls"], told["error"]) == ("MQTT 5", "TLSv1.3", "")
        assert told["certificate"]["name"] == f"CN=press in {pair.certificate}"
        assert 2.0 < told["certificate"]["days_left"] <= 3.0

        def alarms() -> dict[str, str]:
            return {each["id"]: each["priority"] for each in place.status()["alarms"]}

        wait_until(lambda: "certificate ends soon" in alarms(), "the alarm")
        assert alarms()["certificate ends soon"] == "medium"
        assert "certificate ends" not in alarms(), "the later one replaces the earlier"
        assert f"the first certificate to end, CN=press in {pair.certificate}" in shown(place)


def test_the_example_of_a_broker_with_certificates_works_as_it_stands(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    world = Certified(tmp_path)
    port = free_port()
    pair = world.servers["mtls"][0]
    files = {
        "plant-ca.pem": world.authority.file, "broker.pem": pair.certificate, "broker.key": pair.key,
        "jidoka.acl": str(world.acl),
    }  # fmt: skip
    text = EXAMPLE.read_text().replace(
        "listener 8883", f"listener {port} 127.0.0.1\nuser root\nlog_dest none"
    )
    for name, path in files.items():
        text = text.replace(f"/etc/mosquitto/{name}", path)
    text = text.replace("/var/lib/mosquitto/", f"{tmp_path}/")
    assert "/etc/" not in "".join(line for line in text.splitlines() if not line.startswith("#"))
    file = tmp_path / "example.conf"
    file.write_text(text)
    start("/usr/sbin/mosquitto", "-c", str(file))
    wait_until(lambda: listens(port), "mosquitto listens")
    broker = Broker("127.0.0.1", port, is_tls=True, ca=world.authority.file)
    with tried(replace(broker, certificate=world.press.certificate, key=world.press.key)) as press:
        assert press.is_up, press.error
    with tried(broker) as nobody:
        assert "asks for a certificate" in nobody.error


def test_a_trouble_with_a_certificate_is_recorded_once_however_often_it_is_tried(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    world = Certified(tmp_path)
    port = free_port()
    old, _ = world.servers["expired"]
    mosquitto(tmp_path, start, port, f"{PLAIN}certfile {old.certificate}\nkeyfile {old.key}\n")
    with site(
        broker={"host": "127.0.0.1", "port": port, "is_tls": True, "ca": world.authority.file}
    ) as place:
        program = place.start()
        wait_until(lambda: "(CN=old) was valid until" in mqtt(place)["error"], "the cause")
        assert "Renew the broker's certificate" in mqtt(place)["remedy"]
        assert "was valid until" in shown(place)
        begun = time.monotonic()
        place.guard.until(lambda: time.monotonic() - begun > 1.5, "some more attempts")
        assert [each for each in refusals(place) if "was valid until" in each] == [mqtt(place)["error"]]
        assert place.stop(program) == 0


def test_the_next_broker_takes_over_and_the_first_gets_its_device_back(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    first, second = free_port(), free_port()
    killed = mosquitto(tmp_path, start, first)
    mosquitto(tmp_path, start, second)
    broker = {
        "host": "127.0.0.1", "port": first, "acknowledge": "puback", "return_after_s": 1.0,
        "spares": [{"host": "127.0.0.1", "port": second}],
    }  # fmt: skip
    with site(broker=broker) as place:
        place.start()
        wait_until(lambda: mqtt(place)["connected"], "connected")
        assert (mqtt(place)["rank"], mqtt(place)["of"]) == (0, 2)
        killed.signal(signal.SIGKILL)
        killed.wait()
        wait_until(lambda: mqtt(place)["connected"] and mqtt(place)["rank"] == 1, "the spare")
        assert f"127.0.0.1:{second} (broker 2 of 2) connected" in shown(place)
        place.guard.transition(transition(1))
        place.guard.until(lambda: place.guard.recorded == 1, "recorded")
        wait_until(lambda: not any(mqtt(place)["backlog"].values()), "told to the spare")
        mosquitto(tmp_path, start, first)
        wait_until(lambda: mqtt(place)["connected"] and mqtt(place)["rank"] == 0, "back at the first")
        place.guard.transition(transition(2))
        place.guard.until(lambda: place.guard.recorded == 2, "recorded")
        wait_until(lambda: not any(mqtt(place)["backlog"].values()), "told to the first")


class Cell(World):
    """The real guard, the real PLC simulator and the real steward; the test is the monitor only."""

    def __init__(self, folder: Path, start: Callable[..., Program], steward: dict[str, Any]) -> None:
        super().__init__(folder, start, sections={"steward": steward})
        self.steward = Channel(folder / "nobody.sock")
        self.make_latch_file()
        self.start_plc()
        self.start_guard()
        start(sys.executable, "-m", "jidoka.steward", "--plan", str(self.plan_file)).wait_for_text(
            "listens at"
        )

    def told(self) -> dict[str, Any]:
        """By the steward, and by nobody else."""
        self.step()
        return ask(self.plan.steward_socket, Kind.ASK, {"what": "status"})


def test_a_broker_that_hangs_is_noticed_within_twice_its_keepalive_and_nothing_else_waits(
    start: Callable[..., Program],
) -> None:
    port, keepalive_s = free_port(), 2
    with tempfile.TemporaryDirectory(prefix="jdk-", ignore_cleanup_errors=True) as folder:
        hanging = mosquitto(Path(folder), start, port)
        broker = {"host": "127.0.0.1", "port": port, "acknowledge": "puback", "keepalive_s": keepalive_s}
        cell = Cell(Path(folder), start, {"broker": broker, "metrics": {"host": "127.0.0.1", "port": 0}})
        wait_until(lambda: cell.told()["mqtt"]["connected"], "connected")
        wait_until(lambda: cell.told()["interlock"]["plc"].get("link_up", False), "the PLC answers")
        metrics = cell.told()["metrics"]
        hanging.signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        slowest_s = 0.0
        entries_before = cell.told()["ledger"]["entries"]
        beats: set[int] = set()

        def notices() -> bool:
            nonlocal slowest_s
            begun_s = time.monotonic()
            # each for half a second: longer than it takes to be told
            cell.says[ADVICE] = Judgement.ON if int(2 * (begun_s - stopped_s)) % 2 else Judgement.OFF
            told = cell.told()
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics['port']}/metrics", timeout=5) as answer:
                assert b"jidoka_" in answer.read()
            assert told["programs"]["guard"]
            assert told["interlock"]["plc"]["link_up"]
            assert told["ledger"]["is_recording"]
            beats.add(told["interlock"]["plc"]["beat_ns"])
            slowest_s = max(slowest_s, time.monotonic() - begun_s)
            return not told["mqtt"]["connected"]

        wait_until(notices, "the hanging broker is noticed", 15.0)
        assert time.monotonic() - stopped_s < 2 * keepalive_s + 1.0
        assert slowest_s < keepalive_s, "neither status nor /metrics waits for the broker"
        assert len(beats) > 5, "the guard goes on beating"
        told = cell.told()
        assert told["ledger"]["entries"] > entries_before, "the ledger takes what happens"
        assert "connection lost" in told["mqtt"]["error"]
        hanging.signal(signal.SIGCONT)
        wait_until(lambda: cell.told()["mqtt"]["connected"], "connected again", 40.0)
        wait_until(lambda: not any(cell.told()["mqtt"]["backlog"].values()), "everything is told")


def test_a_subscription_that_the_broker_refuses_is_told(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    """By mosquitto's own plugin; its access list in a file grants every subscription and delivers nothing."""
    access = {
        "publishClientSend": True,
        "publishClientReceive": True,
        "subscribe": False,
        "unsubscribe": True,
    }
    rules = tmp_path / "dynamic-security.json"
    rules.write_text(json.dumps({"defaultACLAccess": access, "clients": [], "groups": [], "roles": []}))
    port = free_port()
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
    mosquitto(tmp_path, start, port, f"{PLAIN}plugin {plugin}\nplugin_opt_config_file {rules}\n")
    with site(broker={"host": "127.0.0.1", "port": port}) as place:
        place.start()
        wait_until(lambda: "refuses the subscription to" in mqtt(place)["error"], "the refusal")
        assert "/ack (reason 0x87)" in mqtt(place)["error"]
        assert "Let the broker's access list admit reading" in mqtt(place)["remedy"]
        assert mqtt(place)["connected"]
        wait_until(lambda: any("refuses the subscription" in each for each in refusals(place)), "recorded")
