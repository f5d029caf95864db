"""Everything that the guard's loop doesn't compute itself: clocks, chance, descriptors, sockets, the latch file, signals.

The loop reaches all of it through one object, so that what happened there can be written down call by call and played
again (contract C13), and so that a test can end the process before and after each of these calls.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from jidoka_bridge.channel import Channel, listen_plainly
from jidoka_bridge.guard import latch as latches
from jidoka_bridge.guard import realtime
from jidoka_bridge.guard.latch import Latch, Writer
from jidoka_bridge.notify import notify
from jidoka_bridge.plan import Plan

#: of one peer in one round: 60 kB of JSON take 5 ms to be read, and a beat must not wait for that again and again
ROUND_BYTES = 32_768


class HasDescriptor(Protocol):
    """What `System.wait` can wait for; -1 while there is nothing to wait for."""

    def fileno(self) -> int: ...


class Seat:
    """The place for one peer: a listening socket, and the one connection that it let in."""

    def __init__(self, path: Path) -> None:
        self.server: socket.socket = listen_plainly(path, "guard")
        self._channel = Channel()

    def fileno(self) -> int:
        """Of the connection."""
        return self._channel.fileno()

    @property
    def is_connected(self) -> bool:
        return self._channel.is_connected

    @property
    def number(self) -> int:
        """Of the next message on this connection."""
        return self._channel.number

    def accept(self) -> str:
        """`new` when somebody was let in, `second` when one was sent away because there is one already, else ""."""
        try:
            sock, _ = self.server.accept()
        except OSError:
            return ""
        if self._channel.is_connected:
            sock.close()
            return "second"
        self._channel = Channel(connected=sock)
        return "new"

    def receive(self) -> list[bytes]:
        """What waits, as far as one round of the loop may take it in; the rest comes with the next."""
        return self._channel.receive(ROUND_BYTES)

    def send(self, datagram: bytes) -> bool:
        return self._channel.send(datagram)

    def close(self) -> None:
        self._channel.close()
        self.server.close()


class System:
    """Clocks, chance, waiting, signals, and whoever supervises."""

    def __init__(self) -> None:
        self._asked: list[int] = []
        self._sources: list[tuple[str, HasDescriptor]] = []

    def watch(self, name: str, source: HasDescriptor) -> None:
        """`wait` names this source when something waits there."""
        self._sources.append((name, source))

    def take_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda given, _: self._asked.append(given))

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def boottime_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def realtime_ns(self) -> int:
        """The wall clock: for its steps only, no deadline runs on it."""
        return time.time_ns()

    def first_number(self) -> int:
        """What a session begins to count at: by chance, so that two guards on one line don't count alike."""
        return secrets.randbelow(0xFFFF) + 1

    def boot_id(self) -> bytes:
        return latches.boot_id()

    def read_latch(self, path: str) -> Latch:
        """Raises LatchError."""
        return latches.read(Path(path))

    def wait(self, timeout_ms: int) -> list[str]:
        """Names of the sources where something waits."""
        poller = select.poll()
        names: dict[int, str] = {}
        for name, source in self._sources:
            descriptor = source.fileno()
            if descriptor >= 0:
                names[descriptor] = name
                poller.register(descriptor, select.POLLIN)
        return [names[descriptor] for descriptor, _ in poller.poll(timeout_ms)]

    def is_asked_to_stop(self) -> bool:
        return bool(self._asked)

    def claim(self) -> realtime.Held:
        return realtime.claim()

    def resident_bytes(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return realtime.resident_bytes()
        return 0

    def notify(self, assignments: Sequence[str]) -> None:
        notify(*assignments)


class _Descriptor:
    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number


class Outside:
    """Makes the parts. `_kept` is where a recorder, a player or a test puts itself in between."""

    def __init__(self, plan: Plan) -> None:
        self._system = System()
        self.system: System = self._kept("system", self._system)
        self.writer: Writer = self._kept("latch", writer := Writer(plan.latch_file))
        self._system.watch("latch", _Descriptor(writer.finished))
        self.monitor: Seat = self._seat("monitor", plan.guard_monitor_socket)
        self.steward: Seat = self._seat("steward", plan.guard_steward_socket)

    def _seat(self, name: str, path: Path) -> Seat:
        seat = Seat(path)
        self._system.watch(name, seat)
        self._system.watch(name, seat.server)
        kept: Seat = self._kept(name, seat)
        return kept

    def port(self, port: HasDescriptor) -> Any:
        """The line's port, once it is made."""
        self._system.watch("line", port)
        return self._kept("line", port)

    def take_signals(self) -> None:
        """From now on SIGTERM and SIGINT ask for the planned stop."""
        self._system.take_signals()

    def _kept(self, name: str, part: Any) -> Any:
        del name
        return part

    def close(self) -> None:
        """Nothing is left to be written."""
