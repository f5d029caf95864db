"""What the AIMS stores, what it acknowledges, and that nothing is lost or doubled when anything is killed."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from jidoka.steward.mqtt.envelope import Letter
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.aims.servers import Mosquitto, Postgres, postgres, worker
from tests.processes import Program, programs, wait_until
from tests.steward.mqtt.brokers import PLACE, Certified, pump, tried
from tools.aims.letters import Event, Live, Unreadable, read

pytestmark = pytest.mark.process

TREE = "aims/v1/plant/line/press"


def event(seq: int, lane: str = "evidence", *, historical: bool = False, **data: Any) -> bytes:
    """A message as a device sends it."""
    body = {
        "specversion": "1.0", "id": f"{lane}-{seq}", "source": "/plant/line/press", "type": "jidoka.act.v1",
        "time": "2026-11-23T08:15:00.123456Z", "datacontenttype": "application/json", "lane": lane, "seq": seq,
        "boot": "00" * 16, "leaf": seq, "historical": historical, "data": {"act": "acknowledge", "n": seq, **data},
    }  # fmt: skip
    return json.dumps(body, separators=(",", ":")).encode()


@dataclass
class Plant:
    """Broker, database, and a device that publishes and hears what is acknowledged."""

    database: Postgres
    broker: Mosquitto
    start: Any
    folder: Path

    def worker(self, name: str = "aims-1", *more: str) -> Program:
        return worker(self.start, self.broker.port, self.database.address, name, *more)


class Device:
    """Publishes, and remembers the last acknowledgement. It sends again what isn't acknowledged."""

    def __init__(self, port: int) -> None:
        self.committed: dict[str, int] = {}
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "press", protocol=MQTTProtocolVersion.MQTTv5)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe(f"{TREE}/ack", 1)
        self.client.on_message = self._heard
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _heard(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        self.committed.update(json.loads(message.payload)["data"]["committed"])

    def send(self, *payloads: bytes, topic: str = "ledger/leaf") -> None:
        for payload in payloads:
            self.client.publish(f"{TREE}/{topic}", payload, 1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as cluster:
        cluster.start()
        yield cluster


@pytest.fixture
def plant(tmp_path: Path, database: Postgres) -> Iterator[Plant]:
    database.empty()
    with programs(tmp_path) as start:
        yield Plant(database, Mosquitto(tmp_path, start), start, tmp_path)


def test_what_was_told_is_stored_once_and_acknowledged_up_to_the_first_gap(plant: Plant) -> None:
    plant.broker.start()
    plant.worker()
    device = Device(plant.broker.port)
    device.send(*(event(n) for n in (1, 2, 3, 5, 6)), event(1, "alarm"), event(3, historical=True))
    wait_until(lambda: device.committed == {"evidence": 3, "alarm": 1}, "acknowledged up to the gap")
    device.send(event(4))
    wait_until(lambda: device.committed["evidence"] == 6, "the gap was filled")
    device.close()
    rows = plant.database.rows("SELECT lane, seq, data ->> 'n' FROM event ORDER BY lane, seq")
    assert rows == [("alarm", 1, "1"), *(("evidence", n, str(n)) for n in range(1, 7))]
    assert plant.database.rows("SELECT count(*) FROM conflict") == [(0,)]
    (payload,) = plant.database.rows("SELECT payload FROM event WHERE lane = 'evidence' AND seq = 3")[0]
    assert payload == event(3)


def test_an_alarm_is_stored_before_what_came_with_it_and_waits_for_nothing_of_that(plant: Plant) -> None:
    plant.broker.start()
    plant.worker()
    device = Device(plant.broker.port)
    device.send(event(1), event(1, "alarm"))
    wait_until(lambda: device.committed == {"evidence": 1, "alarm": 1}, "both lanes are known")
    with psycopg.connect(plant.database.address) as other:
        other.execute("SELECT 1 FROM cursor WHERE lane = 'evidence' FOR UPDATE")
        device.send(event(2), event(2, "alarm"))
        wait_until(lambda: device.committed["alarm"] == 2, "the alarm is committed")
        assert device.committed["evidence"] == 1, "somebody else has that lane"
    wait_until(lambda: device.committed["evidence"] == 2, "and now the rest")
    device.close()


def test_the_same_number_with_other_content_is_a_conflict_and_never_replaces_the_first(plant: Plant) -> None:
    plant.broker.start()
    plant.worker()
    device = Device(plant.broker.port)
    device.send(event(1), event(1, other="content"), event(2))
    wait_until(lambda: device.committed == {"evidence": 2}, "both numbers are there")
    device.close()
    assert plant.database.rows("SELECT data -> 'other' FROM event WHERE seq = 1") == [(None,)]
    assert plant.database.rows("SELECT lane, seq FROM conflict") == [("evidence", 1)]


def test_what_cannot_be_read_is_kept_and_stops_nothing(plant: Plant) -> None:
    plant.broker.start()
    plant.worker()
    device = Device(plant.broker.port)
    device.send(b"{", b'{"specversion": "1.0"}', event(0), event(1, text="\0"), event(2**70), event(1))
    wait_until(lambda: device.committed == {"evidence": 1}, "the good one is acknowledged")
    device.close()
    whys = [row[0] for row in plant.database.rows("SELECT why FROM unreadable ORDER BY why")]
    assert len(whys) == 5, whys


def test_live_values_keep_the_newest_only(plant: Plant) -> None:
    plant.broker.start()
    plant.worker()
    device = Device(plant.broker.port)
    for second in (1, 3, 2):
        body = json.loads(event(1, "live", rate=second))
        body["time"] = f"2026-11-23T08:15:0{second}Z"
        device.send(json.dumps(body).encode(), topic="models/m/health")
    device.send(event(1))
    wait_until(lambda: device.committed == {"evidence": 1}, "all was taken")
    device.close()
    assert plant.database.rows("SELECT topic, data ->> 'rate' FROM live") == [("models/m/health", "3")]


def test_a_worker_for_alarms_stores_and_acknowledges_them_alone_and_what_both_take_is_there_once(
    plant: Plant,
) -> None:
    plant.broker.start()
    alarms = plant.worker("alarms", "--alarms")
    device = Device(plant.broker.port)
    device.send(event(1, "alarm"), topic="alarms/R-03")
    device.send(event(2, "alarm"), topic="interlock")
    device.send(event(1))
    wait_until(lambda: device.committed == {"alarm": 2}, "the alarms are committed")
    plant.worker()
    device.send(event(3, "alarm"), topic="override")
    device.send(event(1))
    wait_until(lambda: device.committed == {"alarm": 3, "evidence": 1}, "everything is committed")
    device.close()
    assert plant.database.rows("SELECT lane, count(*) FROM event GROUP BY lane ORDER BY lane") == [
        ("alarm", 3),
        ("evidence", 1),
    ]
    assert plant.database.rows("SELECT count(*) FROM conflict") == [(0,)]
    assert "Traceback" not in alarms.text


def test_nothing_is_lost_or_doubled_when_worker_broker_and_database_are_killed(plant: Plant) -> None:
    broker = plant.broker.start()
    workers = [plant.worker("aims-1"), plant.worker("aims-2")]
    database = plant.database
    device = Device(plant.broker.port)
    total = 1500
    for part in range(5):
        device.send(*(event(n) for n in range(part * 300 + 1, part * 300 + 301)))
        victim = part % 3
        if victim == 0:
            workers[0].signal(signal.SIGKILL)
            workers[0].wait()
            workers[0] = plant.worker("aims-1")
        elif victim == 1:
            broker.signal(signal.SIGKILL)
            broker.wait()
            broker = plant.broker.start()
        else:
            for pid in _backends(database):
                database.rows(f"SELECT pg_terminate_backend({pid})")

    seen = [-1, 0.0]

    def all_committed() -> bool:
        committed, now_s = device.committed.get("evidence", 0), time.monotonic()
        if committed != seen[0]:
            seen[:] = committed, now_s
        elif committed < total and now_s - seen[1] > 2.0 and device.client.is_connected():
            # what went two seconds without progress is sent again, as the device's outbox does
            seen[1] = now_s
            device.send(
                *(event(n, historical=True) for n in range(committed + 1, min(committed + 400, total) + 1))
            )
        return committed == total

    wait_until(all_committed, "everything is committed", 60)
    device.close()
    assert database.rows("SELECT count(*), min(seq), max(seq) FROM event") == [(total, 1, total)]
    assert database.rows("SELECT count(*) FROM conflict") == [(0,)]


def _backends(database: Postgres) -> list[object]:
    return [row[0] for row in database.rows("SELECT pid FROM pg_stat_activity WHERE usename = 'aims' AND pid <> pg_backend_pid() AND backend_type = 'client backend'")]  # fmt: skip


def test_a_worker_says_what_it_waits_for_and_goes_on_when_it_is_there(plant: Plant) -> None:
    program = plant.start(
        sys.executable, "-m", "tools.aims", "--broker", f"127.0.0.1:{plant.broker.port}", "--database",
        plant.database.address, environment={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    program.wait_for_text("Start the broker, or correct its host and port; trying again")
    plant.broker.start()
    program.wait_for_text("stores what comes")
    assert "Traceback" not in program.text


@pytest.mark.parametrize(
    ("topic", "payload", "kind"),
    [
        (f"{TREE}/ledger/leaf", event(1), Event),
        (f"{TREE}/status", event(1, "live"), Live),
        (f"{TREE}/ack", b"anything", type(None)),
        (f"{TREE}/cmd/hold/request", b"anything", type(None)),
        (f"{TREE}/status", b"", type(None)),
        ("aims/v1/short", event(1), Unreadable),
        (f"{TREE}/ledger/leaf", event(True), Unreadable),
        (f"{TREE}/ledger/leaf", b"x" * (2 << 20), Unreadable),
        (f"{TREE}/ledger/leaf", event(1).replace(b"08:15:00.123456Z", b"08:15:00"), Unreadable),
        (f"{TREE}/ledger/leaf", event(1).replace(b'"1.0"', b'"2.0"'), Unreadable),
    ],
)
def test_each_message_is_taken_for_what_it_is(topic: str, payload: bytes, kind: type) -> None:
    assert type(read(topic, payload)) is kind


def test_the_digest_does_not_depend_on_when_it_was_sent_but_on_everything_else() -> None:
    first, again, other = (
        read(f"{TREE}/x", each) for each in (event(1), event(1, historical=True), event(1, a=1))
    )
    assert isinstance(first, Event)
    assert isinstance(again, Event)
    assert isinstance(other, Event)
    assert first.digest == again.digest != other.digest


def test_over_tls_a_worker_checks_the_broker_and_shows_its_own_certificate(
    tmp_path: Path, database: Postgres
) -> None:
    database.empty()
    world = Certified(tmp_path)
    with programs(tmp_path) as start:
        world.start(start)

        def told(listener: str, *more: str) -> Program:
            return start(
                sys.executable, "-m", "tools.aims", "--broker", f"mqtts://127.0.0.1:{world.ports[listener]}",
                "--database", database.address, *more,
                environment={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            )  # fmt: skip

        own = ("--certificate", world.aims.certificate, "--certificate-key", world.aims.key)
        stranger = world.foreign.issue("stranger")
        told("foreign", "--ca", world.authority.file).wait_for_text(
            "was issued by somebody (CN=foreign-ca) who isn't among"
        )
        told("expired", "--ca", world.authority.file).wait_for_text(
            "its certificate (CN=old) was valid until"
        )
        told("mtls", "--ca", world.authority.file).wait_for_text("asks for a certificate")
        told(
            "mtls", "--ca", world.authority.file, "--certificate", stranger.certificate, "--certificate-key",
            stranger.key,
        ).wait_for_text("it doesn't know who issued it")  # fmt: skip
        told("mtls", "--ca", world.authority.file, *own).wait_for_text("stores what comes from")
        with tried(world.broker("mtls", world.press)) as press:
            press.subscribe(f"{PLACE.tree}/ack")
            press.publish(Letter(f"{PLACE.tree}/ledger/leaf", event(1), 1, is_retained=False))
            pump(press, lambda: bool(press.received))
            assert json.loads(press.received[0][1])["data"]["committed"] == {"evidence": 1}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--broker", "foo://h"), "isn't the address of a broker"),
        (("--broker", "h", "--ca", "x"), "spoken to without TLS"),
        (("--broker", "mqtts://h", "--certificate", "x"), "belong together"),
    ],
)
def test_a_mistake_at_the_command_line_is_told_in_a_sentence(
    more: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    with programs(tmp_path) as start:
        program = start(
            sys.executable, "-m", "tools.aims", "--database", "x", *more,
            environment={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )  # fmt: skip
        assert program.wait() == 2
        assert says in program.text
