"""The exploration's view of the two tables: which cells were met, and faults that the tables make themselves."""

from __future__ import annotations

import pytest
from jidoka.alarms.table import TABLE

from tools.exploring import alarm_slices, reasons, runs, slices, visits
from tools.exploring.flipping import Looked, look_in
from tools.exploring.flips import all_flips
from tools.exploring.search import replay
from tools.exploring.seeding import seeded
from tools.exploring.visits import ALARM, INTERLOCK, Cell


def test_cells_that_the_program_looks_up_are_counted_and_the_program_is_itself_again_afterwards() -> None:
    result = runs.explored(slices.BY_NAME["holds alone"])
    assert Cell(INTERLOCK, "local hold", "RUN") in result.visited
    assert Cell(INTERLOCK, "remote hold", "RUN") not in result.visited
    with visits.counted() as none:
        pass
    runs.explored(slices.BY_NAME["holds alone"])
    assert not none.first


def test_what_is_not_met_is_told_with_its_reason_and_what_cannot_occur_is_not_expected() -> None:
    why = {("remote hold", "*"): "nobody is elsewhere"}
    report = visits.report(INTERLOCK, [Cell(INTERLOCK, "local hold", "RUN")], why)
    assert report.visited == 1
    assert report.possible < report.cells
    missed = dict(report.missed)
    assert missed[Cell(INTERLOCK, "remote hold", "RUN")] == "nobody is elsewhere"
    assert Cell(INTERLOCK, "local hold", "HOLD") in report.unexplained
    assert Cell(INTERLOCK, "self-test failed", "RUN") not in missed


def test_a_cell_that_is_met_though_the_table_says_that_it_cannot_occur_is_a_finding() -> None:
    cell = Cell(INTERLOCK, "self-test failed", "RUN")
    assert visits.report(INTERLOCK, [cell], {}).strange == (cell,)


def test_what_must_change_nothing_is_what_the_alarms_table_says_that_it_cannot_occur() -> None:
    cannot = {(event, state) for event, states in alarm_slices.CANNOT.items() for state in states}
    assert cannot == {
        (event, state) for event, row in TABLE.items() for state, cell in row.items() if cell.no
    }


def test_every_reason_names_a_row_of_its_table() -> None:
    for table, given in (
        (INTERLOCK, reasons.INTERLOCK),
        (INTERLOCK, reasons.INTERLOCK_FLIPS),
        (ALARM, reasons.ALARM),
        (ALARM, reasons.ALARM_FLIPS),
    ):
        rows = {cell.event for cell in visits.contents() if cell.table == table}
        assert {event for event, _ in given} <= rows | {"*"}


def test_each_row_of_both_tables_has_a_flipped_cell_and_all_are_taken_out_again() -> None:
    before = visits.contents()
    flips = all_flips()
    for flip in flips:
        with seeded(flip.seed):
            assert visits.contents() != before or flip.cell.table == ALARM, flip.text
    assert visits.contents() == before
    rows = {(flip.cell.table, flip.cell.event) for flip in flips}
    assert rows == {(cell.table, cell.event) for cell in before}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("interlock: local hold in RUN is '.' instead of 'HOLD'", "holds alone"),
        ("interlock: acknowledge in HOLD is 'RUN' instead of '.'", "holds alone"),
        ("alarm: condition false in B is 'A' instead of 'D'", "alarm: an alarm"),
        ("alarm: unshelved by hand in B is 'A' instead of '-'", "alarm: an alarm"),
    ],
)
def test_a_flipped_cell_is_found_on_a_way_that_breaks_from_the_beginning(text: str, name: str) -> None:
    looked = next(Looked(flip) for flip in all_flips() if flip.text == text)
    a_slice = slices.BY_NAME[name]
    look_in(a_slice, [looked])
    assert looked.found is not None
    with seeded(looked.flip.seed):
        assert replay(a_slice.make(), looked.found, lambda *_: None) == looked.found.text
    assert replay(a_slice.make(), looked.found, lambda *_: None) != looked.found.text
