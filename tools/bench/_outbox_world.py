"""A device and its AIMS for the outbox's bench: real mosquitto, PostgreSQL, workers and steward; the guard and monitor played."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# whatever ends this program, what it started ends too
os.environ["JIDOKA_DIE_WITH_PARENT"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import paho.mqtt.client as paho
import psycopg
from jidoka_bridge.messages import Kind
from jidoka_bridge.plan import dump
from paho.mqtt.enums import CallbackAPIVersion

from tests.aims.servers import Mosquitto, Postgres, postgres, worker
from tests.processes import Program, programs, wait_until
from tests.steward.site import MODEL, Monitor, Site, site, transition

#: above the devices of this site and line
ABOVE = "aims/v1/plant%201/line%2F7"
#: the database says of each alarm when it is committed; the bench alone needs that
TELL = """
CREATE OR REPLACE FUNCTION tell() RETURNS trigger AS
$$ BEGIN PERFORM pg_notify('alarm', NEW.seq || ' ' || coalesce(NEW.data ->> 'number', '')); RETURN NULL; END $$
LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER tell AFTER INSERT ON event FOR EACH ROW WHEN (NEW.lane = 'alarm') EXECUTE FUNCTION tell();
"""


class Alarms:
    """When each alarm was committed in the database, by its own word. numbers: of transitions; first_s, last_s, count: of all."""

    def __init__(self, address: str) -> None:
        self.numbers: dict[int, float] = {}
        self.first_s = self.last_s = 0.0
        self.count = 0
        self._is_over = False
        self._connection = psycopg.connect(address, autocommit=True)
        self._connection.execute(TELL)
        self._connection.execute("LISTEN alarm")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_over:
            for each in self._connection.notifies(timeout=0.2):
                now_s = time.monotonic()
                self.first_s = self.first_s or now_s
                self.last_s, self.count = now_s, self.count + 1
                number = each.payload.partition(" ")[2]
                if number:
                    self.numbers[int(number)] = now_s

    def begin(self) -> None:
        """Forget what came so far."""
        self.numbers, self.first_s, self.last_s, self.count = {}, 0.0, 0.0, 0

    def close(self) -> None:
        self._is_over = True
        self._thread.join(2.0)
        self._connection.close()


class Watcher:
    """When the device was online at the broker, and when each live value came."""

    def __init__(self, port: int, name: str) -> None:
        tree = f"{ABOVE}/{name}"
        self.online_s = 0.0
        self.health_s: list[float] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "watcher")
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(f"{tree}/status", 1), (f"{tree}/models/+/health", 0)]
        )
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _heard(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/health"):
            self.health_s.append(time.monotonic())
        elif json.loads(message.payload or b"{}").get("data", {}).get("online") and not message.retain:
            self.online_s = time.monotonic()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Aims:
    """Broker, database and two workers, one of them for alarms alone."""

    def __init__(self, folder: Path, start: Callable[..., Program], database: Postgres) -> None:
        self.database = database
        self.broker = Mosquitto(folder, start)
        self._start = start
        self.programs = {"PostgreSQL": database.start(), "broker": self.broker.start()}
        for name in WORKERS:
            self.programs[name] = self.worker(name)

    def worker(self, name: str) -> Program:
        return worker(self._start, self.broker.port, self.database.address, name, *WORKERS[name])

    def committed(self, name: str) -> dict[str, int]:
        """Up to which number nothing of a device is missing, by lane."""
        return self.by_lane("SELECT lane, contiguous FROM cursor JOIN device USING (device_id)", name)

    def stored(self, name: str) -> dict[str, int]:
        """How many messages of a device are there, by lane."""
        return self.by_lane(
            "SELECT lane, count(*) FROM event JOIN device USING (device_id)", name, "GROUP BY lane"
        )

    def by_lane(self, select: str, name: str, more: str = "") -> dict[str, int]:
        rows = self.database.rows(f"{select} WHERE tree = '{ABOVE}/{name}' {more}")
        return {str(lane): int(str(number)) for lane, number in rows}

    def conflicts(self) -> int:
        """Numbers that came with other content than before."""
        return int(str(self.database.rows("SELECT count(*) FROM conflict")[0][0]))


WORKERS: dict[str, tuple[str, ...]] = {"worker": (), "worker for alarms": ("--alarms",)}


@contextlib.contextmanager
def aims() -> Iterator[Aims]:
    """Everything ends with the block."""
    with (
        tempfile.TemporaryDirectory(prefix="jidoka-outbox-") as folder,
        postgres() as database,
        programs(Path(folder)) as start,
    ):
        yield Aims(Path(folder), start, database)


@contextlib.contextmanager
def device(broker_port: int, name: str) -> Iterator[Site]:
    """A device whose steward isn't started yet; its ledger may be put in place first."""
    with site(
        broker={"host": "127.0.0.1", "port": broker_port}, record={"limit_bytes": 4_000_000_000}
    ) as place:
        place.plan = dataclasses.replace(place.plan, device=name)
        place.plan_file.write_bytes(dump(place.plan))
        place.ledger.parent.mkdir(parents=True, exist_ok=True)
        yield place


class Events:
    """What happens at the device from now on."""

    def __init__(self, place: Site, alarms: Alarms) -> None:
        self._place = place
        self._alarms = alarms
        self._monitor: Monitor | None = None
        self._number = 0
        self._summary_s = 0.0

    def live(self) -> None:
        """Once a second what a monitor says of its model."""
        now_s = time.monotonic()
        if now_s - self._summary_s >= 1.0:
            self._summary_s = now_s
            self._monitor = self._monitor or Monitor(self._place.plan)
            self._monitor.channel.receive()
            value = {
                "model": MODEL,
                "ns": time.monotonic_ns(),
                "records": 30,
                "rate_hz": 30.0,
                "verdicts": {"pass": 30},
            }
            self._monitor.send(Kind.SUMMARY, value)

    def alarm(self, limit_s: float = 60.0) -> float:
        """A transition of the interlock: seconds until it is committed in the database."""
        self._number += 1
        number, began_s = self._number, time.monotonic()
        self._place.guard.transition(transition(number))

        def is_there() -> bool:
            self._place.guard.pump()
            self.live()
            return number in self._alarms.numbers

        wait_until(is_there, f"transition {number} is in the database", limit_s)
        return self._alarms.numbers[number] - began_s
