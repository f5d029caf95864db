"""The C firmware in an emulated Cortex-M (QEMU, mps2-an385), behind the same two pseudo-terminals as the model.

`python -m jidoka_bridge.plc.emulated --link PATH --panel PATH`. UART0 of the board is the agent's line, UART1 the
panel; what the firmware tells there becomes the same panel and JSON lines as of `jidoka_bridge.plc`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError, PlainError
from jidoka_bridge.notify import die_with_parent, notify
from jidoka_bridge.plc.__main__ import LIMITS, arguments
from jidoka_bridge.plc.pseudo_terminal import PseudoTerminal
from jidoka_bridge.registers import Fault, Input, PlcState, Word

QEMU = "qemu-system-arm"
#: flash address of what a site sets, and its layout (cortex_m/main.c)
SETTINGS_ADDRESS = 0x7F00
SETTINGS = struct.Struct("<9I")
SETTINGS_MAGIC = 0x4A44_4B31
RELAY_MS = 35
BAUD = 19_200
BOOTS = ("power-up", "reset", "watchdog", "fault")
WHYS = ("", "hold time over", "key", "relay feedback", "withheld", "abstained", "raise without press", "press",
        "lowered", "memory")  # fmt: skip
PANEL_BUFFER_BYTES = 4 << 20
#: how often it is looked whether somebody wrote and has gone again
AWAY_MS = 20
_PR_SET_PDEATHSIG = 1


def _die_with_us() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Emulator:
    """A running board. `link` and `panel` are the sockets of its two serial lines.

    settings: unit, hold limit ms, scan ms, parts a second, recipe; gdb: path of a socket for the debugger's stub;
    watchdog_ms: until the watchdog's interrupt, and as long again to its reset (0: the firmware's own 110 ms). An
    emulated board stands still while its computer does, so that a loaded one needs more.
    """

    def __init__(  # noqa: PLR0917
        self, image: Path, unit: int = 1, hold_ms: int = 500, scan_ms: int = 10, rate_hz: float = 10.0,
        recipe: int = 0, gdb: Path | None = None, watchdog_ms: int = 0,
    ) -> None:  # fmt: skip
        if shutil.which(QEMU) is None:
            raise ConfigurationError(f"{QEMU} isn't installed", "Install it: apt install qemu-system-arm.")
        if not image.is_file():
            raise ConfigurationError(f"{image}: no such firmware", "Build it: make firmware.")
        self.link, far_link = socket.socketpair()
        self.panel, far_panel = socket.socketpair()
        # the board sends single bytes, each of which takes the room of a packet; what has none is lost to the panel
        far_panel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PANEL_BUFFER_BYTES)
        fds = (far_link.fileno(), far_panel.fileno())
        words = SETTINGS.pack(
            SETTINGS_MAGIC, hold_ms, RELAY_MS, unit, scan_ms, round(rate_hz * 1000), recipe, BAUD, watchdog_ms
        )
        command = [
            QEMU, "-M", "mps2-an385", "-kernel", str(image), "-display", "none", "-monitor", "none", "-nodefaults", "-nic", "none",
            "-chardev", f"socket,id=link,fd={fds[0]}", "-serial", "chardev:link",
            "-chardev", f"socket,id=panel,fd={fds[1]}", "-serial", "chardev:panel",
        ]  # fmt: skip
        for offset in range(0, len(words), 4):
            (word,) = struct.unpack_from("<I", words, offset)
            address = SETTINGS_ADDRESS + offset
            command += ["-device", f"loader,addr={address:#x},data={word:#x},data-len=4"]
        if gdb is not None:
            command += ["-gdb", f"unix:path={gdb},server=on,wait=off"]
        self.process = subprocess.Popen(
            command,
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_us,  # noqa: PLW1509 -- this program has one thread
        )
        far_link.close()
        far_panel.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.link.close()
        self.panel.close()


def event(line: str) -> dict[str, object]:
    """What one line of the firmware means, as a JSON line of `jidoka_bridge.plc` has it; plc_ms is its own clock.

    Of a change of the output also the scan: scan_at_ms when it began, scan_ms how long after the one before.

    Raises ValueError for what is no such line.
    """
    what, *numbers = line.split(" ")
    one, two, three, plc_ms = (int(number, 16) for number in numbers)
    told: dict[str, object]
    if what == "o":
        told = {
            "event": "output",
            "word": Word(one).name,
            "was": Word(two & 0xFFFF).name,
            "why": WHYS[three & 0xFF],
            "scan_ms": three >> 8,
            "scan_at_ms": plc_ms - (plc_ms - (two >> 16) & 0xFFFF),
        }
    elif what == "p":
        told = {"event": "press", "length_ms": one, "accepted": bool(two)}
    elif what == "k":
        told = {
            "event": "key",
            "override": bool(one & Input.OVERRIDE_KEY),
            "auto": bool(one & Input.KEY_AUTO),
        }
    elif what == "c":
        told = {"event": "conveyor", "running": bool(one), "parts": two}
    elif what == "r":
        told = {"event": "boot", "cause": BOOTS[one], "boots": two}
    else:
        told = _simple(what, one)
    return {**told, "plc_ms": plc_ms}


def _simple(what: str, one: int) -> dict[str, object]:
    tables: dict[str, dict[str, object]] = {
        "f": {"event": "fault", "fault": Fault(one).name if what == "f" else ""},
        "s": {"event": "state", "state": PlcState(one).name if what == "s" else ""},
        "n": {"event": "part", "number": one},
        "u": {"event": "shown", "word": Word(one).name if what == "u" else ""},
        "d": {"event": "record refused"},
        "m": {"event": "memory fault"},
        "x": {"event": "refused", "bytes": one},
    }
    if what not in tables:
        raise ValueError(f"{what!r} is no letter of the firmware's")
    return tables[what]


class Relay:
    """Carries bytes between the board and the pseudo-terminals, and tells what the firmware tells."""

    def __init__(self, emulator: Emulator, link: Path, panel: Path) -> None:
        self.emulator = emulator
        self.link = PseudoTerminal(link)
        self.board = PseudoTerminal(panel)
        self._line = b""

    def turn(self, limit_ms: int) -> None:
        """Carry what is there, waiting for it at most so long."""
        poller = select.poll()
        for terminal, line in ((self.link, self.emulator.link), (self.board, self.emulator.panel)):
            if terminal.is_connected:
                poller.register(terminal.fd, select.POLLIN)
            else:
                line.sendall(terminal.left_over())
                limit_ms = min(limit_ms, AWAY_MS)
        for line in (self.emulator.link, self.emulator.panel):
            poller.register(line, select.POLLIN)
        for descriptor, _ in poller.poll(limit_ms):
            if descriptor == self.link.fd:
                self.emulator.link.sendall(self.link.read())
            elif descriptor == self.board.fd:
                self.emulator.panel.sendall(self.board.read())
            elif descriptor == self.emulator.link.fileno():
                self.link.write(self.emulator.link.recv(4096))
            else:
                self._tell(self.emulator.panel.recv(4096))

    def _tell(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            try:
                told = event(line.decode("ascii", "replace"))
            except (ValueError, IndexError):
                continue  # torn by a reset
            if told["event"] == "part":
                self.board.write(f"part {told['number']}\n".encode())
            elif told["event"] == "shown":
                self.board.write(f"output {told['word']}\n".encode())
            else:
                say(told)

    def close(self) -> None:
        self.link.close()
        self.board.close()


def say(told: dict[str, object]) -> None:
    """One JSON line on stdout; nobody reading is no fault."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps({"ns": time.monotonic_ns(), **told}).encode() + b"\n")


def default_image() -> Path:
    """Where `make firmware` leaves the image in a checkout."""
    return Path(__file__).resolve().parents[2] / "firmware" / "build" / "jidoka-plc.elf"


def main(given: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code: 0, 1 if QEMU ended, 3 for options that can't be used."""
    die_with_parent()
    parser = arguments()
    parser.add_argument(
        "--image", type=Path, default=default_image(), metavar="PATH", help="another firmware"
    )
    parser.add_argument("--watchdog-ms", type=int, default=0, metavar="MS",
                        help="the board's watchdog, for a loaded computer (default: the firmware's 110)")  # fmt: skip
    options = parser.parse_args(given)
    try:
        _check(options)
        emulator = Emulator(
            options.image, options.unit, options.hold_ms, options.scan_ms, options.rate, options.recipe,
            watchdog_ms=options.watchdog_ms,
        )  # fmt: skip
    except PlainError as error:
        sys.stderr.write(f"plc: error: {error}\n")
        return 3
    try:
        return _serve(emulator, options)
    finally:
        emulator.close()


def _check(options: argparse.Namespace) -> None:
    for name, (lowest, highest) in LIMITS.items():
        if not lowest <= getattr(options, name) <= highest:
            option = "--" + name.replace("_", "-")
            raise ConfigurationError(f"{option} is {getattr(options, name)}", f"Give {lowest} to {highest}.")


def _serve(emulator: Emulator, options: argparse.Namespace) -> int:
    try:
        relay = Relay(emulator, options.link, options.panel)
    except PlainError as error:
        sys.stderr.write(f"plc: error: {error}\n")
        return 3
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda given, _: stopped.append(given))
    say({"event": "ready", "link": str(options.link), "panel": str(options.panel), "unit": options.unit,
         "scan_ms": options.scan_ms})  # fmt: skip
    notify("READY=1")
    while not stopped and emulator.process.poll() is None:
        with contextlib.suppress(InterruptedError, BrokenPipeError):
            relay.turn(100)
    notify("STOPPING=1")
    relay.close()
    if stopped:
        return 0
    sys.stderr.write(f"plc: error: {QEMU} ended with {emulator.process.returncode}.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
