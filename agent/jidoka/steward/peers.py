"""The steward's sockets: the guard, and whoever asks or tells; what they bring, and sending that never blocks.

The guard listens and the steward connects to it; everybody else connects to the steward. A peer is known by its number,
the guard by `GUARD`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from jidoka_bridge.channel import Channel, listen_plainly
from jidoka_bridge.plan import Plan

from jidoka.steward.presence import GUARD

MAX_PEERS = 64

#: makes a datagram with the number that it has on its connection
Encode = Callable[[int], bytes]


class Peers:
    """Opened with `open`; `turn` waits for what comes."""

    def __init__(self, plan: Plan) -> None:
        self.guard = Channel(plan.guard_steward_socket)
        self._path: Path = plan.steward_socket
        self._others: dict[int, Channel] = {}
        self._selector = selectors.DefaultSelector()
        self._server: socket.socket | None = None
        self._next = 1
        self._connects_anew = False

    def open(self, *wakes: int) -> None:
        """Listen. wakes: descriptors that only end a wait. Raises PlainError if it can't listen there."""
        self._server = listen_plainly(self._path, "steward")
        self._selector.register(self._server, selectors.EVENT_READ, self._server)
        for wake in wakes:
            self._selector.register(wake, selectors.EVENT_READ, wake)

    def turn(self, limit_s: float) -> Iterator[tuple[int, bytes | None]]:
        """(peer, datagram) of all that came within the time; None in place of a datagram: it is gone."""
        for key, _ in self._selector.select(limit_s):
            if isinstance(key.data, socket.socket):
                self._accept(key.data)
            elif isinstance(key.data, Channel):
                yield from self._brought(key.data)
            else:
                with contextlib.suppress(BlockingIOError):
                    os.read(key.data, 4096)

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            connected, _ = server.accept()
            if len(self._others) >= MAX_PEERS:
                connected.close()
                return
            channel = Channel(connected=connected)
            self._others[self._next] = channel
            self._next += 1
            self._selector.register(connected, selectors.EVENT_READ, channel)

    def _brought(self, channel: Channel) -> Iterator[tuple[int, bytes | None]]:
        sock, peer = channel.sock, self._number_of(channel)
        for datagram in channel.receive():
            yield peer, datagram
            if self._connects_anew and peer == GUARD:
                channel.close()
                break  # what follows a gap comes again
        self._connects_anew = False
        if sock is not None and not channel.is_connected:
            self._forget(peer, sock)
            yield peer, None

    def _number_of(self, channel: Channel) -> int:
        if channel is self.guard:
            return GUARD
        return next((number for number, each in self._others.items() if each is channel), 0)

    def _forget(self, peer: int, sock: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)
        self._others.pop(peer, None)

    def connect_guard(self, now_ns: int) -> bool:
        """Try to, if it is away and it is time. Returns True in the call that connected."""
        if not self.guard.connect(now_ns) or self.guard.sock is None:
            return False
        self._selector.register(self.guard.sock, selectors.EVENT_READ, self.guard)
        return True

    def connect_anew(self) -> None:
        """Let the guard's connection go after the datagram that is being taken."""
        self._connects_anew = True

    def drop_guard(self) -> bool:
        """Close the guard's connection. Returns whether there was one."""
        sock = self.guard.sock
        if sock is None:
            return False
        self.guard.close()
        self._forget(GUARD, sock)
        return True

    def send(self, peer: int, encode: Encode) -> bool:
        """Send, or drop it where the peer is away or slow. Returns False if the peer was found to be gone."""
        channel = self.guard if peer == GUARD else self._others.get(peer)
        if channel is None or channel.sock is None:
            return True
        sock = channel.sock
        channel.send(encode(channel.number))
        if channel.is_connected:
            return True
        self._forget(peer, sock)
        return False

    def close(self, encode: Encode) -> None:
        """Say goodbye to all, and listen no more."""
        for channel in [self.guard, *self._others.values()]:
            channel.send(encode(channel.number))
            channel.close()
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(OSError):
                self._path.unlink()
