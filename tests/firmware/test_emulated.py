"""The firmware as it will run: the Cortex-M image in an emulated board, by the board's own clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from jidoka_bridge import registers
from jidoka_bridge.link import frames
from jidoka_bridge.link.blocks import BlockB, BlockC
from jidoka_bridge.registers import Fault, PlcState, Word

from tests.firmware.board import CLOCK_HZ, LEDS, WATCHDOG_LOAD, Board, Debugger, symbol
from tests.firmware.c_core import VITAL_WORDS, VITALS

pytestmark = pytest.mark.process
EXPIRY = VITALS.index("expiry_ms") * 4
COMPLEMENT = VITAL_WORDS * 4


@pytest.fixture
def board() -> Iterator[Board]:
    with closing(Board()) as started:
        yield started


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[tuple[Board, Debugger]]:
    """A board that is armed, and stands still under the debugger."""
    with closing(Board(gdb=tmp_path / "gdb")) as started, closing(Debugger(tmp_path / "gdb")) as debugger:
        debugger.go_on()
        started.arm()
        debugger.stop()
        yield started, debugger


def read_c(board: Board) -> BlockC:
    words: tuple[int, ...] = ()
    for first, count in ((0, 125), (125, 45)):
        more = board.ask(frames.read_holding(1, registers.C.address + first, count))
        assert more is not None
        words += more
    return BlockC.decode(words, 1)


def test_the_hold_time_ends_not_early_and_at_most_20_ms_late(board: Board) -> None:
    for _ in range(2):
        board.arm()
        late_ms, scan_ms = board.hold_error_ms()
        # a scan is 10 ms long unless the computer stood still; then the board tells by how much it was longer
        assert 0 <= late_ms <= max(20, scan_ms + 2)
        assert board.wait(lambda e: e["event"] == "fault" and e["fault"] == "WATCHDOG", "the fault")


def test_no_request_is_left_without_its_answer(board: Board) -> None:
    wanted = registers.B.address, registers.B.words
    for _ in range(200):
        assert board.ask(frames.read_holding(1, *wanted)) is not None


def test_a_program_that_hangs_is_reset_and_remembers_what_it_must(tmp_path: Path) -> None:
    with (
        closing(Board(gdb=tmp_path / "gdb", watchdog_ms=0)) as board,
        closing(Debugger(tmp_path / "gdb")) as debugger,
    ):
        # twice what the watchdog counts from: once to the interrupt, once more to the reset
        debugger.go_on()
        board.wait(lambda e: e["event"] == "boot", "it starts")
        debugger.stop()
        assert 0.2 < 2 * debugger.read(WATCHDOG_LOAD) / CLOCK_HZ < 0.25
        debugger.go_on()
        board.tell("key on")  # the plant's own program runs the conveyor
        board.wait(lambda e: e["event"] == "part" and e["number"] >= 3, "parts")
        board.tell("key off")
        board.wait(lambda e: e["event"] == "conveyor" and e["parts"] >= 3, "it is told that the key is off")
        board.tell("hang")
        first = len(board.events)
        boot = board.wait(lambda e: e["event"] == "boot", "the reset", first)
        assert boot["cause"] == "watchdog"
        assert boot["boots"] >= 2
        memory = read_c(board)
        assert memory.part_count >= 3
        assert memory.parts_without_session == memory.part_count
        assert memory.key_times >= 1


def test_the_watchdogs_interrupt_takes_the_output_off_before_the_reset(tmp_path: Path) -> None:
    with (
        closing(Board(gdb=tmp_path / "gdb", watchdog_ms=500)) as board,
        closing(Debugger(tmp_path / "gdb")) as debugger,
    ):
        debugger.go_on()
        board.arm()
        debugger.stop()
        assert debugger.read(LEDS) == 3
        lost = symbol("lost") & ~1
        assert debugger.ask(f"Z0,{lost:x},2") == "OK"
        debugger.go_on()
        first = len(board.events)
        board.tell("hang")
        debugger.reply()  # it stands at the begin of the interrupt
        assert debugger.read(LEDS) == 3
        assert debugger.ask(f"z0,{lost:x},2") == "OK"
        for _ in range(12):
            debugger.ask("s")
        assert debugger.read(LEDS) == 0
        debugger.go_on()
        assert board.wait(lambda e: e["event"] == "boot", "the reset", first)["cause"] == "watchdog"
        words = board.ask(frames.read_holding(1, registers.B.address, registers.B.words))
        shown = BlockB.decode(words or (), 1)
        assert (shown.actual, shown.plc_state, shown.connection) == (Word.WITHHOLD, PlcState.OFF, 0)


def test_a_hold_time_of_60000_written_into_ram_is_not_obeyed(stopped: tuple[Board, Debugger]) -> None:
    board, debugger = stopped
    first = len(board.events)
    expiry = symbol("rig") + EXPIRY
    debugger.write(expiry, debugger.read(expiry) + 60_000 & 0xFFFF_FFFF)
    debugger.go_on()
    dropped = board.wait(lambda e: e["event"] == "output", "the output drops", first)
    assert (dropped["word"], dropped["why"]) == ("WITHHOLD", "memory")
    board.beat(registers.Phase.ARMED, Word.MACHINE_AND_AI)
    assert (board.block.actual, board.block.fault) == (Word.WITHHOLD, Fault.WATCHDOG)


def test_it_is_not_obeyed_even_where_its_complement_says_the_same(stopped: tuple[Board, Debugger]) -> None:
    board, debugger = stopped
    first = len(board.events)
    expiry = symbol("rig") + EXPIRY
    value = debugger.read(expiry) + 60_000 & 0xFFFF_FFFF
    debugger.write(expiry, value)
    debugger.write(expiry + COMPLEMENT, ~value & 0xFFFF_FFFF)
    debugger.go_on()
    dropped = board.wait(lambda e: e["event"] == "output", "the output drops", first)
    assert (dropped["word"], dropped["why"]) == ("WITHHOLD", "hold time over")


def test_several_boards_run_beside_each_other_each_for_itself() -> None:
    with ExitStack() as stack:
        boards = [stack.enter_context(closing(Board(unit=1, recipe=number))) for number in (1, 2, 3)]
        for board in boards:
            assert board.wait(lambda e: e["event"] == "boot", "it starts")["cause"] == "power-up"
        for number, board in enumerate(boards, 1):
            words = board.ask(frames.read_holding(1, registers.B.address, registers.B.words))
            assert words is not None
            assert words[10] == number
