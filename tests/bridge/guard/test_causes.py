"""Cause records: combination, on-delay, revision, latch, unknown."""

from __future__ import annotations

import pytest
from jidoka_bridge.guard.built_in import PER_MODEL
from jidoka_bridge.guard.causes import BUILT_IN, SECOND_NS, Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.messages import Condition, Judgement, MessageError
from jidoka_bridge.plan import CauseSpec, Model
from jidoka_bridge.registers import REASON_NUMBERS

from tests.bridge.guard.guard_rig import ADVICE, CONDITIONS, DRIFT, INVALID, MS, plan

ON, OFF, UNKNOWN = Judgement.ON, Judgement.OFF, Judgement.UNKNOWN


def make(*specs: CauseSpec) -> tuple[Conditions, Causes]:
    a_plan = plan(causes=specs)
    conditions = Conditions(a_plan)
    return conditions, Causes(a_plan, conditions)


def cause(any_of: tuple[str, ...] = (), all_of: tuple[str, ...] = (), **more: object) -> CauseSpec:
    return CauseSpec("R", "risk", "hold", "high", 40, "R.", "Look.", any_of, all_of, **more)  # type: ignore[arg-type]


def say(conditions: Conditions, name: str, judgement: Judgement, now: int = 1, **more: object) -> bool:
    fields = {"judged_ns": now, **more}
    return conditions.take(now, Condition(CONDITIONS.index(name), judgement, 1, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("any_of", "all_of", "on", "expected"),
    [
        ((DRIFT, INVALID), (), (), False),
        ((DRIFT, INVALID), (), (INVALID,), True),
        ((), (DRIFT, INVALID), (DRIFT,), False),
        ((), (DRIFT, INVALID), (DRIFT, INVALID), True),
        ((DRIFT,), (INVALID,), (DRIFT,), False),
        ((DRIFT,), (INVALID,), (INVALID,), False),
        ((DRIFT, ADVICE), (INVALID,), (ADVICE, INVALID), True),
        ((), (), (), False),
    ],
)
def test_any_of_is_or_and_all_of_is_and(
    any_of: tuple[str, ...], all_of: tuple[str, ...], on: tuple[str, ...], expected: bool
) -> None:
    conditions, causes = make(cause(any_of, all_of))
    for name in CONDITIONS:
        say(conditions, name, ON if name in on else OFF)
    causes.judge(1, set())
    assert causes["R"].active is expected
    assert causes["R"].latched is expected


def test_unknown_is_possible_but_no_trip() -> None:
    conditions, causes = make(cause((DRIFT,)))
    say(conditions, DRIFT, UNKNOWN)
    assert causes.judge(1, set()) == []
    assert causes.possible(causes["R"], 1)
    say(conditions, DRIFT, OFF)
    assert not causes.possible(causes["R"], 1)


def test_unknown_doesnt_clear_what_was_on_and_only_off_does() -> None:
    conditions, causes = make(cause((DRIFT,)))
    say(conditions, DRIFT, ON)
    causes.judge(1, set())
    say(conditions, DRIFT, UNKNOWN)
    conditions.monitor_lost()
    causes.judge(2, set())
    assert causes["R"].active
    say(conditions, DRIFT, OFF)
    assert [change.kind for change in causes.judge(3, set())] == ["off"]
    assert causes["R"].latched


def test_the_on_delay_is_waited_for_and_begins_anew_after_off() -> None:
    conditions, causes = make(cause((INVALID,), on_delay_ms=100))
    say(conditions, INVALID, ON)
    assert causes.judge(1, set()) == []
    assert causes.judge(99 * MS, set()) == []
    say(conditions, INVALID, OFF)
    causes.judge(99 * MS, set())
    say(conditions, INVALID, ON)
    assert causes.judge(101 * MS, set()) == []
    assert [change.kind for change in causes.judge(201 * MS, set())] == ["on"]


def test_a_condition_judged_on_anew_raises_the_revision_and_voids_the_acknowledgement() -> None:
    conditions, causes = make(cause((DRIFT,)))
    assert say(conditions, DRIFT, ON)
    causes.judge(1, {DRIFT})
    record = causes["R"]
    record.acknowledged_revision = record.revision
    assert causes.unacknowledged() == []
    assert not say(conditions, DRIFT, ON)
    say(conditions, DRIFT, UNKNOWN)
    assert say(conditions, DRIFT, ON)
    assert [change.kind for change in causes.judge(2, {DRIFT})] == ["again"]
    assert (record.revision, causes.unacknowledged()) == (2, [record])


def test_a_cause_is_statistical_while_all_that_is_on_is() -> None:
    conditions, causes = make(cause((DRIFT, INVALID)))
    say(conditions, DRIFT, ON)
    causes.judge(1, set())
    assert causes["R"].statistical
    say(conditions, INVALID, ON)
    causes.judge(2, set())
    assert not causes["R"].statistical
    say(conditions, INVALID, OFF)
    causes.judge(3, set())
    assert causes["R"].statistical


def test_in_a_proving_run_only_judgements_of_that_run_count() -> None:
    conditions, _ = make(cause((DRIFT,)))
    say(conditions, DRIFT, OFF)
    conditions.start_afresh(1, proving=True)
    known = conditions.by_id[DRIFT]
    say(conditions, DRIFT, OFF, run=0)
    assert not say(conditions, DRIFT, ON, run=0)
    assert not conditions.is_off(known, 1)
    assert not known.is_on
    say(conditions, DRIFT, OFF, run=1)
    assert conditions.is_off(known, 1)


def test_a_judgement_grows_too_old() -> None:
    conditions, _ = make(cause((DRIFT,)))
    say(conditions, DRIFT, OFF, now=5)
    known, hours_ns = conditions.by_id[DRIFT], 24 * 3_600_000 * MS
    assert conditions.is_off(known, 5 + hours_ns)
    assert not conditions.is_off(known, 6 + hours_ns)


def test_a_statistical_off_that_was_never_judged_is_no_off() -> None:
    conditions, _ = make(cause((DRIFT,)))
    say(conditions, DRIFT, OFF, judged_ns=0)
    assert not conditions.is_off(conditions.by_id[DRIFT], 5)


def test_a_condition_outside_the_plan_is_refused() -> None:
    conditions, _ = make(cause((DRIFT,)))
    with pytest.raises(MessageError, match="condition 99"):
        conditions.take(1, Condition(99, ON, 1))


def test_an_observing_row_never_becomes_a_cause() -> None:
    _, causes = make(CauseSpec("R", "risk", "observe", "low", 40, "R.", "Look.", (DRIFT,)))
    assert causes.register == []


def test_a_reset_clears_only_what_is_gone_and_acknowledged() -> None:
    conditions, causes = make(cause((DRIFT,)))
    say(conditions, DRIFT, ON)
    causes.judge(1, set())
    causes["R"].acknowledged_revision = 1
    causes["local hold"].strike(1, {})
    causes.clear_latches()
    assert causes["R"].latched
    assert causes["local hold"].latched
    causes["local hold"].acknowledged_revision = 1
    causes.clear_latches()
    assert not causes["local hold"].latched


def test_every_built_in_cause_has_a_reason_of_the_register_map_and_tells_what_to_do() -> None:
    for row in BUILT_IN:
        assert REASON_NUMBERS[row.reason] < 32
        assert row.text.endswith(".")
        assert row.remedy.endswith(".")


def test_a_cause_says_what_its_row_says() -> None:
    spec = CauseSpec("R", "risk 7", "hold", "low", 41, "It drifts.", "Look at it.", (DRIFT,))
    _, causes = make(spec)
    made = causes["R"]
    assert (made.id, made.risk, made.response, made.priority) == ("R", "risk 7", "hold", "low")
    assert (made.reason, made.text, made.remedy) == (41, "It drifts.", "Look at it.")


@pytest.mark.parametrize("no_record", ["hold", "fallback"])
def test_a_built_in_cause_says_what_its_row_says_and_of_which_model(no_record: str) -> None:
    a_plan = plan(models=(Model("m", "enforce"), Model("n:1", "observe")), no_record=no_record)
    causes = Causes(a_plan, Conditions(a_plan))
    for row in BUILT_IN:
        names = [f"{row.id}:m", f"{row.id}:n:1"] if row.id in PER_MODEL else [row.id]
        for name, model in zip(names, ("m", "n:1"), strict=False):
            made = causes[name]
            text = f"{model}: {row.text}" if row.id in PER_MODEL else row.text
            response = no_record if row.id == "no record" else row.response
            assert (made.risk, made.response, made.priority) == ("built-in", response, row.priority)
            assert (made.text, made.remedy, made.reason) == (text, row.remedy, REASON_NUMBERS[row.reason])


def test_a_cause_that_isnt_on_waits_for_nothing_and_the_others_are_judged_too() -> None:
    conditions, causes = make(
        cause((DRIFT,), on_delay_ms=10), CauseSpec("Q", "risk", "hold", "high", 41, "Q.", "Look.", (INVALID,))
    )
    say(conditions, INVALID, ON)
    assert [change.cause.id for change in causes.judge(5, set())] == ["Q"]
    say(conditions, DRIFT, ON)
    assert causes.judge(6, set()) == []
    assert causes["R"].pending_ns == 6
    say(conditions, DRIFT, OFF, now=7)
    causes.judge(7, set())
    assert (causes["R"].pending_ns, type(causes["R"].pending_ns)) == (0, int)


def test_one_that_is_on_already_hides_none_that_comes() -> None:
    conditions, causes = make(
        cause((DRIFT,)), CauseSpec("Q", "risk", "hold", "high", 41, "Q.", "Look.", (INVALID,))
    )
    say(conditions, DRIFT, ON)
    causes.judge(5, set())
    say(conditions, INVALID, ON)
    assert [(change.cause.id, change.kind) for change in causes.judge(6, set())] == [("Q", "on")]


def test_one_that_waits_for_its_delay_hides_none_that_comes() -> None:
    conditions, causes = make(
        cause((DRIFT,), on_delay_ms=10), CauseSpec("Q", "risk", "hold", "high", 41, "Q.", "Look.", (INVALID,))
    )
    for name in (DRIFT, INVALID):
        say(conditions, name, ON)
    assert [(change.cause.id, change.kind) for change in causes.judge(6, set())] == [("Q", "on")]


def test_without_a_plc_nothing_is_latched() -> None:
    for link, is_latched in ((plan().link, True), (None, False)):
        a_plan = plan(link=link, causes=(cause((DRIFT,)),))
        conditions = Conditions(a_plan)
        causes = Causes(a_plan, conditions)
        say(conditions, DRIFT, ON)
        causes.judge(5, set())
        assert causes["R"].latched is is_latched
        assert causes["R"].active


@pytest.mark.parametrize("told", [{}, {DRIFT: OFF}, {INVALID: OFF}, {DRIFT: OFF, INVALID: OFF}])
def test_a_cause_of_several_is_possible_until_one_of_them_is_judged_off(told: dict[str, Judgement]) -> None:
    conditions, causes = make(cause((), (DRIFT, INVALID)))
    for name, judgement in told.items():
        say(conditions, name, judgement, now=9)
    assert causes.possible(causes["R"], 10) is not bool(told)


def test_what_was_judged_off_too_long_ago_is_possible_again() -> None:
    conditions, causes = make(cause((), (DRIFT,)))
    say(conditions, DRIFT, OFF, now=9)
    valid_ns = int(plan().judgement_valid_h * 3_600_000_000_000)
    assert not causes.possible(causes["R"], 9 + valid_ns)
    assert causes.possible(causes["R"], 10 + valid_ns)


def test_a_built_in_cause_is_possible_while_it_is_active() -> None:
    _, causes = make()
    built_in = causes["local hold"]
    assert causes.possible(built_in, 1) is False
    assert causes.begin("local hold", 1, True, {})
    assert causes.possible(built_in, 1) is True
    conditions, causes = make(cause((DRIFT,)))
    say(conditions, DRIFT, OFF, now=9)
    causes["R"].active = True
    assert causes.possible(causes["R"], 10) is True, "what is on is possible, whatever its conditions say now"


def test_what_comes_and_goes_is_told_once() -> None:
    _, causes = make()
    answers = [
        causes.set_active("time gap", active, 5, True, {"a": 1})
        for active in (False, True, True, False, False)
    ]
    assert answers == ["", "on", "", "off", ""]
    assert (causes["time gap"].revision, causes["time gap"].evidence) == (1, {"a": 1})
    assert causes["time gap"].latched


@pytest.mark.parametrize(("judged", "expected"), [({"judged_ns": 4}, 4), ({}, 8)])
def test_the_evidence_has_the_time_at_which_it_was_judged(judged: dict[str, int], expected: int) -> None:
    conditions, causes = make(cause((DRIFT,)))
    say(conditions, DRIFT, ON, now=9, judged_ns=8, evidence=judged)
    causes.judge(10, set())
    assert causes["R"].evidence["judged_ns"] == expected


@pytest.mark.parametrize(("late_ns", "counts"), [(0, True), (1, False)])
def test_the_second_of_two_persons_has_a_day(late_ns: int, counts: bool) -> None:
    _, causes = make()
    held = causes["local hold"]
    held.needs_two = True
    held.strike(1, {})
    held.acknowledge(5, {"role": "operator", "pseudonym": "p1"})
    held.acknowledge(5 + SECOND_NS + late_ns, {"role": "operator", "pseudonym": "p2"})
    assert held.is_acknowledged is counts


@pytest.mark.parametrize("nobody", [{"role": "operator"}, {"role": "operator", "pseudonym": ""}])
def test_whoever_gave_no_name_is_nobodys_second(nobody: dict[str, str]) -> None:
    _, causes = make()
    held = causes["local hold"]
    held.needs_two = True
    held.strike(1, {})
    named = {"role": "operator", "pseudonym": "p1"}
    held.acknowledge(5, named)
    held.acknowledge(6, nobody)
    assert (held.person, held.second, held.is_acknowledged) == (named, None, False)
    held.acknowledge(7, {"role": "operator", "pseudonym": "p2"})
    assert held.is_acknowledged
