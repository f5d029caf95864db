"""The guard killed before and after every call to the outside, once each, in a story with all kinds of acts.

Killed where nothing outside has changed since the call before, it leaves the same plant: each such plant is tried once.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field

from jidoka_bridge.guard.process import Process
from jidoka_bridge.messages import Judgement, Kind
from jidoka_bridge.registers import Input, State, Word

from tests.bridge.guard.guard_rig import DIGEST, DRIFT
from tests.bridge.guard.shell_world import Plant, play, reach_run, started, wait
from tests.bridge.guard.simulated_line import MS

HOWS = ("lost", "torn", "whole")
#: back before the PLC's hold time is over, and long after it
RESTARTS_MS = (40, 500)
#: what the new guard gets to do something wrong: session, self-test, offers
WATCHED_MS = 1_500
LIVENESS_EVERY = 97


@dataclass(frozen=True)
class Cut:
    """One plant as a killed guard leaves it. what: before or after which call."""

    number: int
    what: str
    plant: bytes


@dataclass
class Found:
    """calls: before and after each one; worlds: plants that differ; tried: deaths; wrong: what was lost, or rose."""

    calls: int = 0
    worlds: int = 0
    tried: int = 0
    wrong: list[str] = field(default_factory=list)


def story(plant: Plant, process: Process) -> None:
    """RUN, a trip by a condition, a hold by a person, a lockout and its end, RUN, a planned stop."""
    reach_run(plant, process)
    plant.says[DRIFT] = Judgement.ON
    plant.say()
    wait(plant, process, lambda: plant.plc.output is Word.WITHHOLD, "the trip")
    plant.says[DRIFT] = Judgement.UNKNOWN
    reach_run(plant, process)
    plant.ask(Kind.HOLD)
    wait(plant, process, lambda: plant.plc.output is Word.WITHHOLD, "the hold")
    plant.says[DRIFT] = Judgement.UNKNOWN
    reach_run(plant, process)
    plant.says[DIGEST] = Judgement.ON
    plant.say()
    wait(plant, process, lambda: process.guard.interlock.state is State.LOCKOUT, "the lockout")
    plant.says[DIGEST] = Judgement.OFF
    play(plant, process, 700)
    unlock(plant, process)
    plant.says[DRIFT] = Judgement.UNKNOWN
    reach_run(plant, process)
    plant.is_asked_to_stop = True
    play(plant, process, 2_000)
    assert process.is_done
    process.close()


def unlock(plant: Plant, process: Process) -> None:
    """Acknowledge everything, then unlock as the engineer."""
    for cause in list(plant.books.causes.values()):
        if cause["latched"] and cause["acknowledged_revision"] != cause["revision"]:
            plant.ask(Kind.ACKNOWLEDGE, cause=cause["id"], revision=cause["revision"])
    play(plant, process, 200)
    plant.ask(Kind.UNLOCK)
    wait(plant, process, lambda: process.guard.interlock.state is State.HOLD, "unlocked")


def cuts(found: Found) -> Iterator[Cut]:
    """Every distinct plant of the story, in order."""
    plant = Plant()
    kept: list[Cut] = []
    seen = -1

    def on_call(what: str) -> None:
        nonlocal seen
        found.calls += 1
        if plant.changes != seen:
            seen = plant.changes
            kept.append(Cut(found.calls, what, pickle.dumps(plant)))

    story(plant, started(plant, on_call))
    found.worlds = len(kept)
    yield from kept


def explore(every: int = 1, every_write: int = 1, most_wrong: int = 20, first: int = 0) -> Found:
    """Try each `every`-th distinct plant, and each `every_write`-th in which a write is under way with each of its ends.

    Begins with the plant number `first`, and ends early when most_wrong were found.
    """
    found = Found()
    for n, cut in enumerate(cuts(found)):
        plant: Plant = pickle.loads(cut.plant)
        is_writing = plant.disk.writing is not None
        if len(found.wrong) >= most_wrong:
            break
        if n < first or n % (every_write if is_writing else every):
            continue
        for how in HOWS if is_writing else HOWS[:1]:
            found.tried += 1
            try:
                die(pickle.loads(cut.plant), how, RESTARTS_MS[n % 2], is_live_asked=n % LIVENESS_EVERY == 0)
            except AssertionError as error:
                found.wrong.append(f"call {cut.number}, {cut.what}, write {how}: {error}")
    return found


def die(plant: Plant, how: str, restart_ms: int, *, is_live_asked: bool) -> None:
    """The guard dies, the PLC goes on, another guard comes. Raises AssertionError for what is lost or rises."""
    link, books = plant.link, plant.books
    died_ns = plant.now_ns
    was_stopped = plant.is_asked_to_stop
    plant.is_asked_to_stop = False
    plant.guard_died(how)
    held = plant.plc.inputs & Input.RESET_BUTTON
    plant.pass_ms(restart_ms // 2)
    plant.plc.inputs &= ~held
    plant.pass_ms(restart_ms // 2)
    told, latched_at = dict(books.acknowledged), dict(books.latched_at)
    presses, number = plant.plc.presses, books.recorded
    locked = books.locked_at == books.unlocks
    rises = plant.plc.rises
    process = started(plant)
    guard = process.guard
    play(plant, process, WATCHED_MS)

    silent_ns = (link.hold_ms + link.scan_ms) * MS
    assert plant.plc.output is Word.WITHHOLD, f"the output is {plant.plc.output.name}"
    assert plant.plc.coil_ns <= died_ns + silent_ns, "the output dropped late"
    assert plant.plc.rises == rises, "the output rose by itself"
    assert guard.word is Word.WITHHOLD, f"the guard writes {guard.word.name}"
    assert guard.interlock.state in (State.START_UP, State.HOLD, State.LOCKOUT), guard.interlock.state.name
    for name, revision in told.items():
        assert guard.causes[name].acknowledged_revision >= revision, f"the acknowledgement of {name} is lost"
    for name, at in latched_at.items():
        assert at != presses or guard.causes[name].latched, f"{name} isn't latched any more"
    assert not locked or guard.interlock.state is State.LOCKOUT, "the lockout is lost"
    # a stop that was asked for may have been finished: then nothing needs to be told
    assert was_stopped or guard.interlock.state is not State.START_UP or not presses, "nobody is told"
    fresh = [each[0] for each in books.transitions if each[1] > died_ns]
    assert fresh, "the new guard tells nothing"
    assert fresh[0] > number, "a number is given twice"
    if is_live_asked:
        if guard.interlock.state is State.LOCKOUT:
            unlock(plant, process)
        plant.says[DRIFT] = Judgement.UNKNOWN
        plant.says[DIGEST] = Judgement.OFF
        plant.say()
        reach_run(plant, process)
