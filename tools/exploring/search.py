"""Breadth first over canonical states until nothing new comes: every order of every event, or the shortest way to a fault.

A `World` is the program with everything around it. The search saves it, lets one event happen, looks at the
invariants, and asks for its key; a key that is new is a state that waits to be explored. Of the states that came up
again, some are explored a second time from the other way that led there: their events must lead to the same keys, or
the canonical form leaves out something that matters.
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tools.exploring.snapshot import Snapshot, bring_back, save

#: of 256 states that come up again, so many are explored from both ways
DOUBTED = 16
PROGRESS_S = 2.0


class BrokenInvariantError(AssertionError):
    """An invariant that doesn't hold; the text begins with its name."""


class World(Protocol):
    """What is explored. One object, whose whole content is saved and brought back."""

    def begin(self, root: str) -> None:
        """Be as at the start; root: one of several beginnings."""

    def may(self, event: str) -> bool:
        """Whether the event can happen now."""

    def happen(self, event: str) -> None:
        """Let it happen, looking at the invariants. Raises BrokenInvariantError."""

    def key(self) -> bytes:
        """Equal for two states exactly when they go on alike."""

    @property
    def marks(self) -> int:
        """Bits about the state, for questions about ways through the graph."""


@dataclass
class Found:
    """A way to a broken invariant."""

    text: str
    root: str
    events: tuple[str, ...]


@dataclass
class Graph:
    """States and transitions. marks: of each state; edges: source, event, target, one after the other."""

    events: Sequence[str]
    marks: array[int] = field(default_factory=lambda: array("H"))
    edges: array[int] = field(default_factory=lambda: array("I"))
    parent: array[int] = field(default_factory=lambda: array("i"))
    by: array[int] = field(default_factory=lambda: array("H"))
    roots: dict[int, str] = field(default_factory=dict)
    depth: int = 0

    @property
    def states(self) -> int:
        return len(self.marks)

    @property
    def transitions(self) -> int:
        return len(self.edges) // 3

    def way(self, state: int) -> tuple[str, tuple[str, ...]]:
        """Root and events that lead to a state, as short as can be."""
        events = []
        while self.parent[state] >= 0:
            events.append(self.events[self.by[state]])
            state = self.parent[state]
        return self.roots[state], tuple(reversed(events))


@dataclass
class Outcome:
    """Of one search. closed: nothing new came any more; doubted: states explored from two ways; differing: first of
    those that went on differently (root and events of the way that was taken first, and of the other)."""

    graph: Graph
    closed: bool
    found: Found | None
    doubted: int
    differing: tuple[Found, Found] | None
    cpu_s: float


class Search:
    """One search. most: of states; limit_s: of time; tell: called with a line now and then."""

    def __init__(
        self,
        world: World,
        events: Sequence[str],
        roots: Sequence[str] = ("start",),
        *,
        most: int = 10**9,
        limit_s: float = 10**9,
        tell: Callable[[str], None] | None = None,
        doubted: int = DOUBTED,
    ) -> None:
        self._world = world
        self._roots = roots
        self._most = most
        self._limit_s = limit_s
        self._tell = tell
        self._share = doubted
        self.graph = Graph(events)
        self._ids: dict[bytes, int] = {}
        self._waiting: deque[tuple[int, Snapshot]] = deque()
        self._doubts: list[tuple[int, int, int, Snapshot]] = []
        self._doubtful: set[int] = set()

    def run(self) -> Outcome:
        """Explore until all is seen, an invariant breaks, or a limit is reached."""
        began = told = time.monotonic()
        began_cpu = time.process_time()
        world, graph = self._world, self.graph
        broken = None
        for root in self._roots:
            try:
                world.begin(root)
            except BrokenInvariantError as error:
                broken = Found(str(error), root, ())
                break
            self._take(world.key(), -1, 0, None, root)
        while self._waiting and broken is None and graph.states < self._most:
            now = time.monotonic()
            if now - began > self._limit_s:
                break
            if self._tell and now - told > PROGRESS_S:
                told = now
                self._tell(
                    f"{graph.states} states, {graph.transitions} transitions, {len(self._waiting)} wait"
                )
            broken = self._expand(*self._waiting.popleft())
        closed = not self._waiting and broken is None
        doubted, differing = self._doubt() if closed else (0, None)
        return Outcome(graph, closed, broken, doubted, differing, time.process_time() - began_cpu)

    def _expand(self, state: int, snapshot: Snapshot) -> Found | None:
        world, graph = self._world, self.graph
        is_back = False
        for index, event in enumerate(graph.events):
            if not is_back:
                bring_back(snapshot)
            is_back = not world.may(event)
            if is_back:
                continue
            try:
                world.happen(event)
            except BrokenInvariantError as error:
                root, events = graph.way(state)
                return Found(str(error), root, (*events, event))
            graph.edges.extend((state, index, self._take(world.key(), state, index, snapshot)))
        return None

    def _take(self, key: bytes, parent: int, index: int, before: Snapshot | None, root: str = "") -> int:
        """The number of the state that the world is in; it waits to be explored if it is new."""
        graph = self.graph
        state = self._ids.get(key)
        if state is not None:
            if key[0] < self._share and state not in self._doubtful:
                self._doubtful.add(state)
                self._doubts.append((state, parent, index, save(self._world, before)))
            return state
        state = self._ids[key] = graph.states
        graph.marks.append(self._world.marks)
        graph.parent.append(parent)
        graph.by.append(index)
        if parent < 0:
            graph.roots[state] = root
        self._waiting.append((state, save(self._world, before)))
        return state

    def _doubt(self) -> tuple[int, tuple[Found, Found] | None]:
        """Explore the other ways; (how many, first that differs)."""
        world, graph = self._world, self.graph
        first: dict[int, list[int]] = {state: [-1] * len(graph.events) for state in self._doubtful}
        edges = graph.edges
        for at in range(0, len(edges), 3):
            if edges[at] in first:
                first[edges[at]][edges[at + 1]] = edges[at + 2]
        for count, (state, parent, index, snapshot) in enumerate(self._doubts):
            for number, event in enumerate(graph.events):
                bring_back(snapshot)
                target = -1
                if world.may(event):
                    try:
                        world.happen(event)
                        target = self._ids.get(world.key(), -2)
                    except BrokenInvariantError:
                        target = -3
                if target != first[state][number]:
                    root, events = graph.way(parent)
                    text = f"{event} leads to {target}, not to {first[state][number]}"
                    other = Found(text, root, (*events, graph.events[index]))
                    return count, (Found(text, *graph.way(state)), other)
        return len(self._doubts), None


def replay(world: World, found: Found, tell: Callable[[str, Any], None]) -> str:
    """Go a way again, telling after each event. Returns what breaks at its end, "" if nothing does."""
    try:
        world.begin(found.root)
    except BrokenInvariantError as error:
        return str(error)
    tell(found.root, world)
    for event in found.events:
        if not world.may(event):
            return f"{event} can't happen here any more"
        try:
            world.happen(event)
        except BrokenInvariantError as error:
            tell(event, world)
            return str(error)
        tell(event, world)
    return ""
