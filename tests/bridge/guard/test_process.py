"""The real guard against the real PLC simulator; the test plays monitor and steward over the real sockets."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from jidoka_bridge.messages import Judgement, Kind, Lease
from jidoka_bridge.registers import Input, Word

from tests.bridge.guard.guard_rig import DRIFT
from tests.bridge.guard.guard_world import World, outputs
from tests.processes import fill, programs

pytestmark = pytest.mark.process
RSS_LIMIT_BYTES = 24 * 1024 * 1024


def to_run(world: World) -> None:
    """First press: the proving run; judged good; second press: the model's permissive."""
    world.until(
        lambda: world.mode.get("offer") == "proving" and is_arming(world), "a proving run is on offer"
    )
    press_until(
        world,
        lambda: bool(world.status and world.status.flags & world.status.PROVING),
        "the proving run began",
    )
    world.until(
        lambda: world.status is not None and world.status.actual == Word.MACHINE, "the machine may run"
    )
    world.says[DRIFT] = Judgement.OFF
    world.until(lambda: world.mode.get("offer") == "run", "judged good")
    press_until(
        world, lambda: world.status is not None and world.status.actual == Word.MACHINE_AND_AI, "A is on"
    )
    assert world.state == "RUN"


def press_until(world: World, claim: Callable[[], bool], what: str) -> None:
    """As a person does: once more where the press was refused, for what is on offer may change on a busy computer."""
    for _ in range(5):
        world.until(lambda: is_arming(world), "the PLC waits for a press")
        refused = len(world.happened("reset refused"))
        world.press()
        world.until(lambda refused=refused: claim() or len(world.happened("reset refused")) > refused, what)  # type: ignore[misc]
        if claim():
            return
    raise AssertionError(f"five presses were refused: {what}")


def is_arming(world: World) -> bool:
    """The PLC itself says that a press would count (or, on the way to A, that it is armed and asked), and so does the guard."""
    status = world.status
    is_asked = status is not None and status.phase == 1 and status.state_fault >> 8 in (2, 3)
    # a press counts for what was on offer before it: the one before must be over
    is_up = status is not None and not status.inputs & Input.RESET_BUTTON
    return is_asked and is_up and bool(world.mode.get("ready"))


def test_a_machine_is_armed_proven_run_and_stopped(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        plc, guard = world.start_plc(), world.start_guard()
        to_run(world)
        rss_bytes = psutil.Process(guard.process.pid).memory_info().rss
        print(f"guard: {rss_bytes / 2**20:.1f} MiB resident")
        assert rss_bytes <= RSS_LIMIT_BYTES

        world.evidence = {"feature": "sharpness", "direction": "down", "onset_part": 41}
        world.says[DRIFT] = Judgement.ON
        world.until(lambda: bool(world.happened("withdrawn")), "the output dropped")
        trip, withdrawn = world.happened("hold cause on")[-1], world.happened("withdrawn")[-1]
        assert trip["cause"] == trip["first_out"] == "R-1"
        assert trip["evidence"]["onset_part"] == 41
        times = withdrawn["evidence"]
        assert times["trip"] == trip["number"]
        assert times["condition_ns"] <= times["tripped_ns"] <= times["asked_ns"] <= times["readback_ns"]
        assert outputs(plc)[-1]["word"] == "WITHHOLD"
        assert outputs(plc)[-1]["why"] != "watchdog"

        world.press()
        world.until(
            lambda: bool(world.happened("reset refused")), "a reset without acknowledgement is refused"
        )
        assert any(
            "R-1 (revision 1) must be acknowledged" in why
            for why in world.happened("reset refused")[-1]["reasons"]
        )
        assert not world.acknowledge("R-1", revision=0)["ok"]
        assert world.acknowledge("R-1")["ok"]
        world.says[DRIFT] = Judgement.UNKNOWN
        to_run(world)
        assert len(outputs(plc)) == 5


def test_a_killed_guard_leaves_the_plc_to_drop_and_raises_nothing_when_it_is_back(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        plc, guard = world.start_plc(), world.start_guard()
        to_run(world)
        guard.signal(signal.SIGKILL)
        guard.wait()
        world.until(lambda: outputs(plc)[-1]["word"] == "WITHHOLD", "the PLC dropped by itself")
        changes = len(outputs(plc))
        last = world.recorded
        world.start_guard()
        world.until(lambda: world.recorded > last and world.state == "HOLD", "the restarted guard holds")
        assert world.causes["restart"]["latched"]
        assert any("restart" in lack for lack in world.mode["missing"])
        world.press()
        world.until(lambda: bool(world.happened("reset refused")), "the press is refused")
        assert len(outputs(plc)) == changes
        assert world.acknowledge("restart")["ok"]
        world.says[DRIFT] = Judgement.UNKNOWN
        to_run(world)


def test_a_planned_stop_withholds_at_once_and_is_no_cause_afterwards(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        plc, guard = world.start_plc(), world.start_guard()
        to_run(world)
        guard.signal(signal.SIGTERM)
        world.until(lambda: guard.process.poll() is not None, "the guard ended")
        assert guard.wait() == 0
        assert outputs(plc)[-1]["word"] == "WITHHOLD"
        assert outputs(plc)[-1]["why"] != "watchdog"
        world.says[DRIFT] = Judgement.UNKNOWN
        world.start_guard()
        world.until(lambda: len(world.happened("restart")) == 2, "the guard is back")
        assert world.happened("restart")[-1]["evidence"]["clean"]
        to_run(world)


def test_a_missing_latch_file_locks_out_and_a_missing_plc_does_not(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        guard = world.start_guard()
        world.until(lambda: world.state == "START_UP", "not armed without a PLC")
        assert any("link" in lack for lack in world.mode["missing"])
        guard.signal(signal.SIGTERM)
        assert guard.wait() == 0
        world.plan.latch_file.unlink()
        world.start_guard()
        world.until(lambda: world.state == "LOCKOUT", "a lost latch file locks out")
        world.act(Kind.ACKNOWLEDGE, {
            "cause": "latch file", "revision": 1, "reason": "cause found", "role": "engineer", "person": "e",
        })  # fmt: skip
        unlock = {"reason": "new disk", "role": "operator", "person": "o", "remote": False}
        assert "may not unlock" in world.act(Kind.UNLOCK, unlock)["refused"]
        assert world.act(Kind.UNLOCK, {**unlock, "role": "engineer"})["ok"]
        world.until(lambda: world.state == "HOLD", "unlocked to HOLD")


def test_a_message_that_its_sender_may_not_send_is_refused_and_recorded(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        world.start_guard()
        world.until(lambda: world.state == "START_UP" and world.monitor.is_connected, "the guard listens")
        world.send(world.monitor, Kind.ACKNOWLEDGE, b"{}")
        world.send(world.steward, Kind.LEASE, Lease(0, 1, 1, 1, 0).pack())
        world.until(lambda: len(world.happened("message refused")) == 2, "both are refused")
        reasons = sorted(each["reasons"][0] for each in world.happened("message refused"))
        assert "monitor: it may not send ACKNOWLEDGE" in reasons[0]
        assert "steward: it may not send LEASE" in reasons[1]


def test_what_a_monitor_of_another_plan_says_counts_nothing_until_it_comes_with_this_one(
    tmp_path: Path,
) -> None:
    """Its conditions have other numbers: an "off" may be said of something else."""
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        world.start_plc()
        world.plan_told = "ab" * 32
        guard = world.start_guard()
        world.until(lambda: bool(world.happened("message refused")), "it is refused")
        refused = world.happened("message refused")[0]["reasons"][0]
        assert (
            f"it runs the plan abababababab…, this guard {world.plan.digest[:12]}…: start both anew"
            in refused
        )
        guard.wait_for_text("start both anew")
        world.until(lambda: world.mode.get("missing") is not None, "what a reset lacks is told")
        assert world.mode.get("offer") == "none"
        world.plan_told = world.plan.digest
        world.monitor.close()
        to_run(world)


def test_a_second_guard_on_the_same_latch_file_ends_with_a_plain_error(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        world.start_guard()
        world.until(lambda: world.state == "START_UP", "the first guard runs")
        second = world.start_guard()
        assert second.wait() == 10
        assert "another guard holds the latch file" in second.text
        assert "Traceback" not in second.text


def test_a_guard_that_was_stopped_for_too_long_withholds_first(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        plc, guard = world.start_plc(), world.start_guard()
        to_run(world)
        guard.signal(signal.SIGSTOP)
        world.until(lambda: outputs(plc)[-1]["word"] == "WITHHOLD", "the PLC dropped by itself")
        changes, later_ns = len(outputs(plc)), time.monotonic_ns() + 500_000_000
        world.until(lambda: time.monotonic_ns() > later_ns, "the pause is longer than the hold time")
        guard.signal(signal.SIGCONT)
        world.until(lambda: bool(world.happened("monotonic gap")), "the guard holds")
        # stopped in the middle of a turn, it notices the lost link first; it holds in both orders
        gap = world.happened("monotonic gap")[-1]
        assert (gap["to"], gap["cause"]) == ("HOLD", "time gap")
        world.until(
            lambda: world.status is not None and bool(world.status.flags & world.status.LINK_UP),
            "link is back",
        )
        assert len(outputs(plc)) == changes


def test_a_plc_that_goes_away_holds_and_its_return_raises_nothing(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        plc = world.start_plc()
        world.start_guard()
        to_run(world)
        world.kill_plc(plc)
        world.until(lambda: world.state == "HOLD", "the guard holds")
        # on a slow machine the test's own leases may have come too late before
        world.until(lambda: bool(world.happened("plc link lost")), "the link is lost")
        plc = world.start_plc()
        world.until(lambda: bool(world.happened("plc link back")), "the link is back")
        assert world.state == "HOLD"
        assert outputs(plc) == []
        for cause in [each["id"] for each in world.causes.values() if each["latched"]]:
            assert world.acknowledge(cause)["ok"]
        world.says[DRIFT] = Judgement.UNKNOWN
        to_run(world)


def test_a_guard_without_a_plc_in_its_plan_still_tells_causes(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start, link=None)
        world.make_latch_file()
        guard = world.start_guard()
        world.until(lambda: world.state == "START_UP", "the guard runs")
        world.says[DRIFT] = Judgement.ON
        world.until(lambda: world.causes.get("R-1", {}).get("active", False), "the cause is told")
        assert not world.causes["R-1"]["latched"]
        world.until(lambda: "29" in world.counters, "counters come")
        guard.signal(signal.SIGTERM)
        assert guard.wait() == 0


def test_a_log_that_nobody_reads_stops_no_beat(tmp_path: Path) -> None:
    """As beside a supervisor that stands still: its pipe is full, and the guard has something to say."""
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        plc, guard = world.start_plc(), world.start_guard()
        to_run(world)
        stderr = os.open(f"/proc/{guard.process.pid}/fd/2", os.O_WRONLY)
        fill(stderr)
        os.close(stderr)
        world.says[DRIFT] = Judgement.ON
        world.until(lambda: world.state == "HOLD", "it withholds, and can't write that it does")
        world.until(lambda: bool(world.status and world.status.actual == Word.WITHHOLD), "the output dropped")
        beat_ns = world.status.beat_ns if world.status else 0
        world.until(lambda: bool(world.status and world.status.beat_ns > beat_ns), "it beats on")
        assert [each["word"] for each in outputs(plc)][-1] == Word.WITHHOLD.name
        guard.signal(signal.SIGTERM)
        assert guard.wait() == 0
