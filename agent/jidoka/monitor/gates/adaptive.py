"""Adaptive conformal inference inside bounds: a level that gives way where the reference rejects more than was agreed."""

from __future__ import annotations

#: of the agreed rate: what the level may fall to, and by how much one rejected record lowers it
LOWEST_SHARE, STEP_SHARE = 0.25, 0.05


class AdaptiveLevel:
    """The level that p-values are held against: a ← a + γ·(rate − rejected), kept within [lowest, rate].

    The reference of one baseline may reject twice as often as agreed, by the luck of its few outermost records. The
    level answers that: as long as it isn't at `lowest`, rejects ≤ rate·t + (rate − lowest + γ)/γ ≤ rate·t + 16 after
    any t records, whatever comes. It never rises above the agreed rate, and a drift can't talk it down below
    `lowest`: what is unlike the baseline stays rejected. Source: Gibbs & Candès 2021, with bounds.

    >>> level = AdaptiveLevel(0.01, smallest=0.001)
    >>> for is_rejected in (True, True, False):
    ...     level.update(is_rejected)
    >>> round(level.now, 6), level.lowest
    (0.009015, 0.0025)
    >>> for _ in range(100):
    ...     level.update(True)
    >>> level.now
    0.0025
    """

    def __init__(self, rate: float, smallest: float) -> None:
        self.rate = rate
        self.lowest = min(rate, max(LOWEST_SHARE * rate, smallest))
        self.step = STEP_SHARE * rate
        self.now = rate

    def update(self, is_rejected: bool) -> None:
        """One record was judged by the level as it stands."""
        moved = self.now + self.step * (self.rate - is_rejected)
        self.now = min(self.rate, max(self.lowest, moved))
