"""Connections are served in turn, keep nothing that isn't theirs, and make place for one another."""

from __future__ import annotations

import array
import dataclasses
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from jidoka.monitor.intake import HELLO_LIMIT_NS, Intake
from jidoka.monitor.taps import MOST_TAPS, REST_TURNS, TURN_NS, Taps
from jidoka_bridge.channel import SO_PASSRIGHTS
from jidoka_bridge.plan import Model, Plan
from jidoka_tap import wire

from tests.monitor import line
from tests.monitor.application import Application

CONTENT = line.tensors(np.random.default_rng(1))


class Kept:
    """A sink that keeps the order in which records came."""

    def __init__(self) -> None:
        self.came: list[tuple[str, int]] = []
        self.gone: list[str] = []

    def tap_connected(self, model: str, hello: Mapping[str, Any], now_ns: int) -> None: ...

    def tap_gone(self, model: str) -> None:
        self.gone.append(model)

    def tap_beat(self, model: str, now_ns: int) -> None: ...

    def tap_refused(self, model: str) -> None: ...

    def second_writer(self, model: str, evidence: dict[str, Any], now_ns: int) -> None: ...

    def record(self, model: str, record: wire.Record, now_ns: int) -> Any:
        del now_ns
        self.came.append((model, record.number))

    def known_answer(self, model: str, record: wire.Record, now_ns: int) -> None: ...

    def study(self) -> None: ...


class Rejected(NamedTuple):
    """A judgement."""

    verdict: int = wire.REJECT
    reasons: int = 1


class Clock:
    """Each look at it takes 30 µs."""

    def __init__(self) -> None:
        self.now_ns = time.monotonic_ns()

    def __call__(self) -> int:
        self.now_ns += 30_000
        return self.now_ns


class Place:
    """Taps at a socket of two models, `one` and `two`, and who connects to them."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        plan = line.plan(folder)
        sections = {**plan.sections, "models": {"one": line.SECTION, "two": line.SECTION}}
        models = (Model("one", "none", **settings), Model("two", "none"))
        self.plan: Plan = dataclasses.replace(plan, models=models, sections=sections)
        self.sink = Kept()
        self.clock = Clock()
        self.intake = Intake(self.plan, self.sink)
        self.taps = Taps(self.plan.tap_socket, self.intake)
        self.applications: list[Application] = []

    def turn(self, wait_ns: int = 0) -> None:
        self.taps.turn(self.taps.poll(wait_ns, self.clock.now_ns), self.clock)

    def connect(self, model: str) -> Application:
        application = Application(self.plan.tap_socket, model=model)
        self.applications.append(application)
        self.turn()
        self.turn()
        application.read_welcome()
        return application

    def close(self) -> None:
        self.taps.close()
        for application in self.applications:
            application.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Place]:
    """Model `one` may send a single record at once."""
    made = Place(tmp_path, records_per_s=1.0)
    yield made
    made.close()


def test_one_record_of_each_is_judged_in_turn_however_many_wait(place: Place) -> None:
    one, two = place.connect("one"), place.connect("two")
    for number in range(20):
        one.send(number, CONTENT)
    for number in range(3):
        two.send(number, CONTENT)
    for _ in range(3):
        place.turn()
    assert sorted(place.sink.came) == [(name, number) for name in ("one", "two") for number in range(3)]
    assert [name for name, _ in place.sink.came[::2]] != [name for name, _ in place.sink.came[1::2]]


def test_who_sends_what_is_refused_rests_and_the_others_do_not_wait_for_it(narrow: Place) -> None:
    one, two = narrow.connect("one"), narrow.connect("two")
    for number in range(30):
        one.send(number, CONTENT)
    narrow.turn()  # the one record that the quota allows
    narrow.turn()  # refusals, until the turn is over
    begun = narrow.intake.refused.counts["one", "records quota"]
    assert 0 < begun <= TURN_NS // 30_000 + 1
    (resting,) = narrow.taps._resting
    assert resting.rests_until_ns - narrow.clock.now_ns >= (REST_TURNS - 1) * TURN_NS
    two.send(1, CONTENT)
    narrow.turn()
    assert narrow.sink.came[-1] == ("two", 1)
    assert narrow.intake.refused.counts["one", "records quota"] == begun, "it rests"
    while narrow.intake.refused.counts["one", "records quota"] < 29:
        narrow.clock.now_ns = max(narrow.clock.now_ns, resting.rests_until_ns)
        narrow.turn()
    assert narrow.sink.came == [("one", 0), ("two", 1)], "every other one is refused, and counted"


def test_the_wait_ends_when_a_rest_does(narrow: Place) -> None:
    one = narrow.connect("one")
    for number in range(30):
        one.send(number, CONTENT)
    narrow.turn()
    narrow.turn()
    begun_s = time.monotonic()
    narrow.taps.poll(20_000_000_000, narrow.clock.now_ns)
    assert time.monotonic() - begun_s < 10.0


def test_a_resting_connection_that_is_closed_is_noticed_when_it_is_served_again(narrow: Place) -> None:
    one = narrow.connect("one")
    for number in range(10):
        one.send(number, CONTENT)
    narrow.turn()
    narrow.turn()
    (resting,) = narrow.taps._resting
    one.close()
    while not narrow.sink.gone:
        narrow.clock.now_ns = max(narrow.clock.now_ns, resting.rests_until_ns)
        narrow.turn()
    assert narrow.taps.connections == {}
    assert narrow.taps._resting == []


def test_a_verdict_comes_back_and_one_that_is_not_read_is_dropped_and_counted(place: Place) -> None:
    class Rejecting(Kept):
        def record(self, model: str, record: wire.Record, now_ns: int) -> Any:
            super().record(model, record, now_ns)
            return Rejected()

    place.intake.sink = Rejecting()
    one = place.connect("one")
    one.send(5, CONTENT, part=3, is_gated=True)
    place.turn()
    assert one.verdict() == (5, 3, 1, wire.REJECT, wire.REJECT)
    number = 5
    while not place.taps.dropped:
        number += 1
        one.send(number, CONTENT, is_gated=True)
        place.turn()
    assert place.taps.connections, "who doesn't read is served all the same"


# ---------------------------------------------------------------- descriptors


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_thousand_descriptors_that_come_with_records_leave_none_open(place: Place) -> None:
    one = place.connect("one")
    ends = os.pipe()
    before = descriptors()
    refused_by_kernel = came = 0
    for number in range(1000):
        pieces, _ = wire.pack_record(number, 0, 1, 1, CONTENT)
        datagram = wire.encode(wire.RECORD, 1, b"".join(pieces))
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", ends).tobytes())
        try:
            one.sock.sendmsg([datagram], [rights])
            came += 1
        except PermissionError:  # the kernel knows SO_PASSRIGHTS
            refused_by_kernel += 1
        place.turn()
    assert descriptors() == before
    assert came + refused_by_kernel == 1000
    assert len(place.sink.came) == came
    os.close(ends[1])
    assert os.read(ends[0], 1) == b"", "nobody holds the writing end"
    os.close(ends[0])


def test_where_the_kernel_can_it_refuses_descriptors_at_their_sender(place: Place) -> None:
    try:
        value = place.taps.server.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS)
    except OSError:
        pytest.skip("a kernel before 6.16: descriptors come and are dropped")
    assert value == 0
    one = place.connect("one")
    end = os.open("/dev/null", os.O_RDONLY)
    with pytest.raises(PermissionError):
        socket.send_fds(one.sock, [b"x"], [end])
    os.close(end)


def test_an_arena_lives_as_long_as_its_connection(tmp_path: Path) -> None:
    plan = line.plan(tmp_path)
    section = {**line.SECTION, "arena_slots": 2, "largest_record_bytes": 100_000}
    plan = dataclasses.replace(plan, sections={**plan.sections, "models": {line.MODEL: section}})
    sink = Kept()
    taps = Taps(plan.tap_socket, Intake(plan, sink))
    before = descriptors()
    for number in range(1, 4):
        application = Application(plan.tap_socket)
        for _ in range(2):
            taps.turn(taps.poll(0, 1), time.monotonic_ns)
        application.read_welcome()
        application.send_by_arena(number, 1, CONTENT)
        taps.turn(taps.poll(0, 1), time.monotonic_ns)
        assert application.released(1) == number
        application.close()
        assert application.memory is not None
        application.memory.close()
        os.close(application.descriptor)
        taps.turn(taps.poll(0, 1), time.monotonic_ns)
        assert descriptors() == before
    assert [number for _, number in sink.came] == [1, 2, 3]
    taps.close()


# ---------------------------------------------------------------- who may stay


def silent(place: Place) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(str(place.plan.tap_socket))
    place.turn()
    return sock


def until_ended(place: Place, claim: Callable[[], bool]) -> None:
    for _ in range(100):
        if claim():
            return
        place.turn()
    raise AssertionError("never ended")


def test_connections_that_say_nothing_keep_no_application_out(place: Place) -> None:
    sockets = [silent(place) for _ in range(MOST_TAPS + 10)]
    assert len(place.taps.connections) == MOST_TAPS
    assert place.intake.refused.counts["", "too many taps"] == 10
    assert place.connect("one").welcome["model"] == "one"
    two = place.connect("two")
    sockets += [silent(place) for _ in range(2 * MOST_TAPS)]
    two.send(1, CONTENT)
    place.turn()
    assert place.sink.came == [("two", 1)], "who has said who it is stays"
    for sock in sockets:
        sock.close()
    until_ended(place, lambda: len(place.taps.connections) == 2)


def test_a_connection_that_says_nothing_is_ended_after_a_while(place: Place) -> None:
    sock = silent(place)
    place.taps.end_overdue(place.clock.now_ns)
    assert len(place.taps.connections) == 1
    place.taps.end_overdue(place.clock.now_ns + HELLO_LIMIT_NS + 1)
    assert place.taps.connections == {}
    assert place.intake.refused.counts == {("", "no hello"): 1}
    assert sock.recv(1) == b""
    sock.close()


def test_an_application_that_goes_away_makes_place_for_the_next(place: Place) -> None:
    first = place.connect("one")
    assert place.connect("one").welcome["reason"] == "two writers"
    first.close()
    place.turn()
    assert place.sink.gone == ["one"]
    assert place.connect("one").welcome["model"] == "one"


def test_an_application_that_is_started_again_waits_for_what_it_had_sent(place: Place) -> None:
    first = place.connect("one")
    for number in range(5):
        first.send(number, CONTENT)
    first.close()
    again = Application(place.plan.tap_socket, model="one")
    place.applications.append(again)
    place.turn()
    place.turn()
    assert len(place.sink.came) == 2, "its HELLO came while three records waited"
    until_ended(place, lambda: place.sink.gone == ["one"])
    assert again.read_welcome()["model"] == "one"
    assert [number for _, number in place.sink.came] == [0, 1, 2, 3, 4]
    assert not place.intake.refused.counts, "nobody is called a second writer"


def test_an_application_that_hangs_up_while_it_waits_is_forgotten(place: Place) -> None:
    first = place.connect("one")
    for number in range(5):
        first.send(number, CONTENT)
    first.close()
    again = Application(place.plan.tap_socket, model="one")
    place.turn()
    place.turn()
    again.close()
    until_ended(place, lambda: not place.taps.connections)
    assert place.connect("one").welcome["model"] == "one"


def test_the_directory_outlives_the_taps(tmp_path: Path) -> None:
    made = Place(tmp_path)
    folder = made.plan.tap_socket.parent
    before = folder.stat().st_ino
    made.close()
    assert not made.plan.tap_socket.exists()
    again = Place(tmp_path)
    assert folder.stat().st_ino == before, "a container that mounted it sees the new socket"
    again.close()
