"""The tap's connection to the monitor: tried again and again, never waited for."""

import array
import contextlib
import errno
import os
import socket
from typing import Any, List, NamedTuple, Optional

from jidoka_tap.layout import JOIN_BELOW_BYTES

BACKOFF_MIN_NS = 100_000_000
BACKOFF_MAX_NS = 2_000_000_000
SEND_BUFFER_BYTES = 4 << 20  # asked for; the kernel gives what net.core.wmem_max allows
RECEIVE_BYTES = 65_536
MOST_DESCRIPTORS = 4  # with one datagram; the kernel closes what is more
#: MSG_NOSIGNAL: an application that restored SIGPIPE's default must not die of an absent monitor
SEND_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_RECEIVE_FLAGS = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
_ANCILLARY_BYTES = socket.CMSG_SPACE(MOST_DESCRIPTORS * array.array("i").itemsize)


class Message(NamedTuple):
    """One datagram of the monitor's, and the descriptors that came with it; whoever takes it closes them."""

    datagram: bytes
    descriptors: List[int]


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


def receive(sock: socket.socket) -> Optional[Message]:
    """The next message, None if none waits. Raises OSError at the end of the stream."""
    try:
        datagram, ancillary, _, _ = sock.recvmsg(RECEIVE_BYTES, _ANCILLARY_BYTES, _RECEIVE_FLAGS)
    except (BlockingIOError, InterruptedError):
        return None
    if not datagram:
        raise ConnectionResetError(errno.ECONNRESET, "end of the stream")
    return Message(datagram, _descriptors(ancillary) if ancillary else [])


def close_all(descriptors: List[int]) -> None:
    """Close descriptors that came with a message."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _descriptors(ancillary: Any) -> List[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return found.tolist()


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

    def is_welcome(self) -> None:
        """The monitor took us: the next loss is tried again at once."""
        self._backoff_ns = BACKOFF_MIN_NS
        self.why_not = ""

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
