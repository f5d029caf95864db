"""Real-time scheduling and locked memory: taken where allowed, told with the remedy where not; the supervisor's watchdog."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from jidoka_bridge.guard.beating import FEED_NS, Watchdog
from jidoka_bridge.guard.realtime import LOOP_PRIORITY

from tests.bridge.guard.guard_world import World
from tests.processes import Program, programs

LIMIT_BYTES = 24 << 20
#: takes from root what an ordinary user hasn't
WITHOUT = ("setpriv", "--bounding-set", "-sys_nice,-ipc_lock,-sys_resource", "--")


def may_be_fifo() -> bool:
    """Whether this process may do what the guard tries."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def started(world: World, start: Callable[..., Program], *before: str) -> Program:
    world.make_latch_file()
    world.start_plc()
    guard = start(*before, sys.executable, "-m", "jidoka_bridge", "--plan", str(world.plan_file))
    world.until(lambda: "31" in world.counters, "counters come")
    return guard


@pytest.mark.process
@pytest.mark.skipif(not may_be_fifo(), reason="this user may not use SCHED_FIFO")
def test_where_it_is_allowed_the_loop_is_scheduled_first_and_its_memory_stays_in_place(
    tmp_path: Path,
) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        guard = started(world, start)
        pid = guard.process.pid
        assert os.sched_getscheduler(pid) == os.SCHED_FIFO
        assert os.sched_getparam(pid).sched_priority == LOOP_PRIORITY
        # the latch writer holds Python's lock for moments: it must not be kept from giving it back
        threads = [int(each.name) for each in Path(f"/proc/{pid}/task").iterdir()]
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_FIFO}
        assert world.counters["30"] == 1
        locked_bytes = world.counters["31"]
        resident_bytes = psutil.Process(pid).memory_info().rss
        print(f"locked: {locked_bytes / 2**20:.1f} MiB, resident: {resident_bytes / 2**20:.1f} MiB")
        assert 0 < locked_bytes <= LIMIT_BYTES
        status = Path(f"/proc/{pid}/status").read_text()
        assert "VmLck:\t       0 kB" not in status
        assert "runs without" not in guard.text


@pytest.mark.process
@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="root has every right here")
def test_where_it_is_not_allowed_the_guard_works_and_says_what_to_allow(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        guard = started(world, start, *(WITHOUT if os.getuid() == 0 else ()))
        assert os.sched_getscheduler(guard.process.pid) == os.SCHED_OTHER
        assert (world.counters["30"], world.counters["31"]) == (0, 0)
        text = guard.wait_for_text("runs without locked memory")
        assert "runs without SCHED_FIFO" in text
        assert "LimitRTPRIO" in text
        assert "LimitMEMLOCK" in text


@pytest.mark.process
def test_the_supervisors_watchdog_is_fed_while_beats_go_out(tmp_path: Path) -> None:
    told: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor, programs(tmp_path) as start:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(10)
        world = World(tmp_path, start)
        world.make_latch_file()
        world.start_plc()
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        start(
            sys.executable,
            "-m",
            "jidoka_bridge",
            "--plan",
            str(world.plan_file),
            environment=environment,
        )
        while told.count("WATCHDOG=1") < 4:
            told += supervisor.recv(4096).decode().splitlines()
    assert told[0] == "READY=1"
    assert "STATUS=START_UP" in told


def test_a_loop_that_turns_without_beating_does_not_feed_the_watchdog() -> None:
    watchdog = Watchdog()
    assert watchdog.is_due(1, 1, is_open=True)
    assert not watchdog.is_due(1 + FEED_NS, 1, is_open=True)
    assert not watchdog.is_due(1 + 100 * FEED_NS, 1, is_open=True)
    assert watchdog.is_due(1 + 100 * FEED_NS, 2, is_open=True)
    # often enough is enough
    assert not watchdog.is_due(2 + 100 * FEED_NS, 3, is_open=True)


def test_without_an_open_port_a_loop_that_goes_on_trying_feeds_the_watchdog() -> None:
    watchdog = Watchdog()
    assert watchdog.is_due(1, 0, is_open=False)
    assert watchdog.is_due(1 + FEED_NS, 0, is_open=False)
