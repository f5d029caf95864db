"""Every state and event of the alarm table: each cell beside the standard's table as it is printed."""

from __future__ import annotations

import pytest
from jidoka.alarms.table import (
    IS_ACTIVE,
    LIFE,
    MEANING,
    TABLE,
    UNACKNOWLEDGED,
    WITHHELD,
    Annunciation,
    Event,
    Position,
    State,
    step,
)

#: the standard's table as it is printed (INTERLOCK §3). A cell is next[/next of the trip class][:sign]; = stays;
#: R refused; r refused to the trip class; ~ the life underneath goes on; > leaves, see LEAVES; x can't occur
PRINTED = """
condition true                                     | B:S   | =     | =       | B:S   | B:S   | ~:log | ~:log | ~:log
condition false                                    | =     | D:f   | A/L:s   | =     | =     | ~:log | ~:log | ~:log
acknowledged with a reason, at the current revision | R    | C:s   | =       | A/L   | =     | R     | R     | R
acknowledged without a reason, at an old revision, or in bulk without a list | R | R | R | R | R | R | R | R
acknowledged from elsewhere                        | R     | C/B:s | =       | A/D   | =     | R     | R     | R
acknowledgement taken back by the same role        | =     | =     | B:f     | =     | D:f   | x     | x     | x
severity rises                                     | =     | B:S   | B:S     | B:S   | B:S   | >     | =:log | =:log
severity falls                                     | =     | =     | =       | =     | =     | =     | =     | =
unacknowledged too long, or active for a day       | x     | B:S   | B:S     | D:f   | L:f   | x     | x     | x
interlock reset accepted                           | =     | R     | R       | R     | A     | ~     | ~     | ~
shelved with a reason and an end                   | Er:log | Er:log | Er:log | Er:log | R   | R     | R     | R
shelved for too long, without a reason, by nobody entitled, or from elsewhere | R | R | R | R | R | R | R | R
unshelved by hand                                  | x     | x     | x       | x     | x     | >     | x     | x
shelf ends by time, or its clock jumped            | x     | x     | x       | x     | x     | >     | x     | x
a rule of the plan suppresses it                   | Fr:log | Fr:log | Fr:log | Fr:log | R   | =     | =     | =
the rule no longer holds                           | x     | x     | x       | x     | x     | x     | >     | x
taken out of service: maintenance, permit number, end | G:log | G:log | G:log | G:log | R  | G:log | G:log | =
back in service, or the end is over                | x     | x     | x       | x     | x     | x     | x     | >
no data                                            | =:log | =:log | =:log   | =:log | =:log | =:log | =:log | =:log
data back                                          | =:log | =:log | =:log   | =:log | =:log | =:log | =:log | =:log
chatter found                                      | =     | =:log | =:log   | =:log | =     | =     | =     | =
restored from a record that can't be read          | B:S   | B:S   | B:S     | B:S   | B:S   | B:S   | B:S   | B:S
"""
#: event → where it goes from what is underneath A, B, C, D, L
LEAVES = """
unshelved by hand                       | A   | C:s | C:s | A   | L
shelf ends by time, or its clock jumped | A   | B:S | B:S | D:f | L
the rule no longer holds                | A   | B:S | B:S | D:f | L
back in service, or the end is over     | A   | B:S | B:S | D:f | L
severity rises                          | A:log | B:S | B:S | B:S | B:S
"""


def rows(text: str) -> dict[Event, list[str]]:
    split = [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]
    return {Event(name): cells for name, *cells in split}


CELLS = [
    (event, state, cell)
    for event, cells in rows(PRINTED).items()
    for state, cell in zip(State, cells, strict=True)
]


@pytest.mark.parametrize(("event", "state", "cell"), CELLS)
@pytest.mark.parametrize("is_trip", [False, True])
def test_each_cell_is_as_printed(event: Event, state: State, cell: str, is_trip: bool) -> None:
    belows = LIFE if state in WITHHELD else (state,)
    for below in belows:
        told = step(Position(state, below), event, is_trip)
        where, _, sign = cell.partition(":")
        sign = sign or "-"
        if where in {"R", "x"} or ("r" in where and is_trip):
            assert (told.state, told.below, told.sign) == (state, below, Annunciation.NOTHING)
            assert bool(told.refused) == (where != "x")
        elif where == ">":
            to, _, loud = rows(LEAVES)[event][LIFE.index(below)].partition(":")
            assert (told.state, told.below) == (State(to), State(to))
            assert told.sign.value == (loud or "-")
        elif where == "~":
            under = step(Position(below, below), event, is_trip)
            assert (told.state, told.below, told.sign.value) == (state, under.state, sign)
            assert told.counts == under.counts
        else:
            to, _, trip_to = where.rstrip("r").partition("/")
            named = trip_to if is_trip and trip_to else to
            wanted = state if named == "=" else State(named)
            assert (told.state, told.sign.value) == (wanted, sign)
            assert told.below is (below if wanted in WITHHELD else wanted)
            assert told.counts == (event is Event.TRUE and state is State.RETURNED)
        assert bool(told.refused) == (where == "R" or ("r" in where and is_trip))


def test_the_table_is_complete_and_printed_in_full() -> None:
    assert len(State) == 8
    assert {(event, state) for event, state, _ in CELLS} == {(e, s) for e in Event for s in State}
    assert all(set(TABLE[event]) == set(State) for event in Event)
    assert set(MEANING) == set(State)
    assert {State("B"), State("D")} == UNACKNOWLEDGED
    assert {State("B"), State("C")} == IS_ACTIVE
    assert {State("E"), State("F"), State("G")} == WITHHELD
    assert {event for event in Event if any(cell.leaves for cell in TABLE[event].values())} == set(
        rows(LEAVES)
    )


def positions() -> list[Position]:
    return [Position(s, b) for s in State for b in (LIFE if s in WITHHELD else (s,))]


def test_a_refused_event_changes_nothing() -> None:
    for event in Event:
        for place in positions():
            for is_trip in (False, True):
                told = step(place, event, is_trip)
                assert not told.refused or (told.state, told.below) == place


def test_only_the_trip_class_is_ever_latched() -> None:
    for event in Event:
        for place in positions():
            if place.below is not State.LATCHED:
                assert step(place, event, is_trip=False).below is not State.LATCHED


def test_a_trip_alarm_is_never_shelved_nor_suppressed_while_it_holds_the_machine() -> None:
    for event in Event:
        for place in positions():
            if place.state not in {State.SHELVED, State.SUPPRESSED}:
                assert step(place, event, is_trip=True).state not in {State.SHELVED, State.SUPPRESSED}


def test_no_event_but_an_acknowledgement_or_a_look_silences_what_nobody_saw() -> None:
    """Out of B only into what says who, when or why; out of D only by an acknowledgement or a hand on the shelf."""
    looks = {Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE, Event.UNSHELVE}
    for event in set(Event) - looks:
        for place in positions():
            if place.below in UNACKNOWLEDGED:
                assert step(place, event, is_trip=False).below in UNACKNOWLEDGED, (event, place)


def test_every_way_out_of_a_withheld_state_annunciates_what_is_active() -> None:
    for event, name in ((Event.SHELF_ENDS, "E"), (Event.SUPPRESS_ENDS, "F"), (Event.BACK, "G")):
        for below in IS_ACTIVE:
            told = step(Position(State(name), below), event, is_trip=False)
            assert (told.state, told.sign) == (State.ACTIVE, Annunciation.SOUND)


@pytest.mark.parametrize(("event", "state", "cell"), CELLS)
def test_a_cell_in_which_nothing_moves_names_its_own_state(event: Event, state: State, cell: str) -> None:
    data, (where, _, sign) = TABLE[event][state], cell.partition(":")
    assert data.no == (where == "x")
    assert data.runs == (where == "~")
    assert (data.leaves is not None) == (where == ">")
    assert bool(data.refused) == (where == "R")
    # no row but the two that shelve or suppress has a refusal of its own for the trip class
    own = {Event.SHELVE: "a trip alarm can't be shelved", Event.SUPPRESS: "its cause holds the machine"}
    assert data.trip_refused in {"", own.get(event)}
    assert bool(data.trip_refused) == ("r" in where or event is Event.SHELVE)
    if where in {"R", "x", "~", ">", "="}:
        assert (data.to, data.trip_to) == (state, None)
    assert data.sign.value == (sign if sign and where != ">" else "-")


def test_a_refusal_has_these_words() -> None:
    def told(event: Event, state: State) -> str:
        return TABLE[event][state].refused

    for event in (Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE):
        assert [told(event, state) for state in State] == [
            "there is nothing to acknowledge", "", "", "", "", "it is shelved", "it is suppressed by a rule of the plan",
            "it is out of service",
        ]  # fmt: skip
    assert {told(Event.ACKNOWLEDGE_WRONG, state) for state in State} == {"it isn't acknowledged by that"}
    assert {told(Event.SHELVE_WRONG, state) for state in State} == {"it isn't shelved by that"}
    latched = "it waits for the interlock's reset"
    assert [told(Event.SHELVE, state) for state in State][4:] == [
        latched, "it is shelved already: its end can't be put off", "it is suppressed by a rule of the plan",
        "it is out of service",
    ]  # fmt: skip
    assert [told(Event.RESET, state) for state in State][1:4] == [
        "not acknowledged",
        "still active",
        "not acknowledged",
    ]
    assert told(Event.SUPPRESS, State.LATCHED) == told(Event.OUT, State.LATCHED) == latched


@pytest.mark.parametrize("state", sorted(WITHHELD, key=lambda each: each.value))
def test_what_goes_on_underneath_counts_as_it_would_in_the_open(state: State) -> None:
    for below in LIFE:
        for is_trip in (False, True):
            told = step(Position(state, below), Event.TRUE, is_trip)
            assert (told.counts, told.below) == (
                below is State.RETURNED,
                step(Position(below, below), Event.TRUE, is_trip).state,
            )
            assert step(Position(state, below), Event.RESET, is_trip).counts is False
            for event in (Event.SHELF_ENDS, Event.SUPPRESS_ENDS, Event.BACK):
                assert step(Position(state, below), event, is_trip).counts is False
