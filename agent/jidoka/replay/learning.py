"""Learns baselines from a trace: of a recording, or in the background of a line that runs, several recipes at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from jidoka.monitor.baseline import Key
from jidoka.monitor.learning import Learner
from jidoka.monitor.machine import Machine
from jidoka.monitor.trace import NO_MODEL, Event, Kind


class BackgroundLearner:
    """Gives a Learner the records of its model that were made while the machine ran, under the PLC's recipe.

    names: the models of the trace's plan, by their index; recipes: those to learn, empty = all that come.
    standing: records that were left out, as the machine stood still.
    """

    def __init__(
        self, plan: Plan, names: Sequence[str], learner: Learner, recipes: Collection[int] = ()
    ) -> None:
        self.learner = learner
        self.standing = 0
        self._recipes = frozenset(recipes)
        self._model = next(model for model in plan.models if model.id == learner.model)
        self._index = names.index(learner.model)
        self._machine = Machine()

    @property
    def progress(self) -> dict[Key, int]:
        """Records by (recipe, position); those that were asked for and didn't come yet with 0."""
        found = {key: len(rows) for key, rows in self.learner.rows.items()}
        missing = {(recipe, 0): 0 for recipe in self._recipes if recipe not in {key[0] for key in found}}
        return dict(sorted({**found, **missing}.items()))

    @property
    def is_done(self) -> bool:
        """True when every recipe that was asked for, or that came, has all its records."""
        progress = self.progress
        return bool(progress) and min(progress.values()) >= self.learner.wanted

    def take(self, event: Event) -> None:
        """One event of the trace. Raises WireError, ValueError for one that can't be read."""
        if event.kind is Kind.PLC_STATUS:
            self._machine.take(PlcStatus.unpack(event.body), event.ns)
        elif event.kind is Kind.GUARD_GONE:
            self._machine.gone()
        elif event.model == self._index and event.model != NO_MODEL:
            if event.kind is Kind.CONNECTED:
                self.learner.tap_connected(self.learner.model, json.loads(event.body), event.ns)
            elif event.kind is Kind.GONE:
                self.learner.tap_gone(self.learner.model)
            elif event.kind is Kind.RECORD:
                self._record(event)

    def _record(self, event: Event) -> None:
        if not self._machine.is_running(self._model, event.ns):
            self.standing += 1
            return
        record = wire.unpack_record(memoryview(event.body))
        recipe = record.recipe or self._machine.recipe(event.ns)
        if self._recipes and recipe not in self._recipes:
            return
        self.learner.record(self.learner.model, record._replace(recipe=recipe), event.ns)
