"""`jidoka plc watch` and `jidoka plc drill` at a machine: the real guard, steward and PLC, a person at keys and buttons."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jidoka.commissioning.records import entries, rejecting_drill
from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Judgement
from jidoka_bridge.registers import MAP_DIGEST

from tests.bridge.guard.guard_rig import DRIFT
from tests.bridge.guard.guard_world import World
from tests.processes import Program, programs

pytestmark = pytest.mark.process
STATUS = ("-m", "jidoka.cli", "status", "--json")


class Machine(World):
    """A world whose steward is the real one; the test is the monitor and the person."""

    def __init__(self, folder: Path, start: Callable[..., Program]) -> None:
        super().__init__(folder, start, sections={"steward": {}})
        self.steward = Channel(folder / "nobody")
        self.steward_records = False
        self.says[DRIFT] = Judgement.OFF

    def jidoka(
        self, *arguments: str, answers: str = "", takes: int = 0, looks_at: int = 0
    ) -> tuple[str, int]:
        """A command with what a person types; the monitor goes on meanwhile. Returns (what was printed, exit code).

        looks_at: parts that the person watches before the answer.
        """
        command = [sys.executable, "-m", "jidoka.cli", *arguments, "--plan", str(self.plan_file)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert process.stdin is not None
        try:
            first = self.seen_parts
            self.until(lambda: looks_at == 0 or self.seen_parts >= first + looks_at, "parts go by", 30.0)
            process.stdin.write(answers.encode())
            process.stdin.close()
            self.until(lambda: process.poll() is not None, f"{arguments} ends", 30.0)
        finally:
            process.kill()
            process.wait()
        assert process.stdout is not None
        told = process.stdout.read().decode()
        process.stdout.close()
        assert process.returncode == takes, told
        return told, process.returncode

    @property
    def seen_parts(self) -> int:
        return self.status.part_count if self.status else 0

    def sees(self) -> dict[str, Any]:
        """What `jidoka status` says of the interlock."""
        return json.loads(self.jidoka("status", "--json")[0])["interlock"]  # type: ignore[no-any-return]

    def until_sees(self, claim: Callable[[dict[str, Any]], bool], what: str, limit_s: float = 60.0) -> None:
        deadline_s = time.monotonic() + limit_s
        while not claim(seen := self.sees()):
            if time.monotonic() > deadline_s:
                raise AssertionError(f"{what}; {seen}")

    def run_it(self) -> None:
        """A person presses until the machine runs: a press may be too long or too short on a machine that is busy."""
        deadline_s = time.monotonic() + 90.0
        while self.sees()["plc"]["actual"] != "MACHINE_AND_AI":
            assert time.monotonic() < deadline_s, self.sees()
            self.until_sees(lambda seen: seen["offer"] == "run", "a reset is offered")
            self.press()
            settled_ns = time.monotonic_ns() + 1_000_000_000
            self.until(
                lambda until_ns=settled_ns: time.monotonic_ns() > until_ns, "the press has had its time"
            )


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="j") as name, programs(Path(name)) as start:
        world = Machine(Path(name), start)
        world.make_latch_file()
        world.start_plc()
        guard = world.start_guard()
        start(sys.executable, "-m", "jidoka.steward", "--plan", str(world.plan_file))
        world.until(world.plan.steward_socket.exists, "the steward listens")
        world.until_sees(lambda seen: bool(seen["plc"]) and seen["plc"]["link_up"], "the link is up")
        yield world
        assert guard.process.poll() is None


def test_watch_shows_live_what_the_running_guard_sees_of_the_plc(machine: Machine) -> None:
    machine.tell_panel("changeover on")
    told, _ = machine.jidoka("plc", "watch", "--json", "--seconds", "1.5")
    first = json.loads(told.splitlines()[0])
    assert (first["source"], first["link_up"], first["machine"], first["model"]) == (
        "steward",
        True,
        False,
        False,
    )
    assert first["changed"] == ["all"]
    last = json.loads(told.splitlines()[-1])
    assert "CHANGEOVER" in last["inputs"]
    machine.tell_panel("changeover off")
    told, _ = machine.jidoka("plc", "watch", "--seconds", "0.5")
    for words in ("machine may run", "as the running guard sees it", "hold time", "key auto", "round trips"):
        assert words in told


def test_a_drill_without_its_input_a_name_or_a_role_is_refused(machine: Machine) -> None:
    assert (
        "input DRILL is off"
        in machine.jidoka("plc", "drill", "--wait", "0.2", "--person", "e-1", "--role", "engineer", takes=10)[
            0
        ]
    )
    assert "needs a person" in machine.jidoka("plc", "drill", "--role", "engineer", takes=10)[0]
    assert "may not do a drill" in machine.jidoka("plc", "drill", "--person", "o-1", takes=10)[0]
    assert entries(machine.plan.state_dir) == []


def test_a_drill_measures_the_plcs_own_reaction_and_keeps_who_did_it(machine: Machine) -> None:
    machine.run_it()
    machine.tell_panel("drill on")
    told, _ = machine.jidoka(
        "plc", "drill", "--role", "engineer", "--person", "e-1", "--no-reject", answers="\n"
    )
    assert "after the hold was asked for" in told
    assert "Kept: drill of" in told
    machine.until_sees(lambda seen: seen["plc"]["actual"] == "WITHHOLD", "the machine was held")
    (entry,) = entries(machine.plan.state_dir)
    assert (entry.kind, entry.person, entry.role) == ("drill", "e-1", "engineer")
    assert 0 <= entry.values["withdraw_least_ms"] <= entry.values["withdraw_ms"]
    link = machine.plan.link
    assert link is not None
    assert 0 < entry.values["silent_ms"] <= link.hold_ms + link.scan_ms + link.relay_ms
    assert entry.values["rejected"] is None
    shown, _ = machine.jidoka("status")
    assert "drill: " in shown
    assert "by e-1 (engineer)" in shown
    machine.until(
        lambda: b"a drill was done" in machine.plan.ledger_file.read_bytes(), "the drill is recorded"
    )


def test_a_part_that_was_rejected_with_a_off_counts_only_if_the_plc_saw_a_part(machine: Machine) -> None:
    machine.tell_panel("drill on")
    before = len(entries(machine.plan.state_dir))
    told, _ = machine.jidoka("plc", "drill", "--role", "engineer", "--person", "e-2", "--no-reject", takes=10)
    assert "nothing was measured or shown" in told
    assert len(entries(machine.plan.state_dir)) == before, "an empty drill is none"
    told, _ = machine.jidoka(
        "plc", "drill", "--role", "engineer", "--person", "e-2", answers="rejected\n", takes=10
    )
    assert "no reaction can be measured" in told
    assert "the PLC counted no part" in told
    assert rejecting_drill(entries(machine.plan.state_dir), MAP_DIGEST.hex()) is None
    machine.tell_panel("key on")  # the plant's own program runs the conveyor
    machine.until_sees(lambda seen: "OVERRIDE_KEY" in seen["plc"]["inputs"], "the key is on")
    told, _ = machine.jidoka(
        "plc", "drill", "--role", "engineer", "--person", "e-2", answers="passed\n", takes=10
    )
    assert "the person said: passed" in told
    told, _ = machine.jidoka(
        "plc", "drill", "--role", "engineer", "--person", "e-2", "--json", answers="rejected\n"
    )
    assert json.loads(told[told.index("{") : told.index("}") + 1])["rejected"] is True
    drill = rejecting_drill(entries(machine.plan.state_dir), MAP_DIGEST.hex())
    assert drill is not None
    assert drill.person == "e-2"
    assert drill.values["parts"] > 0


def test_the_line_itself_is_busy_while_a_guard_has_it(machine: Machine) -> None:
    told, _ = machine.jidoka("plc", "watch", "--line", takes=7)
    assert "another program has it" in told


def test_without_a_guard_watch_reads_the_line_and_what_the_plc_remembers(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="j") as name, programs(tmp_path) as start:
        world = World(Path(name), start)
        world.start_plc()
        program = start(
            sys.executable,
            "-m",
            "jidoka.cli",
            "plc",
            "watch",
            "--json",
            "--seconds",
            "1",
            "--plan",
            str(world.plan_file),
        )
        assert program.wait() == 0
        last = json.loads(program.text.splitlines()[-1])
        assert (last["source"], last["link_up"], last["word"]) == ("line", True, "WITHHOLD")
        assert last["memory"]["map_digest"] == MAP_DIGEST.hex()
        assert last["memory"]["hold_limit_ms"] == 1500
        shown = start(
            sys.executable,
            "-m",
            "jidoka.cli",
            "plc",
            "watch",
            "--seconds",
            "0.5",
            "--plan",
            str(world.plan_file),
        )
        assert shown.wait() == 0
        assert "read from the line, WITHHOLD only" in shown.text
        assert "own limit W" in shown.text
