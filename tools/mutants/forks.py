"""Runs a module's tests on every change of its tables, each in a process of its own that imports the changed text.

python -m tools.mutants.forks NAME, in a scratch copy: what the tests need of others is imported once, the packages of the
project in each child only, behind a finder that gives the changed text for one module. One line of JSON for each change.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tools.mutants.children import NOTICED, UNNOTICED, Run, each_end, end, start
from tools.mutants.modules import MODULES, Module, files_of
from tools.mutants.report import NOTICED as ALL_NOTICED
from tools.mutants.report import justified, reason_of
from tools.mutants.tables import Edit, changed, edits, line_of
from tools.mutants.texts import options, serve

#: a test file that takes so many times as long, and this, of the processor runs for ever, which is noticed as well; and
#: whoever waits for ever, by the clock
FACTOR, LEAST_OWN_S = 5.0, 1.0
LEAST_LIMIT_S, LIMIT_FACTOR = 30.0, 5.0
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


def _passes(test: str) -> bool:
    """Stops as soon as one fails. Nothing of the project has been imported before."""
    return pytest.main([test, "-x", *options()]) in PASSED


def _begin(module: Module, change: Change, own_s: Mapping[str, float], limit_s: float) -> Run:
    text = changed(change.path.read_text(), change.edit)

    def work(tells: int) -> int:
        del tells
        serve({change.name.removesuffix(".__init__"): text})
        for test in tests_of(module, change.path.stem):
            signal.setitimer(signal.ITIMER_PROF, LEAST_OWN_S + FACTOR * own_s[test])
            with contextlib.suppress(BaseException):
                if _passes(test):
                    continue
            return NOTICED  # or the text can't even be imported
        return UNNOTICED

    return start(work, limit_s)


def _whole(module: Module) -> tuple[list[str], dict[str, float]]:
    """Runs the tests once on the text as it is: what they import that isn't of the project, and the processor's time of each
    file. Exits where one fails."""
    path = Path("whole.json").absolute()

    def work(tells: int) -> int:
        del tells
        own_s: dict[str, float] = {}
        for test in tests_of(module, ""):
            began_s = time.process_time()
            if not _passes(test):
                return NOTICED
            own_s[test] = time.process_time() - began_s
        path.write_text(
            json.dumps([[each for each in sys.modules if each.partition(".")[0] not in PROJECT], own_s])
        )
        return UNNOTICED

    ended = end(start(work, WHOLE_S))
    if ended.status != "survived":
        sys.exit(f"the tests fail on the text as it is: {ended.status}")
    names, own_s = json.loads(path.read_text())
    return names, own_s


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", choices=MODULES)
    parser.add_argument("--processes", type=int, default=2)
    parsed = parser.parse_args()
    module = MODULES[parsed.module]
    began_s = time.monotonic()
    names, own_s = _whole(module)
    limit_s = max(LEAST_LIMIT_S, LIMIT_FACTOR * (time.monotonic() - began_s))
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    changes = changes_of(module)
    lines = {change: line_of(change.path.read_text(), change.edit) for change in changes}
    reasons = justified()
    # what may live, and why, is known: it is counted as alive and not tried
    tried = [each for each in changes if not reason_of(each.edit.place, lines[each], reasons)]
    status = dict.fromkeys(changes, "survived")
    ends = each_end(tried, lambda change: _begin(module, change, own_s, limit_s), parsed.processes)
    for change, ended in ends:
        status[change] = ended.status
        if ended.status not in ALL_NOTICED:
            print(f"{ended.status}: {change.edit.place}: {lines[change]}", file=sys.stderr, flush=True)
    for change in changes:
        print(json.dumps({"place": change.edit.place, "line": lines[change], "status": status[change]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
