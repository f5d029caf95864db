"""The tap runs in the oldest and the newest Python that this machine offers, with numpy and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jidoka_tap
import numpy as np
import pytest
from jidoka_tap import wire

from tests.processes import programs
from tests.tap.listener import Listener, refuse_nan, tensor

Listen = Callable[..., Listener]
ROOT = Path(__file__).resolve().parents[2]
TAP = ROOT / "agent" / "jidoka_tap"
OLDEST = (3, 8)
INSTALL_LIMIT_S = 120.0
#: all that an application may do, with what must come of it
SMOKE = """
import os, sys
import numpy as np
import jidoka_tap
from jidoka_tap import Rejected, open_tap, watch

class Session:
    def get_inputs(self): return [type("N", (), {"name": "image"})]
    def get_outputs(self): return [type("N", (), {"name": "logits"})]
    def run(self, names, feed, options=None): return [np.array([feed["image"].sum()], np.float32)]

image = np.arange(300 * 400 * 3, dtype=np.uint32).astype(np.uint8).reshape(300, 400, 3)
session = watch(Session(), "m", gate=True, deadline_s=20)
assert session.tap.wait_until_connected(20)
session.tap.image(1, image[:40, :40])
session.run(None, {"image": image}, part=1)
assert session.verdict.level == "pass", session.verdict
session.run(["logits"], {"image": image[::2, ::2]}, part=2)
with open_tap("m", ["logits"], ["image"], gate=True, deadline_s=20) as tap:
    try:
        tap.record_outputs({"logits": np.array([np.nan], np.float32)}, {"image": image}, part=3)
    except Rejected as rejected:
        assert rejected.verdict.reasons == ("NaN among the outputs",), rejected.verdict
    else:
        raise AssertionError("a NaN passed")
try:
    watch(session, "m")
except RuntimeError:
    pass
counts = session.tap.counts
assert (counts.sent, counts.rejected, counts.arena_full, counts.tensors_not_sent) == (3, 1, 0, 0), counts
print(sys.version_info[:2], jidoka_tap.__version__, "done")
"""


def version_of(python: str) -> tuple[int, int]:
    """(0, 0) for what doesn't run, as a shim without a version behind it."""
    result = subprocess.run([python, "-V"], capture_output=True, text=True, check=False)
    found = re.match(r"Python (\d+)\.(\d+)", result.stdout) if result.returncode == 0 else None
    return (int(found[1]), int(found[2])) if found else (0, 0)


@cache
def interpreters() -> dict[tuple[int, int], str]:
    """Every CPython from OLDEST on: on the path, or where pyenv keeps it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python3.{minor}") for minor in range(OLDEST[1], 30)]
    kept = sorted(str(each) for each in pyenv.glob("*/bin/python3"))
    versions = {version_of(each): each for each in [*kept, *filter(None, found), sys.executable]}
    return {version: each for version, each in versions.items() if version >= OLDEST}


def interpreter(which: str) -> str:
    found = interpreters()
    version = {"3.8": OLDEST, "oldest": min(found), "newest": max(found)}[which]
    if version not in found:
        pytest.skip(f"this machine has no Python {version[0]}.{version[1]}")
    return found[version]


@cache
def packages_for(python: str, package: str, *wanted: str) -> str | None:
    """A folder with a package for this interpreter, got once by pip as `wanted` says; None: there is none to be had."""
    folder = Path(sys.prefix) / f"{package}-for" / "{}.{}".format(*version_of(python))
    if not (folder / package).exists():
        command = [python, "-m", "pip", "install", "-q", "--target", str(folder), *wanted]
        try:
            result = subprocess.run(command, capture_output=True, check=False, timeout=INSTALL_LIMIT_S)
        except subprocess.TimeoutExpired:
            return None
        if result.returncode != 0:
            return None
    return str(folder)


@cache
def numpy_for(python: str) -> str | None:
    """A folder with a numpy for this interpreter, "" if it has its own; None: there is none to be had."""
    if subprocess.run([python, "-c", "import numpy"], capture_output=True, check=False).returncode == 0:
        return ""
    return packages_for(python, "numpy", "--no-deps", "numpy")


@pytest.mark.process
@pytest.mark.parametrize("which", ["oldest", "newest"])
def test_records_arena_pictures_and_gate_work_in_another_interpreter(
    which: str, path: Path, listen: Listen
) -> None:
    python = interpreter(which)
    numpy = numpy_for(python)
    if numpy is None:
        pytest.skip(f"{python} has no numpy, and none could be installed")
    listener = listen(arena=(2, 1 << 20), judge=refuse_nan)
    with programs(ROOT) as start, listener.pumping():
        environment = {
            "JIDOKA_TAP_SOCKET": str(path),
            "PYTHONPATH": f"{numpy}{os.pathsep}{TAP.parent}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        program = start(python, "-c", SMOKE, environment=environment)
        assert program.wait() == 0, program.text
        assert f"{version_of(python)} {jidoka_tap.__version__} done" in program.text
    listener.wait(lambda: listener.ended == 1, "the connection ended")
    assert [record.part for record in listener.records] == [1, 2, 3]
    image = np.arange(300 * 400 * 3, dtype=np.uint32).astype(np.uint8).reshape(300, 400, 3)
    assert np.array_equal(tensor(listener.records[0], wire.INPUT, 0), image)
    assert np.array_equal(tensor(listener.records[0], wire.INPUT, wire.THUMBNAIL), image[:40, :40])
    assert np.array_equal(tensor(listener.records[1], wire.INPUT, 0), image[::2, ::2])
    assert len(listener.goodbyes) == 1


def test_the_source_is_python_3_8(tmp_path: Path) -> None:
    python = interpreter("3.8")
    script = "import py_compile, sys\nfor f in sys.argv[2:]: py_compile.compile(f, sys.argv[1], doraise=True)"
    files = [str(file) for file in sorted(TAP.glob("*.py"))]
    result = subprocess.run(
        [python, "-c", script, str(tmp_path / "out.pyc"), *files], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
