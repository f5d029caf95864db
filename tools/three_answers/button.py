"""Presses of every kind, and a judge that finds out from the waveform alone which of them must be accepted.

The written rule: press and release are debounced for 20 ms; the time between them is 100 ms to 5 s; both lie within
one arm-request of the connection, which is renewed at least once a second; the key is in AUTO all the while.
"""

from __future__ import annotations

import random
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from jidoka_bridge.registers import Input, Phase, Word

from tools.three_answers.plant import READY, WRAP_MS
from tools.three_answers.scans import Answer, Inputs, Program, sealed

BEAT_MS = 100


class Sample(NamedTuple):
    """One scan as it was: raw level, whether an arm-request came in it that was for this connection, key in AUTO,
    connection shown after it, and whether the PLC said that it accepted a press.
    """

    now_ms: int
    level: bool
    is_request: bool
    is_auto: bool
    connection: int
    accepted: bool


class Edge(NamedTuple):
    """A change of a waveform: from when on the level is which."""

    at_ms: int
    level: bool


# ---------------------------------------------------------------------- the judge


def judged(samples: Sequence[Sample]) -> list[int]:
    """The scans in which a press must be accepted, by their places."""
    windows = _windows(samples)
    accepted = []
    for pressed, released, sure in _presses(samples):
        length_ms = samples[released].now_ms - samples[pressed].now_ms
        opened = windows[sure]
        if opened is not None and opened <= samples[pressed].now_ms and 100 <= length_ms <= 5_000:
            accepted.append(sure)
    return accepted


def _presses(samples: Sequence[Sample]) -> list[tuple[int, int, int]]:
    """Places of the press, of the release, and of the scan that makes sure of it; bounces are cut out first."""
    runs: list[list[int]] = []  # first and last place of each run of one level
    for place, sample in enumerate(samples):
        if runs and samples[runs[-1][0]].level == sample.level:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    steady = [run for number, run in enumerate(runs)
              if number == 0 or samples[run[1]].now_ms - samples[run[0]].now_ms >= 20]  # fmt: skip
    edges = [run for before, run in pairwise(steady) if samples[before[0]].level != samples[run[0]].level]
    found = []
    for down, up in pairwise(edges):
        if samples[down[0]].level:
            sure = up[0]
            while samples[sure].now_ms - samples[up[0]].now_ms < 20:
                sure += 1
            found.append((down[0], up[0], sure))
    return found


def _windows(samples: Sequence[Sample]) -> list[int | None]:
    """For each scan, since when an arm-request has stood without a gap; None where none stands."""
    windows: list[int | None] = []
    opened: int | None = None
    renewed = connection = 0
    for sample in samples:
        if not sample.is_auto or sample.now_ms - renewed > 1_000 or sample.connection != connection:
            opened = None
        connection = sample.connection
        if sample.is_request and sample.is_auto and connection:
            opened = sample.now_ms if opened is None else opened
            renewed = sample.now_ms
        windows.append(opened)
    return windows


# ---------------------------------------------------------------------- waveforms


def _bounce(rng: random.Random, edge: Edge) -> list[Edge]:
    """A change that chatters for up to 60 ms before it holds."""
    edges, at_ms = [], edge.at_ms
    for _ in range(rng.randrange(1, 5)):
        edges += [Edge(at_ms, edge.level), Edge(at_ms + rng.randint(1, 12), not edge.level)]
        at_ms = edges[-1].at_ms + rng.randint(1, 12)
    return [*edges, Edge(at_ms, edge.level)]


def _press(at_ms: int, length_ms: int) -> list[Edge]:
    return [Edge(at_ms, True), Edge(at_ms + length_ms, False)]


class Story(NamedTuple):
    """What happens in one run, ms from its start. requests, silences, overrides: from, to."""

    edges: list[Edge]
    requests: list[tuple[int, int]]
    silences: list[tuple[int, int]]
    overrides: list[tuple[int, int]]
    end_ms: int


def clean(rng: random.Random) -> Story:
    """A press as it should be, at any moment about the request's begin and end."""
    at_ms = rng.randint(0, 2_500)
    length_ms = rng.choice((95, 99, 100, 101, 105, 110, 150, 400, 1_000))
    return Story(_press(at_ms, length_ms), [(500, rng.randint(900, 3_000))], [], [], 4_000)


def bouncing(rng: random.Random) -> Story:
    """Both edges chatter, and glitches come while the button is down."""
    at_ms, length_ms = rng.randint(500, 900), rng.choice((60, 90, 100, 120, 300, 800))
    edges = _bounce(rng, Edge(at_ms, True))
    if rng.random() < 0.5:
        glitch_ms = edges[-1].at_ms + rng.randint(1, length_ms)
        edges += [Edge(glitch_ms, False), Edge(glitch_ms + rng.randint(1, 30), True)]
    edges += _bounce(rng, Edge(edges[-1].at_ms + length_ms, False))
    return Story(edges, [(200, 2_500)], [], [], 2_600)


def both_edges_in_a_beat(rng: random.Random) -> Story:
    """Press and release between two frames."""
    at_ms = 600 + rng.randint(0, BEAT_MS)
    return Story(_press(at_ms, rng.randint(20, 130)), [(300, 2_000)], [], [], 1_500)


def short(rng: random.Random) -> Story:
    """Touches, one after the other."""
    edges: list[Edge] = []
    at_ms = 500
    for _ in range(rng.randint(1, 6)):
        edges += _press(at_ms, rng.randint(1, 110))
        at_ms = edges[-1].at_ms + rng.randint(1, 200)
    return Story(edges, [(200, 3_000)], [], [], 2_000)


def long(rng: random.Random) -> Story:
    """About five seconds."""
    at_ms = rng.randint(400, 700)
    length_ms = rng.choice((4_900, 4_980, 4_990, 4_999, 5_000, 5_001, 5_010, 5_020, 5_100, 7_000))
    return Story(_press(at_ms, length_ms), [(200, 9_000)], [], [], at_ms + length_ms + 300)


def stuck(rng: random.Random) -> Story:
    """Down from the start, or for a long time, and then a real press or none."""
    release_ms = rng.choice((300, 2_000, 5_200, 8_000))
    edges = [Edge(rng.choice((0, 100, 400)), True), Edge(release_ms, False)]
    if rng.random() < 0.5:
        edges += _press(release_ms + rng.randint(10, 400), rng.randint(90, 400))
    return Story(edges, [(200, 30_000)], [], [], edges[-1].at_ms + 300)


def held_across_a_fault(rng: random.Random) -> Story:
    """The agent falls silent while the button is down; it is let go in the next session."""
    at_ms, silent_ms = rng.randint(500, 900), rng.randint(600, 1_000)
    release_ms = silent_ms + rng.choice((200, 500, 1_500, 2_500, 3_000, 4_000))
    edges = _press(at_ms, release_ms - at_ms)
    if rng.random() < 0.5:
        edges += _press(release_ms + rng.randint(50, 600), rng.randint(90, 300))
    return Story(
        edges,
        [(300, 9_000)],
        [(silent_ms, silent_ms + rng.choice((150, 250, 400, 800)))],
        [],
        edges[-1].at_ms + 400,
    )


def cause_returns(rng: random.Random) -> Story:
    """Inside the press the agent no longer asks; sometimes it asks again."""
    at_ms, length_ms = rng.randint(500, 800), rng.randint(200, 3_000)
    gone_ms = at_ms + rng.randint(-100, length_ms)
    requests = [(200, gone_ms)]
    if rng.random() < 0.6:
        requests.append((gone_ms + rng.choice((100, 500, 900, 1_000, 1_100, 1_500)), 9_000))
    return Story(_press(at_ms, length_ms), requests, [], [], at_ms + length_ms + 400)


def key_turned(rng: random.Random) -> Story:
    """The override key within or about the press."""
    at_ms, length_ms = rng.randint(600, 900), rng.randint(150, 900)
    key_ms = at_ms + rng.randint(-300, length_ms + 100)
    return Story(
        _press(at_ms, length_ms),
        [(200, 9_000)],
        [],
        [(key_ms, key_ms + rng.randint(1, 300))],
        at_ms + length_ms + 300,
    )


STORIES = (
    clean,
    bouncing,
    both_edges_in_a_beat,
    short,
    long,
    stuck,
    held_across_a_fault,
    cause_returns,
    key_turned,
)


# ---------------------------------------------------------------------- one run


def play(story: Story, programs: Sequence[Program], start_ms: int, rng: random.Random) -> list[list[Sample]]:
    """Arm a fresh PLC up to the connection, then run the story. Returns each program's samples."""
    samples: list[list[Sample]] = [[] for _ in programs]
    answers: list[Answer] = []
    times = [edge.at_ms for edge in story.edges]
    now_ms, number, frame, last_id = start_ms, 40_000, None, 0
    origin_ms: int | None = None
    beat_ms = now_ms
    while origin_ms is None or now_ms - origin_ms < story.end_ms:
        at_ms = -1 if origin_ms is None else now_ms - origin_ms
        place = bisect_right(times, at_ms)
        level = bool(place) and story.edges[place - 1].level
        is_override = _within(story.overrides, at_ms)
        connection = answers[0].block_b[1] if answers else 0
        is_request = False
        if now_ms >= beat_ms and not _within(story.silences, at_ms):
            beat_ms = now_ms + (BEAT_MS if connection else 50)
            number = number + 1 & 0xFFFF
            is_request = _within(story.requests, at_ms) and connection != 0
            phase = Phase.ARM_REQUEST if is_request else Phase.IDLE
            frame = sealed(
                [
                    0x411F,
                    connection,
                    number,
                    answers[0].block_b[3] if answers else 0,
                    0x5000 | phase << 8,
                    Word.WITHHOLD,
                ]
            )
        inputs = int(READY) | Input.OVERRIDE_KEY * is_override | Input.RESET_BUTTON * level
        last_id = connection or last_id
        draw = rng.randrange(1, 1 << 16)
        given = Inputs(now_ms, frame, None, inputs, random=draw if draw != last_id else draw % 0xFFFF + 1)
        answers = [program.scan(given, has_c=False) for program in programs]
        for each, answer in zip(samples, answers, strict=True):
            each.append(
                Sample(now_ms, level, is_request, not is_override, answer.block_b[1], answer.accepted)
            )
        if origin_ms is None and answers[0].block_b[1]:
            origin_ms = now_ms
        # quick near the edges, slow where nothing changes
        is_near = any(-60 <= at_ms - each <= 60 for each in times[max(0, place - 1) : place + 1])
        now_ms += rng.randint(4, 11) if is_near else rng.randint(50, 80)
    return samples


def _within(spans: Sequence[tuple[int, int]], at_ms: int) -> bool:
    return any(first <= at_ms < last for first, last in spans)


def run(seed: int, waveforms: int, makers: Sequence[type[Program]]) -> Counter[str]:
    """Generated waveforms through all programs. Raises AssertionError where one isn't accepted exactly by the rule."""
    seen: Counter[str] = Counter()
    for number in range(waveforms):
        rng = random.Random(f"{seed} {number}")
        make = STORIES[number % len(STORIES)]
        # a power-up at the wrap itself is another one for a program that counts without end
        start_ms = WRAP_MS - rng.randrange(1, 8_001)
        runs = play(make(rng), [maker() for maker in makers], start_ms, rng)
        wanted = judged(runs[0])
        for maker, samples in zip(makers, runs, strict=True):
            found = [place for place, sample in enumerate(samples) if sample.accepted]
            if found != wanted:
                raise AssertionError(
                    f"seed {seed}, waveform {number} ({make.__name__}): {maker.__name__} accepts in scans {found}, the rule in {wanted}"
                )
        seen["waveforms"] += 1
        if seen["waveforms"] % 10_000 == 0:
            print(f"{seen['waveforms']} waveforms", file=sys.stderr, flush=True)
        seen["scans"] += len(runs[0])
        seen["accepted"] += len(wanted)
        seen[f"{make.__name__.replace('_', ' ')}: accepted"] += len(wanted)
    return seen
