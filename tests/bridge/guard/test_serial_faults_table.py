"""The table of injected faults is whole, and what it says of the sources holds."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.bridge.link.serial_faults import TESTS

ROOT = Path(__file__).resolve().parents[3]


def test_each_of_the_19_faults_has_tests_that_exist() -> None:
    assert sorted(TESTS) == list(range(1, 20))
    for names in TESTS.values():
        for name in names:
            path, _, test = name.partition("::")
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_18_nothing_in_the_link_reads_a_clock() -> None:
    """Time comes as an argument; the process that gives it takes CLOCK_MONOTONIC, which nobody can set."""
    folder = ROOT / "firmware_bridge" / "jidoka_bridge"
    for path in (*(folder / "link").glob("*.py"), folder / "guard" / "line.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
        }
        assert not imported & {"time", "datetime"}, path.name
    assert "time.monotonic_ns()" in (folder / "guard" / "outside.py").read_text(encoding="utf-8")
