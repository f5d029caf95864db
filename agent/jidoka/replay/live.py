"""What a running monitor gets, as it comes: it connects to whoever listens at the plan's record socket."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jidoka_bridge.channel import listen_plainly
from jidoka_bridge.errors import NotRunningError

from jidoka.monitor.trace import Event, TraceError, receive

#: without an event the follower is asked so often whether it has enough
TURN_S = 0.25


class MonitorEnded(Exception):  # noqa: N818 - no error: a line is stopped in the evening
    """The monitor went away, or its trace can't be read any more; the text says which."""


@contextlib.contextmanager
def following(
    listen_at: Path, wait_s: float, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[Iterator[Event | None]]:
    """Yields an endless iterator of events, None now and then where nothing comes; it raises MonitorEnded.

    wait_s: for a monitor to come, else NotRunningError. The monitor never waits for who follows it.
    """
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(listen_plainly(listen_at, "recorder"))
        stack.callback(listen_at.unlink, missing_ok=True)
        yield _events(stack.enter_context(_accept(server, wait_s, is_stopped)))


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


def _events(monitor: socket.socket) -> Iterator[Event | None]:
    while True:
        try:
            event = receive(monitor)
        except BlockingIOError:
            if not select.select([monitor], [], [], TURN_S)[0]:
                yield None
            continue
        except (OSError, TraceError) as error:
            raise MonitorEnded(f"the monitor's trace broke off: {error}") from None
        if event is None:
            raise MonitorEnded("the monitor ended")
        yield event
