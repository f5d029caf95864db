"""Split-conformal p-values of single records against a frozen reference; only its outermost values are kept."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

#: how many tails a side looks at
TAILS = {"low": 1, "high": 1, "both": 2}


class Tails(NamedTuple):
    """The r smallest and r largest of n reference values, ascending: all that p-values up to `most` need.

    side: which records are unusual: low, high or both; tau: records over which one resembles the next, 1 = not at all.
    Source: Vovk, Gammerman & Shafer 2005; Papadopoulos 2002
    (split conformal). Oracle: tests/naive.py.

    >>> tails = tails_of(range(1, 200), 0.05, "both")
    >>> len(tails.low), tails.p_value(0.5), tails.p_value(2.5), tails.p_value(100.0)
    (5, 0.01, 0.03, 1.0)
    """

    n: int
    side: str
    tau: float
    low: tuple[float, ...]
    high: tuple[float, ...]

    def p_value(self, value: float) -> float:
        """Chance that a record as those of the reference lies so far out; exact up to `most`, else 1.

        sides · (tau + values at least as far out) / (n + tau). Exchangeable records (tau = 1): P(p ≤ a) ≤ a for every a.
        Records that resemble their neighbours come in clusters, in the reference as well, so each counts as tau of
        them: no proof, held against simulation. Equal values count as farther out, so ties only make it more lenient.
        """
        least = self.n
        if self.side != "high":
            least = bisect_right(self.low, value)
        if self.side != "low":
            least = min(least, len(self.high) - bisect_left(self.high, value))
        if least >= max(len(self.low), len(self.high)):
            return 1.0
        return TAILS[self.side] * (self.tau + least) / (self.n + self.tau)

    def smallest(self) -> float:
        """The smallest p-value that n reference values can give."""
        return TAILS[self.side] * self.tau / (self.n + self.tau)


def tails_of(values: Iterable[float], most: float, side: str, tau: float = 1.0) -> Tails:
    """The tails of reference values, NaN left out. most: the largest level that they are held against."""
    ordered = sorted(float(value) for value in values if value == value)  # noqa: PLR0124 — NaN isn't itself
    n = len(ordered)
    kept = min(n, max(0, 1 + math.floor(most * (n + tau) / TAILS[side] - tau + 1e-9)))
    low = tuple(ordered[:kept]) if side != "high" else ()
    high = tuple(ordered[n - kept :]) if side != "low" else ()
    return Tails(n, side, tau, low, high)


def records_needed(rate: float, side: str, tau: float = 1.0) -> int:
    """The shortest reference that can reject anything at this rate."""
    return max(1, math.ceil(tau * (TAILS[side] / rate - 1.0) - 1e-9))
