"""The serial port: opened by its stable path, locked, never blocking, reopened with back-off after it was lost.

pyserial opens and configures; reading and writing go to the descriptor itself, so that select can wait for it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import termios
from pathlib import Path

import serial

from jidoka_bridge.errors import LinkError
from jidoka_bridge.link import serial_adapter
from jidoka_bridge.link.byte_port import BytePort, number_of, plain

#: of the other ends of Unix 98 pseudo-terminals (Documentation/admin-guide/devices.txt of Linux)
PSEUDO_MAJORS = range(136, 144)
#: Modbus RTU characters have 11 bits: without a parity bit there are two stop bits
STOP_BITS = {"N": 2, "E": 1, "O": 1}


class SerialPort(BytePort):
    """One serial port. `line_errors` are the driver's counts since it was loaded; a pseudo-terminal has none."""

    REMEDY = (
        "Check cable and adapter, name the port by its stable path below /dev/serial/by-id, "
        "and see that this user may open it (group dialout) and no other program has it."
    )
    CLOSED = "the serial port isn't open"
    LOST = "the serial port was lost"
    ENDED = "it reads as ended"

    _port: serial.Serial | None = None

    def _connect(self, now_ns: int) -> int:
        del now_ns
        link = self.link
        try:
            is_pseudo = os.major(Path(link.port).stat().st_rdev) in PSEUDO_MAJORS
            # a pseudo-terminal has no parity, and asking one a second time for it is refused (EINVAL)
            parity = "N" if is_pseudo else link.parity
            # timeout 0: the descriptor never blocks; exclusive: flock, against a second program that plays fair
            self._port = port = serial.Serial(
                link.port, link.baud, parity=parity, stopbits=1 if is_pseudo else STOP_BITS[parity],
                timeout=0, write_timeout=0, exclusive=True,
            )  # fmt: skip
            os.set_blocking(port.fd, False)
            _let_reading_tell_nothing_from_the_end(port.fd)
            termios.tcflush(port.fd, termios.TCIOFLUSH)
            if not is_pseudo:
                # against a second program that doesn't play fair; a pseudo-terminal would stay closed to everybody
                # after this process, for as long as its other end lives
                fcntl.ioctl(port.fd, termios.TIOCEXCL)
        except (OSError, ValueError, termios.error) as error:
            raise LinkError(f"{link.port}: {_told(error)}", self.REMEDY) from None
        serial_adapter.switch_direction(port, link)
        self.notes = serial_adapter.hasten(port, link.port)
        return int(port.fd)

    def line_errors(self) -> tuple[int, int] | None:
        """(framing, parity) errors that the driver has counted; None where none counts them."""
        return serial_adapter.line_errors(self.fileno()) if self.is_open else None

    def _release(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(OSError, termios.error):
                port.close()


def _let_reading_tell_nothing_from_the_end(descriptor: int) -> None:
    """With VMIN 0, as pyserial sets it, both read as no bytes; with 1, nothing is EAGAIN and no bytes are the end."""
    settings = termios.tcgetattr(descriptor)
    settings[6][termios.VMIN] = 1
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)


def _told(error: BaseException) -> str:
    """Why the port can't be opened. What can't be configured isn't a serial port (a file, a folder, /dev/null)."""
    if number_of(error) in (errno.ENOTTY, errno.EISDIR, errno.ENODEV):
        return "isn't a serial port"
    return f"can't open the serial port: {plain(error)}"
