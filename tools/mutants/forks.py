"""Runs a module's tests on every change of its tables, each in a process of its own that imports the changed text.

python -m tools.mutants.forks NAME, in a scratch copy: what the tests need is imported once, the packages of the project in each
child only, behind a finder that gives the changed text for one module. One line of JSON for each change.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

from tools.mutants.modules import MODULES, OPTIONS, Module
from tools.mutants.tables import Edit, changed, edits, line_of

#: a change that makes a test run for ever is noticed as well
LEAST_LIMIT_S = 30.0
LIMIT_FACTOR = 10.0
#: pytest: all passed; none was selected
PASSED = (0, 5)


class Change(NamedTuple):
    """One change of one file."""

    name: str
    path: Path
    edit: Edit


class _ChangedText(importlib.machinery.SourceFileLoader):
    """Gives a module another text than the one of its file."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.get_filename(fullname), "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module only."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._path, self._text = name, path, text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != self._name:
            return None
        loader = _ChangedText(self._name, str(self._path), self._text)
        return importlib.util.spec_from_file_location(self._name, self._path, loader=loader)


def files_of(module: Module) -> list[Path]:
    """The sources, folders spread out."""
    found: list[Path] = []
    for each in map(Path, module.sources):
        found += sorted(each.rglob("*.py")) if each.is_dir() else [each]
    return found


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


def _child(change: Change, tests: Sequence[str]) -> None:
    """Ends with 1 as soon as a test fails. Nothing of the project has been imported before."""
    import pytest  # noqa: PLC0415

    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    text = changed(change.path.read_text(), change.edit)
    sys.meta_path.insert(0, _Finder(change.name, change.path, text))
    for test in tests:
        if pytest.main([test, "-x", "-q", *OPTIONS]) not in PASSED:
            os._exit(1)
    os._exit(0)


class Run(NamedTuple):
    """A child at work. ends: a descriptor that is readable when it has ended."""

    pid: int
    ends: int
    began_s: float


def start(change: Change, tests: Sequence[str]) -> Run:
    """A child for one change."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.setpgid(0, 0)
            _child(change, tests)
        os._exit(1)
    return Run(pid, os.pidfd_open(pid), time.monotonic())


def result(run: Run, limit_s: float) -> str:
    """Waits for a child: `killed`, `survived` or `timeout`."""
    left_s = max(0.0, run.began_s + limit_s - time.monotonic())
    is_over = not select.select([run.ends], [], [], left_s)[0]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, 9)  # what a test started too
    os.close(run.ends)
    status = os.waitstatus_to_exitcode(os.waitpid(run.pid, 0)[1])
    return "timeout" if is_over else "killed" if status else "survived"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", choices=MODULES)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    module = MODULES[options.module]
    import hypothesis.strategies  # noqa: F401, PLC0415 - once for all children
    import pytest  # noqa: F401, PLC0415

    began_s = time.monotonic()
    whole = subprocess.run(
        [sys.executable, "-m", "pytest", *tests_of(module, ""), "-x", "-q", *OPTIONS], capture_output=True, text=True, check=False
    )  # fmt: skip
    if whole.returncode:
        print(f"the tests fail on the text as it is:\n{whole.stdout}", file=sys.stderr)
        return 1
    limit_s = max(LEAST_LIMIT_S, LIMIT_FACTOR * (time.monotonic() - began_s))
    waiting = list(reversed(changes_of(module)))
    running: list[tuple[Change, Run]] = []
    while waiting or running:
        while waiting and len(running) < options.processes:
            change = waiting.pop()
            running.append((change, start(change, tests_of(module, change.path.stem))))
        ready = select.select([run.ends for _, run in running], [], [], 1.0)[0]
        for each in list(running):
            change, run = each
            if run.ends in ready or time.monotonic() > run.began_s + limit_s:
                running.remove(each)
                told = {"place": change.edit.place, "line": line_of(change.path.read_text(), change.edit)}
                print(json.dumps({**told, "status": result(run, limit_s)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
