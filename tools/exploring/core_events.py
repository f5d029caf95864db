"""What may happen in the world of the guard's core: switches, messages, people's acts, beats."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jidoka_bridge.guard.clock import Step as ClockStep
from jidoka_bridge.messages import Kind
from jidoka_bridge.registers import Input, Input2

from tools.exploring import core_people as people
from tools.exploring.book import RANKS
from tools.exploring.core_world import JUDGEMENTS, CoreWorld, Event
from tools.exploring.plans import STEP_MS


def _switch(name: str, value: Any) -> Event:
    return Event(lambda world: setattr(world, name, value), lambda world: getattr(world, name) != value)


def _input(bits: Input, on: bool, name: str = "inputs") -> Event:
    def happen(world: CoreWorld) -> None:
        level = getattr(world, name)
        setattr(world, name, level | bits if on else level & ~bits)

    return Event(happen, lambda world: bool(getattr(world, name) & bits) != on)


def _judgements() -> dict[str, Event]:
    names = {
        "drift": "m:drift(all)",
        "invalid": "m:invalid output",
        "advice": "m:drift(input)",
        "digest": "m:two writers",
    }

    def event(name: str, judgement: str, is_old: bool) -> Event:
        return Event(lambda world: world.say(name, judgement, is_old))

    return {
        f"{short} {judgement}{' of an old run' if is_old else ''}": event(name, judgement, is_old)
        for short, name in names.items()
        for judgement in JUDGEMENTS
        for is_old in (False, True)
    }


def _moving(event: Event) -> Event:
    """Where conditions change only while the machine is permitted (L2)."""
    return Event(event.happen, lambda world: RANKS[int(world.guard.ask().word)] >= 1)


def _write(world: CoreWorld) -> None:
    world.disk_begins()
    world.disk_ends()


def _fail(world: CoreWorld) -> None:
    world.disk_ends("the disk is full")


def _gap(world: CoreWorld) -> None:
    world.book.forget_press()
    world.book.struck = "time gap"
    world.guard.gap(world.now_ns, 10**9)
    world.look("gap")


def _clock(world: CoreWorld) -> None:
    world.guard.clock(world.now_ns, ClockStep(2 * 10**9, is_first=False))
    world.look("clock step")


def _first_clock(world: CoreWorld) -> None:
    world.guard.clock(world.now_ns, ClockStep(2 * 10**9, is_first=True))
    world.look("clock set")


def _refuse(world: CoreWorld) -> None:
    world.guard.refuse(world.now_ns, "the monitor may not send UNLOCK")
    world.look("remote or unfair message")


def _release(world: CoreWorld) -> None:
    """The end of a press that was held for a while, and counts."""
    world.inputs &= ~Input.RESET_BUTTON
    world.beat(pressed=1)


def _stop(world: CoreWorld) -> None:
    world.book.is_stopped = True
    world.guard.stop(world.now_ns)
    world.look("planned stop")


EVENTS: Mapping[str, Event] = MappingProxyType(
    {
        "beat": Event(lambda world: world.beat()),
        "press": Event(lambda world: world.beat(pressed=1), lambda world: world.link),
        "press that isn't counted": Event(
            lambda world: world.beat(pressed=1, counted=False), lambda world: world.link
        ),
        "acknowledge": Event(people.acknowledge),
        "acknowledge again": Event(people.acknowledge_again),
        "acknowledge what doesn't wait": Event(people.acknowledge_others),
        "acknowledge what doesn't wait, remotely": Event(
            lambda world: people.acknowledge_others(world, remote=True)
        ),
        "acknowledge remotely": Event(lambda world: people.acknowledge(world, False, remote=True)),
        "acknowledge an old revision": Event(
            lambda world: people.acknowledge(world, False, revision=lambda seen: seen - 1)
        ),
        "acknowledge without a reason": Event(lambda world: people.acknowledge(world, False, reason="")),
        "acknowledge as an auditor": Event(lambda world: people.acknowledge(world, False, role="auditor")),
        "acknowledgement taken back": Event(people.take_back),
        **_judgements(),
        **{f"{name}, permitted": _moving(event) for name, event in _judgements().items()},
        "hold": Event(lambda world: people.hold(world, False)),
        "remote hold": Event(lambda world: people.hold(world, True)),
        "hold as an auditor": Event(
            lambda world: people.act(world, Kind.HOLD, "remote or unfair hold", role="auditor", reason="test")
        ),
        "unlock": Event(people.unlock),
        "unlock remotely": Event(lambda world: people.unlock(world, False, remote=True)),
        "unlock as an operator": Event(lambda world: people.unlock(world, False, role="operator")),
        "monitor lost": _switch("monitor", False),
        "monitor back": Event(lambda world: world.monitor_comes(), lambda world: not world.monitor),
        "monitor restarts": Event(lambda world: world.monitor_comes(), lambda world: world.monitor),
        "monitor restarts cold": Event(lambda world: world.monitor_comes_cold(), lambda world: world.monitor),
        "inferences stop": _switch("infers", False),
        "inferences come": _switch("infers", True),
        "steward lost": _switch("steward", False),
        "steward back": _switch("steward", True),
        "link lost": _switch("link", False),
        "link back": _switch("link", True),
        "key on": _input(Input.OVERRIDE_KEY, True),
        "key off": _input(Input.OVERRIDE_KEY, False),
        "not ready": _input(Input.MACHINE_READY, False),
        "ready": _input(Input.MACHINE_READY, True),
        "machine runs": _input(Input.RUNNING, True),
        "machine stands": _input(Input.RUNNING, False),
        "changeover begins": _input(Input.CHANGEOVER, True),
        "changeover ends": _input(Input.CHANGEOVER, False),
        "fallback ready": _input(Input2.FALLBACK_HEALTHY, True, "inputs2"),  # type: ignore[arg-type]
        "fallback gone": _input(Input2.FALLBACK_HEALTHY, False, "inputs2"),  # type: ignore[arg-type]
        "relay obeys": _switch("relay", "obeys"),
        "relay falls off": _switch("relay", "off"),
        "relay sticks": _switch("relay", "stuck"),
        "a part": Event(
            lambda world: setattr(world, "parts", world.parts + 1),
            lambda world: world.parts == world.guard.view.part_count,
        ),
        "disk stuck": _switch("disk", False),
        "disk back": _switch("disk", True),
        "disk writes": Event(
            _write,
            lambda world: world.disk and world.guard.latch_number > world.submitted,
        ),
        "disk begins": Event(
            lambda world: world.disk_begins(),
            lambda world: world.writing is None and world.guard.latch_number > world.submitted,
        ),
        "disk ends": Event(lambda world: world.disk_ends(), lambda world: world.writing is not None),
        "disk fails": Event(_fail, lambda world: world.writing is not None),
        "the process pauses": Event(_gap),
        "another file": Event(
            lambda world: people.model_file(world, False), lambda world: not world.book.is_file_wrong
        ),
        "the approved file": Event(
            lambda world: people.model_file(world, True), lambda world: world.book.is_file_wrong
        ),
        "window of two steps": Event(lambda world: people.open_window(world, 2 * STEP_MS)),
        "window by one person": Event(lambda world: people.act(world, Kind.WINDOW, "window", ms=STEP_MS)),
        "model out of enforce": Event(lambda world: people.set_mode(world, "observe")),
        "model back in enforce": Event(lambda world: people.set_mode(world, "enforce")),
        "model back in enforce, remotely": Event(
            lambda world: people.set_mode(world, "enforce", remote=True)
        ),
        "known answers right": Event(lambda world: people.show_answers(world, True)),
        "known answers wrong": Event(lambda world: people.show_answers(world, False)),
        "clock step": Event(_clock),
        "clock set for the first time": Event(_first_clock),
        "a message that is refused": Event(_refuse),
        "an error inside": Event(people.fail),
        "somebody else on the line": _switch("is_foreign", True),
        "alone on the line": _switch("is_foreign", False),
        "remote reset": Event(
            lambda world: people.act(world, Kind.COMMAND, "remote reset", command="reset", remote=True)
        ),
        "remote arming": Event(
            lambda world: people.act(world, Kind.COMMAND, "remote arming", command="arm", remote=True)
        ),
        "button stuck": _input(Input.RESET_BUTTON, True),
        "button let go": _input(Input.RESET_BUTTON, False),
        "button released": Event(
            _release, lambda world: world.link and bool(world.inputs & Input.RESET_BUTTON)
        ),
        "planned stop": Event(_stop, lambda world: not world.guard.stopping),
        "restart": Event(lambda world: world.restart(), lambda world: world.durable is not None),
    }
)
