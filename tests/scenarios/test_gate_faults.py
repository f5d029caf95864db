"""Application, monitor and disk killed, stopped, full or hanging at random moments while an application gates.

Broker, PLC and the agent's programs are the real ones; the application's records are big enough for the arena.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from jidoka.demo.facts import Facts
from jidoka.demo.hands import Hands
from jidoka.demo.piece import Piece
from jidoka.demo.rig import Rig
from jidoka.demo.site import Site, make_site
from jidoka.steward.ledger.writer import GROUP_NS, PROBE_S, STUCK_NS
from jidoka.supervisor import Program
from jidoka_tap.wire import INLINE_LIMIT_BYTES

from tests.scenarios.gated_application import BATCH, DEADLINE_S, GATES, Call, calls_in, worker_of
from tests.scenarios.test_containers import why_no_namespaces
from tests.scenarios.test_kill import off_ns

pytestmark = pytest.mark.process
MODEL = "surface-inspection"
NO_DATA, NO_RECORD = f"no data:{MODEL}", "no record"
ROOT = Path(__file__).resolve().parents[2]
#: what a gate may add to its deadline beside what the machine adds: the call's own work
OWN_WORK_NS = 50_000_000
MOMENTS = 30

CONFIGURATION = """\
site: test-plant
line: gated
device: cell-1
run_dir: {folder}/run
state_dir: {folder}/state
models:
  - {{id: surface-inspection, bundle: surface-inspection, mode: enforce, records_per_s: 300, largest_record: 128 kB}}
plc: {{port: "{folder}/plc", baud: 19200}}
interlock: {{proving: {{parts: 30, minutes: 2}}}}
broker: {{url: "mqtt://{host}:{port}"}}
risks:
  - id: R-01
    risk: the model's output is no output
    model: surface-inspection
    when: invalid output or two writers
    response: hold
    owner: maintenance
    controls: [A.6.2.6]
"""

#: a disk that doesn't answer, for one program: the calls that reach the disk wait while a file exists
HANG = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
static void wait_for_disk(void) {
    const char *file = getenv("TEST_DISK_HANGS");
    while (file && access(file, F_OK) == 0) usleep(5000);
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
int fdatasync(int fd) { wait_for_disk(); return REAL(fdatasync)(fd); }
int fsync(int fd) { wait_for_disk(); return REAL(fsync)(fd); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { wait_for_disk(); return REAL(pwrite)(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { wait_for_disk(); return REAL(pwrite64)(fd, data, size, at); }
"""


class GatedSite(Site):
    """The steward's disk is small and its own where that can be; the application is the gated one."""

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def hangs(self) -> Path:
        """While this file exists the steward's disk doesn't answer."""
        return self.folder / "hangs"

    def programs(self, broker: str) -> list[Program]:
        return [self._changed(each) for each in super().programs(broker)]

    def _changed(self, program: Program) -> Program:
        if program.name != "steward":
            return program
        self.state.mkdir(exist_ok=True)
        environment = {**program.environment}
        if shim := build_shim(self.folder):
            environment |= {"LD_PRELOAD": str(shim), "TEST_DISK_HANGS": str(self.hangs)}
        command = program.command
        if not why_no_namespaces():
            flags = ["--mount"] if os.getuid() == 0 else ["--mount", "--user", "--map-root-user"]
            mount = 'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"'
            command = ("unshare", *flags, "sh", "-ec", mount, str(self.state), *command)
        return replace(program, command=command, environment=environment)

    def host_command(self, command: tuple[str, ...]) -> tuple[str, ...]:
        del command
        words = (str(self.folder), str(self.plan.tap_socket), MODEL)
        return (
            "env",
            f"PYTHONPATH={ROOT}",
            sys.executable,
            "-m",
            "tests.scenarios.gated_application",
            *words,
        )


def build_shim(folder: Path) -> Path | None:
    """The library that lets the disk hang; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = folder / "hang.c", folder / "hang.so"
    source.write_text(HANG)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


class PanelHands(Hands):
    """Hands whose end of the panel stays open: nobody else reads it here, and a pseudo-terminal that nobody has open
    keeps no line."""

    def __init__(self, panel: Path, steward_socket: Path) -> None:
        super().__init__(panel, steward_socket)
        self._open = os.open(panel, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)

    def work(self, now_ns: int, facts: Facts) -> None:
        del now_ns, facts
        with contextlib.suppress(BlockingIOError):
            os.read(self._open, 65536)

    def close(self) -> None:
        os.close(self._open)
        super().close()


GATED = Piece(
    lambda: make_site(GatedSite, CONFIGURATION, 10),
    lambda site: PanelHands(site.panel, site.plan.steward_socket),
    (),
    (),
    0,
    "calls",
)


class Gated:
    """A rig in RUN with its gated application, and what happened to its calls."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        site = rig.site
        assert isinstance(site, GatedSite)
        self.site = site
        self.folder = site.folder

    @property
    def worker(self) -> int:
        return worker_of(self.folder)

    @property
    def call_count(self) -> int:
        return len(calls_in(self.folder))

    def pid(self, name: str) -> int:
        return self.rig.supervisor.children[name].pid

    def pass_time(self, wait_ms: float) -> None:
        """Let everything run on for so long."""
        until_ns = time.monotonic_ns() + int(wait_ms * 1e6)
        self.rig.wait(lambda _: time.monotonic_ns() >= until_ns, "time")

    def wait_for_verdicts(self, since: int, count: int = 4) -> None:
        """Until calls behind the first `since` got verdicts of their own."""
        self.rig.wait(
            lambda _: sum(not call.is_silent for call in calls_in(self.folder, since)) >= count,
            "verdicts come for gated calls",
        )

    def records(self) -> int:
        return int(self.rig.facts.models.get(MODEL, {}).get("records", 0))

    def refused(self) -> int:
        """Records that the monitor refused so far: a slot that wasn't written, or was written while it was read."""
        return int(self.rig.facts.models[MODEL]["refused"])

    def wait_for_records(self) -> None:
        """Until the steward is told of more records than now."""
        before = self.records()
        self.rig.wait(lambda _: self.records() > before, "records flow")

    def wait_for_hold(self, cause: str, since_ns: int, limit_ms: float) -> None:
        """The condition is raised and the permissive falls in the guard and in the PLC, in the plan's time."""
        self.rig.wait(lambda f: f.is_output_off, f"the output drops for {cause}")
        link = self.rig.site.plan.link
        assert link is not None
        # the lease's period, two beats and two scans lie between the limit and the coil; hold_ms bounds the guard's
        # own delay on a busy machine
        allowed_ms = limit_ms + 100 + 2 * link.beat_ms + 2 * link.scan_ms + link.hold_ms
        assert (off_ns(self.rig.facts) - since_ns) / 1e6 <= allowed_ms

    def stands_until_somebody_comes(self, cause: str, since_ns: int) -> None:
        """All is well again; the guard holds, says why, and nothing rises."""
        self.rig.wait(lambda f: f.state == "HOLD", "the guard holds")
        self.rig.wait(lambda f: any(each["id"] == cause for each in f.waiting), f"{cause} was raised")
        self.pass_time(1500)
        assert self.rig.facts.is_output_off
        assert not [t for t in self.rig.facts.transitions if t["ns"] > since_ns and t["to"] == "RUN"]

    def reach_run(self) -> None:
        """With records, in RUN."""
        self.wait_for_verdicts(self.call_count)
        self.wait_for_records()
        if self.rig.facts.state != "RUN":
            self.rig.reach_run()


@pytest.fixture(scope="module")
def gated() -> Iterator[Gated]:
    with contextlib.closing(Rig(piece=GATED)) as rig:
        rig.start()
        yield Gated(rig)
        folder = rig.site.folder
    assert not any(str(folder) in " ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"]))


def test_the_records_of_this_application_need_the_arena(gated: Gated) -> None:
    section = gated.site.plan.sections["models"][MODEL]
    assert section["arena_slots"] > 0
    assert BATCH * 96 * 96 > INLINE_LIMIT_BYTES


def kept_deadline(calls: list[Call], pauses: list[tuple[int, int]] | None = None) -> bool:
    """True if every call ended in its deadline, but for what the machine or a pause of the application's added."""
    for call, after in itertools.pairwise(calls):
        if call.pid != after.pid or any(
            begun_ns < call.ended_ns and call.begun_ns < ended_ns for begun_ns, ended_ns in pauses or ()
        ):
            continue
        late_ns = max(call.late_ns, after.late_ns)
        assert call.ended_ns - call.begun_ns <= DEADLINE_S * 1e9 + OWN_WORK_NS + late_ns, (call, after)
    return True


def as_configured(calls: list[Call]) -> bool:
    """True if silence refused where the gate says reject, passed where it says pass, and nothing else was refused."""
    return all(call.is_refused == (call.is_silent and GATES[call.gate] == "reject") for call in calls)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[list[int]]:
    """SIGSTOP, and SIGCONT whatever happens; the list gets the time of both."""
    times = [time.monotonic_ns()]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield times
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        times.append(time.monotonic_ns())


def test_an_application_stopped_at_random_moments_goes_on_with_verdicts_and_nothing_trips(
    gated: Gated,
) -> None:
    gated.reach_run()
    chance, pauses, since = random.Random(11), [], gated.call_count
    transitions = len(gated.rig.facts.transitions)
    for _ in range(MOMENTS):
        gated.pass_time(chance.uniform(0, 60))
        with stopped(gated.worker) as times:
            gated.pass_time(chance.uniform(1, 60))
        pauses.append((times[0], times[1]))
    gated.wait_for_verdicts(gated.call_count)
    calls = calls_in(gated.folder, since)
    assert len(calls) > 2 * MOMENTS
    assert kept_deadline(calls, pauses)
    assert not any(call.is_silent for call in calls), "each stop was shorter than the deadline"
    assert gated.rig.facts.state == "RUN"
    assert len(gated.rig.facts.transitions) == transitions
    assert gated.refused() == 0


def test_an_application_that_stands_still_is_no_data_until_it_goes_on_and_is_reset(gated: Gated) -> None:
    chance = random.Random(12)
    for _ in range(3):
        gated.reach_run()
        gated.pass_time(chance.uniform(0, 60))
        with stopped(gated.worker) as times:
            gated.wait_for_hold(NO_DATA, times[0], gated.site.plan.times.no_data_ms)
        gated.wait_for_verdicts(gated.call_count)
        gated.wait_for_records()
        gated.stands_until_somebody_comes(NO_DATA, times[0])


def test_an_application_killed_at_random_moments_is_no_data_and_its_successor_is_served(gated: Gated) -> None:
    gated.reach_run()
    chance, since = random.Random(13), gated.call_count
    monitor, transitions = gated.pid("monitor"), len(gated.rig.facts.transitions)
    away, killed = gated.folder / "away", set()
    away.touch()
    killed_ns = time.monotonic_ns()
    killed.add(gated.worker)
    os.kill(gated.worker, signal.SIGKILL)
    gated.wait_for_hold(NO_DATA, killed_ns, gated.site.plan.times.no_data_ms)
    away.unlink()
    for _ in range(MOMENTS - 1):
        gated.rig.wait(lambda _: gated.worker not in {0, *killed}, "a new worker")
        worker = gated.worker
        # somewhere between its start, its connection and the middle of any record; each third only once it is served
        if len(killed) % 3 == 0:
            gated.wait_for_verdicts(gated.call_count, 1)
        gated.pass_time(chance.uniform(0, 200))
        killed.add(worker)
        os.kill(worker, signal.SIGKILL)
    gated.wait_for_verdicts(gated.call_count)
    gated.wait_for_records()
    calls = calls_in(gated.folder, since)
    assert as_configured(calls)
    assert kept_deadline(calls)
    assert gated.pid("monitor") == monitor
    assert gated.refused() == 0
    since_then = gated.rig.facts.transitions[transitions:]
    assert not [each for each in since_then if each["cause"] == "R-01"], "no successor is a second writer"
    gated.stands_until_somebody_comes(NO_DATA, killed_ns)
    gated.reach_run()


def test_a_monitor_stopped_at_random_moments_leaves_each_gate_as_it_was_configured(gated: Gated) -> None:
    gated.reach_run()
    chance, since = random.Random(14), gated.call_count
    for number in range(MOMENTS):
        gated.pass_time(chance.uniform(0, 60))
        with stopped(gated.pid("monitor")):
            # each sixth for longer than a gate waits
            gated.pass_time(
                chance.uniform(1, 40) if number % 6 else DEADLINE_S * 1e3 + chance.uniform(150, 250)
            )
    with stopped(gated.pid("monitor")) as times:
        gated.rig.wait(lambda f: f.is_output_off, "the output drops")
        gated.pass_time(3 * DEADLINE_S * 1e3)
    calls = calls_in(gated.folder, since)
    silent = [call for call in calls if call.is_silent]
    assert {call.gate for call in silent} == {0, 1}, "both gates met silence"
    assert as_configured(calls)
    assert kept_deadline(calls)
    gated.wait_for_verdicts(gated.call_count)
    gated.wait_for_records()
    gated.stands_until_somebody_comes(NO_DATA, times[0])


# ---------------------------------------------------------------- the disk


@contextlib.contextmanager
def full(gated: Gated) -> Iterator[None]:
    """The steward's own file system is filled to the last byte."""
    if why := why_no_namespaces():
        pytest.skip(f"no file system of its own here: {why}")
    filler = Path(f"/proc/{gated.pid('steward')}/root{gated.site.state}/filler")
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def limited(gated: Gated) -> Iterator[None]:
    """RLIMIT_FSIZE: no file of the steward's may grow any more."""
    before = resource.prlimit(gated.pid("steward"), resource.RLIMIT_FSIZE)
    resource.prlimit(gated.pid("steward"), resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(gated.pid("steward"), resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def hanging(gated: Gated) -> Iterator[None]:
    """fsync, fdatasync and pwrite of the steward's don't return."""
    if not (gated.folder / "hang.so").exists():
        pytest.skip("no C compiler for the library that lets the disk hang")
    gated.site.hangs.touch()
    try:
        yield
    finally:
        gated.site.hangs.unlink()


@contextlib.contextmanager
def steward_stopped(gated: Gated) -> Iterator[None]:
    """Nobody writes the record."""
    with stopped(gated.pid("steward")):
        yield


Fault = Callable[[Gated], contextlib.AbstractContextManager[None]]
#: fault -> what the steward says of it; "" where it can't say anything
DISK_FAULTS: dict[Fault, str] = {
    full: "No space left on device",
    limited: "File too large",
    hanging: "the disk is slow",
    steward_stopped: "",
}
#: the longest that the steward's ledger goes on without noticing: its group, what counts as stuck, its probe
NOTICES_MS = (GROUP_NS + STUCK_NS) / 1e6 + PROBE_S * 1e3


@pytest.mark.parametrize("fault", DISK_FAULTS, ids=lambda fault: fault.__name__)
def test_a_disk_that_takes_nothing_withdraws_the_permissive_and_no_verdict(
    gated: Gated, fault: Fault
) -> None:
    gated.reach_run()
    gated.pass_time(random.Random(15).uniform(0, 250))
    since, begun_ns = gated.call_count, time.monotonic_ns()
    with fault(gated):
        gated.wait_for_hold(NO_RECORD, begun_ns, gated.site.plan.times.no_record_ms + NOTICES_MS)
        if words := DISK_FAULTS[fault]:
            gated.rig.wait(lambda f: words in f.ledger["error"], f"status says {words!r}")
            assert not gated.rig.facts.ledger["is_recording"]
        gated.wait_for_verdicts(gated.call_count)
    gated.rig.wait(lambda f: f.now_ns > begun_ns and bool(f.ledger["is_recording"]), "the record goes on")
    calls = calls_in(gated.folder, since)
    assert not any(call.is_silent or call.is_refused for call in calls), "verdicts don't wait for the disk"
    assert kept_deadline(calls)
    gated.stands_until_somebody_comes(NO_RECORD, begun_ns)
    gated.reach_run()


def test_a_disk_that_fails_for_moments_costs_neither_verdict_nor_permissive_nor_an_entry(
    gated: Gated,
) -> None:
    gated.reach_run()
    chance, since = random.Random(16), gated.call_count
    faults = [limited, steward_stopped]
    if (gated.folder / "hang.so").exists():
        faults.append(hanging)
    if not why_no_namespaces():
        faults.append(full)
    for number in range(MOMENTS):
        gated.pass_time(chance.uniform(0, 60))
        with faults[number % len(faults)](gated):
            gated.pass_time(chance.uniform(1, 60))
    gated.rig.wait(lambda f: f.ledger["is_recording"] and not f.ledger["waiting"], "the record caught up")
    calls = calls_in(gated.folder, since)
    assert not any(call.is_silent or call.is_refused for call in calls)
    assert kept_deadline(calls)
    assert gated.rig.facts.state == "RUN"
    ledger = f"/proc/{gated.pid('steward')}/root{gated.site.plan.ledger_file}"
    checked = subprocess.run(
        [sys.executable, "-m", "jidoka.cli", "ledger", "check", ledger],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
