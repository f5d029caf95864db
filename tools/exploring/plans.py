"""Reduced plans: one model, a few causes, deadlines of one to a few steps of the exploration's clock, or never over."""

from __future__ import annotations

import dataclasses
from typing import Any

from jidoka_bridge.plan import CauseSpec, ConditionSpec, Link, Model, Plan, Proving, Times, Trips

MS = 1_000_000
#: one step of the clock: a beat of the core's world
STEP_MS = 900
#: seconds of a deadline that is never over within an exploration
NEVER_S = 10**6
#: the longest deadline among the code's own constants and the plans', and a step
CAP_NS = 4_200 * MS

DRIFT, INVALID, ADVICE, DIGEST = "m:drift(all)", "m:invalid output", "m:drift(input)", "m:two writers"
CONDITIONS = (DRIFT, INVALID, ADVICE, DIGEST)
STATISTICAL = frozenset({DRIFT, ADVICE})
#: cause of each condition
CAUSE_OF = {DRIFT: "R-1", INVALID: "R-2", ADVICE: "R-3", DIGEST: "R-4"}
#: what an operator acknowledges -> the fact of the book
FACT_OF = {
    "R-1": "m:drift(all)", "R-2": "m:invalid output", "R-3": "m:drift(input)", "R-4": "m:two writers",
    "no data:m": "data", "no record": "record", "plc link": "link", "latch file": "disk", "override": "key",
    "fallback path": "path", "digest:m": "digest", "model changed:m": "file", "mode:m": "mode",
}  # fmt: skip
REASONS = {"R-1": 32, "R-2": 33, "R-3": 34, "R-4": 35}


def cause(condition: str, response: str, **more: Any) -> CauseSpec:
    """A cause with one condition."""
    name = CAUSE_OF[condition]
    return CauseSpec(
        name, "risk", response, "high", REASONS[name], f"{name}.", "Look.", any_of=(condition,), **more
    )


def plan(responses: dict[str, str], **changes: Any) -> Plan:
    """A plan with these conditions (condition -> response of its cause). changes: fields of Plan; times: of Times."""
    times = dataclasses.replace(
        Times(
            no_data_ms=STEP_MS + 100,
            no_record_ms=STEP_MS + 100,
            arming_s=NEVER_S,
            offer_s=NEVER_S,
            override_s=NEVER_S,
            override_repeat_s=NEVER_S,
            run_out_ms=NEVER_S * 1000,
        ),
        **changes.pop("times", {}),
    )
    values: dict[str, Any] = {
        "site": "s", "line": "l", "device": "d", "run_dir": "/nowhere", "state_dir": "/nowhere", "map_digest": "",
        "link": Link(port="/nowhere", beat_ms=250), "times": times, "proving": Proving(parts=10**6, minutes=10.0**6),
        "models": (Model("m", "enforce", longest_interval_ms=NEVER_S),),
        "conditions": tuple(
            ConditionSpec(name, "m", name in STATISTICAL, 0.0, name not in STATISTICAL) for name in responses
        ),
        "causes": tuple(cause(name, response) for name, response in responses.items()),
        "judgement_valid_h": 10.0**6, "trips": Trips(most=NEVER_S, within_h=10.0**6),
    }  # fmt: skip
    return Plan(**{**values, **changes})
