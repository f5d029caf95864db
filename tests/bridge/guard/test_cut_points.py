"""The guard dies before or after a call to the outside: nothing that it told is lost, and nothing rises by itself.

A part of the cut-points here; `python tools/kill_guard.py` tries all of them.
"""

from __future__ import annotations

import pytest
from jidoka_bridge.guard import remembered
from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.telling import Telling
from jidoka_bridge.messages import Judgement, Kind
from jidoka_bridge.registers import Word

from tests.bridge.guard.cut_points import explore
from tests.bridge.guard.guard_rig import DRIFT
from tests.bridge.guard.shell_world import Plant, play, reach_run, started, wait

#: in the middle of the story: trips, acknowledgements and holds lie on both sides
SEEDED_FROM = 600


def test_a_guard_that_dies_at_any_call_loses_nothing_that_it_told_and_raises_nothing() -> None:
    found = explore(every=97, every_write=7)
    assert not found.wrong, "\n".join(found.wrong)
    assert found.calls > 5_000
    assert found.tried > 30


@pytest.mark.parametrize("fault", ["told before it is written", "acknowledgements aren't written"])
def test_a_seeded_fault_is_found(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    if fault == "told before it is written":
        monkeypatch.setattr(Telling, "_may_tell", lambda _process, _now_ns: True)
    else:
        content = remembered.causes_content

        def without(causes: Causes) -> dict[str, list[object]]:
            return {name: [each[0], each[1], 0, *each[3:]] for name, each in content(causes).items()}

        monkeypatch.setattr(remembered, "causes_content", without)
    found = explore(every=400, every_write=3, most_wrong=1, first=SEEDED_FROM)
    assert any("is lost" in wrong or "latched any more" in wrong for wrong in found.wrong)


def test_an_acknowledgement_that_the_disk_does_not_take_is_answered_as_what_it_is() -> None:
    plant = Plant()
    process = started(plant)
    reach_run(plant, process)
    plant.says[DRIFT] = Judgement.ON
    plant.say()
    wait(plant, process, lambda: plant.plc.output is Word.WITHHOLD, "the trip")
    play(plant, process, 300)
    plant.disk.error = "the disk is broken"
    request = plant.ask(Kind.ACKNOWLEDGE, cause="R-1", revision=plant.books.causes["R-1"]["revision"])
    play(plant, process, 100)
    assert request not in plant.books.answers, "told before anybody knew whether it can be kept"
    play(plant, process, 400)
    answer = plant.books.answers[request]
    assert not answer["ok"]
    assert "latch file can't be written" in answer["refused"]
    # the alarm comes all the same: a broken disk must not silence the guard
    assert plant.books.causes["latch file"]["active"]
