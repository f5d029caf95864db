"""What the guard told of its causes, and what that is worth: what it hasn't told yet, knows no more, or can't know yet. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from jidoka_bridge.plan import Plan

from jidoka.alarms.acts import Act
from jidoka.alarms.causes import Cause
from jidoka.alarms.definition import SECOND_NS
from jidoka.alarms.until import Clock
from jidoka.steward import risks

#: a cause is recorded again when one of these changed; its evidence alone may move every half second
RECORDED_FIELDS = ("active", "latched", "revision", "acknowledged_revision", "person", "quality", "trip")
_NOTHING_YET = {"active": False, "latched": False, "revision": 0, "quality": "good"}
#: how long after its connection the guard has told every cause that it knows
TOLD_NS = 10 * SECOND_NS


class CausesTold:
    """Causes as the guard last told them. own: ids of alarms that are the steward's; observing: of these, rows of the plan."""

    def __init__(self, plan: Plan, own: Collection[str], observing: Collection[str]) -> None:
        self.bodies: dict[str, dict[str, Any]] = {}
        self.judgements: Mapping[str, str] = {}
        self._own, self._observing = own, frozenset(observing)
        self._rows = {spec.id: spec for spec in plan.causes}
        self._recorded: dict[str, dict[str, Any]] = {}
        self._untold: set[str] = set()
        #: it knows them no more, so nobody but the steward can end them
        self._forgotten: set[str] = set()
        #: told as gone by a guard that can't know it yet
        self._unjudged: set[str] = set()
        self._since_ns: int | None = None

    def restore(self, body: Mapping[str, Any]) -> Cause:
        """A cause entry of the ledger."""
        cause = Cause.from_message(body)
        self._recorded[cause.id] = {field: body.get(field) for field in RECORDED_FIELDS}
        return cause

    def expect(self, name: str) -> None:
        """An alarm of before the start is the guard's: it will tell of it, or doesn't know it any more."""
        self._untold.add(name)

    # ------------------------------------------------------------ the guard's coming and going

    def connected(self, now: Clock) -> None:
        """It will tell every cause that it knows."""
        self._since_ns = now.ns

    def went_away(self) -> None:
        """What it has not told isn't gone: it tells when it is back."""
        self._since_ns = None

    @property
    def all_of_guard(self) -> list[str]:
        """Every alarm that is the guard's to tell of."""
        return sorted(self._untold.union(self.bodies) - set(self._own))

    def now_forgotten(self, now: Clock) -> list[str]:
        """Alarms that it would have told of by now, and didn't; each once."""
        if not self._untold or self._since_ns is None or now.ns - self._since_ns <= TOLD_NS:
            return []
        found = sorted(self._untold)
        self._forgotten |= self._untold
        self._untold = set()
        return found

    # ------------------------------------------------------------ what it tells

    def take(
        self, cause: Cause, body: dict[str, Any], now: Clock, *, is_standing: bool
    ) -> tuple[Cause, bool]:
        """(The cause as it counts, whether it rests on a judgement). is_standing: its alarm stands."""
        self._untold.discard(cause.id)
        self._forgotten.discard(cause.id)
        self.bodies[cause.id] = body
        if is_standing and self._is_unjudged(cause, now):
            self._unjudged.add(cause.id)
            return replace(cause, is_active=True), False
        self._unjudged.discard(cause.id)
        return cause, True

    def _is_unjudged(self, cause: Cause, now: Clock) -> bool:
        """A guard that starts anew tells of a row as if it were gone until the monitor has judged it: that isn't gone."""
        is_told_anew = self._since_ns is not None and now.ns - self._since_ns <= TOLD_NS
        if cause.is_active or cause.is_trip or cause.id not in self._rows:
            return False
        return (is_told_anew or cause.id in self._unjudged) and not self._is_judged_off(cause.id)

    def _is_judged_off(self, name: str) -> bool:
        return risks.status_of(self._rows[name], self.judgements) == risks.OFF

    @property
    def judged_off(self) -> list[str]:
        """What was told as gone too early, and is by now."""
        return [name for name in sorted(self._unjudged) if self._is_judged_off(name)]

    def is_left_over(self, cause: Cause) -> bool:
        """A row that only observes now tripped under an earlier plan: its alarm is its condition's, and a reset still waits
        for an acknowledgement of what tripped."""
        return cause.id in self._observing and (cause.is_latched or cause.id in self.bodies)

    def is_news(self, name: str, body: Mapping[str, Any]) -> bool:
        """Whether a cause is recorded again; asked, it counts as recorded."""
        fields = {field: body.get(field) for field in RECORDED_FIELDS}
        if self._recorded.get(name) == fields:
            return False
        if name not in self._recorded and all(
            body.get(key, value) == value for key, value in _NOTHING_YET.items()
        ):
            return False
        self._recorded[name] = fields
        return True

    def is_to_decide(self, act: Act, cause: Cause | None) -> bool:
        """Whether the guard decides about this acknowledgement: it knows the alarm's cause, and has something of it to
        acknowledge. What was called again here, being stale or at the end of a shelf, is over there once it is gone.

        cause: of the alarm, as it was followed; None where it has none.
        """
        name = act.alarm
        if name in self._own and name in self.bodies and act.kind == "acknowledge":
            left = Cause.from_message(self.bodies[name])
            return left.is_latched and not left.is_acknowledged and left.revision == act.revision
        if name in self._own or name in self._forgotten:
            return False
        if cause is None or cause.is_trip or act.kind != "acknowledge":
            return True
        return cause.is_active or cause.is_latched or not cause.is_acknowledged
