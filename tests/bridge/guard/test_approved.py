"""Models against what was approved: digests, announced windows, modes, and the known answers."""

from __future__ import annotations

from typing import Any

import pytest
from jidoka_bridge.messages import Condition, Judgement, Kind
from jidoka_bridge.plan import Model, Plan, Times
from jidoka_bridge.registers import Input

from tests.bridge.guard.guard_rig import DRIFT, MS, Rig, plan

APPROVED, OTHER, SET = "a" * 64, "b" * 64, "c" * 64
DAY_MS = 24 * 3_600 * 1_000


def a_plan(**changes: Any) -> Plan:
    return plan(**{"models": (Model("m", "enforce", digest=APPROVED.upper(), known_answers=SET),), **changes})


def running(**changes: Any) -> Rig:
    rig = Rig(a_plan(**changes))
    rig.turn(3)
    rig.prove()
    return rig


def send(rig: Rig, kind: Kind, **body: Any) -> dict[str, Any]:
    person = {"request": "9", "role": "engineer", "person": "e1", "model": "m"}
    answer = rig.guard.act(rig.now, kind, {**person, **body})
    assert answer is not None
    rig.turn()
    return answer


def tell(rig: Rig, digest: str) -> None:
    rig.guard.model_digest(rig.now, {"model": "m", "digest": digest})
    rig.turn()


def open_window(rig: Rig, ms: int = 60_000) -> None:
    assert send(rig, Kind.WINDOW, ms=ms)["ok"]
    assert send(rig, Kind.WINDOW, ms=ms, person="q1", role="quality")["ok"]


def left_ns(rig: Rig) -> int:
    return rig.guard.approved.by_id["m"].left_ns


# ---------------------------------------------------------------------- digests


def test_another_model_than_the_approved_one_locks_out() -> None:
    rig = running()
    tell(rig, APPROVED)
    assert rig.state == "RUN"
    tell(rig, OTHER)
    assert (rig.state, rig.last("digest mismatch")["evidence"]["in_use"]) == ("LOCKOUT", OTHER)
    assert "still active" in rig.unlock()["refused"]
    tell(rig, APPROVED)
    assert rig.last("digest equal again")["to"] == "LOCKOUT"
    rig.acknowledge_all()
    assert rig.unlock()["ok"]


def test_of_a_model_in_mode_none_no_digest_is_asked_for() -> None:
    rig = Rig(a_plan(models=(Model("m", "none", digest=APPROVED),)))
    tell(rig, OTHER)
    assert not rig.guard.causes["digest:m"].revision


@pytest.mark.parametrize(
    "body", [{}, {"model": "m"}, {"model": "n", "digest": OTHER}, {"model": "m", "digest": "z" * 64}]
)
def test_what_is_no_digest_is_refused(body: dict[str, Any]) -> None:
    rig = running()
    rig.guard.model_digest(rig.now, body)
    rig.turn()
    assert (rig.state, rig.last("message refused")["refused"]) == ("RUN", True)


# ---------------------------------------------------------------------- windows


def test_two_persons_open_a_window_and_inside_it_a_changed_model_is_a_fallback_cause() -> None:
    rig = running(fallback="program 7")
    rig.fallback(healthy=True)
    open_window(rig)
    tell(rig, OTHER)
    assert (rig.state, rig.last("model changed, healthy")["cause"]) == ("FALLBACK", "model changed:m")
    rig.acknowledge_all()
    rig.press()
    assert rig.state == "FALLBACK"
    tell(rig, APPROVED)
    rig.judge(DRIFT, Judgement.OFF)
    rig.press()
    assert rig.state == "RUN"
    rig.now += 60_000 * MS
    rig.turn()
    assert rig.last("window over")


def test_a_window_that_ends_with_a_model_that_isnt_approved_locks_out() -> None:
    rig = running()
    open_window(rig, ms=5_000)
    tell(rig, OTHER)
    assert rig.state == "HOLD"
    rig.turn(72)
    assert (rig.state, rig.last("window over, not approved")["cause"]) == ("LOCKOUT", "digest:m")


def test_one_person_twice_or_two_who_mean_another_time_open_nothing() -> None:
    rig = running()
    for body in ({"ms": 5_000}, {"ms": 5_000}, {"ms": 6_000, "person": "q1"}):
        assert send(rig, Kind.WINDOW, **body)["ok"]
    assert left_ns(rig) == 0
    assert send(rig, Kind.WINDOW, ms=6_000)["ok"]
    assert left_ns(rig) > 0


def test_the_second_person_has_a_day() -> None:
    rig = running()
    send(rig, Kind.WINDOW, ms=5_000)
    rig.now += (DAY_MS + 1) * MS
    send(rig, Kind.WINDOW, ms=5_000, person="q1", role="quality")
    assert left_ns(rig) == 0


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"role": "operator"}, "may not announce a window"),
        ({"role": ""}, "the role (none)"),
        ({"remote": True}, "from elsewhere"),
        ({"model": "n"}, "no model 'n'"),
        ({"person": " "}, "who it is"),
        ({"ms": 0}, "1 to 60000 ms"),
        ({"ms": 60_001}, "1 to 60000 ms"),
        ({"ms": True}, "1 to 60000 ms"),
        ({"ms": "5"}, "1 to 60000 ms"),
    ],
)
def test_a_window_is_refused_with_its_reason(changes: dict[str, Any], text: str) -> None:
    rig = running(times=Times(window_s=60))
    answer = send(rig, Kind.WINDOW, **{"ms": 5_000, **changes})
    assert not answer["ok"]
    assert text in answer["refused"]
    assert rig.last("change refused")["refused"]


def test_in_lockout_nobody_opens_a_window() -> None:
    rig = running()
    tell(rig, OTHER)
    assert "locked out" in send(rig, Kind.WINDOW, ms=5_000)["refused"]


def test_a_restart_makes_no_window_longer() -> None:
    rig = running()
    open_window(rig, ms=60_000)
    rig.turn(200)
    left_ms = left_ns(rig) // MS
    again = Rig(rig.plan, rig.content)
    assert 0 <= left_ms - left_ns(again) // MS <= 10_000
    assert left_ns(again) > 0


def test_a_file_opens_no_window_that_is_longer_than_the_plan_allows() -> None:
    rig = Rig(a_plan(times=Times(window_s=60)), {"windows": {"m": 10**12, "n": 5}})
    assert left_ns(rig) == 60_000 * MS


# ---------------------------------------------------------------------- modes


def test_a_model_that_leaves_enforce_takes_a_away_and_only_an_engineer_brings_it_back_for_a_reset() -> None:
    rig = running()
    assert send(rig, Kind.MODE, mode="observe", role="operator")["ok"]
    assert rig.state == "HOLD"
    rig.turn(2)
    rig.acknowledge_all()
    assert any("mode:m is active" in lack for lack in rig.guard.offer.missing)
    assert "may not bring" in send(rig, Kind.MODE, mode="enforce", role="operator")["refused"]
    assert "from elsewhere" in send(rig, Kind.MODE, mode="enforce", remote=True)["refused"]
    assert send(rig, Kind.MODE, mode="enforce")["ok"]
    assert rig.state == "HOLD"
    rig.turn(2)
    rig.press()
    assert rig.state == "RUN"


def test_the_mode_outlives_a_restart() -> None:
    rig = running()
    send(rig, Kind.MODE, mode="observe")
    again = Rig(rig.plan, rig.content)
    again.turn(3)
    assert again.guard.causes["mode:m"].active


def test_while_something_is_permitted_nothing_is_given_back() -> None:
    rig = running(fallback="program 7")
    rig.fallback(healthy=True)
    send(rig, Kind.MODE, mode="observe")
    assert rig.state == "FALLBACK"
    assert "while something is permitted" in send(rig, Kind.MODE, mode="enforce")["refused"]


def test_a_mode_that_isnt_one_and_a_model_that_never_was_in_enforce_are_refused() -> None:
    rig = running()
    assert "no mode" in send(rig, Kind.MODE, mode="none")["refused"]
    rig = Rig(plan(models=(Model("m", "observe"),)))
    assert "by the plan" in send(rig, Kind.MODE, mode="enforce")["refused"]


# ---------------------------------------------------------------------- known answers


def tripped_by_drift() -> Rig:
    rig = running()
    rig.judge(DRIFT, Judgement.ON)
    rig.turn(2)
    rig.acknowledge_all()
    return rig


def answers(rig: Rig, passed: object = True, digest: str = SET) -> None:
    rig.guard.answers(rig.now, {"model": "m", "digest": digest, "passed": passed})
    rig.turn()


def test_the_known_answers_lead_from_hold_by_drift_to_run_without_a_part() -> None:
    rig = tripped_by_drift()
    assert rig.guard.offer.target == "proving"
    assert send(rig, Kind.KNOWN_ANSWERS, digest=SET)["ok"]
    answers(rig)  # the monitor goes on saying what its detectors saw before: it counts no longer
    assert not rig.guard.causes["R-1"].active
    rig.turn(2)
    assert rig.guard.offer.target == "run", rig.guard.offer
    rig.says[DRIFT] = (Judgement.UNKNOWN, rig.guard.run.number)
    rig.turn(2)
    rig.press()
    assert rig.state == "RUN"


def test_after_the_reset_records_decide_again() -> None:
    rig = tripped_by_drift()
    send(rig, Kind.KNOWN_ANSWERS, digest=SET)
    answers(rig)
    rig.turn(2)
    rig.press()
    rig.judge(DRIFT, Judgement.ON)
    assert rig.state == "HOLD"


def test_drift_that_is_judged_afresh_after_the_answers_counts() -> None:
    rig = tripped_by_drift()
    send(rig, Kind.KNOWN_ANSWERS, digest=SET)
    answers(rig)
    rig.judge(DRIFT, Judgement.ON)
    assert rig.guard.causes["R-1"].active


def test_answers_that_are_wrong_switch_the_causes_on() -> None:
    rig = Rig(a_plan())
    rig.says[DRIFT] = (Judgement.OFF, 0)
    rig.turn(3)
    send(rig, Kind.KNOWN_ANSWERS, digest=SET)
    rig.monitor = False
    answers(rig, passed=False)
    assert rig.guard.causes["R-1"].active
    assert rig.state == "START_UP"


@pytest.mark.parametrize("how", ["not announced", "too late", "another set", "no verdict", "running"])
def test_answers_that_nobody_asked_for_or_of_another_set_count_for_nothing(how: str) -> None:
    rig = tripped_by_drift()
    if how != "not announced":
        send(rig, Kind.KNOWN_ANSWERS, digest=SET)
    if how == "too late":
        rig.now += 601_000 * MS
    if how == "running":
        rig.press()
        assert rig.guard.interlock.proving
    digest = OTHER if how == "another set" else SET
    answers(rig, passed="yes" if how == "no verdict" else True, digest=digest)
    assert rig.guard.causes["R-1"].active or how in ("running", "too late")
    assert "known answers" in rig.last("message refused")["reasons"][0]


def test_wrong_answers_that_nobody_asked_for_stop_the_machine_and_older_judgements_dont_take_that_back() -> (
    None
):
    rig = running()
    rig.monitor = False
    wrong_ns = rig.now
    answers(rig, passed=False)  # an application shows them by itself after each start
    assert rig.state == "HOLD"
    assert rig.guard.causes["R-1"].active
    for judged_ns, is_active in ((wrong_ns - MS, True), (wrong_ns + MS, False)):
        rig.now += 70 * MS
        run = rig.guard.run.number
        rig.guard.condition(rig.now, Condition(0, Judgement.OFF, 1, judged_ns=judged_ns, run=run))
        assert rig.guard.causes["R-1"].active is is_active


def test_who_announced_the_answers_has_the_monitor_told_to_show_them() -> None:
    rig = tripped_by_drift()
    rig.guard.take_outbox()
    for digest in (OTHER, SET):
        person = {"request": "9", "role": "engineer", "person": "e1"}
        rig.guard.act(rig.now, Kind.KNOWN_ANSWERS, {**person, "model": "m", "digest": digest})
    told = [out for out in rig.guard.take_outbox() if out.kind is Kind.KNOWN_ANSWERS]
    assert [(out.to, out.body) for out in told] == [("monitor", {"model": "m", "digest": SET})]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"digest": OTHER}, "isn't the set of the plan"),
        ({"role": "operator"}, "may not show"),
        ({"remote": True}, "from elsewhere"),
        ({"model": "n"}, "no model"),
    ],
)
def test_an_announcement_is_refused_with_its_reason(changes: dict[str, Any], text: str) -> None:
    rig = tripped_by_drift()
    assert text in send(rig, Kind.KNOWN_ANSWERS, **{"digest": SET, **changes})["refused"]


def test_they_are_shown_only_while_nothing_is_permitted_and_only_where_there_are_some() -> None:
    assert "not in RUN" in send(running(), Kind.KNOWN_ANSWERS, digest=SET)["refused"]
    rig = Rig(plan())
    assert "no known answers" in send(rig, Kind.KNOWN_ANSWERS, digest=SET)["refused"]


def test_a_new_monitor_has_to_say_everything_again_the_answers_too() -> None:
    rig = tripped_by_drift()
    send(rig, Kind.KNOWN_ANSWERS, digest=SET)
    answers(rig)
    rig.guard.monitor_connected(rig.now)
    rig.says[DRIFT] = (Judgement.UNKNOWN, rig.guard.run.number)
    rig.turn(2)
    assert rig.guard.offer.target != "run"


# ---------------------------------------------------------------------- what comes by no message


@pytest.mark.parametrize("command", ["reset", "arm", "override", "unlock", "table", "", "dance"])
def test_nobody_resets_arms_overrides_unlocks_or_changes_the_table_by_a_message(command: str) -> None:
    rig = running()
    rig.inputs(on=Input.RUNNING)
    rig.hold()
    answer = send(rig, Kind.COMMAND, command=command)
    assert not answer["ok"]
    assert "by no message" in answer["refused"]
    assert answer["remedy"]
    assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
