"""The tap socket and every connection behind it, each served in turn: a flood costs only its own model."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jidoka_bridge.channel import MAX_DATAGRAM_BYTES, listen_plainly
from jidoka_tap import wire

from jidoka.monitor.intake import Intake, Outcome, Reply, Writer

MOST_TAPS = 32
#: a turn of a connection ends with a judged record, or after this
TURN_NS = 100_000
#: a turn spent on what is refused is followed by so many times its length without one: a tenth of the monitor at most
REST_TURNS = 9
PEER_CREDENTIALS = struct.Struct("3i")


@dataclass
class Connection:
    """One accepted socket. rests_until_ns: 0 while it is served; early: a HELLO that waits for another's end."""

    sock: socket.socket
    writer: Writer
    rests_until_ns: int = 0
    early: bytes = b""


class Taps:
    """Listens at `path` and serves who connects.

    poller: an epoll that others may register their descriptors with; `poll` gives the ready ones, `turn` serves those
    that are taps'. dropped: replies that an application didn't take.
    """

    def __init__(self, path: Path, intake: Intake) -> None:
        self.server = listen_plainly(path, "monitor")
        self.path = path
        self.intake = intake
        self.dropped = 0
        self.connections: dict[int, Connection] = {}
        self.poller = select.epoll()
        self.poller.register(self.server, select.EPOLLIN)
        self._resting: list[Connection] = []

    def poll(self, wait_ns: int, now_ns: int) -> list[int]:
        """Wait up to that long; returns the descriptors that are ready."""
        due_ns = min((each.rests_until_ns for each in self._resting), default=now_ns + wait_ns)
        wait_s = max(0, min(now_ns + wait_ns, due_ns) - now_ns) * 1e-9
        return [descriptor for descriptor, _ in self.poller.poll(wait_s)]

    def turn(self, ready: Sequence[int], clock: Callable[[], int]) -> None:
        """One turn for each that is ready; then let a new one in."""
        for descriptor in ready:
            connection = self.connections.get(descriptor)
            if connection is not None:
                self._serve(connection, clock)
        if self._resting:
            self._wake(clock())
        if self.server.fileno() in ready:
            self._accept(clock())

    def show(self, model: str, digest: str, now_ns: int) -> str:
        """Ask the application of a model for the known answers; returns why not, "" = it was asked."""
        writer = self.intake.writers.get(model)
        connection = next((each for each in self.connections.values() if each.writer is writer), None)
        if writer is None or connection is None:
            return "its application isn't connected"
        if not writer.shows:
            return "its application can't show them: its tap knows nothing of them"
        datagram = wire.encode_json(wire.SHOW, now_ns, {"digest": digest})
        return (
            "" if _send(connection.sock, Reply(datagram)) else "its application doesn't read what it is told"
        )

    def end_overdue(self, now_ns: int) -> None:
        """End connections that never said who they are. Call a few times a second."""
        for connection in [*self.connections.values()]:
            # one that waited may have been ended together with another
            if not connection.writer.is_ended and self.intake.is_overdue(connection.writer, now_ns):
                self.intake.refused.add("", "no hello", now_ns)
                self._end(connection, now_ns)

    def _serve(self, connection: Connection, clock: Callable[[], int]) -> None:
        writer, sock = connection.writer, connection.sock
        begun_ns = now_ns = clock()
        refused = 0
        while now_ns - begun_ns < TURN_NS:
            try:
                # plain recv: descriptors that come with a datagram are never received
                datagram = sock.recv(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                datagram = b""
            outcome = self._take(connection, datagram, now_ns) if datagram else None
            if outcome is None or writer.is_ended:
                self._end(connection, now_ns)
                return
            if outcome is Outcome.JUDGED:
                return
            refused += outcome is Outcome.REFUSED
            now_ns = clock()
        if refused:
            self._rest(connection, now_ns + REST_TURNS * (now_ns - begun_ns))

    def _take(self, connection: Connection, datagram: bytes, now_ns: int) -> Outcome:
        writer = connection.writer
        outcome = self.intake.take(writer, datagram, now_ns)
        if writer.replies:
            for reply in writer.replies:
                self.dropped += not _send(connection.sock, reply)
            writer.replies.clear()
        if outcome is Outcome.JUDGED:
            self.intake.sink.study()
        connection.early = datagram if outcome is Outcome.EARLY else b""
        return outcome

    def _rest(self, connection: Connection, until_ns: int) -> None:
        connection.rests_until_ns = until_ns
        self._resting.append(connection)
        self.poller.unregister(connection.sock)

    def _wake(self, now_ns: int) -> None:
        for connection in [each for each in self._resting if now_ns >= each.rests_until_ns]:
            self._resting.remove(connection)
            connection.rests_until_ns = 0
            self.poller.register(connection.sock, select.EPOLLIN)

    def _accept(self, now_ns: int) -> None:
        try:
            sock, _ = self.server.accept()
        except OSError:
            return
        sock.setblocking(False)
        if len(self.connections) >= MOST_TAPS:
            self._make_place(now_ns)
        peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size)
        writer = self.intake.opened(PEER_CREDENTIALS.unpack(peer)[1], now_ns, partial(_has_hung_up, sock))
        self.connections[sock.fileno()] = Connection(sock, writer)
        self.poller.register(sock, select.EPOLLIN)

    def _make_place(self, now_ns: int) -> None:
        """End the oldest connection that hasn't said who it is: those that have are one a model."""
        silent = [each for each in self.connections.values() if each.writer.grant is None]
        if silent:
            self.intake.refused.add("", "too many taps", now_ns)
            self._end(silent[0], now_ns)

    def _end(self, connection: Connection, now_ns: int) -> None:
        if connection.rests_until_ns:
            self._resting.remove(connection)
        else:
            self.poller.unregister(connection.sock)
        del self.connections[connection.sock.fileno()]
        self.intake.closed(connection.writer)
        connection.sock.close()
        for other in [each for each in self.connections.values() if each.early]:
            self._take(other, other.early, now_ns)
            if other.writer.is_ended:
                self._end(other, now_ns)

    def close(self) -> None:
        """Hang up; the directory stays: a container may have mounted it."""
        for connection in self.connections.values():
            self.intake.closed(connection.writer)
            connection.sock.close()
        self.connections.clear()
        self.poller.close()
        self.server.close()
        self.path.unlink(missing_ok=True)


def _has_hung_up(sock: socket.socket) -> bool:
    """True if the peer has closed its end, though what it sent may still wait."""
    poller = select.poll()
    poller.register(sock, 0)
    return bool(poller.poll(0))


def _send(sock: socket.socket, reply: Reply) -> bool:
    """False: the queue is full, as the application doesn't read; or it is gone, which the next recv will say."""
    try:
        if reply.descriptor >= 0:
            socket.send_fds(sock, [reply.datagram], [reply.descriptor])
        else:
            sock.send(reply.datagram)
    except OSError:
        return False
    return True
