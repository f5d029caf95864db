"""What the monitor last said of each condition of the plan: on stays on until it is judged off afresh.

Silence, a restart of the monitor and `unknown` never clear a condition; they only make it unjudged, which counts
as on wherever a permissive is asked for (INTERLOCK §4, G).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge.guard import plain
from jidoka_bridge.messages import Condition, Judgement, MessageError
from jidoka_bridge.plan import Plan

HOUR_NS = 3_600_000_000_000
#: the guard looks at its clock before it reads what came, so a message may be this much younger
AHEAD_NS = 1_000_000_000


@dataclass
class Known:
    """One condition. is_on: judged on and not judged off since; reported: heard of since the monitor connected.

    by_run: it is statistical and of a model in enforce, whose detectors start afresh with each proving run; answered_ns:
    when the known answers ruled it out, 0 = they don't; wrong_ns: when they were wrong, 0 = records judged it off since.
    """

    id: str
    model: str
    is_statistical: bool
    by_run: bool
    judgement: Judgement = Judgement.UNKNOWN
    is_on: bool = False
    reported: bool = False
    has_data: bool = True
    run: int = 0
    judged_ns: int = 0
    received_ns: int = 0
    answered_ns: int = 0
    wrong_ns: int = 0
    judged_n: int = 0
    needed_n: int = 0
    value: float = 0.0
    limit: float = 0.0
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Conditions:
    """All conditions of a plan, by index and by id."""

    def __init__(self, plan: Plan) -> None:
        enforced = {model.id for model in plan.models if model.mode == "enforce"}
        self.known = [
            Known(spec.id, spec.model, spec.statistical, spec.statistical and spec.model in enforced)
            for spec in plan.conditions
        ]
        self.by_id = {known.id: known for known in self.known}
        self.run = 0
        self.in_proving = False
        self._began_ns = 0
        self._valid_ns = int(plan.judgement_valid_h * HOUR_NS)

    def start_afresh(self, run: int, proving: bool, now_ns: int = 0, answers_of: str = "") -> None:
        """The detectors start anew: what was judged before now, or for another run, isn't a judgement of this run.

        answers_of: the model whose known answers are the reason; what other models answered before it stands.
        """
        self.run, self.in_proving, self._began_ns = run, proving, now_ns
        for known in self.known:
            if answers_of and known.model != answers_of and known.answered_ns:
                known.run = run
            else:
                known.answered_ns = 0
        if proving:
            for known in self.known:
                if known.by_run:
                    known.judgement, known.judged_n = Judgement.UNKNOWN, 0

    def monitor_lost(self) -> None:
        """A new monitor has to say everything again."""
        for known in self.known:
            known.judgement, known.reported = Judgement.UNKNOWN, False
        self.forget_answers()

    def answered(self, now_ns: int, model: str, passed: bool) -> None:
        """The known answers were shown: all that is judged on this model's records is ruled out by them, or is on."""
        for known in self.known:
            if known.model == model and known.is_statistical:
                known.judgement, known.is_on = (Judgement.OFF, False) if passed else (Judgement.ON, True)
                known.run, known.judged_ns, known.reported = self.run, now_ns, True
                known.answered_ns, known.wrong_ns = (now_ns, 0) if passed else (0, now_ns)

    def forget_answers(self) -> None:
        """From here on records decide."""
        for known in self.known:
            known.answered_ns = 0

    def data_of(self, model: str, has_data: bool) -> None:
        """Mark the evidence of a model's conditions as good or as without data."""
        for known in self.known:
            if known.model == model:
                known.has_data = has_data

    def take(self, now_ns: int, message: Condition) -> bool:
        """Keep what the monitor says. True if the condition is judged on where it wasn't: a new judgement.

        In a proving run only judgements of that run count. Raises MessageError for an index outside the plan, and
        for an `off` of the future.
        """
        if message.index >= len(self.known):
            raise MessageError(f"condition {message.index} isn't one of the plan's {len(self.known)}")
        known = self.known[message.index]
        is_off = message.judgement is Judgement.OFF
        if is_off and message.judged_ns > now_ns + AHEAD_NS:
            raise MessageError(f"condition {message.index} was judged off in the future")
        known.reported = True
        is_of_this_run = not known.by_run or (
            message.run == self.run and not (is_off and message.judged_ns < self._began_ns)
        )
        if self.in_proving and not is_of_this_run:
            return False
        is_old = known.by_run and message.run != self.run
        if known.answered_ns and (is_old or message.judgement is Judgement.UNKNOWN):
            return False  # on a standing machine no record comes that could judge it anew
        if is_off and known.wrong_ns and message.judged_ns <= known.wrong_ns:
            return False  # what was judged before the answers were wrong
        known.answered_ns = 0
        if is_off:
            known.wrong_ns = 0
        is_new = message.judgement is Judgement.ON and known.judgement is not Judgement.ON
        known.judgement, known.run, known.judged_ns = message.judgement, message.run, message.judged_ns
        known.judged_n, known.needed_n = message.judged_n, message.needed_n
        known.value = message.value if math.isfinite(message.value) else 0.0
        known.limit = message.limit if math.isfinite(message.limit) else 0.0
        if message.judgement is Judgement.ON:
            known.is_on = True
        elif is_off and is_of_this_run and (message.judged_ns > 0 or not known.is_statistical):
            known.is_on = False
        if is_new:
            known.received_ns, known.evidence = now_ns, plain.evidence(message.evidence)
        return is_new

    def is_off(self, known: Known, now_ns: int) -> bool:
        """True if the condition was judged off, on this run's records and not too long ago."""
        if known.judgement is not Judgement.OFF or not known.reported:
            return False
        if not known.is_statistical:
            return True
        return self._is_of_this_run(known) and now_ns - known.judged_ns <= self._valid_ns

    def is_outdated(self, index: int, now_ns: int) -> bool:
        """True if what is said of a condition can't count any more: of another run, or judged off too long ago."""
        known = self.known[index]
        is_old = known.judgement is Judgement.OFF and not self.is_off(known, now_ns)
        return known.by_run and known.reported and (known.run != self.run or is_old)

    def _is_of_this_run(self, known: Known) -> bool:
        is_since = known.run == self.run and (known.judged_ns >= self._began_ns or known.answered_ns > 0)
        return known.judged_ns > 0 and (is_since or not known.by_run)
