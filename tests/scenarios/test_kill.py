"""kill -9 of each program in the middle of production: the permissive drops, says why, and no restart raises it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator

import psutil
import pytest
from jidoka.demo.facts import Facts
from jidoka.demo.rig import Rig
from jidoka_bridge.metrics import METRICS

pytestmark = pytest.mark.process
LEARN_RECORDS = 1000

#: program -> (cause that names it, what it may take: the plan's own limit for it plus the way to the coil, in ms)
VICTIMS = {
    "monitor": ("no data:surface-inspection", "no_data_ms"),
    "host": ("no data:surface-inspection", "no_data_ms"),
    "steward": ("no record", "no_record_ms"),
}


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with contextlib.closing(Rig()) as running:
        running.learn(LEARN_RECORDS)
        running.start()
        yield running
        folder = running.site.folder
    assert not any(str(folder) in " ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"]))


def kill(rig: Rig, name: str) -> int:
    """kill -9 one program; CLOCK_MONOTONIC ns of it."""
    os.kill(rig.supervisor.children[name].pid, signal.SIGKILL)
    return time.monotonic_ns()


def off_ns(facts: Facts) -> int:
    """When the PLC's output went off last."""
    return next(ns for ns, word, _ in reversed(facts.outputs) if word in {"WITHHOLD", "ABSTAIN"})


def test_every_metric_of_the_table_is_served_by_the_running_programs(rig: Rig) -> None:
    """Rules and dashboard name no others (tests/deploy)."""
    metrics = rig.site.plan.sections["steward"]["metrics"]

    def missing() -> set[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics['port']}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        served = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}
        return {f"jidoka_{metric.name}" for metric in METRICS} - served

    rig.wait(lambda _: not missing(), "each metric is served", 30.0)


@pytest.mark.parametrize("victim", list(VICTIMS))
def test_a_killed_program_drops_the_permissive_in_time_and_its_restart_raises_nothing(
    rig: Rig, victim: str
) -> None:
    cause_id, limit_name = VICTIMS[victim]
    rig.reach_run()
    starts = rig.supervisor.children[victim].starts
    killed_ns = kill(rig, victim)
    # a program that is back before its limit is over trips nothing; here it stays away for longer
    child = rig.supervisor.children[victim]
    rig.wait(lambda f: not child.is_running, f"{victim} is dead")
    child.next_start_s = time.monotonic() + 2 * getattr(rig.site.plan.times, limit_name) / 1000
    rig.wait(lambda f: f.is_output_off, f"the output drops after {victim} was killed")
    link = rig.site.plan.link
    assert link is not None
    limit_ms = getattr(rig.site.plan.times, limit_name)
    # lease period, two beats and two scans lie between the guard's limit and the coil; load on this machine beside
    # it is told by the guard's own loop delay, which the PLC's hold time bounds
    allowed_ms = limit_ms + 100 + 2 * link.beat_ms + 2 * link.scan_ms + link.hold_ms
    assert (off_ns(rig.facts) - killed_ns) / 1e6 <= allowed_ms

    rig.wait(lambda f: rig.supervisor.children[victim].starts > starts and rig.supervisor.children[victim].is_ready,
             f"{victim} is back", limit_s=60)  # fmt: skip
    rig.wait(
        lambda f: any(c["id"] == cause_id for c in f.waiting),
        f"{cause_id} waits to be acknowledged",
        limit_s=60,
    )
    assert rig.facts.state == "HOLD"
    assert rig.facts.is_output_off
    rig.wait(lambda f: f.now_ns > killed_ns + 4_000_000_000, "time in which nothing rises")
    assert rig.facts.is_output_off
    assert not [t for t in rig.facts.transitions if t["ns"] > killed_ns and t["to"] in {"RUN", "FALLBACK"}]


def test_a_killed_guard_makes_the_plc_drop_by_its_own_watchdog_and_latch(rig: Rig) -> None:
    rig.reach_run()
    killed_ns = kill(rig, "guard")
    rig.wait(lambda f: f.is_output_off, "the PLC drops")
    link = rig.site.plan.link
    assert link is not None
    when_ns, _, why = next(row for row in reversed(rig.facts.outputs) if row[1] == "WITHHOLD")
    assert why == "hold time over"  # the PLC's own watchdog
    assert (when_ns - killed_ns) / 1e6 <= link.hold_ms + 2 * link.scan_ms + 50
    rig.wait(lambda f: rig.supervisor.children["guard"].starts == 2 and rig.supervisor.children["guard"].is_ready,
             "the guard is back", limit_s=60)  # fmt: skip
    rig.wait(lambda f: f.now_ns > killed_ns + 4_000_000_000, "time in which nothing rises")
    assert rig.facts.is_output_off
    assert rig.facts.state in {"HOLD", "START-UP"}
