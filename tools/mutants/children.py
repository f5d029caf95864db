"""Processes that each try one change, some at once: each tells how it ended, and takes with it what it started.

A child has its own process group and its own folder for temporary files, and what it prints goes nowhere.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

#: what a child ends with: nothing noticed the change, a test did, it couldn't be tried
UNNOTICED, NOTICED, BROKEN = 0, 1, 3
STATUS = {UNNOTICED: "survived", NOTICED: "killed", -signal.SIGPROF: "timeout", -signal.SIGALRM: "timeout"}
LOOK_S = 1.0
#: how far it is is said after so many
SAID = 25

Job = TypeVar("Job")


class Run(NamedTuple):
    """A child at work. ends: a descriptor that is readable when it has ended; told: what it writes there can be read here."""

    pid: int
    ends: int
    told: int
    folder: str
    stops_s: float


class End(NamedTuple):
    """What became of one. status: `survived`, `killed`, `timeout` or `broken`."""

    status: str
    told: bytes


def start(work: Callable[[int], int], limit_s: float) -> Run:
    """A child that does this and ends with what it returns, or with BROKEN where it fails. work: gets a descriptor to write to."""
    told, tells = os.pipe()
    folder = tempfile.mkdtemp(prefix="m", dir="/tmp")  # short: a socket's path has 108 bytes
    pid = os.fork()
    if pid:
        os.close(tells)
        return Run(pid, os.pidfd_open(pid), told, folder, time.monotonic() + limit_s)
    code = BROKEN
    with contextlib.suppress(BaseException):
        os.setpgid(0, 0)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        code = work(tells)
    os._exit(code)


def end(run: Run) -> End:
    """Waits for a child, at most until its limit."""
    left_s = max(0.0, run.stops_s - time.monotonic())
    is_over = not select.select([run.ends], [], [], left_s)[0]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)  # what a test started too
    code = os.waitstatus_to_exitcode(os.waitpid(run.pid, 0)[1])
    told = b""
    os.set_blocking(run.told, False)
    with contextlib.suppress(BlockingIOError):
        told = os.read(run.told, select.PIPE_BUF)
    for descriptor in (run.ends, run.told):
        os.close(descriptor)
    shutil.rmtree(run.folder, ignore_errors=True)
    return End("timeout" if is_over else STATUS.get(code, "broken"), told)


def each_end(jobs: Sequence[Job], begin: Callable[[Job], Run], processes: int) -> Iterator[tuple[Job, End]]:
    """Tries all of them, so many at once, in the order in which they end."""
    waiting = iter(jobs)
    running: list[tuple[Job, Run]] = []
    seen: Counter[str] = Counter()
    while True:
        while len(running) < processes and (job := next(waiting, None)) is not None:
            running.append((job, begin(job)))
        if not running:
            return
        ready = select.select([run.ends for _, run in running], [], [], LOOK_S)[0]
        for each in list(running):
            job, run = each
            if run.ends in ready or time.monotonic() > run.stops_s:
                running.remove(each)
                ended = end(run)
                seen[ended.status] += 1
                if seen.total() % SAID == 0 or seen.total() == len(jobs):
                    print(f"{seen.total()} of {len(jobs)}: {dict(seen)}", file=sys.stderr, flush=True)
                yield job, ended
