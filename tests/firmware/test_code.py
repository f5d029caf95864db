"""The firmware's code itself: what it takes of a small controller, what checkers say, and that these can find a fault."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.firmware.builds import BUILD, FIRMWARE, make, need

ROOT = FIRMWARE.parents[1]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_flash_ram_and_stack_are_within_their_limits() -> None:
    need("arm-none-eabi-gcc")
    shown = make("size")
    assert shown.count("holds") == 3
    assert "longest chain: reset" in shown


def test_a_larger_stack_or_recursion_would_be_told(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT))
    from tools.firmware.size import call_graph, deepest

    (tmp_path / "a.ci").write_text(
        'node: { title: "reset" label: "reset\\nm.c:1:1\\n8 bytes (static)" }\n'
        'node: { title: "deep" label: "deep\\nm.c:2:1\\n300 bytes (static)" }\n'
        'edge: { sourcename: "reset" targetname: "deep" label: "m.c:3:1" }\n'
    )
    assert deepest(*call_graph(tmp_path), "reset") == (308, ("reset", "deep"))
    with (tmp_path / "a.ci").open("a") as file:
        file.write('edge: { sourcename: "deep" targetname: "deep" label: "m.c:4:1" }\n')
    with pytest.raises(SystemExit, match="recursion"):
        deepest(*call_graph(tmp_path), "reset")
    (tmp_path / "a.ci").write_text('node: { title: "f" label: "f\\nm.c:1:1\\n8 bytes (dynamic)" }\n')
    with pytest.raises(SystemExit, match="dynamic"):
        call_graph(tmp_path)


def test_the_core_keeps_misra_and_a_bad_file_would_be_flagged(tmp_path: Path) -> None:
    need("cppcheck")
    done = run(sys.executable, "tools/firmware/misra.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 of 7 violations flagged" in done.stdout
    (tmp_path / "worse.c").write_text(
        "int f(int a);\nint f(int a) { if (a) { goto out; }\nout:\n  return a; }\n"
    )
    done = run(sys.executable, "tools/firmware/misra.py", "--folder", str(tmp_path))
    assert done.returncode == 1
    assert "worse.c:2: MISRA C:2012 rule 15.1" in done.stdout


def test_every_line_and_branch_of_the_core_is_tested() -> None:
    need("gcc", "gcov")
    shown = make("coverage", f"PYTHON={sys.executable}")
    assert " 0 places not wholly covered" in shown


def test_the_core_keeps_its_own_memory_under_the_sanitizers() -> None:
    need("gcc")
    make("asan")
    runtime = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    done = run(
        sys.executable, "-m", "tests.firmware.agreement", "--scans", "3000",
        LD_PRELOAD=runtime, ASAN_OPTIONS="detect_leaks=0", JIDOKA_FIRMWARE_LIBRARY=str(BUILD / "asan" / "libjidoka_plc.so"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agree over" in done.stdout


def test_the_fuzzer_finds_nothing_in_the_core_and_a_rule_that_rises_twice_in_a_moment(tmp_path: Path) -> None:
    need("clang-14")
    make("fuzz", "RUNS=1500")
    broken = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, broken, ignore=shutil.ignore_patterns("build"))
    rule = broken / "core" / "rule.c"
    text = rule.read_text()
    wrong = text.replace(
        "if (jidoka_has(plc, F_RISE)) {\n            set_output",
        "if (jidoka_has(plc, F_ARMED)) {\n            set_output",
    )
    assert wrong != text
    rule.write_text(wrong)
    done = run("make", "-s", "-C", str(broken), "fuzz", "RUNS=200000")
    assert done.returncode != 0
    assert "deadly signal" in done.stdout + done.stderr
