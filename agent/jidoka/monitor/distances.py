"""How far what comes now is from the baseline, for people: PSI, Jensen–Shannon, KS, Wasserstein, Hellinger, χ².

They inform and never alarm: no budget goes with them, and on many records everything is significant. All compare two
histograms over the same bins, so each is that of the binned values.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 64
#: what each bin is given on top, so that an empty one makes no infinity (PSI only)
HALF_A_RECORD = 0.5


class Bins:
    """Quantile bins of a feature's baseline: about as many baseline values in each of up to BINS.

    edges: (B - 1,) rising; value x lies in bin number of edges ≤ x; counts: (B,) of the baseline; centres: (B,) mean
    baseline value of each bin. Where values are tied there are fewer bins.
    """

    def __init__(self, values: Floats, bins: int = BINS) -> None:
        """values: (n,) of the baseline in any order; NaN ones are left out. Raises ValueError for none."""
        kept = np.sort(np.asarray(values, np.float64))
        kept = kept[~np.isnan(kept)]
        if not kept.size:
            raise ValueError("a histogram needs at least one value of the baseline")
        places = np.arange(1, bins) * kept.size // bins
        edges = np.unique(kept[places])
        self.edges = edges[edges > kept[0]]
        bin_of = np.searchsorted(self.edges, kept, side="right")
        self.counts = np.bincount(bin_of, minlength=self.edges.size + 1).astype(np.float64)
        self.centres = np.bincount(bin_of, kept, self.edges.size + 1) / self.counts


class LiveHistogram:
    """The last records of one feature against its baseline's bins. Constant memory: BINS numbers.

    half_life: so many records later a record counts half; 0 = all count alike until `clear`. NaN isn't counted.

    >>> live = LiveHistogram(Bins(np.arange(1000.0)))
    >>> for x in np.arange(500.0, 1000.0):
    ...     live.add(x)
    >>> {name: round(value, 2) for name, value in live.distances().items()}
    {'psi': 1.63, 'jensen_shannon': 0.56, 'ks': 0.5, 'wasserstein': 250.0, 'hellinger': 0.54, 'chi_squared': 500.0}
    """

    def __init__(self, bins: Bins, half_life: float = 0.0) -> None:
        self.bins = bins
        self.counts = np.zeros(bins.counts.size)
        self._growth = 2.0 ** (1.0 / half_life) if half_life > 0.0 else 1.0
        self._weight = 1.0

    def add(self, x: float) -> None:
        """One record's value."""
        if math.isnan(x):
            return
        self.counts[np.searchsorted(self.bins.edges, x, side="right")] += self._weight
        self._weight *= self._growth
        if self._weight > 1e100:  # newer ones weigh more, rather than all others less
            self.counts /= self._weight
            self._weight = 1.0

    def add_all(self, x: Floats) -> None:
        """(n,) values in the order they came, as `add` of each."""
        x = x[~np.isnan(x)]
        weights = self._weight * self._growth ** np.arange(x.size)
        places = np.searchsorted(self.bins.edges, x, side="right")
        self.counts += np.bincount(places, weights, self.counts.size)
        self._weight *= self._growth**x.size
        if self._weight > 1e100:
            self.counts /= self._weight
            self._weight = 1.0

    def clear(self) -> None:
        """Forget every record."""
        self.counts[:] = 0.0
        self._weight = 1.0

    @property
    def records(self) -> float:
        """How many records are in it; an old one counts for less than one where there is a half-life."""
        return float(self.counts.sum()) * self._growth / self._weight

    def distances(self) -> dict[str, float]:
        """Each of DISTANCES by name; NaN while there is no record."""
        scale = self._growth / self._weight
        return {
            name: of(self.bins.counts, self.counts * scale, self.bins.centres)
            for name, of in DISTANCES.items()
        }


def psi(base: Floats, live: Floats, centres: Floats | None = None) -> float:
    """Population stability index, Σ (q - p) ln(q / p); every bin gets half a record more.

    base, live: (B,) counts; returns 0 or more, NaN if one is empty. Rule of thumb of its users: 0.1 small, 0.25 large.
    """
    del centres
    if not _has(base, live):
        return math.nan
    p, q = ((each + HALF_A_RECORD) / (each + HALF_A_RECORD).sum() for each in (base, live))
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(base: Floats, live: Floats, centres: Floats | None = None) -> float:
    """Jensen–Shannon distance in bits: root of the divergence, 0 to 1, as scipy.spatial.distance.jensenshannon(base=2).

    base, live: (B,) counts; NaN if one is empty. Source: Lin 1991, Endres & Schindelin 2003.
    """
    del centres
    if not _has(base, live):
        return math.nan
    p, q = _share(base), _share(live)
    middle = (p + q) / 2.0
    return math.sqrt(max(0.0, (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2.0))


def ks(base: Floats, live: Floats, centres: Floats | None = None) -> float:
    """Largest gap of the two distribution functions at the bins' edges, 0 to 1 (Kolmogorov, Smirnov).

    base, live: (B,) counts; NaN if one is empty.
    """
    del centres
    return float(np.abs(np.cumsum(_share(base) - _share(live))).max())


def wasserstein(base: Floats, live: Floats, centres: Floats) -> float:
    """How far a record was moved on average, in the feature's own unit (earth mover's), each bin at its centre.

    base, live, centres: (B,); NaN if one is empty. Values beyond the baseline count as the outermost bins' centres.
    """
    gaps = np.abs(np.cumsum(_share(base) - _share(live)))[:-1]
    return float((gaps * np.diff(centres)).sum()) if _has(base, live) else math.nan


def hellinger(base: Floats, live: Floats, centres: Floats | None = None) -> float:
    """Hellinger distance, √(1 - Σ √(p q)), 0 to 1. base, live: (B,) counts; NaN if one is empty."""
    del centres
    return (
        math.sqrt(max(0.0, 1.0 - float(np.sqrt(_share(base) * _share(live)).sum())))
        if _has(base, live)
        else math.nan
    )


def chi_squared(base: Floats, live: Floats, centres: Floats | None = None) -> float:
    """Pearson's χ² of the live counts against the baseline's shares, as scipy.stats.chisquare; not its p-value.

    base, live: (B,) counts, base without an empty bin; NaN if one is empty.
    """
    del centres
    expected = _share(base) * live.sum()
    return float(((live - expected) ** 2 / expected).sum()) if _has(base, live) else math.nan


DISTANCES: dict[str, Callable[[Floats, Floats, Floats], float]] = {
    "psi": psi,
    "jensen_shannon": jensen_shannon,
    "ks": ks,
    "wasserstein": wasserstein,
    "hellinger": hellinger,
    "chi_squared": chi_squared,
}


def _has(base: Floats, live: Floats) -> bool:
    return bool(base.sum() > 0.0 and live.sum() > 0.0)


def _share(counts: Floats) -> Floats:
    total = counts.sum()
    return counts / total if total > 0.0 else np.full(counts.size, np.nan)


def _relative_entropy(p: Floats, q: Floats) -> float:
    """In bits; 0 log 0 = 0."""
    some = p > 0.0
    return float((p[some] * np.log2(p[some] / q[some])).sum())
