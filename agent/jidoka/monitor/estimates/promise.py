"""The false-alarm budget beside what was experienced: an e-process against the promise and bounds, valid at any time."""

from __future__ import annotations

import math
from typing import NamedTuple

#: rates that are bet on: the promised one times these, mixed equally
TIMES = (1.25, 1.5, 2.0, 3.0, 5.0, 9.0)
#: chance of ever refuting a promise that is kept
ALPHA = 0.05
HALVINGS = 60


class Experience(NamedTuple):
    """false_alarms: judged false by people; expected: that the promise allows for until now (time ÷ promised time between two).

    The number of false alarms is held against a Poisson process of at most the promised rate. Source: Ville; Gamma
    mixture as in Howard et al. 2021, §3.

    >>> kept, broken = Experience(1, 2.0), Experience(9, 1.5)
    >>> kept.is_refuted, broken.is_refuted
    (False, True)
    >>> [round(each, 2) for each in kept.times]
    [0.0, 3.26]
    """

    false_alarms: int
    expected: float

    @property
    def log_evidence(self) -> float:
        """Against `at most as many as promised`, now."""
        logs = [self.false_alarms * math.log(r) - (r - 1.0) * self.expected for r in TIMES]
        top = max(logs)
        return top + math.log(sum(math.exp(each - top) for each in logs) / len(logs))

    @property
    def is_refuted(self) -> bool:
        return self.log_evidence >= -math.log(ALPHA)

    @property
    def times(self) -> tuple[float, float]:
        """How many times the promised rate the true one is: between these, at any time, but for ALPHA of all lines."""
        k, t = self.false_alarms, self.expected
        if t <= 0.0:
            return 0.0, math.inf
        a, b = 0.5, 1.0
        top = a * math.log(b) - math.lgamma(a) + math.lgamma(k + a) - (k + a) * math.log(t + b)
        top += math.log(ALPHA)
        low = 0.0 if k == 0 else _edge(k, t, top, 0.0, k / t)
        high = k / t + 1.0
        while _log_likelihood(k, t, high) >= top:
            high *= 2.0
        return low, _edge(k, t, top, high, k / t)


def _log_likelihood(k: int, t: float, rate: float) -> float:
    return (k * math.log(rate) if k else 0.0) - rate * t


def _edge(k: int, t: float, top: float, outside: float, inside: float) -> float:
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        if _log_likelihood(k, t, middle) < top:
            outside = middle
        else:
            inside = middle
    return inside
