"""An application that can't be trusted causes a counted refusal and nothing else.

JIDOKA_FUZZ_RECORDS sets how many records the first test sends; `python tools/fuzz_records.py` sends a million.
"""

from __future__ import annotations

import array
import ctypes
import dataclasses
import os
import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor import baseline as files
from jidoka_bridge import plan as plans
from jidoka_tap import wire

from tests.monitor import line
from tests.monitor.application import Application
from tests.processes import Program, programs, wait_for_listener, wait_until
from tools._hostile_records import MUTATIONS
from tools._hostile_records import Application as Hostile
from tools.fuzz_records import Target, fuzz

RECORDS = int(os.environ.get("JIDOKA_FUZZ_RECORDS", "20000"))
#: what memory may grow by while records are fuzzed: numpy's and the detectors' own buffers
GROWTH_MIB = 32.0


def test_fuzzed_records_are_judged_or_refused_with_a_reason_while_the_arena_is_scribbled_over() -> None:
    result = fuzz(RECORDS, seed=20, is_scribbled=True)
    assert result.sent == RECORDS == result.judged + result.heard + result.refused
    assert result.judged > RECORDS / 10
    assert result.verdicts > RECORDS / 40
    assert result.reasons["slot not written"] > 0
    assert result.reasons["slot changed"] > 0, "the scribbler met a copy"
    assert result.rss_mib[-1] - result.rss_mib[1] < GROWTH_MIB, result.rss_mib
    assert result.descriptors_after <= result.descriptors_before


TARGET: list[Target] = []


@settings(max_examples=400, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from(MUTATIONS), max_size=6),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=6),
)
def test_any_spoilt_record_has_one_outcome(
    seed: int, mutations: list[object], has_arena: bool, changes: list[tuple[int, int]]
) -> None:
    if not TARGET:
        TARGET.append(Target())
    (target,) = TARGET
    if target.writer.is_ended:
        target.intake.closed(target.writer)
        target.connect()
    hostile = Hostile(seed)
    hostile.number = seed
    hostile.map(target.arena.descriptor if target.arena and has_arena else None)
    datagram = hostile._in_arena() if has_arena else hostile._inline()
    for mutation in mutations:
        mutation(hostile, datagram)  # type: ignore[operator]
    for place, value in changes:
        if place < len(datagram):
            datagram[place] = value
    target.now_ns += 1_000_000_000
    target.take(bytes(datagram))


# ---------------------------------------------------------------- the real program


class World:
    """A monitor as a process, with an arena for its model."""

    def __init__(self, folder: Path, program: Program, plan: plans.Plan) -> None:
        self.plan = plan
        wait_for_listener(plan.tap_socket, 60.0)
        self.process = psutil.Process(program.process.pid)
        self.folder = folder

    def connect(self) -> Application:
        application = Application(self.plan.tap_socket)
        assert application.read_welcome()["arena"] is not None, application.welcome
        return application

    def is_well(self, number: int) -> bool:
        """A new application is welcome, and its records are judged, inline and in the arena."""
        good = self.connect()
        content = line.tensors(np.random.default_rng(number))
        good.send(number, content, is_gated=True)
        good.send_by_arena(number + 1, 1, content, is_gated=True)
        verdicts = [good.verdict() for _ in range(2)]
        good.close()
        return [(each[0], each[3] < wire.REJECT) for each in verdicts] == [(number, True), (number + 1, True)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    plan = line.plan(tmp_path)
    section = {**line.SECTION, "arena_slots": 4, "largest_record_bytes": 1_000_000}
    plan = dataclasses.replace(plan, sections={**plan.sections, "models": {line.MODEL: section}})
    files.save(files.path_of(plan, line.MODEL, 0, 0), line.baseline())
    (tmp_path / "plan.json").write_bytes(plans.dump(plan))
    with programs(tmp_path) as start:
        yield World(
            tmp_path,
            start(sys.executable, "-m", "jidoka.monitor", "--plan", str(tmp_path / "plan.json")),
            plan,
        )


@pytest.mark.process
def test_descriptors_pipes_and_garbage_leave_the_program_as_it_was(world: World) -> None:
    assert world.is_well(1)
    before = world.process.num_fds()
    rss = world.process.memory_info().rss
    dice = random.Random(1)
    hostile = world.connect()
    ends = os.pipe()
    for number in range(1000):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [dice.choice(ends)] * 8).tobytes())]
        content = line.record_datagram(number + 10, line.tensors(np.random.default_rng(number)))
        try:
            hostile.sock.sendmsg([dice.choice((content, dice.randbytes(200)))], rights)
        except PermissionError:  # the kernel keeps descriptors out
            hostile.sock.send(content)
        except (BrokenPipeError, ConnectionResetError):
            hostile.close()
            hostile = world.connect()
    hostile.close()
    os.close(ends[0])
    os.close(ends[1])
    wait_until(lambda: world.is_well(5000), "a good application is served")
    wait_until(lambda: world.process.num_fds() <= before, "no descriptor is left")
    assert world.process.memory_info().rss - rss < GROWTH_MIB * 2**20


@pytest.mark.process
def test_an_arena_that_is_full_of_holes_or_closed_at_once_stops_nothing(world: World) -> None:
    rng = np.random.default_rng(1)
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(1, 30):
        hostile = world.connect()
        size = os.fstat(hostile.descriptor).st_size
        for change in (0, size // 2, 2 * size):
            with pytest.raises(PermissionError):
                os.ftruncate(hostile.descriptor, change)
        for slot in range(4):
            hostile.send_by_arena(number, slot, line.tensors(rng))
            libc.fallocate(hostile.descriptor, 3, ctypes.c_long(0), ctypes.c_long(size))
        hostile.close()
    wait_until(lambda: world.is_well(5000), "a good application is served")


@pytest.mark.process
def test_memory_does_not_grow_with_connections_that_come_and_go(world: World) -> None:
    assert world.is_well(1)
    before = (world.process.num_fds(), world.process.memory_info().rss)
    for number in range(200):
        hostile = world.connect() if number % 2 else Application(world.plan.tap_socket, model="nobody")
        if number % 2:
            hostile.send_by_arena(number, 0, line.tensors(np.random.default_rng(1)))
        hostile.close()
        if hostile.memory is not None:
            hostile.memory.close()
            os.close(hostile.descriptor)
    wait_until(lambda: world.is_well(5000), "a good application is served")
    wait_until(lambda: world.process.num_fds() <= before[0], "no descriptor is left")
    assert world.process.memory_info().rss - before[1] < GROWTH_MIB * 2**20
