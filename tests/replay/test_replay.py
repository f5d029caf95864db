"""Recordings: what a real monitor did is found again, bit for bit, and what another baseline would have done is told."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.monitor import baseline as files
from jidoka.monitor.trace import Event, Kind
from jidoka.replay.file import Writer, events
from jidoka_bridge import plan as plans
from jidoka_bridge.errors import InputError
from jidoka_bridge.messages import Kind as MessageKind

from tests.monitor import line
from tests.monitor.test_process import World
from tests.processes import Program, programs, wait_for_listener, wait_until

pytestmark = pytest.mark.process


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    with programs(tmp_path) as begin:
        yield begin


def cli(start: Callable[..., Program], *arguments: str | Path) -> Program:
    return start(sys.executable, "-m", "jidoka.cli", *map(str, arguments))


def said(program: Program) -> dict[str, Any]:
    """The JSON that it printed last, behind what it said of its progress."""
    return dict(json.loads(program.text.strip().splitlines()[-1]))


class Recording:
    """A recorder that waits, then a monitor, as `jidoka record` and `jidoka run` make them."""

    def __init__(
        self, folder: Path, start: Callable[..., Program], *, is_late: bool = False, gain: float = 1.0
    ) -> None:
        self.plan = line.plan(folder)
        self.plan_file = folder / "the.json"
        self.plan_file.write_bytes(plans.dump(self.plan))
        files.save(files.path_of(self.plan, line.MODEL, 0, 0), line.baseline())
        self.file = folder / "trace"
        if not is_late:
            self.record(start)
        self.world = World(folder, start, self.plan)
        self.world.greet()
        if is_late:
            self.world.make(30)
            wait_until(lambda: self.world.is_counted(30), "records before the recording")
            self.record(start)
            wait_until(self.has_begun, "the recorder is connected")
        self.world.make(60)
        self.world.make(60, gain=gain)

    def record(self, start: Callable[..., Program]) -> None:
        self.recorder = cli(
            start, "record", "--plan", self.plan_file, self.file, "--json", "--minutes", "0", "--wait", "120"
        )
        wait_for_listener(self.plan.record_socket)

    def has_begun(self) -> bool:
        return any(path.stat().st_size > 20 for path in self.file.parent.glob(".trace.*"))

    def end(self, records: int) -> dict[str, Any]:
        world = self.world
        wait_until(lambda: world.is_counted(records), "all are judged")
        wait_until(lambda: len(world.steward.of(MessageKind.SUMMARY)) > 0, "a second is over")
        world.program.signal(signal.SIGTERM)
        assert world.program.wait() == 0
        assert self.recorder.wait() == 0
        return said(self.recorder)


def test_a_replay_of_a_whole_run_equals_the_live_monitor_bit_for_bit(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    recording = Recording(tmp_path, start, gain=0.9)
    recorded = recording.end(120)
    assert (recorded["records"], recorded["dropped"], recorded["is_from_start"]) == (120, 0, True)
    again = cli(start, "replay", recording.file, "--json")
    assert again.wait() == 0, again.text
    found = said(again)
    assert (found["is_exact"], found["differing"], found["records"]) == (True, 0, 120)
    verdicts = found["models"][line.MODEL]
    assert verdicts["live"] == verdicts["replayed"]
    assert verdicts["live"]["suspect"] > 10
    alarm = next(each for each in found["conditions"] if each["judgement"] == "on")
    assert alarm["condition"] == line.DRIFT
    assert alarm["evidence"]["onset_low_part"] <= 61 <= alarm["evidence"]["onset_high_part"]


def test_another_baseline_is_judged_with_and_no_longer_called_exact(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    recording = Recording(tmp_path, start)
    recording.end(120)
    dim = line.baseline()
    files.save(
        files.path_of(recording.plan, line.MODEL, 0, 0),
        files.Baseline(**{**dim.__dict__, "records": dim.records * 0.8, "digest": ""}),
    )
    again = cli(start, "replay", recording.file, "--json")
    assert again.wait() == 0, again.text
    found = said(again)
    assert not found["is_exact"]
    assert "other baselines" in found["notes"][0]
    assert found["differing"] > 0
    assert any(each["judgement"] == "on" for each in found["conditions"])


def test_a_recording_that_begins_late_says_so(tmp_path: Path, start: Callable[..., Program]) -> None:
    recording = Recording(tmp_path, start, is_late=True)
    recorded = recording.end(150)
    assert recorded["is_from_start"] is False
    again = cli(start, "replay", recording.file)
    assert again.wait() == 0, again.text
    assert "began while the monitor ran" in again.text


def test_without_a_monitor_the_recorder_says_so(tmp_path: Path, start: Callable[..., Program]) -> None:
    plan_file = tmp_path / "the.json"
    plan_file.write_bytes(plans.dump(line.plan(tmp_path)))
    alone = cli(start, "record", "--plan", plan_file, tmp_path / "trace", "--wait", "0.1")
    assert alone.wait() == 11
    assert "no monitor came within 0.1 s" in alone.text
    assert not list(tmp_path.glob("*trace*"))


def test_a_recording_ends_when_its_file_is_full(tmp_path: Path, start: Callable[..., Program]) -> None:
    plan = line.plan(tmp_path)
    plan_file = tmp_path / "the.json"
    plan_file.write_bytes(plans.dump(plan))
    recorder = cli(
        start,
        "record",
        "--plan",
        plan_file,
        tmp_path / "trace",
        "--json",
        "--size",
        "1",
        "--minutes",
        "0",
        "--wait",
        "120",
    )
    wait_for_listener(plan.record_socket)
    world = World(tmp_path, start, plan)
    world.greet()

    def is_over() -> bool:
        world.make(20)
        return recorder.process.poll() is not None

    wait_until(is_over, "the megabyte is full", 60.0)
    assert recorder.wait() == 0
    recorded = said(recorder)
    assert recorded["ended"] == "the file is full"
    assert 1e6 <= recorded["bytes"] <= 4e6
    assert sum(each.kind is Kind.RECORD for each in events(tmp_path / "trace")) == recorded["records"]
    assert world.program.process.poll() is None, "the monitor goes on"


def written(path: Path, count: int) -> list[Event]:
    rng = np.random.default_rng(1)
    made = [Event(Kind.RECORD, 0, n, 0, rng.bytes(int(rng.integers(0, 5000)))) for n in range(count)]
    with path.open("wb") as file:
        writer = Writer(file)
        for event in made:
            writer.add(event)
        writer.flush()
    return made


def test_a_recording_that_was_cut_is_good_up_to_the_cut(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    made = written(path, 1000)
    whole = path.read_bytes()
    assert list(events(path)) == made
    for end in np.random.default_rng(2).integers(9, len(whole), 50):
        path.write_bytes(whole[:end])
        read = list(events(path))
        assert read == made[: len(read)]


def test_a_recording_with_a_changed_byte_is_refused_with_its_block(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    written(path, 1000)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(InputError, match="block 2 is damaged"):
        list(events(path))


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("hello")
    with pytest.raises(InputError, match="isn't a recording"):
        list(events(path))
    with pytest.raises(InputError, match="No such file"):
        list(events(tmp_path / "nothing"))
