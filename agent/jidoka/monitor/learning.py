"""Collects the records of a commissioning: the intake's sink while no monitor runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jidoka_bridge.errors import BaselineError
from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from jidoka.monitor.baseline import Baseline, Key, judged_of
from jidoka.monitor.detectors.calibration import MOST_RECORDS
from jidoka.monitor.features import Extractor, feature_set
from jidoka.monitor.fitting import Fitting
from jidoka.monitor.parts import PartMean
from jidoka.monitor.verdicts import IMPLAUSIBLE, INVALID_OUTPUT, Reason, texts_of

#: more records than this share with an invalid output are no picture of a line that runs well
MOST_INVALID = 0.01
#: a record with one of these is none to learn from
_UNFIT = int(INVALID_OUTPUT | IMPLAUSIBLE | Reason.INPUT_NOT_FINITE | Reason.INPUT_SHAPE)


class Learner:
    """Takes the records of one model until it has `wanted` for every (recipe, position) that came.

    wanted: records (parts, where those are judged), at most calibration.MOST_RECORDS.
    """

    def __init__(self, plan: Plan, model: str, wanted: int) -> None:
        if not 1 <= wanted <= MOST_RECORDS:
            raise BaselineError(f"{wanted} records can't be learned", f"Give 1 to {MOST_RECORDS}.")
        self.section = plan.sections["models"][model]
        self._detectors = plan.sections.get("detectors", {}).values()
        self.model = model
        self.wanted = wanted
        self.judged = judged_of(self.section)
        self.features = feature_set(self.section).names
        self.rows: dict[Key, list[list[float]]] = {}
        self.fitting = Fitting(wanted)
        self.parts: dict[Key, PartMean] = {}
        #: sentences on features that too few records have
        self.left_out: list[str] = []
        self.invalid = 0
        self.invalid_reasons = 0
        self.refused = 0
        self.taken = 0
        self.learned = 0
        self.first_ns = self.last_ns = 0
        self.has_tap = False
        self._extractor: Extractor | None = None

    @property
    def progress(self) -> int:
        """Records of the (recipe, position) that has fewest."""
        return min((len(rows) for rows in self.rows.values()), default=0)

    @property
    def is_done(self) -> bool:
        return self.progress >= self.wanted

    def tap_connected(self, model: str, hello: Mapping[str, Any], now_ns: int) -> None:
        del now_ns
        if model == self.model:
            self._extractor = self._ready(Extractor(self.section, hello["inputs"], hello["outputs"]))
            self.has_tap = True

    def _ready(self, extractor: Extractor) -> Extractor:
        for block in extractor.embeddings:
            block.is_kept = True
        for (recipe, position), fits in self.fitting.fits.items():
            extractor.use(recipe, position, fits)
        return extractor

    def tap_gone(self, model: str) -> None:
        if model == self.model:
            self.has_tap = False

    def tap_beat(self, model: str, now_ns: int) -> None:
        """Beats say nothing about the baseline."""

    def tap_refused(self, model: str) -> None:
        self.refused += model == self.model

    def second_writer(self, model: str, evidence: dict[str, Any], now_ns: int) -> None:
        """The refusal itself is enough here."""

    def record(self, model: str, record: wire.Record, now_ns: int) -> None:
        if model != self.model or self._extractor is None:
            return
        extract = self._extractor.extract(record)
        self.first_ns = self.first_ns or now_ns
        self.last_ns = now_ns
        self.taken += 1
        is_fit = not extract.reasons & _UNFIT
        if not is_fit:
            self.invalid += 1
            self.invalid_reasons |= extract.reasons & _UNFIT
        key, values = (record.recipe, record.position), extract.values
        if is_fit and self._extractor.embeddings:
            self.fitting.take(key, self._extractor)
        if self.judged == "part":
            mean = self.parts.get(key)
            if mean is None:
                mean = self.parts[key] = PartMean(len(self.features))
            part = mean.take(record.part, values, record.start_ns, is_valid=is_fit)
            if part is None:
                return
            values = part.values
        elif not is_fit:
            return
        self.learned += 1
        rows = self.rows.setdefault(key, [])
        if len(rows) < self.wanted:
            rows.append(values.tolist())
            self.fitting.learned(key, len(rows), self._extractor)

    def known_answer(self, model: str, record: wire.Record, now_ns: int) -> None:
        """Nothing to learn from: it isn't a part."""

    def study(self) -> None:
        """Nobody waits for an answer while a baseline is learned: `record` did it all."""

    def baselines(self, learned_at: str) -> list[Baseline]:
        """What was learned, one for each (recipe, position). Raises BaselineError if too much was invalid."""
        if self.invalid > MOST_INVALID * max(self.taken, 1):
            why = "; ".join(texts_of(self.invalid_reasons))
            raise BaselineError(
                f"{self.model}: {self.invalid} of {self.taken} records were invalid: {why}",
                "Learn while the line and the model run well.",
            )
        elapsed_s = (self.last_ns - self.first_ns) * 1e-9
        without_number = sum(mean.without_number for mean in self.parts.values())
        if without_number and not self.rows:
            raise BaselineError(
                f"{self.model}: {without_number} records came without the number of a part, but it is judged per part",
                "Give each run its part=…, or write `judged: per record` for this model.",
            )
        count = self.taken - 1 if self.judged == "record" else self.learned
        rate_hz = count / elapsed_s if elapsed_s > 0.0 else 0.0
        found = []
        for (recipe, position), rows in sorted(self.rows.items()):
            values = np.array(rows)
            has = self._shown_enough((~np.isnan(values)).sum(axis=0).tolist(), len(rows))
            found.append(
                Baseline(
                    self.model, str(self.section["sha256"]), recipe, position,
                    tuple(self.features[f] for f in has), values[:, has], rate_hz, learned_at, judged=self.judged,
                    fits=self.fitting.fits.get((recipe, position), {}),
                )
            )  # fmt: skip
        return found

    def _shown_enough(self, shown: Sequence[int], records: int) -> list[int]:
        """Places of the features to judge by; those of outputs that too few records have are told in `left_out`.

        A detector that mostly finds nothing must be commissioned all the same: what few boxes look like can't be learned.
        """
        detectors = (each for each in self._detectors if each["model"] == self.model)
        needed = max((int(each["min_records"]) for each in detectors), default=1)
        least = needed if records >= needed else 1  # a baseline that is too short is refused as a whole
        given = feature_set(self.section).groups["input"]  # rare by `every` only: that more records mend
        rare = {
            name: n
            for name, n in zip(self.features, shown, strict=True)
            if 0 < n < least and name not in given
        }
        if rare:
            names = ", ".join(f"{name} ({n})" for name, n in rare.items())
            self.left_out.append(
                f"{self.model}: not learned, as fewer than {least} of {records} {self.judged}s have it: {names}"
            )
        return [f for f, n in enumerate(shown) if n and self.features[f] not in rare]
