"""Everything that the guard keeps between two inputs: its parts, what it last saw, and what is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jidoka_bridge.guard.approved import ApprovedModels
from jidoka_bridge.guard.button import ButtonWatch
from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.guard.guard_condition import NONE, Offer
from jidoka_bridge.guard.interlock import Interlock
from jidoka_bridge.guard.known_answers import KnownAnswers
from jidoka_bridge.guard.link_view import LinkView
from jidoka_bridge.guard.motion import Motion
from jidoka_bridge.guard.panel import Shown
from jidoka_bridge.guard.proving import ProvingRun
from jidoka_bridge.guard.recorder import Recorder
from jidoka_bridge.guard.resetting import Pending
from jidoka_bridge.guard.trips import TripCounters
from jidoka_bridge.guard.unjudged import Unjudged
from jidoka_bridge.guard.watch import MS_NS, DataWatch, RecordWatch
from jidoka_bridge.link.blocks import BlockC
from jidoka_bridge.plan import Plan

#: refused inputs that are recorded in one second; the others are counted
REFUSALS = 5


@dataclass
class Withdrawal:
    """A trip whose read-back is awaited, to complete its evidence. number: of its transition."""

    number: int
    cause: str | None
    began_ns: int
    evidence: dict[str, Any]
    asked_ns: int = 0


class Memory:
    """content: of the latch file, whole; latch_number: of its next write; is_same_boot: its ages can be trusted."""

    def __init__(
        self, plan: Plan, faults: list[str], content: Mapping[str, Any], now_ns: int, *, latch_number: int,
        is_same_boot: bool,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.faults = faults
        self.interlock = Interlock()
        self.conditions = Conditions(plan)
        self.causes = Causes(plan, self.conditions)
        self.data = DataWatch(plan)
        self.records = RecordWatch(plan)
        self.latch_number = latch_number
        self.run = ProvingRun(plan.proving, int(content["run"]), int(content["failed_runs"]))
        self.conditions.run = self.run.number
        self.is_enforcing = (
            plan.link is not None and bool(plan.models) and all(m.mode == "enforce" for m in plan.models)
        )
        self.recorder = Recorder(int(content["transition"]) + 1, self.is_enforcing)
        self.recorder.first_out = content["first_out"]
        self.view = LinkView()
        self.block_c: BlockC | None = None
        self.plc_memory: dict[str, Any] = {}
        self.shown = Shown()
        self.motion = Motion()
        self.button = ButtonWatch()
        self.unjudged = Unjudged(plan.proving)
        self.known_answers = KnownAnswers()
        self.approved = ApprovedModels(plan.models, now_ns)
        self.approved.restore(content["windows"], content["modes"], plan.times.window_s * 1_000)
        self.trips = TripCounters(plan.trips)
        self.trips.restore(now_ns, content["trips"], is_same_boot)
        self.offer = Offer(NONE, ("the guard has just started",))
        self.offer_since_ns = 0
        self.offer_held = False
        #: the first good beat that showed what is on offer with the reset button up; 0: none did yet, or it went down since
        self.up_since_ns = 0
        self.offer_lapsed_ns = 0
        self.fresh: set[str] = set()
        self.pending: Pending | None = None
        self.withdrawal: Withdrawal | None = None
        self.started_ns = self.changed_ns = now_ns
        self.acknowledged_ns = self.renewed_ns = 0
        self.acknowledged_by: Mapping[str, str] | None = None
        self.more_since_ns = 0
        self.passed = self.arming_told = self.was_up = self.stopping = False
        self.is_clean_stop = False
        self.key_was_on = self.key_must_go_off = bool(content["key_must_go_off"])
        self.override_used_ns = int(content["override_used_s"]) * 1_000 * MS_NS
        self.override_repeat_ns = self.last_tick_ns = now_ns
        self.latch_written = self.latch_number - 1
        self.latch_asked_ns = now_ns
        self.latch_failed = ""
        self.loop_delay_ns = 0
        #: what the shell knows of the line when a trip happens: last frames, round trips
        self.black_box: Callable[[], dict[str, Any]] = dict
        self._content: dict[str, Any] = {}
        self._refused = 0
        self._told: deque[int] = deque(maxlen=REFUSALS)
