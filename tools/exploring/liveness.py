"""Dead ends, looked for on the explored graph: from every state there must be a way to RUN by what people do.

L1: with every cause gone, acknowledging, pressing, waiting (and unlocking, where an engineer may) reach RUN. The ways
use events that make something right again and none that makes something wrong. L2: where conditions change only while
the machine is permitted, there still is a way. Source: INTERLOCK §4.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass

from tools.exploring.search import Graph

RUNS, LOCKED, STOPPING = 1, 2, 32
#: events that make something right, or are what people do about it
MENDING = frozenset(
    {
        "beat", "press", "disk writes", "disk begins", "disk ends", "acknowledge", "unlock", "drift off", "drift off, permitted", "invalid off",
        "advice off", "digest off", "monitor back", "steward back", "inferences come", "link back", "key off", "ready",
        "machine stands", "machine runs", "changeover ends", "fallback ready", "fallback gone", "relay obeys", "disk back",
        "restart", "known answers right", "the approved file", "model back in enforce", "button let go", "alone on the line",
        "acknowledge again", "acknowledge as maintenance", "the other session ends",
    }
)  # fmt: skip


@dataclass
class Ways:
    """longest: of the shortest ways to RUN, in events; stuck: states without any; ends: without one but by an engineer."""

    longest: int
    stuck: list[int]
    by_engineer: int


def ways_to_run(graph: Graph, mending: frozenset[str] = MENDING) -> Ways:
    """From every state, backwards from those in which the model is permitted."""
    all_ways = _distances(graph, mending)
    without = _distances(graph, mending - {"unlock"})
    ending = [mark & STOPPING for mark in graph.marks]
    stuck = [state for state, far in enumerate(all_ways) if far < 0 and not ending[state]]
    by_engineer = sum(far < 0 <= whole for far, whole in zip(without, all_ways, strict=True))
    return Ways(max(all_ways, default=0), stuck, by_engineer)


def _distances(graph: Graph, events: frozenset[str]) -> array[int]:
    """Events to RUN from each state, -1 where there is no way."""
    may = {number for number, event in enumerate(graph.events) if event in events}
    before: list[list[int]] = [[] for _ in range(graph.states)]
    edges = graph.edges
    for at in range(0, len(edges), 3):
        if edges[at + 1] in may:
            before[edges[at + 2]].append(edges[at])
    far = array("i", [-1]) * graph.states
    waiting = deque(state for state, mark in enumerate(graph.marks) if mark & RUNS)
    for state in waiting:
        far[state] = 0
    while waiting:
        state = waiting.popleft()
        for source in before[state]:
            if far[source] < 0:
                far[source] = far[state] + 1
                waiting.append(source)
    return far
