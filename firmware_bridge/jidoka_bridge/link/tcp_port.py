"""One TCP connection to the PLC, used as a serial port is: never blocking, made anew with back-off after it was lost.

The address is a number: a name would have to be looked up, and a name server that hangs would hold up the beats.
Nagle's algorithm is off (TCP_NODELAY): a request goes out at once. What TCP itself repeats is late, and the session
finds that by the PLC's counter.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import select
import socket

from jidoka_bridge.errors import LinkError
from jidoka_bridge.link.byte_port import BytePort, plain

#: a connection that isn't made by then is given up; a host that is there answers within a round trip
CONNECT_NS = 2_000_000_000
#: of what was sent nothing was acknowledged for so long: the connection is dead (TCP_USER_TIMEOUT, ms)
DEAD_MS = 2_000
DEFAULT_PORT = 502


def address_of(port: str) -> tuple[str, int]:
    """ADDRESS:PORT, [ADDRESS]:PORT or ADDRESS as (address, port). Raises ValueError for anything else, names included."""
    host, colon, number = port.rpartition(":")
    if not colon or (host.count(":") and not host.startswith("[")):
        host, number = port, str(DEFAULT_PORT)
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number) <= 65535:
        raise ValueError(f"{port}: {number!r} is no TCP port")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    return str(ipaddress.ip_address(host)), int(number)


class TcpPort(BytePort):
    """One connection that comes and goes, begun by one call of `open` and found made by a later one."""

    REMEDY = (
        "Check that the PLC's Modbus TCP server runs at that address and port, takes a connection from this device, and "
        "that no other master uses it up; the guard goes on trying."
    )
    CLOSED = "there is no connection"
    LOST = "the connection was lost"
    ENDED = "the PLC closed it"

    _socket: socket.socket | None = None
    _since_ns = 0

    def _connect(self, now_ns: int) -> int:
        try:
            if self._socket is None:
                self._since_ns = now_ns
                self._socket = self._begun()
            is_done = self._is_connected(self._socket, now_ns)
        except (OSError, ValueError) as error:
            raise LinkError(f"{self.link.port}: can't connect: {plain(error)}", self.REMEDY) from None
        return self._socket.fileno() if is_done else -1

    def _begun(self) -> socket.socket:
        address, port = address_of(self.link.port)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_MS)
        number = made.connect_ex((address, port))
        if number not in (0, errno.EINPROGRESS):
            made.close()
            raise OSError(number, os.strerror(number))
        return made

    def _is_connected(self, made: socket.socket, now_ns: int) -> bool:
        poller = select.poll()
        poller.register(made, select.POLLOUT)
        if not poller.poll(0):
            if now_ns - self._since_ns > CONNECT_NS:
                raise OSError(errno.ETIMEDOUT, "")
            return False
        number = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, "")
        return True

    def _release(self) -> None:
        made, self._socket = self._socket, None
        if made is not None:
            made.close()
