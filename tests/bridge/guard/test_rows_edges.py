"""Edges of what the interlock's rows watch: the reset button, the clock, the panel, trips, windows; pure parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from jidoka_bridge.guard import changes, panel
from jidoka_bridge.guard.approved import ApprovedModels
from jidoka_bridge.guard.button import ButtonWatch
from jidoka_bridge.guard.changes import GRANTED, NEVER, SECOND_NS, Decision
from jidoka_bridge.guard.clock import FIRST_SETTING_NS, STEP_NS, ClockWatch, Step
from jidoka_bridge.guard.motion import Motion
from jidoka_bridge.guard.trips import HOUR_NS, TripCounters
from jidoka_bridge.guard.unjudged import Unjudged
from jidoka_bridge.messages import MessageError
from jidoka_bridge.plan import Model, Proving, Trips
from jidoka_bridge.registers import State
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

from tests.bridge.guard.guard_rig import MS, Rig, plan

MINUTE_NS = 60_000 * MS

# ---------------------------------------------------------------------- the reset button


@pytest.mark.parametrize(("held_ms", "fault"), [(4_999, ""), (5_000, ""), (5_001, "stuck")])
def test_a_button_is_stuck_when_it_is_down_for_longer_than_five_seconds(held_ms: int, fault: str) -> None:
    button = ButtonWatch()
    button.take(7, True, 1)
    button.take(8, True, 1)
    assert button.down_ns == 7
    assert button.fault(7 + held_ms * MS) == fault


def test_a_button_that_came_up_begins_anew() -> None:
    button = ButtonWatch()
    button.take(7, True, 1)
    button.take(8, False, 2)
    assert button.down_ns == 0
    button.take(9, True, 3)
    assert button.down_ns == 9


@pytest.mark.parametrize(("after_ns", "fault"), [(2_000 * MS, "bounces"), (2_000 * MS + 1, "")])
def test_ten_edges_bounce_within_two_seconds_and_no_longer(after_ns: int, fault: str) -> None:
    button = ButtonWatch()
    button.take(5, False, 0)
    for edges in range(1, 11):
        button.take(5, False, edges)
    assert button.fault(5 + after_ns) == fault


def test_edges_of_before_the_line_was_away_dont_bounce() -> None:
    button = ButtonWatch()
    button.take(5, True, 0)
    button.take(5, True, 9)
    button.forget()
    assert button.down_ns == 0
    button.take(6, False, 20)  # the first count after it is where counting begins
    button.take(7, False, 21)
    assert button.fault(8) == ""


# ---------------------------------------------------------------------- the clock


@pytest.mark.parametrize(
    ("by_ns", "boot_ns", "step"),
    [
        (STEP_NS, 5, None),
        (-STEP_NS, 5, None),
        (STEP_NS + 1, 5, Step(STEP_NS + 1, True)),
        (-STEP_NS - 1, 5, Step(-STEP_NS - 1, False)),
        (STEP_NS + 1, FIRST_SETTING_NS - 1, Step(STEP_NS + 1, True)),
        (STEP_NS + 1, FIRST_SETTING_NS, Step(STEP_NS + 1, False)),
    ],
)
def test_a_step_is_more_than_a_second_and_only_one_forward_soon_after_the_start_sets_the_clock(
    by_ns: int, boot_ns: int, step: Step | None
) -> None:
    watch = ClockWatch()
    assert watch.step(1_000, 0) is None
    assert watch.step(1_000 + boot_ns + by_ns, boot_ns) == step


def test_a_clock_is_set_for_the_first_time_once_only() -> None:
    watch = ClockWatch()
    watch.step(0, 0)
    assert watch.step(2 * STEP_NS, 0) == Step(2 * STEP_NS, True)
    assert watch.step(4 * STEP_NS, 0) == Step(2 * STEP_NS, False)
    assert watch.step(4 * STEP_NS, 0) is None


def test_many_small_moves_make_a_step() -> None:
    watch = ClockWatch()
    assert [watch.step(each * STEP_NS * 2 // 3, 0) is None for each in range(3)] == [True, True, False]


# ---------------------------------------------------------------------- trips


def test_a_trip_counts_as_long_as_the_window_of_the_plan_and_no_longer() -> None:
    trips = TripCounters(Trips(most=2, within_h=1.0))
    for at_ns in (10, 20, 30):
        trips.add(at_ns, "R-1")
    assert trips.at_ns == {"R-1": [10, 20, 30]}
    assert trips.is_over(10 + HOUR_NS, "R-1")
    assert not trips.is_over(11 + HOUR_NS, "R-1")
    assert not trips.is_over(30, "R-2")
    trips.add(40, "R-1")
    assert trips.at_ns == {"R-1": [20, 30, 40]}  # no more than decide
    trips.add(25 + HOUR_NS, "R-1")
    assert trips.at_ns == {"R-1": [30, 40, 25 + HOUR_NS]}
    trips.forget("R-1")
    trips.forget("R-2")
    assert trips.at_ns == {}


@pytest.mark.parametrize(("is_same_boot", "kept"), [(True, [100 * MS, 400 * MS]), (False, [500 * MS] * 2)])
def test_trips_survive_a_restart_with_their_age_and_another_boot_as_of_now(
    is_same_boot: bool, kept: list[int]
) -> None:
    trips = TripCounters(Trips(most=2, within_h=1.0))
    trips.restore(500 * MS, {"R-1": [400, 100]}, is_same_boot)
    assert trips.at_ns == {"R-1": kept}
    assert trips.fresh == {"R-1"}
    assert trips.ages_ms(501 * MS + 999_999) == {"R-1": [(501 * MS + 999_999 - each) // MS for each in kept]}


# ---------------------------------------------------------------------- parts


def test_new_parts_are_counted_from_the_first_count_seen_and_never_backwards() -> None:
    motion = Motion()
    assert [motion.new_parts(each) for each in (0, 1, 5, 5, 2, 3)] == [0, 1, 4, 0, 0, 1]


def test_what_isnt_judged_is_counted_in_parts_and_in_running_time() -> None:
    unjudged = Unjudged(Proving(parts=3, minutes=2.0))
    unjudged.take(10, 100, True)
    assert (unjudged.parts, unjudged.running_ns) == (0, 0)
    unjudged.take(10 + MINUTE_NS, 101, True)
    unjudged.take(10 + 2 * MINUTE_NS, 90, False)  # it stands; a count that goes back is no part
    assert (unjudged.parts, unjudged.running_ns, unjudged.is_over) == (1, MINUTE_NS, False)
    unjudged.take(9 + 3 * MINUTE_NS, 90, True)
    assert not unjudged.is_over
    unjudged.take(10 + 3 * MINUTE_NS, 90, True)
    assert unjudged.is_over
    unjudged.forget()
    assert (unjudged.parts, unjudged.running_ns, unjudged.is_over) == (0, 0, False)
    unjudged.take(10 + 9 * MINUTE_NS, 200, True)
    unjudged.take(10 + 9 * MINUTE_NS, 203, False)
    assert (unjudged.parts, unjudged.running_ns, unjudged.is_over) == (3, 0, True)


# ---------------------------------------------------------------------- models and people


def test_a_window_survives_a_restart_in_whole_steps_and_is_never_longer_than_the_plan_allows() -> None:
    models = ApprovedModels((Model("m", "enforce"), Model("n", "observe")), 0)
    models.restore({"m": 25_999, "n": 99_000}, {"m": "observe", "n": "enforce"}, 60_000)
    assert models.windows_ms() == {"m": 20_000, "n": 60_000}
    assert models.modes() == {"m": "observe"}  # what the plan only observes is never put in enforce
    assert [each.mode for each in models.models] == ["observe", "observe"]
    models.restore({}, {}, 60_000)
    assert models.windows_ms() == {}


def announced(**fields: Any) -> dict[str, Any]:
    return {"role": "engineer", "model": "m", "person": "e1", "ms": 60_000, **fields}


@pytest.mark.parametrize(
    ("fields", "later_ns", "is_open"),
    [
        ({"person": "e2"}, 0, True),
        ({"person": "e2"}, SECOND_NS, True),
        ({"person": "e2"}, SECOND_NS + 1, False),
        ({"person": "e2", "ms": 60_001}, 0, False),
        ({}, 0, False),
    ],
)
def test_another_person_opens_a_window_of_the_same_length_within_a_day(
    fields: dict[str, Any], later_ns: int, is_open: bool
) -> None:
    rig = Rig(plan())
    rig.turn(3)
    assert changes.announce_window(rig.guard, rig.now, announced()) == GRANTED
    assert changes.announce_window(rig.guard, rig.now + later_ns, announced(**fields)) == GRANTED
    each = rig.guard.approved.by_id["m"]
    assert (each.left_ns, each.announced is None) == ((60_000 * MS, True) if is_open else (0, False))
    rig.collect()
    last = rig.events[-1]
    assert last["event"] == ("window open" if is_open else "window announced")
    assert last["evidence"] == {"model": "m", "ms": fields.get("ms", 60_000)}


@pytest.mark.parametrize("length_ms", [0, -1, None, "60000", True, 1.5])
def test_a_window_has_a_length_in_whole_ms_that_the_plan_allows(length_ms: object) -> None:
    rig = Rig(plan())
    rig.turn(3)
    most_ms = rig.plan.times.window_s * 1_000
    told = (f"a window has 1 to {most_ms} ms", "Give its length in ms.")
    assert changes.announce_window(rig.guard, rig.now, announced(ms=length_ms)) == told
    assert changes.announce_window(rig.guard, rig.now, announced(ms=most_ms + 1)) == told
    assert changes.announce_window(rig.guard, rig.now, announced(ms=most_ms)) == GRANTED
    assert changes.announce_window(rig.guard, rig.now, announced(ms=1)) == GRANTED


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"role": "nobody"}, ("the role nobody may not announce a window", "Ask somebody who may: see docs/reference.md.")),
        ({"role": ""}, ("the role (none) may not announce a window", "Ask somebody who may: see docs/reference.md.")),
        ({"remote": True}, ("nobody may announce a window from elsewhere", "Do it at the machine.")),
        ({"model": "x"}, ("there is no model 'x'", "One of: m.")),
        ({"person": " "}, ("it must be known who it is", "Give your name or pseudonym.")),
    ],
)  # fmt: skip
def test_an_act_on_a_model_says_why_it_isnt_done_and_is_recorded(
    fields: dict[str, Any], told: tuple[str, str]
) -> None:
    rig = Rig(plan())
    rig.turn(3)
    assert changes.announce_window(rig.guard, rig.now, announced(**fields)) == told
    rig.collect()
    assert rig.events[-1]["event"] == "change refused"


@pytest.mark.parametrize("command", [*NEVER, "", "dance"])
def test_what_raises_comes_by_no_message(command: str) -> None:
    rig = Rig(plan())
    rig.turn(3)
    why, remedy = changes.refuse_command(
        rig.guard, rig.now, {"command": command, "role": "engineer", "person": "e1"}
    )
    assert why == f"{command or '(nothing)'} comes by no message"
    assert remedy == NEVER.get(command, "Do it at the machine.")
    rig.collect()
    assert rig.events[-1]["event"] == "command refused"


# ---------------------------------------------------------------------- what is refused, in words

KNOWN = Model("m", "enforce", longest_interval_ms=1000, digest="a" * 64, known_answers="c" * 64)
ENGINEER = {"role": "engineer", "model": "m", "person": "e1"}


def refused(act: Callable[..., Decision], rig: Rig, **fields: Any) -> Decision:
    """What the person reads; the record has it too, with who it was."""
    told = act(rig.guard, rig.now + 5, {**ENGINEER, **fields})
    rig.collect()
    last = rig.events[-1]
    assert (last["event"], last["ns"], last["reasons"]) == ("change refused", rig.now + 5, [told[0]])
    assert last["person"] == {"role": "engineer", "pseudonym": "e1"}
    return told


def approved_rig(place: str = "HOLD", **changes_of_plan: Any) -> Rig:
    rig = Rig(plan(models=(KNOWN,), **changes_of_plan))
    rig.turn(3)
    if place == "RUN":
        rig.prove()
    return rig


def test_a_mode_is_refused_in_words() -> None:
    rig = approved_rig()
    assert refused(changes.set_mode, rig, mode="none", role="engineer") == (
        "'none' is no mode to change to", "One of: observe, enforce.",
    )  # fmt: skip
    only_observed = Rig(plan(models=(Model("m", "observe"),)))
    assert refused(changes.set_mode, only_observed, mode="enforce") == (
        "m isn't in enforce by the plan", "Change the configuration.",
    )  # fmt: skip
    assert refused(changes.set_mode, approved_rig("RUN"), mode="enforce") == (
        "nothing may be given back while something is permitted", "Hold the machine first: jidoka hold",
    )  # fmt: skip


def test_known_answers_are_refused_in_words() -> None:
    without = Rig(plan())
    without.turn(3)
    assert refused(changes.announce_answers, without, digest="") == (
        "m has no known answers", "Add them to the configuration.",
    )  # fmt: skip
    assert refused(changes.announce_answers, approved_rig(), digest="b" * 64) == (
        "it isn't the set of the plan", f"Show the one whose digest is {'c' * 16}….",
    )  # fmt: skip
    assert refused(changes.announce_answers, approved_rig("RUN"), digest="c" * 64) == (
        "not in RUN", "Hold the machine first: jidoka hold",
    )  # fmt: skip


def test_a_window_is_refused_in_words_while_it_is_locked_out() -> None:
    rig = approved_rig()
    rig.guard.interlock.state = State.LOCKOUT
    assert refused(changes.announce_window, rig, ms=60_000) == (
        "it is locked out", "An engineer unlocks first: jidoka unlock",
    )  # fmt: skip


def test_a_model_that_there_isnt_is_refused_with_those_that_there_are() -> None:
    rig = Rig(plan(models=(Model("m", "enforce"), Model("n", "enforce"))))
    assert refused(changes.announce_window, rig, model="x", ms=1) == (
        "there is no model 'x'",
        "One of: m, n.",
    )


def test_people_are_shown_each_models_mode_and_how_long_its_window_is_open() -> None:
    models = ApprovedModels((KNOWN, Model("n", "observe")), 700)
    models.by_id["m"].mode, models.by_id["m"].left_ns = "observe", 300
    models.by_id["n"].announced = (1, "e1", 2)
    assert models.shown() == [
        {"id": "m", "mode": "observe", "planned": "enforce", "window_until_ns": 1_000, "announced": False},
        {"id": "n", "mode": "observe", "planned": "observe", "window_until_ns": 0, "announced": True},
    ]


@pytest.mark.parametrize("digest", ["a" * 63, "a" * 65, "g" * 64, "", "X" * 64])
def test_a_digest_is_64_hex_digits_of_a_model_of_the_plan(digest: str) -> None:
    models = ApprovedModels((KNOWN,), 0)
    for model, told in (("m", digest), ("x", "a" * 64)):
        with pytest.raises(MessageError, match=r"^it tells of no model of the plan, or no SHA-256$"):
            models.take_digest({"model": model, "digest": told})
    models.take_digest({"model": "m", "digest": "0123456789ABCDEF" * 4})
    assert models.by_id["m"].digest == "0123456789abcdef" * 4


@pytest.mark.parametrize(("number", "reason"), [(0, ""), (1, ACKNOWLEDGE_REASONS[0]), (len(ACKNOWLEDGE_REASONS), ACKNOWLEDGE_REASONS[-1]), (len(ACKNOWLEDGE_REASONS) + 1, "")])  # fmt: skip
def test_the_reason_at_the_plcs_panel_is_one_of_the_numbered(number: int, reason: str) -> None:
    rig = approved_rig("RUN", ack_at="either")
    rig.hold()
    rig.turn(20)
    before = rig.guard.view
    view = dataclasses.replace(
        before, acknowledges=before.acknowledges + 1, acknowledge_reason=number, person=7
    )
    panel.take(rig.guard, rig.now, view)
    rig.collect()
    last = rig.events[-1]
    assert (last["event"], last.get("reason", "")) == (
        "acknowledge" if reason else "acknowledge refused",
        reason,
    )
    assert last["person"]["pseudonym"] == "PLC 7"
