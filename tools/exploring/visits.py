"""Which cells of the interlock's table and of the alarms' table an exploration met, and why it met no others.

A cell is met when the program looks it up: the two look-ups are wrapped while a slice is explored. What a table says
"can't occur" of isn't expected to be met, and is a finding if it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from jidoka.alarms import alarm as alarms
from jidoka.alarms import table as alarm_table
from jidoka_bridge.guard import interlock

INTERLOCK, ALARM = "interlock", "alarm"
#: the two looked up in FALLBACK, outside of a proving run and in it, where the table tells them apart
PROVING = "FALLBACK, proving"


class Cell(NamedTuple):
    """One cell. state: its column; of an alarm `state, trip` where the table tells the trip class apart."""

    table: str
    event: str
    state: str

    def __str__(self) -> str:
        return f"{self.event} in {self.state}"


@dataclass
class Visits:
    """first: cell -> how many look-ups came before the first of it; recent: since they were last taken."""

    first: dict[Cell, int] = field(default_factory=dict)
    recent: set[Cell] = field(default_factory=set)
    count: int = 0

    def note(self, cell: Cell) -> None:
        self.count += 1
        self.recent.add(cell)
        self.first.setdefault(cell, self.count)

    def take(self) -> set[Cell]:
        """The cells that were met since the last call."""
        recent, self.recent = self.recent, set()
        return recent


@contextmanager
def counted() -> Iterator[Visits]:
    """Count while the program runs; nothing else changes."""
    visits = Visits()
    apply, names = interlock.Interlock.apply, vars(alarms)
    look_up = names["look_up"]

    def counting_apply(self: interlock.Interlock, event: str) -> interlock.Step:
        visits.note(interlock_cell(event, self.state.name, self.proving))
        return apply(self, event)

    def counting_look_up(
        position: alarm_table.Position, event: alarm_table.Event, is_trip: bool
    ) -> alarm_table.Step:
        visits.note(alarm_cell(event, position.state, is_trip))
        if alarm_table.TABLE[event][position.state].runs:
            visits.note(alarm_cell(event, position.below, is_trip))
        return look_up(position, event, is_trip)  # type: ignore[no-any-return]

    interlock.Interlock.apply = counting_apply  # type: ignore[method-assign]
    names["look_up"] = counting_look_up
    try:
        yield visits
    finally:
        interlock.Interlock.apply = apply  # type: ignore[method-assign]
        names["look_up"] = look_up


def interlock_cell(event: str, state: str, proving: bool) -> Cell:
    """The cell that is looked up in this state."""
    row = interlock.BY_EVENT.get(event)
    names = [each.name for each in interlock.STATES]
    is_split = row is not None and proving and "/" in row.cells[names.index(state)]
    return Cell(INTERLOCK, event, PROVING if is_split else state)


def alarm_cell(event: alarm_table.Event, state: alarm_table.State, is_trip: bool) -> Cell:
    """The cell that is looked up in this state; the trip class apart where it differs."""
    cell = alarm_table.TABLE[event][state]
    differs = cell.trip_to is not None or bool(cell.trip_refused)
    return Cell(ALARM, event.value, f"{state.value}, trip" if differs and is_trip else state.value)


def contents() -> Mapping[Cell, str]:
    """Every cell of both tables and what stands in it; `-`: it can't occur."""
    found: dict[Cell, str] = {}
    for row in interlock.BY_EVENT.values():
        for state, whole in zip(interlock.STATES, row.cells, strict=True):
            usual, _, proving = whole.partition("/")
            found[Cell(INTERLOCK, row.event, state.name)] = usual
            if proving:
                found[Cell(INTERLOCK, row.event, PROVING)] = proving
    for event, cells in alarm_table.TABLE.items():
        for place, cell in cells.items():
            found[alarm_cell(event, place, False)] = "-" if cell.no else _told(cell, False)
            found[alarm_cell(event, place, True)] = "-" if cell.no else _told(cell, True)
    return found


def _told(cell: alarm_table.Cell, is_trip: bool) -> str:
    if cell.refused or (is_trip and cell.trip_refused):
        return "refused"
    to = cell.trip_to if is_trip and cell.trip_to is not None else cell.to
    return "leaves" if cell.leaves is not None else to.value


@dataclass(frozen=True)
class Report:
    """Of one table. missed: cells that could occur and weren't met, with the reason; strange: met though they can't."""

    table: str
    cells: int
    possible: int
    visited: int
    missed: tuple[tuple[Cell, str], ...]
    strange: tuple[Cell, ...]

    @property
    def unexplained(self) -> list[Cell]:
        return [cell for cell, why in self.missed if not why]


def report(table: str, visited: Iterable[Cell], reasons: Mapping[tuple[str, str], str]) -> Report:
    """What was met of one table. reasons: (event, state or *) -> why a cell isn't met.

    An alarm is given every event in every state on purpose (K8), so there it is no finding that a cell was met.
    """
    all_cells = {cell: content for cell, content in contents().items() if cell.table == table}
    met = set(visited)
    possible = {cell for cell, content in all_cells.items() if content != "-"}
    missed = sorted(possible - met)
    return Report(
        table,
        len(all_cells),
        len(possible),
        len(possible & met),
        tuple((cell, _reason(cell, reasons)) for cell in missed),
        tuple(sorted((all_cells.keys() & met) - possible)) if table == INTERLOCK else (),
    )


def _reason(cell: Cell, reasons: Mapping[tuple[str, str], str]) -> str:
    for key in ((cell.event, cell.state), (cell.event, "*"), ("*", cell.state)):
        if key in reasons:
            return reasons[key]
    return ""
