"""What do the alarms of a month ask of people? Beside a plain threshold alarm on the same conditions, in the same run.

python tools/bench/alarm_load.py [--quick] [--json FILE]

Thirty days of a line with 12 seeded episodes and 3 bad sensors (tools/bench/_alarm_line.py), in simulated time through
the steward's own alarms: causes as the guard tells them, acknowledged by an operator some minutes later, trip alarms
reset after that. Held against the figures of ISA-18.2. An alarm counts when it is annunciated, and again whenever it is
called again; the plain alarm counts when its condition comes. Register: rows of the picture are suppressed in
a changeover and while the lamp is dead; all else is as it is where nothing is said. Full: three seeds; --quick: one of
three days.
"""

from __future__ import annotations

import heapq
import random
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jidoka.alarms.acts import Act
from jidoka.alarms.definition import SECOND_NS
from jidoka.alarms.until import Clock
from jidoka.steward.annunciator import Annunciator, Facts
from jidoka_bridge.plan import Plan, Proving, Times

from tools.bench import _alarm_line as line
from tools.bench._rows import AT_LEAST, Row, bench

SEEDS = (20261128, 20261129, 20261130)
WINDOW_S, MINUTE_S = 600.0, 60.0
WALL_NS = 1_790_000_000 * SECOND_NS
#: time is looked at so often while something is under way, and otherwise
BUSY_S, IDLE_S = 10.0, 60.0
BUSY_FOR_S = 400.0
REACTION_S = 1.0


def plan() -> Plan:
    rules = {row: {"suppressed_while": [line.CHANGEOVER, line.LAMP]} for row in line.PICTURE}
    return Plan(
        site="bench", line="line", device="device", run_dir="/nowhere", state_dir="/nowhere", map_digest="00000000",
        link=None, times=Times(), proving=Proving(), models=(), conditions=(), causes=(),
        sections={"alarms": {"rows": rules}},
    )  # fmt: skip


@dataclass
class Told:
    """What people heard. sounds: (time, alarm) in order; flood_s: time in flood."""

    sounds: list[tuple[float, str]] = field(default_factory=list)
    flood_s: float = 0.0

    def peak(self) -> int:
        """Most in any ten minutes."""
        times = [at for at, _ in self.sounds]
        return max(
            (number - bisect_left(times, at - WINDOW_S) + 1 for number, at in enumerate(times)), default=0
        )

    def chatters(self) -> int:
        """How often an alarm came for the third time within a minute."""
        by_alarm: dict[str, list[float]] = defaultdict(list)
        for at, alarm in self.sounds:
            by_alarm[alarm].append(at)
        return sum(
            third - first < MINUTE_S
            for times in by_alarm.values()
            for first, third in zip(times, times[2:], strict=False)
        )

    def flooded(self) -> float:
        """Share of ten-minute spans with more than ten."""
        spans = Counter(int(at // WINDOW_S) for at, _ in self.sounds)
        return sum(count > 10 for count in spans.values())


class Line:
    """The guard's side, an operator, and the steward's alarms in simulated time."""

    def __init__(self, month: line.Month, seed: int) -> None:
        self.month = month
        self.annunciator = Annunciator(plan())
        self.annunciator.begin(self.clock(0.0))
        self.facts = Facts(True, True, frozenset(), frozenset(), frozenset(), {}, {})
        self.causes: dict[str, dict[str, Any]] = {}
        self.told = Told()
        self.calls = 0
        self.states: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self.shown: dict[str, list[float]] = defaultdict(list)  # when it sounded or flashed
        self.operator = random.Random(seed)
        self.hands: list[tuple[float, str]] = []  # what the operator comes to do, the next first

    @staticmethod
    def clock(at_s: float) -> Clock:
        ns = round(at_s * SECOND_NS)
        return Clock(ns, WALL_NS + ns)

    def run(self) -> Told:
        """The whole month."""
        busy_until, at_s = 0.0, 0.0
        for edge in self.month.edges:
            while True:
                step_s = BUSY_S if at_s < busy_until else IDLE_S
                next_s = min(edge.at_s, at_s + step_s, self.hands[0][0] if self.hands else edge.at_s)
                if next_s >= edge.at_s:
                    break
                self._tick(next_s, next_s - at_s)
                at_s = next_s
            self._tick(edge.at_s, edge.at_s - at_s)
            at_s, busy_until = edge.at_s, edge.at_s + BUSY_FOR_S
            self._edge(edge)
        return self.told

    def _edge(self, edge: line.Edge) -> None:
        if edge.row == line.CHANGEOVER:
            rules = frozenset({line.CHANGEOVER}) if edge.is_on else frozenset()
            self.facts = self.facts._replace(rules=rules)
            self._tick(edge.at_s, 0.0)
            return
        cause = self.causes.setdefault(edge.row, _cause(edge.row))
        cause["active"] = edge.is_on
        if edge.is_on:
            cause["revision"] += 1
            cause["latched"] = cause["trip"]
            cause["since_ns"] = self.clock(edge.at_s).ns
        self._tell(edge.row, edge.at_s)

    def _tell(self, row: str, at_s: float) -> None:
        _, entries = self.annunciator.take(dict(self.causes[row]), "", self.clock(at_s))
        self._hear(entries, at_s)

    def _tick(self, at_s: float, since_s: float) -> None:
        self.told.flood_s += since_s if self.annunciator.shown.is_flooded else 0.0
        while self.hands and self.hands[0][0] <= at_s:
            _, row = heapq.heappop(self.hands)
            self._acknowledge(row, at_s)
        self._hear(self.annunciator.tick(self.facts, self.clock(at_s)), at_s)

    def _hear(self, entries: list[dict[str, Any]], at_s: float) -> None:
        for entry in entries:
            name = entry["id"]
            self.states[name].append((at_s, entry["state"]))
            if entry["sign"] in {"S", "f"}:
                self.shown[name].append(at_s)
            is_call = "unacknowledged too long, or active for a day" in entry["events"]
            if entry["heard"] or (is_call and entry["sign"] == "S"):
                self.told.sounds.append((at_s, name))
                self.calls += is_call
            if entry["state"] in {"B", "D"} and entry["was"] not in {"B", "D"}:
                heapq.heappush(self.hands, (at_s + 30 + self.operator.expovariate(1 / 180), name))

    def _acknowledge(self, row: str, at_s: float) -> None:
        """The operator looks; a reset follows where it is due."""
        now = self.clock(at_s)
        alarm = next((each for each in self.annunciator.shown.listed if each["id"] == row), None)
        if alarm is None or alarm["state"] not in {"B", "D"}:
            return
        act = Act("acknowledge", row, "operator", "s2", True, alarm["revision"], "cause found")
        cause = self.causes.get(row)
        if cause is None:
            self._hear(self.annunciator.act(act, now)[1], at_s)
            return
        cause["acknowledged_revision"] = cause["revision"]
        self._hear(self.annunciator.guard_agreed(act, now), at_s)
        self._tell(row, at_s)
        if cause["latched"] and not cause["active"]:
            cause["latched"] = False
            self._tell(row, at_s)
        elif cause["latched"]:
            heapq.heappush(self.hands, (at_s + 600, row))


def _cause(row: str) -> dict[str, Any]:
    is_trip = row in line.TRIPS
    return {
        "id": row, "risk": "bench", "response": "hold" if is_trip else "advise",
        "priority": "high" if is_trip else "medium" if row == line.LAMP else "low", "text": row, "remedy": "",
        "active": False, "latched": False, "revision": 0, "acknowledged_revision": 0, "person": None,
        "quality": "good", "since_ns": 0, "trip": is_trip, "evidence": {},
    }  # fmt: skip


def plain(month: line.Month) -> Told:
    """A threshold alarm: it sounds whenever its condition comes."""
    rows = {edge for edge in month.edges if edge.is_on and edge.row != line.CHANGEOVER}
    return Told([(edge.at_s, edge.row) for edge in sorted(rows)])


def missed(month: line.Month, drive: Line) -> tuple[int, float]:
    """(episodes that weren't annunciated while they lasted, longest wait of a trip alarm in s).

    One that a rule of the register suppresses is annunciated at the latest when the rule ends, gone or not.
    """
    lost, latest_s = 0, 0.0
    for each in month.episodes:
        shown, states = drive.shown[each.row], drive.states[each.row]
        if each.row in line.TRIPS:
            wait_s = min((at - each.begin_s for at in shown if at >= each.begin_s), default=float("inf"))
            latest_s = max(latest_s, wait_s)
            lost += wait_s > each.end_s - each.begin_s
            continue
        before = [state for at, state in states if at <= each.begin_s]
        at_end = [state for at, state in states if at <= each.end_s]
        later = [at for at, _ in states if at > each.end_s]
        until_s = later[0] if at_end and at_end[-1] == "F" and later else each.end_s
        stands = bool(before) and before[-1] in {"B", "C"}
        lost += not stands and not any(each.begin_s <= at <= until_s for at in shown)
    return lost, latest_s


def measure(is_quick: bool) -> Iterator[Row]:
    """The worst of the seeds, row by row."""
    days, seeds = (3.0, SEEDS[:1]) if is_quick else (30.0, SEEDS)
    spans = days * 24 * 6
    found: list[dict[str, tuple[float, float]]] = []
    for seed in seeds:
        month = line.month(days, seed)
        drive = Line(month, seed)
        told, bare = drive.run(), plain(month)
        lost, latest_s = missed(month, drive)
        found.append({
            "alarms in ten minutes, on average": (len(told.sounds) / spans, len(bare.sounds) / spans),
            "most alarms in any ten minutes": (told.peak(), bare.peak()),
            "share of ten-minute spans with more than ten": (100 * told.flooded() / spans, 100 * bare.flooded() / spans),
            "share of time in flood": (100 * told.flood_s / (days * line.DAY_S), float("nan")),
            "times that an alarm came thrice in a minute": (told.chatters(), bare.chatters()),
            "episodes missed": (lost, 0),
            "longest wait for a trip alarm": (latest_s, 0.0),
            "called again": (drive.calls, 0),
            "episodes": (len(month.episodes), len(month.episodes)),
        })  # fmt: skip
    limits: dict[str, tuple[str, float | None, str]] = {
        "alarms in ten minutes, on average": ("", 1.0, "plain: {:.3g}"),
        "most alarms in any ten minutes": ("", 10, "plain: {:g}"),
        "share of ten-minute spans with more than ten": ("%", 1.0, "plain: {:.3g} %"),
        "share of time in flood": ("%", 1.0, ""),
        "times that an alarm came thrice in a minute": ("", 0, "plain: {:g}"),
        "episodes missed": ("", 0, "plain: {:g}"),
        "longest wait for a trip alarm": ("s", REACTION_S, ""),
        "called again": ("", None, ""),
    }
    title = f"{days:g} days, {len(seeds)} seed{'s'[: len(seeds) - 1]}"
    for name, (unit, reach, beside) in limits.items():
        value = max(float(each[name][0]) for each in found)
        peer = beside.format(max(each[name][1] for each in found)) if beside else ""
        yield Row(f"{title}: {name}", value, unit, reach, peer=peer)
    fewest = min(each["episodes"][0] for each in found)
    yield Row(f"{title}: episodes a replay", fewest, "", line.EPISODES, AT_LEAST)


if __name__ == "__main__":
    bench(__doc__ or "", measure)
