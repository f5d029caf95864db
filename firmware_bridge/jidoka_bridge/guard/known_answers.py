"""The known-answer set: signed records whose right answers are known, shown to a model that moves nothing meanwhile.

A person at the machine announces it by its digest, which the plan holds; the guard tells the monitor, and that one the
application; the monitor says whether the model gave the answers. Passed: what is judged on records counts as gone until
the next reset. Failed: it counts as on, announced or not: an application shows the set by itself after each start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jidoka_bridge.guard import plain
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.messages import MessageError
from jidoka_bridge.registers import State

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

#: from the announcement until the answers must have come
LIMIT_NS = 600_000 * MS_NS
SHOWN_IN = (State.START_UP, State.HOLD)


class KnownAnswers:
    """announced: model -> until when its answers are expected, CLOCK_MONOTONIC ns."""

    def __init__(self) -> None:
        self.announced: dict[str, int] = {}

    def announce(self, now_ns: int, model: str) -> None:
        self.announced[model] = now_ns + LIMIT_NS


def take(guard: Guard, now_ns: int, body: Mapping[str, Any]) -> None:
    """The monitor's result. Raises MessageError for one that nobody asked for, or of another set."""
    model, passed = plain.text(body, "model"), body.get("passed")
    until_ns = guard.known_answers.announced.pop(model, 0)
    wanted = next((each.known_answers for each in guard.plan.models if each.id == model), "")
    if passed is not False and now_ns > until_ns:
        raise MessageError(
            f"known answers of {model or '(no model)'}: nobody announced them, or their time is over"
        )
    if not wanted or plain.text(body, "digest") != wanted or not isinstance(passed, bool):
        raise MessageError(f"known answers of {model}: they aren't of the plan's set")
    if passed and guard.interlock.state not in SHOWN_IN:
        raise MessageError(f"known answers of {model}: not in {guard.interlock.state.name}")
    if passed:  # what the detectors saw before counts no longer
        guard.run.number = guard.run.next_number
        guard.conditions.start_afresh(guard.run.number, proving=False, now_ns=now_ns, answers_of=model)
    guard.conditions.answered(now_ns, model, passed)
    if not passed:  # a new judgement, also where the cause is on already: a proving run is judged bad by it
        guard.fresh |= {
            known.id for known in guard.conditions.known if known.model == model and known.is_statistical
        }
    kind = "known answers passed" if passed else "known answers failed"
    guard.event(now_ns, kind, Details(evidence={"model": model, "digest": wanted}))
