"""What leaves the guard's core: numbered transitions, changed causes, the reset's lacks, answers, counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jidoka_bridge.guard import plain
from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.interlock import Step
from jidoka_bridge.guard.reports import cause_body, step_body
from jidoka_bridge.guard.transitions import Ring
from jidoka_bridge.messages import Kind
from jidoka_bridge.registers import Word


class Out(NamedTuple):
    """One message to send. to: monitor or steward."""

    to: str
    kind: Kind
    body: dict[str, Any]


class Details(NamedTuple):
    """What a transition says beyond the table's step."""

    cause: str | None = None
    reasons: Sequence[str] = ()
    person: Mapping[str, str] | None = None
    reason: str | None = None
    evidence: Mapping[str, Any] = {}
    text: str = ""


PLAIN = Details()


class Recorder:
    """Keeps the ring, the first-out cause, and what was last told of each cause."""

    def __init__(self, first_number: int, is_armed: bool) -> None:
        self.ring = Ring(first_number)
        self.first_out: str | None = None
        self.outbox: list[Out] = []
        self.trips = 0
        self.resets_refused = 0
        self._is_armed = is_armed
        self._told: dict[str, tuple[Any, ...]] = {}
        self._mode: dict[str, Any] = {}

    def transition(
        self, now_ns: int, step: Step, word: Word, proving_run: int, details: Details
    ) -> dict[str, Any]:
        """Number one event and queue it for both peers. Returns its body."""
        if step.is_trip:
            self.trips += 1
            self.first_out = self.first_out or details.cause
        self.resets_refused += step.event == "reset refused"
        body = self.ring.add(
            {
                **step_body(step, word, now_ns),
                "proving_run": proving_run,
                "cause": details.cause,
                "first_out": self.first_out,
                "reasons": plain.sentences(details.reasons),
                "person": dict(details.person) if details.person else None,
                "reason": details.reason,
                "evidence": dict(details.evidence),
            }
        )
        if details.text:
            body["text"] = f"{body['text']} {details.text}".strip()
        self.outbox.append(Out("monitor", Kind.TRANSITION, body))
        return body

    def report(self, causes: Causes, mode: dict[str, Any]) -> None:
        """Queue what changed since it was last told: causes; what a reset lacks and the rest of `mode_body`."""
        self.report_causes(causes)
        if mode != self._mode:
            self._mode = mode
            self.outbox.append(Out("steward", Kind.MODE, mode))

    def report_causes(self, causes: Causes) -> None:
        """Queue the causes that changed since they were last told."""
        for cause in causes:
            shown = (
                cause.active, cause.latched, cause.revision, cause.acknowledged_revision, cause.second_revision,
                cause.quality, cause.needs_role, cause.seen is not None,
            )  # fmt: skip
            if self._told.get(cause.id, (False, False, 0, 0, 0, "good", "", False)) != shown:
                self._told[cause.id] = shown
                self.outbox.append(Out("steward", Kind.CAUSE, cause_body(cause, self._is_armed)))

    def tell_all(self, causes: Causes) -> None:
        """A steward connected: every cause, the lacks, and the transitions that aren't recorded."""
        self.ring.reconnected()
        for cause in causes:
            self.outbox.append(Out("steward", Kind.CAUSE, cause_body(cause, self._is_armed)))
        self.outbox.append(Out("steward", Kind.MODE, self._mode))

    def take(self) -> list[Out]:
        """What waits to be sent; the queue is empty afterwards."""
        out, self.outbox = self.outbox, []
        return out
