"""The monitor comes and goes while the application goes on."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jidoka.monitor import baseline as files
from jidoka_bridge import channel
from jidoka_bridge import plan as plans
from jidoka_bridge.messages import Kind, Lease

from tests.monitor import line
from tests.monitor.test_process import Peer
from tests.processes import Program, programs, wait_until

pytestmark = pytest.mark.process

#: what is promised is 2 s; the rest is for a machine that is busy with other tests, and for the lease's 100 ms
LIMIT_S = 2.0 + 1.0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "ended"])
def test_records_flow_again_within_two_seconds_of_the_monitors_return(tmp_path: Path, number: int) -> None:
    plan = line.plan(tmp_path)
    files.save(files.path_of(plan, line.MODEL, 0, 0), line.baseline())
    (tmp_path / "plan.json").write_bytes(plans.dump(plan))
    with programs(tmp_path) as start:
        root = str(Path(__file__).resolve().parents[2])
        start(
            sys.executable, "-m", "tests.monitor.watched_application", str(plan.tap_socket), line.MODEL,
            environment={"PYTHONPATH": root},
        )  # fmt: skip
        folder = 0
        for _ in range(2):
            guard = Peer(plan.guard_monitor_socket)
            monitor = begun(start, tmp_path, plan)
            since_s = time.monotonic()
            wait_until(lambda: records_of(guard) > 0, "records flow")  # noqa: B023 - called at once
            if folder:
                assert time.monotonic() - since_s < LIMIT_S
                assert plan.tap_socket.parent.stat().st_ino == folder, (
                    "a mount of the directory sees the new one"
                )
            folder = plan.tap_socket.parent.stat().st_ino
            monitor.signal(number)
            monitor.wait()
            guard.close()


def begun(start: Callable[..., Program], folder: Path, plan: plans.Plan) -> Program:
    """A monitor that listens."""
    monitor = start(sys.executable, "-m", "jidoka.monitor", "--plan", str(folder / "plan.json"))
    wait_until(lambda: channel.is_listening(plan.tap_socket), "the monitor listens", 60.0)
    return monitor


def records_of(guard: Peer) -> int:
    leases = guard.of(Kind.LEASE)
    return Lease.unpack(leases[-1].body).records if leases else 0
