"""Holes that a safety review looked for: trips that could be missed, ways back to RUN, what a latch file may hold."""

from __future__ import annotations

import dataclasses
import select
from pathlib import Path
from typing import Any

import pytest
from jidoka_bridge.guard import self_test
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import Latch, Writer
from jidoka_bridge.guard.outside import Outside
from jidoka_bridge.guard.process import Process
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.messages import Condition, Judgement, Kind, Lease
from jidoka_bridge.plan import CauseSpec, Model
from jidoka_bridge.registers import Input, Input2

from tests.bridge.guard.guard_rig import CONDITIONS, DRIFT, INVALID, MS, Rig, plan

ON, OFF, UNKNOWN = Judgement.ON, Judgement.OFF, Judgement.UNKNOWN


class Echo:
    """A monitor as it is: it echoes a run only where it saw its number change, and judges anew then."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.seen: int | None = None
        self.run = 0
        self.fresh = 0
        self.judged_ns = 0
        rig.monitor = False

    def turn(self, times: int = 1, *, is_judging: bool = True) -> None:
        for _ in range(times):
            rig, status = self.rig, self.rig.guard.status()
            if (self.seen is not None and status.proving_run != self.seen) or (
                self.seen is None and status.flags & 1
            ):
                self.run, self.fresh, self.judged_ns = status.proving_run, 0, 0
            self.seen = status.proving_run
            self.fresh += is_judging
            now_ns = rig.now + 70 * MS
            rig.guard.lease(now_ns, Lease(0, now_ns, now_ns, 1, 0))
            judgement = OFF if self.fresh >= 20 else UNKNOWN
            self.judged_ns = self.judged_ns or (now_ns if judgement is OFF else 0)
            for index, spec in enumerate(rig.plan.conditions):
                found = OFF if spec.integrity else judgement
                rig.guard.condition(
                    now_ns, Condition(index, found, 1, judged_ns=self.judged_ns, run=self.run)
                )
            rig.turn()


def with_fallback(content: dict[str, Any], **changes: Any) -> Rig:
    causes = (CauseSpec("R-1", "risk", "fallback", "high", 32, "R-1.", "Look.", (DRIFT,)),)
    rig = Rig(plan(causes=causes, fallback="program 7", **changes), content)
    rig.view = dataclasses.replace(rig.view, inputs2=Input2.FALLBACK_HEALTHY)
    return rig


def test_a_monitor_that_restarts_leaves_a_way_from_fallback_to_run() -> None:
    rig = with_fallback({"run": 5})
    Echo(rig).turn(3)
    assert rig.guard.offer.target == "fallback"
    rig.press()
    assert rig.state == "FALLBACK"
    Echo(rig).turn(120)
    assert rig.guard.offer.target == "run", rig.guard.offer
    rig.press()
    assert rig.word == "MACHINE_AND_AI"


def test_a_judgement_that_grew_old_in_fallback_is_made_anew() -> None:
    rig = with_fallback({"run": 5}, judgement_valid_h=20 / 3_600)
    monitor = Echo(rig)
    monitor.turn(3)
    rig.press()
    monitor.turn(120)
    assert rig.guard.offer.target == "run"
    targets = []
    for _ in range(600):  # 42 s
        monitor.turn()
        targets.append(rig.guard.offer.target)
    assert "none" in targets, "a judgement never grows old"
    assert "run" in targets[targets.index("none") :]


def test_the_number_of_a_run_fits_its_16_bits_and_the_way_to_run_stays_open() -> None:
    rig = Rig(content={"run": 0xFFFF})
    monitor = Echo(rig)
    monitor.turn(3)
    rig.press()
    assert rig.guard.interlock.proving
    assert rig.content["run"] == rig.guard.status().proving_run == 1
    monitor.turn(30)
    rig.press()
    assert rig.state == "RUN", rig.guard.offer


def test_a_judgement_from_before_the_run_doesnt_count_although_it_names_its_number() -> None:
    rig = Rig(content={"run": 5})
    rig.says[DRIFT] = (OFF, 6)  # of a run 6 whose number a killed guard didn't come to write down
    rig.turn(3)
    judged_ns = rig.now
    rig.monitor = False
    rig.press()
    assert rig.guard.interlock.proving
    rig.guard.lease(rig.now, Lease(0, rig.now, rig.now, 1, 0))
    index = CONDITIONS.index(DRIFT)
    rig.guard.condition(rig.now, Condition(index, OFF, 1, judged_ns=judged_ns, run=rig.guard.run.number))
    assert not rig.guard.run.is_judged_good
    rig.guard.condition(rig.now, Condition(index, OFF, 1, judged_ns=rig.now, run=rig.guard.run.number))
    assert rig.guard.run.is_judged_good


def test_an_off_that_rests_on_no_judgement_leaves_the_cause_on() -> None:
    rig = Rig()
    rig.turn(3)
    rig.judge(DRIFT, ON)
    rig.monitor = False
    rig.guard.condition(rig.now, Condition(CONDITIONS.index(DRIFT), OFF, 2, judged_ns=0))
    assert rig.guard.causes["R-1"].active


# ---------------------------------------------------------------------- parts without records


def to_run() -> Rig:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    return rig


def make_parts(rig: Rig, turns: int, *, running: tuple[int, ...], record_ns: Any) -> None:
    """Cycles of 10 turns: the machine runs in the turns named, counts a part in the last of them, and obeys."""
    for turn in range(turns):
        may = rig.word != "WITHHOLD"
        is_running, is_part = may and turn % 10 in running, may and turn % 10 == running[-1]
        inputs = rig.view.inputs | Input.RUNNING if is_running else rig.view.inputs & ~Input.RUNNING
        rig.view = dataclasses.replace(rig.view, inputs=inputs, part_count=rig.view.part_count + is_part)
        rig.monitor = False
        now_ns = rig.now + 70 * MS
        rig.guard.lease(now_ns, Lease(0, now_ns, record_ns(now_ns), 1, 0))
        rig.turn()


def test_a_machine_that_stops_after_each_part_owes_its_records_all_the_same() -> None:
    rig = to_run()
    make_parts(rig, 100, running=(0, 1, 2, 3), record_ns=lambda _: 1)
    assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
    assert rig.guard.causes["parts without records:m"].latched


def test_a_machine_that_stands_after_a_part_owes_nothing() -> None:
    rig = to_run()
    make_parts(rig, 4, running=(0, 1, 2, 3), record_ns=lambda _: 1)
    make_parts(rig, 9, running=(99,), record_ns=lambda _: 1)
    assert rig.state == "RUN"


def test_a_machine_that_stops_after_each_part_and_sends_its_records_goes_on() -> None:
    rig = to_run()
    make_parts(rig, 200, running=(0, 1, 2, 3), record_ns=lambda now_ns: now_ns)
    assert rig.state == "RUN"


def test_a_tap_that_comes_anew_again_and_again_sends_no_record_by_that() -> None:
    rig = to_run()
    flapping = iter([7, 0] * 1_000)
    make_parts(rig, 100, running=tuple(range(10)), record_ns=lambda _: next(flapping))
    assert rig.guard.causes["parts without records:m"].latched


# ---------------------------------------------------------------------- what is read at the start


def test_a_torn_slot_is_no_clean_stop() -> None:
    latch = Latch(9, b"b" * 16, {**NEW, "clean": True}, torn=True)
    guard = Guard(plan(), latch, "", [], 1)
    assert guard.causes["restart"].latched


@pytest.mark.parametrize(
    "content",
    [
        {},
        {**NEW, "causes": [1]},
        {**NEW, "causes": {"R-1": [1]}},
        {**NEW, "causes": {"R-1": 7}},
        {**NEW, "run": "x"},
        {**NEW, "run": None},
        {**NEW, "failed_runs": []},
        {**NEW, "transition": {}},
        {**NEW, "override_used_s": "x"},
        {**NEW, "override_used_s": float("inf")},
        {**NEW, "first_out": [1]},
        {**NEW, "causes": {"R-1": [True, 1, 0, "somebody", ""]}},
        {key: value for key, value in NEW.items() if key != "lockout"},
        {key: value for key, value in NEW.items() if key != "causes"},
    ],
)
def test_a_latch_file_that_is_whole_but_cannot_be_used_locks_out(content: dict[str, Any]) -> None:
    guard = Guard(plan(), Latch(9, b"b" * 16, content), "", [], 1)
    assert guard.interlock.state.name == "LOCKOUT"
    assert guard.causes["latch file"].latched


def test_a_plan_that_names_an_unknown_condition_or_reason_fails_the_self_test_and_no_more() -> None:
    causes = (
        CauseSpec("R-1", "risk", "hold", "high", 32, "R-1.", "Look.", ("nothing",)),
        CauseSpec("R-2", "risk", "hold", "high", 300, "R-2.", "Look.", (INVALID,)),
    )
    a_plan = plan(causes=causes)
    found = self_test.faults(a_plan)
    assert any("R-1" in each for each in found)
    assert any("R-2" in each for each in found)
    assert Guard(a_plan, Latch(1, b"b" * 16, NEW), "", found, 1).interlock.state.name == "LOCKOUT"


def test_a_state_that_cannot_be_written_is_a_failed_write_and_the_next_one_is_written(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "latch")
    try:
        for number, content in ((1, {"a": object()}), (2, {"a": 1})):
            writer.submit(Latch(number, b"b" * 16, content))
            assert select.select([writer.finished], [], [], 10)[0], "the thread has died"
            [(written, error)] = writer.results()
            assert (written, bool(error)) == (number, number == 1)
    finally:
        writer.close()


def test_the_plc_is_told_which_plan_asks_so_that_it_arms_for_no_other(tmp_path: Path) -> None:
    run_dir, state_dir = str(tmp_path / "run"), tmp_path / "state"
    state_dir.mkdir()
    a_plan = plan(run_dir=run_dir, state_dir=str(state_dir))
    process = Process(a_plan, Outside(a_plan))
    try:
        assert process.line is not None
        assert process.line.session.record.digest_prefix == int(a_plan.digest[:8], 16)
    finally:
        process.close()


# ---------------------------------------------------------------------- without a PLC


def test_without_a_plc_a_hold_is_refused_because_it_would_stop_nothing() -> None:
    guard = Guard(plan(link=None, models=(Model("m", "none"),)), Latch(1, b"b" * 16, NEW), "", [], 1)
    answer = guard.act(2, Kind.HOLD, {"request": "1", "role": "operator", "reason": "test", "remote": False})
    assert answer is not None
    assert not answer["ok"]
    assert "no PLC" in answer["refused"]
    assert not guard.causes["local hold"].latched


def test_without_a_plc_lost_data_and_records_are_alarms_that_come_and_go() -> None:
    guard = Guard(plan(link=None, models=(Model("m", "none"),)), Latch(1, b"b" * 16, NEW), "", [], 1)
    guard.lease(2, Lease(0, 2, 2, 1, 0))
    guard.recorded(2, 0)
    guard.tick(5_000 * MS)
    assert guard.causes["no data:m"].active
    assert guard.causes["no record"].active
    assert not any(cause.latched for cause in guard.causes)
    guard.lease(5_001 * MS, Lease(0, 5_001 * MS, 2, 1, 0))
    guard.recorded(5_001 * MS, guard.recorder.ring.last_number)
    guard.written(5_001 * MS, guard.latch_number, "")
    assert [cause.id for cause in guard.causes if cause.active] == []
