"""The alarm table of ISA-18.2 / IEC 62682 as data: one cell for each of 8 states and each event (INTERLOCK §3).

While an alarm is withheld (E, F, G) its own life goes on underneath, so that nothing is lost; only the annunciation
waits. Quality is orthogonal: an alarm without data keeps its state and isn't shown as good.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple


class State(enum.Enum):
    """Where an alarm is in its life; the value is the letter that people see."""

    NORMAL = "A"
    ACTIVE = "B"
    ACKNOWLEDGED = "C"
    RETURNED = "D"
    LATCHED = "L"
    SHELVED = "E"
    SUPPRESSED = "F"
    OUT_OF_SERVICE = "G"


class Event(enum.Enum):
    """What can happen to an alarm."""

    TRUE = "condition true"
    FALSE = "condition false"
    ACKNOWLEDGE = "acknowledged with a reason, at the current revision"
    ACKNOWLEDGE_WRONG = "acknowledged without a reason, at an old revision, or in bulk without a list"
    ACKNOWLEDGE_REMOTE = "acknowledged from elsewhere"
    UNACKNOWLEDGE = "acknowledgement taken back by the same role"
    SEVERITY_RISES = "severity rises"
    SEVERITY_FALLS = "severity falls"
    REALARM = "unacknowledged too long, or active for a day"
    RESET = "interlock reset accepted"
    SHELVE = "shelved with a reason and an end"
    SHELVE_WRONG = "shelved for too long, without a reason, by nobody entitled, or from elsewhere"
    UNSHELVE = "unshelved by hand"
    SHELF_ENDS = "shelf ends by time, or its clock jumped"
    SUPPRESS = "a rule of the plan suppresses it"
    SUPPRESS_ENDS = "the rule no longer holds"
    OUT = "taken out of service: maintenance, permit number, end"
    BACK = "back in service, or the end is over"
    NO_DATA = "no data"
    DATA_BACK = "data back"
    CHATTER = "chatter found"
    UNKNOWN = "restored from a record that can't be read"


class Annunciation(enum.Enum):
    """What the operator hears and sees; values as on the panel."""

    SOUND = "S"
    FLASH = "f"
    STEADY = "s"
    LOG = "log"
    NOTHING = "-"


class Leave(NamedTuple):
    """Where an alarm goes that isn't withheld any more, and how that is annunciated."""

    to: State
    sign: Annunciation


class Cell(NamedTuple):
    """One cell.

    to, sign: the next state and its annunciation; trip_to: where the trip class goes instead; refused, trip_refused:
    why nothing happens (to the trip class); counts: it came again before somebody acknowledged it; runs: the event
    goes on underneath; leaves: from a withheld state, by the state underneath; no: can't occur, recorded if it does.
    """

    to: State
    sign: Annunciation = Annunciation.NOTHING
    trip_to: State | None = None
    refused: str = ""
    trip_refused: str = ""
    counts: bool = False
    runs: bool = False
    leaves: Mapping[State, Leave] | None = None
    no: bool = False


MEANING: dict[State, str] = {
    State.NORMAL: "normal",
    State.ACTIVE: "active, not acknowledged",
    State.ACKNOWLEDGED: "active, acknowledged",
    State.RETURNED: "gone, not acknowledged",
    State.LATCHED: "gone, acknowledged, waits for the reset",
    State.SHELVED: "shelved until its end",
    State.SUPPRESSED: "suppressed by a rule of the plan",
    State.OUT_OF_SERVICE: "out of service under a permit",
}

UNACKNOWLEDGED: frozenset[State] = frozenset({State.ACTIVE, State.RETURNED})
IS_ACTIVE: frozenset[State] = frozenset({State.ACTIVE, State.ACKNOWLEDGED})
WITHHELD: frozenset[State] = frozenset({State.SHELVED, State.SUPPRESSED, State.OUT_OF_SERVICE})
#: the states that an alarm goes through by itself, underneath the withheld ones too
LIFE: tuple[State, ...] = tuple(state for state in State if state not in WITHHELD)

_A, _B, _C, _D, _L, _E, _F, _G = State
_S, _FLASH, _STEADY, _LOG, _ = Annunciation

#: by hand: who unshelves an active alarm has just seen it
_SEEN: dict[State, Leave] = {
    _A: Leave(_A, _), _B: Leave(_C, _STEADY), _C: Leave(_C, _STEADY), _D: Leave(_A, _), _L: Leave(_L, _),
}  # fmt: skip
#: by time or rule: nobody has seen it, so what is active sounds, acknowledged or not
_UNSEEN: dict[State, Leave] = {
    _A: Leave(_A, _), _B: Leave(_B, _S), _C: Leave(_B, _S), _D: Leave(_D, _FLASH), _L: Leave(_L, _),
}  # fmt: skip
#: worse than when it was shelved; one whose condition isn't there is only unshelved
_WORSE: dict[State, Leave] = {**dict.fromkeys((_B, _C, _D, _L), Leave(_B, _S)), _A: Leave(_A, _LOG)}

_NOTHING_TO_ACKNOWLEDGE = "there is nothing to acknowledge"
_LATCHED = "it waits for the interlock's reset"
_WITHHELD = {_E: "it is shelved", _F: "it is suppressed by a rule of the plan", _G: "it is out of service"}
_WRONG_ACK = "it isn't acknowledged by that"
_WRONG_SHELF = "it isn't shelved by that"
_TRIP = "a trip alarm can't be shelved"
_HOLDS = "its cause holds the machine"


def _same(states: tuple[State, ...], **fields: object) -> dict[State, Cell]:
    return {state: Cell(state, **fields) for state in states}  # type: ignore[arg-type]


def _refuse(states: tuple[State, ...], why: str) -> dict[State, Cell]:
    return _same(states, refused=why)


_ALL = tuple(State)
_OVER = (_E, _F, _G)
_UNDER = {state: Cell(state, _LOG, runs=True) for state in _OVER}
_CANNOT_OVER = _same(_OVER, no=True)
_ACK_OVER = {state: Cell(state, refused=why) for state, why in _WITHHELD.items()}

TABLE: dict[Event, dict[State, Cell]] = {
    Event.TRUE: {
        _A: Cell(_B, _S), _B: Cell(_B), _C: Cell(_C), _D: Cell(_B, _S, counts=True), _L: Cell(_B, _S), **_UNDER,
    },
    Event.FALSE: {
        _A: Cell(_A), _B: Cell(_D, _FLASH), _C: Cell(_A, _STEADY, trip_to=_L), _D: Cell(_D), _L: Cell(_L), **_UNDER,
    },
    Event.ACKNOWLEDGE: {
        _A: Cell(_A, refused=_NOTHING_TO_ACKNOWLEDGE), _B: Cell(_C, _STEADY), _C: Cell(_C),
        _D: Cell(_A, trip_to=_L), _L: Cell(_L), **_ACK_OVER,
    },
    Event.ACKNOWLEDGE_WRONG: _refuse(_ALL, _WRONG_ACK),
    Event.ACKNOWLEDGE_REMOTE: {  # only a mark for the trip class: it doesn't satisfy the reset guard
        _A: Cell(_A, refused=_NOTHING_TO_ACKNOWLEDGE), _B: Cell(_C, _STEADY, trip_to=_B), _C: Cell(_C),
        _D: Cell(_A, trip_to=_D), _L: Cell(_L), **_ACK_OVER,
    },
    Event.UNACKNOWLEDGE: {
        _A: Cell(_A), _B: Cell(_B), _C: Cell(_B, _FLASH), _D: Cell(_D), _L: Cell(_D, _FLASH), **_CANNOT_OVER,
    },
    Event.SEVERITY_RISES: {
        _A: Cell(_A), _B: Cell(_B, _S), _C: Cell(_B, _S), _D: Cell(_B, _S), _L: Cell(_B, _S),
        _E: Cell(_E, leaves=_WORSE), _F: Cell(_F, _LOG), _G: Cell(_G, _LOG),
    },
    Event.SEVERITY_FALLS: _same(_ALL),
    Event.REALARM: {
        _A: Cell(_A, no=True), _B: Cell(_B, _S), _C: Cell(_B, _S), _D: Cell(_D, _FLASH), _L: Cell(_L, _FLASH),
        **_CANNOT_OVER,
    },
    Event.RESET: {
        _A: Cell(_A), _B: Cell(_B, refused="not acknowledged"), _C: Cell(_C, refused="still active"),
        _D: Cell(_D, refused="not acknowledged"), _L: Cell(_A), **_same(_OVER, runs=True),
    },
    Event.SHELVE: {
        **{state: Cell(_E, _LOG, trip_refused=_TRIP) for state in (_A, _B, _C, _D)},
        _L: Cell(_L, refused=_LATCHED, trip_refused=_TRIP),
        _E: Cell(_E, refused="it is shelved already: its end can't be put off", trip_refused=_TRIP),
        _F: Cell(_F, refused=_WITHHELD[_F], trip_refused=_TRIP),
        _G: Cell(_G, refused=_WITHHELD[_G], trip_refused=_TRIP),
    },
    Event.SHELVE_WRONG: _refuse(_ALL, _WRONG_SHELF),
    Event.UNSHELVE: {**_same(LIFE, no=True), _E: Cell(_E, leaves=_SEEN), **_same((_F, _G), no=True)},
    Event.SHELF_ENDS: {**_same(LIFE, no=True), _E: Cell(_E, leaves=_UNSEEN), **_same((_F, _G), no=True)},
    Event.SUPPRESS: {
        **{state: Cell(_F, _LOG, trip_refused=_HOLDS) for state in (_A, _B, _C, _D)},
        _L: Cell(_L, refused=_LATCHED), **_same(_OVER),
    },
    Event.SUPPRESS_ENDS: {**_same(LIFE, no=True), **_same((_E, _G), no=True), _F: Cell(_F, leaves=_UNSEEN)},
    Event.OUT: {
        **{state: Cell(_G, _LOG) for state in (_A, _B, _C, _D, _E, _F)}, _L: Cell(_L, refused=_LATCHED), _G: Cell(_G),
    },
    Event.BACK: {**_same(LIFE, no=True), **_same((_E, _F), no=True), _G: Cell(_G, leaves=_UNSEEN)},
    Event.NO_DATA: _same(_ALL, sign=_LOG),
    Event.DATA_BACK: _same(_ALL, sign=_LOG),
    Event.CHATTER: {**_same((_B, _C, _D), sign=_LOG), **_same((_A, _L, _E, _F, _G))},
    Event.UNKNOWN: {state: Cell(_B, _S) for state in State},
}  # fmt: skip


class Position(NamedTuple):
    """Where an alarm stands. below: the life underneath; the same as `state` unless it is withheld."""

    state: State
    below: State


class Step(NamedTuple):
    """The outcome of one event: where the alarm stands then, its annunciation, a refusal, whether it counts again."""

    state: State
    below: State
    sign: Annunciation
    refused: str
    counts: bool


def step(position: Position, event: Event, is_trip: bool) -> Step:
    """Look an event up in the table. Pure; what isn't allowed changes nothing and says why."""
    state, below = position
    cell = TABLE[event][state]
    refused = (cell.trip_refused if is_trip else "") or cell.refused
    if refused or cell.no:
        return Step(state, below, Annunciation.NOTHING, refused, False)
    if cell.leaves is not None:
        left = cell.leaves[below]
        return Step(left.to, left.to, left.sign, "", False)
    if cell.runs:
        under = step(Position(below, below), event, is_trip)
        return Step(state, under.state, cell.sign, "", under.counts)
    to = cell.trip_to if is_trip and cell.trip_to is not None else cell.to
    return Step(to, below if to in WITHHELD else to, cell.sign, "", cell.counts)
