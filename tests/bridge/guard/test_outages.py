"""However the line, its adapter, the PLC or the guard was away: one's own old number in the PLC is nobody else's.

Each in the whole loop in simulated time, with a PLC that serves what a beat reads after its program ran, and with one that
serves it before (INTERLOCK §2), so that its echo is a beat behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jidoka_bridge.errors import LinkError
from jidoka_bridge.plan import Link

from tests.bridge.guard import shell_world
from tests.bridge.guard.shell_world import MS, Plant, play, reach_run, started

pytestmark = pytest.mark.parametrize("is_behind", [False, True], ids=["in time", "behind"])


def made(is_behind: bool) -> Plant:
    plant = Plant(Link("wire"))
    if is_behind:
        _put_behind(plant.plc, plant.wire)
    return plant


def _put_behind(plc: Any, wire: Any) -> None:
    def scan(now_ns: int, _wire: Any) -> None:
        requests, plc.requests = plc.requests, []
        exceptions = [plc.registers.write(each) for each in requests]
        for request, exception in zip(requests, exceptions, strict=True):
            wire.answer(plc.registers.reply(request, exception))
        done = plc.rule.scan(now_ns // MS, plc.registers.block("A"), plc.inputs)
        plc.presses += done.is_accepted
        plc.registers.set("B", plc.rule.block(plc.parts, inputs2=plc.inputs2).encode(1))

    plc.scan = scan


def cut(plant: Plant) -> Callable[[], None]:
    """The line is dead from now on; what is returned mends it."""
    write = plant.wire.write
    plant.wire.write = lambda data: None  # type: ignore[method-assign]
    return lambda: setattr(plant.wire, "write", write)


def is_held_by_nobody_else(process: Any) -> bool:
    return process.guard.interlock.state.name == "HOLD" and not process.guard.causes["other session"].latched


@pytest.mark.parametrize("out_ms", [10_000, 60_000])
def test_a_cable_that_was_out(is_behind: bool, out_ms: int) -> None:
    plant = made(is_behind)
    process = started(plant)
    reach_run(plant, process)
    mend = cut(plant)
    play(plant, process, out_ms)
    mend()
    play(plant, process, 3_000)
    assert is_held_by_nobody_else(process)


@pytest.mark.parametrize("beats", [1, 3, 6])
def test_a_loose_contact(is_behind: bool, beats: int) -> None:
    plant = made(is_behind)
    process = started(plant)
    reach_run(plant, process)
    for out_ms, back_ms in ((10_000, 70 * beats), (45_000, 3_000)):
        mend = cut(plant)
        play(plant, process, out_ms)
        mend()
        play(plant, process, back_ms)
    assert is_held_by_nobody_else(process)


def test_an_adapter_that_was_plugged_again_long_before_the_cable(is_behind: bool) -> None:
    plant = made(is_behind)
    process = started(plant)
    reach_run(plant, process)
    write = plant.wire.write
    plant.wire.remedy = ""  # type: ignore[attr-defined]

    def gone(data: bytes) -> None:
        del data
        plant.wire.write = lambda data: None  # type: ignore[method-assign]
        plant.wire.is_open, plant.wire.error = False, "gone"
        raise LinkError("gone")

    plant.wire.write = gone  # type: ignore[method-assign]
    play(plant, process, 45_000)
    plant.wire.write = write  # type: ignore[method-assign]
    play(plant, process, 3_000)
    assert is_held_by_nobody_else(process)


@pytest.mark.parametrize("dead_ms", [300, 2_000, 60_000])
def test_a_guard_that_was_started_anew_on_a_dead_line(
    is_behind: bool, dead_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = made(is_behind)
    process = started(plant)
    reach_run(plant, process)
    plant.guard_died("whole")
    monkeypatch.setattr(shell_world._System, "first_number", lambda self: 20_000)
    mend = cut(plant)
    process = started(plant)
    play(plant, process, dead_ms)
    mend()
    play(plant, process, 3_000)
    assert is_held_by_nobody_else(process)


def test_a_plc_that_was_in_stop_while_its_server_went_on(is_behind: bool) -> None:
    plant = made(is_behind)
    process = started(plant)
    reach_run(plant, process)
    scan = plant.plc.scan

    def stopped(now_ns: int, wire: Any) -> None:
        del now_ns, wire
        requests, plant.plc.requests = plant.plc.requests, []
        for request in requests:
            plant.wire.answer(plant.plc.registers.reply(request, plant.plc.registers.write(request)))

    plant.plc.scan = stopped  # type: ignore[method-assign]
    play(plant, process, 60_000)
    plant.plc.scan = scan  # type: ignore[method-assign]
    play(plant, process, 3_000)
    assert is_held_by_nobody_else(process)
