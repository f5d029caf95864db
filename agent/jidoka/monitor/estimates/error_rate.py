"""The error rate from labels: an e-process against the agreed limit and a confidence sequence, both valid at any time."""

from __future__ import annotations

import math
from typing import NamedTuple

#: rates that the e-process bets on: the limit's odds times these, mixed equally
ODDS = (1.25, 1.5, 2.0, 3.0, 5.0, 9.0)
#: chance of ever being wrong
ALPHA = 0.05
HALVINGS = 60


class Bounds(NamedTuple):
    """Between these the rate lies, whenever one looks, but for ALPHA of all lines."""

    low: float
    high: float


class ErrorRate:
    """Counts right and wrong answers as labels come. Constant memory: two counts and the largest evidence so far.

    limit: the agreed error rate, between 0 and 1. `log_evidence` is log of Σ_j Π L_j / 6 with L_j = q_j/limit for an
    error and (1 − q_j)/(1 − limit) else: a supermartingale while the rate is at most the limit, so that looking after
    every label P(it ever reaches log(1/ALPHA)) ≤ ALPHA (Ville). Source: Ramdas et al. 2023, §3; mixture of fixed bets.

    >>> rate = ErrorRate(0.02)
    >>> for is_right in [True] * 40 + [False] * 6:
    ...     rate.add(is_right)
    >>> rate.n, rate.errors, rate.is_broken
    (46, 6, True)
    >>> bounds = rate.bounds
    >>> round(bounds.low, 3), round(bounds.high, 3)
    (0.026, 0.337)
    """

    def __init__(self, limit: float) -> None:
        if not 0.0 < limit < 1.0:
            raise ValueError(f"an error rate of {limit} can't be a limit")
        self.limit = limit
        self.n = 0
        self.errors = 0
        self.largest = 0.0
        odds = limit / (1.0 - limit)
        rates = [odds * each / (1.0 + odds * each) for each in ODDS]
        self._gain = [(math.log(q / limit), math.log((1.0 - q) / (1.0 - limit))) for q in rates]

    def add(self, is_right: bool) -> None:
        """One label, in the order they come."""
        self.n += 1
        self.errors += not is_right
        self.largest = max(self.largest, self.log_evidence)

    @property
    def log_evidence(self) -> float:
        """Against `the error rate is at most the limit`, now."""
        right = self.n - self.errors
        logs = [self.errors * up + right * down for up, down in self._gain]
        top = max(logs)
        return top + math.log(sum(math.exp(each - top) for each in logs) / len(logs))

    @property
    def is_broken(self) -> bool:
        """True once the evidence has reached 1/ALPHA: the limit isn't kept. It stays, as evidence does."""
        return self.largest >= -math.log(ALPHA)

    @property
    def bounds(self) -> Bounds:
        return bounds_of(self.errors, self.n)


def bounds_of(k: int, n: int, alpha: float = ALPHA) -> Bounds:
    """Confidence sequence for a rate of which k of n happened: {p: B(k+½, n−k+½)/B(½,½) < p^k (1−p)^(n−k) / alpha}.

    Valid at every n at once, for events of one rate that don't depend on another. n = 0: all is possible. Source: Robbins 1970
    (Beta mixture; Jeffreys' prior).

    >>> [round(each, 4) for each in bounds_of(20, 1000)]
    [0.0078, 0.0406]
    """
    if n == 0:
        return Bounds(0.0, 1.0)
    top = _log_beta(k + 0.5, n - k + 0.5) - _log_beta(0.5, 0.5) + math.log(alpha)
    best = k / n
    low = 0.0 if k == 0 else _edge(k, n, top, 0.0, best)
    high = 1.0 if k == n else _edge(k, n, top, 1.0, best)
    return Bounds(low, high)


def _edge(k: int, n: int, top: float, outside: float, inside: float) -> float:
    """Where the likelihood falls to `top` between a rate that is refused and the one that is most likely."""
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        if k * math.log(middle) + (n - k) * math.log1p(-middle) < top:
            outside = middle
        else:
            inside = middle
    return inside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
