"""Learning beside a monitor that runs: each recipe by itself, only while the machine runs, and from recordings too."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jidoka.monitor import baseline as files
from jidoka.monitor.learning import Learner
from jidoka.monitor.trace import NO_MODEL, Event, Kind, pack_record
from jidoka.replay.learning import BackgroundLearner
from jidoka_bridge import plan as plans
from jidoka_bridge.plan import Plan

from tests.monitor import line
from tests.monitor.test_process import World
from tests.processes import Program, programs, wait_for_listener, wait_until


class Floor:
    """A line in simulated time: the events of its monitor, into a background learner."""

    def __init__(self, folder: Path, wanted: int, recipes: tuple[int, ...] = ()) -> None:
        plan = line.plan(folder)
        self.plan = replace(plan, models=tuple(replace(each, mode="observe") for each in plan.models))
        self.learner = Learner(self.plan, line.MODEL, wanted)
        self.background = BackgroundLearner(self.plan, [line.MODEL], self.learner, recipes)
        self.rng = np.random.default_rng(5)
        self.now_ns = 1_000_000_000
        self.number = 0
        self.tell(Kind.CONNECTED, json.dumps(line.HELLO).encode(), 0)

    def tell(self, kind: Kind, body: bytes = b"", model: int = NO_MODEL) -> None:
        self.background.take(Event(kind, model, self.now_ns, 0, body))

    def make(self, parts: int, *, recipe: int = 0, is_running: bool = True, plc_recipe: int = 0) -> None:
        for _ in range(parts):
            self.now_ns += 100_000_000
            self.number += 1
            self.tell(Kind.PLC_STATUS, line.status(is_running=is_running, recipe=plc_recipe).pack())
            record = line.record(self.number, line.tensors(self.rng), self.number, recipe=recipe)
            self.tell(Kind.RECORD, pack_record(record), 0)


def test_recipes_that_alternate_are_learned_each_by_itself_until_all_are_complete(tmp_path: Path) -> None:
    floor = Floor(tmp_path, 150, recipes=(3, 4))
    floor.make(160, plc_recipe=3)
    assert floor.background.progress == {(3, 0): 150, (4, 0): 0}
    assert not floor.background.is_done
    floor.make(100, plc_recipe=4)
    floor.make(10, plc_recipe=9)
    assert floor.background.progress == {(3, 0): 150, (4, 0): 100}, "recipe 9 wasn't asked for"
    floor.make(50, plc_recipe=4)
    assert floor.background.is_done
    assert [each.recipe for each in floor.learner.baselines("2026-01-01T00:00:00Z")] == [3, 4]


def test_the_applications_recipe_counts_before_the_plcs(tmp_path: Path) -> None:
    floor = Floor(tmp_path, 10)
    floor.make(10, recipe=7, plc_recipe=3)
    assert floor.background.progress == {(7, 0): 10}


def test_records_of_a_machine_that_stands_or_of_which_nothing_is_known_are_left_out(tmp_path: Path) -> None:
    floor = Floor(tmp_path, 50)
    floor.make(20, is_running=False)
    floor.make(30)
    floor.tell(Kind.GUARD_GONE)
    record = line.record(999, line.tensors(floor.rng), 999)
    floor.tell(Kind.RECORD, pack_record(record), 0)
    assert floor.background.progress == {(0, 0): 30}
    assert floor.background.standing == 21


def test_what_is_learned_from_a_trace_is_what_is_learned_from_the_records_themselves(tmp_path: Path) -> None:
    floor = Floor(tmp_path, 40)
    floor.make(40)
    direct, rng = Learner(floor.plan, line.MODEL, 40), np.random.default_rng(5)
    direct.tap_connected(line.MODEL, line.HELLO, 0)
    for number in range(1, 41):
        direct.record(
            line.MODEL, line.record(number, line.tensors(rng), number), 1_000_000_000 + number * 100_000_000
        )
    (one,), (other,) = (each.baselines("2026-01-01T00:00:00Z") for each in (floor.learner, direct))
    assert np.array_equal(one.records, other.records, equal_nan=True)
    assert one.rate_hz == other.rate_hz


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    with programs(tmp_path) as begin:
        yield begin


def _plan(folder: Path) -> tuple[Plan, Path]:
    plan, file = line.plan(folder), folder / "the.json"
    file.write_bytes(plans.dump(plan))
    return plan, file


@pytest.mark.process
def test_a_baseline_is_learned_beside_a_monitor_that_goes_on(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    plan, plan_file = _plan(tmp_path)
    learner = start(
        sys.executable, "-m", "jidoka.cli", "baseline", "learn", str(plan_file), "--running", "--records", "400",
    )  # fmt: skip
    learner.wait_for_text("compiling the kernels")
    wait_for_listener(plan.record_socket, 60.0)
    world = World(tmp_path, start, plan)
    world.greet()

    def is_over() -> bool:
        world.make(20)
        return learner.process.poll() is not None

    wait_until(is_over, "400 records", 60.0)
    assert learner.wait() == 0, learner.text
    assert "recipe 0, position 0: complete" in learner.text
    assert len(files.load_all(plan, line.MODEL)[0, 0].records) == 400
    assert world.program.process.poll() is None
    world.make(5)
    wait_until(lambda: world.is_counted(world.number), "the monitor goes on")


@pytest.mark.process
def test_a_baseline_is_learned_from_a_recording(tmp_path: Path, start: Callable[..., Program]) -> None:
    plan, plan_file = _plan(tmp_path)
    recording = tmp_path / "trace"
    recorder = start(
        sys.executable, "-m", "jidoka.cli", "record", "--plan", str(plan_file), str(recording), "--wait", "120",
    )  # fmt: skip
    wait_for_listener(plan.record_socket, 60.0)
    world = World(tmp_path, start, plan)
    world.greet()
    world.make(450)
    wait_until(lambda: world.is_counted(450), "all are judged")
    world.program.signal(signal.SIGTERM)
    assert recorder.wait() == 0
    learn = [
        sys.executable,
        "-m",
        "jidoka.cli",
        "baseline",
        "learn",
        str(plan_file),
        "--recording",
        str(recording),
    ]
    few = start(*learn, "--records", "500", "--recipe", "6")
    assert few.wait(60.0) == 5
    assert "no record could be learned from: the recording ended" in few.text
    done = start(*learn, "--records", "400")
    assert done.wait(60.0) == 0, done.text
    assert len(files.load_all(plan, line.MODEL)[0, 0].records) == 400
