"""The outbox: days without a link, a million messages behind, what the disk is made to write, and paho's own queue beside it.

python tools/bench/outbox.py [--quick] [--json FILE]

Real mosquitto, PostgreSQL, workers of tools/aims and a real steward; the ledger of the days without a link is written by the
real writer with a clock of its own. Telegraf's disk buffer would be measured beside it, if Telegraf were on the machine. About
15 minutes on two quiet cores. Kills and torn files: tools/kill_outbox.py.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

# run as a file: the world comes from tests/, rows from bench/
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import paho.mqtt.client as paho
from jidoka.steward.ledger.check import check
from paho.mqtt.enums import CallbackAPIVersion

from tests.processes import programs, wait_until
from tests.steward.site import Site, rss_mib
from tools.bench._outbox_ledger import Made, write
from tools.bench._outbox_world import Aims, Alarms, Events, Watcher, aims, device
from tools.bench._rows import AT_LEAST, Row, bench

HERE = Path(__file__).resolve().parent
MB_OF_MIB = 1.048576


class Size(NamedTuple):
    """How much of everything. days_s: seconds without a link; behind: messages that wait while alarms are timed; asked: alarms
    that are timed; written: messages whose bytes on the disk are counted; queued: messages in paho's queue."""

    days_s: int
    alarms: int
    behind: int
    asked: int
    written: int
    queued: int


FULL = Size(604_800, 10_000, 1_000_000, 200, 20_000, 20_000)
QUICK = Size(6_000, 100, 20_000, 15, 500, 2_000)


def measure(is_quick: bool) -> Iterator[Row]:
    size = QUICK if is_quick else FULL
    yield from on_the_disk(size)
    with aims() as world:
        alarms = Alarms(world.database.address)
        yield from beside_paho(world, size)
        alone_s = yield from none_behind(world, alarms, size)
        yield from many_behind(world, alarms, size, alone_s)
        yield from days_without_a_link(world, alarms, size)
        alarms.close()
    if shutil.which("telegraf") is None:
        print("Telegraf isn't on this machine: not measured beside.", file=sys.stderr)


# ------------------------------------------------------------ what is written


def on_the_disk(size: Size) -> Iterator[Row]:
    """Bytes per message and rates, by how many messages share one fdatasync."""
    for group in (1, 10, 100):
        found = {}
        for what in ("ledger", "sqlite"):
            with tempfile.TemporaryDirectory(prefix="jidoka-disk-") as folder:
                command = [
                    sys.executable,
                    str(HERE / "_outbox_disk.py"),
                    what,
                    folder,
                    str(size.written),
                    str(group),
                ]
                found[what] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        ours, theirs = found["ledger"], found["sqlite"]
        told = f"stored and forgotten, {group} a group"
        peer = f"sqlite WAL, synchronous=FULL: {theirs['bytes']:.0f} B, {theirs['per_s']:.0f}/s; /proc/PID/io write_bytes"
        yield Row(f"{told}: written to the disk per message", ours["bytes"], "B", peer=peer)
        yield Row(
            f"{told}: of what sqlite's WAL writes", ours["bytes"] / theirs["bytes"], "×", 1 / 3, peer=peer
        )
        if ours["disk_bytes"] is not None:
            of_disk = f"{ours['disk_bytes']:.0f} B and {theirs['disk_bytes']:.0f} B; /sys/dev/block, everything on that disk"
            yield Row(
                f"{told}: the same with the file system's journal",
                ours["disk_bytes"] / theirs["disk_bytes"],
                "×",
                peer=of_disk,
            )
        yield Row(f"{told}: rate", ours["per_s"], "/s", peer=peer)


# ------------------------------------------------------------ alarms


def none_behind(world: Aims, alarms: Alarms, size: Size) -> Generator[Row, None, float]:
    """What an alarm takes on its own; the generator's value is the median in seconds."""
    with device(world.broker.port, "alone") as place:
        place.start()
        median_s, worst_s = _timed(place, alarms, size.asked)
    yield Row("alarm, none behind: into the AIMS's database, median", 1e3 * median_s, "ms")
    yield Row("alarm, none behind: 95 of 100 within", 1e3 * worst_s, "ms")
    return median_s


def many_behind(world: Aims, alarms: Alarms, size: Size, alone_s: float) -> Iterator[Row]:
    """The same while a long history is on its way; what the steward needs for it, and how soon it is there after a start."""
    peer = f"{size.behind} messages behind"
    with device(world.broker.port, "behind") as place:
        made = write(place.ledger, size.behind, 0, time.time_ns())
        yield Row(
            "append: the real writer, one program",
            made.events / made.seconds,
            "/s",
            peer="groups of up to 250 ms",
        )
        began_s = time.monotonic()
        program = place.start()
        ready_s = time.monotonic() - began_s
        pid = program.process.pid
        began_s = time.monotonic()
        median_s, worst_s = _timed(place, alarms, size.asked)
        took_s = time.monotonic() - began_s
        waits = sum(place.status()["mqtt"]["backlog"].values())
        peak = _peak_mib(pid) * MB_OF_MIB
        drained = (made.events + size.asked - waits) / took_s
        yield Row("restart: from exec to listening", ready_s, "s", peer=peer)
        yield Row("steward: memory at its highest", peak, "MB", 90.0, peer=f"{peer}, draining; VmHWM")
        yield Row("steward: memory now", rss_mib(pid) * MB_OF_MIB, "MB", 90.0, peer=peer)
        yield Row("alarm, many behind: median", 1e3 * median_s, "ms", peer=f"{waits} still wait at the end")
        yield Row("alarm, many behind: 95 of 100 within", 1e3 * worst_s, "ms", peer=peer)
        shared = f"{peer}; steward, broker, both workers and database share this machine"
        yield Row("alarm, many behind: of its time with none", median_s / alone_s, "×", 1.2, peer=shared)
        yield Row(
            "drain while alarms are timed", drained, "/s", peer="two workers, one database, one machine"
        )
        yield Row(
            "messages still behind when the last alarm was timed",
            waits,
            "",
            None if size is QUICK else 1,
            AT_LEAST,
        )


def _timed(place: Site, alarms: Alarms, count: int) -> tuple[float, float]:
    """(median, 95th of 100) seconds of so many alarms, at moments that have nothing to do with each other."""
    rng, happening = random.Random(7), Events(place, alarms)
    alarms.begin()
    place.guard.until(lambda: place.guard.connections > 0, "the steward has the guard")
    happening.alarm()  # the first one waits for connections
    found = []
    for _ in range(count):
        until_s = time.monotonic() + rng.uniform(0.1, 0.3)
        while time.monotonic() < until_s:
            place.guard.pump()
            time.sleep(0.01)
        found.append(happening.alarm())
    return statistics.median(found), sorted(found)[max(0, round(0.95 * len(found)) - 1)]


def _peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


# ------------------------------------------------------------ days without a link


def days_without_a_link(world: Aims, alarms: Alarms, size: Size) -> Iterator[Row]:
    """The link comes back after so many seconds at one event a second: what is there, in which order, and how soon."""
    with device(world.broker.port, "away") as place:
        made: Made = write(place.ledger, size.days_s, size.alarms, time.time_ns())
        watcher, happening = Watcher(world.broker.port, "away"), Events(place, alarms)
        alarms.begin()
        place.start()
        limit_s = 60 + size.days_s / 500

        def is_done() -> bool:
            place.guard.pump()
            happening.live()
            time.sleep(0.02)
            return (
                bool(watcher.online_s) and time.monotonic() - checked[0] > 2.0 and not _waits(place, checked)
            )

        checked = [0.0]
        wait_until(is_done, "everything is committed", limit_s)
        done_s = time.monotonic()
        watcher.close()
        link_s = watcher.online_s
        lost, doubled = _compared(world, place)
        gaps = [after - before for before, after in zip(watcher.health_s, watcher.health_s[1:], strict=False)]
        peer = f"{made.events} events, {made.alarms} alarms, {made.size / 1e6:.0f} MB of ledger"
        yield Row("days without a link: events", made.events, "events", peer=peer)
        yield Row("days without a link: lost in the AIMS's database", lost, "messages", 0.0, peer=peer)
        yield Row(
            "days without a link: doubled there",
            doubled,
            "messages",
            0.0,
        )
        yield Row("days without a link: first alarm there after the link", alarms.first_s - link_s, "s", 5.0)
        yield Row(
            "days without a link: last alarm there after the link", alarms.last_s - link_s, "s", peer=peer
        )
        yield Row("days without a link: all there after the link", done_s - link_s, "s", peer=peer)
        yield Row(
            "drain: the whole backlog",
            made.events / (done_s - link_s),
            "/s",
            peer="two workers, one database, one machine",
        )
        yield Row(
            "live values while it drains: longest pause",
            max(gaps, default=0.0),
            "s",
            3.0,
            peer="one a second is sent",
        )
        yield Row("live values while it drains", len(watcher.health_s), "values", 1, AT_LEAST)


def _waits(place: Site, checked: list[float]) -> bool:
    checked[0] = time.monotonic()
    return any(place.status()["mqtt"]["backlog"].values())


def _compared(world: Aims, place: Site, limit_s: float = 10.0) -> tuple[int, int]:
    """(messages of the ledger that the database lacks, messages that it has twice or with two contents). The steward goes on
    recording what it sees, so the two are compared until they agree or the time is up."""
    until_s = time.monotonic() + limit_s
    while True:
        report = check(place.ledger)
        if not report.is_good:
            raise AssertionError(f"the ledger doesn't hold: {report.faults[:3]}")
        there = world.stored(place.plan.device)
        lost = sum(max(0, number - there.get(lane, 0)) for lane, number in report.lanes.items())
        doubled = sum(max(0, number - report.lanes.get(lane, 0)) for lane, number in there.items())
        if not lost or time.monotonic() > until_s:
            return lost, doubled + world.conflicts()


# ------------------------------------------------------------ paho's own queue


def beside_paho(world: Aims, size: Size) -> Iterator[Row]:
    """The same faults where a sender trusts paho's queue and the broker's word."""
    received: set[int] = set()
    client = paho.Client(CallbackAPIVersion.VERSION2, "paho-receiver", clean_session=False)
    subscribed: list[bool] = []
    client.on_subscribe = lambda *_: subscribed.append(True)
    client.on_message = lambda _c, _u, message: received.add(int(message.payload))
    client.connect("127.0.0.1", world.broker.port)
    client.subscribe("paho/queue", 1)
    client.loop_start()
    wait_until(lambda: bool(subscribed), "subscribed")
    with tempfile.TemporaryDirectory() as folder, programs(Path(folder)) as start:
        command = [sys.executable, str(HERE / "_outbox_paho.py")]
        sender = start(*command, "1", str(size.queued))  # nobody listens at port 1
        sender.wait_for_text("queued")
        sender.signal(signal.SIGKILL)
        sender.wait()
        start(*command, str(world.broker.port), "0").wait_for_text("queued")
        _until_quiet(received)
        yield Row(
            "paho's own queue, sender killed: lost",
            size.queued - len(received),
            "messages",
            peer=f"of {size.queued}",
        )
        client.disconnect()
        client.loop_stop()
        received.clear()
        yield from _broker_killed(world, client, received, size)


def _broker_killed(world: Aims, client: paho.Client, received: set[int], size: Size) -> Iterator[Row]:
    """The receiver is away; the broker has acknowledged everything; then it is killed (persistence on, default autosave)."""
    sender = paho.Client(CallbackAPIVersion.VERSION2, "paho-sender", clean_session=False)
    sender.max_queued_messages_set(0)
    acknowledged: list[int] = []
    sender.on_publish = lambda _c, _u, mid, _r, _p: acknowledged.append(mid)
    sender.connect("127.0.0.1", world.broker.port)
    sender.loop_start()
    for number in range(size.queued):
        sender.publish("paho/queue", str(number).encode(), 1)
    wait_until(lambda: len(acknowledged) == size.queued, "the broker has acknowledged all", 120)
    world.programs["broker"].signal(signal.SIGKILL)
    world.programs["broker"].wait()
    world.programs["broker"] = world.broker.start()
    client.reconnect()
    client.loop_start()
    _until_quiet(received)
    for each in (sender, client):
        each.disconnect()
        each.loop_stop()
    lost = size.queued - len(received)
    yield Row(
        "paho and the broker's word, broker killed: lost",
        lost,
        "messages",
        peer=f"of {size.queued} acknowledged",
    )


def _until_quiet(received: set[int], quiet_s: float = 3.0) -> None:
    """Nothing came for a while."""
    seen, since_s = -1, time.monotonic()
    while time.monotonic() - since_s < quiet_s:
        if len(received) != seen:
            seen, since_s = len(received), time.monotonic()
        time.sleep(0.05)


if __name__ == "__main__":
    bench(__doc__ or "", measure)
