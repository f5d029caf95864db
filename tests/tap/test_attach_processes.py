"""`jidoka attach` starts real applications: they run as without it, and their sessions are seen from the first on."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import jidoka_tap
import pytest
from jidoka.config.compile import compile_text
from jidoka_bridge import plan as plans
from jidoka_tap import wire

from tests.processes import Program, programs
from tests.tap.conftest import CONFIGURATION, MODEL
from tests.tap.listener import Listener, tensor
from tests.tap.test_interpreters import interpreters, packages_for, version_of

pytestmark = pytest.mark.process

Listen = Callable[..., Listener]
Start = Callable[..., Program]
JIDOKA = (sys.executable, "-m", "jidoka.cli", "attach")
TAP = Path(jidoka_tap.__file__).parent
#: the newest onnxruntime that an old Python has -> what JetPack 5 and 6 are about
OLD_RUNTIME = "onnxruntime==1.16.3"

APPLICATION = f"""
import os, sys, time
import numpy as np
import onnxruntime as ort
MODEL = {str(MODEL)!r}
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 4
picture = {{"image": np.zeros((1, 1, 96, 96), np.uint8)}}

def open_session():
    return ort.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])

def run(session):  # until the test has seen enough
    while not os.path.exists("enough"):
        session.run(None, picture)
        time.sleep(0.002)
"""
LIVE = APPLICATION + "\nrun(open_session())\n"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with programs(tmp_path) as begin:
        yield begin


def seen(listener: Listener, folder: Path, count: int = 3) -> None:
    """Enough records came; the application may go on to its end."""
    listener.wait_for_records(count)
    (folder / "enough").touch()


def attached(start: Start, path: Path, *words: str, environment: dict[str, str] | None = None) -> Program:
    return start(*JIDOKA, "--socket", str(path), *words, environment=environment)


def script(folder: Path, text: str, name: str = "app.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


COMMANDS = {
    "a script": ("PYTHON", "app.py", "3"),
    "a module": ("PYTHON", "-m", "app", "3"),
    "a line of code": ("PYTHON", "-c", "import runpy, sys; runpy.run_path('app.py')", "3"),
    "a shell script": ("sh", "start.sh", "3"),
    "a program with a first line": ("./app.py", "3"),
}


@pytest.mark.parametrize("kind", list(COMMANDS))
def test_an_application_is_seen_however_it_is_started_and_its_exit_code_is_its_own(
    kind: str, path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    app = Path(script(tmp_path, f"#!{sys.executable}\n{LIVE}\nsys.exit(int(sys.argv[1]))\n"))
    app.chmod(0o755)
    (tmp_path / "start.sh").write_text(f'echo started\n"{sys.executable}" app.py "$1"\n')
    listener = listen()
    command = [sys.executable if word == "PYTHON" else word for word in COMMANDS[kind]]
    program = attached(start, path, "--", *command)
    seen(listener, tmp_path)
    listener.wait(lambda: listener.ended == 1, "the connection ended")
    assert program.wait() == 3
    assert program.text.replace("started\n", "") == ""
    assert len(listener.goodbyes) == 1
    assert listener.hellos[0]["sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()


def test_a_signal_is_the_applications_own(path: Path, listen: Listen, start: Start, tmp_path: Path) -> None:
    listener = listen()
    program = attached(start, path, "--", sys.executable, script(tmp_path, LIVE))
    listener.wait_for_records(1)
    assert listener.hellos[0]["pid"] == program.process.pid
    program.signal(signal.SIGTERM)
    assert program.wait() == -signal.SIGTERM


def test_the_application_ignores_no_signal_that_it_would_not_ignore_alone(path: Path, start: Start) -> None:
    command = ("grep", "SigIgn", "/proc/self/status")
    alone, with_hook = start(*command), attached(start, path, "--", *command)
    assert (alone.wait(), with_hook.wait()) == (0, 0)
    assert with_hook.text == alone.text


def test_without_a_monitor_the_application_runs_and_the_log_says_so(
    path: Path, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "enough").touch()
    text = LIVE + "\nfor _ in range(300): open_session().run(None, picture)\nprint('done')"
    program = attached(start, path, "--", sys.executable, script(tmp_path, text))
    assert program.wait() == 0
    assert program.text.endswith("done\n")
    assert "no monitor at" in program.text


# ---------------------------------------------------------------- what the application finds

FINDINGS = """
import sys
finders = [getattr(each, "__name__", type(each).__name__) for each in sys.meta_path]
print(sorted(name for name in sys.modules if "jidoka" in name), "sitecustomize" in sys.modules, finders)
print([each for each in sys.path if "jidoka" in each])
try:
    import sitecustomize
except ImportError as error:
    print(type(error), error)
"""


def test_a_python_that_never_imports_onnxruntime_finds_nothing_of_ours(
    path: Path, start: Start, tmp_path: Path
) -> None:
    file = script(tmp_path, FINDINGS)
    alone = start(sys.executable, file)
    with_hook = attached(start, path, "--", sys.executable, file)
    assert (alone.wait(), with_hook.wait()) == (0, 0)
    assert with_hook.text.replace("['Finder', ", "[") == alone.text  # what waits for onnxruntime
    assert "FrozenImporter" in alone.text


def test_the_applications_own_sitecustomize_runs_with_everything_it_does(
    path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    script(own, "import sys\nsys.own_was_here = __name__, __file__", "sitecustomize.py")
    text = (
        LIVE + "\nimport sitecustomize\n"
        "assert sys.modules['sitecustomize'] is sitecustomize\n"
        "assert sys.own_was_here == ('sitecustomize', sitecustomize.__file__), sys.own_was_here\n"
        "print(sitecustomize.__file__)"
    )
    listener = listen()
    program = attached(
        start, path, "--", sys.executable, script(tmp_path, text), environment={"PYTHONPATH": str(own)}
    )
    seen(listener, tmp_path)
    assert program.wait() == 0, program.text
    assert program.text == f"{own / 'sitecustomize.py'}\n"


def test_an_error_in_the_applications_own_sitecustomize_is_told_as_python_tells_it(
    path: Path, start: Start, tmp_path: Path
) -> None:
    script(tmp_path, "raise RuntimeError('mine')", "sitecustomize.py")
    command, environment = (sys.executable, "-c", "print('ran')"), {"PYTHONPATH": str(tmp_path)}
    alone = start(*command, environment=environment)
    with_hook = attached(start, path, "--", *command, environment=environment)
    assert (alone.wait(), with_hook.wait()) == (0, 0)
    told = alone.text.removesuffix("ran\n")
    assert "RuntimeError: mine" in told
    assert with_hook.text == told + alone.text  # first by the Python of `jidoka attach` itself


def test_another_jidoka_tap_of_the_applications_is_not_put_in_the_shade(
    path: Path, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "enough").touch()
    own = tmp_path / "own" / "jidoka_tap"
    own.mkdir(parents=True)
    script(own, "__version__ = '9.9'", "__init__.py")
    text = LIVE + "\nimport jidoka_tap\nprint(jidoka_tap.__version__)"
    program = attached(
        start, path, "--", sys.executable, script(tmp_path, text), environment={"PYTHONPATH": str(own.parent)}
    )
    assert program.wait() == 0
    line, version = program.text.splitlines()
    assert line.startswith("jidoka attach: the application runs unwatched")
    assert "9.9" in line
    assert str(own) in line
    assert version == "9.9"


def test_a_hook_that_fails_costs_one_line(path: Path, start: Start, tmp_path: Path) -> None:
    (tmp_path / "enough").touch()
    environment = {"JIDOKA_ATTACH_MODELS": "nonsense"}
    program = attached(
        start, path, "--", sys.executable, script(tmp_path, LIVE + "\nprint('ran')"), environment=environment
    )
    assert program.wait() == 0
    line, ran = program.text.splitlines()
    assert "the application runs unwatched: ValueError: JIDOKA_ATTACH_MODELS" in line
    assert ran == "ran"


def test_the_application_can_undo_it(path: Path, listen: Listen, start: Start, tmp_path: Path) -> None:
    text = LIVE + (
        "\nimport jidoka_tap.attach, subprocess\n"
        "jidoka_tap.attach.undo()\n"
        "assert not hasattr(ort.InferenceSession.run, '__wrapped__')\n"
        "open_session().run(None, picture)\n"
        "code = 'import sys; print([f for f in sys.meta_path if hasattr(f, \"is_of_jidoka_attach\")])'\n"
        "sys.exit(subprocess.run([sys.executable, '-c', code]).returncode)"
    )
    listener = listen()
    program = attached(start, path, "--", sys.executable, script(tmp_path, text))
    seen(listener, tmp_path)
    assert program.wait() == 0, program.text
    assert program.text == "[]\n"
    listener.wait(lambda: listener.ended == 1, "the connection ended")
    assert len(listener.hellos) == 1


# ---------------------------------------------------------------- children

CHILDREN = {
    "spawn": (
        "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=run, args=())\n"
        "    child.start(); child.join(); sys.exit(child.exitcode)\n"
    ),
    "fork": (
        "child = os.fork()\n"
        "if child == 0:\n"
        "    run()\n"
        "    os._exit(0)\n"  # an orderly exit of a forked child may hang in onnxruntime itself
        "sys.exit(os.waitpid(child, 0)[1])\n"
    ),
    "subprocess": (
        "import subprocess\n"
        "if len(sys.argv) > 1: run()\n"
        "else: sys.exit(subprocess.run([sys.executable, __file__, 'child']).returncode)\n"
    ),
}
#: only the child runs the model, so often that it has a connection, if it ever gets one
CHILD = (
    APPLICATION
    + """
def run(session=None):
    session = open_session()
    for n in range(400):
        session.run(None, picture)
        time.sleep(0.002)
        if os.path.exists("enough"):
            break
"""
)


@pytest.mark.parametrize("kind", list(CHILDREN))
def test_a_child_process_that_runs_the_model_is_seen_too(
    kind: str, path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    listener = listen()
    program = attached(start, path, "--", sys.executable, script(tmp_path, CHILD + CHILDREN[kind]))
    seen(listener, tmp_path)
    assert program.wait() == 0, program.text
    assert [hello["pid"] for hello in listener.hellos] != [program.process.pid]


@pytest.mark.parametrize("kind", list(CHILDREN))
def test_with_no_children_a_child_process_is_left_alone(
    kind: str, path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    listener = listen()
    program = attached(
        start, path, "--no-children", "--", sys.executable, script(tmp_path, CHILD + CHILDREN[kind])
    )
    assert program.wait() == 0, program.text
    listener.pump()
    assert listener.hellos == []
    assert program.text == ""


def test_with_no_children_the_first_python_is_seen(
    path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    text = LIVE + "\nprint({name for name in os.environ if 'PYTHONPATH' in name or 'ATTACH' in name})"
    listener = listen()
    program = attached(start, path, "--no-children", "--", sys.executable, script(tmp_path, text))
    seen(listener, tmp_path)
    assert program.wait() == 0
    assert program.text == "set()\n"


# ---------------------------------------------------------------- which models


@pytest.mark.parametrize("is_compiled", [False, True], ids=["configuration", "plan"])
def test_a_configuration_names_socket_and_models_and_other_files_are_left_alone(
    is_compiled: bool, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "line.yaml").write_text(CONFIGURATION.format(folder=tmp_path))
    plan = compile_text((tmp_path / "line.yaml").read_text(), tmp_path)
    (tmp_path / "plan.json").write_bytes(plans.dump(plan))
    plan.tap_socket.parent.mkdir(parents=True)
    (tmp_path / "other.onnx").write_bytes(MODEL.read_bytes() + b"\x32\x00")
    text = (
        APPLICATION
        + "\nwatched = open_session()\nMODEL = 'other.onnx'\nopen_session().run(None, picture)\nrun(watched)"
    )
    listener = Listener(plan.tap_socket)
    try:
        source = ("--plan", "plan.json") if is_compiled else ("line.yaml",)
        program = start(*JIDOKA, *source, "--", sys.executable, script(tmp_path, text))
        seen(listener, tmp_path)
        assert program.wait() == 0, program.text
    finally:
        listener.close()
    assert [hello["model"] for hello in listener.hellos] == ["our-model"]
    assert program.text.count("is left alone") == 1
    assert "other.onnx" in program.text
    assert hashlib.sha256((tmp_path / "other.onnx").read_bytes()).hexdigest() in program.text


def test_a_model_that_the_plan_has_not_is_said_before_the_start(start: Start, tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(CONFIGURATION.format(folder=tmp_path))
    program = start(*JIDOKA, "line.yaml", "--model", "another", "--", "false")
    assert program.wait() == 3
    assert "there is no model 'another'" in program.text
    assert "our-model" in program.text


# ---------------------------------------------------------------- refused before the start

REFUSALS = {
    "no command": ([], 2, "behind `--`"),
    "no such program": (["--", "no-such-program"], 2, "can't be started: No such file"),
    "isolated": (["--", "python3", "-I", "-c", "print('ran')"], 2, "-I"),
    "without its environment": (["--", "python3", "-E", "-c", "print('ran')"], 2, "-E"),
    "without site": (["--", "python3", "-uS", "-c", "print('ran')"], 2, "-S"),
    "twice": (["--", *JIDOKA, "--", "echo", "ran"], 10, "attached already"),
    "twice, by the tap's own": (
        ["--", sys.executable, "-m", "jidoka_tap.attach", "--", "echo", "ran"], 2, "attached already",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(REFUSALS))
def test_what_can_not_be_attached_is_not_started(kind: str, path: Path, start: Start) -> None:
    words, code, said = REFUSALS[kind]
    program = attached(start, path, *words)
    assert program.wait() == code
    assert said in program.text
    assert "ran" not in program.text
    assert "Traceback" not in program.text


def test_the_help_says_that_nothing_can_be_refused_and_shows_the_way_to_write_it(start: Start) -> None:
    program = start(*JIDOKA, "--help")
    assert program.wait() == 0
    assert "No gate" in program.text
    assert "[OPTIONS] [CONFIGURATION] -- COMMAND [ARGUMENTS]..." in program.text


def test_attach_within_attach_is_allowed_where_the_outer_leaves_children_alone(
    path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    listener = listen()
    inner = [*JIDOKA, "--model", "m", "--", sys.executable, script(tmp_path, LIVE)]
    program = attached(start, path, "--no-children", "--", *inner)
    seen(listener, tmp_path)
    assert program.wait() == 0, program.text
    assert [hello["model"] for hello in listener.hellos] == ["m"]


# ---------------------------------------------------------------- other Pythons


def runtime_for(python: str) -> str | None:
    """A folder with onnxruntime for another interpreter, for PYTHONPATH; None: there is none to be had."""
    wanted = (OLD_RUNTIME, "numpy<2") if version_of(python) < (3, 10) else ("onnxruntime",)
    return packages_for(python, "onnxruntime", *wanted)


@pytest.mark.parametrize("which", [min, max], ids=["oldest", "newest"])
def test_another_python_with_packages_of_its_own_is_seen_by_session_and_by_binding(
    which: Callable[..., tuple[int, int]], path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    python = interpreters()[which(interpreters())]
    if version_of(python) == sys.version_info[:2]:
        # then it is the tests' own, whose packages lie where the application's assertion forbids them
        pytest.skip("this machine offers no other Python than the one that the tests run on")
    runtime = runtime_for(python)
    if runtime is None:
        pytest.skip(f"no onnxruntime could be installed for {python}")
    text = APPLICATION + (
        f"\nassert not [each for each in sys.path if each.startswith({sys.prefix!r}) and each != {runtime!r}]\n"
        "session = open_session()\n"
        "run(session)\n"
        "binding = session.io_binding()\n"
        "picture['image'] += 7\n"
        "binding.bind_cpu_input('image', picture['image'])\n"
        "for each in session.get_outputs(): binding.bind_output(each.name)\n"
        "for _ in range(3): session.run_with_iobinding(binding)\n"
        "print(sys.version_info[:2], 'click' in sys.modules)\n"
    )
    listener = listen()
    environment = {"PYTHONPATH": runtime, "PYTHONDONTWRITEBYTECODE": "1"}
    program = attached(
        start, path, "--model", "m", "--", python, script(tmp_path, text), environment=environment
    )
    seen(listener, tmp_path)
    assert program.wait() == 0, program.text
    assert program.text == f"{version_of(python)} False\n"
    listener.wait(lambda: listener.ended == 1, "the connection ended")
    bound = [each for each in listener.records if (tensor(each, wire.INPUT, 0) == 7).all()]
    assert len(bound) == 3
    assert all(len(each.tensors) == 3 for each in bound)


@cache
def too_old() -> str | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for each in sorted(pyenv.glob("[23].*/bin/python")):
        if (
            subprocess.run(
                [each, "-c", "import sys; sys.exit(sys.version_info >= (3, 8))"], check=False
            ).returncode
            == 0
        ):
            return str(each)
    return None


def test_a_python_that_is_too_old_says_so_and_runs(path: Path, start: Start) -> None:
    python = too_old()
    if python is None:
        pytest.skip("this machine has no Python below 3.8")
    program = attached(start, path, "--", python, "-c", "print('ran')")
    assert program.wait() == 0
    line, ran = program.text.splitlines()
    assert "needs Python 3.8 or newer" in line
    assert ran == "ran"


def test_the_tap_alone_starts_applications_too(
    path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    listener = listen()
    command = ("-m", "jidoka_tap.attach", "--model", "m", "--socket", str(path), "--")
    program = start(sys.executable, *command, sys.executable, script(tmp_path, LIVE))
    seen(listener, tmp_path)
    assert program.wait() == 0, program.text
    assert listener.hellos[0]["model"] == "m"


def test_the_hooks_folder_on_the_path_is_enough(
    path: Path, listen: Listen, start: Start, tmp_path: Path
) -> None:
    listener = listen()
    environment = {"PYTHONPATH": str(TAP / "attach" / "hook"), "JIDOKA_TAP_SOCKET": str(path)}
    program = start(sys.executable, script(tmp_path, LIVE), environment=environment)
    seen(listener, tmp_path)
    assert program.wait() == 0, program.text
