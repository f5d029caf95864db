"""A month of a line for the alarm bench: what its conditions say, when. Seeded; times in seconds.

Rows are 4 that may stop the machine (class T), 14 that advise, and 3 of these with a bad sensor: a loose contact that
rattles in bursts, a value that wanders about its limit, and a wire that breaks every few minutes for days. Changeovers
come every few hours and make the picture's conditions come and go; a lamp that fails takes ten others with it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

HOUR_S, DAY_S = 3600.0, 86_400.0

TRIPS = ("T-1", "T-2", "T-3", "T-4")
PICTURE = tuple(f"P-{number}" for number in range(1, 11))  # rows that a changeover and a dead lamp disturb
LAMP = "lamp"
CONTACT, WANDERING, WIRE = "bad contact", "bad level", "bad wire"
BAD = (CONTACT, WANDERING, WIRE)
ADVISES = (*PICTURE, LAMP, *BAD)
CHANGEOVER = "changeover"
EPISODES = 12


class Edge(NamedTuple):
    """A condition comes or goes. row: or the fact `changeover`."""

    at_s: float
    row: str
    is_on: bool


class Episode(NamedTuple):
    """Something that is really wrong, and has to be seen."""

    row: str
    begin_s: float
    end_s: float


class Month(NamedTuple):
    """days of a line. edges: in order of time."""

    days: float
    edges: tuple[Edge, ...]
    episodes: tuple[Episode, ...]


def month(days: float, seed: int) -> Month:
    """One replay; the same seed gives the same."""
    rng, end_s = random.Random(seed), days * DAY_S
    episodes = tuple(_episodes(rng, end_s))
    spans = [
        *((each.row, each.begin_s, each.end_s) for each in episodes),
        *_cascades(rng, episodes),
        *_changeovers(rng, end_s),
        *_passing(rng, end_s),
        *_contact(rng, end_s),
        *_wandering(rng, end_s),
        *_wire(rng, end_s),
    ]
    return Month(days, tuple(sorted(_edges(spans, end_s))), episodes)


def _edges(spans: list[tuple[str, float, float]], end_s: float) -> Iterator[Edge]:
    """Rising and falling edges of each row; spans that overlap are one."""
    for row in dict.fromkeys(span[0] for span in spans):
        until = -1.0
        begin = 0.0
        for _, first, last in sorted(span for span in spans if span[0] == row):
            if first > until:
                if until > 0:
                    yield Edge(until, row, False)
                yield Edge(first, row, True)
                begin, until = first, last
            until = max(until, last)
        if begin < end_s:
            yield Edge(until, row, False)


def _episodes(rng: random.Random, end_s: float) -> Iterator[Episode]:
    """12, one after the other: half may stop the machine, half are told; two of these are a dead lamp."""
    rows = [*TRIPS, *rng.sample(TRIPS, 2), *rng.sample(PICTURE, 4), LAMP, LAMP]
    rng.shuffle(rows)
    for number, row in enumerate(rows[:EPISODES]):
        begin_s = end_s * (number + rng.uniform(0.1, 0.6)) / EPISODES
        yield Episode(row, begin_s, begin_s + rng.uniform(300, min(4 * HOUR_S, 0.3 * end_s / EPISODES)))


def _cascades(rng: random.Random, episodes: tuple[Episode, ...]) -> Iterator[tuple[str, float, float]]:
    """A dead lamp darkens every picture within seconds; what hovers about a limit comes and goes at first."""
    for each in episodes:
        if each.row == LAMP:
            for row in PICTURE:
                yield row, each.begin_s + rng.uniform(0.5, 20), each.end_s + rng.uniform(0.5, 20)
        elif each.row not in TRIPS:
            for _ in range(rng.randint(0, 6)):
                at_s = each.begin_s + rng.uniform(0.5, 200)
                yield each.row, at_s, at_s + rng.uniform(0.5, 20)


def _changeovers(rng: random.Random, end_s: float) -> Iterator[tuple[str, float, float]]:
    """Every few hours, some minutes long; most conditions of the picture come and go in it, some linger after it."""
    at_s = rng.uniform(0, 4 * HOUR_S)
    while at_s < end_s:
        last_s = at_s + rng.uniform(240, 1500)
        yield CHANGEOVER, at_s, last_s
        for row in PICTURE:
            for _ in range(rng.randint(0, 4)):
                begin_s = rng.uniform(at_s, last_s)
                yield row, begin_s, begin_s + rng.expovariate(1 / 40)
        at_s = last_s + rng.uniform(2 * HOUR_S, 6 * HOUR_S)


def _passing(rng: random.Random, end_s: float) -> Iterator[tuple[str, float, float]]:
    """What every line has: now and then a row is on for some minutes, twenty times a day over all."""
    at_s = 0.0
    while (at_s := at_s + rng.expovariate(20 / DAY_S)) < end_s:
        yield rng.choice(PICTURE), at_s, at_s + rng.expovariate(1 / 180)


def _contact(rng: random.Random, end_s: float) -> Iterator[tuple[str, float, float]]:
    """Two bursts a day of ten minutes to three hours, on and off several times a minute."""
    at_s = 0.0
    while (at_s := at_s + rng.expovariate(2 / DAY_S)) < end_s:
        last_s = at_s + rng.uniform(600, 3 * HOUR_S)
        while at_s < last_s:
            on_s = rng.expovariate(1 / 1.5)
            yield CONTACT, at_s, at_s + on_s
            at_s += on_s + rng.expovariate(1 / 4)


def _wandering(rng: random.Random, end_s: float) -> Iterator[tuple[str, float, float]]:
    """A level about its limit, by day: on for half a minute, off for a minute, on average."""
    for day in range(int(end_s / DAY_S) + 1):
        at_s = day * DAY_S + 9 * HOUR_S
        while at_s < min(end_s, day * DAY_S + 16 * HOUR_S):
            on_s = rng.expovariate(1 / 30)
            yield WANDERING, at_s, at_s + on_s
            at_s += on_s + rng.expovariate(1 / 60)


def _wire(rng: random.Random, end_s: float) -> Iterator[tuple[str, float, float]]:
    """From the first third of the time to the second a wire breaks for some seconds every few minutes."""
    at_s = end_s / 3
    while (at_s := at_s + rng.uniform(180, 420)) < 2 * end_s / 3:
        yield WIRE, at_s, at_s + rng.uniform(1, 15)
