"""What a PLC in software listens at: a pseudo-terminal (Modbus RTU) or a socket (Modbus TCP), used alike.

Each gathers whole requests until the scan takes them, and carries the replies back. A mark says where a reply goes.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.link.mbap import RequestFinder, UnframedError, wrapped
from jidoka_bridge.link.tcp_port import address_of
from jidoka_bridge.plc.pseudo_terminal import PseudoTerminal
from jidoka_bridge.plc.server import RequestParser

MS = 1_000_000
SILENCE_NS = 20 * MS
READ_BYTES = 4096
#: where a reply goes: transaction and connection; (0, 0) on a serial line
Mark = tuple[int, int]
SERIAL: Mark = (0, 0)


class SerialLine:
    """Modbus RTU on a pseudo-terminal at `path`. Raises ConfigurationError for a path that can't be used."""

    def __init__(self, path: Path, unit: int) -> None:
        self.name = str(path)
        self._terminal = PseudoTerminal(path)
        self._parser = RequestParser(unit)
        self._requests: list[tuple[Mark, bytes]] = []
        self._heard_ns = 0

    def register(self, poller: select.poll) -> None:
        """What to wait for."""
        if self._terminal.is_connected:  # else it would report its end again and again
            poller.register(self._terminal.fd, select.POLLIN)

    def readable(self, descriptor: int, now_ns: int) -> None:
        """Bytes wait at a descriptor of ours."""
        del descriptor
        self._hear(now_ns, self._terminal.read())

    def _hear(self, now_ns: int, data: bytes) -> None:
        self._requests += [(SERIAL, request) for request in self._parser.feed(data)]
        self._heard_ns = now_ns

    def take(self, now_ns: int) -> list[tuple[Mark, bytes]]:
        """Whole requests since the last scan: (mark, unit and PDU)."""
        data = self._terminal.left_over()
        if data:
            self._hear(now_ns, data)
        if now_ns - self._heard_ns > SILENCE_NS:
            self._parser.silence()
        requests, self._requests = self._requests, []
        return requests

    def answer(self, mark: Mark, frame: bytes) -> None:
        """Send an RTU frame back."""
        del mark
        self._terminal.write(frame)

    def close(self) -> None:
        self._terminal.close()


class TcpLine:
    """Modbus TCP at ADDRESS:PORT. One master: a new connection ends the one before, which may be half dead.

    Raises ConfigurationError for an address that can't be listened at.
    """

    def __init__(self, address: str, unit: int) -> None:
        try:
            host, port = address_of(address)
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._server = socket.create_server((host, port), family=family, backlog=1)
        except ValueError as error:
            raise ConfigurationError(
                f"--tcp {address}: {error}", "Give a numeric address and a port."
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"--tcp {address}: can't listen there: {os.strerror(error.errno or 0)}", "Give another port."
            ) from None
        self.name = address
        self._unit = unit
        self._server.setblocking(False)
        self._client: socket.socket | None = None
        self._finder = RequestFinder(unit)
        self._requests: list[tuple[Mark, bytes]] = []
        self._number = 0

    def register(self, poller: select.poll) -> None:
        poller.register(self._server, select.POLLIN)
        if self._client is not None:
            poller.register(self._client, select.POLLIN)

    def readable(self, descriptor: int, now_ns: int) -> None:
        del now_ns
        if descriptor == self._server.fileno():
            self._accept()
        elif self._client is not None:
            try:
                data = self._client.recv(READ_BYTES)
                found = self._finder.feed(data)
            except (OSError, UnframedError):
                data, found = b"", []
            self._requests += [((transaction, self._number), request) for transaction, request in found]
            if not data:
                self._end()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._server.accept()
            self._end()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = client
            self._finder = RequestFinder(self._unit)
            self._number += 1

    def take(self, now_ns: int) -> list[tuple[Mark, bytes]]:
        del now_ns
        requests, self._requests = self._requests, []
        return requests

    def answer(self, mark: Mark, frame: bytes) -> None:
        transaction, number = mark
        if self._client is not None and number == self._number:
            with contextlib.suppress(OSError):
                self._client.send(wrapped(transaction, frame[:-2]))

    def _end(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def close(self) -> None:
        self._end()
        self._server.close()
