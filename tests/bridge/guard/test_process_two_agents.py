"""Two real guards before one PLC: neither can hurt the other's machine, and each is told why it stays unarmed."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Word

from tests.bridge.guard.guard_world import World, outputs
from tests.bridge.guard.test_process import to_run
from tests.bridge.link.hub import Hub
from tests.processes import Program, programs

pytestmark = pytest.mark.process
#: long enough beats that a gateway can ask for both
TIMES = {"baud": 115200, "beat_ms": 80, "hold_ms": 1_200, "reply_timeout_ms": 70, "lost_beats": 12}
NO_OFFER = "answers but offers no session: another master begins at the same time"
FOREIGN = "somebody else speaks to the PLC"


@contextmanager
def pair(*, is_bus: bool) -> Iterator[tuple[World, World, Program]]:
    """Two sites' worlds, none of their guards running yet, and the PLC that both lines lead to."""
    # a short path of its own: a socket's name has at most 107 bytes, and these are four folders down
    with TemporaryDirectory(prefix="jidoka-") as path, programs(folder := Path(path)) as start:
        worlds = []
        for name in ("one", "two"):
            (folder / name).mkdir()
            world = World(folder / name, start, link=Link(port=str(folder / name / "line"), **TIMES))
            world.make_latch_file()
            worlds.append(world)
        plc = worlds[0].start_plc()
        hub = Hub([folder / name / "line" for name in ("one", "two")], worlds[0].link, is_bus=is_bus)
        try:
            yield worlds[0], worlds[1], plc
        finally:
            hub.close()


def until(worlds: tuple[World, World], claim: Callable[[], bool], what: str) -> None:
    one, two = worlds

    def both() -> bool:
        two.step()
        return claim()

    one.until(
        both, what, limit_s=90.0
    )  # two guards and a hub in real time: on a busy machine beats fall as they may


def says(program: Program, words: str) -> bool:
    program._read(time.monotonic() + 0.001)
    return words in program.text


def missing(world: World) -> str:
    return " ".join(world.mode.get("missing", []))


def is_told(world: World, guard: Program) -> bool:
    """Why it stays unarmed: no session is offered, or somebody else's was seen."""
    says(guard, "")
    return "other master" in guard.text and (NO_OFFER in missing(world) or world.state == "LOCKOUT")


def test_two_that_begin_together_are_each_told_why_they_stay_unarmed() -> None:
    with pair(is_bus=False) as (one, two, plc):
        first, second = one.start_guard(), two.start_guard()
        until((one, two), lambda: is_told(one, first) and is_told(two, second), "both are told")
        second.signal(signal.SIGKILL)
        second.wait()
        one.until(lambda: NO_OFFER not in missing(one), "alone it is offered a session")
        assert outputs(plc) == []
        to_run(one)


def test_of_two_that_hear_each_other_on_a_bus_one_is_told_at_least_and_nothing_rises() -> None:
    """What each hears depends on how their beats fall: the other's number locks out, the missing offer is only told; and
    beside one that locked itself out the other may find the line as if it were alone.
    """
    with pair(is_bus=True) as (one, two, plc):
        first, second = one.start_guard(), two.start_guard()
        until((one, two), lambda: is_told(one, first) or is_told(two, second), "one is told")
        assert outputs(plc) == []


def test_a_second_agent_before_a_machine_that_runs_locks_itself_out_and_raises_nothing() -> None:
    with pair(is_bus=False) as (one, two, plc):
        one.start_guard()
        to_run(one)
        rises = len([each for each in outputs(plc) if each["word"] == Word.MACHINE_AND_AI.name])
        second = two.start_guard()
        until((one, two), lambda: two.state == "LOCKOUT", "it sees a session that isn't its own")
        # while the first one's monitor speaks on: without it the first would give its session up
        until((one, two), lambda: says(second, FOREIGN), "it is told")
        second.wait_for_text("Disconnect the other master")
        assert two.causes["other session"]["latched"]
        assert two.status is not None
        assert two.status.word == Word.WITHHOLD
        assert len([each for each in outputs(plc) if each["word"] == Word.MACHINE_AND_AI.name]) == rises
