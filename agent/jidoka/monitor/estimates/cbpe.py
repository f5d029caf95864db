"""How often the model is right, without labels: confidence-based performance estimation (CBPE). An estimate, no measurement."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Estimate(NamedTuple):
    """An estimate of accuracy from confidence alone. standard_error: of the share that is really right around it, if the
    confidence is calibrated and records are independent; NaN without records. It trusts the calibration: where the
    model is confidently wrong, it is wrong as well, and knows nothing of it."""

    accuracy: float
    standard_error: float
    n: int

    def __str__(self) -> str:
        if not self.n:
            return "no estimate: no record had a confidence"
        return f"estimate, without labels: {self.accuracy:.4f} ± {self.standard_error:.4f} (n = {self.n})"


class RunningEstimate:
    """Accuracy estimated from calibrated confidence, record by record, in constant memory.

    Add the calibrated probability of the class that was said. Source: NannyML's CBPE for accuracy, the mean of exactly
    that; two classes: p where 1 was said, 1 − p where 0 was.

    >>> running = RunningEstimate()
    >>> for p in (0.9, 0.8, 1.0, float("nan")):
    ...     running.add(p)
    >>> print(running.estimate)
    estimate, without labels: 0.9000 ± 0.1667 (n = 3)
    """

    def __init__(self) -> None:
        self.n = 0
        self.without = 0
        self._sum = 0.0
        self._variance = 0.0

    def add(self, probability: float) -> None:
        """One record; NaN (no confidence) is counted and left out."""
        if not 0.0 <= probability <= 1.0:
            self.without += 1
            return
        self.n += 1
        self._sum += probability
        self._variance += probability * (1.0 - probability)

    @property
    def estimate(self) -> Estimate:
        if not self.n:
            return Estimate(math.nan, math.nan, 0)
        return Estimate(self._sum / self.n, math.sqrt(self._variance) / self.n, self.n)


def estimate_accuracy(probabilities: NDArray[np.float64], said: NDArray[np.integer]) -> Estimate:
    """The estimate for many records at once. probabilities: (n, K) calibrated, rows with NaN are left out;
    said: (n,) the class that the model answered."""
    p = np.asarray(probabilities, np.float64)
    p = p[np.arange(len(p)), said][~np.isnan(p).any(axis=1)]
    if not p.size:
        return Estimate(math.nan, math.nan, 0)
    return Estimate(float(p.mean()), math.sqrt(float((p * (1.0 - p)).sum())) / p.size, int(p.size))
