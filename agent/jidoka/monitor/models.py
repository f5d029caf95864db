"""One model of the plan as the monitor keeps it: its tap, its streams, its counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jidoka_bridge.messages import Decision
from jidoka_bridge.plan import Model, Plan
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline, Key, limit_of, rate_of, terms_of
from jidoka.monitor.conditions import ConditionState, Sign
from jidoka.monitor.drift import Stream
from jidoka.monitor.features import Extractor, FeatureSet, feature_set
from jidoka.monitor.gates import ModelGates
from jidoka.monitor.parts import PartMean
from jidoka.monitor.rejections import Rejections
from jidoka.monitor.sketches import Sketches
from jidoka.monitor.waiting import MOST, Kept, grouped
from jidoka.monitor.windows import Windows

Floats = NDArray[np.float64]

MOST_ROWS = 256
#: flags of a decision row
NOT_FED, PROVING = 1, 2


class Second:
    """Counts and sums since the last summary. features: how many a record has."""

    def __init__(self, features: int) -> None:
        self.records = 0
        self.latency_ns = 0
        self.sums = np.zeros(features)
        self.counts = np.zeros(features, np.int64)

    def add_all(self, rows: Floats) -> None:
        """Features of records, (n, V), NaN = none."""
        is_there = ~np.isnan(rows)
        self.sums += np.where(is_there, rows, 0.0).sum(axis=0)
        self.counts += is_there.sum(axis=0)


@dataclass
class ModelState:
    """One model of the plan. parts: by (recipe, position), where it is judged per part; else None. gates: None = no
    setting asks for one."""

    index: int
    model: Model
    section: Mapping[str, Any]
    features: FeatureSet
    streams: dict[Key, Stream]
    drift: dict[int, str]  # condition index -> group
    signs: dict[int, tuple[str, Sign]]  # condition index -> kind, sign
    second: Second
    rejections: Rejections
    sketches: Sketches
    windows: Windows
    parts: dict[Key, PartMean] | None = None
    gates: ModelGates | None = None
    extractor: Extractor | None = None
    beat_ns: int = 0
    record_ns: int = 0
    records: int = 0
    lost: int = 0
    next_number: int | None = None
    total: int = 0
    total_lost: int = 0
    refused: int = 0
    verdicts: list[int] = field(default_factory=lambda: [0, 0, 0])
    rows: list[Decision] = field(default_factory=list)
    rows_since_ns: int = 0
    recipe: int | None = None  # of the records now
    current: dict[Key, Stream] = field(default_factory=dict)  # streams seen since the last fresh start
    last_part: int = 0
    log_statistic: float = -math.inf  # of the drift conditions, the largest
    drift_reasons: int = 0  # bits of those that are on
    distances_ns: int = 0  # when they were told last
    waiting: list[Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        #: nobody says whether the machine runs
        self.always_runs = self.model.mode == "none"

    def connect(self, inputs: Sequence[str], outputs: Sequence[str], now_ns: int) -> None:
        """A tap's HELLO was accepted: its names decide what its tensors are."""
        self.extractor = Extractor(self.section, inputs, outputs)
        for (recipe, position), stream in self.streams.items():
            self.extractor.use(recipe, position, stream.baseline.fits)
        self.beat_ns = now_ns
        self.record_ns = self.records = self.lost = 0
        self.next_number = None
        self.interrupt()

    def interrupt(self) -> None:
        """Whatever comes next doesn't follow what came before: no stream may foretell it from that."""
        for stream in self.streams.values():
            stream.interrupt()

    def count(self, number: int, part: int, now_ns: int) -> None:
        """A record came; numbers that are missing were lost."""
        expected = self.next_number
        if expected is not None and number > expected:
            self.lost += number - expected
            self.total_lost += number - expected
            self.interrupt()
        self.next_number = number + 1
        self.records += 1
        self.total += 1
        self.beat_ns = self.record_ns = now_ns
        self.last_part = max(self.last_part, part)

    def skip(self, number: int, now_ns: int) -> None:
        """A record that shows a known answer: numbers before it may be lost, but what comes next doesn't follow it."""
        if self.next_number is not None and number > self.next_number:
            self.lost += number - self.next_number
            self.total_lost += number - self.next_number
        self.next_number = number + 1
        self.beat_ns = now_ns
        self.interrupt()

    def keep(self, row: Decision, latency_ns: int, values: Floats) -> None:
        """A decision row for the next block, and the record's features for the next summary, sketch and distances."""
        if not self.rows:
            self.rows_since_ns = row.judged_ns
        self.rows.append(row)
        self.verdicts[row.verdict] += 1
        waiting = self.waiting
        waiting.append((row, values, latency_ns))
        if len(waiting) >= MOST:
            self.settle()

    def settle(self) -> None:
        """Sum up, sketch and sort what waits; before anybody looks at the second, the sketches or the windows."""
        waiting, self.waiting = self.waiting, []
        self.second.records += len(waiting)
        self.second.latency_ns += sum(latency_ns for _, _, latency_ns in waiting)
        for key, rows, since_ns in grouped(waiting):
            self.second.add_all(rows)
            self.sketches.add_all(key, rows, since_ns)
            self.windows.add_all(key, rows)

    def take_block(self, now_ns: int, older_than_ns: int) -> list[Decision]:
        """Up to MOST_ROWS rows if so many wait, or if the first has waited long enough; else none."""
        if len(self.rows) < MOST_ROWS and not (self.rows and now_ns - self.rows_since_ns >= older_than_ns):
            return []
        block, self.rows = self.rows[:MOST_ROWS], self.rows[MOST_ROWS:]
        return block

    def stream(self, key: Key) -> Stream | None:
        """The stream of a key, begun anew where it comes for the first time since the last fresh start.

        Each recipe goes on with its own records: recipes that alternate would else never be judged at all.
        """
        stream = self.streams.get(key)
        if stream is not None and key[0] != self.recipe:
            stream.interrupt()
        self.recipe = key[0]
        if stream is not None and key not in self.current:
            stream.start_afresh()
            self.current[key] = stream
        return stream

    def start_afresh(self) -> None:
        """Only what comes from now on counts."""
        self.current.clear()
        self.log_statistic, self.drift_reasons = -math.inf, 0
        for part in (self.parts or {}).values():
            part.start_afresh()


def feed(state: ModelState, stream: Stream, row: Decision, values: Floats) -> None:
    """Give a record to the detectors of its stream; where parts are judged, the part that ended with it.

    One that may not be judged, as its output isn't valid or the machine stands, is marked NOT_FED: what comes next
    follows nothing.
    """
    is_fit = not row.flags & NOT_FED
    if not is_fit:
        stream.interrupt()
    if state.parts is None:
        if is_fit:
            stream.take(values, row.part, row.record_ns, row.judged_ns)
        return
    key = (stream.baseline.recipe, stream.baseline.position)
    mean = state.parts.get(key)
    if mean is None:
        mean = state.parts[key] = PartMean(len(state.features.names))
    ended = mean.take(row.part, values, row.record_ns, is_valid=is_fit)
    if ended is not None:
        stream.take(ended.values, ended.number, ended.start_ns, row.judged_ns)


def model_state(
    plan: Plan, index: int, conditions: Sequence[ConditionState], baselines: Mapping[Key, Baseline],
    rng: np.random.Generator,
) -> ModelState:  # fmt: skip
    """The state of one model of a plan at the start; conditions get their limits and how many records they need."""
    model = plan.models[index]
    section = plan.sections["models"][model.id]
    detectors, integrity = plan.sections.get("detectors", {}), plan.sections.get("integrity", {})
    features = feature_set(section)
    drift, signs = {}, {}
    for state in conditions:
        if detectors.get(state.id, {}).get("model") == model.id:
            drift[state.index] = str(detectors[state.id]["group"])
            state.needed_n = int(detectors[state.id]["off_records"])
        elif integrity.get(state.id, {}).get("model") == model.id:
            signs[state.index] = (str(integrity[state.id]["kind"]), Sign())
    streams: dict[Key, Stream] = {}
    for key, baseline in baselines.items():
        terms = {}
        for i in drift:
            detector = detectors[conditions[i].id]
            limit = limit_of(detector, section, rate_of(section, baseline))
            terms[i] = terms_of(detector, limit)
        streams[key] = Stream(baseline, features, terms, rng)
        for i in streams[key].watches:
            conditions[i].limit = terms[i].limit
    return ModelState(
        index, model, section, features, streams, drift, signs, Second(len(features.names)),
        Rejections(section.get("refusals")), Sketches(features.names),
        Windows(features.names, baselines), {} if section.get("judged") == "part" else None,
        ModelGates(section, features.names, baselines) if section.get("gate") else None,
    )  # fmt: skip
