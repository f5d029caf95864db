"""The interlock's table written a second time, by hand from INTERLOCK §4 and the other way round: where each event leads.

Every other test of the table reads the table itself, so none of them could see a cell that says the wrong thing.
"""

from __future__ import annotations

import pytest
from jidoka_bridge.guard.interlock import BY_EVENT, STATES, TABLE, WORDS
from jidoka_bridge.registers import State, Word

#: S START-UP, R RUN, A ADVISE, F FALLBACK, P FALLBACK in a proving run, H HOLD, L LOCKOUT, O OVERRIDE
PLACES = "SRAFPHLO"
CELLS = {
    "S": "START_UP", "R": "RUN", "A": "ADVISE", "F": "FALLBACK", "P": "proving", "H": "HOLD", "L": "LOCKOUT",
    "O": "OVERRIDE", "=": ".", "n": "noted", "-": "-", "!": "R!",
}  # fmt: skip
#: kind of event | from:to, with = unchanged, n noted, - can't occur, ! refused; the last one is for all other places
#: | reason on the wire, where it isn't `none`
SPECIFIED = """
restart                     | L:L *:S            | restart
self-test passed            | *:=
self-test passed, held      | S:H *:=
self-test passed, key on    | S:O *:=
self-test failed            | S:L *:-            | self-test failed
arming time over            | S:n *:-            | start-up
planned stop                | L:L *:S            | planned stop
reset to run                | SFPH:R RA:= *:!
reset to advise             | SFPH:A RA:= *:!
reset to fallback           | SH:F LO:! *:=
reset to proving run        | SH:P LO:! *:=
reset refused               | RA:= *:!
raise cancelled             | *:n
reset button fault          | RAFP:H *:n         | button stuck
proving judged good         | P:n *:-
proving judged bad          | P:H *:-            | cause
proving over, judged good   | P:H *:-
proving over                | P:H *:-            | proving failed
known answers announced     | SH:n LO:! *:-
known answers passed        | SH:n LO:! *:-
known answers failed        | *:n
advise cause on             | R:A *:n            | cause
advise cause off            | A:R *:=            | cause
fallback cause on, healthy  | RA:F P:H *:n       | cause
fallback cause on, none     | RAFP:H *:n         | cause
hold cause on               | RAFP:H *:n         | cause
lockout cause on            | L:n *:L            | cause
cause off                   | *:=                | cause
too many trips              | SH:L FPL:n *:-     | too many trips
too many trips, statistical | RAO:- *:n          | too many trips
no data, healthy            | RA:F P:H *:n       | no data
no data, none               | RAFP:H *:n         | no data
no record, hold             | RAFP:H *:n         | no record
no record, fallback         | RA:F P:H *:n       | no record
data or record back         | RA:- *:=
fallback path lost          | F:H *:=            | fallback lost
latch file not writable     | RAFP:H *:n         | latch file
monotonic gap               | RAFP:H *:n         | pause
clock step                  | R:A *:n            | clock step
clock set                   | *:n                | clock step
plc link lost               | RAFP:H *:n         | plc link
plc link back               | RAFP:- *:=         | plc link
plc not ready               | RAFP:H *:n         | plc not ready
plc ready                   | *:=                | plc not ready
other session               | L:n *:L            | other session
read-back less              | RAFP:H *:n         | read-back less
read-back more              | LO:n *:L           | read-back more
withdrawn                   | *:=
moved without permissive    | SH:L L:n *:-       | moved without permissive
running in changeover       | SHL:n *:-          | moved without permissive
digest mismatch             | L:n *:L            | digest
digest equal again          | RA:- *:n           | digest
model changed, healthy      | RA:F P:H *:n       | digest
model changed, none         | RAP:H *:n          | digest
window announced            | *:n
window open                 | *:n
window over                 | *:n
window over, not approved   | L:n *:L            | digest
mode set                    | *:n
model left enforce, healthy | RA:F P:H *:n       | mode
model left enforce, none    | RAP:H *:n          | mode
model back in enforce       | RAFP:- *:n         | mode
acknowledge                 | *:=
seen remotely               | *:=
acknowledge taken back      | *:n
acknowledge refused         | *:!
local hold                  | RAFPO:H *:n        | local hold
remote hold                 | RAFPO:H *:n        | remote hold
hold refused                | *:!
engineer unlock             | L:H *:!
unlock refused              | *:!
change refused              | *:!
command refused             | *:!
message refused             | *:!
override key on             | RAFPH:O O:= *:n    | override
override key off            | O:H SHL:= *:-      | override
override time over          | O:H *:-            | override time over
override repeat             | O:n *:-            | override
fault                       | L:n *:L            | internal
"""


def specified() -> dict[str, tuple[dict[str, str], str]]:
    """Kind of event → what the cell of each place says, and the reason."""
    rows = {}
    for line in SPECIFIED.strip().splitlines():
        event, moves, reason = [part.strip() for part in f"{line}||".split("|")][:3]
        cells: dict[str, str] = {}
        for move in moves.split():
            places, _, to = move.partition(":")
            for place in PLACES if places == "*" else places:
                assert places == "*" or place not in cells, (event, place)
                cells.setdefault(place, CELLS[to])
        rows[event] = (cells, reason or "none")
    return rows


@pytest.mark.parametrize("event", specified())
def test_each_event_leads_where_the_specification_says(event: str) -> None:
    cells, reason = specified()[event]
    row, found = BY_EVENT[event], {}
    for place in PLACES:
        state = "FALLBACK" if place == "P" else CELLS[place]
        usual, _, in_proving = row.cells[STATES.index(State[state])].partition("/")
        found[place] = in_proving if place == "P" and in_proving else usual
    assert (found, row.reason) == (cells, reason)


def test_the_table_has_the_specified_events_and_no_other() -> None:
    assert [row.event for row in TABLE] == list(specified())
    assert list(BY_EVENT.items()) == [(row.event, row) for row in TABLE]


def test_the_words_are_those_of_the_specification() -> None:
    """INTERLOCK §1: RUN and ADVISE: M A. FALLBACK: M only. START-UP, HOLD, LOCKOUT: none. OVERRIDE: abstain."""
    assert WORDS == {
        State.START_UP: Word.WITHHOLD,
        State.RUN: Word.MACHINE_AND_AI,
        State.ADVISE: Word.MACHINE_AND_AI,
        State.FALLBACK: Word.MACHINE,
        State.HOLD: Word.WITHHOLD,
        State.LOCKOUT: Word.WITHHOLD,
        State.OVERRIDE: Word.ABSTAIN,
    }
