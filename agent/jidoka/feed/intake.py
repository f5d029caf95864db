"""Where lines come from: the protocol, and the simplest of them, standard input and a Unix socket."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import InputError

from jidoka.feed.reading import Entry, Stream

log = logging.getLogger(__name__)

CHUNK_BYTES = 65_536
MOST_CLIENTS = 16
#: makes a stream of lines with this label
NewStream = Callable[[str], Stream]


class Intake:
    """Gives entries as they come. has_ended: none will come any more; look_again_s: how soon to ask without a sign."""

    text = ""
    has_ended = False
    look_again_s = 1.0

    def ears(self) -> Sequence[Any]:
        """What becomes readable when there is something."""
        return ()

    def take(self, now_ns: int) -> list[Entry]:
        """What came, without waiting; at most some hundred lines' worth."""
        raise NotImplementedError

    def counts(self) -> dict[str, int]:
        """What else people should know, by name."""
        return {}

    def close(self) -> None:
        """No more is wanted."""


class StandardInput(Intake):
    """Lines from standard input, until its end."""

    text = "standard input"

    def __init__(self, new_stream: NewStream, descriptor: int = 0) -> None:
        self._fd = descriptor
        try:
            mode = os.fstat(descriptor).st_mode
        except OSError:
            raise InputError(
                "standard input is closed.", "Pipe the program into it, or give --listen, --follow or --mqtt."
            ) from None
        if stat.S_ISDIR(mode):
            raise InputError("standard input is a folder.", "Pipe the program's lines into it.")
        if os.isatty(descriptor):
            log.info("reading from the terminal; Ctrl-D ends it")
        self._stream = new_stream("line")

    def ears(self) -> Sequence[Any]:
        return () if self.has_ended else (self._fd,)

    def take(self, now_ns: int) -> list[Entry]:
        del now_ns
        try:
            chunk = os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return []
        except OSError as error:
            log.warning("standard input can't be read any more: %s", error.strerror)
            chunk = b""
        if chunk:
            return self._stream.take(chunk)
        self.has_ended = True
        return self._stream.end()

    def counts(self) -> dict[str, int]:
        return {"lines without the pattern": self._stream.unmatched}


class Listener(Intake):
    """Lines from programs that connect to a Unix socket; each connection is a stream of its own, 16 at once.

    Raises InputError: the path can't be listened at, or another program listens there.
    """

    def __init__(self, path: Path, new_stream: NewStream) -> None:
        self.text = str(path)
        self._path, self._new_stream = path, new_stream
        self._server = _listen(path)
        self._clients: dict[socket.socket, Stream] = {}
        self._connections = self._turned_away = self._unmatched = 0

    def ears(self) -> Sequence[Any]:
        return (self._server, *self._clients)

    def take(self, now_ns: int) -> list[Entry]:
        del now_ns
        self._accept()
        found: list[Entry] = []
        for client, stream in list(self._clients.items()):
            try:
                chunk = client.recv(CHUNK_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                chunk = b""
            if chunk:
                found += stream.take(chunk)
                continue
            found += stream.end()
            self._unmatched += stream.unmatched
            del self._clients[client]
            client.close()
        return found

    def counts(self) -> dict[str, int]:
        unmatched = self._unmatched + sum(stream.unmatched for stream in self._clients.values())
        return {
            "connections": self._connections, "connections turned away": self._turned_away,
            "lines without the pattern": unmatched,
        }  # fmt: skip

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._server.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                client = self._server.accept()[0]
                if len(self._clients) >= MOST_CLIENTS:
                    self._turned_away += 1
                    client.close()
                    continue
                client.setblocking(False)
                self._connections += 1
                self._clients[client] = self._new_stream(f"connection {self._connections}")


def _listen(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if path.is_socket() and not _is_alive(path):
            path.unlink()  # left behind by one that was killed
        server.bind(str(path))
        server.listen(MOST_CLIENTS)
    except OSError as error:
        server.close()
        why = "another program uses it" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise InputError(
            f"{path}: can't listen there: {why}.", "Give a path in a folder that this user may write."
        ) from None
    return server


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        return peer.connect_ex(str(path)) == 0
