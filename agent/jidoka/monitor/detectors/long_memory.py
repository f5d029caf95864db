"""Does a feature wander the further the longer it is watched? Then no baseline of its length tells where it goes.

An autoregression forgets: below some frequency its spectrum is flat, and the variance of its level falls with the length
of the baseline. A feature with a long memory (a machine that warms up, a filter that clogs) has a spectrum that keeps
rising towards the slowest periods; within a baseline it looks like any other that remembers a little, and no threshold on what
comes later helps. So the slope of the spectrum at the slow end is tested, after what one or two lags explain was taken out.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels.whiten import burg

Floats = NDArray[np.float64]

#: refused beyond so many standard errors, after each of the prefilters
MOST_ERRORS = 3.0
#: lags of the prefilters: one alone would leave a slope where two slow roots make one
PREFILTERS = (1, 2)
#: n to this power is how many of the slowest periods are looked at
BANDWIDTH = 0.6
#: of fewer records the slope can't be told
FEWEST = 50


def memory(x: Floats) -> tuple[float, float]:
    """(memory parameter d, its standard error) of a series: 0 = it forgets, ½ and more = its level isn't settled at all.

    x: (n,), n ≥ FEWEST. The regression of the log-periodogram on −2 log(2 sin(ω/2)); its errors have variance π²/6. Source:
    Geweke and Porter-Hudak 1983; a short memory first taken out as by Andrews and Sun 2004 with a local polynomial.
    """
    n = x.size
    m = int(n**BANDWIDTH)
    power = np.abs(np.fft.rfft(x - x.mean())[1 : m + 1]) ** 2
    slow = -2.0 * np.log(2.0 * np.sin(math.pi * np.arange(1, m + 1) / n))
    slow -= slow.mean()
    size = float(slow @ slow)
    return float(slow @ np.log(power + 1e-300)) / size, math.sqrt(math.pi**2 / 6.0 / size)


def errors_above(x: Floats) -> tuple[float, float]:
    """(d, by how many standard errors it lies above 0), the least over the prefilters; (0, 0) where it can't be told.

    >>> forgets = np.random.default_rng(1).standard_normal(1000)
    >>> errors_above(forgets)[1] < MOST_ERRORS, errors_above(forgets.cumsum() + 20 * forgets)[1] > MOST_ERRORS
    (True, True)
    """
    size = float(x.std())
    if x.size < FEWEST or not size > 0.0 or not math.isfinite(size):
        return 0.0, 0.0
    centred = np.ascontiguousarray((x - x.mean()) / size)
    coefficients, _ = burg(centred, max(PREFILTERS))
    found = (memory(_filtered(centred, coefficients[p, :p])) for p in PREFILTERS)
    return min(((d, d / error) for d, error in found), key=lambda each: each[1])


def _filtered(x: Floats, phi: Floats) -> Floats:
    left: Floats = x[phi.size :].copy()
    for lag, weight in enumerate(phi, 1):
        left -= weight * x[phi.size - lag : x.size - lag]
    return left


def wanders(present: Floats) -> str:
    """Words if a feature's records, without NaN, have a long memory."""
    d, errors = errors_above(present)
    if errors <= MOST_ERRORS:
        return ""
    return (
        f"wanders slowly, the further the longer it is watched (long memory {d:.2f}, {errors:.1f} standard errors above "
        "none): its level in this baseline says little about later ones; name what moves it as a covariate, or learn "
        "until all of it was seen"
    )
