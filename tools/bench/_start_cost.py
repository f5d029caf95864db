"""The monitor as a program: how long until it has judged its first record with a warm cache, and what it holds then."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from jidoka.monitor import baseline as baselines
from jidoka.monitor.kernels.warm import warm
from jidoka_bridge import plan as plans
from jidoka_tap import open_tap

from tools.bench._peers import ROOT
from tools.bench._record_cost import HELLO, MODEL, answer_of, learned
from tools.bench._rows import Row

START_REACH_S, MEMORY_REACH_MIB = 2.0, 170.0
LIMIT_S = 60.0
RECORDS = 500


def start_once(plan_file: Path, socket_path: Path) -> tuple[float, float]:
    """From the start of the program to its first verdict in s, and what it holds after RECORDS in MiB."""
    socket_path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "jidoka.monitor", "--plan", str(plan_file)]
    rng = np.random.default_rng(1)
    start_s = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
    ) as process:
        try:
            while not socket_path.exists():
                assert process.poll() is None, "the monitor ended"
                assert time.monotonic() - start_s < LIMIT_S, "the monitor isn't ready"
                time.sleep(0.005)
            with open_tap(
                MODEL, HELLO["outputs"], HELLO["inputs"], str(socket_path), gate=True, deadline_s=5.0,
                when_silent="reject",
            ) as gate:  # fmt: skip
                assert gate.tap.wait_until_connected(LIMIT_S)
                verdict = gate.record_outputs({"logits": answer_of(rng)}, part=1)
                taken_s = time.monotonic() - start_s
                assert verdict is not None
                assert not verdict.is_silent
                for part in range(2, RECORDS):
                    gate.record_outputs({"logits": answer_of(rng)}, part=part)
                held = psutil.Process(process.pid).memory_info().rss / 2**20
        finally:
            process.kill()
    return taken_s, held


def rows(is_quick: bool) -> Iterator[Row]:
    """Medians over a few starts."""
    warm(is_closed=False)
    with tempfile.TemporaryDirectory(prefix="jidoka-bench-") as name:
        folder = Path(name)
        plan, baseline, _ = learned(folder)
        plan_file = folder / "plan.json"
        plan_file.write_bytes(plans.dump(plan))
        path = baselines.path_of(plan, MODEL, 0, 0)
        path.parent.mkdir(parents=True)
        path.write_bytes(baselines.encode(baseline))
        found = [start_once(plan_file, plan.tap_socket) for _ in range(2 if is_quick else 5)]
    yield Row(
        "monitor: start to first verdict, cache warm",
        statistics.median(s for s, _ in found),
        "s",
        START_REACH_S,
    )
    held = statistics.median(mib for _, mib in found)
    yield Row(f"monitor: resident after {RECORDS} records", held, "MiB", MEMORY_REACH_MIB)
