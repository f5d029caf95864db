"""One TCP connection to the PLC, used as a serial port is: never blocking, made anew with back-off after it was lost.

The address is a number: a name would have to be looked up, and a name server that hangs would hold up the beats.
Nagle's algorithm is off (TCP_NODELAY): a request goes out at once. What TCP itself repeats is late, and the session
finds that by the PLC's counter.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import select
import socket

from jidoka_bridge.errors import LinkError
from jidoka_bridge.link.serial_port import BACKOFF_MAX_NS, BACKOFF_MIN_NS, DRAIN_READS, READ_BYTES
from jidoka_bridge.plan import Link

#: a connection that isn't made by then is given up; a host that is there answers within a round trip
CONNECT_NS = 2_000_000_000
#: of what was sent nothing was acknowledged for so long: the connection is dead (TCP_USER_TIMEOUT, ms)
DEAD_MS = 2_000
DEFAULT_PORT = 502
REMEDY = (
    "Check that the PLC's Modbus TCP server runs at that address and port, takes a connection from this device, and "
    "that no other master uses it up; the guard goes on trying."
)


def address_of(port: str) -> tuple[str, int]:
    """ADDRESS:PORT, [ADDRESS]:PORT or ADDRESS as (address, port). Raises ValueError for anything else, names included."""
    host, colon, number = port.rpartition(":")
    if not colon or (host.count(":") and not host.startswith("[")):
        host, number = port, str(DEFAULT_PORT)
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number) <= 65535:
        raise ValueError(f"{port}: {number!r} is no TCP port")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    return str(ipaddress.ip_address(host)), int(number)


class TcpPort:
    """One connection that comes and goes. `error` says in plain words why there is none; see `SerialPort`."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.error = ""
        self.notes: tuple[tuple[str, str], ...] = ()
        self._socket: socket.socket | None = None
        self._is_open = False
        self._since_ns = 0
        self._next_try_ns = 0
        self._backoff_ns = BACKOFF_MIN_NS

    @property
    def is_open(self) -> bool:
        return self._is_open

    def fileno(self) -> int:
        """Descriptor for select; -1 while there is no connection."""
        return self._socket.fileno() if self._socket is not None and self._is_open else -1

    def open(self, now_ns: int) -> bool:
        """Begin or go on connecting. True in the call that finds it done; else see `error`."""
        if self._is_open or now_ns < self._next_try_ns:
            return False
        try:
            if self._socket is None:
                self._since_ns = now_ns
                self._begin()
            is_done = self._is_connected(now_ns)
        except (OSError, ValueError) as error:
            self._drop()
            self.error = f"{self.link.port}: can't connect: {_plain(error)}"
            self._next_try_ns = now_ns + self._backoff_ns
            self._backoff_ns = min(2 * self._backoff_ns, BACKOFF_MAX_NS)
            return False
        if is_done:
            self._is_open = True
            self.error = ""
            self._backoff_ns = BACKOFF_MIN_NS
        return is_done

    def _begin(self) -> None:
        address, port = address_of(self.link.port)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = made = socket.socket(
            family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        )
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_MS)
        number = made.connect_ex((address, port))
        if number not in (0, errno.EINPROGRESS):
            raise OSError(number, os.strerror(number))

    def _is_connected(self, now_ns: int) -> bool:
        assert self._socket is not None
        poller = select.poll()
        poller.register(self._socket, select.POLLOUT)
        if not poller.poll(0):
            if now_ns - self._since_ns > CONNECT_NS:
                raise OSError(errno.ETIMEDOUT, "")
            return False
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, "")
        return True

    def read(self) -> bytes:
        """What has come, b"" for nothing. Raises LinkError when the connection is gone."""
        try:
            data = self._connected().recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as error:
            raise self._lost(_plain(error)) from None
        if not data:
            raise self._lost("the PLC closed it")
        return data

    def write(self, data: bytes) -> None:
        """Send all of it at once. Raises LinkError when the connection is gone or takes no more."""
        if not data:
            return
        try:
            taken = self._connected().send(data)
        except (BlockingIOError, InterruptedError):
            taken = 0
        except OSError as error:
            raise self._lost(_plain(error)) from None
        if taken < len(data):
            raise self._lost("it takes no more bytes")

    def drain(self) -> int:
        """Throw away what has come unasked; returns how many bytes. Ends even if they come without pause."""
        dropped = 0
        for _ in range(DRAIN_READS):
            poller = select.poll()
            poller.register(self._connected(), select.POLLIN)
            if not poller.poll(0):
                break
            dropped += len(self.read())
        return dropped

    def _connected(self) -> socket.socket:
        if self._socket is None or not self._is_open:
            raise LinkError(f"{self.link.port}: there is no connection", REMEDY)
        return self._socket

    def _lost(self, why: str) -> LinkError:
        self.close()
        self.error = f"{self.link.port}: the connection was lost: {why}"
        return LinkError(self.error, REMEDY)

    def _drop(self) -> None:
        made, self._socket = self._socket, None
        if made is not None:
            with contextlib.suppress(OSError):
                made.close()

    def close(self) -> None:
        """End it; `open` may be called at once."""
        self._is_open = False
        self._drop()


def _plain(error: OSError | ValueError) -> str:
    """The system's own words, or what is wrong with the address."""
    number = getattr(error, "errno", None)
    return str(error) if number is None else os.strerror(number)
