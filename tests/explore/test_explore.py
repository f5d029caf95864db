"""The exploration in small: reduced plans to closure, some of the seeded faults, and that its own tools can fail."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tools.exploring import liveness, runs, slices, story
from tools.exploring.canonical import BASE_NS, Form
from tools.exploring.core_faults import Fault
from tools.exploring.search import BrokenInvariantError, Search
from tools.exploring.seeding import UnfitSeedError, cell, seeded, text
from tools.exploring.snapshot import bring_back, save

#: reduced slices that take a fraction of a second each; the others are explored by tools/explore.py
SMALL = (
    "holds alone", "monitor alone", "record alone", "writes alone", "people alone", "causes alone", "observe alone",
    "old judgements alone", "rule given", *(each.name for each in slices.ALL if each.name.startswith("alarm")),
)  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_a_reduced_plan_is_explored_to_closure_and_keeps_the_invariants(name: str) -> None:
    result = runs.explored(slices.BY_NAME[name])
    assert result.found is None, result.found
    assert result.closed
    assert result.differing is None, result.differing
    assert result.stuck is None, result.stuck


@pytest.mark.parametrize(
    "fault", [each for each in slices.FAULTS if each.is_quick], ids=lambda fault: fault.text
)
def test_a_seeded_fault_is_found_by_its_invariant(fault: Fault) -> None:
    found = runs.looked_for(fault).found
    assert found is not None
    assert found.text.startswith(fault.by), found


def test_at_least_thirty_faults_are_seeded_in_tables_and_code_and_each_fits_the_program() -> None:
    assert len({each.text for each in slices.FAULTS}) >= 30
    for fault in slices.FAULTS:
        with seeded(fault.seed):
            pass


def test_what_is_seeded_is_gone_afterwards() -> None:
    fault = next(each for each in slices.FAULTS if each.text == "nobody need acknowledge")
    runs.looked_for(fault)
    assert runs.explored(slices.BY_NAME["holds alone"]).holds


def test_a_fault_that_no_longer_fits_the_program_is_an_error() -> None:
    with (
        pytest.raises(UnfitSeedError, match="write the fault anew"),
        seeded(text("guard.acts:judge_unlock", "no such text", "x")),
    ):
        pass


def test_small_slices_come_first_and_then_the_longest() -> None:
    order = [each.name for each in runs.in_order(slices.ALL)]
    reduced = sum(each.is_reduced for each in slices.ALL)
    assert all(slices.BY_NAME[name].is_reduced for name in order[:reduced])
    assert order[reduced : reduced + len(slices.LONGEST)] == list(slices.LONGEST)


def test_a_counter_example_is_written_and_told_again_as_a_story(tmp_path: Path) -> None:
    fault = Fault("a hold is noted only", cell("local hold", "RUN", "noted"), "holds alone", "I1")
    a_slice = slices.BY_NAME["holds alone"]
    found = runs.looked_for(fault).found
    assert found is not None
    story.write(tmp_path / "hold.json", a_slice, found, fault)
    assert json.loads((tmp_path / "hold.json").read_text())["events"] == list(found.events)
    said: list[str] = []
    assert story.tell(a_slice, found, fault, said.append)
    assert any("hold" in line and "writes MACHINE_AND_AI" in line for line in said), said
    assert not story.tell(a_slice, found, None, said.append), "without the fault nothing breaks"


@dataclass
class _Counter:
    """A world of its own: two numbers, of which one decides nothing."""

    count: int = 0
    steps: int = 0
    hidden: int = 0
    held: list[int] = field(default_factory=list)
    keep: tuple[str, ...] = ("count",)

    def begin(self, root: str) -> None:  # noqa: ARG002 - as every world
        self.count = self.steps = self.hidden = 0

    def may(self, event: str) -> bool:
        return event != "reset" or self.count > 0

    def happen(self, event: str) -> None:
        self.steps += 1
        self.hidden = (self.hidden + (event == "other")) % 2
        if event == "up":
            self.count = (self.count + 1 + self.hidden) % 40
        if event == "reset":
            self.count = 0
        if self.count == 17:
            raise BrokenInvariantError("seventeen")

    def key(self) -> bytes:
        return bytes([200 if self.count > 200 else 0, *(getattr(self, name) for name in self.keep)])

    @property
    def marks(self) -> int:
        return int(self.count == 3)


def test_the_search_finds_the_shortest_way_and_counts_what_it_saw() -> None:
    outcome = Search(_Counter(keep=("count", "hidden")), ("up", "other", "reset")).run()
    assert outcome.found is not None
    assert outcome.found.text == "seventeen"
    assert len(outcome.found.events) == 10  # once the other one, then in steps of two: 1 + 2 × 8


def test_a_form_that_loses_something_is_noticed() -> None:
    class Never17(_Counter):
        def happen(self, event: str) -> None:
            self.steps += 1
            self.hidden = (self.hidden + (event == "other")) % 2
            self.count = (self.count + (event == "up") * (1 + self.hidden)) % 5

    whole = Search(Never17(keep=("count", "hidden")), ("up", "other"), doubted=256).run()
    assert whole.closed
    assert whole.differing is None
    lost = Search(Never17(), ("up", "other"), doubted=256).run()
    assert lost.closed
    assert lost.differing is not None


def test_a_state_without_a_way_back_is_a_dead_end() -> None:
    class OneWay(_Counter):
        def happen(self, event: str) -> None:
            self.count = 9 if event == "invalid on" or self.count == 9 else 3

    graph = Search(OneWay(), ("press", "invalid on")).run().graph
    ways = liveness.ways_to_run(graph)
    assert [graph.way(state)[1] for state in ways.stuck] == [("invalid on",)]


def test_a_snapshot_brings_everything_back_in_place() -> None:
    world: Any = _Counter(held=[1, 2])
    before = save(world)
    held = world.held
    world.held.append(3)
    world.count = 5
    after = save(world, before)
    bring_back(before)
    assert (world.count, held) == (0, [1, 2])
    bring_back(after)
    assert (world.count, held) == (5, [1, 2, 3])


def test_an_object_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(TypeError, match="teach"):
        save(_Counter(held=[memoryview(b"x")]))  # type: ignore[list-item]


def test_times_are_ages_that_end_where_every_deadline_is_over() -> None:
    form = Form({}, {}, 100)
    form.now_ns = 2 * BASE_NS
    assert form.value(2 * BASE_NS - 60, 100) == 60
    assert form.value(2 * BASE_NS - 5_000, 100) == form.value(2 * BASE_NS - 900, 100) == 101
    assert form.value(7, 100) == 7
