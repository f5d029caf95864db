"""Each model against what was approved: its file's digest, an announced window for changing it, and its mode.

A digest that differs locks out. Inside a window that two persons announced it is a fallback cause until the approved
one is back or the plan approves the new one; when the window is over before that, it locks out. A model that leaves
`enforce` takes A away; only an engineer at the machine brings it back, and then a reset is still needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jidoka_bridge.guard import plain
from jidoka_bridge.guard.facts import fact, with_fallback
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.messages import MessageError
from jidoka_bridge.plan import Model

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

NONE, ENFORCE = "none", "enforce"
#: in the latch file what is left of a window is rounded down to this: a restart never makes it longer
STEP_MS = 10_000


@dataclass
class Approved:
    """One model. mode: as it is now, never above the plan's; digest: of the file in use, "" = nobody said yet.

    left_ns: of its window, 0 = none is open; announced: ms, pseudonym and time of the first of two persons.
    """

    id: str
    planned: str
    mode: str
    wanted: str
    digest: str = ""
    left_ns: int = 0
    announced: tuple[int, str, int] | None = None
    is_over: bool = False

    @property
    def is_changed(self) -> bool:
        return bool(self.wanted and self.digest) and self.digest != self.wanted

    @property
    def has_left(self) -> bool:
        """The plan has it in enforce, and somebody took it out."""
        return self.planned == ENFORCE and self.mode != ENFORCE


class ApprovedModels:
    """All models of the plan."""

    def __init__(self, models: tuple[Model, ...], now_ns: int) -> None:
        self.models = [
            Approved(model.id, model.mode, model.mode, model.digest.lower() if model.mode != NONE else "")
            for model in models
        ]
        self.by_id = {each.id: each for each in self.models}
        self.last_ns = now_ns

    def restore(self, windows_ms: Mapping[str, int], modes: Mapping[str, str], longest_ms: int) -> None:
        """What the latch file says of models that are still in the plan; no window is longer than the plan allows."""
        for each in self.models:
            each.left_ns = min(int(windows_ms.get(each.id, 0)), longest_ms) * MS_NS
            if each.planned == ENFORCE:
                each.mode = str(modes.get(each.id, each.mode))

    def windows_ms(self) -> dict[str, int]:
        """For the latch file: whole steps that are left, of a window that is open."""
        return {each.id: each.left_ns // MS_NS // STEP_MS * STEP_MS for each in self.models if each.left_ns}

    def modes(self) -> dict[str, str]:
        return {each.id: each.mode for each in self.models if each.has_left}

    def shown(self) -> list[dict[str, Any]]:
        """For people: each model's mode, and until when its window is open (CLOCK_MONOTONIC ns, 0 = none is)."""
        return [
            {
                "id": each.id,
                "mode": each.mode,
                "planned": each.planned,
                "window_until_ns": self.last_ns + each.left_ns if each.left_ns else 0,
                "announced": each.announced is not None,
            }
            for each in self.models
        ]

    def take_digest(self, body: Mapping[str, Any]) -> None:
        """What file a model's application has loaded. Raises MessageError for anything that isn't that."""
        each = self.by_id.get(plain.text(body, "model"))
        digest = plain.text(body, "digest").lower()
        if each is None or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise MessageError("it tells of no model of the plan, or no SHA-256")
        each.digest = digest


def watch_approved(guard: Guard, now_ns: int) -> None:
    """Windows run out, digests and modes are compared."""
    passed_ns, guard.approved.last_ns = now_ns - guard.approved.last_ns, now_ns
    for each in guard.approved.models:
        if each.left_ns:
            each.left_ns = max(0, each.left_ns - passed_ns)
            each.is_over = each.left_ns == 0
        _watch_digest(guard, now_ns, each)
        why = {"mode": each.mode}
        left = with_fallback(guard, "model left enforce")
        fact(guard, now_ns, f"mode:{each.id}", each.has_left, on=left, off="model back in enforce", **why)


def _watch_digest(guard: Guard, now_ns: int, each: Approved) -> None:
    in_window = each.left_ns > 0
    why = {"approved": each.wanted, "in_use": each.digest}
    again = "digest equal again"
    if each.is_over and not each.is_changed:
        guard.event(now_ns, "window over", Details(evidence={"model": each.id}))
    # what locks out first: the milder cause must not go before it
    name = f"digest:{each.id}"
    is_mismatch = each.is_changed and not in_window
    change = guard.causes.set_active(name, is_mismatch, now_ns, True, why)
    if change == "on":
        kind = "window over, not approved" if each.is_over else "digest mismatch"
        guard.event(now_ns, kind, Details(name, evidence=why))
    elif change == "off":
        guard.event(now_ns, again, Details(name))
    each.is_over = False
    changed = with_fallback(guard, "model changed")
    fact(
        guard, now_ns, f"model changed:{each.id}", each.is_changed and in_window, on=changed, off=again, **why
    )
