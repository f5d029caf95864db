"""The oracle: a CUSUM that knows the law before the change and after it, tuned to an average run length."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import special, stats

from tools.bench._stat_laws import INNOVATIONS, LAWS, Floats, Rng

#: log density of an innovation with variance 1
LOG_DENSITY: dict[str, Callable[[Floats], Floats]] = {
    "normal": lambda z: -0.5 * z * z,
    "t₃": lambda z: -2.0 * np.log1p(z * z),
}


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def alarms(first: Floats, later: Floats, threshold: float) -> int:
    """How often the CUSUM reaches the threshold, starting again after each.

    V_t = max(V_{t−1} + later_t, first_t), V = −∞ at a start: the best log likelihood ratio over all starts of the
    change, when its first record is told by another law than the later ones. first, later: (T,) nats.
    Source: Page 1954, Lorden 1971.
    """
    count = 0
    v = -np.inf
    for t in range(first.shape[0]):
        v = max(v + later[t], first[t])
        if v >= threshold:
            count += 1
            v = -np.inf
    return count


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def passage(first: Floats, later: Floats, threshold: float) -> int:
    """The record, counted from 1, at which it first reaches the threshold; 0 = it doesn't."""
    v = -np.inf
    for t in range(first.shape[0]):
        v = max(v + later[t], first[t])
        if v >= threshold:
            return t + 1
    return 0


def threshold_for(first: Floats, later: Floats, limit: float) -> float:
    """The threshold at which records without change give an average run length of `limit`, by bisection."""
    low, high = 0.0, math.log(limit) + 1.0  # e^h is Lorden's bound on the run length
    for _ in range(30):
        h = 0.5 * (low + high)
        if first.size < limit * alarms(first, later, h):
            low = h
        else:
            high = h
    return high


@dataclass(frozen=True)
class Change:
    """A change between two known laws of the innovations.

    clean: draws innovations before it; first, later: log likelihood ratios of innovations, at the change's first
    record and after it; nats: that a record tells after the change, on average (Kullback–Leibler).
    """

    clean: Callable[[Rng, int], Floats]
    first: Callable[[Floats], Floats]
    later: Callable[[Floats], Floats]
    nats: float

    @property
    def lasting(self) -> Change:
        """The same without the first record's own law."""
        return Change(self.clean, self.later, self.later, self.nats)

    def threshold(self, rng: Rng, limit: float, records: int) -> float:
        z = self.clean(rng, records)
        return threshold_for(self.first(z), self.later(z), limit)

    def delay(self, innovations: Floats, threshold: float) -> int:
        """innovations: (T,), the change is in all of them."""
        return int(passage(self.first(innovations), self.later(innovations), threshold))


def level(shift: float, rho: float = 0.0, law: str = "normal") -> Change:
    """The level moves by `shift` σ. In an AR(1) the first innovation moves by δ·s_x/s_e, later ones by (1 − ρ) of it.

    Innovations in units of their own standard deviation.
    """
    d0 = shift / math.sqrt(1.0 - rho * rho)
    density = LOG_DENSITY[law]

    def ratio(d: float) -> Callable[[Floats], Floats]:
        return lambda z: density(z - d) - density(z)

    d1 = (1.0 - rho) * d0
    grid = (np.arange(20_000) + 0.5) / 20_000
    z: Floats = stats.norm.ppf(grid) if law == "normal" else stats.t.ppf(grid, 3) / math.sqrt(3.0)
    return Change(INNOVATIONS[law], ratio(d0), ratio(d1), float(np.mean(ratio(d1)(z + d1))))


def spread(factor: float) -> Change:
    """The variance of normal records grows by `factor`."""

    def ratio(z: Floats) -> Floats:
        grown: Floats = 0.5 * z * z * (1.0 - 1.0 / factor) - 0.5 * math.log(factor)
        return grown

    return Change(INNOVATIONS["normal"], ratio, ratio, 0.5 * (factor - 1.0 - math.log(factor)))


def confidence() -> Change:
    """Beta(18, 2) becomes Beta(12, 3): a classifier that is less sure."""
    constant = float(special.betaln(18.0, 2.0) - special.betaln(12.0, 3.0))

    def ratio(x: Floats) -> Floats:
        told: Floats = constant - 6.0 * np.log(x) + np.log1p(-x)
        return told

    x = stats.beta(12.0, 3.0).ppf((np.arange(20_000) + 0.5) / 20_000)
    return Change(LAWS["Beta(18, 2)"], ratio, ratio, float(np.mean(ratio(x))))


def innovations_of(series: NDArray[np.float64], rho: float) -> Floats:
    """(T − 1,) innovations of an AR(1) with variance 1, in units of their standard deviation."""
    found: Floats = (series[1:] - rho * series[:-1]) / math.sqrt(1.0 - rho * rho)
    return found
