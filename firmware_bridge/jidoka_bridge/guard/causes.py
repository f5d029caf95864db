"""Cause records: what trips, what stays latched, who acknowledged which revision. All that a reset asks for.

Register causes combine conditions (any_of is OR, all_of is AND) with an on-delay; built-in causes come from the
guard's own watching. A cause of response fallback, hold or lockout that was active stays latched until a reset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jidoka_bridge.guard.built_in import BUILT_IN, PER_MODEL
from jidoka_bridge.guard.conditions import Conditions, Known
from jidoka_bridge.plan import CauseSpec, Plan
from jidoka_bridge.registers import REASON_NUMBERS

__all__ = ["BUILT_IN", "Cause", "Causes", "Change"]

TRIPS = ("fallback", "hold", "lockout")
MS_NS = 1_000_000
#: whoever gives no name, at a panel or, as number 0, at the PLC's, may be anybody: no second one beside another
UNNAMED = frozenset({"", "PLC 0"})
#: the second of two persons has this long
SECOND_NS = 24 * 3_600 * 1_000 * MS_NS


@dataclass
class Cause:
    """One cause. revision rises whenever it becomes active anew; an acknowledgement names the one that was seen.

    needs_two: the plan asks for two persons; then `second` is who acknowledged after `person`. seen: who marked it
    as seen from elsewhere, which counts for nothing.
    """

    id: str
    risk: str
    response: str
    priority: str
    reason: int
    text: str
    remedy: str
    any_of: tuple[Known, ...] = ()
    all_of: tuple[Known, ...] = ()
    on_delay_ns: int = 0
    active: bool = False
    latched: bool = False
    revision: int = 0
    acknowledged_revision: int = 0
    person: dict[str, str] | None = None
    needs_two: bool = False
    second: dict[str, str] | None = None
    second_revision: int = 0
    acknowledged_ns: int = 0
    seen: dict[str, str] | None = None
    needs_role: str = ""
    quality: str = "good"
    statistical: bool = False
    since_ns: int = 0
    onset_ns: int = 0
    pending_ns: int = 0
    may_latch: bool = True
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def trips(self) -> bool:
        return self.response in TRIPS

    @property
    def is_acknowledged(self) -> bool:
        is_second = not self.needs_two or self.second_revision == self.revision
        return self.acknowledged_revision == self.revision and is_second

    @property
    def waits_for_second(self) -> bool:
        return self.acknowledged_revision == self.revision and not self.is_acknowledged

    @property
    def conditions(self) -> tuple[Known, ...]:
        return self.any_of + self.all_of

    def strike(self, now_ns: int, evidence: dict[str, Any], latch: bool = True) -> None:
        """The cause happened (again): a new revision, so that an older acknowledgement doesn't hold for it."""
        self.revision += 1
        self.since_ns = now_ns
        self.evidence = evidence
        self.onset_ns = int(evidence.get("onset_ns") or now_ns)
        self.latched = self.latched or (latch and self.trips and self.may_latch)
        self.seen = None

    def acknowledge(self, now_ns: int, person: dict[str, str]) -> None:
        """By a person who was found entitled. Of two the second must be another one, within a day."""
        # after a restart nobody knows how long ago the first was
        is_late = not self.acknowledged_ns or now_ns - self.acknowledged_ns > SECOND_NS
        first, name = ((each or {}).get("pseudonym", "") for each in (self.person, person))
        is_same = name == first or first in UNNAMED
        if self.waits_for_second and not is_late and name in UNNAMED:
            return  # who gave no name may be the first again
        if self.waits_for_second and not is_late and not is_same:
            self.second, self.second_revision = person, self.revision
        elif not (self.needs_two and self.is_acknowledged):
            self.acknowledged_revision, self.person = self.revision, person
            self.acknowledged_ns = now_ns if self.needs_two else 0

    def take_back(self) -> None:
        """The acknowledgement was a mistake."""
        self.acknowledged_revision = self.second_revision = 0
        self.person = self.second = None


class Change(NamedTuple):
    """kind: on, again (judged on anew while active) or off."""

    cause: Cause
    kind: str


class Causes:
    """All causes: the register's, then the built-in ones."""

    def __init__(self, plan: Plan, conditions: Conditions) -> None:
        self._conditions = conditions
        register = [_from_spec(spec, conditions) for spec in plan.causes]
        self.register = [cause for cause in register if cause.response != "observe"]
        self.by_id = {cause.id: cause for cause in self.register}
        for row in BUILT_IN:
            names = [f"{row.id}:{model.id}" for model in plan.models] if row.id in PER_MODEL else [row.id]
            for name in names:
                response = plan.no_record if row.id == "no record" else row.response
                text = f"{name.partition(':')[2]}: {row.text}" if ":" in name else row.text
                number = REASON_NUMBERS[row.reason]
                self.by_id[name] = Cause(name, "built-in", response, row.priority, number, text, row.remedy)
        self._needs_two = plan.reset_needs == "two"
        for cause in self:
            cause.may_latch = plan.link is not None
            cause.needs_two = cause.trips and self._needs_two

    def __iter__(self) -> Iterator[Cause]:
        return iter(self.by_id.values())

    def __getitem__(self, name: str) -> Cause:
        return self.by_id[name]

    def add_foreign(self, name: str) -> Cause:
        """The cause of this name; where the plan has none it is one of an earlier plan, that still waits for a person."""
        text, remedy = f"{name}: tripped under an earlier plan.", "Acknowledge and reset."
        cause = Cause(name, "earlier plan", "hold", "medium", 0, text, remedy, needs_two=self._needs_two)
        return self.by_id.setdefault(name, cause)

    def judge(self, now_ns: int, fresh: set[str]) -> list[Change]:
        """Evaluate the register causes. fresh: ids of conditions that were judged on anew since the last call."""
        changes = []
        for cause in self.register:
            is_on = _combine(cause, [k.is_on for k in cause.any_of], [k.is_on for k in cause.all_of])
            if not is_on:
                cause.pending_ns = 0
                if cause.active:
                    cause.active = False
                    changes.append(Change(cause, "off"))
                continue
            cause.statistical = all(k.is_statistical for k in cause.conditions if k.is_on)
            cause.pending_ns = cause.pending_ns or now_ns
            is_again = cause.active and any(k.id in fresh for k in cause.conditions)
            if cause.active and not is_again:
                continue
            if now_ns - cause.pending_ns < cause.on_delay_ns:
                continue
            cause.active = True
            cause.strike(now_ns, _evidence(cause))
            changes.append(Change(cause, "again" if is_again else "on"))
        return changes

    def possible(self, cause: Cause, now_ns: int) -> bool:
        """True unless what was judged off rules the cause out; unknown counts as on."""
        if cause.active or not cause.conditions:
            return cause.active
        off = self._conditions.is_off
        any_of = [not off(known, now_ns) for known in cause.any_of]
        return _combine(cause, any_of, [not off(known, now_ns) for known in cause.all_of])

    def not_off(self, cause: Cause, now_ns: int) -> list[Known]:
        """Conditions of a cause that weren't judged off."""
        return [known for known in cause.conditions if not self._conditions.is_off(known, now_ns)]

    def set_active(self, name: str, active: bool, now_ns: int, latch: bool, evidence: dict[str, Any]) -> str:
        """A built-in cause as the guard sees it now. Returns on, off, or "" where nothing changed."""
        if not active:
            return "off" if self.end(name) else ""
        return "on" if self.begin(name, now_ns, latch, evidence) else ""

    def begin(self, name: str, now_ns: int, latch: bool, evidence: dict[str, Any]) -> bool:
        """A built-in cause is there. True if it wasn't before."""
        cause = self.by_id[name]
        if cause.active:
            return False
        cause.active = True
        cause.strike(now_ns, evidence, latch)
        return True

    def end(self, name: str) -> bool:
        """A built-in cause is gone. True if it was there."""
        cause = self.by_id[name]
        was_active, cause.active = cause.active, False
        return was_active

    def clear_latches(self) -> None:
        """An accepted reset: what is gone and acknowledged returns to normal."""
        for cause in self:
            if cause.is_acknowledged and not cause.active:
                cause.latched = False

    def unacknowledged(self) -> list[Cause]:
        """Latched causes that nobody acknowledged at their current revision."""
        return [cause for cause in self if cause.latched and not cause.is_acknowledged]


def _from_spec(spec: CauseSpec, conditions: Conditions) -> Cause:
    known = conditions.by_id
    return Cause(
        spec.id, spec.risk, spec.response, spec.priority, spec.reason, spec.text, spec.remedy,
        # one that the plan lacks is the self-test's to tell, which locks out
        tuple(known[each] for each in spec.any_of if each in known),
        tuple(known[each] for each in spec.all_of if each in known),
        spec.on_delay_ms * MS_NS,
    )  # fmt: skip


def _combine(cause: Cause, any_of: list[bool], all_of: list[bool]) -> bool:
    """OR over any_of, AND over all_of; a part that the register left out doesn't decide."""
    if not cause.conditions:
        return False
    return (any(any_of) if any_of else True) and all(all_of)


def _evidence(cause: Cause) -> dict[str, Any]:
    """Of the condition that came last: its own evidence, statistic and times."""
    last = max((k for k in cause.conditions if k.is_on), key=lambda k: k.received_ns)
    return {
        **last.evidence,
        "condition": last.id,
        "value": last.value,
        "limit": last.limit,
        "judged_ns": last.evidence.get("judged_ns") or last.judged_ns,
        "judged_n": last.judged_n,
        "condition_ns": last.received_ns,
        "conditions_on": [k.id for k in cause.conditions if k.is_on],
    }
