"""The C library as it is built and shipped: warnings, symbols, the header alone, the frozen numbers, the examples."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from jidoka_tap import wire

from tests.processes import programs
from tests.tap.c import library
from tests.tap.conftest import MODEL
from tests.tap.listener import Listener, refuse_nan, tensor

ROOT = Path(__file__).resolve().parents[3]
CROSS = "aarch64-linux-gnu-gcc"
#: where a header of ONNX Runtime's C API may lie: the Python wheel has the library and no header
ORT_HEADERS = [
    Path(folder) / "onnxruntime_c_api.h"
    for folder in (
        os.environ.get("ORT_HOME", "/usr/local") + "/include",
        "/usr/local/include/onnxruntime",
        "/usr/include/onnxruntime",
        "/usr/include/onnxruntime/core/session",
    )
]
ONLY_HEADER = '#include "jidoka_tap.h"\nint main() { return jdk_may_use(JDK_OK) && jdk_options_for("m").size ? 0 : 1; }\n'


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_numbers_of_the_header_are_those_of_the_python_wire() -> None:
    run(sys.executable, ROOT / "tools" / "tap_header.py", "--check")


@pytest.mark.parametrize("compiler", library.COMPILERS)
@pytest.mark.parametrize("flags", ["-O0", "-O3"])
def test_it_compiles_without_a_warning(compiler: str, flags: str, tmp_path: Path) -> None:
    library.make(tmp_path, "all", "examples", compiler=compiler, flags=flags)


@pytest.mark.skipif(not shutil.which(CROSS), reason=f"{CROSS} isn't on this machine")
def test_it_compiles_for_arm(tmp_path: Path) -> None:
    library.make(tmp_path, "all", compiler=CROSS, flags="-O2")


def exported(path: Path) -> set[str]:
    return {line.split()[2] for line in run("nm", "-D", "--defined-only", path).splitlines()}


def test_only_what_the_header_declares_is_exported(built: Path) -> None:
    header = (library.SOURCES / "jidoka_tap.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"^JDK_API [^;(]*?(jdk_\w+)\(", header, re.MULTILINE))
    assert len(declared) == 11
    assert exported(built / "libjidoka_tap.so") == declared


def test_every_global_symbol_of_the_static_library_begins_with_jdk(built: Path) -> None:
    lines = run("nm", "--defined-only", "--extern-only", built / "libjidoka_tap.a").splitlines()
    names = [line.split()[2] for line in lines if len(line.split()) == 3]
    assert names
    assert {name for name in names if not name.startswith("jdk_")} == set()


def test_it_needs_nothing_but_the_c_library(built: Path) -> None:
    needed = re.findall(r"NEEDED.*\[(.*?)\]", run("readelf", "-d", built / "libjidoka_tap.so"))
    assert {name.split(".so")[0] for name in needed} <= {"libc", "libpthread"}


@pytest.mark.usefixtures("built")
def test_each_header_stands_alone(tmp_path: Path) -> None:
    for header in library.SOURCES.glob("*.h"):
        source = tmp_path / f"only_{header.stem}.c"
        source.write_text(f'#include "{header.name}"\nint one;\n', encoding="utf-8")
        run("gcc", "-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
            f"-I{library.SOURCES}", source)  # fmt: skip


@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler on this machine")
def test_the_header_is_cpp_too(built: Path, tmp_path: Path) -> None:
    source = tmp_path / "only.cpp"
    source.write_text(ONLY_HEADER, encoding="utf-8")
    for standard in ("c++11", "c++17"):
        run("g++", f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-pthread",
            f"-I{library.SOURCES}", source, built / "libjidoka_tap.a", "-o", tmp_path / "only")  # fmt: skip
        run(tmp_path / "only")


def test_the_modules_stay_short() -> None:
    sources = [*library.SOURCES.glob("*.c"), *library.SOURCES.glob("*.h")]
    assert {
        each.name for each in sources if len(each.read_text(encoding="utf-8").splitlines()) > 250
    } == set()


def test_it_is_installed_as_a_header_pair_and_two_libraries(built: Path, tmp_path: Path) -> None:
    run("make", "-s", "-C", library.SOURCES, f"OUT={built}", "CFLAGS=-O1 -g", f"PREFIX={tmp_path}", "install")
    files = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file()}
    assert files == {
        "include/jidoka_tap.h", "include/jidoka_wire.h", "lib/libjidoka_tap.a", "lib/libjidoka_tap.so",
    }  # fmt: skip


@pytest.mark.process
def test_the_example_of_the_readme_is_a_program_whose_record_arrives(
    built: Path, tmp_path: Path, path: Path, listen: Callable[..., Listener]
) -> None:
    text = (library.SOURCES / "README.md").read_text(encoding="utf-8").split("```c\n")[1].split("```")[0]
    source = tmp_path / "readme.c"  # waits, for it ends at once
    source.write_text(
        text.replace("jdk_tap_record(", "jdk_tap_wait_connected(tap, 10000000000u), jdk_tap_record("), "utf-8"
    )
    program = library.compile_program(built, source)
    listener = listen()
    with programs(tmp_path) as start:
        started = start(str(program), environment={"JIDOKA_TAP_SOCKET": str(path)})
        listener.wait_for_records(1)
        assert started.wait() == 0, started.text
    assert listener.records[0].part == 4711
    assert np.array_equal(listener.records[0].tensors[0].array, np.array([[3.5, -1.0]], np.float32))


@pytest.mark.process
def test_the_plain_array_example_sends_its_records(
    built: Path, tmp_path: Path, path: Path, listen: Callable[..., Listener]
) -> None:
    listener = listen()
    with programs(tmp_path) as start:
        started = start(str(built / "plain_array"), str(path), "5")
        listener.wait(lambda: len(listener.goodbyes) == 1, "it says goodbye")
        assert started.wait() == 0
    assert "5 records, 5 sent, 0 dropped" in started.text
    assert [record.part for record in listener.records] == [1, 2, 3, 4, 5]
    assert listener.records[3].tensors[0].role == wire.OUTPUT


@pytest.mark.process
@pytest.mark.skipif(
    not any(each.exists() for each in ORT_HEADERS),
    reason="no onnxruntime_c_api.h on this machine (ORT_HOME names a folder with include/)",
)
def test_the_onnxruntime_example_sends_what_the_model_says_and_gets_its_verdicts(
    session: ort.InferenceSession, tmp_path: Path, path: Path, listen: Callable[..., Listener]
) -> None:
    home = tmp_path / "ort"
    (home / "lib").mkdir(parents=True)
    (home / "include").symlink_to(next(each for each in ORT_HEADERS if each.exists()).parent)
    (shared,) = (Path(ort.__file__).parent / "capi").glob("libonnxruntime.so.*")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (home / "lib" / name).symlink_to(shared)
    library.make(tmp_path, "all", "examples", f"ORT={home}")
    listener = listen(judge=refuse_nan)
    with listener.pumping(), programs(tmp_path) as start:
        started = start(str(tmp_path / "onnxruntime"), str(MODEL), str(path), "m", "3")
        assert started.wait() == 0, started.text
    assert [f"part {n}: used" in started.text for n in (1, 2, 3)] == [True] * 3
    zeros = np.zeros((1, 1, 96, 96), np.uint8)
    record = listener.records[0]
    for n, expected in enumerate(session.run(None, {"image": zeros})):
        np.testing.assert_allclose(tensor(record, wire.OUTPUT, n), expected, rtol=1e-5, atol=1e-5)
    assert np.array_equal(tensor(record, wire.INPUT, 0), zeros)
