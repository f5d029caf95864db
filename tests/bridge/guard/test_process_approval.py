"""A plan is approved at the PLC by key and button, while the guard runs; another plan is named until then, and not armed."""

from __future__ import annotations

import dataclasses
import signal
import time
from pathlib import Path

import pytest
from jidoka_bridge import plan as plans
from jidoka_bridge.guard.button import APPROVE_NS
from jidoka_bridge.registers import PlcState

from tests.bridge.guard.guard_world import MS, World
from tests.processes import programs

pytestmark = pytest.mark.process


def approve(world: World, held_ns: int = APPROVE_NS + 600 * MS) -> None:
    """Key to OVERRIDE, hold the button for so long, let go, key back; as a person who comes once the line is up."""
    world.until(
        lambda: world.status is not None and world.status.state_fault >> 8 != PlcState.OFF, "a session"
    )
    for line in ("auto off", "key on"):
        world.tell_panel(line)
    world.until(lambda: "the override key is on" in world.mode.get("missing", ()), "the key is seen")
    world.tell_panel("press")
    until_ns = time.monotonic_ns() + held_ns
    world.until(lambda: time.monotonic_ns() > until_ns, "the button is held")
    for line in ("release", "key off", "auto on"):
        world.tell_panel(line)


def memory(world: World) -> str:
    return str((world.mode.get("memory") or {}).get("approved_digest"))


def test_another_plan_is_armed_once_somebody_has_approved_it_at_the_machine(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        world.start_plc()
        guard = world.start_guard()
        world.until(lambda: world.mode.get("offer") == "proving", "a fresh PLC arms any plan")
        approve(world, held_ns=1_500 * MS)
        world.until(lambda: "the override key is on" not in world.mode["missing"], "button and key are back")
        assert memory(world) == "", "1.5 s approve nothing"
        approve(world)
        world.until(lambda: memory(world) == world.plan.digest[:8], "it remembers the approved one")

        guard.signal(signal.SIGTERM)
        world.until(lambda: guard.process.poll() is not None, "the guard ended")
        changed = dataclasses.replace(world.plan, times=dataclasses.replace(world.plan.times, no_data_ms=700))
        world.plan_file.write_bytes(plans.dump(changed))
        second = plans.load(world.plan_file)
        assert second.digest[:8] != world.plan.digest[:8]
        world.plan_told = second.digest
        world.start_guard()

        def lack() -> str:
            return next((each for each in world.mode.get("missing", ()) if "approved" in each), "")

        world.until(lambda: bool(lack()), "what is missing is named")
        assert lack().endswith("has approved another plan than this one")
        assert world.mode["offer"] == "none"
        approve(world)
        world.until(lambda: not lack() and memory(world) == second.digest[:8], "it was approved")
        for name in ("restart", "override"):
            assert world.acknowledge(name)["ok"]
        world.until(
            lambda: world.mode.get("offer") == "proving" and bool(world.mode.get("ready")), "it is armed"
        )
