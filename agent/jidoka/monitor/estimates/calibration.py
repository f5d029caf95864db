"""Expected calibration error: how far confidence lies from the share that is right, as MAPIE defines it."""

from __future__ import annotations

import numpy as np
from jidoka_bridge.errors import InputError
from numpy.typing import NDArray

#: edges of the bins, as many as MAPIE takes
EDGES = 50


def calibration_error(
    confidence: NDArray[np.float64], is_right: NDArray[np.bool_], edges: int = EDGES
) -> float:
    """Σ over bins of (share of records) · |share right − mean confidence|, between 0 and 1.

    confidence: (n,) of the class that was said, in [0, 1]; is_right: (n,). The bins lie between `edges` equally spaced
    numbers from 0 to 1, closed on the right; a confidence of 0 is a bin by itself. An empty list gives NaN. Raises InputError for NaN or values outside
    [0, 1]. Source: Naeini et al. 2015, as mapie.metrics.calibration.expected_calibration_error (uniform) counts.

    >>> calibration_error(np.array([0.9, 0.9, 0.9, 0.9]), np.array([True, True, True, False]))
    0.15000000000000002
    """
    p = np.asarray(confidence, np.float64)
    right = np.asarray(is_right, np.float64)
    if p.shape != right.shape or p.ndim != 1:
        raise InputError(
            f"confidence {p.shape} and answers {right.shape} don't belong together", "Give one of each."
        )
    if not p.size:
        return float("nan")
    if not ((p >= 0.0) & (p <= 1.0)).all():
        raise InputError("a confidence is NaN or lies outside 0 to 1", "Give probabilities, not scores.")
    place = np.digitize(p, np.linspace(0.0, 1.0, edges), right=True)
    gaps = np.bincount(place, right - p, edges)
    return float(np.abs(gaps).sum() / p.size)
