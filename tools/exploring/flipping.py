"""Looks for each flipped cell of the two tables, and says which rows are covered and why the others aren't.

A reduced slice is explored without a fault, and of each cell some ways are kept that end with a look-up of it. Then the
cell is flipped, such a way is gone anew, and a few steps of every order beyond it: an invariant breaks, or the next way
is tried, and the next slice. What is found breaks on a way from the beginning, with the fault in place all along.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jidoka_bridge.guard import interlock

from tools.bench._rows import AT_LEAST, Row, write
from tools.exploring import reasons, runs, slices
from tools.exploring.core_slices import Slice
from tools.exploring.flips import Flip, all_flips
from tools.exploring.search import Found, Search, World
from tools.exploring.seeding import seeded
from tools.exploring.snapshot import Snapshot
from tools.exploring.visits import ALARM, INTERLOCK, Cell, Visits, counted

#: ways to one cell that are kept and tried in one slice, slices in which one flip is tried, states beyond a way
WAYS, SLICES, BEYOND = 4, 3, 40
#: seconds and states for exploring one slice
LIMIT_S, MOST_STATES = 60.0, 3_000
Way = tuple[str, tuple[str, ...]]


class _Noting(Search):
    """Keeps ways to cells: the first ones, and later ones at growing distances."""

    def __init__(self, a_slice: Slice, visits: Visits) -> None:
        super().__init__(
            a_slice.make(), a_slice.events, a_slice.roots, most=MOST_STATES, limit_s=LIMIT_S, doubted=0
        )
        self._visits = visits
        self._met: Counter[Cell] = Counter()
        self.steps: dict[Cell, list[tuple[int, int, str]]] = {}

    def _take(self, key: bytes, parent: int, index: int, before: Snapshot | None, root: str = "") -> int:
        for cell in self._visits.take():
            self._met[cell] += 1
            kept = self.steps.setdefault(cell, [])
            if len(kept) < WAYS and self._met[cell] >= 3 ** len(kept) - 2:
                kept.append((parent, index, root))
        return super()._take(key, parent, index, before, root)

    def ways(self) -> dict[Cell, list[Way]]:
        """Root and events of each way that was kept."""
        found: dict[Cell, list[Way]] = {}
        for cell, steps in self.steps.items():
            for parent, index, root in steps:
                if parent < 0:
                    way: Way = (root, ())
                else:
                    begun, events = self.graph.way(parent)
                    way = begun, (*events, self.graph.events[index])
                found.setdefault(cell, []).append(way)
        return found


class _Beyond:
    """A world that begins where a way ends."""

    def __init__(self, world: World, way: Way) -> None:
        self.world = world
        self.way = way
        self.begun: tuple[str, ...] = ()

    def begin(self, root: str) -> None:
        del root
        self.world.begin(self.way[0])
        for number, event in enumerate(self.way[1]):
            self.begun = self.way[1][: number + 1]
            if self.world.may(event):
                self.world.happen(event)

    def may(self, event: str) -> bool:
        return self.world.may(event)

    def happen(self, event: str) -> None:
        self.world.happen(event)

    def key(self) -> bytes:
        return self.world.key()

    @property
    def marks(self) -> int:
        return self.world.marks


@dataclass
class Looked:
    """One flip. found: the way to a broken invariant; where: its slice, or the last that was tried; tried: slices."""

    flip: Flip
    found: Found | None = None
    where: str = ""
    tried: int = 0


def look(flip: Flip, a_slice: Slice, ways: Sequence[Way]) -> Found | None:
    """Go each way with the flip in place, and a few steps beyond it."""
    for way in ways:
        with seeded(a_slice.scaled), seeded(flip.seed):
            beyond = _Beyond(a_slice.make(), way)
            found = Search(beyond, a_slice.events, ("beyond",), most=BEYOND, doubted=0).run().found
        if found is not None:
            return Found(found.text, way[0], (*(beyond.begun if not found.events else way[1]), *found.events))
    return None


def look_in(a_slice: Slice, looked: Sequence[Looked]) -> None:
    """Explore one slice, and look in it for what wasn't found yet."""
    with seeded(a_slice.scaled), counted() as visits, runs.uncollected():
        search = _Noting(a_slice, visits)
        search.run()
        ways = search.ways()
    for each in looked:
        if each.found is None and each.tried < SLICES and each.flip.cell in ways:
            each.tried += 1
            each.where = a_slice.name
            each.found = look(each.flip, a_slice, ways[each.flip.cell])


def look_for_all(*, is_loud: bool) -> tuple[list[Row], bool]:
    """Flip every cell of both tables. Returns the figures, and whether every row is found or explained."""
    looked = [Looked(flip) for flip in all_flips()]
    for a_slice in slices.ALL:
        if a_slice.is_reduced and a_slice.scaled is None:  # those of guard and alarm
            look_in(a_slice, looked)
    rows, is_fine = [], True
    for table, why in ((INTERLOCK, reasons.INTERLOCK_FLIPS), (ALARM, reasons.ALARM_FLIPS)):
        mine = [each for each in looked if each.flip.cell.table == table]
        found, fine = _told(table, mine, why, is_loud=is_loud)
        rows += found
        is_fine = is_fine and fine
    return rows, is_fine


def _told(
    table: str, looked: Sequence[Looked], why: Mapping[tuple[str, str], str], *, is_loud: bool
) -> tuple[list[Row], bool]:
    """Print what came of one table's flips."""
    by_row: Counter[str] = Counter()
    unexplained = []
    for each in looked:
        cell = each.flip.cell
        by_row[cell.event] += each.found is not None
        reason = why.get((cell.event, cell.state)) or why.get((cell.event, "*")) or why.get(("*", cell.state))
        if each.found is None and each.tried and not reason:
            unexplained.append(each.flip.text)
        if is_loud:
            told = "not met in a reduced slice"
            if each.found is not None:
                told = f"{each.where}: {len(each.found.events):2} events, {each.found.text}"
            elif each.tried:
                told = f"breaks nothing: {reason or 'WHY?'}"
            print(f"{each.flip.text:96} {told}")
    bare = sorted(row for row, found in by_row.items() if not found)
    unfound = [row for row in bare if (row, "*") not in why]
    met, found = sum(each.tried > 0 for each in looked), sum(each.found is not None for each in looked)
    idle = sum(not each.tried and each.flip.was == interlock.IMPOSSIBLE for each in looked)
    print(
        f"{table}: {len(looked)} flipped cells, {idle} in cells that can't occur, {met} in cells that are met, {found} found;"
        f" {len(by_row) - len(bare)} of {len(by_row)} rows with at least one that is found"
    )
    for row in bare:
        print(f"  none found in {row!r}: {why.get((row, '*'), 'WHY?')}")
    for text in unexplained:
        print(f"  NOT EXPLAINED {text}")
    return [
        Row(f"{table}: flipped cells", len(looked), "faults"),
        Row(f"{table}: of these in cells that can't occur", idle, "faults"),
        Row(f"{table}: of these in cells that are met", met, "faults"),
        Row(f"{table}: flipped cells found", found, "faults"),
        Row(f"{table}: rows with a fault that is found", len(by_row) - len(bare), "rows", len(by_row) - len(bare) + len(unfound), AT_LEAST),
        Row(f"{table}: faults in met cells, neither found nor explained", len(unexplained), "faults", 0),
    ], not unexplained and not unfound  # fmt: skip


def faults(is_quick: bool, processes: int, figures: Path | None) -> int:
    """All faults: those seeded by hand, then (unless quick) every flipped cell. 1: one wasn't found, nor explained."""
    rows, is_fine = runs.faults(is_quick, processes)
    if not is_quick:
        more, is_fine_too = look_for_all(is_loud=True)
        rows, is_fine = [*rows, *more], is_fine and is_fine_too
    if figures:
        write(figures, rows)
    return 0 if is_fine else 1
