"""Runs a module's tests on every change of its tables, each in a process of its own that imports the changed text.

python -m tools.mutants.forks NAME, in a scratch copy: what the tests need of others is imported once, the packages of the
project in each child only, behind a finder that gives the changed text for one module. One line of JSON for each change.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tools.mutants.children import NOTICED, UNNOTICED, Run, each_end, end, start
from tools.mutants.modules import MODULES, Module, files_of
from tools.mutants.tables import Edit, changed, edits, line_of
from tools.mutants.texts import options, serve

#: a change that makes a test run for ever is noticed as well
LEAST_LIMIT_S = 30.0
LIMIT_FACTOR = 10.0
#: of the whole of a module's tests, once
WHOLE_S = 600.0
#: pytest: all passed; none was selected
PASSED = (0, 5)
PROJECT = ("jidoka", "jidoka_bridge", "jidoka_tap", "tests", "tools")


class Change(NamedTuple):
    """One change of one file."""

    name: str
    path: Path
    edit: Edit


def changes_of(module: Module) -> list[Change]:
    """All of a module, in its files' order."""
    found = []
    for path in files_of(module):
        name = ".".join(path.with_suffix("").parts)
        found += [Change(name, path, edit) for edit in edits(path.read_text(), name)]
    return found


def tests_of(module: Module, stem: str) -> list[str]:
    """The test files, those about the changed file first."""
    found: list[Path] = []
    for each in map(Path, module.tests):
        found += sorted(each.rglob("test_*.py")) if each.is_dir() else [each]
    return [str(each) for each in sorted(found, key=lambda each: f"test_{stem}" not in each.stem)]


def _tests_pass(tests: Sequence[str]) -> bool:
    """Stops as soon as one fails. Nothing of the project has been imported before."""
    import pytest  # noqa: PLC0415

    return all(pytest.main([test, "-x", *options()]) in PASSED for test in tests)


def _begin(module: Module, change: Change, limit_s: float) -> Run:
    text = changed(change.path.read_text(), change.edit)

    def work(tells: int) -> int:
        del tells
        serve({change.name.removesuffix(".__init__"): text})
        with contextlib.suppress(BaseException):
            return UNNOTICED if _tests_pass(tests_of(module, change.path.stem)) else NOTICED
        return NOTICED  # the text can't even be imported

    return start(work, limit_s)


def _modules_of_others(module: Module) -> list[str]:
    """Runs the tests once on the text as it is: what was imported that isn't of the project. Exits where one fails."""
    path = Path("imported.json").absolute()

    def work(tells: int) -> int:
        del tells
        if not _tests_pass(tests_of(module, "")):
            return NOTICED
        path.write_text(json.dumps([each for each in sys.modules if each.partition(".")[0] not in PROJECT]))
        return UNNOTICED

    ended = end(start(work, WHOLE_S))
    if ended.status != "survived":
        sys.exit(f"the tests fail on the text as it is: {ended.status}")
    return list(json.loads(path.read_text()))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", choices=MODULES)
    parser.add_argument("--processes", type=int, default=2)
    parsed = parser.parse_args()
    module = MODULES[parsed.module]
    began_s = time.monotonic()
    names = _modules_of_others(module)
    limit_s = max(LEAST_LIMIT_S, LIMIT_FACTOR * (time.monotonic() - began_s))
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for change, ended in each_end(
        changes_of(module), lambda change: _begin(module, change, limit_s), parsed.processes
    ):
        line = line_of(change.path.read_text(), change.edit)
        told = {"place": change.edit.place, "line": line, "status": ended.status}
        os.write(1, f"{json.dumps(told)}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
