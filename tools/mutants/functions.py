"""Runs a module's tests on every change of its functions that mutmut knows.

python -m tools.mutants.functions NAME, in a scratch copy: the tests are collected once, on a text in which every mutant stands
beside its function; one process runs each of them to see which functions it calls and how long it takes; then each mutant
is switched on in a process of its own, that runs the tests that call its function: those first that noticed another of its
mutants, then the quick ones, until one fails. One line of JSON for each mutant.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tools.mutants import switch
from tools.mutants.children import NOTICED, UNNOTICED, End, Run, each_end, end, start
from tools.mutants.modules import MODULES, Module, files_of
from tools.mutants.texts import options, serve

#: a test that takes longer than this runs for ever: in the process's own time, and by the clock
LEAST_OWN_S, LEAST_CLOCK_S, FACTOR = 2.0, 20.0, 20.0
#: of the whole of a module's tests, once
WHOLE_S = 600.0
TRAMPOLINE = "from mutmut.mutation.trampoline import"
GENERATED = "  # type: ignore # mutmut generated"


class Mutant(NamedTuple):
    """One change. place: module.Class.function; name: in the text; line: as mutated, for people."""

    place: str
    name: str
    line: str


class Test(NamedTuple):
    """What one test does on the text as it is."""

    number: int
    calls: frozenset[str]
    took_s: float


def function_of(module: str, name: str) -> str:
    """module.function or module.Class.method of a mutant's name in the text."""
    body = re.sub(r"__mutmut_\d+$", "", name)
    return f"{module}.{body[2:].replace('ǁ', '.')}"


def change_of(original: Sequence[str], mutant: Sequence[str]) -> str:
    """The first line that a mutant adds (or takes away), for people."""
    diff = [each for each in difflib.ndiff(original, mutant) if each[:2] in ("+ ", "- ")]
    added = [each[2:].strip() for each in diff if each[0] == "+"]
    return (added or [each[2:].strip() for each in diff] or ["?"])[0]


def mutated(path: Path) -> tuple[str, list[Mutant]]:
    """A file's text with all its mutants beside its functions, by mutmut."""
    from mutmut.mutation.file_mutation import mutate_file_contents  # noqa: PLC0415 - it reads its settings here

    module = ".".join(path.with_suffix("").parts)
    made = mutate_file_contents(str(path), path.read_text())
    lines = made.code.splitlines()

    def body(name: str) -> list[str]:
        span = made.line_span_by_function_name[name]
        plain = re.sub(r"__mutmut_.*$", "", name)
        short = plain.rpartition("ǁ")[2] if "ǁ" in plain else plain[2:]
        return [line.replace(name, short, 1) for line in lines[span.start - 1 : span.end]]

    found = [
        Mutant(
            function_of(module, name),
            name,
            change_of(body(re.sub(r"__mutmut_\d+$", "__mutmut_orig", name)), body(name)),
        )
        for name in made.mutant_names
    ]
    return made.code.replace(TRAMPOLINE, f"from {switch.__name__} import"), found


class Warm:
    """A plugin of pytest: in place of one run of the collected tests, one for each mutant."""

    def __init__(self, mutants: Sequence[Mutant], processes: int, output: int) -> None:
        self._mutants, self._processes, self._output = mutants, processes, output
        self._failed: list[str] = []
        self._tells: int | None = None
        self._number = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._failed.append(report.nodeid)
            if self._tells is not None:
                os.write(self._tells, str(self._number).encode())
                os._exit(NOTICED)

    def pytest_runtestloop(self, session: Any) -> bool:
        if session.testsfailed:
            raise session.Failed("the tests can't be collected on the mutated text")
        gc.collect()
        gc.freeze()
        tests = self._tests(session.items)
        of_place: dict[str, list[Test]] = {}
        for test in tests:
            for place in test.calls:
                of_place.setdefault(place, []).append(test)
        noticed: Counter[tuple[str, int]] = Counter()

        def begin(mutant: Mutant) -> Run:
            order = sorted(
                of_place[mutant.place], key=lambda each: (-noticed[mutant.place, each.number], each.took_s)
            )
            limit_s = sum(LEAST_CLOCK_S + FACTOR * each.took_s for each in order)
            return start(lambda tells: self._try(mutant, order, session.items, tells), limit_s)

        for mutant in self._mutants:
            if mutant.place not in of_place:
                self._tell(mutant, "no tests")
        called = [each for each in self._mutants if each.place in of_place]
        for mutant, ended in each_end(called, begin, self._processes):
            if ended.told:
                noticed[mutant.place, int(ended.told)] += 1
            self._tell(mutant, ended.status)
        return True

    def _tests(self, items: Sequence[Any]) -> list[Test]:
        """What each test calls, fixtures that others share included. Ends the run where one fails."""
        path = Path("tests.json").absolute()

        def work(tells: int) -> int:
            del tells
            path.write_text(json.dumps(list(self._looked_at(items))))
            return UNNOTICED

        ended: End = end(start(work, WHOLE_S))
        found = json.loads(path.read_text()) if ended.status == "survived" else {"failed": [ended.status]}
        failed = (
            [each["failed"] for each in found if each["failed"]]
            if isinstance(found, list)
            else [found["failed"]]
        )
        if failed:
            sys.exit(f"the tests fail on the text as it is: {failed}")
        return [Test(number, frozenset(each["calls"]), each["took_s"]) for number, each in enumerate(found)]

    def _looked_at(self, items: Sequence[Any]) -> Iterator[dict[str, Any]]:
        for item in items:
            switch.called.clear()
            began_s = time.monotonic()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
            yield {
                "calls": sorted(switch.called),
                "took_s": time.monotonic() - began_s,
                "failed": self._failed[:3],
            }

    def _try(self, mutant: Mutant, order: Sequence[Test], items: Sequence[Any], tells: int) -> int:
        switch.switch_on(mutant.place, mutant.name)
        self._tells = tells
        following = [*order[1:], None]
        for test, after in zip(order, following, strict=True):
            self._number = test.number
            signal.setitimer(signal.ITIMER_PROF, LEAST_OWN_S + FACTOR * test.took_s)
            signal.setitimer(signal.ITIMER_REAL, LEAST_CLOCK_S + FACTOR * test.took_s)
            items[test.number].ihook.pytest_runtest_protocol(
                item=items[test.number], nextitem=items[after.number] if after else None
            )
        return UNNOTICED

    def _tell(self, mutant: Mutant, status: str) -> None:
        told = {"place": mutant.place, "line": mutant.line, "status": status}
        os.write(self._output, f"{json.dumps(told)}\n".encode())


def mutants_of(module: Module) -> tuple[dict[str, str], list[Mutant]]:
    """({name of a module: its text with the mutants}, all mutants)."""
    texts: dict[str, str] = {}
    mutants: list[Mutant] = []
    for path in files_of(module):
        text, found = mutated(path)
        texts[".".join(path.with_suffix("").parts).removesuffix(".__init__")] = text
        mutants += found
    return texts, mutants


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
    import pytest  # noqa: PLC0415 - before the texts are changed

    texts, mutants = mutants_of(module)
    serve(texts)
    output = os.dup(1)
    os.dup2(2, 1)  # what pytest says is for people
    plugin = Warm(mutants[:: parsed.every], parsed.processes, output)
    code = pytest.main([*module.tests, "-s", *options()], plugins=[plugin])
    return 0 if code in (0, 5) else 1


if __name__ == "__main__":
    sys.exit(main())
