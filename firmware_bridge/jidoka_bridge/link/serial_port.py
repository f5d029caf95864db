"""The serial port: opened by its stable path, locked, never blocking, reopened with back-off after it was lost.

pyserial opens and configures; reading and writing go to the descriptor itself, so that select can wait for it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import termios
from pathlib import Path

import serial

from jidoka_bridge.errors import LinkError
from jidoka_bridge.link import serial_adapter
from jidoka_bridge.plan import Link

BACKOFF_MIN_NS = 200_000_000
BACKOFF_MAX_NS = 2_000_000_000
READ_BYTES = 4096
#: more than a kernel buffer holds at once: a line that still has bytes then babbles
DRAIN_READS = 16
#: of the other ends of Unix 98 pseudo-terminals (Documentation/admin-guide/devices.txt of Linux)
PSEUDO_MAJORS = range(136, 144)
#: Modbus RTU characters have 11 bits: without a parity bit there are two stop bits
STOP_BITS = {"N": 2, "E": 1, "O": 1}


class SerialPort:
    """One port that comes and goes. `error` says in plain words why it isn't open; `notes` what isn't as it should be.

    read, write and drain raise LinkError when the port is gone, and close it first; then call `open` until it
    returns True, and begin a new session.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.error = ""
        self.notes: tuple[tuple[str, str], ...] = ()
        self._port: serial.Serial | None = None
        self._next_try_ns = 0
        self._backoff_ns = BACKOFF_MIN_NS

    @property
    def is_open(self) -> bool:
        return self._port is not None

    def fileno(self) -> int:
        """Descriptor for select; -1 while closed."""
        return -1 if self._port is None else int(self._port.fd)

    def open(self, now_ns: int) -> bool:
        """Open the port if it is closed and time to try. True in the call that opened it; else see `error`."""
        if self._port is not None or now_ns < self._next_try_ns:
            return False
        try:
            self._port = self._opened()
        except LinkError as error:
            self.error = error.what
            self._next_try_ns = now_ns + self._backoff_ns
            self._backoff_ns = min(2 * self._backoff_ns, BACKOFF_MAX_NS)
            return False
        self.error = ""
        self._backoff_ns = BACKOFF_MIN_NS
        return True

    def _opened(self) -> serial.Serial:
        """The configured port. Raises LinkError."""
        link = self.link
        is_pseudo = _is_pseudo_terminal(link.port)
        # a pseudo-terminal has no parity, and asking one a second time for it is refused (EINVAL)
        parity = "N" if is_pseudo else link.parity
        stop_bits = 1 if is_pseudo else STOP_BITS[parity]
        try:
            # timeout 0: the descriptor never blocks; exclusive: flock, against a second program that plays fair
            port = serial.Serial(
                link.port,
                link.baud,
                parity=parity,
                stopbits=stop_bits,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as error:
            raise LinkError(f"{link.port}: {_told(error)}", REMEDY) from None
        try:
            os.set_blocking(port.fd, False)
            _let_reading_tell_nothing_from_the_end(port.fd)
            termios.tcflush(port.fd, termios.TCIOFLUSH)
            if not is_pseudo:
                # against a second program that doesn't play fair; a pseudo-terminal would stay closed to everybody
                # after this process, for as long as its other end lives
                fcntl.ioctl(port.fd, termios.TIOCEXCL)
            serial_adapter.switch_direction(port, link)
        except (OSError, termios.error) as error:
            port.close()
            raise LinkError(f"{link.port}: {_told(error)}", REMEDY) from None
        except LinkError:
            port.close()
            raise
        self.notes = serial_adapter.hasten(port, link.port)
        return port

    def read(self) -> bytes:
        """What has come, b"" for nothing. Raises LinkError when the port is gone."""
        try:
            data = os.read(self._descriptor(), READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as error:
            raise self._lost(_plain(error)) from None
        if not data:
            raise self._lost("it reads as ended")
        return data

    def write(self, data: bytes) -> None:
        """Send all of it at once. Raises LinkError when the port is gone or takes no more (flow control, a dead peer)."""
        if not data:
            return
        try:
            taken = os.write(self._descriptor(), data)
        except (BlockingIOError, InterruptedError):
            taken = 0
        except OSError as error:
            raise self._lost(_plain(error)) from None
        if taken < len(data):
            raise self._lost("it takes no more bytes")

    def drain(self) -> int:
        """Throw away what has come unasked; returns how many bytes. Ends even if the line babbles without pause."""
        dropped = 0
        for _ in range(DRAIN_READS):
            if not self._has_bytes():
                break
            dropped += len(self.read())
        return dropped

    def _has_bytes(self) -> bool:
        poller = select.poll()
        poller.register(self._descriptor(), select.POLLIN)
        return bool(poller.poll(0))

    def _descriptor(self) -> int:
        if self._port is None:
            raise LinkError(f"{self.link.port}: the serial port isn't open", REMEDY)
        return int(self._port.fd)

    def _lost(self, why: str) -> LinkError:
        self.close()
        self.error = f"{self.link.port}: the serial port was lost: {why}"
        return LinkError(self.error, REMEDY)

    def close(self) -> None:
        """Close it; `open` may be called at once."""
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(OSError, termios.error):
                port.close()


REMEDY = (
    "Check cable and adapter, name the port by its stable path below /dev/serial/by-id, "
    "and see that this user may open it (group dialout) and no other program has it."
)


def _is_pseudo_terminal(path: str) -> bool:
    try:
        return os.major(Path(path).stat().st_rdev) in PSEUDO_MAJORS
    except OSError:
        return False  # opening it will say what is wrong


def _let_reading_tell_nothing_from_the_end(descriptor: int) -> None:
    """With VMIN 0, as pyserial sets it, both read as no bytes; with 1, nothing is EAGAIN and no bytes are the end."""
    settings = termios.tcgetattr(descriptor)
    settings[6][termios.VMIN] = 1
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)


def _told(error: BaseException) -> str:
    """Why the port can't be opened. What can't be configured isn't a serial port (a file, a folder, /dev/null)."""
    if _number(error) in (errno.ENOTTY, errno.EISDIR, errno.ENODEV):
        return "isn't a serial port"
    return f"can't open the serial port: {_plain(error)}"


def _plain(error: BaseException) -> str:
    """The system's own words for an OSError or termios.error, which isn't one."""
    number = _number(error)
    if number in (errno.EAGAIN, errno.EBUSY):
        return "another program has it"
    return str(error) if number is None else os.strerror(number)


def _number(error: BaseException | None) -> int | None:
    """The errno of an OSError, of a termios.error, or of what pyserial caught before it raised its own."""
    while error is not None:
        first = error.args[0] if error.args else None
        for number in (getattr(error, "errno", None), first):
            if isinstance(number, int):
                return number
        error = error.__context__
    return None
