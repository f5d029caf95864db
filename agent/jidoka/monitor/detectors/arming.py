"""May a feature arm? Enough records for how long it remembers, settled, and quiet in a rehearsal on its own baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.detectors.bank import bank
from jidoka.monitor.detectors.covariates import IS_COVARIATE, WIDEST_DOUBT
from jidoka.monitor.detectors.long_memory import wanders
from jidoka.monitor.detectors.reference import Reference, freeze
from jidoka.monitor.kernels.bets import ROWS
from jidoka.monitor.kernels.judge import alarms

Floats = NDArray[np.float64]

#: a baseline must be so many times as long as the feature remembers
MEMORIES = 30.0
#: half means of the baseline may differ by this many standard errors (STATISTICS §3.3, 5)
SETTLED_ERRORS = 4.0
#: a rehearsal may not alarm more often than a Poisson law allows with this probability; no more than 1 % of valid baselines
#: are refused by it, for detectors alarm several times less often than they may
REHEARSAL_ERROR = 1e-2
#: levels of a rehearsal: A down to this, by factors of ten
LOWEST_LEVEL = 100.0
#: the seed of the ties in a rehearsal
TIES = 1
FEWEST = 30


@dataclass(frozen=True, eq=False)
class Armed:
    """Which features of a group may arm. members: (M,) rows of the reference; constants: (M, 8, 7) of their banks of
    bets; refused: feature -> why not, in plain words.
    """

    members: NDArray[np.int64]
    constants: Floats
    refused: dict[str, str]


def arm(  # noqa: PLR0917 - options have defaults
    reference: Reference, records: Floats, rows: tuple[int, ...], limit: float, slowest_cycle: float = 0.0,
    stakes: str = "full", bias: float = 0.0,
) -> Armed:  # fmt: skip
    """The features `rows` of a reference as one group with the limit A. records: (n, F) of the baseline.

    A feature that is refused leaves the group; the bets of the others were widened for all of them.
    """
    refused, members, constants = {}, [], []
    for f in rows:
        if why := refusal(reference, records, f, limit, len(rows), slowest_cycle, bias):
            refused[reference.names[f]] = why
            continue
        is_explained = reference.explained is not None
        found = bank(reference.whitenings[f], limit, len(rows), stakes, is_explained=is_explained)
        if found is not None:
            members.append(f)
            constants.append(found)
    return Armed(np.array(members, np.int64), np.array(constants).reshape(-1, ROWS, 7), refused)


def none_armed(refused: dict[str, str]) -> Armed:
    """A group of which every feature is refused."""
    return Armed(np.zeros(0, np.int64), np.zeros((0, ROWS, 7)), refused)


def refusal(  # noqa: PLR0917 - what a rule looks at
    reference: Reference,
    records: Floats,
    f: int,
    limit: float,
    features: int,
    slowest_cycle: float,
    bias: float = 0.0,
) -> str:
    """Why feature f may not arm, in plain words; "" if it may.

    records: (n, F) of the baseline; limit: A; features: how many share the group; slowest_cycle: of the process, in
    records, 0 = none declared.
    """
    if text := unexplained(reference, f):
        return text
    each, column = reference.whitenings[f], reference.columns(records)[:, f]
    present = column[~np.isnan(column)]
    n = present.size
    needed = max(FEWEST, math.ceil(MEMORIES * each.tau))
    if n < needed:
        return too_short(n, needed, each.tau)
    if text := cycle_fault(slowest_cycle, n):
        return text
    if text := unsettled(present, each.tau) or wanders(present):
        return text
    if bank(each, limit, features) is None:
        return "varies so that no bet is left which could pay within four baselines"
    if reference.explained is not None:
        return rehearsed(records[:, f], limit, features, bias, records[:, list(reference.explained.places)])
    return rehearsed(column, limit, features, bias)


def unexplained(reference: Reference, f: int) -> str:
    """Words if feature f can't be told apart from what the covariates do to it."""
    explained = reference.explained
    if explained is None:
        return ""
    if f in explained.places:
        return IS_COVARIATE
    if explained.steady:
        names = ", ".join(reference.names[place] for place in explained.steady)
        return f"can't be explained: {names} never varied in the baseline; learn while it does"
    doubt, n = float(reference.doubts[f]), int(explained.counts[f])
    if doubt > WIDEST_DOUBT:
        return (
            f"can't be told from what {len(explained.places)} covariates do to it: with {n} records their coefficients "
            f"may put it off by {doubt:.2g} σ; needs at least {explained.needed(f, doubt) - n} more"
        )
    return ""


def too_short(n: int, needed: int, tau: float) -> str:
    """How many more records a feature needs, in words."""
    if tau <= 1.0:
        return f"{n} records are too few; needs at least {needed - n} more"
    if tau > n / 2:
        return f"wanders for longer than its {n} records are long; needs many times as many"
    return f"remembers about {tau:.0f} records; needs at least {needed - n} more"


def cycle_fault(slowest_cycle: float, n: int) -> str:
    """Words if the slowest cycle, in records, doesn't fit twice into n; 0 = none declared."""
    return (
        f"the slowest cycle, {slowest_cycle:.0f} records, doesn't fit twice into {n}"
        if 2.0 * slowest_cycle > n
        else ""
    )


def unsettled(present: Floats, tau: float) -> str:
    """Words if the halves of a series differ by more than SETTLED_ERRORS standard errors; tau: how long it remembers."""
    half = present.size // 2
    first, second = present[:half], present[half:]
    error = math.sqrt(tau * (first.var(ddof=1) / first.size + second.var(ddof=1) / second.size))
    gap = abs(float(second.mean() - first.mean()))
    if not (gap > SETTLED_ERRORS * error and gap > 0.0):
        return ""
    size = f"{gap / error:.1f} standard errors" if error > 0.0 else "all that it varies"
    return (
        f"was still settling: {first.mean():.4g} in the first half, {second.mean():.4g} in the second "
        f"({size} apart, {SETTLED_ERRORS:g} are allowed)"
    )


def rehearsed(
    column: Floats, limit: float, features: int, bias: float = 0.0, covariates: Floats | None = None
) -> str:
    """Words if a detector fitted on one half of the records alarms on the other more often than chance allows.

    covariates: (n, K) that explain it; their coefficients are fitted on the same half.
    """
    # embeddings are fitted on the first records, and have features from then on
    begins = int(np.argmax(~np.isnan(column)))
    beside = np.empty((column.size, 0)) if covariates is None else covariates
    records = np.column_stack([column, beside])[begins:]
    half, places = len(records) // 2, tuple(range(1, 1 + beside.shape[1]))
    for learned, run in ((records[:half], records[half:]), (records[half:], records[:half])):
        if np.isnan(learned).all(axis=0).any():
            return "came in one half of the records only"
        reference = freeze(("", *("",) * len(places)), np.ascontiguousarray(learned), bias, places, features)
        constants = bank(reference.whitenings[0], limit, features, is_explained=bool(places))
        if constants is None:
            continue
        level = limit * features
        while level >= LOWEST_LEVEL:
            found = run_alarms(
                reference,
                np.ascontiguousarray(run),
                constants[None],
                level,
                TIES,
                members=np.zeros(1, np.int64),
            )
            if poisson_tail(found.size, len(run) / level) < REHEARSAL_ERROR:
                return (
                    f"alarmed {found.size} times in a rehearsal on the other half of its own baseline, "
                    f"where {len(run) / level:.2g} are allowed"
                )
            level /= 10.0
    return ""


def run_alarms(  # noqa: PLR0917 - as above
    reference: Reference, x: Floats, constants: Floats, limit: float, ties: int, most: int | None = None,
    members: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:  # fmt: skip
    """Records of x, (T, F), counted from 1, at which the bets of `members` (all) alarm; most: no more are looked for."""
    found = np.empty(min(len(x), len(x) if most is None else most), np.int64)
    if not found.size:
        return found
    members = np.arange(len(reference.names)) if members is None else members
    count = alarms(
        x, reference.table, reference.models, reference.orders, reference.values, reference.counts, np.array([ties], np.uint64), members,
        constants, limit, found,
    )  # fmt: skip
    return found[:count]


def poisson_tail(count: int, mean: float) -> float:
    """P(N ≥ count) for N ~ Poisson(mean)."""
    term = below = math.exp(-mean)
    for k in range(1, count):
        term *= mean / k
        below += term
    return max(1.0 - below, 0.0) if count else 1.0
