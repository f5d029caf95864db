"""The interlock as a table: what each kind of event does in each of the seven states, and the pure machine on it.

The machine knows kinds of events, never the names of causes. Cells: a state's name = go there; `proving` =
FALLBACK with the proving run on; `.` = unchanged; `noted` = unchanged, and told; `-` = can't occur, recorded;
`R!` = refused. `x/y` in FALLBACK = x, but y during a proving run. Source: INTERLOCK §4, built rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.registers import State, Word

UNCHANGED, NOTED, IMPOSSIBLE, REFUSED, PROVING = ".", "noted", "-", "R!", "proving"
STATES: tuple[State, ...] = (
    State.START_UP, State.RUN, State.ADVISE, State.FALLBACK, State.HOLD, State.LOCKOUT, State.OVERRIDE,
)  # fmt: skip

#: what is written in each state (A only ever together with M)
WORDS: dict[State, Word] = {
    State.START_UP: Word.WITHHOLD,
    State.RUN: Word.MACHINE_AND_AI,
    State.ADVISE: Word.MACHINE_AND_AI,
    State.FALLBACK: Word.MACHINE,
    State.HOLD: Word.WITHHOLD,
    State.LOCKOUT: Word.WITHHOLD,
    State.OVERRIDE: Word.ABSTAIN,
}


class Row(NamedTuple):
    """One kind of event: its id, a cell for each of STATES, and the sentence people read."""

    event: str
    cells: tuple[str, ...]
    text: str


def _row(event: str, cells: str, text: str) -> Row:
    return Row(event, tuple(cells.split()), text)


#  kind of event                       START_UP RUN      ADVISE   FALLBACK  HOLD     LOCKOUT OVERRIDE
TABLE: tuple[Row, ...] = (
    _row("restart",                   "START_UP START_UP START_UP START_UP  START_UP LOCKOUT START_UP", "The guard started; nothing is permitted until it is proven."),
    _row("self-test passed",          ".        .        .        .         .        .       .       ", "Self-test passed and three good beats came: armed."),
    _row("self-test passed, held",    "HOLD     .        .        .         .        .       .       ", "Self-test passed; a stop from before the restart waits for acknowledgement and reset."),
    _row("self-test passed, key on",  "OVERRIDE .        .        .         .        .       .       ", "Self-test passed; the override key is on and a stop was latched before the restart."),
    _row("self-test failed",          "LOCKOUT  -        -        -         -        -       -       ", "Self-test failed."),
    _row("arming time over",          "noted    -        -        -         -        -       -       ", "Not armed in time."),
    _row("reset to run",              "RUN      .        .        RUN       RUN      R!      R!      ", "Reset at the machine: machine and model may run."),
    _row("reset to advise",           "ADVISE   .        .        ADVISE    ADVISE   R!      R!      ", "Reset at the machine: machine and model may run, an advice is active."),
    _row("reset to fallback",         "FALLBACK .        .        .         FALLBACK R!      R!      ", "Reset at the machine: FALLBACK, not RUN."),
    _row("reset to proving run",      "proving  .        .        .         proving  R!      R!      ", "Reset at the machine: proving run, every part counts as not inspected."),
    _row("reset refused",             "R!       .        .        R!        R!       R!      R!      ", "Reset refused."),
    _row("raise cancelled",           "noted    noted    noted    noted     noted    noted   noted   ", "The reset was given up: something changed before it was written down."),
    _row("advise cause on",           "noted    ADVISE   noted    noted     noted    noted   noted   ", "Advice."),
    _row("advise cause off",          ".        .        RUN      .         .        .       .       ", "The last advice is gone."),
    _row("fallback cause on, healthy", "noted   FALLBACK FALLBACK noted/HOLD noted   noted   noted   ", "The model can't be trusted: the plant's own program takes over."),
    _row("fallback cause on, none",   "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "The model can't be trusted and no healthy fallback exists."),
    _row("hold cause on",             "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "Stopped."),
    _row("lockout cause on",          "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT   LOCKOUT  noted   LOCKOUT ", "Locked out: an engineer must unlock."),
    _row("cause off",                 ".        .        .        .         .        .       .       ", "The cause is gone."),
    _row("fallback path lost",        ".        .        .        HOLD/.    .        .       .       ", "The plant's own program isn't ready any more."),
    _row("no data, healthy",          "noted    FALLBACK FALLBACK noted/HOLD noted   noted   noted   ", "No data from the model: the plant's own program takes over."),
    _row("no data, none",             "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "No data from the model and no healthy fallback exists."),
    _row("no record, hold",           "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "Nothing can be recorded, so nothing may run."),
    _row("no record, fallback",       "noted    FALLBACK FALLBACK noted/HOLD noted   noted   noted   ", "Nothing can be recorded: the plant's own program takes over."),
    _row("data or record back",       ".        .        .        .         .        .       .       ", "Data or records are back."),
    _row("latch file not writable",   "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "The latch file can't be written."),
    _row("plc link lost",             "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "The link to the PLC is lost; the PLC has dropped by itself."),
    _row("plc link back",             ".        -        -        -         .        .       .       ", "The link to the PLC is back: a new session, a new arming."),
    _row("plc not ready",             "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "The PLC isn't ready, or stopped by itself."),
    _row("plc ready",                 ".        .        .        .         .        .       .       ", "The PLC is ready."),
    _row("read-back less",            "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "The PLC permits less than was written."),
    _row("read-back more",            "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT   LOCKOUT  noted   .       ", "The PLC permits more than was written: it doesn't obey."),
    _row("withdrawn",                 ".        .        .        .         .        .       .       ", "The PLC's output read back as withdrawn."),
    _row("monotonic gap",             "noted    HOLD     HOLD     HOLD      noted    noted   noted   ", "The guard was stopped for longer than the permissive lasts."),
    _row("acknowledge",               ".        .        .        .         .        .       .       ", "Acknowledged."),
    _row("acknowledge refused",       "R!       R!       R!       R!        R!       R!      R!      ", "Acknowledgement refused."),
    _row("local hold",                "noted    HOLD     HOLD     HOLD      noted    noted   HOLD    ", "Held by a person at the machine."),
    _row("remote hold",               "noted    HOLD     HOLD     HOLD      noted    noted   HOLD    ", "Held from elsewhere."),
    _row("hold refused",              "R!       R!       R!       R!        R!       R!      R!      ", "Hold refused."),
    _row("engineer unlock",           "R!       R!       R!       R!        R!       HOLD    R!      ", "Unlocked by the engineer; an ordinary reset is still needed."),
    _row("unlock refused",            "R!       R!       R!       R!        R!       R!      R!      ", "Unlock refused."),
    _row("message refused",           "R!       R!       R!       R!        R!       R!      R!      ", "A message that its sender may not send was refused."),
    _row("override key on",           "noted    OVERRIDE OVERRIDE OVERRIDE  OVERRIDE noted   .       ", "The override key is on: a human has the machine, the PLC decides alone."),
    _row("override key off",          ".        -        -        -         .        .       HOLD    ", "The override key is off."),
    _row("override time over",        "-        -        -        -         -        -       HOLD    ", "The override lasted too long; the key must go off first."),
    _row("override repeat",           "-        -        -        -         -        -       noted   ", "The override key is still on."),
    _row("proving judged good",       "-        -        -        -/noted   -        -       -       ", "The proving run was judged good: a second press gives the model its permissive."),
    _row("proving judged bad",        "-        -        -        -/HOLD    -        -       -       ", "The proving run was judged bad."),
    _row("proving over, judged good", "-      -        -        -/HOLD    -        -       -       ", "The proving run was judged good and is over: the line waits for the second press."),
    _row("proving over",              "-        -        -        -/HOLD    -        -       -       ", "The proving run has used its parts or its time."),
    _row("planned stop",              "START_UP START_UP START_UP START_UP  START_UP LOCKOUT START_UP", "The guard is being stopped."),
    _row("fault",                     "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT   LOCKOUT  noted   LOCKOUT ", "An event or a state that the guard doesn't know, or an error inside it."),
)  # fmt: skip

BY_EVENT: dict[str, Row] = {row.event: row for row in TABLE}


@dataclass(frozen=True)
class Step:
    """What one event did. cell: the table's cell, proving part chosen; an unknown kind is `fault`."""

    event: str
    was: State
    state: State
    cell: str
    was_proving: bool
    proving: bool

    @property
    def is_changed(self) -> bool:
        return (self.was, self.was_proving) != (self.state, self.proving)

    @property
    def is_refused(self) -> bool:
        return self.cell == REFUSED

    @property
    def is_trip(self) -> bool:
        """True if the step took a permission away, or locked out."""
        lower = RANK[WORDS[self.state]] < RANK[WORDS[self.was]]
        return lower or (self.is_changed and self.state is State.LOCKOUT)


class Interlock:
    """The machine: a state and whether FALLBACK is a proving run. Starts in START_UP, permitting nothing."""

    def __init__(self) -> None:
        self.state = State.START_UP
        self.proving = False

    @property
    def word(self) -> Word:
        """The permissive word of the state; anything unknown is WITHHOLD."""
        return WORDS.get(self.state, Word.WITHHOLD)

    def cell(self, event: str) -> str:
        """The cell for `event` in the present state; KeyError or ValueError if there is none."""
        cell = BY_EVENT[event].cells[STATES.index(self.state)]
        usual, _, proving = cell.partition("/")
        return proving if proving and self.proving else usual

    def apply(self, event: str) -> Step:
        """Apply one event. An unknown event, cell or state leads to LOCKOUT, never to an exception."""
        was, was_proving = self.state, self.proving
        try:
            cell = self.cell(event)
            state, proving = _target(cell, was, was_proving)
        except (KeyError, ValueError):
            event, cell, state, proving = "fault", State.LOCKOUT.name, State.LOCKOUT, False
        self.state, self.proving = state, proving
        return Step(event, was, state, cell, was_proving, proving)


def _target(cell: str, state: State, proving: bool) -> tuple[State, bool]:
    """Where a cell leads. KeyError for a cell that isn't in the table's language."""
    if cell in (UNCHANGED, NOTED, IMPOSSIBLE, REFUSED):
        return state, proving
    if cell == PROVING:
        return State.FALLBACK, True
    return State[cell], False


def faults_of_table() -> list[str]:
    """What is wrong with the table itself: part of the self-test. An empty list is right."""
    faults = []
    targets = {UNCHANGED, NOTED, IMPOSSIBLE, REFUSED, PROVING} | {state.name for state in STATES}
    for row in TABLE:
        if len(row.cells) != len(STATES):
            faults.append(f"{row.event}: {len(row.cells)} cells for {len(STATES)} states")
        if not row.text:
            faults.append(f"{row.event}: no text")
        faults += [
            f"{row.event}: unknown cell {cell}" for cell in row.cells if not set(cell.split("/")) <= targets
        ]
    if len(BY_EVENT) != len(TABLE):
        faults.append("a kind of event has two rows")
    if set(WORDS) != set(State):
        faults.append("a state has no word")
    return faults
