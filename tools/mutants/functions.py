"""Runs a module's tests on every change of its functions that mutmut knows.

python -m tools.mutants.functions NAME, in a scratch copy: the tests are collected once, on a text in which every mutant stands
beside its function; one process runs each of them to see which lines it runs and how long it takes; then each mutant
is switched on in a process of its own, with the tests that run its line: those first that noticed another of its
function's or of its file's mutants, then those whose names speak of it, and that noticed many for their time, until one fails. One line of JSON for each mutant.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import math
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tools.mutants import switch
from tools.mutants.changes import Change, mutants_of
from tools.mutants.children import NOTICED, UNNOTICED, Run, each_end, end, start
from tools.mutants.modules import BUDGET_S, MODULES
from tools.mutants.report import NOTICED as ALL_NOTICED
from tools.mutants.report import justified, reason_of
from tools.mutants.texts import options, serve

#: a test that takes so many times as long, and this, runs for ever: in the processor's time, and by the clock
FACTOR, LEAST_OWN_S, LEAST_CLOCK_S = 10.0, 1.0, 10.0
#: what running any test costs, roughly
QUICK_S = 0.005
#: of the whole of a module's tests, once
WHOLE_S = 600.0


class OneTest(NamedTuple):
    """One test on the text as it is. own_s: of the processor; clock_s: with what it waits."""

    number: int
    own_s: float
    clock_s: float


class Reach(NamedTuple):
    """Which tests reach what. of_line: path and line of the text; of_place: functions that they call; numbers of tests."""

    of_line: dict[tuple[str, int], list[int]]
    of_place: dict[str, list[int]]

    def of(self, mutant: Change) -> list[int]:
        """Those that run the line, or the last one before it in its function that any runs, or else the function."""
        for line in range(mutant.at, mutant.starts, -1):
            if found := self.of_line.get((mutant.path, line)):
                return found
        return self.of_place.get(mutant.place, [])


def within(tests: Sequence[OneTest], budget_s: float) -> list[OneTest]:
    """The first of them that take no longer together, at least one."""
    ends_s = list(itertools.accumulate(each.own_s for each in tests))
    return [each for each, ends in zip(tests, ends_s, strict=True) if ends <= budget_s] or list(tests[:1])


def words_of(text: str) -> frozenset[str]:
    """What a name or a line speaks of."""
    return frozenset(re.findall("[a-z]{4,}", text.lower()))


class Aboutness:
    """How much more a test's name says of a mutant's function and line than others' names do. nodes: the tests' ids."""

    def __init__(self, nodes: Sequence[str]) -> None:
        self._of_test = [words_of(node) for node in nodes]
        self._found = Counter(word for words in self._of_test for word in words)

    def of(self, mutant: Change, number: int) -> float:
        """1 where they share no word; each that they share counts the more, the fewer tests have it."""
        shared = words_of(f"{mutant.place} {mutant.line}") & self._of_test[number]
        return math.prod(len(self._of_test) / self._found[word] for word in shared)


class Warm:
    """A plugin of pytest: in place of one run of the collected tests, one for each mutant."""

    def __init__(self, mutants: Sequence[Change], processes: int, output: int) -> None:
        self._mutants, self._processes, self._output = mutants, processes, output
        self._justified = justified()
        self._failed: list[str] = []
        self._tells: int | None = None
        self._number = 0

    @pytest.hookimpl(tryfirst=True)  # a mutant may have closed what the others write to
    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._failed.append(f"{report.nodeid}\n{report.longreprtext}")
            if self._tells is not None:
                os.write(self._tells, str(self._number).encode())
                os._exit(NOTICED)

    def pytest_runtestloop(self, session: Any) -> bool | None:
        if session.testsfailed:
            return None  # pytest itself says what couldn't be collected
        gc.collect()
        gc.freeze()
        tests, reach = self._looked_at(session.items)
        noticed: Counter[tuple[str, int]] = Counter()
        aboutness = Aboutness([item.nodeid for item in session.items])

        def promise(mutant: Change, test: OneTest) -> tuple[int, int, float]:
            """The least one is tried first."""
            rate = (1 + noticed["", test.number]) / (QUICK_S + test.clock_s)
            of_place, of_file = noticed[mutant.place, test.number], noticed[mutant.path, test.number]
            return -of_place, -of_file, -rate * aboutness.of(mutant, test.number)

        def begin(mutant: Change) -> Run:
            reaching = [tests[number] for number in reach.of(mutant)]
            order = within(sorted(reaching, key=lambda each: promise(mutant, each)), BUDGET_S)
            limit_s = sum(LEAST_CLOCK_S + FACTOR * each.clock_s for each in order)
            return start(lambda tells: self._try(mutant, order, session.items, tells), limit_s)

        status = dict.fromkeys(self._mutants, "no tests")
        # what may live, and why, is known: it is counted as alive and not tried
        status |= dict.fromkeys((each for each in self._mutants if self._may_live(each)), "survived")
        called = [each for each in self._mutants if reach.of(each) and not self._may_live(each)]
        for mutant, ended in each_end(called, begin, self._processes):
            if ended.told:
                noticed.update((each, int(ended.told)) for each in (mutant.place, mutant.path, ""))
            status[mutant] = ended.status
            if ended.status not in ALL_NOTICED:
                print(f"{ended.status}: {mutant.place}: {mutant.line}", file=sys.stderr, flush=True)
        for mutant in self._mutants:
            told = {"place": mutant.place, "line": mutant.line, "status": status[mutant]}
            os.write(self._output, f"{json.dumps(told)}\n".encode())
        return True

    def _may_live(self, mutant: Change) -> bool:
        return bool(reason_of(mutant.place, mutant.line, self._justified))

    def _looked_at(self, items: Sequence[Any]) -> tuple[list[OneTest], Reach]:
        """What each test reaches, fixtures that others share included. Ends the run where one fails."""
        path = Path("tests.json").absolute()
        files = sorted({mutant.path for mutant in self._mutants})

        def work(tells: int) -> int:
            del tells
            import coverage  # noqa: PLC0415 - mutmut brings it, the tests of this module do without

            watch = coverage.Coverage(data_file=None, config_file=False, include=files)
            watch.start()
            tests = list(self._each(items, watch))
            watch.stop()
            lines = [
                (file, line, [int(each) for each in numbers if each])
                for file in files
                for line, numbers in watch.get_data().contexts_by_lineno(file).items()
            ]
            path.write_text(json.dumps([tests, lines, "".join(self._failed[:3])]))
            return UNNOTICED

        ended = end(start(work, WHOLE_S))
        tests, lines, failed = (
            json.loads(path.read_text()) if ended.status == "survived" else ([], [], ended.status)
        )
        if failed:
            pytest.exit(f"the tests fail on the text as it is: {failed}", returncode=1)
        of_place: dict[str, list[int]] = {}
        for number, (calls, *_) in enumerate(tests):
            for place in calls:
                of_place.setdefault(place, []).append(number)
        reach = Reach({(file, line): numbers for file, line, numbers in lines if numbers}, of_place)
        return [OneTest(number, *took) for number, (_, *took) in enumerate(tests)], reach

    def _each(self, items: Sequence[Any], watch: Any) -> Iterator[tuple[list[str], float, float]]:
        for number, item in enumerate(items):
            switch.called.clear()
            watch.switch_context(str(number))
            own_s, clock_s = time.process_time(), time.monotonic()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
            yield sorted(switch.called), time.process_time() - own_s, time.monotonic() - clock_s

    def _try(self, mutant: Change, order: Sequence[OneTest], items: Sequence[Any], tells: int) -> int:
        switch.switch_on(mutant.place, mutant.name)
        self._tells = tells
        following = [*order[1:], None]
        for test, after in zip(order, following, strict=True):
            self._number = test.number
            signal.setitimer(signal.ITIMER_PROF, LEAST_OWN_S + FACTOR * test.own_s)
            signal.setitimer(signal.ITIMER_REAL, LEAST_CLOCK_S + FACTOR * test.clock_s)
            items[test.number].ihook.pytest_runtest_protocol(
                item=items[test.number], nextitem=items[after.number] if after else None
            )
        return UNNOTICED


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", choices=MODULES)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--every", type=int, default=1, help="one of so many mutants only: to see how long it takes"
    )
    parsed = parser.parse_args()
    module = MODULES[parsed.module]
    texts, mutants = mutants_of(module)
    serve(texts)
    output = os.dup(1)
    os.dup2(2, 1)  # what pytest says is for people
    plugin = Warm(mutants[:: parsed.every], parsed.processes, output)
    code = pytest.main([*module.tests, "-s", *options()], plugins=[plugin])
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
