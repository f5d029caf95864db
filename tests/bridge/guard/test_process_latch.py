"""The real guard and a latch file that isn't its own, or that somebody has damaged: told in words, and never RUN."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jidoka_bridge.guard import latch
from jidoka_bridge.guard.latch import SLOT_BYTES
from jidoka_bridge.guard.remembered import NEW

from tests.bridge.guard.guard_world import World
from tests.processes import Program, programs

pytestmark = pytest.mark.process


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """No PLC: what the file leads to is known before there is one."""
    with programs(tmp_path) as start:
        yield World(tmp_path, start)


def begin(world: World, content: dict[str, Any]) -> Program:
    latch.create(world.plan.latch_file, {**NEW, **content})
    return started(world)


def started(world: World) -> Program:
    guard = world.start_guard()
    world.until(lambda: bool(world.state != "None" and world.happened("restart")), "the guard has begun")
    return guard


def test_the_latch_file_of_another_device_locks_out_and_names_both(world: World) -> None:
    guard = begin(world, {"device": "s/l/spare"})
    world.until(lambda: world.state == "LOCKOUT", "locked out")
    guard.wait_for_text("the latch file is that of s/l/spare, not of s/l/d")
    assert "an engineer unlock" in guard.text
    cause = world.causes["latch file"]
    assert (cause["latched"], cause["acknowledged_revision"]) == (True, 0)


def test_a_cause_of_an_earlier_plan_waits_for_a_person_under_the_new_one(world: World) -> None:
    begin(world, {"causes": {"R-77": [True, 2, 0, None, ""], "R-78": [False, 1, 1, None, ""]}})
    world.until(lambda: "R-77" in world.causes, "it is told")
    cause = world.causes["R-77"]
    assert (cause["latched"], cause["revision"], cause["risk"]) == (True, 2, "earlier plan")
    assert "R-78" not in world.causes, "what waited for nobody is no cause any more"
    assert world.state == "START_UP"
    assert world.acknowledge("R-77")["ok"]


@pytest.mark.parametrize("damage", ["zeroed", "torn", "cut"])
def test_a_torn_slot_is_a_restart_that_somebody_must_see(world: World, damage: str) -> None:
    """The newest slot is the one that a dying guard leaves torn: the one before it counts."""
    path = world.plan.latch_file
    latch.create(path, {**NEW, "lockout": True})
    data = bytearray(path.read_bytes())
    data[SLOT_BYTES : 2 * SLOT_BYTES] = {
        "zeroed": bytes(SLOT_BYTES),
        "torn": data[SLOT_BYTES : SLOT_BYTES + 60] + bytes(SLOT_BYTES - 60),
        "cut": b"",
    }[damage]
    path.write_bytes(data)
    started(world)
    world.until(lambda: world.state == "LOCKOUT", "what the other slot holds counts")
    assert world.happened("restart")[0]["evidence"]["torn"]
    world.until(lambda: world.causes.get("restart", {}).get("latched", False), "somebody must see it")


def test_two_torn_slots_lock_out_and_name_the_file(world: World) -> None:
    path = world.plan.latch_file
    latch.create(path, NEW)
    path.write_bytes(path.read_bytes()[:40])
    guard = started(world)
    world.until(lambda: world.state == "LOCKOUT", "locked out")
    guard.wait_for_text("latch file lost: ")
    assert str(path) in guard.text
    assert path.read_bytes()[:40] != b"", "what is left of it is kept until the first write"
