"""SEQPACKET sockets between the programs (contract C3): a listener, a client that reconnects, sends that never block.

Paths: `private/guard-monitor.sock`, `private/guard-steward.sock` (the guard listens), `private/steward.sock`
(the steward listens), `tap/tap.sock` (the monitor listens), all below the run directory of the plan.
Descriptors that arrive with a datagram are never received (plain recv), so a peer can't hand any over; where the
kernel can, its sender is refused.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError, RefusedError

MAX_DATAGRAM_BYTES = 65_536
BACKOFF_MIN_NS = 100_000_000
BACKOFF_MAX_NS = 2_000_000_000
#: Linux 6.16: set to 0, a sender of descriptors gets EPERM. Before, they come and are dropped at once, which has a
#: price: a socket with SO_LINGER among them holds whoever drops it for as long as it lingers (tried: 4 s).
SO_PASSRIGHTS = 83


def listen(path: Path, mode: int = 0o660) -> socket.socket:
    """A non-blocking listening socket at `path`; a left-over socket file is replaced, the directory kept.

    Raises OSError (the path is too long, the directory isn't writable, another program listens there).
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    if path.exists():
        if is_listening(path):
            raise FileExistsError(f"{path}: another program listens there")
        path.unlink()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        server.bind(str(path))
        path.chmod(mode)
        with contextlib.suppress(OSError):  # an older kernel
            server.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 0)
        server.listen(16)
    except OSError:
        server.close()
        raise
    return server


def listen_plainly(path: Path, program: str) -> socket.socket:
    """As `listen`, for the one `program` of a device that listens there.

    Raises RefusedError where another one does, ConfigurationError where the run directory can't be used.
    """
    try:
        return listen(path)
    except FileExistsError as error:
        if error.errno is None:
            raise RefusedError(
                f"{path}: another {program} listens there",
                f"One device has one {program}: stop the other first.",
            ) from None
        raise _no_place(path, error) from None
    except OSError as error:
        raise _no_place(path, error) from None


def _no_place(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path}: can't listen there: {error.strerror or error}",
        "Give a run_dir that this user may write, or run as the user that owns it.",
    )


def is_listening(path: Path) -> bool:
    """True if somebody accepts connections at `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


class Channel:
    """One end of a connection that comes and goes.

    A client calls `connect(now_ns)` as often as it likes: it tries with 0.1–2 s back-off. `send` returns False
    and counts in `dropped` when the peer is away or its queue is full; `receive` returns datagrams until none
    is left. `number` counts what was sent on this connection.
    """

    def __init__(self, path: Path | None = None, connected: socket.socket | None = None) -> None:
        self.path = path
        self.sock = connected
        self.number = 0
        self.dropped = 0
        self._next_try_ns = 0
        self._backoff_ns = BACKOFF_MIN_NS
        if connected is not None:
            connected.setblocking(False)

    def fileno(self) -> int:
        """Descriptor for select; -1 while disconnected."""
        return -1 if self.sock is None else self.sock.fileno()

    @property
    def is_connected(self) -> bool:
        return self.sock is not None

    def connect(self, now_ns: int) -> bool:
        """Try to connect if it is time to. Returns True in the call that made the connection."""
        if self.sock is not None or self.path is None or now_ns < self._next_try_ns:
            return False
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            sock.connect(str(self.path))
        except OSError:
            sock.close()
            self._next_try_ns = now_ns + self._backoff_ns
            self._backoff_ns = min(2 * self._backoff_ns, BACKOFF_MAX_NS)
            return False
        self.sock = sock
        self.number = 0
        self._backoff_ns = BACKOFF_MIN_NS
        return True

    def send(self, datagram: bytes) -> bool:
        """Send without blocking. False: dropped and counted."""
        if self.sock is not None:
            try:
                self.sock.send(datagram)
            except BlockingIOError:
                pass
            except OSError:
                self.close()
            else:
                self.number += 1
                return True
        self.dropped += 1
        return False

    def receive(self, most_bytes: int = 64 * MAX_DATAGRAM_BYTES) -> list[bytes]:
        """All datagrams that wait, at most 64 (a flood must not starve others), and none after `most_bytes`.

        Closes at the end of the stream.
        """
        datagrams: list[bytes] = []
        while self.sock is not None and len(datagrams) < 64 and most_bytes > 0:
            try:
                datagram = self.sock.recv(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError:
                self.close()
                break
            if not datagram:
                self.close()
                break
            datagrams.append(datagram)
            most_bytes -= len(datagram)
        return datagrams

    def close(self) -> None:
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.close()
            self.sock = None
