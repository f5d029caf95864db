"""Fork, the end of the interpreter, what an import costs and needs: the tap as a guest in another program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jidoka
import jidoka_tap
import onnxruntime as ort
import pytest
from jidoka_tap import watch

from tests.processes import programs
from tests.tap.conftest import MODEL
from tests.tap.listener import Listener

Listen = Callable[..., Listener]
ROOT = Path(__file__).resolve().parents[2]

APPLICATION = f"""
import os, sys
import numpy as np
import onnxruntime as ort
from jidoka_tap import watch
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = watch(ort.InferenceSession({str(MODEL)!r}, options, providers=["CPUExecutionProvider"]), "m")
picture = {{"image": np.zeros((1, 1, 96, 96), np.uint8)}}
assert session.tap.wait_until_connected(20)
"""


def run_application(text: str, path: Path, listener: Listener) -> str:
    with programs(ROOT) as start:
        program = start(
            sys.executable, "-c", APPLICATION + text, environment={"JIDOKA_TAP_SOCKET": str(path)}
        )
        listener.wait(lambda: program.process.poll() is not None, "the application ends by itself")
        assert program.wait() == 0, program.text
        return program.text


@pytest.mark.process
def test_the_end_of_the_interpreter_is_a_goodbye(path: Path, listen: Listen) -> None:
    listener = listen()
    output = run_application("session.run(None, picture, part=5)", path, listener)
    listener.wait(lambda: listener.ended == 1, "the connection ended")
    assert [record.part for record in listener.records] == [5]
    assert len(listener.goodbyes) == 1
    assert output == ""


@pytest.mark.process
def test_an_application_that_dies_of_an_error_says_goodbye_and_its_error_is_its_own(
    path: Path, listen: Listen
) -> None:
    listener = listen()
    with programs(ROOT) as start:
        program = start(
            sys.executable, "-c", APPLICATION + "raise RuntimeError('mine')",
            environment={"JIDOKA_TAP_SOCKET": str(path)},
        )  # fmt: skip
        listener.wait(lambda: listener.ended == 1, "the connection ended")
        assert program.wait() == 1
        assert "RuntimeError: mine" in program.text
    assert len(listener.goodbyes) == 1


@pytest.mark.process
def test_a_forked_child_that_runs_the_model_connects_by_itself_and_its_numbers_are_its_own(
    path: Path, listen: Listen
) -> None:
    listener = listen()
    run_application(
        """
session.run(None, picture, part=1)
child = os.fork()
if child == 0:
    assert not session.tap.counts.is_connected
    session.run(None, picture, part=100)
    assert session.tap.wait_until_connected(20)
    session.run(None, picture, part=101)
    assert session.tap.counts[:3] == (2, 1, 1)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
session.run(None, picture, part=2)
assert session.tap.counts[:3] == (2, 2, 0)
""",
        path,
        listener,
    )
    listener.wait(lambda: listener.ended == 2, "both connections ended")
    assert sorted(record.part for record in listener.records) == [1, 2, 101]
    assert len({hello["pid"] for hello in listener.hellos}) == 2
    numbers = {record.part: record.number for record in listener.records}
    assert numbers[2] == numbers[1] + 1
    assert numbers[101] not in range(numbers[1], numbers[2] + 1)


@pytest.mark.process
def test_a_forked_child_that_does_not_run_the_model_is_no_second_writer_and_keeps_no_connection(
    path: Path, listen: Listen
) -> None:
    listener = listen()
    run_application(
        """
read_end, write_end = os.pipe()
child = os.fork()
if child == 0:
    os.read(read_end, 1)  # outlives the parent's session
    os._exit(0)  # an orderly exit hangs in onnxruntime itself, 1.32, tap or no tap
tap = session.tap
del session
session = None
print("closed", flush=True)
import time
while tap.link.sock is not None:
    time.sleep(0.01)
os.write(write_end, b"x")
assert os.waitpid(child, 0)[1] == 0
""",
        path,
        listener,
    )
    assert len(listener.hellos) == 1
    assert len(listener.goodbyes) == 1
    assert listener.ended == 1


def test_a_fork_while_other_threads_send_leaves_the_child_able_to_send(
    path: Path, session: ort.InferenceSession, feed: dict[str, Any]
) -> None:
    # the lock may be held by another thread at the moment of the fork; the child must not wait for it
    own = watch(session, "m", socket=str(path))
    lock = own.tap._lock
    lock.acquire()
    child = os.fork()
    if child == 0:
        own.tap.record(0, 1, 0, 0, 0, None, [], feed)
        os._exit(0 if own.tap.counts.records == 1 else 1)
    lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


MEASURE = """
import sys, time
import numpy
began = time.process_time_ns()
import {what}
print(time.process_time_ns() - began)
"""


def cpu_ns(what: str, bytecode: Path) -> int:
    """The least of five: CPU time of an import in a fresh interpreter that has numpy, its bytecode kept as pip keeps it."""
    command = [sys.executable, "-c", MEASURE.format(what=what)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(bytecode)}
    runs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True) for _ in range(5)
    ]
    return min(int(run.stdout) for run in runs)


def test_beyond_numpy_the_import_costs_little_more_than_that_of_what_any_service_imports(
    tmp_path: Path,
) -> None:
    # measured against the import of a few standard modules in the same minute on the same machine
    assert cpu_ns("jidoka_tap", tmp_path) < 4 * cpu_ns("json, socket, logging, threading", tmp_path)


def test_beyond_numpy_only_the_standard_library_is_imported() -> None:
    script = (
        "import sys, numpy\nbefore = set(sys.modules)\nimport jidoka_tap\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(result.stdout.split()) - set(sys.stdlib_module_names) == {"jidoka_tap"}


def test_the_small_wheel_has_the_version_of_the_large_one() -> None:
    assert jidoka_tap.__version__ == jidoka.__version__
