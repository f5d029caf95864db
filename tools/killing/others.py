"""All programs of a site running as in production, each killed in its turn: steward, monitor, host, PLC; a full disk at last."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from jidoka.demo.facts import OFF_WORDS, Facts
from jidoka.demo.rig import Rig
from jidoka.steward.ledger.check import check
from jidoka.supervisor import Child

from tools.killing.guard import MS, Tally

LEARN_RECORDS = 1000
START_S = 60.0
QUIET_NS = 1_500 * MS


class Victim(NamedTuple):
    """A program. cause: what names its absence; limit: the plan's time for it, "" = the link's hold time."""

    name: str
    cause: str
    limit: str


VICTIMS = (
    Victim("monitor", "no data:surface-inspection", "no_data_ms"),
    Victim("host", "no data:surface-inspection", "no_data_ms"),
    Victim("steward", "no record", "no_record_ms"),
    Victim("plc", "plc link", ""),
)


def kill_rounds(rig: Rig, victim: Victim, rounds: int) -> Tally:
    """kill -9 in RUN; it stays away for longer than its time, then the supervisor starts it again."""
    tally = Tally()
    link = rig.site.plan.link
    assert link is not None
    limit_ms = getattr(rig.site.plan.times, victim.limit) if victim.limit else link.hold_ms
    # lease period, two beats and two scans lie between the guard's limit and the coil
    allowed_ms = limit_ms + 100 + 2 * link.beat_ms + 2 * link.scan_ms
    child = rig.supervisor.children[victim.name]
    for number in range(rounds):
        rig.reach_run(START_S)
        told = _acknowledged(rig.facts)
        starts, killed_ns = child.starts, time.monotonic_ns()
        os.kill(child.pid, signal.SIGKILL)
        rig.wait(lambda _: not child.is_running, "it is dead")
        child.backoff_s = 0.5
        child.next_start_s = time.monotonic() + 2 * limit_ms / 1000
        what = f"{victim.name} {number}"
        if victim.name == "plc":  # with the PLC its output is gone; the guard has to notice
            # a pulled plug: a name that stayed would lead to whatever terminal the system makes next
            for name in (Path(link.port), rig.site.panel):
                name.unlink(missing_ok=True)
            rig.wait(lambda f: f.state == "HOLD", "the guard holds", START_S)
        else:
            rig.wait(lambda f: f.is_output_off, "the output drops", START_S)
            off_ns = next(ns for ns, word, _ in reversed(rig.facts.outputs) if word in OFF_WORDS)
            tally.late_ms = max(tally.late_ms, (off_ns - killed_ns) / MS - allowed_ms)
        rig.wait(_is_back(child, starts), "it is back", START_S)
        rig.wait(lambda f: any(c["id"] == victim.cause for c in f.waiting), f"{victim.cause} waits", START_S)
        _keep_quiet(rig)
        if (
            victim.name == "plc"
        ):  # the host of the demonstration takes its trigger from the panel that is gone
            _restart(rig, rig.supervisor.children["host"])
        tally.rounds += 1
        tally.in_run += 1
        if any(
            t["ns"] > killed_ns and t["to"] in {"RUN", "ADVISE", "FALLBACK"} for t in rig.facts.transitions
        ):
            tally.wrong.append(f"{what}: it rose by itself")
        if not rig.facts.is_output_off and victim.name != "plc":
            tally.wrong.append(f"{what}: the output is on")
        now = {c["id"]: c for c in rig.facts.causes}
        tally.wrong += [
            f"{what}: the acknowledgement of {name} is lost"
            for name, revision in told.items()
            if name in now and now[name]["acknowledged_revision"] < revision
        ]
    return tally


def full_disk(rig: Rig, rounds: int) -> Tally:
    """The steward can't write any more: no record, so the machine is held; with room again it goes on."""
    tally = Tally()
    link = rig.site.plan.link
    assert link is not None
    # the ledger's own patience comes before the guard's: a second without a commit
    allowed_ms = rig.site.plan.times.no_record_ms + 1_500 + 2 * link.beat_ms + 2 * link.scan_ms
    for number in range(rounds):
        rig.reach_run(START_S)
        pid = rig.supervisor.children["steward"].pid
        began_ns = time.monotonic_ns()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        rig.wait(lambda f: f.is_output_off, "the output drops", START_S)
        off_ns = next(ns for ns, word, _ in reversed(rig.facts.outputs) if word in OFF_WORDS)
        tally.late_ms = max(tally.late_ms, (off_ns - began_ns) / MS - allowed_ms)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        _keep_quiet(rig)
        tally.rounds += 1
        tally.in_run += 1
        if not rig.facts.is_output_off:
            tally.wrong.append(f"full disk {number}: the output rose by itself")
    return tally


def ledger_faults(rig: Rig) -> list[str]:
    """What is wrong in the ledger after all that; a torn tail is none, for the steward still writes."""
    report = check(rig.site.plan.ledger_file)
    return [f"ledger: {fault}" for fault in report.faults if not fault.is_torn]


def _keep_quiet(rig: Rig) -> None:
    until_ns = time.monotonic_ns() + QUIET_NS
    rig.wait(lambda f: f.now_ns > until_ns, "time in which nothing rises")


def _restart(rig: Rig, child: Child) -> None:
    starts = child.starts
    os.kill(child.pid, signal.SIGKILL)
    child.backoff_s = 0.5
    rig.wait(_is_back(child, starts), f"{child.program.name} is back", START_S)


def _is_back(child: Child, starts: int) -> Callable[[Facts], bool]:
    return lambda _facts: child.starts > starts and child.is_ready


def _acknowledged(facts: Facts) -> Mapping[str, int]:
    return {c["id"]: c["acknowledged_revision"] for c in facts.causes if c["latched"]}
