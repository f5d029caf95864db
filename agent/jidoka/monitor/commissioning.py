"""May this baseline arm? What would keep its budget from being kept, and what the detectors then see."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline
from jidoka.monitor.detectors.band import MOST_RECORDS, alpha_for
from jidoka.monitor.detectors.reference import freeze
from jidoka.monitor.kernels.band import tail_bounds
from jidoka.monitor.kernels.bets import SHIFTS, run_length

Groups = Mapping[str, tuple[str, ...]]

#: half means of the baseline may differ by this many standard errors (STATISTICS §3.3, 5)
SETTLED_ERRORS = 4.0
#: a baseline that couldn't even see this shift within as many records as it holds itself may not arm
MUST_SEE_SIGMA = 2.0
#: runs of each simulated delay, and where one gives up
RUNS, LONGEST = 12, 5000
SIZES = (
    50,
    70,
    100,
    150,
    200,
    300,
    400,
    500,
    700,
    1000,
    1500,
    2000,
    3000,
    5000,
    10_000,
    20_000,
    MOST_RECORDS,
)


@dataclass(frozen=True)
class Delay:
    """Mean records until an alarm after one feature moved, by simulation. records: None = not within LONGEST."""

    feature: str
    shift_sigma: float
    direction: str
    records: float | None


def faults_of(
    baseline: Baseline,
    detectors: Mapping[str, Mapping[str, Any]],
    limits: Mapping[str, float],
    groups: Groups,
) -> list[str]:
    """Why this baseline can't arm, in plain words; empty if it can.

    detectors: entries of Plan.sections["detectors"] of its model by condition id; limits: A of each; groups: the
    features that each group means in its model.
    """
    faults = [*unsettled(baseline), *unavailable(baseline, detectors, groups)]
    if not baseline.names or not baseline.records.size:
        return ["no record showed any feature", *faults]
    fewest = int((~np.isnan(baseline.records)).sum(axis=0).min())
    for condition, detector in detectors.items():
        members = set(groups[detector["group"]]) & set(baseline.names)
        needed = max(int(detector["min_records"]), records_needed(limits[condition], len(members)))
        if members and fewest < needed:
            faults.append(
                f"{condition}: {fewest} {baseline.judged}s are too few for a false alarm at most once in "
                f"{limits[condition]:,.0f} {baseline.judged}s: at least {needed - fewest} more are needed"
            )
    return faults


def unavailable(baseline: Baseline, detectors: Mapping[str, Mapping[str, Any]], groups: Groups) -> list[str]:
    """Conditions whose group has no feature in this baseline."""
    faults = []
    for condition, each in detectors.items():
        names = groups[each["group"]]
        if not names:
            faults.append(
                f"{condition}: the manifest gives this model no feature of the group {each['group']}"
            )
        elif not set(names) & set(baseline.names):
            faults.append(f"{condition}: none of {', '.join(names)} came with the records")
    return faults


def unsettled(baseline: Baseline) -> list[str]:
    """Features whose halves differ by more than SETTLED_ERRORS standard errors."""
    faults = []
    for f, name in enumerate(baseline.names):
        column = baseline.records[:, f]
        column = column[~np.isnan(column)]
        if column.size < 4:
            continue
        first, second = column[: column.size // 2], column[column.size // 2 :]
        error = math.sqrt(first.var(ddof=1) / first.size + second.var(ddof=1) / second.size)
        gap = abs(float(second.mean() - first.mean()))
        if gap > SETTLED_ERRORS * error and gap > 0.0:
            size = f"{gap / error:.1f} standard errors" if error > 0.0 else "all that it varies"
            faults.append(
                f"{name} was still settling: {first.mean():.4g} in the first half of the {baseline.judged}s, "
                f"{second.mean():.4g} in the second ({size} apart, {SETTLED_ERRORS:g} are allowed)"
            )
    return faults


def growth(n: int) -> float:
    """Nats that the best bet gains a record when a normal feature with n reference records moves by MUST_SEE_SIGMA."""
    tails = tail_bounds(n, alpha_for(n))
    normal = NormalDist()
    grid = (np.arange(400) + 0.5) / 400
    shares = [1.0 - normal.cdf(normal.inv_cdf(float(p)) + MUST_SEE_SIGMA) for p in grid]
    bounds = np.minimum(tails[[min(n, int(share * n + 0.5)) for share in shares]], 1.0 - 1e-9)
    z = np.array([-normal.inv_cdf(float(bound)) for bound in bounds])
    return max(float(np.mean(d * z - 0.5 * d * d)) for d in SHIFTS)


def records_needed(limit: float, features: int) -> int:
    """The shortest baseline that finds a shift of one feature by MUST_SEE_SIGMA within as many records as it holds.

    With fewer the budget would still be kept, but by a detector that sees next to nothing.
    """
    nats = math.log(max(limit, 2.0) * 2 * len(SHIFTS) * max(features, 1))
    for n in SIZES:
        gain = growth(n)
        if gain > 0.0 and nats / gain <= n:
            return n
    return MOST_RECORDS


def delays(baseline: Baseline, names: tuple[str, ...], limit: float, seed: int = 1) -> list[Delay]:
    """What a group of features sees: records drawn from the baseline itself with one feature moved by 1 and 2 σ.

    names: of the group; limit: A. Seeded, so that the same file always shows the same figures.
    """
    columns = [f for f, name in enumerate(baseline.names) if name in names]
    rows: NDArray[np.float64] = baseline.records[:, columns]
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not columns or not rows.size:
        return []
    reference = freeze(tuple(baseline.names[f] for f in columns), rows)
    rng = np.random.default_rng(seed)
    found = []
    for f, name in enumerate(reference.names):
        sigma = float(rows[:, f].std())
        for shift in (1.0, 2.0):
            for direction, sign in (("up", 1.0), ("down", -1.0)):
                lengths = []
                for _ in range(RUNS):
                    x = rows[rng.integers(0, len(rows), LONGEST)]
                    x[:, f] += sign * shift * sigma
                    u = rng.random(x.shape)
                    lengths.append(
                        run_length(x, reference.values, reference.counts, reference.tails, u, limit)
                    )
                is_seen = all(length > 0 for length in lengths) and sigma > 0.0
                found.append(Delay(name, shift, direction, float(np.mean(lengths)) if is_seen else None))
    return found
