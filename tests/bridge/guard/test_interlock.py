"""The table of the interlock, every state by every row, and the pure machine on it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka_bridge.guard.interlock import (
    BY_EVENT,
    STATES,
    TABLE,
    WORDS,
    Interlock,
    Row,
    _row,
    faults_of_table,
)
from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.registers import State, Word

CASES = [(row.event, state) for row in TABLE for state in STATES]
#: the only kinds of event after which more may be permitted than before
RAISING = {"reset to run", "reset to advise", "reset to fallback", "reset to proving run"}
STAYS = {".", "noted", "-", "R!"}


def machine(state: State, proving: bool = False) -> Interlock:
    interlock = Interlock()
    interlock.state, interlock.proving = state, proving
    return interlock


def test_the_table_is_whole() -> None:
    assert faults_of_table() == []
    assert _row("event", " RUN   HOLD ", "reason", "Text.") == Row(
        "event", ("RUN", "HOLD"), "reason", "Text."
    )


def test_the_machine_begins_in_start_up_permitting_nothing() -> None:
    assert (Interlock().state, Interlock().proving, Interlock().word) == (
        State.START_UP,
        False,
        Word.WITHHOLD,
    )


@pytest.mark.parametrize(("event", "state"), CASES)
def test_every_cell_does_what_it_says(event: str, state: State) -> None:
    cell = BY_EVENT[event].cells[STATES.index(state)]
    usual, _, in_proving = cell.partition("/")
    for proving, expected in ((False, usual), (True, in_proving or usual)):
        if proving and state is not State.FALLBACK:
            continue
        step = machine(state, proving).apply(event)
        if expected in STAYS:
            assert (step.state, step.proving, step.is_changed) == (state, proving, False)
        elif expected == "proving":
            assert (step.state, step.proving) == (State.FALLBACK, True)
        else:
            assert (step.state.name, step.proving) == (expected, False)
        assert step.is_refused == (expected == "R!")


@pytest.mark.parametrize(("event", "state"), CASES)
def test_only_a_local_reset_raises(event: str, state: State) -> None:
    for proving in (False, True) if state is State.FALLBACK else (False,):
        step = machine(state, proving).apply(event)
        rises = RANK[WORDS[step.state]] > RANK[WORDS[state]]
        assert not rises or event in RAISING


@pytest.mark.parametrize(("event", "state"), CASES)
def test_lockout_is_left_by_an_engineer_only_and_only_to_hold(event: str, state: State) -> None:
    if state is State.LOCKOUT:
        expected = State.HOLD if event == "engineer unlock" else State.LOCKOUT
        assert machine(state).apply(event).state is expected


@pytest.mark.parametrize("state", STATES)
def test_an_unknown_kind_of_event_locks_out(state: State) -> None:
    step = machine(state).apply("no such kind")
    assert (step.event, step.state, step.proving) == ("fault", State.LOCKOUT, False)


def test_an_unknown_state_locks_out_and_writes_withhold() -> None:
    interlock = Interlock()
    interlock.state = 99  # type: ignore[assignment]
    assert interlock.word is Word.WITHHOLD
    assert interlock.apply("hold cause on").state is State.LOCKOUT


def test_override_writes_abstain_and_a_is_never_written_without_m() -> None:
    assert WORDS[State.OVERRIDE] is Word.ABSTAIN
    assert [state for state in STATES if RANK[WORDS[state]] == 2] == [State.RUN, State.ADVISE]
    assert [state for state in STATES if RANK[WORDS[state]] == 1] == [State.FALLBACK]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.event)
def test_every_row_has_a_sentence_that_fits_the_screen(row: object) -> None:
    text = BY_EVENT[row.event].text  # type: ignore[attr-defined]
    assert text.endswith(".")
    assert len(text) <= 100


def test_a_seeded_fault_in_the_table_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import jidoka_bridge.guard.interlock as module

    row = TABLE[3]
    for damaged, fault in (
        (row._replace(cells=row.cells[1:]), f"{row.event}: 6 cells for 7 states"),
        (row._replace(text=""), f"{row.event}: no text"),
        (row._replace(cells=("RUN/PARTY", *row.cells[1:])), f"{row.event}: unknown cell RUN/PARTY"),
        (row._replace(reason="a whim"), f"{row.event}: no reason 'a whim' in the register map"),
        (TABLE[2], "a kind of event has two rows"),
    ):
        rows = (*TABLE[:3], damaged, *TABLE[4:])
        monkeypatch.setattr(module, "TABLE", rows)
        monkeypatch.setattr(module, "BY_EVENT", {row.event: row for row in rows})
        assert module.faults_of_table() == [fault]
    monkeypatch.undo()
    monkeypatch.delitem(module.WORDS, State.HOLD)
    assert module.faults_of_table() == ["a state has no word"]


def test_the_digest_covers_cells_reasons_and_words_and_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    import jidoka_bridge.guard.interlock as module

    before, row = module.digest(), TABLE[0]
    words = ",".join(
        f'"{state.name}":"{WORDS[state].name}"' for state in sorted(WORDS, key=lambda each: each.name)
    )
    rows = ",".join(
        f'["{each.event}",[{",".join(f"{chr(34)}{cell}{chr(34)}" for cell in each.cells)}],"{each.reason}"]'
        for each in TABLE
    )
    assert before == hashlib.sha256(f"[[{rows}],{{{words}}}]".encode()).hexdigest()
    monkeypatch.setattr(module, "TABLE", (row._replace(text="Other words."), *TABLE[1:]))
    assert module.digest() == before
    for changed in (
        row._replace(reason="mode"),
        row._replace(cells=("RUN", *row.cells[1:])),
        row._replace(event="x"),
    ):
        monkeypatch.setattr(module, "TABLE", (changed, *TABLE[1:]))
        assert module.digest() != before
    monkeypatch.undo()
    monkeypatch.setitem(module.WORDS, State.HOLD, Word.MACHINE)
    assert module.digest() != before


@given(st.lists(st.sampled_from([row.event for row in TABLE])))
def test_no_order_of_events_permits_without_a_reset_since_the_last_stop(events: list[str]) -> None:
    interlock, allowed = Interlock(), False
    for event in events:
        before = RANK[interlock.word]
        step = interlock.apply(event)
        allowed = (allowed and RANK[interlock.word] > 0) or (event in RAISING and not step.is_refused)
        assert RANK[interlock.word] <= before or event in RAISING
        assert allowed or RANK[interlock.word] == 0
        assert not interlock.proving or interlock.state is State.FALLBACK
