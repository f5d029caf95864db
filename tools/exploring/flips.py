"""Faults in the two tables, made by the tables themselves: in each cell what would be dangerous stands instead.

Of the interlock: where nothing may be permitted the cell gives the machine its permissive, or doesn't go where it should; where
something is permitted the cell doesn't take it away. A cell in RUN or ADVISE that changes nothing has no dangerous
content: whatever else stood there could only take away. Of the alarms: the alarm becomes normal by itself, or hides,
and what is refused is granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jidoka.alarms import table as alarm_table
from jidoka_bridge.guard import interlock
from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.registers import State

from tools.exploring.seeding import Seed, Undo, item, place
from tools.exploring.visits import ALARM, INTERLOCK, PROVING, Cell

KEPT = (interlock.UNCHANGED, interlock.NOTED, interlock.IMPOSSIBLE, interlock.REFUSED)


@dataclass(frozen=True)
class Flip:
    """One cell with another content."""

    cell: Cell
    was: str
    content: str
    seed: Seed

    @property
    def text(self) -> str:
        return f"{self.cell.table}: {self.cell} is {self.content!r} instead of {self.was!r}"


def all_flips() -> list[Flip]:
    """Of both tables, cell by cell."""
    return [*_of_interlock(), *_of_alarms()]


def _of_interlock() -> Iterator[Flip]:
    for row in interlock.TABLE:
        for state, whole in zip(interlock.STATES, row.cells, strict=True):
            usual, _, proving = whole.partition("/")
            for content in _dangerous(state, usual):
                cell = Cell(INTERLOCK, row.event, state.name)
                changed = f"{content}/{proving}" if proving else content
                yield Flip(cell, usual, content, _seed(row.event, state, changed))
            for content in _dangerous(state, proving) if proving else ():
                cell = Cell(INTERLOCK, row.event, PROVING)
                yield Flip(cell, proving, content, _seed(row.event, state, f"{usual}/{content}"))


def _dangerous(state: State, content: str) -> tuple[str, ...]:
    """What must not stand in a cell of this state, beside what does: what gives more, or takes nothing away."""
    full = RANK[interlock.WORDS[State.RUN]]
    here = RANK[interlock.WORDS[state]]
    more = (State.RUN.name,) if here < full and content != State.RUN.name else ()
    if content in KEPT or content == state.name or state is State.LOCKOUT:
        return more
    to = State.FALLBACK if content == interlock.PROVING else State[content]
    takes = RANK[interlock.WORDS[to]] < here or (here == 0 and RANK[interlock.WORDS[to]] == 0)
    return (*more, interlock.UNCHANGED) if takes else more


def _seed(event: str, state: State, content: str) -> Seed:
    def changed(row: interlock.Row) -> interlock.Row:
        cells = list(row.cells)
        cells[interlock.STATES.index(state)] = content
        return row._replace(cells=tuple(cells))

    return item("guard.interlock:BY_EVENT", event, changed)


def _of_alarms() -> Iterator[Flip]:
    normal, suppressed, shelved = (
        alarm_table.State.NORMAL,
        alarm_table.State.SUPPRESSED,
        alarm_table.State.SHELVED,
    )
    for event, cells in alarm_table.TABLE.items():
        for state, cell in cells.items():
            is_hiding = state is normal or (cell.to is normal and not cell.refused)
            hidden = shelved if cell.to is suppressed else suppressed
            to = hidden if is_hiding else normal
            flipped = alarm_table.Cell(to)
            yield Flip(
                Cell(ALARM, event.value, state.value),
                _told(cell),
                to.value,
                _alarm_seed(event, state, flipped),
            )


def _told(cell: alarm_table.Cell) -> str:
    if cell.no:
        return interlock.IMPOSSIBLE
    return "refused" if cell.refused else "leaves" if cell.leaves is not None else cell.to.value


def _alarm_seed(event: alarm_table.Event, state: alarm_table.State, cell: alarm_table.Cell) -> Seed:
    def seed() -> Undo:
        cells = place("jidoka.alarms.table:TABLE")[2][event]
        before, cells[state] = cells[state], cell

        def undo() -> None:
            cells[state] = before

        return undo

    return seed
