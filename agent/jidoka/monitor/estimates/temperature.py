"""Temperature scaling: one number that makes a classifier's confidence mean what it says, fitted on labelled records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jidoka_bridge.errors import InputError
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: the temperature is looked for between these
LOWEST, HIGHEST = 0.02, 50.0
#: halvings of that interval on a logarithmic scale: far beyond what the data can tell
HALVINGS = 60
FEWEST_RECORDS = 30


class Temperature(NamedTuple):
    """What was fitted. value: divides the logits; standard_error: of log(value); nll_before, nll_after: nats a record;
    n: labelled records."""

    value: float
    standard_error: float
    nll_before: float
    nll_after: float
    n: int


def fit_temperature(logits: Floats, labels: NDArray[np.integer]) -> Temperature:
    """The temperature T that minimises the mean negative log-likelihood of softmax(logits / T).

    logits: (n, K) float, finite; labels: (n,) the true classes, 0 to K − 1. The likelihood is convex in 1/T, so its slope
    Σ (E z − z_y) is bisected. Raises InputError for records that can't tell: too few, not finite, all right (T would be
    0), or no better than chance (T would be infinite). Source: Guo et al. 2017. Oracle: scipy's bounded minimiser.

    >>> rng = np.random.default_rng(1)
    >>> scores = rng.standard_normal((4000, 3)) * 2
    >>> noise = rng.gumbel(size=scores.shape)
    >>> truth = (scores + noise).argmax(axis=1)        # drawn by softmax(scores): the right temperature is 1
    >>> fitted = fit_temperature(scores * 3.0, truth)  # a model that is three times too sure
    >>> round(fitted.value, 1), fitted.nll_after < fitted.nll_before
    (3.0, True)
    """
    z = np.asarray(logits, np.float64)
    y = np.asarray(labels)
    _check(z, y)
    z = z - z.max(axis=1, keepdims=True)
    right = z[np.arange(len(z)), y]
    low, high = 1.0 / HIGHEST, 1.0 / LOWEST
    if _slope(z, right, high) < 0.0:
        raise InputError(
            "every labelled record is right beyond doubt, so no temperature can be found",
            "Label records that the model gets wrong as well: those of other shifts, parts with small defects.",
        )
    if _slope(z, right, low) > 0.0:
        raise InputError(
            "the model's scores say nothing about the labels: no temperature helps",
            "Check that labels and logits belong together, and that classes are numbered as in the manifest.",
        )
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        if _slope(z, right, middle) > 0.0:
            high = middle
        else:
            low = middle
    beta = float(np.sqrt(low * high))
    variance = _variance(z, beta)
    error = 1.0 / (beta * float(np.sqrt(variance.sum()))) if variance.sum() > 0.0 else float("inf")
    return Temperature(1.0 / beta, error, _nll(z, right, 1.0), _nll(z, right, beta), len(z))


def _check(z: Floats, y: NDArray[np.integer]) -> None:
    remedy = "Give logits of the shape (records, classes), and one label of 0 to classes − 1 for each record."
    if z.ndim != 2 or z.shape[1] < 2 or y.shape != (len(z),) or y.dtype.kind not in "iu":
        raise InputError(f"logits {z.shape} and labels {y.shape} ({y.dtype}) don't belong together", remedy)
    if len(z) < FEWEST_RECORDS:
        raise InputError(
            f"{len(z)} labelled records are too few for a temperature",
            f"Label at least {FEWEST_RECORDS - len(z)} more.",
        )
    if not np.isfinite(z).all():
        raise InputError("some logits are NaN or infinite", "Leave those records out.")
    if y.min() < 0 or y.max() >= z.shape[1]:
        raise InputError(
            f"a label is {int(y.min())} or {int(y.max())}, there are {z.shape[1]} classes", remedy
        )


def _softmax(z: Floats, beta: float) -> Floats:
    weights = np.exp(beta * z)
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _slope(z: Floats, right: Floats, beta: float) -> float:
    """Derivative of the negative log-likelihood by 1/T; rises with it."""
    return float(((_softmax(z, beta) * z).sum(axis=1) - right).sum())


def _variance(z: Floats, beta: float) -> Floats:
    """Of z under the softmax, a record: the second derivative."""
    p = _softmax(z, beta)
    variance: Floats = (p * z * z).sum(axis=1) - (p * z).sum(axis=1) ** 2
    return variance


def _nll(z: Floats, right: Floats, beta: float) -> float:
    return float(np.mean(np.log(np.exp(beta * z).sum(axis=1)) - beta * right))
