"""How late beats leave under load, with and without real-time scheduling, and whether beats leave memory behind."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from jidoka_bridge.guard import realtime
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.line import Line
from jidoka_bridge.plan import Link

from tests.bridge.link.pty_rig import Wish
from tools.bench._fault_plcs import PythonPlc
from tools.bench._fault_world import World
from tools.bench._rows import Row

ROOT = Path(__file__).resolve().parents[2]
BEAT_MS = 20
BUSY = "while True: pass"
WRITER = "import os\nwhile True:\n f=open('load','wb'); f.write(bytes(4_000_000)); f.flush(); os.fsync(f.fileno()); f.close()"
WARM_UP = 2_000


def late(seconds: float, is_claiming: bool) -> dict[str, float | bool]:
    """In a process of its own: a line whose clock is real and whose PLC is silent; how late each beat left, in ms."""
    realtime.prepare()
    ours, other = os.openpty()
    line = Line(Link(os.ttyname(other), beat_ms=BEAT_MS, reply_timeout_ms=5, baud=115200), 1)
    held = realtime.claim() if is_claiming else realtime.Held(False, False)
    guard, lateness = cast("Guard", Wish()), []
    end_ns = time.monotonic_ns() + int(seconds * 1e9)
    line.step(time.monotonic_ns(), guard)
    while time.monotonic_ns() < end_ns:
        due_ns = line.next_ns
        time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
        now_ns = time.monotonic_ns()
        lateness.append((now_ns - due_ns) / 1e6)
        os.set_blocking(ours, False)
        with contextlib.suppress(BlockingIOError):
            os.read(ours, 4096)
        line.step(time.monotonic_ns(), guard)
    lateness.sort()
    status = dict(each.split(":", 1) for each in Path("/proc/self/status").read_text().splitlines())
    return {
        "p99": lateness[int(0.99 * (len(lateness) - 1))], "max": lateness[-1], "fifo": held.is_fifo,
        "locked": held.is_locked, "resident_mib": realtime.resident_bytes() / 2**20,
        "lck_kib": float(status["VmLck"].split()[0]),
    }  # fmt: skip


def _lateness(seconds: float, is_claiming: bool, folder: Path) -> dict[str, float]:
    load = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(4)]
    load.append(subprocess.Popen([sys.executable, "-c", WRITER], cwd=folder))
    code = (
        f"from tools.bench._beats import late; import json; print(json.dumps(late({seconds}, {is_claiming})))"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
    finally:
        for each in load:
            each.kill()
            each.wait()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


class Faultless(World):
    """Without faults, and without the books of what was sent, which grow."""

    def _is_faulty(self, is_up: bool) -> bool:
        del is_up
        return False

    def _remember(self, frame: bytes) -> None:
        """What was sent is judged by nobody here."""


def _left_behind(beats: int) -> tuple[int, int]:
    """(allocated blocks, KiB of RSS) more after so many beats than before, in simulated time."""
    link = Link("simulated")
    world = Faultless(link, PythonPlc(link, 1), "loss", "both", 1)
    world.run(2 * WARM_UP)
    before = _state()
    world.run(2 * (WARM_UP + beats))
    after = _state()
    return after[0] - before[0], after[1] - before[1]


def _state() -> tuple[int, int]:
    gc.collect()
    return sys.getallocatedblocks(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def rows(is_quick: bool) -> Iterator[Row]:
    """Lateness, locked memory, what 10^5 beats leave behind."""
    seconds = 4.0 if is_quick else 30.0
    with tempfile.TemporaryDirectory() as folder:
        for is_claiming, name in ((False, "as it comes"), (True, "SCHED_FIFO, locked, frozen gc")):
            found = _lateness(seconds, is_claiming, Path(folder))
            shown = f"{name} (SCHED_FIFO refused here)" if is_claiming and not found["fifo"] else name
            yield Row(f"beats of 20 ms under load, late p99: {shown}", found["p99"], "ms")
            yield Row(f"beats of 20 ms under load, late at most: {shown}", found["max"], "ms")
            if is_claiming:
                yield Row("memory of the guard's line, locked in place", found["resident_mib"], "MiB", 24.0)
    beats = 10_000 if is_quick else 100_000
    blocks, kib = _left_behind(beats)
    yield Row(f"allocated blocks more after {beats} beats", blocks, "blocks", 200)
    yield Row(f"largest RSS more after {beats} beats", kib, "KiB", 256)
