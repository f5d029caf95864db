"""May this baseline arm? What would keep its budget from being kept, and what the detectors then see."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline, terms_of
from jidoka.monitor.detectors.arming import run_alarms
from jidoka.monitor.detectors.calibration import MOST_RECORDS, cell_scores, shift_worth
from jidoka.monitor.detectors.material import run_share_alarms
from jidoka.monitor.kernels.bets import SHIFTS
from jidoka.monitor.terms import Terms

Floats = NDArray[np.float64]
Groups = Mapping[str, tuple[str, ...]]

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
    """Why this baseline can't arm, in plain words; empty if it can. A refused feature alone is no fault (`refused_of`).

    detectors: entries of Plan.sections["detectors"] of its model by condition id; limits: A of each; groups: the
    features that each group means in its model.
    """
    faults = unavailable(baseline, detectors, groups)
    if not baseline.names or not baseline.records.size:
        return ["no record showed any feature", *faults]
    fewest = int((~np.isnan(baseline.records)).sum(axis=0).min())
    for condition, detector in detectors.items():
        members = set(groups[detector["group"]]) & set(baseline.names)
        needed = int(detector["min_records"])
        if not detector.get("tolerance"):
            needed = max(needed, records_needed(limits[condition], len(members)))
        if members and fewest < needed:
            faults.append(
                f"{condition}: {fewest} {baseline.judged}s are too few for a false alarm at most once in "
                f"{limits[condition]:,.0f} {baseline.judged}s: at least {needed - fewest} more are needed"
            )
    for condition, refused in refused_of(baseline, detectors, limits, groups).items():
        members = set(groups[detectors[condition]["group"]]) & set(baseline.names)
        if members and len(refused) == len(members):
            whys = "; ".join(f"{name} {why}" for name, why in refused.items())
            faults.append(f"{condition}: none of its features may arm: {whys}")
    return faults


def refused_of(
    baseline: Baseline,
    detectors: Mapping[str, Mapping[str, Any]],
    limits: Mapping[str, float],
    groups: Groups,
) -> dict[str, dict[str, str]]:
    """Condition -> feature -> why it may not arm: the features that leave the condition's group. As `faults_of`."""
    found = {}
    for condition, each in detectors.items():
        names, terms = groups[each["group"]], terms_of(each, limits[condition])
        found[condition] = (
            baseline.shares(names, terms) if terms.tolerance else baseline.armed(names, terms)
        ).refused
    return found


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


def growth(n: int, features: int) -> float:
    """Nats that the best bet gains a record when a normal feature with n reference records moves by MUST_SEE_SIGMA."""
    z = cell_scores(n)
    moved = float(np.minimum(z + MUST_SEE_SIGMA, z[-1]).mean())
    return max(d * moved - shift_worth(n, d, features)[1] for d in SHIFTS)


def records_needed(limit: float, features: int) -> int:
    """The shortest baseline that finds a shift of one feature by MUST_SEE_SIGMA within as many records as it holds.

    With fewer the budget would still be kept, but by a detector that sees next to nothing.
    """
    nats = math.log(max(limit, 2.0) * 2 * len(SHIFTS) * max(features, 1))
    for n in SIZES:
        gain = growth(n, features)
        if gain > 0.0 and nats / gain <= n:
            return n
    return MOST_RECORDS


def delays(baseline: Baseline, names: tuple[str, ...], terms: Terms, seed: int = 1) -> list[Delay]:
    """What a group of features sees: stretches of the baseline itself with one feature moved by 1 and 2 σ.

    names: of the group; terms: of its condition. Seeded, so that the same file always shows the same figures.
    """
    members, first_alarm = _simulated(baseline, names, terms)
    found = []
    rng = np.random.default_rng(seed)
    # embeddings are fitted on the first records, and have features from then on: all are taken from there
    begins = np.argmax(~np.isnan(baseline.records[:, members]), axis=0).max(initial=0)
    records = baseline.records[int(begins) :]
    left = (
        baseline.reference_for(terms.covariates).columns(baseline.records)
        if not terms.tolerance
        else baseline.records
    )
    for f in members:
        # of what no covariate explains
        sigma = float(np.nanstd(left[int(begins) :, f]))
        for shift in (1.0, 2.0):
            for direction, sign in (("up", 1.0), ("down", -1.0)):
                lengths = []
                for _ in range(RUNS):
                    # records in their order, so that they depend on each other as they did
                    rows = (rng.integers(len(records)) + np.arange(LONGEST)) % len(records)
                    x = records[rows]
                    x[:, f] += sign * shift * sigma
                    lengths.append(first_alarm(x, int(rng.integers(2**63))))
                is_seen = all(length > 0 for length in lengths) and sigma > 0.0
                found.append(
                    Delay(baseline.names[f], shift, direction, float(np.mean(lengths)) if is_seen else None)
                )
    return found


def _simulated(
    baseline: Baseline, names: tuple[str, ...], terms: Terms
) -> tuple[list[int], Callable[[Floats, int], int]]:
    """(features that are watched, what gives the record of the first alarm in a stream, 0 = none, by stream and ties)."""
    if terms.tolerance:
        shares = baseline.shares(names, terms)

        def beyond(x: Floats, _: int) -> int:
            alarms = run_share_alarms(shares, x[:, shares.members], terms.limit, most=1)
            return int(alarms[0]) if alarms.size else 0

        return shares.members.tolist(), beyond
    armed = baseline.armed(names, terms)

    def changed(x: Floats, ties: int) -> int:
        alarms = run_alarms(
            baseline.reference_for(terms.covariates),
            x,
            armed.constants,
            terms.limit,
            ties,
            most=1,
            members=armed.members,
        )
        return int(alarms[0]) if alarms.size else 0

    return armed.members.tolist(), changed
