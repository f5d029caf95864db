"""The guard condition lack by lack: what each cause says that it lacks, and which lesser target that still allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.guard.guard_condition import (
    FALLBACK,
    NONE,
    PROVING,
    RUN,
    STATE_LACKS,
    TARGETS,
    Lack,
    Offer,
    _target,
    lacks_of_causes,
    lacks_of_people,
    offer,
)
from jidoka_bridge.messages import Condition, Judgement
from jidoka_bridge.plan import CauseSpec, ConditionSpec, Model
from jidoka_bridge.registers import State

from tests.bridge.guard.guard_rig import DRIFT, Rig, plan

ON, OFF, UNKNOWN = Judgement.ON, Judgement.OFF, Judgement.UNKNOWN
#: two that are judged on records (s, t), two that aren't (v, w)
NAMES = ("s", "t", "v", "w")
NOW = 1_000


def made(*causes: tuple[str, str, str], on_delay_ms: int = 0) -> tuple[Conditions, Causes]:
    """Causes as (id, response, letters of the conditions of which any makes it)."""
    a_plan = plan(
        fallback="program 7",
        conditions=tuple(ConditionSpec(name, "m", name in "st", 0.0) for name in NAMES),
        causes=tuple(
            CauseSpec(name, "risk", response, "high", 40, f"{name}!", "Look.", tuple(letters), on_delay_ms=on_delay_ms)
            for name, response, letters in causes
        ),
    )  # fmt: skip
    conditions = Conditions(a_plan)
    return conditions, Causes(a_plan, conditions)


def say(conditions: Conditions, told: Mapping[str, Judgement], judged_n: int = 3, needed_n: int = 20) -> None:
    for name, judgement in told.items():
        conditions.take(
            NOW,
            Condition(
                NAMES.index(name), judgement, 1, judged_ns=NOW, judged_n=judged_n, needed_n=needed_n,
                run=conditions.run,
            ),
        )  # fmt: skip


def lacks(causes: Causes, in_proving: bool = False, acknowledged: bool = True) -> dict[str, set[str]]:
    """What is lacking and what each allows."""
    for cause in causes:
        if acknowledged:
            cause.acknowledge(NOW, {"role": "operator", "pseudonym": "p1"})
    found = lacks_of_causes(causes, NOW, in_proving) + lacks_of_people(causes)
    assert len({lack.text for lack in found}) == len(found)
    return {lack.text: set(lack.allows) for lack in found}


def test_nothing_is_lacking_where_all_is_judged_off() -> None:
    conditions, causes = made(("R", "hold", "stvw"))
    say(conditions, dict.fromkeys(NAMES, OFF))
    assert lacks(causes) == {}


def test_where_enough_was_judged_before_and_doesnt_count_any_more_records_of_now_are_asked_for() -> None:
    conditions, causes = made(("R", "hold", "s"))
    say(conditions, {"s": UNKNOWN})
    known = conditions.by_id["s"]
    for judged_n, count in (
        (19, ": 19 of 20 records judged"),
        (20, ": records of now are needed"),
        (285, ": records of now are needed"),
    ):
        known.judged_n = judged_n
        assert lacks(causes) == {f"s isn't judged yet{count}": {PROVING}}


@pytest.mark.parametrize(
    ("response", "letters", "told", "expected"),
    [
        # active: forgiven by a fallback where the cause asks for one, by a proving run where records judge it
        ("hold", "s", {"s": ON}, {"R is active: R!": {PROVING}}),
        ("hold", "v", {"v": ON}, {"R is active: R!": set()}),
        ("lockout", "v", {"v": ON}, {"R is active: R!": set()}),
        ("fallback", "s", {"s": ON}, {"R is active: R!": {FALLBACK, PROVING}}),
        ("fallback", "v", {"v": ON}, {"R is active: R!": {FALLBACK}}),
        ("hold", "sv", {"s": ON, "v": OFF}, {"R is active: R!": {PROVING}}),
        # not judged: never heard of, heard of as unknown, with and without a count
        ("hold", "s", {}, {"s isn't judged yet": {PROVING}}),
        ("hold", "s", {"s": UNKNOWN}, {"s isn't judged yet: 3 of 20 records judged": {PROVING}}),
        ("fallback", "s", {"s": UNKNOWN}, {"s isn't judged yet: 3 of 20 records judged": {FALLBACK, PROVING}}),
        ("hold", "v", {}, {"v: the monitor hasn't reported it yet": set()}),
        ("hold", "v", {"v": UNKNOWN}, {"v: isn't judged": set()}),
        ("fallback", "v", {}, {"v: the monitor hasn't reported it yet": {FALLBACK}}),
        ("fallback", "v", {"v": UNKNOWN}, {"v: isn't judged": {FALLBACK}}),
        # each of several
        (
            "hold", "vswt", {"s": UNKNOWN, "w": UNKNOWN, "t": OFF},
            {"v: the monitor hasn't reported it yet": set(), "s isn't judged yet: 3 of 20 records judged": {PROVING},
             "w: isn't judged": set()},
        ),
        (
            "hold", "sv", {"s": ON, "v": UNKNOWN},
            {"R is active: R!": {PROVING}, "v: isn't judged": set()},
        ),
    ],
)  # fmt: skip
def test_each_cause_says_what_it_lacks_and_what_that_still_allows(
    response: str, letters: str, told: dict[str, Judgement], expected: dict[str, set[str]]
) -> None:
    conditions, causes = made(("R", response, letters))
    say(conditions, told)
    causes.judge(NOW, set())
    assert lacks(causes) == expected


def test_what_doesnt_trip_is_never_asked_for() -> None:
    conditions, causes = made(("R", "advise", "sv"))
    say(conditions, {"s": ON, "v": UNKNOWN})
    causes.judge(NOW, set())
    assert lacks(causes, acknowledged=False) == {}


def test_every_cause_is_asked_not_only_the_last() -> None:
    conditions, causes = made(("R", "hold", "s"), ("Q", "fallback", "t"), ("P", "hold", "v"))
    say(conditions, {"s": ON, "t": ON, "v": OFF})
    causes.judge(NOW, set())
    assert lacks(causes) == {"R is active: R!": {PROVING}, "Q is active: Q!": {FALLBACK, PROVING}}


def test_without_a_count_no_count_is_told() -> None:
    conditions, causes = made(("R", "hold", "s"))
    say(conditions, {"s": UNKNOWN}, judged_n=0, needed_n=0)
    assert lacks(causes) == {"s isn't judged yet": {PROVING}}


def test_what_was_on_and_is_unknown_now_is_told_once_as_active() -> None:
    conditions, causes = made(("R", "hold", "s"), ("Q", "hold", "v"))
    say(conditions, {"s": ON, "v": ON})
    causes.judge(NOW, set())
    say(conditions, {"s": UNKNOWN, "v": UNKNOWN})
    assert lacks(causes) == {"R is active: R!": {PROVING}, "Q is active: Q!": set()}


def test_a_proving_run_lacks_the_records_that_judge_it_until_they_are_there() -> None:
    conditions, causes = made(("R", "hold", "s"))
    say(conditions, {"s": ON})
    causes.judge(NOW, set())
    conditions.start_afresh(run=1, proving=True)
    assert lacks(causes, in_proving=True) == {"s isn't judged yet: 0 of 20 records judged": {PROVING}}
    say(conditions, {"s": OFF})
    causes.judge(NOW, set())
    assert lacks(causes, in_proving=True) == {}


def test_in_a_proving_run_what_is_judged_bad_cant_be_ruled_out_and_allows_no_other_run() -> None:
    conditions, causes = made(("R", "hold", "s"), ("Q", "fallback", "t"))
    conditions.start_afresh(run=1, proving=True)
    say(conditions, {"s": ON, "t": ON})
    causes.judge(NOW, set())
    expected = {"R can't be ruled out yet": set(), "Q can't be ruled out yet": {FALLBACK}}
    assert lacks(causes, in_proving=True) == expected


def test_a_proving_run_excuses_nothing_that_no_record_judges() -> None:
    conditions, causes = made(("R", "hold", "v"))
    say(conditions, {"v": ON})
    causes.judge(NOW, set())
    assert lacks(causes, in_proving=True) == {"R is active: R!": set()}


def test_a_condition_that_is_on_within_its_delay_cant_be_ruled_out() -> None:
    conditions, causes = made(("R", "hold", "v"), ("Q", "fallback", "s"), on_delay_ms=500)
    say(conditions, {"v": ON, "s": ON})
    causes.judge(NOW, set())
    assert lacks(causes) == {"R can't be ruled out yet": set(), "Q can't be ruled out yet": {FALLBACK}}


@pytest.mark.parametrize(
    ("role", "two", "who"),
    [("", False, ""), ("maintenance", False, " by maintenance"), ("", True, " by a second person")],
)
def test_who_must_acknowledge_is_told(role: str, two: bool, who: str) -> None:
    conditions, causes = made(("R", "hold", "v"))
    say(conditions, {"v": ON})
    causes.judge(NOW, set())
    causes["R"].needs_two = two
    if two:
        causes["R"].acknowledge(NOW, {"role": "operator", "pseudonym": "p1"})
    causes["R"].needs_role = role
    text = f"R (revision 1) must be acknowledged{who} with a reason"
    assert lacks(causes, acknowledged=False) == {"R is active: R!": set(), text: set()}


def test_a_lack_that_says_nothing_allows_nothing() -> None:
    assert Lack("something").allows == frozenset()


@pytest.mark.parametrize("state", TARGETS)
@pytest.mark.parametrize("is_healthy", [False, True])
def test_a_state_gives_only_what_the_specification_lets_it_give(state: State, is_healthy: bool) -> None:
    """INTERLOCK §4, the rows of a local reset: from START-UP and HOLD to all three, from FALLBACK to RUN, else to none."""
    may = {
        State.START_UP: {RUN, FALLBACK, PROVING},
        State.HOLD: {RUN, FALLBACK, PROVING},
        State.FALLBACK: {RUN},
    }
    wanted = may.get(state, set())
    assert set(TARGETS[state]) == wanted
    assert len(TARGETS) == len(State)
    for allows, target in (
        ([], RUN),
        ([FALLBACK], FALLBACK if is_healthy else NONE),
        ([PROVING], PROVING),
        ([FALLBACK, PROVING], FALLBACK if is_healthy else PROVING),
    ):
        given = [Lack("x", frozenset(allows))] if allows else []
        assert _target(state, given, is_healthy) == (target if target in wanted else NONE)


def test_a_lockout_and_the_key_are_the_first_that_is_missing_and_nothing_else_helps() -> None:
    assert set(STATE_LACKS) == {State.LOCKOUT, State.OVERRIDE}
    more = [Lack("x", frozenset({FALLBACK, PROVING}))]
    for state, text in (
        (State.LOCKOUT, "LOCKOUT: an engineer must unlock first"),
        (State.OVERRIDE, "OVERRIDE: the key must go off first"),
    ):
        assert offer(state, [], True) == Offer(NONE, (text,))
        assert offer(state, [*more, *more], True) == Offer(NONE, (text, "x")), "each is said once"
    for state in (State.RUN, State.ADVISE):
        assert offer(state, more, True) == Offer(NONE, ())


def test_what_the_line_itself_lacks_spoils_a_reset_though_the_link_is_up() -> None:
    rig = Rig()
    rig.says[DRIFT] = (OFF, 0)
    rig.turn(3)
    assert rig.guard.offer.target == RUN
    rig.view = replace(rig.view, lack="two programs beat on this line")
    rig.turn()
    assert rig.guard.offer == Offer(NONE, ("two programs beat on this line",))
    rig.view = replace(rig.view, lack="")
    rig.turn()
    assert rig.guard.offer.target == RUN


def test_two_models_that_both_answered_right_are_both_ruled_out_whichever_was_shown_first() -> None:
    models = (Model("m", "enforce"), Model("n", "enforce"))
    specs = tuple(ConditionSpec(f"{each.id}:drift(all)", each.id, True, 0.0) for each in models)
    conditions = Conditions(plan(models=models, conditions=specs, causes=()))

    def are_off(now_ns: int) -> list[bool]:
        return [conditions.is_off(known, now_ns) for known in conditions.known]

    for run, model in ((1, "m"), (2, "n"), (3, "m")):
        conditions.start_afresh(run, proving=False, now_ns=run * 100, answers_of=model)
        conditions.answered(run * 100, model, passed=True)
    assert are_off(400) == [True, True]
    for index in (0, 1):  # the detectors began anew, and no record comes on a machine that stands
        conditions.take(500, Condition(index, Judgement.UNKNOWN, 1, run=3))
    assert are_off(500) == [True, True]
    conditions.start_afresh(4, proving=False, now_ns=600)
    assert are_off(700) == [False, False]
