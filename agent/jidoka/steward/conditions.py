"""Conditions as the monitor judges them, and which parts have to be sorted again because of them. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from jidoka_bridge.messages import Condition, Judgement
from jidoka_bridge.plan import Plan

WORDS: dict[Judgement, str] = {Judgement.UNKNOWN: "unknown", Judgement.OFF: "off", Judgement.ON: "on"}
KEPT = 20


class Conditions:
    """The last judgement of each condition of the plan. last: as the monitor told it in this run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.judgements: dict[str, str] = {}
        self.last: dict[str, Condition] = {}
        self._revisions: dict[str, tuple[str, int, int]] = {}
        self._sort_again: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def restore(self, body: Mapping[str, Any], is_this_boot: bool) -> None:
        """A condition entry of the ledger, so that a repetition isn't recorded twice."""
        identity = str(body["id"])
        if is_this_boot:
            self._revisions[identity] = (
                str(body["judgement"]),
                int(body["revision"]),
                int(body.get("run", 0)),
            )
        self._note(body)

    def change(self, condition: Condition) -> dict[str, Any] | None:
        """The body of an entry if this is news, None for a repetition. Raises IndexError for one that the plan hasn't."""
        spec = self._plan.conditions[condition.index]
        word = WORDS[condition.judgement]
        self.last[spec.id] = condition
        key = (word, condition.revision, condition.run)
        if self._revisions.get(spec.id) == key:
            return None
        self._revisions[spec.id] = key
        body = {
            "id": spec.id,
            "model": spec.model,
            "judgement": word,
            "revision": condition.revision,
            "value": condition.value,
            "limit": condition.limit,
            "judged_ns": condition.judged_ns,
            "judged_n": condition.judged_n,
            "needed_n": condition.needed_n,
            "run": condition.run,
            "evidence": dict(condition.evidence),
        }
        self._note(body)
        return body

    def went_on(self, model: str, last_part: int) -> None:
        """Parts that went by while a condition of their model is on have to be sorted as well."""
        # the last of each condition: those before it have ended
        latest = {item["condition"]: item for item in self._sort_again if item["model"] == model}
        for identity, item in latest.items():
            if self.judgements.get(identity) == "on":
                item["last_part"] = max(item["last_part"], last_part)
                item["parts"] = item["last_part"] - item["first_part"] + 1

    @property
    def sort_again(self) -> list[dict[str, Any]]:
        """[{"model", "condition", "first_part", "last_part", "interval": [lo, hi], "parts", "since_ns"}], oldest first."""
        return [dict(item) for item in self._sort_again]

    def _note(self, body: Mapping[str, Any]) -> None:
        identity, word = str(body["id"]), str(body["judgement"])
        was, self.judgements[identity] = self.judgements.get(identity), word
        evidence = body.get("evidence") or {}
        first = int(evidence.get("onset_part") or 0)
        if word != "on" or was == "on" or not first:
            return
        last = max(first, int(evidence.get("last_part") or 0))
        self._sort_again.append(
            {
                "model": body["model"],
                "condition": identity,
                "first_part": first,
                "last_part": last,
                "interval": [
                    int(evidence.get("onset_low_part") or first), int(evidence.get("onset_high_part") or first),
                ],
                "parts": last - first + 1,
                "since_ns": int(evidence.get("onset_ns") or body.get("judged_ns") or 0),
            }
        )  # fmt: skip
