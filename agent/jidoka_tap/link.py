"""The tap's connection to the monitor: tried again and again, never waited for."""

import errno
import os
import socket
from typing import Any, Dict, List, NamedTuple, Optional

from jidoka_tap import wire
from jidoka_tap.layout import JOIN_BELOW_BYTES, Roi

BACKOFF_MIN_NS = 100_000_000
BACKOFF_MAX_NS = 2_000_000_000
SEND_BUFFER_BYTES = 4 << 20  # asked for; the kernel gives what net.core.wmem_max allows
RECEIVE_BYTES = 65_536
#: MSG_NOSIGNAL: an application that restored SIGPIPE's default must not die of an absent monitor
SEND_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


def send(sock: socket.socket, pieces: List[Any], size_bytes: int) -> None:
    """One datagram from its pieces (bytes and arrays), without waiting. Raises OSError: full, or gone."""
    try:
        if size_bytes < JOIN_BELOW_BYTES:
            sock.send(b"".join(pieces), SEND_FLAGS)
        else:
            sock.sendmsg(pieces, (), SEND_FLAGS)
    except (TypeError, ValueError, BufferError):  # an array that isn't contiguous
        sock.send(
            b"".join(piece if isinstance(piece, (bytes, bytearray)) else piece.tobytes() for piece in pieces),
            SEND_FLAGS,
        )


def try_send(sock: socket.socket, datagram: bytes) -> bool:
    """One datagram without waiting. False: it was full, or is gone."""
    try:
        sock.send(datagram, SEND_FLAGS)
    except OSError:
        return False
    return True


class Terms(NamedTuple):
    """What the monitor's WELCOME asks for. every: inputs go with each n-th record, 0 = never."""

    every: int
    roi: Optional[Roi]
    inline_limit_bytes: int


def terms_of(welcome: Dict[str, Any]) -> Terms:
    """The terms in a WELCOME. Raises wire.WireError for values that make no sense."""
    every = welcome.get("every", 1)
    limit = welcome.get("inline_limit_bytes", wire.INLINE_LIMIT_BYTES)
    roi = welcome.get("roi")
    whole = roi if isinstance(roi, list) else []
    numbers = [every, limit, *whole]
    if (
        not all(type(number) is int and number >= 0 for number in numbers)
        or (roi is not None and len(whole) != 4)
        or limit > wire.INLINE_LIMIT_BYTES
    ):
        raise wire.WireError("WELCOME asks for every=%r, roi=%r, inline_limit_bytes=%r" % (every, roi, limit))
    return Terms(every, (whole[0], whole[1], whole[2], whole[3]) if whole else None, limit)


class Link:
    """A SEQPACKET client that comes and goes. Used by the tap's own thread only."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sock: Optional[socket.socket] = None
        self.next_try_ns = 0
        self.why_not = ""
        self._backoff_ns = BACKOFF_MIN_NS

    def connect(self, now_ns: int) -> bool:
        """Try to connect if it is time to. True in the call that made the connection; `why_not` otherwise."""
        if self.sock is not None or now_ns < self.next_try_ns:
            return False
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            sock.connect(self.path)
        except OSError as error:
            sock.close()
            self.why_not = os.strerror(error.errno) if error.errno else str(error)
            self._wait(now_ns)
            return False
        self.sock = sock
        return True

    def receive(self) -> Optional[bytes]:
        """The next datagram, None if none waits. Raises ConnectionError at the end of the stream."""
        assert self.sock is not None
        try:
            datagram = self.sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        if not datagram:
            raise ConnectionResetError(errno.ECONNRESET, "end of the stream")
        return datagram

    def is_welcome(self) -> None:
        """The monitor took us: the next loss is tried again at once."""
        self._backoff_ns = BACKOFF_MIN_NS

    def close(self, now_ns: int, is_refused: bool = False) -> None:
        """Give the connection up; after a refusal the next try comes as late as it ever does."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None
        if is_refused:
            self._backoff_ns = BACKOFF_MAX_NS
        self._wait(now_ns)

    def _wait(self, now_ns: int) -> None:
        self.next_try_ns = now_ns + self._backoff_ns
        self._backoff_ns = min(2 * self._backoff_ns, BACKOFF_MAX_NS)
