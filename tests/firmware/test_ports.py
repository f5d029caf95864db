"""The firmware over real pseudo-terminals, as a program and in an emulated board: the guard's session can't tell them
from the reference model.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jidoka.cli.plc_sim import program
from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.registers import Input, Word

from tests.firmware.agent import HOLD, HOLD_MS, RUN, Agent, events
from tests.firmware.builds import host_program, image
from tests.processes import Program, programs, wait_until

KINDS = {"--c": host_program, "--qemu": image}


@contextmanager
def running(kind: str, folder: Path, *options: str) -> Iterator[tuple[Program, Agent]]:
    """A PLC of a kind and an agent on its line."""
    KINDS[kind]()
    link, panel = folder / "plc", folder / "panel"
    with programs(folder) as start:
        patience = ("--watchdog-ms", "3000") if kind == "--qemu" else ()
        plc = start(
            *program(kind),
            *patience,
            "--link",
            str(link),
            "--panel",
            str(panel),
            "--hold-ms",
            str(HOLD_MS),
            *options,
        )
        plc.wait_for_text('"ready"')
        agent = Agent(link, panel)
        try:
            yield plc, agent
        finally:
            agent.close()


@pytest.mark.process
@pytest.mark.parametrize("kind", KINDS)
def test_the_guards_session_arms_runs_and_is_dropped_when_it_falls_silent(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path, "--rate", "50") as (plc, agent):
        agent.arm()
        agent.until(lambda: agent.session.part_count > 3, RUN, "parts are counted")
        assert agent.session.block is not None
        assert Input.RUNNING in agent.session.block.inputs
        shown = read_until(agent.board, b"part 1\n")
        assert b"output MACHINE_AND_AI\n" in shown

        text = plc.wait_for_text('"WATCHDOG"')  # silence from here on
        assert '"conveyor", "running": true' in text
        outputs = [(event["word"], event["why"]) for event in events(plc, "output")]
        assert outputs[-2:] == [("MACHINE_AND_AI", "press"), ("WITHHOLD", "hold time over")]

        agent.until(lambda: agent.actual is Word.WITHHOLD, HOLD, "it is seen")
        agent.until(lambda: agent.session.is_up, HOLD, "the link comes back")
        for _ in range(3):
            agent.beat(RUN)
        assert agent.actual is Word.WITHHOLD  # nothing comes back by itself
        agent.tell("nonsense")
        plc.wait_for_text('"refused"')
        plc.signal(signal.SIGTERM)
        assert plc.wait() == 0
        assert not (tmp_path / "plc").is_symlink()


@pytest.mark.process
@pytest.mark.parametrize("kind", KINDS)
def test_a_relay_that_does_not_follow_drops_the_output(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path) as (plc, agent):
        agent.arm()
        agent.tell("feedback machine")
        plc.wait_for_text('"RELAY_FEEDBACK"')
        assert events(plc, "output")[-1]["why"] == "relay feedback"


@pytest.mark.process
@pytest.mark.parametrize("kind", ["model", *KINDS])
def test_a_line_at_the_panel_counts_though_its_writer_has_gone(kind: str, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "jidoka_bridge.plc") if kind == "model" else program(kind)
    KINDS.get(kind, lambda: None)()
    with programs(tmp_path) as start:
        plc = start(*command, "--link", str(tmp_path / "plc"), "--panel", str(tmp_path / "panel"))
        plc.wait_for_text('"ready"')
        panel = os.open(tmp_path / "panel", os.O_WRONLY | os.O_NOCTTY)
        os.write(panel, b"nonsense\n")
        os.close(panel)
        plc.wait_for_text('"refused"')


def read_until(descriptor: int, needle: bytes) -> bytes:
    """What a panel shows, up to what was looked for."""
    shown = b""

    def is_there() -> bool:
        nonlocal shown
        try:
            shown += os.read(descriptor, 4096)
        except BlockingIOError:
            return False
        return needle in shown

    wait_until(is_there, f"the panel shows {needle!r}")
    return shown


@pytest.mark.process
def test_options_that_cannot_be_used_end_the_program_with_the_same_code(tmp_path: Path) -> None:
    firmware = str(host_program())
    (tmp_path / "mine").write_text("mine")
    for options in (("--unit", "0"), ("--hold-ms", "x"), ("--link", str(tmp_path / "mine"))):
        with programs(tmp_path) as start:
            paths = ("--link", str(tmp_path / "a"), "--panel", str(tmp_path / "b"))
            refused = start(firmware, *paths, *options)
            assert refused.wait() == 3
            assert "plc: error: " in refused.text
            emulated = start(sys.executable, "-m", "jidoka_bridge.plc.emulated", *paths, *options)
            assert emulated.wait() in (2, 3)
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_simulator_is_of_one_kind() -> None:
    from click.testing import CliRunner
    from jidoka.cli.plc_sim import command

    done = CliRunner().invoke(command, ["--c", "--qemu"])
    assert isinstance(done.exception, ConfigurationError)
