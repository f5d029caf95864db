"""All that the steward knows while it runs. Handlers of messages (from_guard.py, from_peers.py, asking.py) read and change it. Pure."""

from __future__ import annotations

from typing import Any

from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.plan import Plan

from jidoka.steward.acts import Acts, Seal
from jidoka.steward.alarm_desk import AlarmDesk
from jidoka.steward.conditions import Conditions
from jidoka.steward.inventory import Inventory
from jidoka.steward.labels import Labels, words_of
from jidoka.steward.lists import Lists
from jidoka.steward.metrics import Counters
from jidoka.steward.presence import Presence
from jidoka.steward.risks import Risks
from jidoka.steward.transitions import Transitions


class Knowledge:
    """What was heard, restored and is under way.

    seal: text → (commitment, line for the side file). why_not_recording, remedy, is_nearly_full, certificate_days, findings (own alarms that a
    review of the ledger asks for): set by the shell; the first is empty while recording.
    """

    def __init__(self, plan: Plan, seal: Seal) -> None:
        self.plan = plan
        self.seal = seal
        self.presence = Presence()
        self.alarms = AlarmDesk(plan, seal)
        self.conditions = Conditions(plan)
        self.inventory = Inventory(plan)
        self.risks = Risks(plan)
        self.transitions = Transitions()
        self.acts = Acts()
        self.lists = Lists()
        sections = plan.sections.get("models") or {}
        self.labels = Labels({model.id: words_of(sections.get(model.id) or {}) for model in plan.models})
        self.counters = Counters(frozenset(model.id for model in plan.models))
        self.interlock: dict[str, Any] = {}  # last transition, of this boot or an earlier one
        self.since_ns = 0
        self.plc: PlcStatus | None = None
        self.mode: dict[str, Any] = {}
        self.summaries: dict[str, dict[str, Any]] = {}
        self.known_answers: dict[str, dict[str, Any]] = {}  # model -> what was last said of them
        self.why_not_recording = ""
        self.remedy = ""
        self.is_nearly_full = False
        self.certificate_days: float | None = None
        self.findings: frozenset[str] = frozenset()
        self.last_plan = ""
        self.last_boot_event = "none"

    @property
    def is_guard_here(self) -> bool:
        return self.presence.is_guard_here

    def follow(self, transition: dict[str, Any]) -> None:
        """The interlock is where this transition led."""
        if not self.interlock or transition.get("from") != transition.get("to"):
            self.since_ns = int(transition["ns"])
        self.interlock = transition

    def report(self) -> dict[str, Any]:
        """What a command `report` is answered with."""
        interlock = {name: self.interlock.get(name) for name in ("to", "cause", "m", "a", "number")}
        return {
            "interlock": interlock,
            "alarms": self.alarms.annunciator.shown.summary,
            "plan": self.plan.digest,
        }
