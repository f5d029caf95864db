"""What simulated runs tell of a false-alarm budget: run lengths with many cut short, early alarms, refusals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


def arl_lower(alarms: int, exposure: float, confidence: float = CONFIDENCE) -> float:
    """Lower confidence bound on the average run length, in records.

    alarms: first alarms seen; exposure: records of all runs together, each up to its alarm or to where it was cut.
    A run that was cut counts with what it ran: alarms are taken as Poisson in the exposure, which is exact for run
    lengths that are exponential, as those of a recursion that forgets its start are nearly. Where baselines differ
    it errs on the low side. Source: Epstein & Sobel 1953; Garwood 1936.
    """
    return float(exposure / (stats.chi2.ppf(confidence, 2 * (alarms + 1)) / 2.0))


def clopper_pearson(hits: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Two-sided interval of a share; (0, 1) of nothing. Source: Clopper & Pearson 1934."""
    if of == 0:
        return 0.0, 1.0
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else float(stats.beta.ppf(tail, hits, of - hits + 1))
    high = 1.0 if hits == of else float(stats.beta.ppf(1.0 - tail, hits + 1, of - hits))
    return low, high


@dataclass(frozen=True)
class Runs:
    """Runs at one budget. limit: A; streams: all that were tried; firsts: of each armed one the record of its first
    alarm, 0 = none within `length`."""

    limit: float
    length: int
    streams: int
    firsts: tuple[int, ...]

    @property
    def refused(self) -> float:
        """Share of the streams that may not arm."""
        return 1.0 - len(self.firsts) / self.streams

    @property
    def alarms(self) -> int:
        return sum(first > 0 for first in self.firsts)

    @property
    def exposure(self) -> int:
        return sum(first or self.length for first in self.firsts)

    @property
    def arl_low(self) -> float:
        """Lower 95 % bound on the average run length, in A."""
        return arl_lower(self.alarms, self.exposure) / self.limit

    @property
    def early(self) -> int:
        """Armed runs whose alarm came before A/10."""
        return sum(0 < first < self.limit / 10.0 for first in self.firsts)

    @property
    def early_share(self) -> float:
        return self.early / len(self.firsts) if self.firsts else 0.0

    def told(self) -> str:
        """Counts, for the column beside the figure."""
        return (
            f"{self.alarms} alarms in {self.exposure:.2g} records, "
            f"{self.streams - len(self.firsts)} of {self.streams} streams refused"
        )


def gathered(limit: float, length: int, firsts: Iterable[int | None]) -> Runs:
    """firsts: of each stream the first alarm, 0 = none, None = refused."""
    all_firsts = list(firsts)
    return Runs(limit, length, len(all_firsts), tuple(first for first in all_firsts if first is not None))


@dataclass(frozen=True)
class Delays:
    """Records from a change to its alarm. records: 0 = not within `longest`."""

    records: tuple[int, ...]
    longest: int

    @property
    def mean(self) -> float:
        """Mean delay, a missed change counted with all that it was watched for, hence a lower bound where any is
        missed; NaN of nothing."""
        return (
            float(np.mean([each or self.longest for each in self.records])) if self.records else float("nan")
        )

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        lengths = [each or self.longest for each in self.records]
        return float(np.std(lengths, ddof=1) / np.sqrt(len(lengths))) if len(lengths) > 1 else float("nan")

    @property
    def missed(self) -> float:
        return sum(each == 0 for each in self.records) / len(self.records) if self.records else 0.0
