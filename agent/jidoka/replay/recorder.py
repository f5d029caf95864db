"""Listens for the monitor and writes down what it gets, until enough: so many minutes or bytes."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jidoka_bridge.channel import listen_plainly
from jidoka_bridge.errors import InputError, NotRunningError

from jidoka.monitor.trace import Kind, TraceError, receive
from jidoka.replay.file import Writer

#: progress is told, and full blocks are written, so often
TURN_S = 0.5


@dataclass
class Recorded:
    """What a recording holds. dropped: events that the monitor had and that are missing; is_from_start: of its run."""

    records: int = 0
    events: int = 0
    dropped: int = 0
    bytes: int = 0
    seconds: float = 0.0
    is_from_start: bool = False
    ended: str = ""


def record(
    listen_at: Path,
    path: Path,
    *,
    limit_s: float,
    limit_bytes: int,
    wait_s: float,
    tell: Callable[[Recorded], None],
    is_stopped: Callable[[], bool] = lambda: False,
) -> Recorded:
    """Record into `path` until a limit is reached, the monitor ends or `is_stopped` says so.

    wait_s: for a monitor to come. The file is there as a whole or not at all (it is written beside and renamed).
    Raises NotRunningError if no monitor comes, InputError if the file can't be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(listen_plainly(listen_at, "recorder"))
        stack.callback(listen_at.unlink, missing_ok=True)
        try:
            file = stack.enter_context(part.open("wb"))
        except OSError as error:
            raise InputError(
                f"{path}: can't write the recording: {error.strerror}",
                "Name a file in a folder that you may write.",
            ) from None
        stack.callback(part.unlink, missing_ok=True)
        monitor = stack.enter_context(_accept(server, wait_s, is_stopped))
        recorded = Recorded()

        def ends() -> str:
            if is_stopped():
                return "stopped"
            if recorded.seconds >= limit_s > 0:
                return "the time is over"
            return "the file is full" if recorded.bytes >= limit_bytes else ""

        try:
            _collect(monitor, Writer(file), recorded, ends, tell)
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise InputError(
                f"{path}: the recording broke off: {error.strerror}", "Make room, or give a smaller --size."
            ) from None
    return recorded


def _accept(server: socket.socket, wait_s: float, is_stopped: Callable[[], bool]) -> socket.socket:
    deadline_s = time.monotonic() + wait_s
    while not select.select([server], [], [], TURN_S)[0]:
        if time.monotonic() >= deadline_s or is_stopped():
            raise NotRunningError(
                f"no monitor came within {wait_s:g} s", "Start the programs with: jidoka run CONFIGURATION"
            )
    monitor, _ = server.accept()
    monitor.setblocking(False)
    return monitor


def _collect(
    monitor: socket.socket, writer: Writer, recorded: Recorded, ends: Callable[[], str],
    tell: Callable[[Recorded], None],
) -> None:  # fmt: skip
    """Until it ends: why is left in `recorded`. ends: the limits', "" = not yet."""
    begun_s = told_s = time.monotonic()
    while not recorded.ended:
        select.select([monitor], [], [], TURN_S)
        recorded.ended = _take_waiting(monitor, writer, recorded)
        now_s = time.monotonic()
        recorded.seconds, recorded.bytes = now_s - begun_s, writer.size
        recorded.ended = recorded.ended or ends()
        if now_s - told_s >= TURN_S:
            told_s = now_s
            writer.flush()
            tell(recorded)
    writer.flush()
    recorded.bytes = writer.size


def _take_waiting(monitor: socket.socket, writer: Writer, recorded: Recorded) -> str:
    """Write what waits; returns why the recording ends, "" = it goes on."""
    for _ in range(1000):
        try:
            event = receive(monitor)
        except BlockingIOError:
            return ""
        except (OSError, TraceError) as error:
            return f"the monitor's trace broke off: {error}"
        if event is None:
            return "the monitor ended"
        if event.kind is Kind.START:
            recorded.is_from_start = b'"seed": null' not in event.body
        recorded.records += event.kind is Kind.RECORD
        recorded.events += 1
        recorded.dropped = event.dropped
        writer.add(event)
    return ""
