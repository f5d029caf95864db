"""Programs in C: threads, forks, a monitor that is killed and comes back, under the sanitizers and beside the real one."""

from __future__ import annotations

import dataclasses
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka_tap import wire

from tests.monitor import line
from tests.monitor.test_process import World
from tests.processes import Program, programs, wait_until
from tests.tap.c import library
from tests.tap.c.library import GATE_REJECT, OK, REJECTED, Tap
from tests.tap.listener import Listener, refuse_nan

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[3]
ARENA = (2, 262_144)
LISTENER = '{"arena": [2, 262144], "verdicts": true}'
SANITIZERS = {
    "plain": "",
    "address": "-fsanitize=address,undefined -fno-sanitize-recover=all",
    "thread": "-fsanitize=thread",
}
Start = Callable[..., Program]
Listen = Callable[..., Listener]


@pytest.fixture(scope="module")
def exercise(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The test's program, built with a sanitizer once each."""
    del built  # only so that this skips where there is no compiler
    folders: dict[str, Path] = {}

    def build(sanitizer: str) -> Path:
        if sanitizer not in folders:
            flags = SANITIZERS[sanitizer]
            folder = folders[sanitizer] = tmp_path_factory.mktemp(sanitizer)
            library.make(folder, "all", extra=flags)
            library.compile_program(folder, library.HERE / "exercise.c", *flags.split())
        return folders[sanitizer] / "exercise"

    return build


@pytest.fixture
def start() -> Iterator[Start]:
    with programs(ROOT) as start:
        yield start


def numbers(text: str) -> dict[str, int]:
    """The last counts that a program printed."""
    counts = re.findall(r"records (\d+) sent (\d+) dropped (\d+) connected", text)[-1]
    return dict(zip(("records", "sent", "dropped"), map(int, counts), strict=True))


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_threads_outlive_a_monitor_that_is_killed_and_comes_back(
    sanitizer: str, exercise: Callable[[str], Path], path: Path, start: Start
) -> None:
    def listen() -> Program:
        program = start(sys.executable, "-m", "tests.tap.listener", str(path), LISTENER)
        program.wait_for_text('"hellos": 0')
        return program

    listener = listen()
    program = start(str(exercise(sanitizer)), "threads", str(path))
    listener.wait_for_text("77]}")  # records have come
    listener.signal(signal.SIGKILL)
    listener.wait()
    listen().wait_for_text("77]}")
    path.with_suffix(".sock.stop").touch()
    assert program.wait(60.0) == 0, program.text
    counts = numbers(program.text)
    assert counts["sent"] + counts["dropped"] == counts["records"]
    assert counts["sent"] > 0 < counts["dropped"]
    assert "the monitor was away for" in program.text
    assert "ERROR" not in program.text
    assert "WARNING: ThreadSanitizer" not in program.text


@pytest.mark.parametrize("sanitizer", ["plain", "address"])
def test_a_forked_child_has_a_connection_of_its_own_and_the_parent_keeps_its(
    sanitizer: str, exercise: Callable[[str], Path], path: Path, listen: Listen, start: Start
) -> None:
    listener = listen(arena=ARENA)
    program = start(str(exercise(sanitizer)), "forks", str(path))
    listener.wait(lambda: len(listener.goodbyes) == 2 and listener.ended == 2, "both said goodbye")
    assert program.wait() == 0, program.text
    assert [hello["pid"] == program.process.pid for hello in listener.hellos] == [True, False]
    assert sorted(record.part for record in listener.records) == [1, 3, 4]
    assert all(record.tensors[1].array is not None for record in listener.records), (
        "each in an arena of its own"
    )
    assert len({record.number for record in listener.records}) == 3


def test_records_allocate_nothing(built: Path, path: Path, listen: Listen, start: Start) -> None:
    program = library.compile_program(built, library.HERE / "exercise.c", "-DCOUNTS_ALLOCATIONS")
    listener = listen(arena=ARENA, judge=refuse_nan)
    with listener.pumping():
        running = start(str(program), "allocations", str(path))
        assert running.wait() == 0, running.text
    (counted,) = re.findall(r"allocations before (\d+) during (\d+)", running.text)
    assert int(counted[0]) > 0, "they are counted at all"
    assert int(counted[1]) == 0
    assert numbers(running.text)["sent"] == 100


def test_a_thread_that_is_cancelled_while_it_waits_keeps_no_lock(
    exercise: Callable[[str], Path], path: Path, listen: Listen, start: Start
) -> None:
    listener = listen()
    running = start(str(exercise("plain")), "cancel", str(path))
    listener.wait(lambda: bool(listener.goodbyes), "it went on to its end")
    assert running.wait() == 0, running.text


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind isn't on this machine")
def test_valgrind_finds_nothing(
    exercise: Callable[[str], Path], path: Path, listen: Listen, start: Start
) -> None:
    listener = listen(arena=ARENA, judge=refuse_nan)
    command = [
        "valgrind",
        "--error-exitcode=9",
        "--leak-check=full",
        "--show-leak-kinds=all",
        "--track-fds=yes",
    ]
    with listener.pumping():
        running = start(*command, str(exercise("plain")), "allocations", str(path))
        assert running.wait(120.0) == 0, running.text
    assert "ERROR SUMMARY: 0 errors" in running.text
    assert "All heap blocks were freed" in running.text


def test_a_stopped_monitor_costs_records_and_nothing_else(
    exercise: Callable[[str], Path], path: Path, start: Start
) -> None:
    listener = start(sys.executable, "-m", "tests.tap.listener", str(path), LISTENER)
    listener.wait_for_text('"hellos": 0')
    running = start(str(exercise("plain")), "send", str(path), "20000")
    running.wait_for_text("connected 1")
    listener.signal(signal.SIGSTOP)
    running.wait_for_text("busy")
    listener.signal(signal.SIGCONT)
    assert running.wait() == 0, running.text
    assert numbers(running.text)["sent"] == 20_000
    assert running.text.count("connected 1") == 2, "once when it came, once at the end: the connection held"


def test_the_librarys_thread_blocks_every_signal(open_tap: Callable[..., Tap]) -> None:
    def threads() -> set[str]:
        return {each.name for each in Path("/proc/self/task").iterdir()}

    before = threads()
    tap = open_tap()
    (own,) = threads() - before
    status = Path(f"/proc/self/task/{own}/status").read_text(encoding="ascii")
    blocked = int(status.split("SigBlk:")[1].split()[0], 16)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGCHLD):
        assert blocked >> (each - 1) & 1
    tap.close()
    wait_until(lambda: own not in threads(), "its thread has ended")


def section() -> dict[str, Any]:
    """The test line's model with one more output, too large to go inline."""
    large = {
        "name": "map",
        "dtype": "float32",
        "shape": ["batch", 40_000],
        "unit": "",
        "role": "other",
        "monitored": True,
    }
    outputs = [{**line.SECTION["outputs"][0], "monitored": True}, large]
    return {**line.SECTION, "outputs": outputs, "arena_slots": 2, "largest_record_bytes": 160_256}


def test_the_real_monitor_judges_records_of_the_c_library_inline_and_in_the_arena(
    tmp_path: Path, built: Path
) -> None:
    plan = line.plan(tmp_path)
    plan = dataclasses.replace(plan, sections={**plan.sections, "models": {line.MODEL: section()}})
    rng = np.random.default_rng(3)
    with programs(tmp_path) as start:
        world = World(tmp_path, start, plan)
        world.tap.close()
        tap = Tap(
            library.load(built / "libjidoka_tap.so"), plan.tap_socket, model=line.MODEL, outputs=["logits", "map"],
            gate=GATE_REJECT,
        )  # fmt: skip
        wait_until(lambda: bool(tap.counts.is_connected), "the monitor takes it")
        wait_until(
            lambda: "nothing stops the machine" in "".join(tap.log), "the monitor's note is in the log"
        )
        for part in range(1, 21):
            tensors = line.tensors(rng)
            good = rng.random((1, 40_000), np.float32)
            bad = good.copy()
            bad[0, -1] = np.nan
            status, verdict = tap.wait([*tensors, (wire.OUTPUT, 1, good)], part=part)
            assert (status, verdict.level, verdict.part) == (OK, wire.PASS, part)
            status, verdict = tap.wait([*tensors, (wire.OUTPUT, 1, bad)], part=part)
            assert (status, verdict.level, verdict.part_level) == (REJECTED, wire.REJECT, wire.REJECT)
            assert tap.reasons(verdict.reasons)
        counts = tap.counts
        assert (counts.sent, counts.dropped, counts.tensors_not_sent, counts.rejected) == (40, 0, 0, 20)
        world.program.signal(signal.SIGKILL)
        wait_until(lambda: not tap.counts.is_connected, "its end is noticed")
        assert tap.wait(line.tensors(rng))[0] == library.SILENT_REJECT
        tap.close()
