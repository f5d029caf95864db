"""The drill at the machine: how long the real machine takes, and that a part is rejected while A is off.

Pure: a sequence of looks goes in. A look is what the running guard sees of the PLC; nothing is measured where the PLC
wouldn't notice it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from jidoka_bridge.plan import Link

from jidoka.commissioning.view import View

DRILL = "DRILL"
MS_NS = 1_000_000


class Look(NamedTuple):
    """One answer of the steward. beat_ns: CLOCK_MONOTONIC of the beat that showed it."""

    view: View
    beat_ns: int


@dataclass(frozen=True)
class Withdrawal:
    """From the moment a hold was asked for: the output was still on at least_ms, and read back off at most_ms."""

    least_ms: float
    most_ms: float


def withdrawal_of(asked_ns: int, looks: Iterable[Look]) -> Withdrawal | None:
    """What a series of looks that began before the hold shows; None where the output never read back off."""
    last_on_ns = asked_ns
    for look in looks:
        if look.view.machine:
            last_on_ns = max(last_on_ns, look.beat_ns)
        elif look.view.actual and look.beat_ns > asked_ns:
            return Withdrawal((last_on_ns - asked_ns) / MS_NS, (look.beat_ns - asked_ns) / MS_NS)
    return None


def silent_ms_of(looks: Iterable[Look], link: Link) -> float | None:
    """How long the PLC itself would go on without a beat, by the remaining hold time that it shows, + scan + relay."""
    left = [look.view.remaining_ms for look in looks if look.view.machine]
    return None if not left else float(max(left) + link.scan_ms + link.relay_ms)


class Gate(NamedTuple):
    """The reject path as it was when a person began to look, or ended."""

    view: View

    @property
    def lack(self) -> str:
        """Why nothing can be shown now, "" where it can."""
        rows: tuple[tuple[bool, str], ...] = (
            (self.view.link_up, "the link to the PLC is down"),
            (DRILL in self.view.inputs, "the input DRILL is off: switch S4 on"),
            (not self.view.model, "A is on: bring the line to FALLBACK, or hold it and drive with the key"),
        )
        return next((text for is_so, text in rows if not is_so), "")


class Shown(NamedTuple):
    """What came of a look at the reject path. parts: counted meanwhile; why: it doesn't count, "" where it does."""

    rejected: bool
    parts: int
    why: str


def shown_by(before: Gate, after: Gate, answer: str) -> Shown:
    """What the person saw, held against what the PLC shows: A off all the time, and a part counted."""
    parts = (after.view.parts - before.view.parts) & 0xFFFF_FFFF
    if answer != "rejected":
        return Shown(False, parts, f"the person said: {answer}")
    # A rises by an accepted press only, so that it was off in between where none was counted
    rows: tuple[tuple[bool, str], ...] = (
        (not after.lack, after.lack),
        (before.view.accepted == after.view.accepted, "reset was pressed meanwhile: A may have been on"),
        (0 < parts < 0x8000_0000, "the PLC counted no part meanwhile: none went through, or B1 isn't wired"),
    )
    why = next((text for is_so, text in rows if not is_so), "")
    return Shown(not why, parts, why)


def values_of(
    link: Link, withdrawal: Withdrawal | None, silent_ms: float | None, shown: Shown | None
) -> dict[str, Any]:
    """For the record of commissioning."""
    return {
        "transport": link.transport,
        "withdraw_least_ms": None if withdrawal is None else round(withdrawal.least_ms, 1),
        "withdraw_ms": None if withdrawal is None else round(withdrawal.most_ms, 1),
        "silent_ms": silent_ms,
        "rejected": None if shown is None else shown.rejected,
        "parts": None if shown is None else shown.parts,
        "why_not": "" if shown is None else shown.why,
    }


def is_over(least_ms: float | None, formula_ms: float) -> bool:
    """True if even the most favourable reading of a measurement is above the formula."""
    return least_ms is not None and least_ms > formula_ms


Asking = Callable[[], Look]
