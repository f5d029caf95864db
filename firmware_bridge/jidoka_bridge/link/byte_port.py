"""What every port of a link is: bytes over a descriptor that never blocks, lost in plain words, opened anew with back-off."""

from __future__ import annotations

import abc
import errno
import os
import select
from typing import ClassVar

from jidoka_bridge.errors import LinkError
from jidoka_bridge.plan import Link

BACKOFF_MIN_NS = 200_000_000
BACKOFF_MAX_NS = 2_000_000_000
READ_BYTES = 4096
#: more than a kernel buffer holds at once: a line that still has bytes then babbles
DRAIN_READS = 16


class BytePort(abc.ABC):
    """One port that comes and goes. `error` says why it isn't open, `remedy` what to do; `notes` what isn't as it should be.

    read, write and drain raise LinkError when the port is gone, and close it first; then call `open` until it
    returns True, and begin a new session.
    """

    REMEDY: ClassVar[str]
    CLOSED: ClassVar[str]
    LOST: ClassVar[str]
    ENDED: ClassVar[str]

    def __init__(self, link: Link) -> None:
        self.link = link
        self.error = ""
        self.remedy = self.REMEDY
        self.notes: tuple[tuple[str, str], ...] = ()
        self.is_open = False
        self._fd = -1
        self._next_try_ns = 0
        self._backoff_ns = BACKOFF_MIN_NS

    @abc.abstractmethod
    def _connect(self, now_ns: int) -> int:
        """The descriptor, -1 while it is still to be waited for. Raises LinkError."""

    @abc.abstractmethod
    def _release(self) -> None:
        """Close what `_connect` made, if anything."""

    def line_errors(self) -> tuple[int, int] | None:
        """(framing, parity) errors that the driver has counted; None where none counts them."""
        return None

    def fileno(self) -> int:
        """Descriptor for select; -1 while closed."""
        return self._fd

    def open(self, now_ns: int) -> bool:
        """Open the port if it is closed and time to try. True in the call that opened it; else see `error`."""
        if self.is_open or now_ns < self._next_try_ns:
            return False
        try:
            self._fd = self._connect(now_ns)
        except LinkError as error:
            self._release()
            self.error, self.remedy = error.what, error.remedy
            self._next_try_ns = now_ns + self._backoff_ns
            self._backoff_ns = min(2 * self._backoff_ns, BACKOFF_MAX_NS)
            return False
        self.is_open = self._fd >= 0
        if self.is_open:
            self.error, self.remedy = "", self.REMEDY
            self._backoff_ns = BACKOFF_MIN_NS
        return self.is_open

    def read(self) -> bytes:
        """What has come, b"" for nothing. Raises LinkError when the port is gone."""
        try:
            data = os.read(self._opened(), READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lost(plain(error)) from None
        if not data:
            raise self._lost(self.ENDED)
        return data

    def write(self, data: bytes) -> None:
        """Send all of it at once. Raises LinkError when the port is gone or takes no more (flow control, a dead peer)."""
        if not data:
            return
        try:
            taken = os.write(self._opened(), data)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            raise self._lost(plain(error)) from None
        if taken < len(data):
            raise self._lost("it takes no more bytes")

    def drain(self) -> int:
        """Throw away what has come unasked; returns how many bytes. Ends even if the line babbles without pause."""
        dropped = 0
        for _ in range(DRAIN_READS):
            poller = select.poll()
            poller.register(self._opened(), select.POLLIN)
            if not poller.poll(0):
                break
            dropped += len(self.read())
        return dropped

    def _opened(self) -> int:
        if not self.is_open:
            raise LinkError(f"{self.link.port}: {self.CLOSED}", self.REMEDY)
        return self._fd

    def _lost(self, why: str) -> LinkError:
        self.close()
        self.error, self.remedy = f"{self.link.port}: {self.LOST}: {why}", self.REMEDY
        return LinkError(self.error, self.remedy)

    def close(self) -> None:
        """Close it; `open` may be called at once."""
        self.is_open, self._fd = False, -1
        self._release()


def plain(error: BaseException) -> str:
    """The system's own words for an OSError or termios.error, which isn't one."""
    number = number_of(error)
    if number in (errno.EAGAIN, errno.EBUSY):
        return "another program has it"
    return str(error) if number is None else os.strerror(number)


def number_of(error: BaseException | None) -> int | None:
    """The errno of an OSError, of a termios.error, or of what pyserial caught before it raised its own."""
    while error is not None:
        first = error.args[0] if error.args else None
        for number in (getattr(error, "errno", None), first):
            if isinstance(number, int):
                return number
        error = error.__context__
    return None
