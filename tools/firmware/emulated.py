"""Measures the firmware in emulated boards, by their own clocks: hold time, resets, lost frames, boards at once.

python tools/firmware/emulated.py [--quick] [--json FILE]

The boards need their computer's time: on a loaded one the longest scan tells by how much a figure is its own doing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

# run as a file: the boards come from tests/, rows from tools/bench
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jidoka_bridge import registers
from jidoka_bridge.link import frames

from tests.firmware.board import CLOCK_HZ, WATCHDOG_LOAD, Board, Debugger
from tools.bench._rows import Row, bench

RELAY = frames.read_holding(1, registers.B.address, registers.B.words)


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows."""
    yield from hold_time(3 if is_quick else 20)
    yield from lost_frames(500 if is_quick else 10_000)
    yield from resets(3 if is_quick else 20)
    yield from at_once(4 if is_quick else 8)


def hold_time(rounds: int) -> Iterator[Row]:
    """How late the output drops after the hold time of 300 ms is over."""
    errors: list[tuple[int, int]] = []
    with closing(Board(hold_ms=300)) as board:
        for _ in range(rounds):
            board.arm()
            errors.append(board.hold_error_ms())
    kept = [late_ms for late_ms, scan_ms in errors if scan_ms <= 12]
    yield Row(
        "hold time 300 ms: earliest drop after its end", min(late for late, _ in errors), "ms", 0, "at least"
    )
    yield Row("latest drop, scans of at most 12 ms", max(kept, default=0), "ms", 20)
    yield Row("rounds whose last scan was longer (the computer's doing)", rounds - len(kept), "")
    yield Row(
        "latest drop beyond the length of its own scan", max(late - scan for late, scan in errors), "ms", 2
    )


def lost_frames(frames_sent: int) -> Iterator[Row]:
    """Requests that got no right answer, and how long an answer takes."""
    times_ms = []
    with closing(Board()) as board:
        board.wait(lambda e: e["event"] == "boot", "it starts")
        for _ in range(frames_sent):
            began = time.monotonic()
            board.lost += board.ask(RELAY) is None
            times_ms.append((time.monotonic() - began) * 1_000)
            board.listen(0)
        lost = board.lost
    yield Row(f"requests without an answer, of {frames_sent}", lost, "", 0)
    yield Row("round trip, median (a scan is 10 ms)", sorted(times_ms)[len(times_ms) // 2], "ms")


def resets(rounds: int) -> Iterator[Row]:
    """From the hang to the first words after the reset, by the wall clock; causes that were kept."""
    times_ms, kept = [], 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        board = stack.enter_context(closing(Board(gdb=folder / "gdb", watchdog_ms=0)))
        debugger = stack.enter_context(closing(Debugger(folder / "gdb")))
        debugger.go_on()
        board.wait(lambda e: e["event"] == "boot", "it starts")
        debugger.stop()
        counted_ms = 2_000 * debugger.read(WATCHDOG_LOAD) / CLOCK_HZ
        debugger.go_on()
        for _ in range(rounds):
            first, began = len(board.events), time.monotonic()
            board.tell("hang")
            boot = board.wait(lambda e: e["event"] == "boot", "the reset", first)
            times_ms.append((time.monotonic() - began) * 1_000)
            kept += boot["cause"] == "watchdog"
    yield Row("watchdog: from the last feeding to the reset, by its count", counted_ms, "ms", 250)
    yield Row("hang to the first words after the reset, median", sorted(times_ms)[len(times_ms) // 2], "ms")
    yield Row("hang to the first words after the reset, worst", max(times_ms), "ms")
    yield Row(f"boot causes kept, of {rounds}", kept, "", rounds, "at least")


def at_once(count: int) -> Iterator[Row]:
    """Boards beside each other: all up, and each answers."""
    began = time.monotonic()
    with ExitStack() as stack:
        boards = [stack.enter_context(closing(Board(recipe=number))) for number in range(1, count + 1)]
        for board in boards:
            board.wait(lambda e: e["event"] == "boot", "it starts")
        up_s = time.monotonic() - began
        right = sum((board.ask(RELAY) or (0,) * 16)[10] == number for number, board in enumerate(boards, 1))
    yield Row(f"{count} boards at once: all up after", up_s, "s")
    yield Row(f"{count} boards at once: answer as themselves", right, "", count, "at least")


if __name__ == "__main__":
    bench(__doc__ or "", measure)
