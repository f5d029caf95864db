"""The alarm table of ISA-18.2 / IEC 62682 as data: one cell for each state and event.

States: A normal · B active, unacknowledged · C active, acknowledged · D returned, unacknowledged · L returned,
acknowledged, latched (trip class only: waits for the reset). Rows and states for shelving, suppression and out of
service join this table; nothing else changes with them.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class State(enum.Enum):
    """Where an alarm is in its life; the value is the letter that people see."""

    NORMAL = "A"
    ACTIVE = "B"
    ACKNOWLEDGED = "C"
    RETURNED = "D"
    LATCHED = "L"


class Event(enum.Enum):
    """What can happen to an alarm."""

    TRUE = "condition true"
    FALSE = "condition false"
    ACKNOWLEDGE = "acknowledged with a reason, at the current revision"
    RESET = "interlock reset accepted"


class Annunciation(enum.Enum):
    """What the operator hears and sees; values as on the panel."""

    SOUND = "S"
    FLASH = "f"
    STEADY = "s"
    NOTHING = "-"


class Cell(NamedTuple):
    """One cell. to: the next state; trip_to: where the trip class goes instead; refused: why nothing happens;
    counts: the alarm came again before somebody acknowledged it."""

    to: State
    sign: Annunciation = Annunciation.NOTHING
    trip_to: State | None = None
    refused: str = ""
    counts: bool = False

    def next_state(self, is_trip: bool) -> State:
        return self.trip_to if is_trip and self.trip_to is not None else self.to


MEANING: dict[State, str] = {
    State.NORMAL: "normal",
    State.ACTIVE: "active, not acknowledged",
    State.ACKNOWLEDGED: "active, acknowledged",
    State.RETURNED: "gone, not acknowledged",
    State.LATCHED: "gone, acknowledged, waits for the reset",
}

UNACKNOWLEDGED: frozenset[State] = frozenset({State.ACTIVE, State.RETURNED})
IS_ACTIVE: frozenset[State] = frozenset({State.ACTIVE, State.ACKNOWLEDGED})

_A, _B, _C, _D, _L = State
_S, _F, _STEADY, _ = Annunciation

TABLE: dict[Event, dict[State, Cell]] = {
    Event.TRUE: {
        _A: Cell(_B, _S),
        _B: Cell(_B),
        _C: Cell(_C),
        _D: Cell(_B, _S, counts=True),
        _L: Cell(_B, _S),
    },
    Event.FALSE: {
        _A: Cell(_A),
        _B: Cell(_D, _F),
        _C: Cell(_A, _STEADY, trip_to=_L),
        _D: Cell(_D),
        _L: Cell(_L),
    },
    Event.ACKNOWLEDGE: {
        _A: Cell(_A, refused="there is nothing to acknowledge"),
        _B: Cell(_C, _STEADY),
        _C: Cell(_C),
        _D: Cell(_A, trip_to=_L),
        _L: Cell(_L),
    },
    Event.RESET: {
        _A: Cell(_A),
        _B: Cell(_B, refused="not acknowledged"),
        _C: Cell(_C, refused="still active"),
        _D: Cell(_D, refused="not acknowledged"),
        _L: Cell(_A),
    },
}


class Step(NamedTuple):
    """The outcome of one event: the next state, what is annunciated, a refusal, and whether it counts again."""

    state: State
    sign: Annunciation
    refused: str
    counts: bool


def step(state: State, event: Event, is_trip: bool) -> Step:
    """Look an event up in the table."""
    cell = TABLE[event][state]
    return Step(cell.next_state(is_trip), cell.sign, cell.refused, cell.counts)
