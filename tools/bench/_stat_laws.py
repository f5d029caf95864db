"""Laws of records for simulated runs: independent ones, and processes with a memory; a baseline, then what follows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator
#: (generator, records of the baseline, records after it) -> (n + T,) in the order of time
Process = Callable[[Rng, int, int], Floats]

#: innovations with variance 1
INNOVATIONS: dict[str, Callable[[Rng, int], Floats]] = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "t₃": lambda rng, size: rng.standard_t(3, size) / math.sqrt(3.0),
}


def mixture(rng: Rng, size: int) -> Floats:
    """Nine parts in ten N(0, 1), the tenth N(4, 0.5²)."""
    drawn: Floats = np.where(
        rng.random(size) < 0.9, rng.standard_normal(size), 4.0 + 0.5 * rng.standard_normal(size)
    )
    return drawn


#: independent records
LAWS: dict[str, Callable[[Rng, int], Floats]] = {
    **INNOVATIONS,
    "Beta(18, 2)": lambda rng, size: rng.beta(18.0, 2.0, size),
    "Poisson(2), tied": lambda rng, size: rng.poisson(2.0, size).astype(np.float64),
    "mixture": mixture,
}


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def autoregress(e: Floats, phi: Floats) -> Floats:
    """x_t = Σ φ_k x_{t−k} + e_t, from zero. e: (T,); phi: (p,). Returns (T,)."""
    x = np.zeros(e.shape[0])
    for t in range(e.shape[0]):
        x[t] = e[t]
        for k in range(min(t, phi.shape[0])):
            x[t] += phi[k] * x[t - 1 - k]
    return x


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def garch(z: Floats, omega: float, alpha: float, beta: float) -> Floats:
    """x_t = σ_t z_t, σ²_t = ω + α x²_{t−1} + β σ²_{t−1}, from the stationary variance. Source: Bollerslev 1986."""
    x = np.empty(z.shape[0])
    variance = omega / (1.0 - alpha - beta)
    for t in range(z.shape[0]):
        x[t] = math.sqrt(variance) * z[t]
        variance = omega + alpha * x[t] * x[t] + beta * variance
    return x


def independent(law: str) -> Process:
    return lambda rng, n, then: LAWS[law](rng, n + then)


def ar(phi: tuple[float, ...], law: str = "normal") -> Process:
    """A stationary autoregression with variance 1 if it is of first order; what came before it is thrown away."""
    lead = 4000
    scale = math.sqrt(1.0 - phi[0] ** 2) if len(phi) == 1 else 1.0

    def draw(rng: Rng, n: int, then: int) -> Floats:
        x: Floats = autoregress(scale * INNOVATIONS[law](rng, lead + n + then), np.array(phi))[lead:]
        return x

    return draw


def volatile(rng: Rng, n: int, then: int) -> Floats:
    """GARCH(1, 1), α = 0.1, β = 0.85: shocks raise the variance for about twenty records."""
    x: Floats = garch(rng.standard_normal(1000 + n + then), 0.05, 0.1, 0.85)[1000:]
    return x


def walk(rng: Rng, n: int, then: int) -> Floats:
    return rng.standard_normal(n + then).cumsum()


def two_cycles(rng: Rng, n: int, then: int) -> Floats:
    """A sine with an amplitude of 1 σ and two periods in the baseline, in white noise."""
    x: Floats = np.sin(4.0 * np.pi / n * np.arange(n + then)) + rng.standard_normal(n + then)
    return x


def column(series: Floats) -> NDArray[Any]:
    """(T,) as the (T, 1) records of one feature."""
    return np.ascontiguousarray(series[:, None])


#: the step of a covariate that walks, in units of the noise of the feature that follows it
WALK_STEP = 0.3


def follows(law: str, slope: float = 2.0, rho: float = 0.0) -> Process:
    """(n + T, 2): a feature slope · x + noise, and x, a random walk, which is its covariate. rho: of the noise."""

    def draw(rng: Rng, n: int, then: int) -> Floats:
        x = WALK_STEP * walk(rng, n, then)
        noise = ar((rho,), law)(rng, n, then) if rho else INNOVATIONS[law](rng, n + then)
        return np.column_stack([slope * x + noise, x])

    return draw


def follows_two(rng: Rng, n: int, then: int) -> Floats:
    """(n + T, 3): a feature that follows a slow covariate and not a second one that goes along with the first."""
    slow: Floats = ar((0.99,))(rng, n, then)
    other = slow + ar((0.9,))(rng, n, then)
    return np.column_stack([slow + rng.standard_normal(n + then), slow, other])
