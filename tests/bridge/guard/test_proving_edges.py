"""A proving run's limits, to the part and to the nanosecond, and what a run that ends leaves behind."""

from __future__ import annotations

import pytest
from jidoka_bridge.guard import judging
from jidoka_bridge.guard.judging import MAX_FAILED, RENEW_NS
from jidoka_bridge.guard.proving import MAX_NUMBER, MINUTE_NS, WHOLE_FACTOR, ProvingRun
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Proving
from jidoka_bridge.registers import Input, State

from tests.bridge.guard.guard_rig import DRIFT, MS, Rig

NOW = 1_000_000_000_000
LIMIT_NS = int(1.5 * MINUTE_NS)


def started(parts: int = 10) -> ProvingRun:
    run = ProvingRun(Proving(parts=parts, minutes=1.5), 7, 2)
    run.start(NOW, 100)
    return run


def test_a_new_run_has_made_nothing_and_is_judged_by_nobody() -> None:
    run = ProvingRun(Proving(parts=10, minutes=1.5), 7, 2)
    assert (run.number, run.failed_in_a_row, run.parts, run.is_judged_good) == (7, 2, 0, False)
    assert type(run.is_judged_good) is bool
    # before the first start it counts from the beginning of time
    run.take(5, 3, True)
    assert (run.parts, run._running_ns) == (3, 5)
    assert run.over(WHOLE_FACTOR * LIMIT_NS - 1) == ""
    assert run.over(WHOLE_FACTOR * LIMIT_NS) == "4.5 minutes are over"


def test_a_start_forgets_the_run_before() -> None:
    run = started()
    run.take(NOW + 50, 105, True)
    run.is_judged_good = True
    run.start(NOW + 60, 105)
    assert (run.parts, run.is_judged_good, run._running_ns) == (0, False, 0)
    assert type(run.is_judged_good) is bool
    run.take(NOW + 61, 106, True)
    assert (run.parts, run._running_ns) == (1, 1)


def test_the_numbers_go_round_and_zero_is_none() -> None:
    assert [ProvingRun(Proving(), number, 0).next_number for number in (0, 1, MAX_NUMBER - 1, MAX_NUMBER)] == [
        1, 2, MAX_NUMBER, 1,
    ]  # fmt: skip


def test_a_run_is_over_with_its_last_part() -> None:
    run = started()
    run.take(NOW + 1, 109, True)
    assert run.over(NOW + 1) == ""
    run.take(NOW + 2, 110, True)
    assert run.over(NOW + 2) == "10 of 10 parts made"


def test_a_run_is_over_after_its_time_of_running() -> None:
    run = started()
    run.take(NOW + LIMIT_NS - 1, 100, True)
    assert run.over(NOW + LIMIT_NS - 1) == ""
    run.take(NOW + LIMIT_NS + 5, 100, False)
    assert run.over(NOW + LIMIT_NS + 5) == "", "it stood"
    run.take(NOW + LIMIT_NS + 6, 100, True)
    assert run.over(NOW + LIMIT_NS + 6) == "1.5 minutes of running are over"


def test_a_run_that_never_moves_is_over_after_three_times_that() -> None:
    run = started()
    run.take(NOW + WHOLE_FACTOR * LIMIT_NS - 1, 100, False)
    assert run.over(NOW + WHOLE_FACTOR * LIMIT_NS - 1) == ""
    assert run.over(NOW + WHOLE_FACTOR * LIMIT_NS) == "4.5 minutes are over"


# ---------------------------------------------------------------------- in the guard


def proving(failed_before: int = 0) -> Rig:
    rig = Rig(content={"failed_runs": failed_before})
    rig.inputs(on=Input.RUNNING)
    rig.turn(4)
    rig.press()
    assert rig.guard.interlock.proving
    return rig


def make_parts(rig: Rig, count: int) -> None:
    rig.view = rig.view.__class__(**{**vars(rig.view), "part_count": rig.view.part_count + count})
    rig.turn()


def test_a_run_that_is_over_says_why_and_fails() -> None:
    rig = proving()
    make_parts(rig, 10)
    told = rig.last("proving over")
    assert (told["cause"], told["text"].endswith("10 of 10 parts made")) == ("proving failed", True)
    assert rig.guard.causes["proving failed"].evidence == {"why": "10 of 10 parts made"}
    assert rig.guard.causes["proving failed"].since_ns == rig.now
    assert rig.guard.run.failed_in_a_row == 1
    assert rig.guard.causes["proving failed"].needs_role == ""


@pytest.mark.parametrize(("before", "role"), [(MAX_FAILED - 2, ""), (MAX_FAILED - 1, "maintenance")])
def test_the_third_in_a_row_needs_maintenance(before: int, role: str) -> None:
    rig = proving(before)
    rig.judge(DRIFT, Judgement.ON)
    assert rig.last("proving judged bad")["cause"] == "R-1"
    cause = rig.guard.causes["proving failed"]
    assert (rig.guard.run.failed_in_a_row, cause.needs_role) == (before + 1, role)
    assert cause.evidence == ({"failed_in_a_row": MAX_FAILED} if role else {})
    assert cause.since_ns == (rig.now if role else 0)


def test_a_run_that_was_judged_good_ends_as_it_was_meant_to() -> None:
    rig = proving(2)
    rig.guard.causes["proving failed"].needs_role = "maintenance"
    rig.judge(DRIFT, Judgement.OFF)
    assert rig.last("proving judged good")["evidence"]["parts"] == 0
    assert (rig.guard.run.failed_in_a_row, rig.guard.causes["proving failed"].needs_role) == (0, "")
    make_parts(rig, 10)
    told = rig.last("proving over, judged good")
    assert told["text"].endswith("10 of 10 parts made")
    assert rig.guard.causes["proving failed"].revision == 0


def test_what_comes_says_its_own_text_and_only_with_it_its_evidence() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    rig.evidence = {"sensor": "B1"}
    rig.judge("m:drift(input)", Judgement.ON)
    told = rig.last("advise cause on")
    assert (told["cause"], told["text"].endswith("R-3."), told["evidence"]["sensor"]) == ("R-3", True, "B1")
    rig.judge("m:drift(input)", Judgement.OFF)
    told = rig.last("advise cause off")
    assert (told["cause"], told["text"].endswith("R-3."), told["evidence"]) == ("R-3", True, {})


def test_in_fallback_the_detectors_begin_anew_at_most_every_two_seconds() -> None:
    rig = Rig()
    rig.turn(3)
    guard = rig.guard
    guard.interlock.state = State.FALLBACK
    for ago_ns, is_renewed in ((RENEW_NS, False), (RENEW_NS + 1, True)):
        number = guard.run.number
        guard.renewed_ns = rig.now - ago_ns
        judging.renew(guard, rig.now)
        assert (guard.run.number != number) is is_renewed
    assert guard.renewed_ns == rig.now
    assert (guard.conditions.run, guard.conditions._began_ns, guard.conditions.in_proving) == (
        guard.run.number, rig.now, False,
    )  # fmt: skip
    assert type(guard.conditions.in_proving) is bool
    assert rig.now > MS
