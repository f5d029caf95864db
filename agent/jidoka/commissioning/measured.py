"""What probe and drill measured at a site."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What was measured at this site; None where nothing was. probed_at, drilled_at: when, of the latest that did.

    withdraw_ms, withdraw_least_ms: the output was off after the one and still on at the other, a beat apart.
    """

    answer_ms: float | None = None
    scan_ms: float | None = None
    hold_limit_ms: int | None = None
    function: str | None = None
    withdraw_ms: float | None = None
    withdraw_least_ms: float | None = None
    silent_ms: float | None = None
    probed_at: str = ""
    drilled_at: str = ""
