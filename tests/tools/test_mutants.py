"""The mutation run's own parts: what is changed outside functions, and when a run is good enough."""

from __future__ import annotations

import ast
import os
import signal
from collections.abc import Callable
from pathlib import Path

import jidoka
import jidoka_bridge
import pytest

from tools.mutants import report, switch
from tools.mutants.changes import Change, change_of, changed_at, function_of
from tools.mutants.children import BROKEN, NOTICED, UNNOTICED, each_end, end, start
from tools.mutants.functions import Aboutness, OneTest, Reach, within
from tools.mutants.modules import MODULES, Module
from tools.mutants.report import Mutant
from tools.mutants.tables import changed, edits, line_of

TEXT = '''
import enum
NAME = "text"
LIMIT_MS = 20
"""not a value"""


class Kind(enum.Enum):
    ONE = "1"
    TWO = "2"


class Cell:
    to: Kind = Kind.ONE
    is_on: bool = False


def _made(n):
    return n * 2


def other(n):
    return n * 3


FOUR = _made(2)
TABLE = {Kind.ONE: (FOUR, 5), Kind.TWO: ()}
ROWS = (
    _row("stop", "RUN  noted/HOLD", "none", "Stopped."),
)
'''


def lines(place: str) -> list[str]:
    return [line_of(TEXT, edit) for edit in edits(TEXT, "m") if edit.place == f"m.{place}"]


def test_numbers_truths_entries_and_names_of_one_kind_are_changed_outside_functions() -> None:
    assert lines("LIMIT_MS") == ["LIMIT_MS = 19", "LIMIT_MS = 21"]
    assert lines("Cell.is_on") == ["is_on: bool = True"]
    assert lines("NAME") == [], "texts are for people"
    assert set(lines("TABLE")) == {
        "TABLE = {**{}, Kind.TWO: ()}",
        "TABLE = {Kind.TWO: (FOUR, 5), Kind.TWO: ()}",
        "TABLE = {Kind.ONE: (*(), 5), Kind.TWO: ()}",
        "TABLE = {Kind.ONE: (FOUR, *()), Kind.TWO: ()}",
        "TABLE = {Kind.ONE: (FOUR, 4), Kind.TWO: ()}",
        "TABLE = {Kind.ONE: (FOUR, 6), Kind.TWO: ()}",
        "TABLE = {Kind.ONE: (FOUR, 5), **{}}",
        "TABLE = {Kind.ONE: (FOUR, 5), Kind.ONE: ()}",
    }


def test_a_function_that_runs_at_import_is_changed_and_another_is_left_to_mutmut() -> None:
    assert lines("_made") == ["return n // 2", "return n * 1", "return n * 3"]
    assert lines("other") == []


def test_each_cell_of_a_row_of_the_interlock_is_changed_part_by_part() -> None:
    found = lines("ROWS")
    for cells in ("HOLD noted/HOLD", "RUN RUN/HOLD", "RUN noted/RUN"):
        assert f'_row("stop", "{cells}", "none", "Stopped."),' in found
    assert '_row("stop", "RUN noted/HOLD", "internal", "Stopped."),' in [
        line.replace("  ", " ") for line in found
    ]


def test_every_change_of_every_module_is_a_program_and_another_one() -> None:
    packages = {
        "jidoka": Path(next(iter(jidoka.__path__))).parent,
        "jidoka_bridge": Path(next(iter(jidoka_bridge.__path__))).parent,
    }
    for module in MODULES.values():
        for source in module.sources:
            path = packages[source.partition("/")[0]] / source
            for file in [path] if path.suffix else path.glob("*.py"):
                text = file.read_text()
                for edit in edits(text, "m")[::97]:
                    assert ast.dump(ast.parse(changed(text, edit))) != ast.dump(ast.parse(text)), edit


def test_a_run_is_good_enough_only_with_the_share_and_a_reason_for_each_survivor() -> None:
    module = Module(("s.py",), ("t.py",))
    killed = [Mutant("m.f", "", "killed")] * 19
    alive = Mutant("m.g", "x = 1", "survived")
    reasons = [{"function": "m.g", "change": "x = 1", "why": "nobody reads it"}]
    assert not report.is_enough([], module)
    assert not report.is_enough([*killed, alive], module), "nobody said why"
    assert report.is_enough(report.judged([*killed, alive], reasons), module)
    assert not report.is_enough(report.judged([*killed[1:], alive], reasons), module), "less than 95 %"
    assert not report.is_enough(report.judged([*killed, alive._replace(change="x = 2")], reasons), module)


def test_what_mutmut_cant_switch_on_counts_for_nothing(tmp_path: Path) -> None:
    reasons = [{"function": "m.made", "change": "*", "why": "runs at import"}]
    found = report.judged([Mutant("m.made", "x", "survived"), Mutant("m.f", "", "killed")], reasons)
    assert (report.shares(found), report.living(found)) == ((1, 1), [])
    page = report.page("name", Module(("s.py",), ("t.py",)), found, [], 60.0)
    assert "1 of 1 mutants are noticed (100.0%; at least 95% is asked for), 0 live" in page
    (tmp_path / "name.md").write_text(page)
    assert "| [name](name.md) | 1 | 1 | 100.0% | 0 | 1.0 |" in report.index(tmp_path)
    unjustified = [*found, Mutant("m.g", "x = 1 | 2", "survived")]
    (tmp_path / "other.md").write_text(report.page("other", Module((), ()), unjustified, [], 6.0))
    assert "| [other](other.md) | 2 | 1 | 50.0% | 1, **1 without** | 0.1 |" in report.index(tmp_path)
    assert "x = 1 \\| 2" in (tmp_path / "other.md").read_text()


# ---------------------------------------------------------------- mutants of functions, each in a process of its own


def test_a_mutants_name_and_its_line_are_told_as_people_write_them() -> None:
    assert function_of("p.m", "x_made__mutmut_12") == "p.m.made"
    assert function_of("p.m", "xǁKindǁ__init____mutmut_1") == "p.m.Kind.__init__"
    assert (
        change_of(["def f():", "    a = 1", "    b = 2"], ["def f():", "    a = 1", "    b = 3"]) == "b = 3"
    )
    assert change_of(["def f():", "    a = 1", "    b = 2"], ["def f():", "    a = 1"]) == "b = 2"


def test_a_mutant_is_tried_by_the_tests_that_run_its_line_or_else_the_one_before_or_its_function() -> None:
    assert [changed_at(["a", "b"], each) for each in (["c", "b"], ["a", "c"], ["a"])] == [0, 1, 1]
    reach = Reach({("f", 5): [1, 2], ("f", 9): [3]}, {"m.f": [4]})
    for at, numbers in ((9, [3]), (8, [1, 2]), (5, [1, 2]), (4, [4])):
        assert reach.of(Change("m.f", "x_f__mutmut_1", "", "f", 3, at)) == numbers
    assert reach.of(Change("m.g", "x_g__mutmut_1", "", "g", 3, 4)) == []


def test_a_mutant_is_tried_with_the_first_tests_that_keep_within_the_time() -> None:
    tests = [OneTest(number, own_s, 9.0) for number, own_s in enumerate((2.0, 3.0, 1.0))]
    assert [each.number for each in within(tests, 5.0)] == [0, 1]
    assert [each.number for each in within(tests, 1.0)] == [0], "one is tried always"
    assert within([], 1.0) == []


def test_a_test_whose_name_speaks_of_the_mutant_comes_before_others_and_rare_words_say_more() -> None:
    aboutness = Aboutness(
        ["test_guard.py::test_a_stuck_button", "test_guard.py::test_a_late_guard", "test_x.py"]
    )
    mutant = Change("guard.button.watch_button", "", 'fact(guard, "stuck", on)', "f", 3, 4)
    assert [aboutness.of(mutant, number) for number in range(3)] == [3 / 2 * 3 * 3, 3 / 2, 1.0]


class _Mutated:
    """As mutmut writes it."""

    mutants: switch.MutantDict = {}  # noqa: RUF012

    @switch.wrap_in_trampoline(mutants)
    def twice(self, number: int) -> int:
        """Says so."""
        raise AssertionError(number)

    def x_twice_orig(self, number: int) -> int:
        return number * 2

    def x_twice_1(self, number: int) -> int:
        return number * 3


def test_a_mutant_is_called_once_it_is_switched_on_and_who_is_called_is_known() -> None:
    place = f"{__name__}._Mutated.twice"
    _Mutated.mutants |= {switch.ORIGINAL: _Mutated.x_twice_orig, "x_twice_1": _Mutated.x_twice_1}
    switch.called.clear()
    assert (_Mutated().twice(2), switch.called, _Mutated.twice.__doc__) == (4, {place}, "Says so.")
    switch.switch_on(place, "x_twice_1")
    assert _Mutated().twice(2) == 6


def _fails(tells: int) -> int:
    raise ValueError(tells)


def _notices(tells: int) -> int:
    os.write(tells, b"7")
    return NOTICED


def _waits(tells: int) -> int:
    while tells:
        signal.pause()
    return UNNOTICED


@pytest.mark.parametrize(
    ("work", "limit_s", "status", "told"),
    [
        (lambda _: UNNOTICED, 60.0, "survived", b""),
        (_notices, 60.0, "killed", b"7"),
        (_fails, 60.0, "broken", b""),
        (lambda _: BROKEN, 60.0, "broken", b""),
        (lambda _: os.kill(os.getpid(), signal.SIGPROF), 60.0, "timeout", b""),
        (_waits, 0.2, "timeout", b""),
    ],
)
def test_a_process_tells_how_it_ended(
    work: Callable[[int], int], limit_s: float, status: str, told: bytes
) -> None:
    run = start(work, limit_s)
    assert end(run) == (status, told)
    assert not Path(run.folder).exists()


def test_all_are_tried_some_at_once() -> None:
    ends = dict(each_end([3, 4, 5], lambda job: start(lambda _: int(job == 4), 60.0), processes=2))
    assert {job: ended.status for job, ended in ends.items()} == {3: "survived", 4: "killed", 5: "survived"}
