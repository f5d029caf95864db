"""Every figure that the guard's core goes by, as it is declared; and its records before anything was heard."""

from __future__ import annotations

import pytest
from jidoka_bridge.guard import (
    acts,
    causes,
    changes,
    conditions,
    judging,
    link_view,
    memory,
    plain,
    proving,
    remembered,
    reset_offer,
    resetting,
    self_test,
    transitions,
    watch,
)
from jidoka_bridge.guard.causes import Cause
from jidoka_bridge.guard.conditions import Known
from jidoka_bridge.guard.link_view import LinkView
from jidoka_bridge.guard.memory import Withdrawal
from jidoka_bridge.guard.watch import ModelWatch
from jidoka_bridge.messages import Judgement, Kind
from jidoka_bridge.plc import press, rule
from jidoka_bridge.registers import Fault, Input, Input2, Phase, PlcState, Word

S = 1_000_000_000
MS = 1_000_000


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        ((causes.MS_NS, watch.MS_NS, reset_offer.S_NS), (MS, MS, S)),
        ((causes.SECOND_NS, conditions.HOUR_NS, proving.MINUTE_NS), (86_400 * S, 3_600 * S, 60 * S)),
        # a message may be this much younger than the clock that was read before it
        ((conditions.AHEAD_NS, watch.AHEAD_NS), (S, S)),
        # in FALLBACK the detectors start afresh; a press leads to a raise or is forgotten
        ((judging.RENEW_NS, reset_offer.RAISE_LIMIT_NS), (2 * S, 1_500 * MS)),
        (judging.RESPONSE_ORDER, ("lockout", "hold", "fallback", "advise")),
        (causes.TRIPS, ("fallback", "hold", "lockout")),
        ((proving.MAX_FAILED, proving.MAX_NUMBER, proving.WHOLE_FACTOR), (3, 65_535, 3)),
        ((self_test.MAX_REASON, self_test.SHIFT_S, self_test.NO_RECORD), (255, 8 * 3_600, ("hold", "fallback"))),
        ((transitions.SIZE, transitions.MAX_NUMBER), (1_024, 2**63)),
        ((memory.REFUSALS, remembered.MAX_TRIPS), (5, 1_000)),
        ((plain.MAX_TEXT, plain.MAX_NAME, plain.MAX_EVIDENCE_BYTES, plain.MAX_INT), (200, 64, 8_000, 2**63)),
        (plain.TIMES, ("onset_ns", "judged_ns")),
        ((plain.MAX_LIST_BYTES, plain.LONGEST_CHARACTER), (24_000, 12)),
        (causes.UNNAMED, frozenset({"", "PLC 0"})),
        (acts.SEEN_AT_THE_PLC, ("other session", "plc disobeys", "moved without permissive")),
        # the PLC's own figures of a press: this program doesn't import the model of a PLC
        ((resetting.SHORTEST_MS, resetting.DEBOUNCE_MS), (rule.PRESS_MS[0], press.DEBOUNCE_MS)),
        (resetting.TOLD_SCANS, 3),
        # the latch file of a new device, and what one of an earlier version lacks
        (remembered.NEW, {
            "clean": True, "lockout": False, "run": 0, "failed_runs": 0, "override_used_s": 0, "transition": 0,
            "causes": {}, "first_out": None,
        }),
        (remembered.LATER, {
            "device": "", "key_must_go_off": False, "seconds": {}, "trips": {}, "windows": {}, "modes": {},
        }),
        (acts.ACTS, {
            Kind.ACKNOWLEDGE: acts.acknowledge, Kind.HOLD: acts.hold, Kind.UNLOCK: acts.unlock,
            Kind.WINDOW: changes.announce_window, Kind.MODE: changes.set_mode,
            Kind.KNOWN_ANSWERS: changes.announce_answers, Kind.COMMAND: changes.refuse_command,
        }),
        (acts.NOTHING_TO_HOLD, ("no PLC is connected, so nothing would stop", "Use the machine's own stop.")),
        ((link_view.NO_INPUTS, link_view.NO_INPUTS2), (Input(0), Input2(0))),
        (link_view.READY, Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY),
        (link_view.NOT_READY_TEXTS, {
            Input.KEY_AUTO: "the key switch isn't in AUTO", Input.SAFETY_CHAIN: "the safety chain is open",
            Input.MACHINE_READY: "the machine isn't ready",
        }),
    ],
)  # fmt: skip
def test_a_figure_is_the_declared_one(found: object, declared: object) -> None:
    assert found == declared


def test_records_begin_with_nothing() -> None:
    assert vars(Cause("c", "risk", "hold", "high", 9, "text", "remedy")) == {
        "id": "c", "risk": "risk", "response": "hold", "priority": "high", "reason": 9, "text": "text",
        "remedy": "remedy", "any_of": (), "all_of": (), "on_delay_ns": 0, "active": False, "latched": False,
        "revision": 0, "acknowledged_revision": 0, "person": None, "needs_two": False, "second": None,
        "second_revision": 0, "acknowledged_ns": 0, "seen": None, "needs_role": "", "quality": "good",
        "statistical": False, "since_ns": 0, "onset_ns": 0, "pending_ns": 0, "may_latch": True, "evidence": {},
    }  # fmt: skip
    assert vars(Known("k", "m", True, True)) == {
        "id": "k", "model": "m", "is_statistical": True, "by_run": True, "judgement": Judgement.UNKNOWN, "is_on": False,
        "reported": False, "has_data": True, "run": 0, "judged_ns": 0, "received_ns": 0, "answered_ns": 0,
        "wrong_ns": 0, "judged_n": 0, "needed_n": 0, "value": 0.0, "limit": 0.0, "evidence": {},
    }  # fmt: skip
    assert vars(LinkView()) == {
        "good": False, "is_up": False, "why": "", "phase": Phase.IDLE, "connection": 0, "presses": 0, "edges": 0,
        "part_count": 0, "actual": Word.WITHHOLD, "plc_state": PlcState.OFF, "fault": Fault.NONE, "inputs": Input(0),
        "inputs2": Input2(0), "recipe": 0, "acknowledges": 0, "acknowledge_reason": 0, "person": 0, "foreign": False,
        "remaining_ms": 0, "beat_ns": 0, "rtt_ns": 0, "rtts_us": (), "is_own": True, "press_ms": 0, "lack": "",
    }  # fmt: skip
    assert vars(ModelWatch("m", 5)) == {
        "id": "m", "longest_interval_ns": 5, "received_ns": 0, "beat_ns": 0, "record_ns": 0, "part_ns": 0, "owed_ns": 0,
        "was_fresh": False,
    }  # fmt: skip
    assert Withdrawal(1, "c", 2, {}) == Withdrawal(1, "c", 2, {}, asked_ns=0)
