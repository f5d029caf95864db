"""What a serial adapter is to be told beside baud and parity: RS-485 direction, and an FTDI chip's latency timer.

An FTDI chip gathers bytes for 16 ms before it hands them on: at two lost beats that is 45 to 90 ms of hold time.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import termios
from pathlib import Path

import serial
from serial.rs485 import RS485Settings

from jidoka_bridge.errors import LinkError
from jidoka_bridge.plan import Link

#: Linux: what a tty's driver shows of it (Documentation/ABI/testing/sysfs-tty, ftdi_sio's latency_timer)
TTYS = Path("/sys/class/tty")
LATENCY_MS = 1
#: Linux: counts of a tty's driver (include/uapi/linux/serial.h: serial_icounter_struct, 11 ints in use of 20)
TIOCGICOUNT = 0x545D
COUNTS, FRAME, PARITY = 20, 6, 8
RS485_REMEDY = "Set plc.rs485 to adapter where adapter or wiring switch the direction by themselves (most USB adapters do)."


def rs485_settings(link: Link) -> RS485Settings | None:
    """How the driver switches the direction; None where it isn't to."""
    if link.rs485 == "adapter":
        return None
    is_high = link.rs485 == "rts"
    return RS485Settings(
        rts_level_for_tx=is_high,
        rts_level_for_rx=not is_high,
        loopback=link.echo,
        delay_before_tx=link.rs485_before_ms / 1000,  # pyserial's are seconds
        delay_before_rx=link.rs485_after_ms / 1000,
    )


def switch_direction(port: serial.Serial, link: Link) -> None:
    """Let the driver switch the direction (TIOCSRS485). Raises LinkError where it can't."""
    settings = rs485_settings(link)
    if settings is None:
        return
    try:
        port.rs485_mode = settings
    except (OSError, ValueError, NotImplementedError, termios.error):
        raise LinkError(
            f"{link.port}: the driver of this adapter can't switch the direction (RS-485)", RS485_REMEDY
        ) from None


def hasten(port: serial.Serial, path: str, ttys: Path = TTYS) -> tuple[tuple[str, str], ...]:
    """Hand bytes on at once. Returns (what, remedy) where the adapter keeps gathering them, () otherwise."""
    # most ports have neither this nor a latency timer
    with contextlib.suppress(OSError, ValueError, NotImplementedError, termios.error):
        port.set_low_latency_mode(True)
    timer = ttys / Path(os.path.realpath(path)).name / "device" / "latency_timer"
    try:
        if int(timer.read_text()) > LATENCY_MS:
            timer.write_text(f"{LATENCY_MS}\n")
        latency_ms = int(timer.read_text())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError):
        latency_ms = _shown(timer)
    if latency_ms <= LATENCY_MS:
        return ()
    return (
        (
            f"{path}: the adapter gathers bytes for {latency_ms} ms, and its latency timer can't be set",
            f"Let a udev rule or root set it: echo {LATENCY_MS} > {timer}. Otherwise add {latency_ms} ms to plc.plc_answer.",
        ),
    )


def line_errors(descriptor: int) -> tuple[int, int] | None:
    """(framing, parity) errors as the driver counts them, of a UART or most USB adapters; None where it doesn't."""
    counts = array.array("i", bytes(4 * COUNTS))
    try:
        fcntl.ioctl(descriptor, TIOCGICOUNT, counts, True)
    except OSError:
        return None
    return counts[FRAME], counts[PARITY]


def _shown(timer: Path) -> int:
    """The timer as it stands; the chip's own value where it can't be read."""
    try:
        return int(timer.read_text())
    except (OSError, ValueError):
        return 16
