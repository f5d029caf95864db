"""Starts programs for tests in a process group and folder of their own, with a time limit, and leaves none running."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

DEFAULT_LIMIT_S = 30.0
#: one thread a library: the machines that run the tests are small
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}

ACCEPTS = 0x10000  # of the flags in /proc/net/unix


class Program:
    """A running program whose output is kept. Lines come from stdout and stderr together."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.command = list(command)
        self.process = subprocess.Popen(
            self.command, cwd=folder, env={**os.environ, **ENVIRONMENT, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.output = b""

    @property
    def text(self) -> str:
        return self.output.decode(errors="replace")

    def wait_for_text(self, needle: str, limit_s: float = DEFAULT_LIMIT_S) -> str:
        """Read until `needle` was printed; fail with everything that was printed otherwise."""
        deadline = time.monotonic() + limit_s
        while needle not in self.text:
            if not self._read(deadline):
                raise AssertionError(f"{self.command} never printed {needle!r}; it printed:\n{self.text}")
        return self.text

    def wait(self, limit_s: float = DEFAULT_LIMIT_S) -> int:
        """The exit code; everything printed is in `text`."""
        deadline = time.monotonic() + limit_s
        while self._read(deadline):
            pass
        try:
            return self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command} did not end; it printed:\n{self.text}") from None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        """Kill the whole process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self, deadline: float) -> bool:
        stdout = self.process.stdout
        assert stdout is not None
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([stdout], [], [], left)[0]:
            return False
        chunk = os.read(stdout.fileno(), 65536)
        self.output += chunk
        return bool(chunk)


@contextlib.contextmanager
def programs(folder: Path) -> Iterator[Callable[..., Program]]:
    """A starter of programs that all end with the block, failed or not."""
    started: list[Program] = []

    def start(*command: str, environment: dict[str, str] | None = None) -> Program:
        program = Program(command, folder, environment)
        started.append(program)
        return program

    try:
        yield start
    finally:
        for program in reversed(started):
            program.end()


def wait_until(claim: Callable[[], bool], what: str, limit_s: float = DEFAULT_LIMIT_S) -> None:
    """Poll until `claim()` holds; fail naming `what` after the limit."""
    deadline = time.monotonic() + limit_s
    while not claim():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(0.01)


def wait_for_listener(path: Path, limit_s: float = DEFAULT_LIMIT_S) -> None:
    """Wait until somebody listens at a Unix socket: the file is there a moment before. No connection is made for it."""

    def listens() -> bool:
        rows = (row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:])
        return any(row[-1] == str(path) and int(row[3], 16) & ACCEPTS for row in rows)

    wait_until(listens, f"a listener at {path}", limit_s)


def fill(descriptor: int) -> None:
    """Write into a pipe until it takes nothing more."""
    was = os.get_blocking(descriptor)
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 4096)
    os.set_blocking(descriptor, was)
