"""What the guard waits for and for how long, to the nanosecond; and what its records are before anything was said."""

from __future__ import annotations

import pytest
from jidoka_bridge.guard import (
    button,
    changes,
    clock,
    facts,
    known_answers,
    motion,
    override,
    panel,
    trips,
    unjudged,
)
from jidoka_bridge.guard.approved import Approved
from jidoka_bridge.guard.panel import Shown
from jidoka_bridge.messages import MessageError
from jidoka_bridge.plan import Model
from jidoka_bridge.registers import State

from tests.bridge.guard.guard_rig import MS, Rig, plan

SET = "c" * 64
PASSED = {"model": "m", "digest": SET, "passed": True}


def guarded(state: State) -> Rig:
    rig = Rig(plan(models=(Model("m", "enforce", known_answers=SET),)))
    rig.turn(3)
    rig.guard.interlock.state = state
    return rig


@pytest.mark.parametrize("state", [State.START_UP, State.HOLD])
def test_the_known_answers_have_ten_minutes_where_nothing_is_permitted(state: State) -> None:
    guard = guarded(state).guard
    guard.known_answers.announce(5, "m")
    assert guard.known_answers.announced == {"m": 5 + 600_000 * MS}
    known_answers.take(guard, 5 + 600_000 * MS, PASSED)
    assert guard.known_answers.announced == {}
    guard.known_answers.announce(5, "m")
    with pytest.raises(
        MessageError, match=r"^known answers of m: nobody announced them, or their time is over$"
    ):
        known_answers.take(guard, 6 + 600_000 * MS, PASSED)


@pytest.mark.parametrize("state", [State.RUN, State.LOCKOUT, State.FALLBACK, State.OVERRIDE])
def test_they_are_taken_in_no_other_state(state: State) -> None:
    guard = guarded(state).guard
    guard.known_answers.announce(5, "m")
    with pytest.raises(MessageError, match=f"^known answers of m: not in {state.name}$"):
        known_answers.take(guard, 6, PASSED)


def test_a_latch_file_has_a_second_to_be_written() -> None:
    guard = guarded(State.HOLD).guard
    guard.latch_number, guard.latch_written, guard.latch_asked_ns = 9, 8, 7
    facts.watch_latch(guard, 7 + 1_000 * MS)
    assert not guard.causes["latch file"].active
    facts.watch_latch(guard, 8 + 1_000 * MS)
    assert guard.causes["latch file"].active


def test_a_model_has_no_window_until_two_announce_one() -> None:
    fresh = Approved("m", "enforce", "enforce", SET)
    assert fresh == Approved(
        "m", "enforce", "enforce", SET, digest="", left_ns=0, announced=None, is_over=False
    )


def test_a_panel_shows_nothing_until_something_was_answered() -> None:
    shown = Shown()
    assert (shown.cause, shown.revision, shown.since_ns) == ("", 0, 0)
    shown.asks(None)
    shown.answered(9)
    assert (shown.cause, shown.revision, shown.since_ns) == ("", 0, 0)
    shown.asked = ("R-1", 3)
    assert shown.cause == "", "it only went out"
    shown.answered(11)
    shown.answered(13)
    assert (shown.cause, shown.revision, shown.since_ns) == ("R-1", 3, 11)
    shown.is_near = True
    shown.lose()
    assert (shown.cause, shown.revision, shown.is_near) == ("", 0, False)


def test_times_are_those_of_the_specification() -> None:
    second_ns = 10**9
    assert (second_ns, 600 * second_ns) == (clock.STEP_NS, clock.FIRST_SETTING_NS)
    assert (second_ns, second_ns, second_ns) == (panel.READ_NS, facts.LATCH_LIMIT_NS, override.S_NS)
    assert (86_400 * second_ns, 3_600 * second_ns) == (changes.SECOND_NS, trips.HOUR_NS)
    assert 3 * second_ns == button.APPROVE_NS < button.STUCK_NS, "held on purpose, and not stuck"
    assert (2 * second_ns, 3, 5 * second_ns) == (motion.PART_NS, motion.STANDING_PARTS, button.STUCK_NS)


@pytest.mark.parametrize(("state", "counts"), [(State.RUN, True), (State.ADVISE, True), (State.FALLBACK, False), (State.HOLD, False)])  # fmt: skip
def test_what_isnt_judged_is_counted_while_it_could_be_taken_away(
    state: State, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = guarded(state).guard
    monkeypatch.setattr(unjudged, "_unjudged", lambda guard, _: guard.conditions.known[:1])
    unjudged.watch_unjudged(guard, 7)
    assert guard.unjudged._last_ns == (7 if counts else 0)


def test_what_comes_by_no_message_says_how_it_is_done() -> None:
    assert changes.NEVER == {
        "reset": "Press and release the reset button at the machine.",
        "arm": "Press and release the reset button at the machine.",
        "override": "Turn the override key at the machine.",
        "unlock": "An engineer unlocks at the machine: jidoka unlock",
        "table": "Install it while the guard is stopped, then approve its digest at the PLC.",
    }


def test_something_is_permitted_in_these_states() -> None:
    rig = guarded(State.HOLD)
    moving = set()
    for state in State:
        rig.guard.interlock.state = state
        moving |= {state} if facts.is_moving(rig.guard) else set()
    assert moving == {State.RUN, State.ADVISE, State.FALLBACK}
