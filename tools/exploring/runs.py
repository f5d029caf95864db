"""Slices and faults, two processes at a time, with progress, figures and counter-examples."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.bench._rows import AT_LEAST, Row, write
from tools.exploring import liveness, reasons, slices, story, visits
from tools.exploring.core_faults import Fault
from tools.exploring.core_slices import Slice
from tools.exploring.search import Found, Search
from tools.exploring.seeding import seeded
from tools.exploring.visits import Cell

#: seconds for one fault; they are found in a fraction of one
FAULT_S = 30.0


@dataclass(frozen=True)
class Result:
    """Of one slice. differing: two ways to the same state that went on differently; stuck: a way to a dead end;
    visited: cells of the tables that were met, and after how many look-ups.
    """

    name: str
    states: int
    transitions: int
    closed: bool
    found: Found | None
    doubted: int
    differing: tuple[Found, Found] | None
    longest: int
    by_engineer: int
    stuck: Found | None
    cpu_s: float
    visited: Mapping[Cell, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return self.closed and not (self.found or self.differing or self.stuck)


def explored(a_slice: Slice, limit_s: float = 10**9, *, is_loud: bool = False) -> Result:
    """Explore one slice, then look for dead ends in it."""

    def tell(line: str) -> None:
        print(f"  {a_slice.name}: {line}", flush=True)

    with seeded(a_slice.scaled), visits.counted() as visited, uncollected():
        search = Search(
            a_slice.make(), a_slice.events, a_slice.roots, limit_s=limit_s, tell=tell if is_loud else None
        )
        outcome = search.run()
    graph = outcome.graph
    longest, by_engineer, stuck = 0, 0, None
    if outcome.closed and a_slice.asks:
        ways = liveness.ways_to_run(graph, a_slice.mending)
        longest, by_engineer = ways.longest, ways.by_engineer
        if ways.stuck:
            root, events = graph.way(ways.stuck[0])
            stuck = Found(f"{a_slice.asks[0]}: {len(ways.stuck)} states without a way to RUN", root, events)
    return Result(
        a_slice.name, graph.states, graph.transitions, outcome.closed, outcome.found, outcome.doubted, outcome.differing,
        longest, by_engineer, stuck, outcome.cpu_s, visited.first,
    )  # fmt: skip


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing that a search keeps is garbage before its end, and looking through it again and again takes long."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def looked_for(fault: Fault) -> Result:
    """Look for one seeded fault."""
    a_slice = slices.BY_NAME[fault.slice]
    with seeded(a_slice.scaled), seeded(fault.seed), uncollected():
        search = Search(a_slice.make(), a_slice.events, a_slice.roots, limit_s=FAULT_S, doubted=0)
        outcome = search.run()
        graph = outcome.graph
        found = outcome.found
        if found is None and outcome.closed and a_slice.asks:
            stuck = liveness.ways_to_run(graph, a_slice.mending).stuck
            if stuck:
                found = Found(f"{a_slice.asks[0]}: no way to RUN", *graph.way(stuck[0]))
    return Result(
        fault.text, graph.states, graph.transitions, outcome.closed, found, 0, None, 0, 0, None, outcome.cpu_s
    )


def _explore(job: tuple[str, float]) -> Result:
    name, until = job
    return explored(slices.BY_NAME[name], max(1.0, until - time.monotonic()), is_loud=True)


def _look_for(number: int) -> Result:
    return looked_for(slices.FAULTS[number])


def in_order(chosen: Sequence[Slice]) -> list[Slice]:
    """The small ones first, so that none of them starves; of the others the longest first, so that all end together."""
    place = {name: number for number, name in enumerate(slices.LONGEST)}
    return sorted(chosen, key=lambda each: (not each.is_reduced, place.get(each.name, len(place))))


def explore(chosen: Sequence[Slice], processes: int, limit_s: float, kept: Path, figures: Path | None) -> int:
    """Explore slices side by side; print each, keep its counter-example."""
    began = time.monotonic()
    jobs = [(each.name, began + limit_s) for each in in_order(chosen)]
    results = []
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for result in pool.imap_unordered(_explore, jobs):
            results.append(result)
            print(_line(result), flush=True)
            for what in (result.found, result.stuck, *(result.differing or ())):
                if what:
                    _keep(kept, result.name, what)
    states, transitions = sum(each.states for each in results), sum(each.transitions for each in results)
    passed_s = time.monotonic() - began
    bad = [each.name for each in results if not each.holds]
    is_whole = {each.name for each in chosen} == set(slices.BY_NAME)
    reports = _visits(results, is_whole=is_whole)
    print(
        f"{states} states, {transitions} transitions in {len(results)} slices, {passed_s:.0f} s;"
        f" {f'NOT: {bad}' if bad else 'all closed, nothing broken, no dead end'}"
    )
    if figures:
        write(figures, [*rows(results, passed_s), *visit_rows(reports)])
    unexplained = any(each.unexplained or each.strange for each in reports)
    return 1 if bad or (is_whole and unexplained) else 0


def _visits(results: Sequence[Result], *, is_whole: bool) -> list[visits.Report]:
    """Cells that were met; by name those that weren't, if everything was explored."""
    met = {cell for result in results for cell in result.visited}
    reports = [
        visits.report(visits.INTERLOCK, met, reasons.INTERLOCK),
        visits.report(visits.ALARM, met, reasons.ALARM),
    ]
    for each in reports:
        print(
            f"{each.table}: {each.visited} of {each.possible} cells met that can occur ({each.cells} in all)"
        )
        for cell, why in each.missed if is_whole else ():
            print(f"  not met: {cell}: {why or 'WHY?'}")
        for cell in each.strange:
            print(f"  MET, though the table says that it can't occur: {cell}")
    return reports


def visit_rows(reports: Sequence[visits.Report]) -> list[Row]:
    """Figures of what was met."""
    return [
        row
        for each in reports
        for row in (
            Row(f"{each.table}: cells that can occur", each.possible, "cells"),
            Row(f"{each.table}: cells met", each.visited, "cells"),
            Row(f"{each.table}: cells neither met nor explained", len(each.unexplained), "cells", 0),
            Row(f"{each.table}: cells met that can't occur", len(each.strange), "cells", 0),
        )
    ]


def rows(results: Sequence[Result], passed_s: float) -> list[Row]:
    """Figures of an exploration."""
    return [
        Row(
            "slices explored to closure",
            sum(each.closed for each in results),
            "slices",
            len(results),
            AT_LEAST,
        ),
        Row("states", sum(each.states for each in results), "states"),
        Row("transitions", sum(each.transitions for each in results), "steps"),
        Row("invariants broken", sum(each.found is not None for each in results), "ways", 0),
        Row(
            "dead ends (LOCKOUT needs an engineer)",
            sum(each.stuck is not None for each in results),
            "slices",
            0,
        ),
        Row(
            "longest of the shortest ways to RUN",
            max((each.longest for each in results), default=0),
            "events",
        ),
        Row("states explored from two ways", sum(each.doubted for each in results), "states"),
        Row(
            "of these, going on differently", sum(each.differing is not None for each in results), "states", 0
        ),
        Row("time, two processes", passed_s, "s", 600),
        *(
            Row(f"{each.name}: states", each.states, "states")
            for each in sorted(results, key=lambda each: each.name)
        ),
    ]


def _line(result: Result) -> str:
    closed = "closed" if result.closed else "NOT CLOSED"
    text = f"{result.name:28} {result.states:8} states {result.transitions:9} transitions {closed} {result.cpu_s:6.1f} s"
    text += f", {result.doubted} from two ways"
    if result.longest:
        text += f", at most {result.longest} events to RUN"
    if result.found:
        text += f"\n  BROKEN {result.found.text}"
    if result.stuck:
        text += f"\n  DEAD END {result.stuck.text}"
    if result.differing:
        text += f"\n  THE FORM LOSES SOMETHING {result.differing[1].text}"
    return text


def _keep(kept: Path, name: str, found: Found) -> None:
    path = kept / f"{name.replace(' ', '-')}.json"
    story.write(path, slices.BY_NAME[name], found)
    story.tell(slices.BY_NAME[name], found, None, lambda line: print(f"    {line}"))
    print(f"    again: python tools/explore.py --replay {path}", flush=True)


def faults(is_quick: bool, processes: int) -> tuple[list[Row], bool]:
    """Look for each fault that is seeded by hand; print what found it. Returns the figures, and whether all were found."""
    numbers = [number for number, each in enumerate(slices.FAULTS) if each.is_quick or not is_quick]
    missed = []
    times = []
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for number, result in zip(numbers, pool.imap(_look_for, numbers), strict=True):
            fault = slices.FAULTS[number]
            found = result.found
            is_found = found is not None and found.text.startswith(fault.by)
            times.append(result.cpu_s)
            what = f"{len(found.events):2} events, {found.text}" if found else "NOT FOUND"
            mark = "" if is_found else "  <-- " + fault.by
            print(f"{fault.text:72} {result.states:6} states {result.cpu_s:5.2f} s  {what}{mark}", flush=True)
            if not is_found:
                missed.append(fault.text)
    print(f"{len(numbers)} faults seeded by hand, {len(numbers) - len(missed)} found")
    found_rows = [
        Row("faults seeded by hand", len(numbers), "faults", 30, AT_LEAST),
        Row("of these found", len(numbers) - len(missed), "faults", len(numbers), AT_LEAST),
        Row("longest time for one", max(times), "s", FAULT_S),
    ]
    return found_rows, not missed
