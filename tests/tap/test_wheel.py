"""The wheel `jidoka-tap`, built and installed alone: what it holds, what it pulls in, which Python it is written for."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "agent" / "jidoka_tap"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a package index would get it."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(SOURCE)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("jidoka_tap-*.whl")
    return built


def test_the_tap_alone_needs_nothing_but_numpy(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = archive.read(metadata).decode().splitlines()
    assert [line for line in lines if line.startswith("Requires-Dist")] == ["Requires-Dist: numpy>=1.17"]
    assert "Requires-Python: >=3.8" in lines


def test_every_module_of_the_tap_is_in_its_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith("jidoka_tap-")}
    modules = {
        f"jidoka_tap/{path.relative_to(SOURCE)}"
        for path in SOURCE.rglob("*.py")
        if "__pycache__" not in path.parts and "c" not in path.relative_to(SOURCE).parts
    }
    assert held >= modules
    assert {name.partition("/")[0] for name in held} == {"jidoka_tap"}


def test_the_tap_alone_can_be_imported_where_nothing_of_the_agent_is_installed(
    wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    # -I: no folder of this checkout on the path; numpy comes from the test's own environment
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import jidoka_tap, os;"
        "print(os.path.dirname(jidoka_tap.__file__)); print(jidoka_tap.watch, jidoka_tap.open_tap);"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in {'jidoka', 'jidoka_bridge', 'numba'}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    place, _, others = done.stdout.splitlines()
    assert place == str(tmp_path / "jidoka_tap")
    assert others == "[]"


def test_nothing_in_the_tap_needs_a_newer_python_than_3_8(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "vermin"), "--target=3.8-", "--violations", "--no-tips", str(SOURCE)],
        capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
