"""Listens for the monitor and writes down what it gets, until enough: so many minutes or bytes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jidoka_bridge.errors import InputError

from jidoka.monitor.trace import Event, Kind
from jidoka.replay.file import Writer
from jidoka.replay.live import MonitorEnded, following

#: progress is told, and full blocks are written, so often
TELL_S = 0.5


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

    def take(self, event: Event) -> None:
        if event.kind is Kind.START:
            self.is_from_start = b'"seed": null' not in event.body
        self.records += event.kind is Kind.RECORD
        self.events += 1
        self.dropped = event.dropped


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
    recorded = Recorded()

    def ends() -> str:
        if is_stopped():
            return "stopped"
        if recorded.seconds >= limit_s > 0:
            return "the time is over"
        return "the file is full" if recorded.bytes >= limit_bytes else ""

    with contextlib.ExitStack() as stack:
        events = stack.enter_context(following(listen_at, wait_s, is_stopped))
        try:
            file = stack.enter_context(part.open("wb"))
        except OSError as error:
            raise InputError(
                f"{path}: can't write the recording: {error.strerror}",
                "Name a file in a folder that you may write.",
            ) from None
        stack.callback(part.unlink, missing_ok=True)
        writer = Writer(file)
        begun_s = told_s = time.monotonic()
        try:
            try:
                for event in events:
                    if event is not None:
                        recorded.take(event)
                        writer.add(event)
                    now_s = time.monotonic()
                    recorded.seconds, recorded.bytes = now_s - begun_s, writer.size
                    recorded.ended = ends()
                    if recorded.ended:
                        break
                    if now_s - told_s >= TELL_S:
                        told_s = now_s
                        writer.flush()
                        tell(recorded)
            except MonitorEnded as why:
                recorded.ended = str(why)
            writer.flush()
            recorded.bytes = writer.size
            os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise InputError(
                f"{path}: the recording broke off: {error.strerror}", "Make room, or give a smaller --size."
            ) from None
    return recorded
