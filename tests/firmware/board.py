"""An emulated board under test: its line, its panel, and the debugger's stub that reaches into its memory."""

from __future__ import annotations

import contextlib
import functools
import select
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jidoka_bridge import registers
from jidoka_bridge.link import frames
from jidoka_bridge.link.blocks import BlockA, BlockB, BlockError
from jidoka_bridge.link.frames import Assembler, Outcome
from jidoka_bridge.plc.emulated import Emulator, event
from jidoka_bridge.registers import Phase, PlcState, State, Word

from tests.firmware.builds import image
from tests.processes import DEFAULT_LIMIT_S, wait_until

#: of the watchdog where it isn't what is tested: the machine that runs the tests stands still at times
PATIENCE_MS = 3_000
LEDS, WATCHDOG_LOAD, CLOCK_HZ = 0x4002_8000, 0x4000_8000, 25_000_000
#: own counter's period in ms
COUNTER_MS = 655_360


@functools.cache
def symbol(name: str) -> int:
    """Address of a symbol of the image."""
    text = subprocess.run(
        ["arm-none-eabi-nm", str(image())], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    return next(int(line.split()[0], 16) for line in text.splitlines() if line.split()[-1] == name)


class Debugger:
    """GDB's remote protocol, as much as is needed: stop, go on, read, write, break."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        wait_until(lambda: self._connects(path), "the debugger's stub answers")
        self.socket.settimeout(DEFAULT_LIMIT_S)
        self._buffer = b""
        self.ask("?")

    def _connects(self, path: Path) -> bool:
        try:
            self.socket.connect(str(path))
        except OSError:
            return False
        return True

    def ask(self, text: str) -> str:
        """One command and its reply; a report of a stop that is still under way is passed over."""
        self.send(text)
        while (packet := self.reply()).startswith("T") and text not in ("?", "s"):
            pass
        return packet

    def send(self, text: str) -> None:
        self.socket.sendall(f"${text}#{sum(text.encode()) & 0xFF:02x}".encode())

    def reply(self) -> str:
        while b"#" not in self._buffer or len(self._buffer) < self._buffer.index(b"#") + 3:
            self._buffer += self.socket.recv(4096)
        end = self._buffer.index(b"#")
        packet, self._buffer = self._buffer[:end], self._buffer[end + 3 :]
        self.socket.sendall(b"+")
        return packet.split(b"$", 1)[1].decode()

    def stop(self) -> None:
        self.socket.sendall(b"\x03")
        while not self.reply().startswith("T02"):  # SIGINT; the stop when we came may still be reported
            pass

    def go_on(self) -> None:
        self.send("c")

    def read(self, address: int) -> int:
        return int.from_bytes(bytes.fromhex(self.ask(f"m{address:x},4")), "little")

    def write(self, address: int, value: int) -> None:
        assert self.ask(f"M{address:x},4:{value.to_bytes(4, 'little').hex()}") == "OK"

    def close(self) -> None:
        self.socket.close()


class Board:
    """A rig. `events` is what its firmware told; `block` the last block B; `lost` requests without a right answer.

    hold_ms: what each frame asks for.
    """

    def __init__(self, gdb: Path | None = None, hold_ms: int = 1_500, **settings: Any) -> None:
        self.emulator = Emulator(
            image(), gdb=gdb, hold_ms=hold_ms, **{"watchdog_ms": PATIENCE_MS, **settings}
        )
        self.events: list[dict[str, Any]] = []
        self.block = BlockB(0, 0, 0, Word.WITHHOLD, PlcState.OFF, registers.Fault.NONE, registers.Input(0))
        self.number = 100
        self.hold_ms = hold_ms
        self.lost = 0
        self._line = b""

    def close(self) -> None:
        self.emulator.close()

    def tell(self, line: str) -> None:
        """A line at the panel."""
        self.emulator.panel.sendall(line.encode() + b"\n")

    def listen(self, limit_s: float) -> None:
        """Gather what the firmware tells."""
        if select.select([self.emulator.panel], [], [], limit_s)[0]:
            *lines, self._line = (self._line + self.emulator.panel.recv(4096)).split(b"\n")
            for line in lines:
                with contextlib.suppress(
                    ValueError, IndexError
                ):  # torn by a reset, or where nobody read for long
                    self.events.append(event(line.decode("ascii", "replace")))

    def wait(self, claim: Callable[[dict[str, Any]], bool], what: str, first: int = 0) -> dict[str, Any]:
        """The first event from place `first` on of which the claim holds."""
        deadline = time.monotonic() + DEFAULT_LIMIT_S
        while True:
            for found in self.events[first:]:
                if claim(found):
                    return found
            assert time.monotonic() < deadline, f"{what}: {self.events[-10:]}"
            self.listen(0.1)

    def ask(self, request: frames.Request, limit_s: float = 5.0) -> tuple[int, ...] | None:
        """The words of a reply, None if none came."""
        assembler = Assembler(request)
        self.emulator.link.sendall(request.frame)
        deadline = time.monotonic() + limit_s
        while (left_s := deadline - time.monotonic()) > 0:
            ready = select.select([self.emulator.link, self.emulator.panel], [], [], left_s)[0]
            if self.emulator.panel in ready:
                self.listen(0)
            if self.emulator.link in ready:
                found = assembler.feed(self.emulator.link.recv(4096))
                if found is not None:
                    return found.words if found.outcome is Outcome.REPLY else None
        return None

    def beat(self, phase: Phase, word: Word = Word.WITHHOLD) -> BlockB:
        """One beat of a guard in its right mind."""
        self.number = self.number + 1 & 0xFFFF
        asked = BlockA(
            self.hold_ms, self.block.connection, self.number, self.block.counter, State.RUN, phase, 0, word
        )
        words = self.ask(
            frames.read_write(1, registers.B.address, registers.B.words, registers.A.address, asked.encode(1))
        )
        try:
            self.block = BlockB.decode(words or (), 1)
        except BlockError:
            self.lost += 1
        return self.block

    def beats(self, claim: Callable[[], bool], phase: Phase, word: Word = Word.WITHHOLD) -> bool:
        """Beat each 40 ms or so until the claim holds; False if it doesn't within 5 s."""
        deadline = time.monotonic() + 5
        while not claim() and time.monotonic() < deadline:
            self.beat(phase, word)
            self.listen(0.04)
        return claim()

    def arm(self) -> None:
        """From nothing to the output on. A computer that stands still for a moment ends the session: once more."""
        for _ in range(5):
            if self._try_to_arm():
                return
        raise AssertionError(f"{self.block}, {self.events[-10:]}")

    def _try_to_arm(self) -> bool:
        is_offered = self.beats(lambda: self.block.connection != 0, Phase.IDLE)
        if not is_offered or not self.beats(
            lambda: self.block.plc_state is PlcState.ARMING, Phase.ARM_REQUEST
        ):
            return False
        accepted, first = self.block.accepted, self.block.counter
        self.tell("press")
        self.beats(lambda: (self.block.counter - first) & 0xFFFF > 20, Phase.ARM_REQUEST)
        self.tell("release")
        self.beats(lambda: self.block.accepted != accepted, Phase.ARM_REQUEST)
        return self.beats(lambda: self.block.actual is Word.MACHINE_AND_AI, Phase.ARMED, Word.MACHINE_AND_AI)

    def hold_error_ms(self) -> tuple[int, int]:
        """How much later than it had to an armed board drops after its last frame, by its own clock, and how long the
        scan was in which it did (10 ms, if the board's computer gave it the time).
        """
        first = len(self.events)
        self.beat(Phase.ARMED, Word.MACHINE_AND_AI)
        expiry_ms = self.block.counter * 10 + self.hold_ms  # from the stamp that the next frame carries
        self.beat(Phase.ARMED, Word.MACHINE_AND_AI)
        dropped = self.wait(
            lambda e: e["event"] == "output" and e["word"] == "WITHHOLD", "the output drops", first
        )
        late_ms = (dropped["plc_ms"] - expiry_ms) % COUNTER_MS
        return int(late_ms if late_ms < COUNTER_MS // 2 else late_ms - COUNTER_MS), dropped["scan_ms"]
