"""The interlock as a table: what each kind of event does in each of the seven states, and the pure machine on it.

The machine knows kinds of events, never the names of causes. Cells: a state's name = go there; `proving` =
FALLBACK with the proving run on; `.` = unchanged; `noted` = unchanged, and told; `-` = can't occur, recorded;
`R!` = refused. `x/y` in FALLBACK = x, but y during a proving run. Source: INTERLOCK §4; docs/interlock.md
is made from it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import NamedTuple

from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.registers import REASON_NUMBERS, State, Word

UNCHANGED, NOTED, IMPOSSIBLE, REFUSED, PROVING = ".", "noted", "-", "R!", "proving"
#: in the column `reason`: the number of the cause
OF_THE_CAUSE = "cause"
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
    """One kind of event: its id, a cell for each of STATES, the reason on the wire, and the sentence people read.

    reason: a name of the register map's reasons; `cause`: the number of the cause that comes with the event.
    """

    event: str
    cells: tuple[str, ...]
    reason: str
    text: str


def _row(event: str, cells: str, reason: str, text: str) -> Row:
    return Row(event, tuple(cells.split()), reason, text)


#        kind of event                   START_UP RUN      ADVISE   FALLBACK   HOLD     LOCKOUT OVERRIDE   reason on the wire
TABLE: tuple[Row, ...] = (
    # start and end
    _row("restart",                     "START_UP START_UP START_UP START_UP   START_UP LOCKOUT START_UP", "restart",                  "The guard started; nothing is permitted until it is proven."),
    _row("self-test passed",            ".        .        .        .          .        .       .       ", "none",                     "Self-test passed and three good beats came: armed."),
    _row("self-test passed, held",      "HOLD     .        .        .          .        .       .       ", "none",                     "Self-test passed; a stop from before the restart waits for acknowledgement and reset."),
    _row("self-test passed, key on",    "OVERRIDE .        .        .          .        .       .       ", "none",                     "Self-test passed; the override key is on and a stop was latched before the restart."),
    _row("self-test failed",            "LOCKOUT  -        -        -          -        -       -       ", "self-test failed",         "Self-test failed."),
    _row("arming time over",            "noted    -        -        -          -        -       -       ", "start-up",                 "Not armed in time."),
    _row("planned stop",                "START_UP START_UP START_UP START_UP   START_UP LOCKOUT START_UP", "planned stop",             "The guard is being stopped."),
    # the reset at the machine
    _row("reset to run",                "RUN      .        .        RUN        RUN      R!      R!      ", "none",                     "Reset at the machine: machine and model may run."),
    _row("reset to advise",             "ADVISE   .        .        ADVISE     ADVISE   R!      R!      ", "none",                     "Reset at the machine: machine and model may run, an advice is active."),
    _row("reset to fallback",           "FALLBACK .        .        .          FALLBACK R!      R!      ", "none",                     "Reset at the machine: FALLBACK, not RUN."),
    _row("reset to proving run",        "proving  .        .        .          proving  R!      R!      ", "none",                     "Reset at the machine: proving run, every part counts as not inspected."),
    _row("reset refused",               "R!       .        .        R!         R!       R!      R!      ", "none",                     "Reset refused."),
    _row("raise cancelled",             "noted    noted    noted    noted      noted    noted   noted   ", "none",                     "The reset was given up: something changed before it was written down."),
    _row("reset button fault",          "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "button stuck",             "The reset button is stuck or bounces."),
    # proving
    _row("proving judged good",         "-        -        -        -/noted    -        -       -       ", "none",                     "The proving run was judged good: a second press gives the model its permissive."),
    _row("proving judged bad",          "-        -        -        -/HOLD     -        -       -       ", "cause",                    "The proving run was judged bad."),
    _row("proving over, judged good",   "-        -        -        -/HOLD     -        -       -       ", "none",                     "The proving run was judged good and is over: the line waits for the second press."),
    _row("proving over",                "-        -        -        -/HOLD     -        -       -       ", "proving failed",           "The proving run has used its parts or its time."),
    _row("known answers announced",     "noted    -        -        -          noted    R!      R!      ", "none",                     "The known answers will be shown to the model."),
    _row("known answers passed",        "noted    -        -        -          noted    R!      R!      ", "none",                     "The model gave the known answers: what is judged on records counts as gone."),
    _row("known answers failed",        "noted    noted    noted    noted      noted    noted   noted   ", "none",                     "The model didn't give the known answers."),
    # causes of the risk register
    _row("advise cause on",             "noted    ADVISE   noted    noted      noted    noted   noted   ", "cause",                    "Advice."),
    _row("advise cause off",            ".        .        RUN      .          .        .       .       ", "cause",                    "The last advice is gone."),
    _row("fallback cause on, healthy",  "noted    FALLBACK FALLBACK noted/HOLD noted    noted   noted   ", "cause",                    "The model can't be trusted: the plant's own program takes over."),
    _row("fallback cause on, none",     "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "cause",                    "The model can't be trusted and no healthy fallback exists."),
    _row("hold cause on",               "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "cause",                    "Stopped."),
    _row("lockout cause on",            "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT    LOCKOUT  noted   LOCKOUT ", "cause",                    "Locked out: an engineer must unlock."),
    _row("cause off",                   ".        .        .        .          .        .       .       ", "cause",                    "The cause is gone."),
    _row("too many trips",              "LOCKOUT  -        -        noted      LOCKOUT  noted   -       ", "too many trips",           "The same cause tripped too often."),
    _row("too many trips, statistical", "noted    -        -        noted      noted    noted   -       ", "too many trips",           "The same cause tripped too often: maintenance acknowledges."),
    # data, records, memory
    _row("no data, healthy",            "noted    FALLBACK FALLBACK noted/HOLD noted    noted   noted   ", "no data",                  "No data from the model: the plant's own program takes over."),
    _row("no data, none",               "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "no data",                  "No data from the model and no healthy fallback exists."),
    _row("no record, hold",             "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "no record",                "Nothing can be recorded, so nothing may run."),
    _row("no record, fallback",         "noted    FALLBACK FALLBACK noted/HOLD noted    noted   noted   ", "no record",                "Nothing can be recorded: the plant's own program takes over."),
    _row("data or record back",         ".        -        -        .          .        .       .       ", "none",                     "Data or records are back."),
    _row("fallback path lost",          ".        .        .        HOLD/.     .        .       .       ", "fallback lost",            "The plant's own program isn't ready any more."),
    _row("latch file not writable",     "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "latch file",               "The latch file can't be written."),
    _row("monotonic gap",               "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "pause",                    "The guard was stopped for longer than the permissive lasts."),
    _row("clock step",                  "noted    ADVISE   noted    noted      noted    noted   noted   ", "clock step",               "The clock was set: time stamps are doubtful."),
    _row("clock set",                   "noted    noted    noted    noted      noted    noted   noted   ", "clock step",               "The clock was set for the first time since this computer started."),
    # the PLC
    _row("plc link lost",               "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "plc link",                 "The link to the PLC is lost; the PLC has dropped by itself."),
    _row("plc link back",               ".        -        -        -          .        .       .       ", "plc link",                 "The link to the PLC is back: a new session, a new arming."),
    _row("plc not ready",               "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "plc not ready",            "The PLC isn't ready, or stopped by itself."),
    _row("plc ready",                   ".        .        .        .          .        .       .       ", "plc not ready",            "The PLC is ready."),
    _row("other session",               "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT    LOCKOUT  noted   LOCKOUT ", "other session",            "Somebody else speaks to the PLC."),
    _row("read-back less",              "noted    HOLD     HOLD     HOLD       noted    noted   noted   ", "read-back less",           "The PLC permits less than was written."),
    _row("read-back more",              "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT    LOCKOUT  noted   noted   ", "read-back more",           "The PLC permits more than was written: it doesn't obey."),
    _row("withdrawn",                   ".        .        .        .          .        .       .       ", "none",                     "The PLC's output read back as withdrawn."),
    _row("moved without permissive",    "LOCKOUT  -        -        -          LOCKOUT  noted   -       ", "moved without permissive", "The machine ran or made parts without a permissive."),
    _row("running in changeover",       "noted    -        -        -          noted    noted   -       ", "moved without permissive", "The machine runs in changeover without a permissive."),
    # the models
    _row("digest mismatch",             "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT    LOCKOUT  noted   LOCKOUT ", "digest",                   "A table, a plan or a model isn't the approved one."),
    _row("digest equal again",          "noted    -        -        noted      noted    noted   noted   ", "digest",                   "The model is the approved one again."),
    _row("model changed, healthy",      "noted    FALLBACK FALLBACK noted/HOLD noted    noted   noted   ", "digest",                   "The model was changed in its window: the plant's own program takes over."),
    _row("model changed, none",         "noted    HOLD     HOLD     noted/HOLD noted    noted   noted   ", "digest",                   "The model was changed in its window and no healthy fallback exists."),
    _row("window announced",            "noted    noted    noted    noted      noted    noted   noted   ", "none",                     "A change of the model is announced; a second person must agree."),
    _row("window open",                 "noted    noted    noted    noted      noted    noted   noted   ", "none",                     "Two persons announced a change of the model."),
    _row("window over",                 "noted    noted    noted    noted      noted    noted   noted   ", "none",                     "The time for changing the model is over."),
    _row("window over, not approved",   "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT    LOCKOUT  noted   LOCKOUT ", "digest",                   "The time for changing the model is over, and it isn't approved."),
    _row("mode set",                    "noted    noted    noted    noted      noted    noted   noted   ", "none",                     "The mode of a model was set."),
    _row("model left enforce, healthy", "noted    FALLBACK FALLBACK noted/HOLD noted    noted   noted   ", "mode",                     "A model left enforce: the plant's own program takes over."),
    _row("model left enforce, none",    "noted    HOLD     HOLD     noted/HOLD noted    noted   noted   ", "mode",                     "A model left enforce and no healthy fallback exists."),
    _row("model back in enforce",       "noted    -        -        -          noted    noted   noted   ", "mode",                     "The model is in enforce again."),
    # people
    _row("acknowledge",                 ".        .        .        .          .        .       .       ", "none",                     "Acknowledged."),
    _row("seen remotely",               ".        .        .        .          .        .       .       ", "none",                     "Seen from elsewhere; it must still be acknowledged at the machine."),
    _row("acknowledge taken back",      "noted    noted    noted    noted      noted    noted   noted   ", "none",                     "The acknowledgement was taken back."),
    _row("acknowledge refused",         "R!       R!       R!       R!         R!       R!      R!      ", "none",                     "Acknowledgement refused."),
    _row("local hold",                  "noted    HOLD     HOLD     HOLD       noted    noted   HOLD    ", "local hold",               "Held by a person at the machine."),
    _row("remote hold",                 "noted    HOLD     HOLD     HOLD       noted    noted   HOLD    ", "remote hold",              "Held from elsewhere."),
    _row("hold refused",                "R!       R!       R!       R!         R!       R!      R!      ", "none",                     "Hold refused."),
    _row("engineer unlock",             "R!       R!       R!       R!         R!       HOLD    R!      ", "none",                     "Unlocked by the engineer; an ordinary reset is still needed."),
    _row("unlock refused",              "R!       R!       R!       R!         R!       R!      R!      ", "none",                     "Unlock refused."),
    _row("change refused",              "R!       R!       R!       R!         R!       R!      R!      ", "none",                     "A change of a model, its mode or its window was refused."),
    _row("command refused",             "R!       R!       R!       R!         R!       R!      R!      ", "none",                     "A command that nobody may give from elsewhere was refused."),
    _row("message refused",             "R!       R!       R!       R!         R!       R!      R!      ", "none",                     "A message that its sender may not send was refused."),
    # the override key
    _row("override key on",             "noted    OVERRIDE OVERRIDE OVERRIDE   OVERRIDE noted   .       ", "override",                 "The override key is on: a human has the machine, the PLC decides alone."),
    _row("override key off",            ".        -        -        -          .        .       HOLD    ", "override",                 "The override key is off."),
    _row("override time over",          "-        -        -        -          -        -       HOLD    ", "override time over",       "The override lasted too long; the key must go off first."),
    _row("override repeat",             "-        -        -        -          -        -       noted   ", "override",                 "The override key is still on."),
    # errors
    _row("fault",                       "LOCKOUT  LOCKOUT  LOCKOUT  LOCKOUT    LOCKOUT  noted   LOCKOUT ", "internal",                 "An event or a state that the guard doesn't know, or an error inside it."),
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


def digest() -> str:
    """SHA-256 over kinds of events, cells, reasons and words; texts are left out. What a plan was approved with."""
    rows = [[row.event, row.cells, row.reason] for row in TABLE]
    words = {state.name: word.name for state, word in WORDS.items()}
    return hashlib.sha256(
        json.dumps([rows, words], separators=(",", ":"), sort_keys=True).encode()
    ).hexdigest()


def faults_of_table() -> list[str]:
    """What is wrong with the table itself: part of the self-test. An empty list is right."""
    faults = []
    targets = {UNCHANGED, NOTED, IMPOSSIBLE, REFUSED, PROVING} | {state.name for state in STATES}
    for row in TABLE:
        if len(row.cells) != len(STATES):
            faults.append(f"{row.event}: {len(row.cells)} cells for {len(STATES)} states")
        if not row.text:
            faults.append(f"{row.event}: no text")
        if row.reason != OF_THE_CAUSE and row.reason not in REASON_NUMBERS:
            faults.append(f"{row.event}: no reason {row.reason!r} in the register map")
        faults += [
            f"{row.event}: unknown cell {cell}" for cell in row.cells if set(cell.split("/")) - targets
        ]
    if len(BY_EVENT) != len(TABLE):
        faults.append("a kind of event has two rows")
    if set(WORDS) != set(State):
        faults.append("a state has no word")
    return faults
