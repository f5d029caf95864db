"""The monitor as a program: the test plays guard, steward and tap on real sockets."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import datasketches
import numpy as np
import psutil
import pytest
from jidoka.monitor import baseline as files
from jidoka.monitor.kernels.warm import KERNELS
from jidoka.monitor.needed import needed_by
from jidoka_bridge import channel, messages
from jidoka_bridge import plan as plans
from jidoka_bridge.messages import Condition, Judgement, Kind, Lease
from jidoka_tap import wire

from tests.monitor import line
from tests.monitor.test_known_answers import COUNT, IMAGES, LOGITS, plan_with_answers
from tests.processes import Program, programs, wait_until

pytestmark = pytest.mark.process


class Peer:
    """Guard or steward: listens, keeps every message."""

    def __init__(self, path: Path) -> None:
        self.server = channel.listen(path)
        self.channel: channel.Channel | None = None
        self.messages: list[messages.Message] = []

    def poll(self) -> None:
        if self.channel is None:
            try:
                self.channel = channel.Channel(connected=self.server.accept()[0])
            except BlockingIOError:
                return
        self.messages += [messages.decode(datagram) for datagram in self.channel.receive()]

    def of(self, kind: Kind) -> list[messages.Message]:
        self.poll()
        return [message for message in self.messages if message.kind is kind]

    def condition(self, index: int) -> Condition | None:
        found = [Condition.unpack(message.body) for message in self.of(Kind.CONDITION)]
        return next((each for each in reversed(found) if each.index == index), None)

    def close(self) -> None:
        self.server.close()
        if self.channel is not None:
            self.channel.close()

    def send(self, kind: Kind, body: bytes) -> None:
        assert self.channel is not None
        self.channel.send(messages.encode(kind, 0, 1, body))


class World:
    """A monitor, and everything around it."""

    def __init__(self, folder: Path, start: Callable[..., Program], plan: plans.Plan) -> None:
        self.plan = plan
        path = folder / "plan.json"
        path.write_bytes(plans.dump(plan))
        self.guard, self.steward = Peer(plan.guard_monitor_socket), Peer(plan.steward_socket)
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))
        self.notified.settimeout(180.0)  # kernels are compiled at the first start
        self.program = start(
            sys.executable, "-m", "jidoka.monitor", "--plan", str(path),
            environment={"NOTIFY_SOCKET": str(folder / "notify"), "JIDOKA_DIE_WITH_PARENT": "1"},
        )  # fmt: skip
        self.statuses: list[str] = []
        while "READY=1" not in self.statuses:
            self.statuses += self.notified.recv(4096).decode().split("\n")
        self.tap = self.connect()
        self.number = 0
        self.rng = np.random.default_rng(7)

    def connect(self) -> socket.socket:
        tap = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        tap.settimeout(30.0)
        tap.connect(str(self.plan.tap_socket))
        return tap

    def answer(self, tap: socket.socket) -> tuple[int, dict[str, object]]:
        kind, _, body = wire.decode(tap.recv(65536))
        return kind, wire.decode_json(body)

    def greet(self) -> None:
        self.tap.send(line.hello_datagram(sha256=line.SHA256))
        assert self.answer(self.tap)[0] == wire.WELCOME

    def make(self, parts: int, gain: float = 1.0) -> None:
        """Parts come down the line; number and part rise together."""
        for _ in range(parts):
            self.number += 1
            self.tap.send(line.record_datagram(self.number, line.tensors(self.rng, gain), part=self.number))

    def is_counted(self, records: int) -> bool:
        leases = self.guard.of(Kind.LEASE)
        return bool(leases) and Lease.unpack(leases[-1].body).records == records

    def is_judged(self, index: int, judgement: Judgement, **fields: int) -> bool:
        found = self.guard.condition(index)
        return (
            found is not None
            and found.judgement is judgement
            and all(getattr(found, name) == value for name, value in fields.items())
        )


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[plans.Plan], World]]:
    with programs(tmp_path) as start:
        yield lambda plan: World(tmp_path, start, plan)


def learned(plan: plans.Plan) -> plans.Plan:
    files.save(files.path_of(plan, line.MODEL, 0, 0), line.baseline())
    return plan


def test_a_lamp_that_fails_is_an_alarm_with_its_evidence_and_the_parts_to_sort_again(
    tmp_path: Path, begin: Callable[[plans.Plan], World]
) -> None:
    world = begin(learned(line.plan(tmp_path)))
    assert world.statuses[0] == "STATUS=compiling kernels"
    world.greet()
    wait_until(lambda: len(world.guard.of(Kind.MODE)) > 1, "the guard hears which file was loaded")
    assert world.guard.messages[0].json() == {"plan": world.plan.digest}, (
        "before anything else: what its numbers mean"
    )
    assert world.guard.of(Kind.MODE)[1].json() == {"model": line.MODEL, "digest": line.SHA256}
    world.make(60)
    wait_until(lambda: world.is_judged(0, Judgement.OFF), "20 good parts make it off")
    world.make(60, gain=0.9)
    wait_until(lambda: world.is_judged(0, Judgement.ON), "the alarm")
    seen = [Condition.unpack(m.body) for m in world.guard.of(Kind.CONDITION)]
    alarm = next(each for each in seen if each.index == 0 and each.judgement is Judgement.ON)
    evidence = alarm.evidence
    assert evidence["feature"] in {"brightness", "contrast", "sharpness"}
    assert evidence["direction"] == "down"
    assert evidence["onset_low_part"] <= 61 <= evidence["onset_high_part"]
    crossed = evidence["record_ns"] // 1_000_000 - 1
    assert 60 < crossed <= 90, "found within few parts"
    assert evidence["last_part"] >= crossed
    assert evidence["recipe"] == evidence["position"] == 0
    assert alarm.limit == pytest.approx(1e5)
    wait_until(lambda: world.steward.condition(0) is not None, "the steward hears it too")
    wait_until(lambda: len(world.steward.of(Kind.SUMMARY)) > 1, "a summary each second")
    wait_until(lambda: len(world.steward.of(Kind.COUNTERS)) > 1, "counters each second")

    def rows() -> list[messages.Decision]:
        return [row for m in world.steward.of(Kind.DECISIONS) for row in messages.unpack_decisions(m.body)[1]]

    wait_until(lambda: len(rows()) == 120, "a decision for each record")
    assert [row.part for row in rows()] == list(range(1, 121))
    assert rows()[0].verdict == 0
    assert rows()[-1].verdict == 1
    summary = world.steward.of(Kind.SUMMARY)[-1].json()
    assert summary["conditions"][line.DRIFT] == "on"
    lease = Lease.unpack(world.guard.of(Kind.LEASE)[-1].body)
    assert (lease.records, lease.lost) == (120, 0)


def test_the_program_ends_when_told_to_and_says_goodbye(
    tmp_path: Path, begin: Callable[[plans.Plan], World]
) -> None:
    world = begin(learned(line.plan(tmp_path)))
    world.greet()
    world.make(20)  # too few to be told as sketches: these are still there at the end
    wait_until(lambda: world.is_counted(20), "all are judged")
    wait_until(lambda: bool(world.guard.of(Kind.LEASE)), "a lease")
    world.program.signal(signal.SIGTERM)
    assert world.program.wait() == 0
    assert world.guard.of(Kind.BYE)
    assert "leaked" not in world.program.text, "a library complains of objects that outlive it"
    assert not world.plan.tap_socket.exists()
    assert world.plan.tap_socket.parent.is_dir()


def test_what_was_seen_since_the_last_hour_is_told_as_sketches_before_it_ends(
    tmp_path: Path, begin: Callable[[plans.Plan], World]
) -> None:
    world = begin(learned(line.plan(tmp_path)))
    world.greet()
    world.make(150)
    wait_until(lambda: len(world.steward.of(Kind.DECISIONS)) > 0 and world.is_counted(150), "all are judged")
    world.program.signal(signal.SIGTERM)
    assert world.program.wait() == 0
    told = {each.json()["feature"]: each.json() for each in world.steward.of(Kind.SKETCH)}
    assert set(line.FEATURES) <= set(told)
    sketch = datasketches.kll_floats_sketch.deserialize(base64.b64decode(told["brightness"]["kll"]))
    assert sketch.n == told["brightness"]["records"] == 150
    assert abs(sketch.get_quantile(0.5) - 120.0) < 5.0


def test_the_monitor_outlives_garbage_a_second_writer_and_a_tap_that_vanishes(
    tmp_path: Path, begin: Callable[[plans.Plan], World]
) -> None:
    world = begin(learned(line.plan(tmp_path)))
    world.greet()
    world.make(1)
    second = world.connect()
    second.send(line.hello_datagram(pid=42))
    kind, refusal = world.answer(second)
    assert kind == wire.REFUSED
    assert refusal["reason"] == "two writers"
    wait_until(lambda: world.is_judged(3, Judgement.ON), "two writers is a condition")
    stranger = world.connect()
    stranger.send(os.urandom(500))
    assert world.answer(stranger)[0] == wire.REFUSED
    world.tap.send(b"JDR1 garbage")
    world.make(1)
    wait_until(
        lambda: any(
            m.json()["refused"] == 1 and m.json()["records"] == 2 for m in world.steward.of(Kind.SUMMARY)
        ),
        "one refusal, counted",
    )
    world.tap.close()
    wait_until(
        lambda: Lease.unpack(world.guard.of(Kind.LEASE)[-1].body).beat_ns == 0, "the lease says: no tap"
    )
    world.tap = world.connect()
    world.greet()


def test_records_count_only_while_the_machine_runs_and_a_proving_run_starts_afresh(
    tmp_path: Path, begin: Callable[[plans.Plan], World]
) -> None:
    world = begin(learned(line.plan(tmp_path, mode="enforce")))
    wait_until(lambda: bool(world.guard.of(Kind.LEASE)), "the guard is connected")
    world.greet()

    def records() -> int:
        return Lease.unpack(world.guard.of(Kind.LEASE)[-1].body).records

    world.make(40)
    wait_until(lambda: records() == 40, "all came")
    assert world.is_judged(0, Judgement.UNKNOWN)
    world.guard.send(Kind.PLC_STATUS, line.status(proving_run=1, is_proving=True).pack())
    wait_until(lambda: world.is_judged(0, Judgement.UNKNOWN, run=1, needed_n=20), "afresh, in run 1")
    world.make(20)
    wait_until(lambda: world.is_judged(0, Judgement.OFF, run=1), "judged good on records of the run")
    world.guard.send(Kind.PLC_STATUS, line.status(proving_run=2, is_proving=True).pack())
    wait_until(lambda: world.is_judged(0, Judgement.UNKNOWN, run=2), "afresh, in run 2")
    world.make(20, gain=0.8)
    wait_until(lambda: world.is_judged(0, Judgement.ON, run=2), "judged bad")


def test_without_a_baseline_the_condition_is_no_baseline_and_never_drift(
    tmp_path: Path, begin: Callable[[plans.Plan], World]
) -> None:
    world = begin(line.plan(tmp_path))
    wait_until(lambda: world.is_judged(1, Judgement.ON), "no baseline")
    world.greet()
    world.make(50, gain=0.5)
    wait_until(
        lambda: any(m.json()["records"] == 50 for m in world.steward.of(Kind.SUMMARY)), "all were judged"
    )
    assert world.is_judged(0, Judgement.UNKNOWN)


def test_a_baseline_of_another_model_is_refused_with_both_named(tmp_path: Path) -> None:
    plan = line.plan(tmp_path)
    other = line.baseline(n=300)
    files.save(files.path_of(plan, line.MODEL, 0, 0), files.Baseline(
        line.MODEL, "cd" * 32, 0, 0, other.names, other.records, 10.0, other.learned_at))  # fmt: skip
    (tmp_path / "plan.json").write_bytes(plans.dump(plan))
    with programs(tmp_path) as start:
        program = start(sys.executable, "-m", "jidoka.monitor", "--plan", str(tmp_path / "plan.json"))
        assert program.wait() == 6
    assert "cdcdcdcd" in program.text
    assert "abababab" in program.text
    assert "Traceback" not in program.text


def test_with_a_warm_cache_the_monitor_stays_within_170_mib(tmp_path: Path) -> None:
    plan = learned(line.plan(tmp_path))
    (tmp_path / "plan.json").write_bytes(plans.dump(plan))
    with programs(tmp_path) as start:
        # the kernels' code and the sources' bytecode, as pip keeps it; the first one warms both
        kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode")}
        for _ in range(2):
            command = (sys.executable, "-m", "jidoka.monitor", "--plan", str(tmp_path / "plan.json"))
            program = start(*command, environment=kept)
            text = program.wait_for_text("1 baselines", limit_s=60.0)
            rss_mib = psutil.Process(program.process.pid).memory_info().rss / 2**20
            program.signal(signal.SIGTERM)
            assert program.wait() == 0
    needed = needed_by(plan)
    signatures = sum(len(signatures) for kernel, signatures in KERNELS if kernel in needed)
    assert f", {signatures} from the cache" in text
    assert rss_mib <= 170


def test_a_second_monitor_on_the_same_socket_is_refused_in_plain_words(
    tmp_path: Path, begin: Callable[[plans.Plan], World]
) -> None:
    begin(learned(line.plan(tmp_path)))
    with programs(tmp_path) as start:
        second = start(sys.executable, "-m", "jidoka.monitor", "--plan", str(tmp_path / "plan.json"))
        assert second.wait(60.0) == 10
    assert "another monitor listens there" in second.text
    assert "Traceback" not in second.text


def known_answer(number: int, n: int, off: float = 0.0) -> bytes:
    content = [(wire.OUTPUT, 0, LOGITS[n] + np.float32(off)), (wire.INPUT, 0, IMAGES[n])]
    pieces, _ = wire.pack_record(number, n + 1, 1, 1, content)
    return wire.encode(wire.RECORD, 1, b"".join(pieces), wire.KNOWN_ANSWER)


def test_who_is_asked_for_the_known_answers_asks_the_application_and_tells_the_guard_what_came(
    tmp_path: Path, begin: Callable[[plans.Plan], World]
) -> None:
    world = begin(plan_with_answers(tmp_path))
    digest = world.plan.models[0].known_answers
    asked = json.dumps({"model": line.MODEL, "digest": digest}).encode()

    def told(peer: Peer, kind: Kind) -> list[dict[str, object]]:
        bodies = [message.json() for message in peer.of(kind)]
        return [body for body in bodies if kind is Kind.KNOWN_ANSWERS or body.get("kind") == "known answers"]

    wait_until(lambda: bool(world.guard.of(Kind.CONDITION)), "the guard is there")
    world.guard.send(Kind.KNOWN_ANSWERS, asked)
    wait_until(lambda: len(told(world.steward, Kind.EVENT)) == 1, "the steward hears that nobody can tell")
    assert "isn't connected" in str(told(world.steward, Kind.EVENT)[0]["text"])
    world.tap.send(line.hello_datagram(shows=True))
    assert world.answer(world.tap)[1]["known_answers"] == digest
    for n in range(COUNT):  # by itself after its start: right, and nobody asked
        world.tap.send(known_answer(1 + n, n))
    wait_until(lambda: len(told(world.steward, Kind.EVENT)) == 2, "recorded")
    assert told(world.steward, Kind.EVENT)[1]["passed"] is True
    assert told(world.guard, Kind.KNOWN_ANSWERS) == []
    world.guard.send(Kind.KNOWN_ANSWERS, asked)
    assert world.answer(world.tap) == (wire.SHOW, {"digest": digest})
    for n in range(COUNT):
        world.tap.send(known_answer(10 + n, n))
    right = {"model": line.MODEL, "digest": digest, "passed": True}
    wait_until(
        lambda: told(world.guard, Kind.KNOWN_ANSWERS) == [right], "the guard hears what a person asked for"
    )
    world.tap.send(known_answer(20, 0, off=1.0))
    wait_until(lambda: len(told(world.guard, Kind.KNOWN_ANSWERS)) == 2, "wrong ones count, asked or not")
    assert told(world.guard, Kind.KNOWN_ANSWERS)[1]["passed"] is False
    assert world.guard.channel is not None
    world.guard.channel.close()
    world.guard.channel = None
    wait_until(lambda: len(told(world.guard, Kind.KNOWN_ANSWERS)) == 3, "a guard that is new is told again")
