"""What the monitor said of each condition, at the edges: whose run it is, when it was judged, what is kept of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from jidoka_bridge.guard.conditions import AHEAD_NS, HOUR_NS, Conditions
from jidoka_bridge.messages import Condition, Judgement, MessageError
from jidoka_bridge.plan import ConditionSpec, Model

from tests.bridge.guard.guard_rig import plan

ON, OFF, UNKNOWN = Judgement.ON, Judgement.OFF, Judgement.UNKNOWN
NOW = 10 * HOUR_NS
S, V = 0, 1  # judged on records, and of the data itself


def made(mode: str = "enforce", valid_h: float = 1.0) -> Conditions:
    return Conditions(
        plan(
            models=(Model("m", mode),),
            conditions=(ConditionSpec("s", "m", True, 0.0), ConditionSpec("v", "m", False, 0.0, True)),
            causes=(),
            judgement_valid_h=valid_h,
        )
    )


def say(conditions: Conditions, index: int, judgement: Judgement, now_ns: int = NOW, **more: Any) -> bool:
    values: dict[str, Any] = {"judged_ns": now_ns, "run": conditions.run, **more}
    return conditions.take(now_ns, Condition(index, judgement, 1, **values))


def test_new_ones_know_nothing_and_no_run_is_under_way() -> None:
    conditions = made()
    assert (conditions.run, conditions.in_proving) == (0, False)
    assert type(conditions.in_proving) is bool
    known = conditions.by_id["s"]
    assert (known.judgement, known.is_on, known.reported, known.by_run) == (UNKNOWN, False, False, True)
    conditions.in_proving = True
    assert not say(conditions, S, OFF, judged_ns=0)
    assert known.judgement is OFF, "no run began yet that it could be older than"


def test_a_start_afresh_without_a_time_is_older_than_every_judgement() -> None:
    conditions = made()
    conditions.start_afresh(3, proving=True)
    say(conditions, S, OFF, judged_ns=0)
    assert conditions.by_id["s"].judgement is OFF


def test_a_condition_is_one_of_the_plan_and_judged_off_by_now() -> None:
    conditions = made()
    with pytest.raises(MessageError, match="condition 2 isn't one of the plan's 2"):
        say(conditions, 2, OFF)
    with pytest.raises(MessageError, match="condition 0 was judged off in the future"):
        say(conditions, S, OFF, judged_ns=NOW + AHEAD_NS + 1)
    assert not conditions.by_id["s"].reported
    say(conditions, S, OFF, judged_ns=NOW + AHEAD_NS)
    assert conditions.by_id["s"].judgement is OFF


def test_what_is_no_number_is_kept_as_zero() -> None:
    conditions = made()
    known = conditions.by_id["s"]
    say(conditions, S, ON, value=3.5, limit=4.5)
    assert (known.value, known.limit) == (3.5, 4.5)
    say(conditions, S, ON, value=math.inf, limit=math.nan)
    assert (known.value, known.limit) == (0.0, 0.0)


def test_a_judgement_on_records_that_names_no_time_takes_nothing_away() -> None:
    conditions = made("observe")
    for index, is_on in ((S, True), (V, False)):
        say(conditions, index, ON)
        say(conditions, index, OFF, judged_ns=0)
        assert conditions.known[index].is_on is is_on
    say(conditions, S, OFF, judged_ns=1)
    assert not conditions.known[S].is_on


def test_a_new_monitor_has_reported_nothing_yet() -> None:
    conditions = made()
    say(conditions, S, ON)
    say(conditions, V, OFF)
    conditions.monitor_lost()
    assert [(each.judgement, each.reported, each.is_on) for each in conditions.known] == [
        (UNKNOWN, False, True), (UNKNOWN, False, False),
    ]  # fmt: skip


# ---------------------------------------------------------------------- known answers


def test_what_the_answers_ruled_out_stays_so_for_what_is_older_or_unknown() -> None:
    conditions = made()
    conditions.run = 5
    known = conditions.by_id["s"]
    for judgement, run in ((ON, 4), (OFF, 4), (UNKNOWN, 5)):
        conditions.answered(NOW, "m", True)
        assert not say(conditions, S, judgement, NOW + 1, run=run)
        assert (known.judgement, known.is_on, known.answered_ns) == (OFF, False, NOW)
        assert conditions.is_off(known, NOW + 1)
    assert say(conditions, S, ON, NOW + 1, run=5), "records of this run decide"
    assert (known.is_on, known.answered_ns) == (True, 0)


def test_in_observe_no_judgement_is_of_another_run() -> None:
    conditions = made("observe")
    conditions.run = 5
    conditions.answered(NOW, "m", True)
    assert say(conditions, S, ON, NOW + 1, run=4)


def test_wrong_answers_are_taken_away_by_what_was_judged_after_them_only() -> None:
    conditions = made()
    known = conditions.by_id["s"]
    conditions.answered(NOW, "m", False)
    assert not say(conditions, S, OFF, NOW + 5, judged_ns=NOW)
    assert (known.judgement, known.is_on, known.wrong_ns) == (ON, True, NOW)
    assert not say(conditions, S, OFF, NOW + 5, judged_ns=NOW - 1)
    assert known.is_on
    assert not say(conditions, S, OFF, NOW + 5, judged_ns=NOW + 1)
    assert (known.judgement, known.is_on, known.wrong_ns) == (OFF, False, 0)
    say(conditions, S, ON)
    assert not say(conditions, S, OFF, NOW + 6, judged_ns=NOW - 1), "nothing is newly on"
    assert not known.is_on, "and what was wrong is no hindrance any more"


def test_the_answers_count_for_their_run_however_early_they_came() -> None:
    conditions = made()
    conditions.start_afresh(0, proving=False, now_ns=5)
    known = conditions.by_id["s"]
    conditions.answered(1, "m", True)
    assert conditions.is_off(known, 6)
    known.answered_ns = 0
    assert not conditions.is_off(known, 6), "a judgement from before the run"
    known.judged_ns = 5
    assert conditions.is_off(known, 6)


# ---------------------------------------------------------------------- outdated


@pytest.mark.parametrize(
    ("mode", "judgement", "run", "age_ns", "expected"),
    [
        ("enforce", OFF, 3, HOUR_NS, False),
        ("enforce", OFF, 3, HOUR_NS + 1, True),
        ("enforce", OFF, 2, 0, True),
        ("enforce", ON, 3, HOUR_NS + 1, False),
        ("enforce", ON, 2, 0, True),
        ("enforce", UNKNOWN, 3, 0, False),
        ("enforce", UNKNOWN, 2, 0, True),
        ("observe", OFF, 3, HOUR_NS + 1, False),
        ("observe", ON, 2, 0, False),
    ],
)
def test_what_cannot_count_any_more_is_outdated(
    mode: str, judgement: Judgement, run: int, age_ns: int, expected: bool
) -> None:
    conditions = made(mode)
    conditions.run = 3
    say(conditions, S, judgement, NOW, run=run)
    found = conditions.is_outdated(S, NOW + age_ns)
    assert found is expected
    conditions.known[S].reported = False
    assert conditions.is_outdated(S, NOW + age_ns) is False, "what nobody said isn't old"
