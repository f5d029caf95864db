"""Watches one part that is shown to a monitor that runs: its next records, whether the machine runs or stands."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from jidoka.monitor.baseline import Key
from jidoka.monitor.features import Extractor, feature_set
from jidoka.monitor.machine import Machine
from jidoka.monitor.trace import NO_MODEL, Event, Kind
from jidoka.monitor.verdicts import IMPLAUSIBLE, INVALID_OUTPUT, Reason

#: such records show nothing that could be held against a later showing; a picture that repeats itself does, here
_UNFIT = int(INVALID_OUTPUT | IMPLAUSIBLE | Reason.INPUT_NOT_FINITE | Reason.INPUT_SHAPE)


class MasterWatch:
    """Takes events of a trace until `wanted` records of the model came, all of one recipe and position.

    names: the models of the trace's plan, by their index. rows: (n, V) in the order of `features`; answers: (n,), "" = none;
    key: recipe and position; invalid: records that couldn't be used.
    """

    def __init__(self, plan: Plan, names: Sequence[str], model: str, wanted: int) -> None:
        self._section = plan.sections["models"][model]
        self._classes = tuple(self._section.get("classes") or ())
        self._index = names.index(model)
        self._machine = Machine()
        self._extractor: Extractor | None = None
        self.features = feature_set(self._section).names
        self.wanted = wanted
        self.rows: list[list[float]] = []
        self.answers: list[str] = []
        self.key: Key | None = None
        self.invalid = 0

    @property
    def is_done(self) -> bool:
        return len(self.rows) >= self.wanted

    def take(self, event: Event) -> None:
        """One event of the trace. Raises WireError, ValueError for one that can't be read."""
        if event.kind is Kind.PLC_STATUS:
            self._machine.take(PlcStatus.unpack(event.body), event.ns)
        elif event.kind is Kind.GUARD_GONE:
            self._machine.gone()
        elif event.model != self._index or event.model == NO_MODEL:
            return
        elif event.kind is Kind.CONNECTED:
            hello = json.loads(event.body)
            self._extractor = Extractor(self._section, hello["inputs"], hello["outputs"])
        elif event.kind is Kind.GONE:
            self._extractor = None
        elif event.kind is Kind.RECORD and self._extractor is not None and not self.is_done:
            self._record(wire.unpack_record(memoryview(event.body)), event.ns, self._extractor)

    def _record(self, record: wire.Record, now_ns: int, extractor: Extractor) -> None:
        extract = extractor.extract(record)
        if extract.reasons & _UNFIT:
            self.invalid += 1
            return
        key = (record.recipe or self._machine.recipe(now_ns), record.position)
        if key != self.key:
            # the recipe was changed meanwhile: what came before shows another part
            self.key = key
            self.rows.clear()
            self.answers.clear()
        self.rows.append(extract.values.tolist())
        self.answers.append(self._answer(extract.top_class))

    def _answer(self, top_class: int) -> str:
        if top_class < 0:
            return ""
        return self._classes[top_class] if top_class < len(self._classes) else f"class {top_class}"
