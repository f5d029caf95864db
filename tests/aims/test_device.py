"""A real steward and the AIMS: everything that the ledger tells is committed in the end, once, whoever is killed."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from jidoka.steward.ledger.format import Kind, Lane
from jidoka.steward.ledger.reader import entries
from jidoka.steward.ledger.removed import removed_of
from jidoka.steward.outbox.cursors import SENT_LANES
from jidoka_bridge.messages import Judgement
from paho.mqtt.enums import CallbackAPIVersion

from tests.aims.servers import Mosquitto, Postgres, postgres, worker
from tests.processes import Program, programs, wait_until
from tests.steward.schemas import validate
from tests.steward.site import Monitor, Site, decision, site, transition
from tests.steward.test_mqtt import TREE

pytestmark = pytest.mark.process


class World:
    """A site, a broker, a database and a worker."""

    def __init__(self, place: Site, broker: Mosquitto, database: Postgres, start: Any) -> None:
        self.place, self.broker, self.database = place, broker, database
        self._start = start
        self.programs = {"broker": broker.start(), "worker": self.worker(), "steward": place.start()}
        self.number = 0
        self.monitor = Monitor(place.plan)

    def worker(self) -> Program:
        return worker(self._start, self.broker.port, self.database.address)

    def happen(self, count: int) -> None:
        """So many transitions, and half as many conditions."""
        for _ in range(count):
            self.number += 1
            self.place.guard.transition(transition(self.number))
            if self.number % 2 and self.monitor.channel.is_connected:
                self.monitor.condition(Judgement.ON, self.number)
            self.place.guard.pump()

    def kill(self, who: str) -> None:
        """SIGKILL, and a new start."""
        if who == "database":
            self.database.kill()
            return
        program = self.programs[who]
        program.signal(signal.SIGKILL)
        program.wait()
        if who == "steward":
            self.programs[who] = self.place.start()
            self.monitor = Monitor(self.place.plan)
        elif who == "broker":
            self.programs[who] = self.broker.start()
        else:
            self.programs[who] = self.worker()

    def told(self) -> dict[str, int]:
        """The highest number of each lane in the ledger."""
        found = dict.fromkeys((lane.label for lane in SENT_LANES), 0)
        for entry in entries(self.place.ledger):
            if entry.lane in SENT_LANES:
                count = len(removed_of(entry).gone) if entry.kind is Kind.REMOVED else 1
                found[entry.lane.label] = entry.lane_number + count - 1
        return found

    def committed(self) -> dict[str, int]:
        rows = self.database.rows("SELECT lane, contiguous FROM cursor")
        return {lane.label: 0 for lane in SENT_LANES} | {str(lane): int(str(number)) for lane, number in rows}

    def settle(self, limit_s: float = 40.0) -> None:
        """Until the AIMS has all that the ledger tells, and the steward knows it."""
        seen = [-1, time.monotonic()]

        def recorded() -> bool:
            if self.place.guard.recorded != seen[0]:
                seen[:] = self.place.guard.recorded, time.monotonic()
            elif time.monotonic() - seen[1] > 3.0:
                # the played guard sends what a full socket refused only with the next one, by which the gap shows
                seen[1] = time.monotonic()
                self.happen(1)
            return self.place.guard.recorded == self.number

        self.place.guard.until(recorded, "all recorded", limit_s)

        def everything() -> bool:
            self.place.guard.pump()
            backlog = self.place.status()["mqtt"]["backlog"]
            return self.committed() == self.told() and not any(backlog.values())

        wait_until(everything, "everything is committed and acknowledged", limit_s)


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as cluster:
        cluster.start()
        yield cluster


@contextlib.contextmanager
def a_world(folder: Path, database: Postgres, **sections: Any) -> Iterator[World]:
    database.empty()
    with programs(folder) as start:
        broker = Mosquitto(folder, start)
        with site(broker={"host": "127.0.0.1", "port": broker.port}, **sections) as place:
            yield World(place, broker, database, start)


@pytest.fixture
def world(tmp_path: Path, database: Postgres) -> Iterator[World]:
    with a_world(tmp_path, database) as made:
        yield made


def check(world: World) -> None:
    """Each entry of the lanes that are told is there once, with its body, or its digest where it stays."""
    there: dict[tuple[object, object], tuple[object, Any]] = {}
    wanted: list[Any] = []

    def same() -> bool:
        # the steward goes on recording what it sees of its surroundings
        wanted[:] = [entry for entry in entries(world.place.ledger) if entry.lane in SENT_LANES]
        rows = world.database.rows("SELECT lane, seq, type, data FROM event")
        there.clear()
        there.update({(lane, seq): (kind, data) for lane, seq, kind, data in rows})
        return there.keys() == {(entry.lane.label, entry.lane_number) for entry in wanted}

    wait_until(same, "the database has the ledger's numbers, each once")
    for entry in wanted:
        kind, data = there[entry.lane.label, entry.lane_number]
        if kind == "jidoka.kept.v1":
            assert data["size_bytes"] == len(entry.body)
        else:
            assert data == json.loads(entry.body)
    assert world.database.rows("SELECT count(*) FROM conflict") == [(0,)]
    for (payload,) in world.database.rows("SELECT payload FROM event"):
        assert isinstance(payload, bytes)
        validate(payload)


def test_what_the_ledger_tells_is_committed_once_and_only_then_forgotten(world: World) -> None:
    world.happen(50)
    world.monitor.decide([decision(n) for n in range(1, 257)])
    wait_until(lambda: world.told()["history"] >= 1, "a decision block is in the ledger")
    world.settle()
    check(world)
    kinds = {row[0] for row in world.database.rows("SELECT type FROM event WHERE lane = 'history'")}
    assert kinds == {"jidoka.kept.v1"}, "a decision block stays on the device and is told by its digest"


def test_without_an_aims_nothing_is_forgotten_and_it_is_told_as_late_once_one_is_there(world: World) -> None:
    world.programs["worker"].signal(signal.SIGKILL)
    world.programs["worker"].wait()
    world.happen(30)
    world.place.guard.until(lambda: world.place.guard.recorded == 30, "recorded")
    wait_until(lambda: world.place.status()["mqtt"]["backlog"]["alarm"] >= 30, "they wait")
    world.programs["worker"] = world.worker()
    world.settle()
    check(world)


def test_killing_steward_broker_worker_and_database_in_any_order_costs_nothing(world: World) -> None:
    rng = random.Random(7)
    victims = ["steward", "broker", "worker", "database", "steward", "broker", "worker"]
    rng.shuffle(victims)
    for victim in victims:
        world.happen(rng.randrange(20, 60))
        world.kill(victim)
        world.happen(10)
    world.settle(90)
    check(world)


def test_history_that_goes_for_want_of_room_is_told_by_its_digest_and_that_it_went_is_told_too(
    tmp_path: Path, database: Postgres
) -> None:
    limit_bytes = 100_000
    with a_world(tmp_path, database, record={"limit_bytes": limit_bytes}) as world:
        world.happen(5)
        rng = random.Random(7)
        for block in range(40):
            rows = [
                decision(256 * block + n, confidence=rng.random(), record_ns=rng.getrandbits(60))
                for n in range(256)
            ]
            world.monitor.decide(rows)
            world.place.guard.pump()

        def went() -> bool:
            world.place.guard.pump()
            ledger = world.place.status()["ledger"]
            return bool(ledger["removed"]) and ledger["disk_bytes"] <= 0.95 * limit_bytes

        wait_until(went, "the oldest blocks went")
        world.settle()
        assert not world.place.status()["ledger"]["is_nearly_full"]
        rows_there = world.database.rows(
            "SELECT seq, type, data ->> 'sha256' FROM event WHERE lane = 'history' ORDER BY seq"
        )
        assert [(seq, kind) for seq, kind, _ in rows_there] == [(n, "jidoka.kept.v1") for n in range(1, 41)]
        digests = {seq: digest for seq, _, digest in rows_there}
        removed = [entry for entry in entries(world.place.ledger) if entry.kind is Kind.REMOVED]
        gone = {
            run.lane_number + i: each.sha256 for run in removed for i, each in enumerate(removed_of(run).gone)
        }
        assert gone
        assert {number: digests[number] for number in gone} == gone
        told = world.database.rows(
            "SELECT sum((data ->> 'count')::int) FROM event WHERE type = 'jidoka.retention.v1'"
        )
        assert told == [(len(gone),)]
        assert world.database.rows("SELECT count(*) FROM conflict") == [(0,)]


def test_an_acknowledgement_of_what_never_was_is_refused_and_moves_nothing(world: World) -> None:
    world.happen(5)
    world.settle()
    client = paho.Client(CallbackAPIVersion.VERSION2, "liar")
    client.connect("127.0.0.1", world.broker.port)
    client.loop_start()
    before = world.told()["alarm"]
    bad: tuple[bytes, ...] = (
        json.dumps({"type": "jidoka.ack.v1", "data": {"committed": {"alarm": 10**6}}}).encode(),
        json.dumps({"type": "jidoka.ack.v1", "data": {"committed": {"alarm": -1, "evidence": True}}}).encode(),
        b"[1", b"null", b"\xff\xfe",
    )  # fmt: skip
    for payload in bad:
        client.publish(f"{TREE}/ack", payload, 1, retain=False).wait_for_publish(10)

    def refusals() -> list[str]:
        found = [entry.json() for entry in entries(world.place.ledger) if entry.lane is Lane.EVIDENCE]
        return [each["refused"] for each in found if "isn't believed" in str(each.get("refused"))]

    wait_until(lambda: len(refusals()) >= 1, "the disbelief is recorded, once in a while")
    client.loop_stop()
    world.happen(5)
    world.settle()
    check(world)
    assert world.told()["alarm"] >= before + 5
