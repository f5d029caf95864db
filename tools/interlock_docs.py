"""Writes docs/interlock.md from the interlock's table; --check fails if it is stale.

python tools/interlock_docs.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from jidoka_bridge.guard.built_in import BUILT_IN, PER_MODEL
from jidoka_bridge.guard.interlock import OF_THE_CAUSE, STATES, TABLE, WORDS, Row, digest
from jidoka_bridge.registers import REASON_NUMBERS, REASONS, State

TARGET = Path(__file__).resolve().parents[1] / "docs" / "interlock.md"

#: what each state means to whoever stands at the machine
MEANINGS: dict[State, str] = {
    State.START_UP: "The guard has started and nothing is proven yet.",
    State.RUN: "Machine and model are permitted.",
    State.ADVISE: "As RUN; people are told that something should be looked at.",
    State.FALLBACK: "The machine may run by the plant's own program; the model's answers are not to be used.",
    State.HOLD: "Nothing is permitted until a person acknowledged and pressed reset.",
    State.LOCKOUT: "Nothing is permitted until an engineer unlocked; it outlives restarts and power cuts.",
    State.OVERRIDE: "A person has the machine by the key; the PLC alone decides.",
}
CELLS = """Cells: a state's name = go there. `proving` = go to FALLBACK, with the proving run on. `·` = nothing changes.
`noted` = nothing changes, and it is told. `–` = can't happen here; if it does it is recorded and changes nothing.
`R!` = refused and recorded. In FALLBACK `x / y` is x, but y during a proving run. In every row the kind of event,
its cause, evidence and time are recorded; a change of state is annunciated. What the guard doesn't know, or an error
inside it, is the row `fault`."""
DEATH = """The death of the guard needs no row: no frame goes out, the PLC's output drops when the hold time is over, and
the PLC latches that by itself. What was latched stands in the latch file."""


def reason(row: Row) -> str:
    """Number and name of what block A carries while this holds the machine."""
    if row.reason == OF_THE_CAUSE:
        return "the cause's"
    number = REASON_NUMBERS[row.reason]
    return f"{number} {row.reason}" if number else ""


def cell(text: str) -> str:
    """One cell as it is read on the page."""
    return " / ".join(
        {".": "·", "-": "–", "START_UP": "START-UP"}.get(part, part) for part in text.split("/")
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def document() -> str:
    """The whole page."""
    names = [cell(state.name) for state in STATES]
    parts = [
        "# Interlock",
        (
            "Made by `python tools/interlock_docs.py` from `jidoka_bridge/guard/interlock.py`, which the guard runs by; change "
            "that, not this page."
        ),
        f"Digest of the table: `{digest()}`. A plan names the one that it was made for; a guard with another locks out.",
        "## States",
        "One word goes to the PLC in each state; M = the machine may run, A = the model's outputs may be used.",
        table(
            ["state", "number", "word", "meaning"],
            [[cell(each.name), str(int(each)), f"`{WORDS[each].name}`", MEANINGS[each]] for each in STATES],
        ),
        (
            "Priority of causes: lockout, override key, hold, fallback, advise. The worst active one wins; a milder event "
            "never masks it. More is permitted only by an accepted press of the reset button at the machine: the rows "
            "`reset to …`."
        ),
        (
            "What is judged on records can change only while records come. From a stop for drift the ways to RUN are the proving "
            "run, FALLBACK with a healthy program, known answers (`jidoka model answers show`), and records under the key; see "
            "[commissioning](commissioning.md)."
        ),
        "## What happens in which state",
        CELLS,
        table(
            ["kind of event", *names],
            [[f"**{row.event}**", *(cell(each) for each in row.cells)] for row in TABLE],
        ),
        DEATH,
        "## What people read, and the reason on the wire",
        (
            "Block A carries the number of the first cause that isn't acknowledged; rows of the risk register have numbers "
            "from 32 on."
        ),
        table(
            ["kind of event", "text", "reason"], [[f"`{row.event}`", row.text, reason(row)] for row in TABLE]
        ),
        "## The guard's own causes",
        "Those marked with * exist once for each model.",
        table(
            ["cause", "response", "priority", "reason", "text", "remedy"],
            [
                [
                    f"`{row.id}`" + ("*" if row.id in PER_MODEL else ""),
                    row.response,
                    row.priority,
                    f"{REASON_NUMBERS[row.reason]} {row.reason}",
                    row.text,
                    row.remedy,
                ]
                for row in BUILT_IN
            ],
        ),
        "## Numbers of reasons",
        table(["number", "name", "meaning"], [[str(each.number), each.name, each.text] for each in REASONS]),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write the page, or compare it. Returns the exit code."""
    text = document()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print(f"{TARGET} is stale: run python tools/interlock_docs.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
