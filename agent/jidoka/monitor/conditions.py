"""What the monitor says of a model over time: each condition's state, its revision, and the message that tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge.messages import Condition, Judgement

# looked up once: asking an enum for a member costs as much as ten comparisons
OFF, ON, UNKNOWN = Judgement.OFF, Judgement.ON, Judgement.UNKNOWN

#: an integrity condition stays on this long after the last sign of it: records may stop with the machine
INTEGRITY_HOLD_NS = 5_000_000_000


@dataclass
class ConditionState:
    """A condition as last said. index: in the plan; fields as in jidoka_bridge.messages.Condition."""

    index: int
    id: str
    judgement: Judgement
    revision: int
    value: float = 0.0
    limit: float = 0.0
    judged_ns: int = 0
    judged_n: int = 0
    needed_n: int = 0
    run: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def say(
        self, judgement: Judgement, judged_ns: int, evidence: Mapping[str, Any], run: int | None = None
    ) -> bool:
        """Take a judgement; True, and a new revision, if it (or the proving run) is another than before."""
        self.judged_ns = judged_ns
        self.evidence = evidence
        if judgement is self.judgement and (run is None or run == self.run):  # as nearly always
            return False
        self.judgement = judgement
        if run is not None:
            self.run = run
        self.revision = (self.revision + 1) & 0xFFFF_FFFF
        return True

    def message(self) -> Condition:
        """The body of the CONDITION message."""
        return Condition(
            self.index, self.judgement, self.revision, self.value, self.limit, self.judged_ns,
            self.judged_n, self.needed_n, self.run, self.evidence,
        )  # fmt: skip


class Sign:
    """An integrity condition's trigger: on from a sign until INTEGRITY_HOLD_NS without one."""

    def __init__(self) -> None:
        self.last_ns: int | None = None
        self.evidence: dict[str, Any] = {}

    def seen(self, now_ns: int, evidence: dict[str, Any]) -> None:
        if not self.is_on(now_ns):
            self.evidence = evidence
        self.last_ns = now_ns

    def is_on(self, now_ns: int) -> bool:
        return self.last_ns is not None and now_ns - self.last_ns < INTEGRITY_HOLD_NS


def first_revision(now_ns: int) -> int:
    """Where revisions begin: tenths of a second since boot, so that they rise across restarts of the monitor too."""
    return (now_ns // 100_000_000) & 0xFFFF_FFFF
