"""The monitor's core, pure: records, beats and the PLC's status in; verdicts and conditions out. Time is an argument."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jidoka_bridge.messages import Decision, Judgement, Lease, PlcStatus
from jidoka_bridge.plan import Model, Plan
from jidoka_tap import wire

from jidoka.monitor.baseline import Baseline, Key, limit_of, rate_of
from jidoka.monitor.conditions import ConditionState, Sign, first_revision
from jidoka.monitor.drift import Stream, Watch
from jidoka.monitor.features import FEATURES, GROUPS, Extractor
from jidoka.monitor.verdicts import DRIFT, INVALID_OUTPUT, Reason, texts_of, verdict_of

#: flags of a decision row
NOT_FED, PROVING = 1, 2
JUDGED_FRESH_NS = 2_000_000_000  # a PLC status older than this says nothing about the machine any more
MOST_ROWS = 256
MOST_LOST = 2**64 - 1  # an application may number its records as it likes

Baselines = Mapping[str, Mapping[Key, Baseline]]


@dataclass
class Second:
    """Sums since the last summary."""

    records: int = 0
    latency_ns: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0] * len(FEATURES))
    counts: list[int] = field(default_factory=lambda: [0] * len(FEATURES))

    def add(self, latency_ns: int, values: Sequence[float]) -> None:
        self.records += 1
        self.latency_ns += latency_ns
        for f, value in enumerate(values):
            if not math.isnan(value):
                self.sums[f] += value
                self.counts[f] += 1


@dataclass
class ModelState:
    """One model of the plan: its tap, its streams, its counts."""

    index: int
    model: Model
    section: Mapping[str, Any]
    streams: dict[Key, Stream]
    drift: dict[int, str]  # condition index -> group
    signs: dict[int, tuple[str, Sign]]  # condition index -> kind, sign
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
    current: set[Key] = field(default_factory=set)  # streams seen since the last fresh start
    last_part: int = 0
    second: Second = field(default_factory=Second)


class Monitor:
    """Judges every record of every model of a plan.

    baselines: per model, by (recipe, position); seed: of the uniform numbers that break ties (the same records,
    times and seed give the same judgements, bit for bit). `changed` holds indices of conditions that have news.
    """

    def __init__(self, plan: Plan, baselines: Baselines, seed: int, now_ns: int) -> None:
        self.plan = plan
        self.status: PlcStatus | None = None
        self.status_ns = 0
        self.proving_run = 0
        self.changed: list[int] = []
        rng = np.random.default_rng(seed)
        first = first_revision(now_ns)
        self.conditions = [
            ConditionState(
                i, spec.id, Judgement.OFF if spec.integrity else Judgement.UNKNOWN, first, limit=spec.limit
            )
            for i, spec in enumerate(plan.conditions)
        ]
        self.models = {
            model.id: self._model(i, model, baselines.get(model.id, {}), rng)
            for i, model in enumerate(plan.models)
        }
        self.tick(now_ns)
        self.changed.clear()

    def _model(
        self, index: int, model: Model, baselines: Mapping[Key, Baseline], rng: np.random.Generator
    ) -> ModelState:
        section = self.plan.sections["models"][model.id]
        detectors = self.plan.sections.get("detectors", {})
        integrity = self.plan.sections.get("integrity", {})
        drift, signs = {}, {}
        for state in self.conditions:
            if detectors.get(state.id, {}).get("model") == model.id:
                drift[state.index] = str(detectors[state.id]["group"])
                state.needed_n = int(detectors[state.id]["off_records"])
            elif integrity.get(state.id, {}).get("model") == model.id:
                signs[state.index] = (str(integrity[state.id]["kind"]), Sign())
        streams: dict[Key, Stream] = {}
        for key, baseline in baselines.items():
            watches = {}
            for i, group in drift.items():
                detector = detectors[self.conditions[i].id]
                if set(GROUPS[group]) & set(baseline.names):
                    limit = limit_of(detector, section, rate_of(section, baseline))
                    records, error = int(detector["off_records"]), float(detector["off_error"])
                    watches[i] = Watch(baseline, GROUPS[group], limit, records, error)
                    self.conditions[i].limit = limit
            streams[key] = Stream(baseline, watches, rng)
        return ModelState(index, model, section, streams, drift, signs)

    # ---------------------------------------------------------------- what comes from the tap

    def tap_connected(self, model: str, hello: Mapping[str, Any], now_ns: int) -> None:
        """A tap's HELLO was accepted: its names decide what its tensors are."""
        state = self.models[model]
        state.extractor = Extractor(state.section, hello["inputs"], hello["outputs"])
        state.beat_ns = now_ns
        state.record_ns = state.records = state.lost = 0
        state.next_number = None

    def tap_gone(self, model: str) -> None:
        """The connection ended: no tap, and the lease says so."""
        self.models[model].extractor = None
        self.models[model].beat_ns = 0

    def tap_beat(self, model: str, now_ns: int) -> None:
        self.models[model].beat_ns = now_ns

    def tap_refused(self, model: str) -> None:
        """A record was refused (quota, garbage): counted."""
        self.models[model].refused += 1

    def second_writer(self, model: str, evidence: dict[str, Any], now_ns: int) -> None:
        """Somebody else wanted to write this model's records."""
        self._sign(self.models[model], "two writers", now_ns, evidence)

    def record(self, model: str, record: wire.Record, now_ns: int) -> Decision:
        """Judge one record of a connected tap; the row is also kept for the next decision block."""
        state = self.models[model]
        assert state.extractor is not None, "a record before HELLO"
        self._count(state, record, now_ns)
        extract = state.extractor.extract(record)
        reasons = extract.reasons
        if reasons & INVALID_OUTPUT:
            evidence = {"why": texts_of(reasons)[0], "record": record.number, "part": record.part}
            self._sign(state, "invalid output", now_ns, evidence)
        key = (record.recipe or self._plc_recipe(now_ns), record.position)
        stream = self._stream(state, key)
        is_fed = False
        if stream is None:
            reasons |= Reason.NO_BASELINE
            self._sign(state, "no baseline", now_ns, {"recipe": key[0], "position": key[1]})
        elif self.is_running(state.model, now_ns) and not reasons & INVALID_OUTPUT:
            is_fed = True
            stream.take(extract.values, record.part, record.start_ns, now_ns)
        log_statistic = self._judge_drift(state)
        for index, group in state.drift.items():
            if self.conditions[index].judgement is Judgement.ON:
                reasons |= DRIFT[group]
        verdict = verdict_of(reasons)
        flags = (0 if is_fed else NOT_FED) | (PROVING if self.is_proving else 0)
        row = Decision(
            record.number, record.part, record.start_ns, now_ns, int(reasons), min(extract.top_class, 32767),
            int(verdict), flags, record.position, key[0], float(extract.values[FEATURES.index("top1_confidence")]),
            log_statistic, math.nan,
        )  # fmt: skip
        state.verdicts[verdict] += 1
        if not state.rows:
            state.rows_since_ns = now_ns
        state.rows.append(row)
        state.second.add(record.latency_ns, extract.values.tolist())
        return row

    def _count(self, state: ModelState, record: wire.Record, now_ns: int) -> None:
        if state.next_number is not None and record.number > state.next_number:
            state.lost += record.number - state.next_number
            state.total_lost += record.number - state.next_number
        state.next_number = record.number + 1
        state.records += 1
        state.total += 1
        state.beat_ns = state.record_ns = now_ns
        state.last_part = max(state.last_part, record.part) if record.part else state.last_part

    # ---------------------------------------------------------------- drift

    def _stream(self, state: ModelState, key: Key) -> Stream | None:
        """The stream of a key, begun anew where it comes for the first time since the last fresh start.

        Each recipe goes on with its own records: recipes that alternate would else never be judged at all.
        """
        state.recipe = key[0]
        stream = state.streams.get(key)
        if stream is not None and key not in state.current:
            stream.start_afresh()
            state.current.add(key)
        return stream

    def _judge_drift(self, state: ModelState) -> float:
        """Say each drift condition from its streams: the worst of this recipe's, and whatever is on of another's.

        Returns the largest log(statistic).
        """
        largest = 0.0
        for index in state.drift:
            condition = self.conditions[index]
            watches = [
                (stream, stream.watches[index])
                for key, stream in state.streams.items()
                if key in state.current
                and index in stream.watches
                and (key[0] == state.recipe or stream.watches[index].judgement is Judgement.ON)
            ]
            if not watches:
                if condition.judgement is not Judgement.UNKNOWN and condition.say(Judgement.UNKNOWN, 0, {}):
                    self.changed.append(index)
                continue
            stream, worst = max(
                watches,
                key=lambda pair: (
                    _SEVERITY[pair[1].judgement],
                    pair[1].detector.statistic,
                    pair[0].baseline.position,
                ),
            )
            condition.value = worst.detector.statistic
            condition.limit = worst.detector.limit
            condition.judged_n = (
                worst.detector.records if worst.judgement is Judgement.OFF else worst.level.taken
            )
            largest = max(largest, condition.value)
            evidence = worst.evidence
            if worst.judgement is Judgement.ON:
                places = stream.history.last(1)
                evidence = {
                    **evidence,
                    "last_part": max(evidence["last_part"], int(stream.history.parts[places[0]])),
                }
            if condition.say(worst.judgement, worst.judged_ns, evidence):
                self.changed.append(index)
        return math.log(largest) if largest > 0.0 else -math.inf

    # ---------------------------------------------------------------- what comes from the guard

    def plc_status(self, status: PlcStatus, now_ns: int) -> None:
        """A new proving run starts the detectors of every model in enforce afresh."""
        is_first = self.status is None
        self.status = status
        self.status_ns = now_ns
        is_new_run = status.proving_run != self.proving_run and (
            not is_first or status.flags & PlcStatus.PROVING
        )
        self.proving_run = status.proving_run
        if is_new_run:
            self._start_afresh()

    def guard_gone(self) -> None:
        """Without the guard nobody knows whether the machine runs."""
        self.status = None

    def _start_afresh(self) -> None:
        for state in self.models.values():
            if state.model.mode != "enforce":
                continue
            state.current.clear()
            for index in state.drift:
                condition = self.conditions[index]
                condition.value = 0.0
                condition.judged_n = 0
                if condition.say(Judgement.UNKNOWN, 0, {}, self.proving_run):
                    self.changed.append(index)

    def is_running(self, model: Model, now_ns: int) -> bool:
        """True if records of this model feed its detectors: the PLC says running, or there is no PLC."""
        if model.mode == "none":
            return True
        return self._has_status(now_ns) and bool(self.status and self.status.flags & PlcStatus.RUNNING)

    @property
    def is_proving(self) -> bool:
        return self.status is not None and bool(self.status.flags & PlcStatus.PROVING)

    def _has_status(self, now_ns: int) -> bool:
        return self.status is not None and now_ns - self.status_ns < JUDGED_FRESH_NS

    def _plc_recipe(self, now_ns: int) -> int:
        return self.status.recipe if self.status is not None and self._has_status(now_ns) else 0

    # ---------------------------------------------------------------- integrity

    def _sign(self, state: ModelState, kind: str, now_ns: int, evidence: dict[str, Any]) -> None:
        for index, (name, sign) in state.signs.items():
            if name == kind:
                sign.seen(now_ns, evidence)
                self._say_sign(index, name, sign, state, now_ns)

    def _say_sign(self, index: int, kind: str, sign: Sign, state: ModelState, now_ns: int) -> None:
        is_on, evidence = sign.is_on(now_ns), sign.evidence
        if kind == "no baseline" and not state.streams:
            is_on, evidence = True, evidence or {"recipe": 0, "position": 0}
        judgement = Judgement.ON if is_on else Judgement.OFF
        if self.conditions[index].say(judgement, now_ns, evidence if is_on else {}):
            self.changed.append(index)

    def tick(self, now_ns: int) -> None:
        """Let integrity conditions run out. Call a few times a second."""
        for state in self.models.values():
            for index, (kind, sign) in state.signs.items():
                self._say_sign(index, kind, sign, state, now_ns)

    # ---------------------------------------------------------------- what is told

    def take_changed(self) -> list[int]:
        """Indices of conditions with news since the last call, each once, in order."""
        changed = list(dict.fromkeys(self.changed))
        self.changed.clear()
        return changed

    def leases(self) -> list[Lease]:
        return [
            Lease(s.index, s.beat_ns, s.record_ns, s.records, min(s.lost, MOST_LOST))
            for s in self.models.values()
        ]

    def take_rows(self, now_ns: int, older_than_ns: int) -> list[tuple[int, list[Decision]]]:
        """Decision blocks that are due, (model index, up to 256 rows): full ones, and those begun long enough ago."""
        blocks = []
        for state in self.models.values():
            while len(state.rows) >= MOST_ROWS or (
                state.rows and now_ns - state.rows_since_ns >= older_than_ns
            ):
                blocks.append((state.index, state.rows[:MOST_ROWS]))
                state.rows = state.rows[MOST_ROWS:]
        return blocks


_SEVERITY = {Judgement.OFF: 0, Judgement.UNKNOWN: 1, Judgement.ON: 2}
