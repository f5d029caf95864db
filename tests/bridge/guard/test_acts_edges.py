"""What people ask for and don't get, word by word: refusal, remedy, and the record of it."""

from __future__ import annotations

from typing import Any

import pytest
from jidoka_bridge.guard import acts
from jidoka_bridge.guard.clock import Step
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import CauseSpec, Model
from jidoka_bridge.registers import Input, State
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

from tests.bridge.guard.guard_rig import DIGEST, DRIFT, INVALID, MS, Rig, plan

REASON = ACKNOWLEDGE_REASONS[0]


def held(**changes: Any) -> Rig:
    """In HOLD by R-2, which is gone and waits for its acknowledgement."""
    rig = Rig(plan(**changes))
    rig.turn(3)
    rig.prove()
    for judgement in (Judgement.ON, Judgement.OFF):
        rig.judge(INVALID, judgement)
    assert rig.state == "HOLD"
    return rig


def asked(rig: Rig, **fields: Any) -> tuple[str, str]:
    """An acknowledgement of R-2 as it should be, but for these fields."""
    body = {"cause": "R-2", "revision": 1, "reason": REASON, "role": "operator", "person": "p1", **fields}
    decision = acts.acknowledge(rig.guard, rig.now + 9, body)
    rig.collect()
    last = rig.events[-1]
    assert last["ns"] == rig.now + 9
    assert last["person"] == {"role": body["role"], "pseudonym": "p1"}
    if decision[0]:
        assert last["event"] == ("seen remotely" if fields.get("remote") else "acknowledge refused")
        assert last["reasons"] == [decision[0]]
    return decision


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"role": "auditor"}, ("the role auditor may not acknowledge", "Ask an operator, maintenance or quality.")),
        ({"role": ""}, ("the role (none) may not acknowledge", "Ask an operator, maintenance or quality.")),
        ({"remote": True}, ("an acknowledgement from elsewhere only marks as seen", "Acknowledge at the machine.")),
        ({"cause": "R-99"}, ("there is no cause 'R-99'", "See: jidoka ack")),
        ({"cause": "R-1"}, ("R-1 has nothing to acknowledge", "See: jidoka ack")),
        ({"at": "plc"}, ("the plan takes no acknowledgement from the PLC's panel", "Acknowledge with: jidoka ack")),
        ({"revision": 2}, ("R-2 has changed: revision 1 now, 2 was seen", "Look at it again, then acknowledge.")),
        ({"revision": "1"}, ("R-2 has changed: revision 1 now, none was seen", "Look at it again, then acknowledge.")),
        ({"revision": 2**64}, ("R-2 has changed: revision 1 now, none was seen", "Look at it again, then acknowledge.")),
        ({"revision": True}, ("R-2 has changed: revision 1 now, none was seen", "Look at it again, then acknowledge.")),
        ({"reason": "because"}, ("what was given isn't a reason", f"One of: {', '.join(ACKNOWLEDGE_REASONS)}.")),
        ({"undo": True}, ("R-2 isn't acknowledged", "See: jidoka ack")),
        ({}, ("", "")),
    ],
)  # fmt: skip
def test_an_acknowledgement_that_doesnt_count_says_why_and_what_to_do(
    fields: dict[str, Any], told: tuple[str, str]
) -> None:
    assert asked(held(), **fields) == told


def test_where_the_plan_takes_acknowledgements_decides_but_not_of_what_needs_another_role() -> None:
    rig = held(ack_at="plc")
    assert asked(rig) == ("the plan takes acknowledgements from the PLC's panel only", "Acknowledge there.")
    rig.guard.causes["R-2"].needs_role = "maintenance"
    assert asked(rig) == ("R-2 must be acknowledged by maintenance", "It failed too often in a row.")
    assert asked(rig, role="maintenance") == ("", "")
    assert asked(held(ack_at="either"), at="plc") == ("", "")
    assert asked(held(ack_at="either")) == ("", "")


def test_an_advice_that_the_plcs_panel_never_shows_is_seen_at_this_one_wherever_the_rest_is() -> None:
    rig = Rig(plan(ack_at="plc"))
    rig.turn(3)
    rig.prove()
    rig.guard.clock(rig.now, Step(5_000 * MS, is_first=False))
    rig.turn(2)
    assert (rig.state, rig.guard.ask().reason) == ("ADVISE", 0)
    assert rig.acknowledge("clock step")["ok"]
    assert rig.state == "RUN"


def test_an_acknowledgement_is_taken_back_by_the_role_that_gave_it() -> None:
    rig = held()
    assert asked(rig) == ("", "")
    assert asked(rig, undo=True, role="maintenance") == (
        "R-2 was acknowledged by another role",
        "Ask operator.",
    )
    assert asked(rig, undo=True) == ("", "")
    assert rig.events[-1]["event"] == "acknowledge taken back"
    assert asked(rig, undo=True) == ("R-2 isn't acknowledged", "See: jidoka ack")


def unlocked(rig: Rig, **fields: Any) -> tuple[str, str]:
    body = {"reason": "repaired", "role": "engineer", "person": "e1", **fields}
    decision = acts.unlock(rig.guard, rig.now, body)
    rig.collect()
    last = rig.events[-1]
    assert last["event"] == ("unlock refused" if decision[0] else "engineer unlock")
    assert last["person"] == {"role": body["role"], "pseudonym": "e1"}
    assert last.get("reasons", []) == ([decision[0]] if decision[0] else [])
    return decision


def test_an_unlock_that_doesnt_count_says_why_and_what_to_do() -> None:
    rig = held()
    assert unlocked(rig) == ("there is no lockout", "See: jidoka status")
    rig.judge(DIGEST, Judgement.ON)
    assert rig.state == "LOCKOUT"
    assert unlocked(rig, role="operator") == ("the role operator may not unlock", "Ask the engineer.")
    assert unlocked(rig, role="") == ("the role (none) may not unlock", "Ask the engineer.")
    assert unlocked(rig, remote=True) == ("a lockout can't be ended from elsewhere", "Unlock at the machine.")
    for reason in ("", " "):
        assert unlocked(rig, reason=reason) == ("a reason is needed", "Say why it is safe to go on.")
    assert unlocked(rig) == ("still active: R-4", "The cause must be gone first.")
    rig.judge(DIGEST, Judgement.OFF)
    assert unlocked(rig) == ("not acknowledged: R-2, R-4", "Acknowledge first: jidoka ack")
    rig.inputs(on=Input.OVERRIDE_KEY)
    assert unlocked(rig) == ("the override key is on", "Turn it off first.")
    rig.inputs(off=Input.OVERRIDE_KEY)
    rig.acknowledge_all()
    assert unlocked(rig) == ("", "")
    assert rig.guard.interlock.state is State.HOLD


@pytest.mark.parametrize(("role", "told"), [("auditor", "the role auditor may not hold"), ("", "the role (none) may not hold")])  # fmt: skip
def test_a_hold_by_somebody_who_may_not_says_so(role: str, told: str) -> None:
    assert acts.judge_hold({"role": role}) == (told, "Ask somebody who may.")


def test_a_hold_where_nothing_would_stop_says_so() -> None:
    rig = Rig(plan(link=None))
    told = acts.hold(rig.guard, rig.now, {"role": "operator", "person": "p1", "reason": "test"})
    assert told == ("no PLC is connected, so nothing would stop", "Use the machine's own stop.")


def test_what_was_acknowledged_and_is_gone_has_nothing_to_acknowledge() -> None:
    rig = held()
    rig.acknowledge("R-2")
    rig.guard.causes["R-2"].latched = False
    assert asked(rig) == ("R-2 has nothing to acknowledge", "See: jidoka ack")
    rig.guard.causes["R-2"].acknowledged_revision = 0
    assert asked(rig) == ("", ""), "nobody did yet"


def test_a_revision_that_no_number_holds_is_none() -> None:
    told = "R-2 has changed: revision 1 now, {} was seen"
    rig = held()
    for seen, shown in (
        (2**63 - 1, 2**63 - 1),
        (2**63, "none"),
        (-(2**63), "none"),
        (-(2**63) + 1, -(2**63) + 1),
    ):
        assert asked(rig, revision=seen)[0] == told.format(shown)


def test_what_a_person_lacks_can_still_not_be_taken_back() -> None:
    rig = held()
    rig.acknowledge("R-2")
    rig.guard.causes["R-2"].person = None
    assert asked(rig, undo=True) == ("R-2 isn't acknowledged", "See: jidoka ack")


def test_everything_that_is_still_active_is_named() -> None:
    rig = held()
    rig.judge(DIGEST, Judgement.ON)
    rig.guard.causes["moved without permissive"].active = True
    told = acts.judge_unlock({"role": "engineer", "reason": "x"}, rig.guard.causes, State.LOCKOUT, False)
    assert told == ("still active: R-4, moved without permissive", "The cause must be gone first.")


def test_an_unlock_waits_for_what_nobody_has_said_yet() -> None:
    rig = held()
    body = {"role": "engineer", "reason": "x"}
    assert acts.judge_unlock(body, rig.guard.causes, State.LOCKOUT, False)[0] == "not acknowledged: R-2"
    told = acts.judge_unlock(body, rig.guard.causes, State.LOCKOUT, False, "nobody said it")
    assert told == ("nobody said it", "Start the monitor and the application, then unlock.")


def test_whether_a_lockout_is_gone_is_as_old_as_its_judgement() -> None:
    rig = Rig(plan(causes=(CauseSpec("R-4", "risk", "lockout", "high", 35, "R-4.", "Look.", (DRIFT,)),)))
    rig.turn(3)
    rig.judge(DRIFT, Judgement.ON)
    rig.judge(DRIFT, Judgement.OFF)
    assert rig.state == "LOCKOUT"
    assert acts.unknown_of(rig.guard, rig.now) == ""
    late_ns = rig.now + int(rig.plan.judgement_valid_h * 3_600_000 * MS) + 1
    assert acts.unknown_of(rig.guard, late_ns) == "whether R-4 is gone isn't known yet"
    rig.acknowledge_all()
    rig.now += int(rig.plan.judgement_valid_h * 3_600_000 * MS) + 1
    assert unlocked(rig)[0] == "whether R-4 is gone isn't known yet"


def test_seeing_a_step_of_the_clock_ends_it() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    rig.guard.clock(rig.now, Step(5_000 * MS, is_first=False))
    rig.turn()
    assert rig.state == "ADVISE"
    body = {"cause": "clock step", "revision": 1, "reason": REASON, "role": "operator", "person": "p1"}
    assert acts.acknowledge(rig.guard, rig.now + 9, body) == ("", "")
    rig.collect()
    told = rig.last("advise cause off")
    assert (told["ns"], told["cause"], told["to"]) == (rig.now + 9, "clock step", "RUN")
    assert not rig.guard.causes["clock step"].active


def test_an_unlock_waits_for_the_file_that_nobody_has_named_since_the_start() -> None:
    rig = Rig(plan(models=(Model("m", "enforce", digest="a" * 64),)))
    rig.guard.causes["digest:m"].latched = True
    assert acts.unknown_of(rig.guard, rig.now) == "nobody has said yet which file m runs"
    rig.guard.approved.by_id["m"].digest = "a" * 64
    assert acts.unknown_of(rig.guard, rig.now) == ""


@pytest.mark.parametrize("name", ["other session", "plc disobeys", "moved without permissive"])
def test_after_a_restart_an_unlock_waits_for_the_plc_to_show_that_it_is_gone(name: str) -> None:
    latched = [True, 1, 1, {"role": "operator", "pseudonym": "p1"}, ""]
    rig = Rig(content={"lockout": True, "causes": {name: latched}})
    rig.link = False
    rig.turn(3)
    told = f"whether {name} is gone isn't known without a link to the PLC"
    answer = rig.unlock()
    assert (answer["refused"], answer["remedy"], rig.state) == (told, "See that the PLC answers.", "LOCKOUT")
    assert rig.last("unlock refused")["reasons"] == [told]
    rig.link = True
    rig.turn(3)
    assert rig.unlock()["ok"]
    assert rig.state == "HOLD"


def test_without_a_plc_there_is_no_link_to_wait_for() -> None:
    latched = [True, 1, 1, {"role": "operator", "pseudonym": "p1"}, ""]
    rig = Rig(plan(link=None), {"lockout": True, "causes": {"plc disobeys": latched}})
    rig.turn()
    assert rig.unlock()["ok"]
