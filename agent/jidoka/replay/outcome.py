"""What a replay found: verdicts, conditions, and what the causes of the plan would have asked of the machine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jidoka_bridge.messages import Decision, Judgement
from jidoka_bridge.plan import CauseSpec, Plan

MS_NS = 1_000_000


class Change(NamedTuple):
    """A condition was judged anew. records: replayed until then."""

    condition: str
    judgement: Judgement
    ns: int
    records: int
    evidence: Mapping[str, Any]


class Act(NamedTuple):
    """A cause became active. records: replayed until then."""

    cause: str
    risk: str
    response: str
    ns: int
    records: int


@dataclass
class Verdicts:
    """Of one model: pass, suspect, reject; live: what the monitor had answered; differing: rows that aren't equal."""

    replayed: list[int] = field(default_factory=lambda: [0, 0, 0])
    live: list[int] = field(default_factory=lambda: [0, 0, 0])
    differing: int = 0
    first_differing: int = 0


@dataclass
class Outcome:
    """Everything that one replay found. left_out: records of models that the plan doesn't have; dropped: missing ones."""

    records: int = 0
    left_out: int = 0
    dropped: int = 0
    first_ns: int = 0
    last_ns: int = 0
    models: dict[str, Verdicts] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)

    @property
    def differing(self) -> int:
        return sum(each.differing for each in self.models.values())

    def seen(self, now_ns: int) -> None:
        """Time goes on."""
        self.first_ns = self.first_ns or now_ns
        self.last_ns = max(self.last_ns, now_ns)

    def judged(self, model: str, row: Decision) -> None:
        """A record was judged again."""
        self.records += 1
        self.models.setdefault(model, Verdicts()).replayed[row.verdict] += 1

    def compare(self, model: str, live: tuple[Any, ...], row: Decision | None) -> None:
        """The live monitor's row of the same record, field by field; NaN equals NaN."""
        verdicts = self.models.setdefault(model, Verdicts())
        verdicts.live[live[6]] += 1
        if row is None or not all(_same(a, b) for a, b in zip(live, row, strict=True)):
            verdicts.first_differing = verdicts.first_differing or int(live[0])
            verdicts.differing += 1


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


class Causes:
    """Which causes of a plan are active, by its conditions alone: no PLC, no link, no person takes part in a replay.

    The guard decides by the same table (any_of is OR, all_of is AND, then the on-delay), but by more than this.
    """

    def __init__(self, plan: Plan) -> None:
        self._causes = plan.causes
        self._on: set[str] = set()
        self._since: dict[str, int] = {}
        self._active: set[str] = set()
        self._is_news = False

    def condition(self, name: str, is_on: bool) -> None:
        """A condition was judged."""
        (self._on.add if is_on else self._on.discard)(name)
        self._is_news = True

    def due(self, now_ns: int, records: int) -> Iterator[Act]:
        """Causes that have become active by now."""
        if not self._is_news:
            return
        self._is_news = False
        for cause in self._causes:
            if not self._holds(cause):
                self._since.pop(cause.id, None)
                self._active.discard(cause.id)
                continue
            since_ns = self._since.setdefault(cause.id, now_ns)
            if cause.id in self._active:
                continue
            if now_ns - since_ns >= cause.on_delay_ms * MS_NS:
                self._active.add(cause.id)
                yield Act(cause.id, cause.risk, cause.response, now_ns, records)
            else:
                self._is_news = True  # look again with the next event

    def _holds(self, cause: CauseSpec) -> bool:
        return (not cause.any_of or any(name in self._on for name in cause.any_of)) and all(
            name in self._on for name in cause.all_of
        )
