"""The monitor's core, pure: records, beats and the PLC's status in; verdicts and conditions out. Time is an argument."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jidoka_bridge.messages import Decision, Judgement, Lease, PlcStatus
from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from jidoka.monitor.baseline import Baseline, Key
from jidoka.monitor.conditions import ConditionState, first_revision
from jidoka.monitor.drift import Stream
from jidoka.monitor.features import Extract
from jidoka.monitor.judging import judge_drift
from jidoka.monitor.machine import Machine
from jidoka.monitor.models import NOT_FED, PROVING, ModelState, feed, model_state
from jidoka.monitor.parts import PartVerdicts
from jidoka.monitor.verdicts import IMPLAUSIBLE, INVALID_OUTPUT, REJECT_BITS, Reason, number_of, texts_of

MOST_LOST = 2**64 - 1  # an application may number its records as it likes

Baselines = Mapping[str, Mapping[Key, Baseline]]

_INVALID, _NO_BASELINE, _INPUT_SHAPE = (
    int(each) for each in (INVALID_OUTPUT, Reason.NO_BASELINE, Reason.INPUT_SHAPE)
)
_IMPLAUSIBLE = int(IMPLAUSIBLE)
_FAULTS = _INVALID | _IMPLAUSIBLE | _INPUT_SHAPE


#: a record that was answered: its model, its stream (None without a baseline), latency, what it shows, and the answer
Unstudied = tuple[ModelState, Stream | None, int, Extract, Decision]


class Monitor:
    """Judges every record of every model of a plan.

    baselines: per model, by (recipe, position); seed: of the uniform numbers that break ties (the same records,
    times and seed give the same judgements, bit for bit). `changed` holds indices of conditions that have news.
    """

    def __init__(self, plan: Plan, baselines: Baselines, seed: int, now_ns: int) -> None:
        self.plan = plan
        self.seed, self.created_ns = seed, now_ns
        self.machine = Machine()
        self.parts = PartVerdicts()
        self.changed: list[int] = []
        self._unstudied: Unstudied | None = None
        rng = np.random.default_rng(seed)
        first = first_revision(now_ns)
        self.conditions = [
            ConditionState(
                i, spec.id, Judgement.OFF if spec.integrity else Judgement.UNKNOWN, first, limit=spec.limit
            )
            for i, spec in enumerate(plan.conditions)
        ]
        self.models = {
            model.id: model_state(plan, i, self.conditions, baselines.get(model.id, {}), rng)
            for i, model in enumerate(plan.models)
        }
        self.tick(now_ns)
        self.changed.clear()

    # ---------------------------------------------------------------- what comes from the tap

    def tap_connected(self, model: str, hello: Mapping[str, Any], now_ns: int) -> None:
        """A tap's HELLO was accepted: its names decide what its tensors are."""
        self.models[model].connect(hello["inputs"], hello["outputs"], now_ns)

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
        """Judge one record of a connected tap, and learn from it: `answer`, then `study`."""
        row = self.answer(model, record, now_ns)
        self.study()
        return row

    def known_answer(self, model: str, record: wire.Record, now_ns: int) -> None:
        """A record that isn't production's: its number is used up, and nothing else is made of it."""
        if self._unstudied is not None:
            self.study()
        self.models[model].skip(record.number, now_ns)

    def answer(self, model: str, record: wire.Record, now_ns: int) -> Decision:
        """The verdict on one record of a connected tap, for an application that waits: nothing more is done here.

        Drift is what was known when the record came; what the record itself adds is found by `study`, which is to be
        called as soon as the answer was sent.
        """
        if self._unstudied is not None:
            self.study()
        state = self.models[model]
        assert state.extractor is not None, "a record before HELLO"
        number, part, start_ns, latency_ns, position, recipe, _ = record
        recipe = recipe or self.machine.recipe(now_ns)
        key = (recipe, position)
        extract = state.extractor.extract(record, recipe)
        values, top_class, reasons, _, _ = extract
        stream = state.stream(key)
        reasons |= state.drift_reasons
        is_fed = False
        if stream is None:
            reasons |= _NO_BASELINE
        else:
            is_fed = not reasons & _INVALID and (
                state.always_runs or self.machine.is_running(state.model, now_ns)
            )
        if state.gates is not None:
            reasons |= state.gates.judge(key, values, is_fed=is_fed)
        flags = (0 if is_fed else NOT_FED) | (PROVING if self.machine.is_proving else 0)
        verdict = number_of(reasons)
        place = state.features.confidence
        row = Decision._make((  # half the time of a call with thirteen arguments
            number, part, start_ns, now_ns, reasons, min(top_class, 32767), verdict, flags, position,
            recipe, values.item(place) if place >= 0 else math.nan, state.log_statistic, math.nan,
        ))  # fmt: skip
        self.parts.add(part, verdict)
        self._unstudied = (state, stream, latency_ns, extract, row)
        return row

    def study(self) -> None:
        """What the last record means for detectors and conditions; its row is kept for the next decision block."""
        unstudied = self._unstudied
        if unstudied is None:
            return
        self._unstudied = None
        state, stream, latency_ns, extract, row = unstudied
        number, part, _, now_ns, told, _, _, _, position, recipe, _, _, _ = row
        values, _, reasons, evidence, _ = extract
        state.count(number, part, now_ns)
        if stream is None:
            self._sign(state, "no baseline", now_ns, {"recipe": recipe, "position": position})
        else:
            feed(state, stream, row, values)
        state.log_statistic, state.drift_reasons = judge_drift(state, self.conditions, self.changed)
        if reasons & _FAULTS:
            self._sign_faults(state, extract, row)
        is_rejected = told & REJECT_BITS != 0
        if state.rejections.add(is_rejected) and is_rejected:
            why = str(evidence.get("why") or texts_of(told)[0])
            self._sign(state, "repeated refusals", now_ns, state.rejections.evidence(why))
        state.keep(row, latency_ns, values)

    def part_verdict(self, part: int) -> int | None:
        """The worst verdict of a part so far, over all its records and models; None: not, or no longer, known."""
        return self.parts.of(part)

    # ---------------------------------------------------------------- what comes from the guard

    def plc_status(self, status: PlcStatus, now_ns: int) -> None:
        """A new proving run starts the detectors of every model in enforce afresh."""
        if self.machine.take(status, now_ns):
            self._start_afresh()

    def guard_gone(self) -> None:
        """Without the guard nobody knows whether the machine runs."""
        self.machine.gone()

    def _start_afresh(self) -> None:
        for state in self.models.values():
            if state.model.mode != "enforce":
                continue
            state.start_afresh()
            for index in state.drift:
                condition = self.conditions[index]
                condition.value = 0.0
                condition.judged_n = 0
                if condition.say(Judgement.UNKNOWN, 0, {}, self.machine.proving_run):
                    self.changed.append(index)

    # ---------------------------------------------------------------- integrity

    def _sign_faults(self, state: ModelState, extract: Extract, row: Decision) -> None:
        """Say what was wrong with a record: which tensor, or which channel of a command, and why."""
        about, now_ns = {"record": row.number, "part": row.part}, row.judged_ns
        reasons = extract.reasons
        if reasons & (_INVALID | _INPUT_SHAPE):
            evidence = {"why": texts_of(reasons & (_INVALID | _INPUT_SHAPE))[0], **about}
            if extract.culprit:
                evidence["tensor"] = extract.culprit
            self._sign(state, "invalid output", now_ns, evidence)
        if extract.evidence or reasons & _IMPLAUSIBLE:
            why = {"why": texts_of(reasons & (_IMPLAUSIBLE | _INVALID))[0]}
            self._sign(state, "implausible command", now_ns, {**why, **extract.evidence, **about})

    def _sign(self, state: ModelState, kind: str, now_ns: int, evidence: dict[str, Any]) -> None:
        for index, (name, sign) in state.signs.items():
            if name == kind:
                sign.seen(now_ns, evidence)
                self._say_sign(index, state, now_ns)

    def _say_sign(self, index: int, state: ModelState, now_ns: int) -> None:
        kind, sign = state.signs[index]
        is_on, evidence = sign.is_on(now_ns), sign.evidence
        if kind == "no baseline" and not state.streams:
            is_on, evidence = True, evidence or {"recipe": 0, "position": 0}
        judgement = Judgement.ON if is_on else Judgement.OFF
        if self.conditions[index].say(judgement, now_ns, evidence if is_on else {}):
            self.changed.append(index)

    def tick(self, now_ns: int) -> None:
        """Let integrity conditions run out. Call a few times a second."""
        for state in self.models.values():
            for index in state.signs:
                self._say_sign(index, state, now_ns)

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
            while block := state.take_block(now_ns, older_than_ns):
                blocks.append((state.index, block))
        return blocks
