"""The parent of the programs (contract C9): starts them in order, waits for each to be ready, restarts what dies.

It imports none of them. A restart never arms anything: what a program may do after a start is its own rule.
Under systemd each program is a unit and this module isn't used.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError, NotRunningError

from jidoka.exit_codes import error_of

RESTART_MIN_S = 0.5
RESTART_MAX_S = 30.0
STEADY_S = 10.0  # a program that ran this long starts again with the shortest back-off
STOP_LIMIT_S = 5.0
#: how every program begins the line that says why it ends; what follows are further faults and the remedy
LAST_WORDS = "error: "
MOST_WORDS = 20
CREDENTIALS_BYTES = 12  # struct ucred: pid, uid, gid


@dataclass(frozen=True)
class Program:
    """One program. command: as exec takes it; environment: beside the parent's own.

    is_up: for somebody else's program, which doesn't notify: asked until it says that the program serves.
    is_stopped_first: before all others at a planned stop: the guard says goodbye to the PLC while what it judges is still
    there, or the stop would be recorded as lost data.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    is_restarted: bool = True
    is_up: Callable[[], bool] | None = None
    is_stopped_first: bool = False


class Child:
    """A program and its present process. status: the last STATUS= line; is_ready since READY=1 came."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.is_ready = False
        self.status = ""
        self.starts = 0
        self.started_s = 0.0
        self.next_start_s = 0.0
        self.backoff_s = RESTART_MIN_S
        self.ended = ""
        self.last_line = ""
        self.last_words: list[str] = []
        self.code = 0
        self.pending = b""

    @property
    def is_running(self) -> bool:
        return self.process is not None

    @property
    def pid(self) -> int:
        """Process id; 0 while not running."""
        return self.process.pid if self.process else 0


class Supervisor:
    """Starts, watches, restarts and stops programs. One turn of its loop is `step`; nothing runs beside it.

    on_line(name, line): what the programs print; on_change(name, text): started, ready, ended, restarts in.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        run_dir: Path,
        on_line: Callable[[str, str], None],
        on_change: Callable[[str, str], None],
    ) -> None:
        self.children = {program.name: Child(program) for program in programs}
        self._on_line = on_line
        self._on_change = on_change
        self._is_stopping = False
        self._selector = selectors.DefaultSelector()
        self._starting: Child | None = None
        self._notify_path = run_dir / f"notify.{os.getpid()}"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            self._notify_path.unlink(missing_ok=True)
            self._notify.bind(str(self._notify_path))
        except OSError as error:
            self._notify.close()
            raise ConfigurationError(
                f"{run_dir}: can't be used as run_dir: {error.strerror or error}",
                "Give a run_dir that this user may write, or run as the user that owns it.",
            ) from None
        # the kernel names the sender of a notification: a program can speak for itself only
        self._notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._selector.register(self._notify, selectors.EVENT_READ, None)

    def start(self, name: str, limit_s: float) -> None:
        """Start one program and wait until it says that it is ready.

        If it ends first: raises its own error again (the class of its exit code, its own words and remedy), else
        NotRunningError with its last line. Raises NotRunningError too if it isn't ready in limit_s.
        """
        child = self.children[name]
        self._starting = child
        try:
            self._start(child, limit_s)
        finally:
            self._starting = None

    def _start(self, child: Child, limit_s: float) -> None:
        name = child.program.name
        self._spawn(child)
        deadline_s = time.monotonic() + limit_s
        while not child.is_ready:
            if not child.is_running:
                what, *remedy = child.last_words or [child.last_line or "it printed nothing"]
                kind = error_of(child.code) if child.last_words else NotRunningError
                raise kind(
                    f"{name} ended before it was ready ({child.ended}): {what}",
                    " ".join(each.strip() for each in remedy) or "Mend what it says, then start again.",
                )
            if time.monotonic() > deadline_s:
                raise NotRunningError(
                    f"{name} isn't ready after {limit_s:.0f} s; it last said: {child.status or child.last_line or 'nothing'}",
                    "If it is still compiling, start again; the second start is fast.",
                )
            self.step(0.2)

    def step(self, timeout_s: float) -> None:
        """One turn: read what was said and printed, reap, restart what is due. Waits at most timeout_s."""
        for key, _ in self._selector.select(timeout_s):
            if key.data is None:
                self._read_notifications()
            else:
                self._read_output(key.data)
        now_s = time.monotonic()
        for child in self.children.values():
            if child.process is not None and child.process.poll() is not None:
                self._reap(child, now_s)
            elif (
                child.process is not None
                and not child.is_ready
                and child.program.is_up
                and child.program.is_up()
            ):
                self._ready(child)
            elif child.process is None and 0 < child.next_start_s <= now_s and not self._is_stopping:
                self._spawn(child)

    def stop(self) -> None:
        """Ask all to end, one after the other: what is stopped first, then the last started.

        Kills what hasn't ended in STOP_LIMIT_S; leaves nothing running.
        """
        self._is_stopping = True
        last_first = list(self.children.values())[::-1]
        for child in sorted(last_first, key=lambda each: not each.program.is_stopped_first):
            child.next_start_s = 0.0
            if child.process is None:
                continue
            child.process.send_signal(signal.SIGTERM)
            deadline_s = time.monotonic() + STOP_LIMIT_S
            while child.process is not None and time.monotonic() < deadline_s:
                self.step(0.02)
            if child.process is not None:
                self._on_change(child.program.name, "didn't end when asked, is killed")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
                self._reap(child, time.monotonic())
        self._selector.close()
        self._notify.close()
        self._notify_path.unlink(missing_ok=True)

    def _spawn(self, child: Child) -> None:
        child.next_start_s = 0.0
        child.is_ready = False
        child.status = child.ended = ""
        child.last_words = []
        child.started_s = time.monotonic()
        child.starts += 1
        environment = {
            **os.environ,
            **child.program.environment,
            "NOTIFY_SOCKET": str(self._notify_path),
            "PYTHONUNBUFFERED": "1",
        }
        child.process = subprocess.Popen(
            child.program.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment, start_new_session=True,
        )  # fmt: skip
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        self._on_change(child.program.name, "started" if child.starts == 1 else "started again")

    def _reap(self, child: Child, now_s: float) -> None:
        process = child.process
        assert process is not None
        assert process.stdout is not None
        self._read_output(child)
        self._selector.unregister(process.stdout)
        process.stdout.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever it started itself
        child.process = None
        child.is_ready = False
        code = child.code = process.returncode
        child.ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        text = f"ended with {child.ended}"
        if child.program.is_restarted and not self._is_stopping and child is not self._starting:
            if now_s - child.started_s > STEADY_S:
                child.backoff_s = RESTART_MIN_S
            child.next_start_s = now_s + child.backoff_s
            text += f"; starts again in {child.backoff_s:g} s"
            child.backoff_s = min(2 * child.backoff_s, RESTART_MAX_S)
        self._on_change(child.program.name, text)

    def _read_output(self, child: Child) -> None:
        process = child.process
        if process is None or process.stdout is None:
            return
        try:
            chunk = os.read(process.stdout.fileno(), 65536)
        except OSError:
            return
        *lines, child.pending = (child.pending + chunk).split(b"\n")
        if not chunk and child.pending:
            lines, child.pending = [child.pending], b""
        for line in lines:
            child.last_line = text = line.decode(errors="replace")
            if LAST_WORDS in text:
                child.last_words = [text.partition(LAST_WORDS)[2]]
            elif child.last_words:
                child.last_words = [*child.last_words, text][:MOST_WORDS]
            self._on_line(child.program.name, text)

    def _ready(self, child: Child) -> None:
        child.is_ready = True
        self._on_change(child.program.name, "ready")

    def _read_notifications(self) -> None:
        while True:
            try:
                data, ancillary, _, _ = self._notify.recvmsg(4096, socket.CMSG_SPACE(CREDENTIALS_BYTES))
            except OSError:
                return
            pid = _sender(ancillary)
            for child in self.children.values():
                if child.pid and child.pid == pid:
                    self._notified(child, data.decode(errors="replace"))

    def _notified(self, child: Child, text: str) -> None:
        for line in text.splitlines():
            name, _, value = line.partition("=")
            if name == "READY" and value == "1" and not child.is_ready:
                self._ready(child)
            elif name == "STATUS" and value != child.status:
                child.status = value
                self._on_change(child.program.name, value)


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Process id of who sent a datagram, as the kernel tells it; 0 if it doesn't."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return int.from_bytes(data[:4], "little", signed=True)
    return 0


def program_commands(plan_file: Path, python: str, has_host: bool) -> list[Program]:
    """The programs of one device in their order of starting, for the plan in plan_file."""
    modules = {"steward": "jidoka.steward", "guard": "jidoka_bridge", "monitor": "jidoka.monitor"}
    if has_host:
        modules["host"] = "jidoka.host"
    return [
        Program(name, (python, "-m", module, "--plan", str(plan_file)), is_stopped_first=name == "guard")
        for name, module in modules.items()
    ]
