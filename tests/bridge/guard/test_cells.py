"""Every cell of the interlock's table reached from outside: by what happens at the machine, not by calling the table.

What happens is done in each of the states; the event must come, from that state, with the outcome that the cell says.
What is out of reach is applied by itself, for it must be harmless all the same.
"""

from __future__ import annotations

import pytest
from jidoka_bridge.guard.interlock import IMPOSSIBLE, STATES, TABLE
from jidoka_bridge.registers import State

from tests.bridge.guard.cells import CELLS, HAPPENS, OUT_OF_REACH, at


def cell_of(event: str, place: str) -> str:
    row = next(row for row in TABLE if row.event == event)
    state = "FALLBACK" if place == "proving" else place
    usual, _, proving = row.cells[STATES.index(State[state])].partition("/")
    return proving if proving and place == "proving" else usual


def is_reachable(event: str, place: str) -> bool:
    places, _ = OUT_OF_REACH.get(event, ("", ""))
    return cell_of(event, place) != IMPOSSIBLE and place not in places.split()


def test_every_kind_of_event_has_something_that_brings_it_about() -> None:
    assert list(HAPPENS) == [row.event for row in TABLE]
    assert set(OUT_OF_REACH) <= set(HAPPENS)


@pytest.mark.parametrize(("event", "place"), [each for each in CELLS if is_reachable(*each)])
def test_what_happens_at_the_machine_hits_the_cell(event: str, place: str) -> None:
    happens, changes = HAPPENS[event]
    rig = at(place, **changes)
    rig = happens(rig, place) or rig
    rig.collect()
    cell = cell_of(event, place)
    if event == "restart":  # the new process begins in START-UP, or in LOCKOUT
        assert rig.events[0]["event"] == "restart"
        assert rig.events[0]["to"] == cell
        return
    came_from = "FALLBACK" if place == "proving" else place
    found = [each for each in rig.events if each["event"] == event and each["from"] == came_from]
    assert found, [(each["from"], each["event"], each["to"], each["reasons"]) for each in rig.events][-6:]
    expected = came_from if cell in (".", "noted", "R!") else "FALLBACK" if cell == "proving" else cell
    assert found[0]["to"] == expected
    assert found[0]["refused"] == (cell == "R!")
    assert found[0]["proving"] == (cell == "proving" or (place == "proving" and expected == "FALLBACK"))


@pytest.mark.parametrize(("event", "place"), [each for each in CELLS if not is_reachable(*each)])
def test_what_cant_happen_is_recorded_and_gives_nothing(event: str, place: str) -> None:
    rig = at(place)
    before, word = rig.guard.interlock.state, rig.guard.word
    step = rig.guard.event(rig.now, event)
    if cell_of(event, place) == IMPOSSIBLE:
        assert (step.state, rig.guard.word) == (before, word)
    rig.collect()
    assert rig.events[-1]["event"] == event
