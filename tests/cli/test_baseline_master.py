"""`jidoka baseline master` beside a monitor that runs: kept, shown again, told apart, refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jidoka.baselines.masters import showings
from jidoka.cli.main import main
from jidoka.monitor import baseline as files
from jidoka_bridge import plan as plans

from tests.monitor import line
from tests.monitor.test_process import World
from tests.processes import Program, programs, wait_for_listener, wait_until


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    with programs(tmp_path) as begin:
        yield begin


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["baseline", *map(str, arguments)])
    assert ended.value.code == code
    found = capsys.readouterr()
    return found.out if code == 0 else found.err


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    plan, path = line.plan(tmp_path), tmp_path / "line.json"
    path.write_bytes(plans.dump(plan))
    return path


def test_what_is_wrong_with_a_call_is_told_before_anybody_waits(
    plan_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no master part is kept" in told(capsys, "master", plan_file, code=0)
    assert "may not keep a master part" in told(capsys, "master", plan_file, "golden", "--good", code=10)
    assert "no master part 'golden' is kept" in told(capsys, "master", plan_file, "golden", code=5)


@pytest.mark.process
def test_a_part_is_kept_and_held_against_what_was_kept_when_it_is_shown_again(
    tmp_path: Path, plan_file: Path, start: Callable[..., Program], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plans.load(plan_file)
    files.save(files.path_of(plan, line.MODEL, 0, 0), line.baseline(n=400))
    world: list[World] = []

    def show(name: str, *more: str, gain: float = 1.0) -> Program:
        """Lay the part down: records come while the command runs."""
        command = start(
            sys.executable, "-m", "jidoka.cli", "baseline", "master", str(plan_file), name, "--records", "30", *more,
        )  # fmt: skip
        wait_for_listener(plan.record_socket, 60.0)
        if not world:
            world.append(World(tmp_path, start, plan))
            world[0].greet()

        def is_over() -> bool:
            world[0].make(5, gain=gain)
            return command.process.poll() is not None

        wait_until(is_over, "30 records", 60.0)
        return command

    engineer = ("--role", "quality", "--person", "qa-3")
    good = show("golden", "--good", *engineer)
    assert good.wait() == 0, good.text
    assert "good master part golden of inspection kept" in good.text
    assert "still to be kept: a known bad part" in good.text
    again = show("golden", "--person", "o-1")
    assert again.wait() == 0, again.text
    dark = show("golden", "--person", "o-1", "--json", gain=0.6)
    assert dark.wait() == 6
    assert "brightness was" in dark.text
    assert "sorted again" in dark.text
    # the same light and the same answer: no bad part for this model
    bad = show("scratch", "--bad", *engineer)
    assert bad.wait() == 6
    assert "as it does to golden" in bad.text
    given = showings(plan, line.MODEL)
    assert [(each.name, each.is_kept, bool(each.differs)) for each in given] == [
        ("golden", True, False), ("golden", False, False), ("golden", False, True), ("scratch", True, False),
    ]  # fmt: skip
    listed = json.loads(told(capsys, "master", plan_file, "--json", code=0))
    assert [each["name"] for each in listed] == ["golden", "scratch"]
    (shown,) = json.loads(told(capsys, "show", plan_file, "--json", code=0))
    assert shown["masters"]["missing"] == []
