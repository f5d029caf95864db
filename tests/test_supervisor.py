"""The supervisor: order, readiness, restarts, and that it leaves nothing running."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jidoka.supervisor import Program, Supervisor, program_commands
from jidoka_bridge.errors import ConfigurationError, LinkError, NotRunningError

READY = "from jidoka_bridge.notify import notify\nnotify('STATUS=warming', 'READY=1')\nimport time\ntime.sleep(60)\n"
LIMIT_S = 20.0


def program(name: str, code: str) -> Program:
    return Program(name, (sys.executable, "-c", code))


class Seen:
    """Everything that the supervisor told, in order."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.changes: list[tuple[str, str]] = []

    def supervisor(self, folder: Path, *programs: Program) -> Supervisor:
        return Supervisor(
            programs,
            folder,
            lambda name, line: self.lines.append((name, line)),
            lambda name, text: self.changes.append((name, text)),
        )


def step_until(supervisor: Supervisor, claim: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not claim():
        assert time.monotonic() < deadline_s
        supervisor.step(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_program_is_started_when_it_says_that_it_is_ready(tmp_path: Path) -> None:
    seen = Seen()
    supervisor = seen.supervisor(tmp_path, program("a", READY))
    supervisor.start("a", LIMIT_S)
    assert supervisor.children["a"].is_ready
    assert ("a", "warming") in seen.changes
    supervisor.stop()


def test_a_program_that_ends_before_it_is_ready_is_named_with_its_last_line(tmp_path: Path) -> None:
    supervisor = Seen().supervisor(tmp_path, program("a", "print('no such port'); raise SystemExit(7)"))
    with pytest.raises(NotRunningError, match=r"a ended before it was ready \(exit code 7\): no such port"):
        supervisor.start("a", LIMIT_S)
    supervisor.stop()


def test_a_program_that_says_why_it_ends_is_told_with_its_own_words_and_code(tmp_path: Path) -> None:
    text = "print('a: error: no such port.'); print('  Plug it in.'); raise SystemExit(7)"
    seen = Seen()
    supervisor = seen.supervisor(tmp_path, program("a", text))
    with pytest.raises(LinkError, match=r"exit code 7\): no such port\.\n  Plug it in\.$"):
        supervisor.start("a", LIMIT_S)
    assert not any("starts again" in change for _, change in seen.changes)
    supervisor.stop()


def test_a_run_dir_that_is_a_file_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(ConfigurationError, match="can't be used as run_dir"):
        Supervisor([], tmp_path / "run", lambda *_: None, lambda *_: None)


def test_a_program_that_is_killed_is_started_again(tmp_path: Path) -> None:
    seen = Seen()
    supervisor = seen.supervisor(tmp_path, program("a", READY))
    supervisor.start("a", LIMIT_S)
    first = supervisor.children["a"].pid
    os.kill(first, signal.SIGKILL)
    step_until(supervisor, lambda: supervisor.children["a"].starts == 2 and supervisor.children["a"].is_ready)
    assert supervisor.children["a"].pid != first
    assert any("ended with signal SIGKILL; starts again in" in text for _, text in seen.changes)
    supervisor.stop()


def test_stopping_leaves_nothing_running_even_what_ignores_the_request(tmp_path: Path) -> None:
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY
    supervisor = Seen().supervisor(tmp_path, program("a", READY), program("b", stubborn))
    supervisor.start("a", LIMIT_S)
    supervisor.start("b", LIMIT_S)
    pids = [child.pid for child in supervisor.children.values()]
    supervisor.stop()
    assert not any(is_alive(pid) for pid in pids)


def test_the_guard_ends_before_what_it_judges_and_the_others_as_they_came_backwards(tmp_path: Path) -> None:
    seen = Seen()
    commands = program_commands(tmp_path / "plan.json", sys.executable, has_host=True)
    programs = [dataclasses.replace(each, command=(sys.executable, "-c", READY)) for each in commands]
    supervisor = seen.supervisor(tmp_path, *programs)
    for each in programs:
        supervisor.start(each.name, LIMIT_S)
    assert list(supervisor.children) == ["steward", "guard", "monitor", "host"]
    supervisor.stop()
    ended = [name for name, text in seen.changes if text.startswith("ended")]
    assert ended == ["guard", "host", "monitor", "steward"]


def test_what_a_program_prints_arrives_line_by_line_with_its_name(tmp_path: Path) -> None:
    seen = Seen()
    supervisor = seen.supervisor(tmp_path, program("a", "print('one'); print('two', flush=True)\n" + READY))
    supervisor.start("a", LIMIT_S)
    step_until(supervisor, lambda: len(seen.lines) >= 2)
    assert seen.lines == [("a", "one"), ("a", "two")]
    supervisor.stop()


def test_a_program_cannot_say_that_another_is_ready(tmp_path: Path) -> None:
    supervisor = Seen().supervisor(tmp_path, program("a", READY), program("b", "import time; time.sleep(60)"))
    supervisor.start("a", LIMIT_S)
    supervisor._spawn(supervisor.children["b"])
    supervisor.step(0.1)
    assert not supervisor.children["b"].is_ready
    supervisor.stop()
