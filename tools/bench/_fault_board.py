"""The faulty line with the emulated Cortex-M at its end, in real time: several boards at once, each judged by its own clock.

What the guard sent is known from the wire; what the board's output did comes from its own lines of the panel, with its own
ms. An emulated board stands still while its computer does: a scan that took longer than it should is told by the board
itself, and is all that is granted beyond the bound.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any, cast

from jidoka_bridge.guard.core import Guard
from jidoka_bridge.link import frames
from jidoka_bridge.link.blocks import BlockC, BlockError
from jidoka_bridge.link.frames import READ_HOLDING, READ_WRITE, WRITE_MULTIPLE, crc16
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.emulated import Emulator, event
from jidoka_bridge.registers import B, C, Word

from tools.bench._fault_classes import MS
from tools.bench._fault_world import RANK, World

#: of the emulated watchdog: a loaded computer stands still for longer than a board does
PATIENCE_MS = 3_000
#: part by which the emulated clock may lag (0.9999 was measured), and the window over which that adds up
DRIFT = 0.0002
COUNTER_MS = 655_360
#: a board gives up after a second what nobody finished (cortex_m/main.c)
SILENCE_NS = 1_200 * MS
REFUSALS = ("refused_crc", "refused_format", "refused_connection", "refused_number", "refused_stamp")
#: unit, function, then this place of the connection id in an answer that carries block B
ECHO_PLACE = 3 + 2 * 2
COUNTER_PLACE = 3 + 2 * 3
B_FORMAT = b"\x4b\x01"


class AnswerFinder:
    """Cuts what the board sends into frames: it sends nothing but answers, so their heads tell their lengths."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while len(self._buffer) > 2:
            function = self._buffer[1]
            size = 5 if function & 0x80 else 8 if function == WRITE_MULTIPLE else 5 + self._buffer[2]
            if len(self._buffer) < size:
                return
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            yield frame


class BoardClock:
    """The board's ms at a moment of ours, never later than they were."""

    def __init__(self) -> None:
        self._offset_ms = float("inf")
        self._at_ns = 0

    def take(self, now_ns: int, plc_ms: float) -> None:
        """The board told its time; what it tells comes late, never early."""
        drifted_ms = self._offset_ms + DRIFT * (now_ns - self._at_ns) / MS
        self._offset_ms, self._at_ns = min(drifted_ms, now_ns / MS - plc_ms), now_ns

    def ms(self, now_ns: int) -> float:
        return now_ns / MS - self._offset_ms


class BoardPlc:
    """An emulated board where `World` has a PLC. history: (board's ms of a scan's begin, rank of the output from it on)."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.output = int(Word.WITHHOLD)
        self.echo = self.presses = self.found = self.rises = 0
        self.fates: Counter[str] = Counter()
        self.history: deque[tuple[int, int]] = deque([(0, 0)], maxlen=64)
        self.longest_scan_ms = 0
        self.boots = 0

    @property
    def own_refusals(self) -> int:
        """Asked for at the end, by `BoardWorld.settle`."""
        return 0

    def feed(self, now_ns: int, data: bytes) -> None:
        del now_ns
        with contextlib.suppress(BlockingIOError):
            self.emulator.link.sendall(data)

    def scan(self, now_ns: int, is_pressed: bool) -> list[bytes]:
        """It scans by itself."""
        raise NotImplementedError

    def rank_after(self, counter: int) -> int:
        """The output that the scan with this counter left: scans are a tick or more apart, so there is but one."""
        next_ms = 10 * (counter + 1)
        return next(
            (
                rank
                for at_ms, rank in reversed(self.history)
                if 0 < (next_ms - at_ms) % COUNTER_MS < COUNTER_MS / 2
            ),
            0,
        )


class BoardWorld(World):
    """One board under one error class in one direction, in real time."""

    def __init__(self, link: Link, emulator: Emulator, error: str, direction: str, seed: int) -> None:
        self.board = BoardPlc(emulator)
        super().__init__(link, self.board, error, direction, seed)
        self.now_ns = time.monotonic_ns()
        self._clock = BoardClock()
        self._finder = AnswerFinder()
        self._panel = b""
        self._is_pressed = False
        self._allowed_ms: dict[int, float] = {1: 0.0, 2: 0.0}

    # ------------------------------------------------------------------ what comes and what is due

    def read_panel(self) -> None:
        """What the board told."""
        with contextlib.suppress(BlockingIOError):
            *lines, self._panel = (self._panel + self.board.emulator.panel.recv(65536)).split(b"\n")
            for line in lines:
                told = event(line.decode("ascii"))
                self._clock.take(self.now_ns, told["plc_ms"])  # type: ignore[arg-type]
                self._told(told)

    def read_line(self) -> None:
        """What the board answered; what it told before is read before."""
        self.read_panel()
        with contextlib.suppress(BlockingIOError):
            for frame in self._finder.feed(self.board.emulator.link.recv(65536)):
                self._answered(frame)
                self.send(frame, is_up=False)

    def step(self, now_ns: int) -> int:
        """Everything that is due; when to call again."""
        self.now_ns = now_ns
        self.read_panel()
        guard = cast("Guard", self.hand)
        while self._heap and self._heap[0][0] <= now_ns:
            self._arrive(guard)
        if self.line.next_ns <= now_ns:
            self.line.step(now_ns, guard)
        is_pressed = self.hand.is_pressing(now_ns)
        if is_pressed != self._is_pressed:
            self._is_pressed = is_pressed
            self.board.emulator.panel.sendall(b"press\n" if is_pressed else b"release\n")
        next_ns = min(self.line.next_ns, self._heap[0][0] if self._heap else self.line.next_ns)
        return min(next_ns, now_ns + 20 * MS)  # the button

    # ------------------------------------------------------------------ judging

    def _remember(self, frame: bytes) -> None:
        super()._remember(frame)
        start = {READ_WRITE: 11, WRITE_MULTIPLE: 7}.get(frame[1])
        if start is None or len(frame) != start + 18:
            return
        rank = RANK.get(int.from_bytes(frame[start + 10 : start + 12], "big"), 0)
        now_ms = self._clock.ms(self.now_ns)
        current = self.board.history[-1][1]
        for level in range(1, rank + 1):
            if current >= level:  # it was on all the while
                self._judge_time(now_ms - self._allowed_ms[level], 0)
            self._allowed_ms[level] = now_ms

    def _judge_time(self, outlived_ms: float, scan_ms: int) -> None:
        """The output was on for so long after the last frame that allowed it. scan_ms: of the scan in which it dropped."""
        granted_ms = max(0, scan_ms - self.link.scan_ms)
        self.tally.late_ns = max(self.tally.late_ns, int((outlived_ms - granted_ms) * MS))
        self.tally.late += (outlived_ms - granted_ms) * MS > self.bound_ns

    def _told(self, told: dict[str, Any]) -> None:
        board, tally = self.board, self.tally
        if told["event"] == "boot":
            board.boots += 1
        elif told["event"] == "press":
            tally.presses += told["accepted"]
        elif told["event"] == "output":
            was, rank = board.history[-1][1], RANK.get(Word[told["word"]], 0)
            board.output = int(Word[told["word"]])
            board.history.append((told["scan_at_ms"], rank))
            board.longest_scan_ms = max(board.longest_scan_ms, told["scan_ms"])
            tally.rises += rank > was
            tally.scans += 1
            # a rise must have been asked for by a frame of the last hold time
            if rank > was:
                is_asked = told["plc_ms"] - self._allowed_ms[rank] <= self.bound_ns / MS
                tally.above += not is_asked
            for level in range(rank + 1, was + 1):
                self._judge_time(told["plc_ms"] - self._allowed_ms[level], told["scan_ms"])

    def _answered(self, frame: bytes) -> None:
        """The board answered a request: what became of that, and is its output below the word of what it accepted?"""
        board = self.board
        board.found += 1
        assert crc16(frame) == 0, frame.hex()
        if frame[1] & 0x80:
            board.fates["refused: exception"] += 1
        elif frame[1] == WRITE_MULTIPLE:
            board.fates["written, judged with the next answer"] += 1
        elif len(frame) != 5 + 2 * B.words or frame[3:5] != B_FORMAT:
            board.fates["other blocks"] += 1
        else:
            echo = int.from_bytes(frame[ECHO_PLACE : ECHO_PLACE + 2], "big")
            counter = int.from_bytes(frame[COUNTER_PLACE : COUNTER_PLACE + 2], "big")
            is_read = frame[1] == READ_HOLDING
            moved = "accepted" if echo != board.echo else "number stands: refused or repeated"
            board.fates["block B read" if is_read and echo == board.echo else moved] += 1
            board.echo = echo
            self.tally.scans += 1
            self.tally.above += board.rank_after(counter) > self._words.get(echo, 0)

    def _time_of(self, counter: int) -> int:
        """Ours, of the board's counter."""
        ago_ms = (self._clock.ms(self.now_ns) - 10 * counter) % COUNTER_MS
        return self.now_ns - int((ago_ms if ago_ms < COUNTER_MS / 2 else ago_ms - COUNTER_MS) * MS)

    # ------------------------------------------------------------------ the end

    def settle(self) -> None:
        """After the silence: is the output off, and do the board's own books fit ours?"""
        board, tally = self.board, self.tally
        tally.late += board.history[-1][1] > 0  # never dropped
        wrong = self.account_line() + self.account_beats()
        tally.fates.update(board.fates)
        wrong += abs(board.found - sum(board.fates.values()))
        found, own = board.found, self._block_c()
        if own is None:
            wrong += 1
        else:
            refused = sum(getattr(own, name) for name in REFUSALS)
            tally.fates["of these refused, by the board's own count"] += refused
            wrong += max(0, refused - (found - board.fates["accepted"])) + abs(own.resets - tally.presses)
        wrong += board.boots != 1
        # torn, damaged, of another station, or come while the board's ring was full
        tally.frames["no request to the board"] += tally.frames["came up"] - found
        tally.unaccounted += wrong

    def _block_c(self) -> BlockC | None:
        """Asked for on a clean line, in two pieces as its answer has to be."""
        words: list[int] = []
        until_ns = time.monotonic_ns() + 5_000 * MS
        self._finder = AnswerFinder()
        while len(words) < C.words and time.monotonic_ns() < until_ns:
            count = min(100, C.words - len(words))
            request = frames.read_holding(self.link.unit, C.address + len(words), count)
            self.board.emulator.link.sendall(request.frame)
            words += self._words_of(count)
        try:
            return BlockC.decode(words, self.link.unit)
        except BlockError:
            return None

    def _words_of(self, count: int) -> list[int]:
        until_ns = time.monotonic_ns() + 1_000 * MS
        while time.monotonic_ns() < until_ns:
            if not select.select([self.board.emulator.link], [], [], 0.1)[0]:
                continue
            for frame in self._finder.feed(self.board.emulator.link.recv(65536)):
                if frame[1] == READ_HOLDING and len(frame) == 5 + 2 * count:
                    return [int.from_bytes(frame[at : at + 2], "big") for at in range(3, 3 + 2 * count, 2)]
        return []


#: what reads a descriptor, and whose it is
Reader = tuple[BoardWorld, Callable[[], None]]


def run_together(worlds: list[BoardWorld], frames_each: int) -> None:
    """Let all of them live side by side until each sent so many frames; then settle each."""
    busy = list(worlds)
    poller = select.poll()
    readers: dict[int, Reader] = {}
    for world in worlds:
        emulator = world.board.emulator
        for line, read in ((emulator.link, world.read_line), (emulator.panel, world.read_panel)):
            line.setblocking(False)
            poller.register(line, select.POLLIN)
            readers[line.fileno()] = (world, read)
    while busy:
        now_ns = time.monotonic_ns()
        due_ns = min(world.step(now_ns) for world in busy)
        left_ms = max(0, -(-(due_ns - time.monotonic_ns()) // MS))
        _read_ready(poller, readers, left_ms)
        for world in list(busy):
            sent = world.tally.frames
            if sent["sent up"] + sent["sent down"] >= frames_each:
                busy.remove(world)
    _fall_silent(worlds, poller, readers)
    for world in worlds:
        world.settle()


def _fall_silent(worlds: list[BoardWorld], poller: select.poll, readers: dict[int, Reader]) -> None:
    """Until every output must be off, and every board has given up a frame that was begun."""
    end_ns = time.monotonic_ns() + max(SILENCE_NS, 2 * worlds[0].bound_ns)
    while (left_ns := end_ns - time.monotonic_ns()) > 0:
        _read_ready(poller, readers, left_ns // MS + 1)


def _read_ready(poller: select.poll, readers: dict[int, Reader], limit_ms: int) -> None:
    for descriptor, _ in poller.poll(limit_ms):
        world, read = readers[descriptor]
        world.now_ns = time.monotonic_ns()
        read()


@contextlib.contextmanager
def boards(count: int, link: Link) -> Iterator[list[Emulator]]:
    """So many emulated boards; all end with the block."""
    from tests.firmware.builds import image  # noqa: PLC0415 - built only where it is asked for

    made: list[Emulator] = []
    try:
        for _ in range(count):
            emulator = Emulator(image(), link.unit, link.hold_ms, link.scan_ms, watchdog_ms=PATIENCE_MS)
            made.append(emulator)
        yield made
    finally:
        for emulator in made:
            emulator.close()
