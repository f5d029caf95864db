"""Cause records: combination, on-delay, revision, latch, unknown."""

from __future__ import annotations

import pytest
from jidoka_bridge.guard.causes import BUILT_IN, Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.messages import Condition, Judgement, MessageError
from jidoka_bridge.plan import CauseSpec
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
