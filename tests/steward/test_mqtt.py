"""What the steward tells real brokers (mosquitto, amqtt), and that nothing is missing when broker or steward die."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.ledger.format import Lane
from jidoka.steward.ledger.reader import entries
from jidoka.steward.mqtt.topics import ENTRIES
from jidoka_bridge.messages import Judgement, Kind
from paho.mqtt.enums import CallbackAPIVersion

from tests.processes import Program, programs, wait_until
from tests.steward.schemas import validate
from tests.steward.site import DRIFT, MODEL, Monitor, Site, cause, free_port, site, transition

pytestmark = pytest.mark.process

TREE = "aims/v1/plant%201/line%2F7/press"


class Subscriber:
    """Everything that was published below the device, on a thread; MQTT 3.1.1 reconnects to a broker that was restarted."""

    def __init__(self, port: int, name: str = "aims", limit_s: float = 15.0) -> None:
        self.letters: list[tuple[str, dict[str, Any], bool]] = []
        self._subscribed = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("aims/v1/#", 1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = lambda _c, _u, message: self.letters.append(
            (message.topic, json.loads(message.payload), bool(message.retain))
        )
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._subscribed.wait(limit_s)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        for _, event, _ in self.letters:
            validate(json.dumps(event).encode())

    def on(self, topic: str) -> list[dict[str, Any]]:
        return [event for where, event, _ in list(self.letters) if where == f"{TREE}/{topic}"]

    def numbers(self, lane: str) -> list[int]:
        return [event["seq"] for _, event, _ in list(self.letters) if event["lane"] == lane]


class Brokers:
    """Starts mosquitto as often as it is killed, with persistence in one folder."""

    def __init__(self, root: Path, start: Any) -> None:
        self.port = free_port()
        self.config = root / "mosquitto.conf"
        self.settings = "allow_anonymous true\n"
        self._root = root
        self._start = start

    def start(self) -> Program:
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\npersistence true\npersistence_location {self._root}/\n"
            f"autosave_interval 1\nautosave_on_changes true\nuser root\nlog_dest none\n{self.settings}"
        )
        program: Program = self._start("/usr/sbin/mosquitto", "-c", str(self.config))
        wait_until(lambda: listens(self.port), "mosquitto listens")
        return program


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    with programs(tmp_path) as start:
        yield Brokers(tmp_path, start)


def told_lanes(place: Site) -> dict[str, list[int]]:
    """What the ledger says must have been told, by lane."""
    found: dict[str, list[int]] = {Lane.ALARM.label: [], Lane.EVIDENCE.label: []}
    for entry in entries(place.ledger):
        if entry.kind in ENTRIES:
            found[entry.lane.label].append(entry.lane_number)
    return found


def await_everything(place: Site, aims: Subscriber) -> None:
    def is_all_there() -> bool:
        place.guard.pump()
        wanted = told_lanes(place)
        return all(set(numbers) <= set(aims.numbers(lane)) for lane, numbers in wanted.items())

    wait_until(is_all_there, "every entry of the ledger at the subscriber", 40.0)


def test_what_happens_is_told_on_its_topic_as_a_cloudevent(brokers: Brokers) -> None:
    brokers.start()
    with site(broker={"host": "127.0.0.1", "port": brokers.port, "acknowledge": "puback"}) as place:
        aims = Subscriber(brokers.port)
        program = place.start()
        monitor = Monitor(place.plan)
        place.guard.until(lambda: place.guard.recorded == 0, "connected")
        place.guard.transition(transition(1, "RUN", "OVERRIDE", event="override key on"))
        place.guard.send(Kind.CAUSE, cause(id="no data:surface"))
        monitor.condition(Judgement.ON, 1, onset_part=4)
        monitor.send(Kind.SUMMARY, {"model": MODEL, "ns": 5, "records": 3, "rate_hz": 10.0})
        wait_until(lambda: bool(aims.on(f"models/{MODEL}/health")), "health")
        await_everything(place, aims)
        alarm = aims.on("alarms/no%20data%3Asurface")[0]
        assert (alarm["type"], alarm["data"]["state"], alarm["subject"]) == (
            "jidoka.alarm.v1",
            "B",
            "no data:surface",
        )
        interlock = aims.on("interlock")[0]
        assert (interlock["data"]["number"], interlock["data"]["from"], interlock["lane"]) == (
            1,
            "RUN",
            "alarm",
        )
        assert interlock["leaf"] == next(
            e.index for e in entries(place.ledger) if e.kind is EntryKind.TRANSITION
        )
        assert aims.on("override")[0]["data"]["act"] == "start"
        assert aims.on(f"models/{MODEL}/condition")[0]["data"]["id"] == DRIFT
        assert aims.on("alarms")[-1]["data"]["unacknowledged"] == 1
        assert aims.on("status")[-1]["data"]["online"] is True
        status = place.status()["mqtt"]
        assert (status["connected"], status["protocol"], status["error"]) == (True, "MQTT 5", "")
        wait_until(lambda: bool(aims.on("inventory")), "what runs here")
        wait_until(lambda: sum(place.status()["mqtt"]["backlog"].values()) == 0, "nothing waits")
        place.stop(program)
        wait_until(lambda: aims.on("status")[-1]["data"]["why"] == "planned stop", "the goodbye")
        aims.close()
        late = Subscriber(brokers.port, "late")
        wait_until(lambda: len(late.letters) >= 4, "what is retained")
        assert {(topic.removeprefix(TREE + "/"), retained) for topic, _, retained in late.letters} == {
            ("status", True), ("alarms", True), ("interlock", True), ("inventory", True),
        }  # fmt: skip
        late.close()


def test_the_broker_says_offline_when_the_steward_is_killed(brokers: Brokers) -> None:
    brokers.start()
    with site(broker={"host": "127.0.0.1", "port": brokers.port, "acknowledge": "puback"}) as place:
        aims = Subscriber(brokers.port)
        program = place.start()
        wait_until(lambda: bool(aims.on("status")), "online")
        program.signal(signal.SIGKILL)
        wait_until(lambda: aims.on("status")[-1]["data"]["online"] is False, "the will")
        aims.close()


@pytest.mark.parametrize("number_of_signal", [signal.SIGTERM, signal.SIGKILL])
def test_a_broker_that_is_killed_and_restarted_costs_no_message(
    brokers: Brokers, number_of_signal: signal.Signals
) -> None:
    """A broker that is killed may forget what it acknowledged and hasn't delivered (see outbox.lane); everything else comes."""
    mosquitto = brokers.start()
    with site(broker={"host": "127.0.0.1", "port": brokers.port, "acknowledge": "puback"}) as place:
        aims = Subscriber(brokers.port)
        place.start()
        monitor = Monitor(place.plan)
        place.guard.until(lambda: place.guard.recorded == 0, "connected")
        wait_until(lambda: place.status()["mqtt"]["connected"], "connected to the broker")
        number = 0
        for _ in range(3):
            for _ in range(100):
                number += 1
                place.guard.transition(transition(number))
                monitor.condition(Judgement.ON, number)
            if number_of_signal is signal.SIGKILL:
                await_everything(place, aims)
            mosquitto.signal(number_of_signal)
            mosquitto.wait()
            wait_until(lambda: not place.status()["mqtt"]["connected"], "noticed")
            for _ in range(50):
                number += 1
                place.guard.transition(transition(number))
            mosquitto = brokers.start()
            wait_until(lambda: place.status()["mqtt"]["connected"], "connected again")
            assert place.status()["mqtt"]["protocol"] == "MQTT 5"
        await_everything(place, aims)
        place.guard.until(lambda: place.guard.recorded == number, "all recorded")
        await_everything(place, aims)
        assert set(aims.numbers("alarm")) == set(range(1, number + 1))
        absences = [
            entry.json()["what"] for entry in entries(place.ledger) if entry.kind is EntryKind.ABSENCE
        ]
        assert absences.count("broker") >= 3
        aims.close()


def test_a_steward_that_is_killed_under_load_tells_everything_in_the_end(brokers: Brokers) -> None:
    brokers.start()
    with site(broker={"host": "127.0.0.1", "port": brokers.port, "acknowledge": "puback"}) as place:
        aims = Subscriber(brokers.port)
        number = 0
        for _ in range(3):
            program = place.start()
            for _ in range(100):
                number += 1
                place.guard.transition(transition(number))
                place.guard.pump()
            place.guard.until(lambda: place.guard.recorded >= number - 60, "some of it")  # noqa: B023
            program.signal(signal.SIGKILL)
            program.wait()
        place.start()
        place.guard.until(lambda: place.guard.recorded == number, "all recorded")
        await_everything(place, aims)
        assert set(aims.numbers("alarm")) == set(range(1, number + 1))
        keys: dict[tuple[str, int], str] = {}
        for _, event, _ in aims.letters:
            if event["lane"] != "live":
                data = json.dumps(event["data"])
                assert keys.setdefault((event["lane"], event["seq"]), data) == data, "one number, one content"
        aims.close()


def test_what_waited_for_the_broker_comes_late_marked_historical_with_its_own_time(brokers: Brokers) -> None:
    with site(broker={"host": "127.0.0.1", "port": brokers.port, "acknowledge": "puback"}) as place:
        program = place.start()
        place.guard.transition(transition(1))
        place.guard.until(lambda: place.guard.recorded == 1, "recorded without a broker")
        wait_until(lambda: "no broker listens" in place.status()["mqtt"]["error"], "the reason")
        status = place.status()["mqtt"]
        assert "Start the broker" in status["remedy"]
        assert status["backlog"]["alarm"] == 1
        place.stop(program)
        [entry] = [entry for entry in entries(place.ledger) if entry.kind is EntryKind.TRANSITION]
        data = bytearray(place.ledger.read_bytes())
        import zlib

        at = (
            data.index(entry.body) - 58
        )  # an entry of an earlier boot: an hour old for all that anybody knows
        for position in [
            i for i in range(len(data)) if data[i : i + 16] == entry.boot and data[i - 42 + 8] < 20
        ]:
            data[position : position + 16] = b"an earlier boot."
            begin = position - 42
            length = int.from_bytes(data[begin : begin + 4], "little")
            crc = zlib.crc32(data[begin : begin + 4] + data[begin + 8 : begin + 58 + length])
            data[begin + 4 : begin + 8] = crc.to_bytes(4, "little")
        assert at > 0
        place.ledger.write_bytes(data)
        brokers.start()
        aims = Subscriber(brokers.port)
        place.start()
        wait_until(lambda: bool(aims.on("interlock")), "the late message")
        late = aims.on("interlock")[0]
        assert late["historical"] is True
        assert late["boot"] == b"an earlier boot.".hex()
        aims.close()


def test_a_broker_that_refuses_is_told_recorded_and_harms_nothing(brokers: Brokers) -> None:
    brokers.settings = "allow_anonymous false\n"
    brokers.start()
    with site(broker={"host": "127.0.0.1", "port": brokers.port, "acknowledge": "puback"}) as place:
        place.start()
        wait_until(lambda: "not authori" in place.status()["mqtt"]["error"], "the refusal")
        assert "access list" in place.status()["mqtt"]["remedy"]
        place.guard.transition(transition(1))
        place.guard.until(lambda: place.guard.recorded == 1, "recorded all the same")
        told = [e.json() for e in entries(place.ledger) if e.kind is EntryKind.REFUSAL]
        assert [body["what"] for body in told] == ["broker"]
        assert "refuses the connection" in told[0]["refused"]


def test_a_message_that_the_broker_refuses_does_not_block_the_lane(brokers: Brokers, tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text(f"topic write {TREE}/status\ntopic write {TREE}/interlock\ntopic read aims/v1/#\n")
    acl.chmod(0o600)
    brokers.settings = f"allow_anonymous true\nacl_file {acl}\n"
    brokers.start()
    with site(broker={"host": "127.0.0.1", "port": brokers.port, "acknowledge": "puback"}) as place:
        aims = Subscriber(brokers.port)
        place.start()
        place.guard.send(Kind.CAUSE, cause())
        place.guard.until(lambda: place.guard.recorded == 0, "connected")
        place.guard.send(Kind.CAUSE, cause())
        place.guard.transition(transition(1))
        place.guard.until(lambda: bool(aims.on("interlock")), "what is admitted goes on")
        wait_until(lambda: "refuses messages" in place.status()["mqtt"]["error"], "the refusal")
        wait_until(lambda: sum(place.status()["mqtt"]["backlog"].values()) == 0, "nothing waits")
        assert place.status()["mqtt"]["connected"]
        aims.close()


def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(tmp_path: Path) -> None:
    port = free_port()
    with (
        programs(tmp_path) as start,
        site(broker={"host": "127.0.0.1", "port": port, "acknowledge": "puback"}) as place,
    ):
        start(sys.executable, "-m", "jidoka.demo.amqtt_broker", str(port))
        wait_until(lambda: listens(port), "amqtt listens")
        place.start()
        wait_until(lambda: place.status()["mqtt"]["connected"], "connected")
        assert place.status()["mqtt"]["protocol"] == "MQTT 3.1.1"
        aims = Subscriber(port)
        place.guard.transition(transition(1))
        place.guard.until(lambda: bool(aims.on("interlock")), "a message through amqtt")
        assert not [e for e in entries(place.ledger) if e.kind is EntryKind.REFUSAL], (
            "asking for MQTT 5 is no fault"
        )
        aims.close()


def test_a_broker_that_says_nothing_is_no_reason_to_wait() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with site(broker={"host": "127.0.0.1", "port": silent.getsockname()[1]}) as place:
            program = place.start()
            place.guard.transition(transition(1))
            place.guard.until(lambda: place.guard.recorded == 1, "recorded")
            assert place.stop(program) == 0
