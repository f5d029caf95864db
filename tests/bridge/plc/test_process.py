"""The PLC in software: its conveyor, its memory, and the whole program over its real pseudo-terminals."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.link.blocks import BlockD
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.link.session import Ask, Session
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.__main__ import main
from jidoka_bridge.plc.admission import Admission
from jidoka_bridge.plc.conveyor import Conveyor, Panel
from jidoka_bridge.plc.pseudo_terminal import PseudoTerminal
from jidoka_bridge.plc.record import HOUR_MS, PlcRecord
from jidoka_bridge.registers import Input, Input2, Phase, State, Word

from tests.processes import Program, programs, wait_until

HOLD = Ask(Word.WITHHOLD, State.HOLD)
REQUEST = Ask(Word.WITHHOLD, State.HOLD, arm=True)
RUN = Ask(Word.MACHINE_AND_AI, State.RUN)


# ---------------------------------------------------------------- the machine


class Line:
    """A conveyor at 10 parts a second, scanned every 10 ms."""

    def __init__(self) -> None:
        self.conveyor, self.panel, self.now_ms = Conveyor(10), Panel(), 0

    def run(self, ms: int, output: Word, is_press_counted: bool = False) -> int:
        before = self.conveyor.parts
        for _ in range(ms // 10):
            self.now_ms += 10
            self.conveyor.scan(self.now_ms, output, self.panel, is_press_counted)
            is_press_counted = False
        return self.conveyor.parts - before


def test_the_counted_press_starts_the_conveyor_once_the_permissive_is_there() -> None:
    line = Line()
    assert line.run(200, Word.WITHHOLD, is_press_counted=True) == 0
    assert line.run(1_000, Word.MACHINE_AND_AI) == pytest.approx(10, abs=1)


def test_a_permissive_alone_starts_nothing_and_the_start_button_does() -> None:
    line = Line()
    assert line.run(1_000, Word.MACHINE) == 0
    line.panel.command("start")
    assert line.run(1_000, Word.MACHINE) == pytest.approx(10, abs=1)


def test_what_stopped_does_not_start_by_itself() -> None:
    for stop in ("stop", "ready off", "safety off", None):
        line = Line()
        line.run(500, Word.MACHINE, is_press_counted=True)
        if stop:
            line.panel.command(stop)
        line.run(10, Word.MACHINE if stop else Word.WITHHOLD)
        assert not line.conveyor.is_running
        for on in ("ready on", "safety on"):
            line.panel.command(on)
        assert line.run(1_000, Word.MACHINE) == 0
        line.panel.command("start")
        assert line.run(1_000, Word.MACHINE) > 0


def test_a_start_without_a_permissive_is_not_remembered() -> None:
    line = Line()
    line.panel.command("start")
    line.run(100, Word.WITHHOLD)
    assert line.run(500, Word.MACHINE) == 0


def test_under_the_override_key_the_plants_own_program_drives() -> None:
    line = Line()
    line.panel.command("key on")
    assert line.run(1_000, Word.WITHHOLD) == pytest.approx(10, abs=1)
    line.panel.command("key off")
    assert line.run(1_000, Word.WITHHOLD) == 0


def test_panel_lines_set_the_inputs_that_block_b_shows() -> None:
    panel = Panel()
    for line, bit in (("key on", Input.OVERRIDE_KEY), ("changeover on", Input.CHANGEOVER), ("drill on", Input.DRILL),
                      ("press", Input.RESET_BUTTON)):  # fmt: skip
        assert panel.command(line + "\n")
        assert panel.inputs & bit
    for line, bit in (
        ("auto off", Input.KEY_AUTO),
        ("ready off", Input.MACHINE_READY),
        ("release", Input.RESET_BUTTON),
    ):
        assert panel.command(line)
        assert not panel.inputs & bit
    assert panel.command("recipe 7")
    assert panel.recipe == 7
    assert panel.command("fallback off")
    assert panel.inputs2 == Input2(0)


@pytest.mark.parametrize(
    "line", ["", "press on", "key", "key maybe", "recipe x", "recipe 70000", "start now", "\xff"]
)
def test_anything_else_on_the_panel_is_refused(line: str) -> None:
    assert not Panel().command(line)


# ---------------------------------------------------------------- what it remembers


def test_only_a_growing_ledger_is_taken_and_a_smaller_one_needs_key_and_button() -> None:
    record = PlcRecord()
    assert record.take(BlockD(1, 100, 0xAA, 5), False) == ""
    assert record.take(BlockD(1, 90, 0xBB, 5), False) == "ledger size fell"
    assert record.take(BlockD(1, 100, 0xBB, 5), False) == "another root at the same size"
    assert record.head == (100, 0xAA)
    assert record.take(BlockD(1, 90, 0xBB, 5), True) == ""
    assert (record.head, record.epoch) == ((90, 0xBB), 1)


def test_the_ring_advances_by_the_plcs_own_hours_and_keeps_24() -> None:
    record = PlcRecord()
    for hour in range(1, 27):
        record.take(BlockD(1, hour, hour, 0), False)
        record.scan(hour * HOUR_MS, 10, False, 0, True)
    assert record.next_place == 2
    assert record.ring[1] == (26, 26)
    assert record.ring[2] == (3, 3)


def test_plan_and_model_that_were_not_approved_bar_arming() -> None:
    record = PlcRecord()
    record.take(BlockD(1, 1, 1, 5), False)
    assert record.may_arm
    record.take(BlockD(1, 2, 2, 5), True)
    record.take(BlockD(1, 3, 3, 6), False)
    assert not record.may_arm


def test_key_times_and_parts_without_a_session_are_kept() -> None:
    record = PlcRecord()
    for is_key_on, parts, has_session in (
        (True, 1, False),
        (True, 2, True),
        (False, 4, False),
        (True, 0, True),
    ):
        record.scan(0, 500, is_key_on, parts, has_session)
    block = record.block(Admission(lambda: 1, 1, 310), 70_000)
    assert (block.key_seconds, block.key_times, block.parts_without_session) == (1, 2, 5)
    assert (block.part_count, block.longest_scan_ms, block.hold_limit_ms) == (70_000, 500, 310)


# ---------------------------------------------------------------- the program


def test_options_that_cannot_be_used_are_told_in_plain_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = ["--link", str(tmp_path / "plc"), "--panel", str(tmp_path / "panel")]
    assert main([*paths, "--unit", "0"]) == 3
    assert "--unit is 0" in capsys.readouterr().err
    (tmp_path / "plc").write_text("mine")
    assert main(paths) == 3
    assert "something else is there" in capsys.readouterr().err
    assert (tmp_path / "plc").read_text() == "mine"
    with pytest.raises(ConfigurationError):
        PseudoTerminal(tmp_path / "no" / "folder")


def test_a_pseudo_terminal_is_raw_keeps_so_and_throws_away_what_nobody_reads(tmp_path: Path) -> None:
    terminal = PseudoTerminal(tmp_path / "line")
    assert not terminal.is_connected
    assert not terminal.write(b"lost")
    other = os.open(tmp_path / "line", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    assert terminal.is_connected
    assert terminal.write(b"part 1\n\x03\x04")
    wait_until(lambda: bool(select.select([other], [], [], 0)[0]), "the part arrives")
    assert os.read(other, 100) == b"part 1\n\x03\x04"
    assert terminal.read() == b""  # no echo
    os.close(other)
    assert not terminal.is_connected
    assert terminal.left_over() == b""
    terminal.close()
    assert not (tmp_path / "line").is_symlink()


def test_what_somebody_wrote_who_has_gone_is_read_all_the_same(tmp_path: Path) -> None:
    """A release that nobody reads would be a button that stays down."""
    terminal = PseudoTerminal(tmp_path / "line")
    tell(tmp_path / "line", "release")
    assert terminal.read() == b"release\n"
    tell(tmp_path / "line", "release")
    assert terminal.left_over() == b"release\n"
    terminal.close()


def tell(panel: Path, line: str) -> None:
    """Open the panel, say something, leave."""
    descriptor = os.open(panel, os.O_WRONLY | os.O_NOCTTY)
    os.write(descriptor, line.encode() + b"\n")
    os.close(descriptor)


class Agent:
    """The guard's loop in small: a session over a real port."""

    def __init__(self, path: Path) -> None:
        # a shared machine is slow at times: beats as the 19200 line, but with more patience
        self.link = Link(str(path), hold_ms=500, lost_beats=4, reply_timeout_ms=60)
        self.port = SerialPort(self.link)
        assert self.port.open(time.monotonic_ns()), self.port.error
        self.session = Session(self.link, 4_000)

    def beat(self, ask: Ask) -> None:
        """One beat: request, wait for the reply or the time-out, wait for the next."""
        began = time.monotonic_ns()
        self.port.drain()
        self.port.write(self.session.request(began, ask))
        deadline = began + self.link.reply_timeout_ms * 1_000_000
        beat = None
        while beat is None and (left := deadline - time.monotonic_ns()) > 0:
            if select.select([self.port], [], [], left / 1e9)[0]:
                beat = self.session.feed(time.monotonic_ns(), self.port.read())
        if beat is None:
            self.session.timeout(time.monotonic_ns())
        rest = began + self.link.beat_ms * 1_000_000 - time.monotonic_ns()
        select.select([], [], [], max(0, rest) / 1e9)

    def beat_until(self, claim: Any, ask: Ask, what: str) -> None:
        deadline = time.monotonic() + 20
        while not claim():
            assert time.monotonic() < deadline, f"{what}: {self.session.counts}"
            self.beat(ask)


def events(program: Program, name: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in program.text.splitlines() if line.startswith("{")]
    return [event for event in found if event["event"] == name]


@pytest.mark.process
def test_the_program_arms_runs_and_drops_over_real_pseudo_terminals(tmp_path: Path) -> None:
    link, panel = tmp_path / "plc", tmp_path / "panel"
    with programs(tmp_path) as start:
        command = ("-m", "jidoka_bridge.plc", "--link", str(link), "--panel", str(panel), "--rate", "50")
        plc = start(sys.executable, *command)
        plc.wait_for_text('"ready"')
        agent = Agent(link)
        board = os.open(panel, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        session = agent.session

        agent.beat_until(lambda: session.phase is Phase.ARM_REQUEST, REQUEST, "an arm-request")
        agent.beat(REQUEST)
        os.write(board, b"press\n")
        for _ in range(5):
            agent.beat(REQUEST)
        os.write(board, b"release\n")
        agent.beat_until(lambda: session.presses == 1, REQUEST, "the press is seen")
        agent.beat_until(lambda: session.block.actual is Word.MACHINE_AND_AI, RUN, "the output follows")  # type: ignore[union-attr]
        agent.beat_until(lambda: session.part_count > 3, RUN, "parts are counted")
        assert Input.RUNNING in session.block.inputs  # type: ignore[union-attr]
        shown = os.read(board, 4096)
        assert shown.startswith(b"output WITHHOLD\n")
        assert shown.index(b"output MACHINE_AND_AI\n") < shown.index(b"part 1\n")

        last_ns = time.monotonic_ns()  # silence from here on
        text = plc.wait_for_text('"WATCHDOG"')
        assert '"conveyor", "running": true' in text
        outputs = events(plc, "output")
        assert [(event["word"], event["why"]) for event in outputs] == [
            ("MACHINE_AND_AI", "press"),
            ("WITHHOLD", "hold time over"),
        ]
        wait_until(lambda: b"output WITHHOLD\n" in read(board), "the panel shows it, and again")
        assert outputs[-1]["ns"] > last_ns - agent.link.beat_ms * 1_000_000

        agent.beat_until(lambda: session.is_up, HOLD, "the link comes back")
        for _ in range(5):
            agent.beat(RUN)
        assert session.block.actual is Word.WITHHOLD  # type: ignore[union-attr]

        os.write(board, b"key on\nnonsense\n")
        agent.beat_until(lambda: Input.RUNNING in session.block.inputs, HOLD, "the key drives")  # type: ignore[union-attr]
        assert session.block.actual is Word.WITHHOLD  # type: ignore[union-attr]
        plc.wait_for_text('"nonsense"')
        os.close(board)
        agent.port.close()
        plc.signal(signal.SIGTERM)
        assert plc.wait() == 0
        assert not link.is_symlink()


def read(descriptor: int) -> bytes:
    """What has come, b"" for nothing."""
    with contextlib.suppress(BlockingIOError):
        return os.read(descriptor, 4096)
    return b""


@pytest.mark.process
def test_a_plc_that_was_killed_leaves_no_line_behind(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        command = (
            "-m",
            "jidoka_bridge.plc",
            "--link",
            str(tmp_path / "plc"),
            "--panel",
            str(tmp_path / "panel"),
        )
        plc = start(sys.executable, *command)
        plc.wait_for_text('"ready"')
        agent = Agent(tmp_path / "plc")
        agent.beat_until(lambda: agent.session.is_up, HOLD, "the link is up")
        plc.signal(signal.SIGKILL)
        plc.wait()
        assert not (tmp_path / "plc").exists()
        agent.port.close()


@pytest.mark.process
def test_jidoka_plc_sim_teaches_and_becomes_the_program(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        code = "from jidoka.cli.main import main; main(['plc', 'sim', '--help'])"
        shown = start(sys.executable, "-c", code)
        assert shown.wait() == 0
        assert "echo press" in shown.text
        assert "--rate" in shown.text
