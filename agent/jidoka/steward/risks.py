"""The risk register as it stands: each row's status, and what is known of the data that it rests on. Pure.

A row is recorded when it changes, and once an hour besides, so that its coverage and age are never older.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jidoka_bridge.plan import CauseSpec, Plan

from jidoka.steward.conditions import Conditions

SECOND_NS = 1_000_000_000
EVERY_NS = 3_600 * SECOND_NS
#: a change of one of these is told at once
CHANGES = ("status", "latched", "acknowledged", "conditions")
ON, OFF, UNKNOWN = "on", "off", "unknown"


def status_of(spec: CauseSpec, judgements: Mapping[str, str]) -> str:
    """on, off or unknown by the conditions' judgements: any of `any_of`, and all of `all_of`, in three values."""
    any_of = [judgements.get(each, UNKNOWN) for each in spec.any_of]
    all_of = [judgements.get(each, UNKNOWN) for each in spec.all_of]
    if not any_of and not all_of:
        return OFF
    some = ON if ON in any_of or not any_of else UNKNOWN if UNKNOWN in any_of else OFF
    if OFF in all_of or some == OFF:
        return OFF
    return UNKNOWN if UNKNOWN in [some, *all_of] else ON


class Risks:
    """Rows of the plan. sections["risks"] has what the register says of each."""

    def __init__(self, plan: Plan) -> None:
        self._causes = plan.causes
        self._rows = {str(row["id"]): row for row in plan.sections.get("risks") or ()}
        self._model_of = {spec.id: spec.model for spec in plan.conditions}
        self._told: dict[str, tuple[dict[str, Any], int]] = {}

    def restore(self, body: Mapping[str, Any], now_ns: int) -> None:
        """An entry of the ledger. Raises KeyError if it is none."""
        self._told[str(body["id"])] = (dict(body), now_ns)

    def due(
        self,
        now_ns: int,
        conditions: Conditions,
        causes: Mapping[str, Mapping[str, Any]],
        summaries: Mapping[str, Mapping[str, Any]],
    ) -> list[dict[str, Any]]:
        """Bodies of entries: rows that changed, and those that weren't told for an hour. causes: as the guard told them."""
        bodies = []
        for spec in self._causes:
            body = self._body(spec, now_ns, conditions, causes.get(spec.id, {}), summaries)
            told, at_ns = self._told.get(spec.id, (None, 0))
            is_same = told is not None and all(told.get(name) == body[name] for name in CHANGES)
            if is_same and now_ns - at_ns < EVERY_NS:
                continue
            self._told[spec.id] = (body, now_ns)
            bodies.append(body)
        return bodies

    def _body(
        self,
        spec: CauseSpec,
        now_ns: int,
        conditions: Conditions,
        cause: Mapping[str, Any],
        summaries: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, Any]:
        names = [*spec.any_of, *spec.all_of]
        row = self._rows.get(spec.id, {})
        model = str(row.get("model") or next((self._model_of[each] for each in names), ""))
        last = [conditions.last[each] for each in names if each in conditions.last]
        judged = [each.judged_ns for each in last if each.judged_ns]
        revision = int(cause.get("revision") or 0)
        return {
            "id": spec.id, "risk": spec.risk, "model": model, "when": str(row.get("when", "")),
            "response": spec.response, "priority": spec.priority, "owner": str(row.get("owner") or ""),
            "controls": list(row.get("controls") or ()),
            "status": status_of(spec, conditions.judgements),
            "latched": bool(cause.get("latched")),
            "acknowledged": 0 < revision == int(cause.get("acknowledged_revision") or 0),
            "conditions": {each: conditions.judgements.get(each, UNKNOWN) for each in names},
            "coverage": coverage_of(summaries.get(model, {})),
            "age_s": round((now_ns - min(judged)) / SECOND_NS, 1) if judged else None,
            "judged_n": min((each.judged_n for each in last), default=0),
            "needed_n": max((each.needed_n for each in last), default=0),
        }  # fmt: skip


def coverage_of(summary: Mapping[str, Any]) -> float | None:
    """Share of a model's numbered records that came and were taken; None before the first."""
    came, lost, refused = (int(summary.get(name) or 0) for name in ("records", "lost", "refused"))
    total = came + lost + refused
    return round(came / total, 6) if total else None
