"""What finds no room in the ledger isn't lost with it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from jidoka.steward.core import Core
from jidoka.steward.effects import Record
from jidoka.steward.ledger.format import Kind
from jidoka.steward.ledger.reader import entries
from jidoka.steward.ledger.writer import MAX_PENDING_BYTES
from jidoka.steward.records import Records
from jidoka_bridge.plan import CauseSpec, Plan

from tests.steward.site import DRIFT, make_plan

BOOT = b"b" * 16
S = 1_000_000_000
ROW = CauseSpec("R-09", "slow", "observe", "low", 40, "The lamp ages.", "Plan one.", any_of=(DRIFT,))


def core_of(plan: Plan) -> Core:
    return Core(plan, BOOT, lambda text: (text, b""))


def states(core: Core) -> dict[str, str]:
    return {each["id"]: each["state"] for each in core.alarms.annunciator.shown.listed}


def test_an_alarm_whose_entries_found_no_room_is_written_as_it_stands_and_comes_through_a_restart(
    tmp_path: Path,
) -> None:
    plan = replace(make_plan(tmp_path), causes=(ROW,))
    now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
    plan.ledger_file.parent.mkdir(parents=True, exist_ok=True)
    core = core_of(plan)
    records = Records(core, BOOT, None, core.restore, now_ns=now_ns, wall_ns=wall_ns)
    records.append(Record(Kind.BOOT, {"event": "start"}), now_ns, wall_ns)
    core.alarms.begin(now_ns, wall_ns)

    def tick(after_s: float, judgement: str, *, has_room: bool) -> None:
        at_ns = now_ns + round(after_s * S)
        core.conditions.judgements[DRIFT] = judgement
        for effect in core.tick(at_ns):
            if isinstance(effect, Record):
                pad = {} if has_room else {"pad": "x" * MAX_PENDING_BYTES}
                records.append(
                    replace(effect, value={**effect.value, **pad}), at_ns, wall_ns + at_ns - now_ns
                )

    tick(1, "on", has_room=False)
    core.why_not_recording = "the disk takes nothing"
    tick(2, "off", has_room=False)
    tick(40, "off", has_room=False)
    assert states(core)["R-09"] == "D"
    core.why_not_recording = ""
    tick(41, "off", has_room=True)
    tick(42, "off", has_room=True)
    assert records.close()
    told = [each.json() for each in entries(plan.ledger_file) if each.kind is Kind.ALARM]
    assert [(each["was"], each["state"], each["sign"]) for each in told if each["id"] == "R-09"] == [
        ("D", "D", "log")
    ]
    after = core_of(plan)
    again = Records(after, BOOT, None, after.restore, now_ns=now_ns, wall_ns=wall_ns)
    after.alarms.begin(now_ns + 43 * S, wall_ns + 43 * S)
    assert states(after)["R-09"] == "D"
    again.close()
