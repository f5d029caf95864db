"""Drift that matters: do more records lie beyond the baseline's range than the engineer tolerates? (STATISTICS §3.4)

With enough records every detector of change finds something. This one asks for no more than a share: of a feature's good
records one in a hundred lies beyond each end of its range; an alarm comes when more than that and the tolerance do. It
needs no stationary process, so it also watches features whose level wanders a little, which a test of change refuses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.arming import (
    FEWEST,
    MEMORIES,
    REHEARSAL_ERROR,
    cycle_fault,
    poisson_tail,
    too_short,
)
from jidoka.monitor.detectors.calibration import CONFIDENCE
from jidoka.monitor.detectors.long_memory import wanders
from jidoka.monitor.detectors.reference import Reference
from jidoka.monitor.kernels.material import share_alarms

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

#: share of the baseline's records beyond each end of a feature's range
OUTER_SHARE = 0.01
#: records of a block, as a multiple of how long the feature remembers
BLOCK_MEMORIES = 2.0
#: shares beyond the range that are bet on, from what is allowed (0) to all records (1)
ALTERNATIVES = (0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
SIDES = ("down", "up")


@dataclass(frozen=True, eq=False)
class Shares:
    """What a group of features is held against. members: (M,) rows of the reference; low, high: (M,) their ranges;
    allowed: (M,) m₀, the share that may lie beyond one end; blocks: (M,) records; taus: (M,) how long each remembers;
    odds: (M, 6); refused: feature -> why not, in plain words.
    """

    members: Indices
    low: Floats
    high: Floats
    allowed: Floats
    blocks: Indices
    taus: Floats
    odds: Floats
    refused: dict[str, str]


def arm_shares(  # noqa: PLR0917 - as arming.arm
    reference: Reference, records: Floats, rows: tuple[int, ...], limit: float, tolerance: float,
    slowest_cycle: float = 0.0,
) -> Shares:  # fmt: skip
    """The features `rows` of a reference as one group with the limit A. records: (n, F) of the baseline; tolerance: the
    share of records that may come beyond the range besides those that always do; slowest_cycle: of the process, in
    records, 0 = none declared.

    >>> from jidoka.monitor.detectors.reference import freeze
    >>> records = np.random.default_rng(1).standard_normal((1000, 1))
    >>> found = arm_shares(freeze(("brightness",), records), records, (0,), 1e4, 0.1)
    >>> found.refused, found.blocks.tolist(), round(float(found.allowed[0]), 3)
    ({}, [1], 0.121)
    """
    refused: dict[str, str] = {}
    members: list[int] = []
    for f in rows:
        why = _refusal(records[:, f], reference.whitenings[f].tau, limit, tolerance, len(rows), slowest_cycle)
        if why:
            refused[reference.names[f]] = why
        else:
            members.append(f)
    taus = [reference.whitenings[f].tau for f in members]
    return _shares(records, members, taus, tolerance, refused)


def _shares(
    records: Floats, members: list[int], taus: list[float], tolerance: float, refused: dict[str, str]
) -> Shares:
    ranges = [range_of(records[:, f]) for f in members]
    sizes = [int((~np.isnan(records[:, f])).sum()) for f in members]
    allowed = np.array(
        [
            tolerance + largest_share(size / tau, OUTER_SHARE, 2 * len(members))
            for size, tau in zip(sizes, taus, strict=True)
        ]
    )
    odds = np.multiply.outer(1.0 / np.maximum(allowed, 1e-9), np.array(ALTERNATIVES))
    blocks = np.array([1 if tau <= 1.0 else math.ceil(BLOCK_MEMORIES * tau) for tau in taus], np.int64)
    low, high = (np.array([each[end] for each in ranges], np.float64) for end in (0, 1))
    return Shares(
        np.array(members, np.int64), low, high, allowed, blocks, np.array(taus, np.float64),
        odds.reshape(len(members), len(ALTERNATIVES)), refused,
    )  # fmt: skip


def range_of(column: Floats) -> tuple[float, float]:
    """Between which values all but the outer hundredths of a feature's records lie; ends belong to the range."""
    present = np.sort(column[~np.isnan(column)])
    outer = int(OUTER_SHARE * present.size)
    return float(present[outer]), float(present[present.size - 1 - outer])


def largest_share(records: float, share: float, bounds: int) -> float:
    """How much may truly lie beyond a limit that `share` of so many independent records lay beyond, with 95 % confidence
    for so many limits at once. Source: Chernoff 1952 (KL(share ‖ p) = log(bounds/0.05)/records, by bisection).

    >>> round(largest_share(1000, 0.01, 2), 3), round(largest_share(100, 0.01, 2), 3)
    (0.021, 0.064)
    """
    goal = math.log(bounds / (1.0 - CONFIDENCE)) / records
    low, high = share, 1.0
    for _ in range(60):
        p = 0.5 * (low + high)
        distance = share * math.log(share / p) + (1.0 - share) * math.log((1.0 - share) / (1.0 - p))
        low, high = (p, high) if distance < goal else (low, p)
    return high


def _refusal(  # noqa: PLR0917 - what a rule looks at
    column: Floats, tau: float, limit: float, tolerance: float, features: int, slowest_cycle: float
) -> str:
    """Why a feature may not arm, in plain words; "" if it may."""
    present = column[~np.isnan(column)]
    needed = max(FEWEST, math.ceil(MEMORIES * tau)) if math.isfinite(tau) else math.inf
    if present.size < needed:
        return too_short(present.size, int(min(needed, 10**12)), tau)
    if why := cycle_fault(slowest_cycle, present.size) or wanders(present):
        return why
    if tolerance + largest_share(present.size / tau, OUTER_SHARE, 2 * features) >= 1.0:
        return f"{present.size} records that resemble each other are too few to know its range"
    return _rehearsed(present, tau, limit, tolerance, features)


def _rehearsed(present: Floats, tau: float, limit: float, tolerance: float, features: int) -> str:
    """Words if the range of one half of the records is left on the other more often than the tolerance allows."""
    half = present.size // 2
    for learned, run in ((present[:half], present[half:]), (present[half:], present[:half])):
        shares = _shares(learned[:, None], [0], [tau], tolerance, {})
        level = limit * features
        count = run_share_alarms(shares, run[:, None], level).size
        if poisson_tail(count, run.size / level) < REHEARSAL_ERROR:
            beyond = max((run < shares.low[0]).mean(), (run > shares.high[0]).mean())
            return (
                f"left the range of one half of its own baseline in {beyond:.0%} of the other half: more than the "
                f"tolerance of {tolerance:.1%}"
            )
    return ""


def run_share_alarms(shares: Shares, x: Floats, limit: float, most: int | None = None) -> Indices:
    """Records of x, (T, M), counted from 1, at which the group alarms; most: no more are looked for."""
    found = np.empty(len(x) if most is None else min(most, len(x)), np.int64)
    if not found.size or not shares.members.size:
        return found[:0]
    count = share_alarms(
        np.ascontiguousarray(x, np.float64), shares.low, shares.high, shares.allowed, shares.blocks, shares.odds, limit, found
    )  # fmt: skip
    return found[:count]
