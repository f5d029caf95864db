"""Is the budget kept? Run lengths to the first false alarm, by law of the records, baseline and budget A.

python tools/bench/false_alarms.py [--quick] [--long] [--json FILE]

The detector is `Offline`, bit for bit the live one, with its one default setting. Every stream draws its own baseline
and runs until its first alarm or for 5 A records. "lower bound" is the 95 % one on the average run length, in units
of A, and a stream that was cut counts with what it ran. Where nearly every stream is refused the figure is the share
that was, and nothing is promised there. With --quick a cell has too few streams to tell, so that its figures are shown
without being held against anything. Full: about 12 minutes; --long adds A = 2.3 × 10⁸ (90 days at 30 a second), 100
streams of 2.3 × 10⁷ records, about 20 minutes more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# one thread a library, as on the machines this is for; before numpy is imported
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
from jidoka.monitor.detectors.offline import Offline  # noqa: E402

from tools.bench._rows import AT_LEAST, Row, bench  # noqa: E402
from tools.bench._stat_laws import (  # noqa: E402
    INNOVATIONS,
    LAWS,
    Process,
    ar,
    follows,
    follows_two,
    independent,
    two_cycles,
    volatile,
    walk,
)
from tools.bench._stat_runs import Runs, clopper_pearson, gathered  # noqa: E402

SEED = 20261125
BASELINES = (300, 1000, 10_000)
#: streams of a cell by the length of its baseline: of short ones it must be told whether 1 in 100 arms
STREAMS = {300: 1000, 1000: 200, 10_000: 200}
QUICK_STREAMS = 8
STEP_STREAMS = 100
LIMITS = (1e3, 1e4)
RHOS = (0.5, 0.9, 0.99)
#: an error of the fitted coefficient that must not cost the budget
BIASES = (-0.1, -0.05, -0.01)
#: a stream is cut after so many A
LENGTH = 5
#: from this share of refused streams on, refusing is what the cell does
REFUSES = 0.99
EARLY, EARLY_DEPENDENT = 0.10, 0.06
#: streams of the far budgets, the share of A that each runs, and how many alarms are allowed: 10 are expected at most,
#: more than 16 come in 1 of 37 such benches then
FAR_STREAMS, FAR_SHARE, FAR_ALARMS = 100, 0.1, 16


class Cell(NamedTuple):
    """One law at one length of the baseline. early: share of alarms before A/10 that is allowed; bias: added to the
    fitted coefficient; covariates: how many columns behind the first one explain it; step: what is added to it after the
    baseline."""

    name: str
    process: Process
    baseline: int
    early: float
    bias: float = 0.0
    covariates: int = 0
    step: float = 0.0


def cells() -> Iterator[Cell]:
    for n in BASELINES:
        for law in LAWS:
            yield Cell(f"{law}, n = {n:,}", independent(law), n, EARLY)
    for rho in RHOS:
        for n in BASELINES:
            for law in INNOVATIONS:
                yield Cell(f"AR(1) ρ = {rho:g}, {law}, n = {n:,}", ar((rho,), law), n, EARLY_DEPENDENT)
    for rho, bias in zip(RHOS, BIASES, strict=True):
        name = f"AR(1) ρ = {rho:g} fitted too small by {-bias:g}, n = {BASELINES[-1]:,}"
        yield Cell(name, ar((rho,)), BASELINES[-1], EARLY_DEPENDENT, bias)
    for name, process in (
        ("sine, two cycles in the baseline", two_cycles),
        ("AR(2) φ = 0.5, 0.4", ar((0.5, 0.4))),
        ("GARCH volatility", volatile),
        ("random walk", walk),
    ):
        for n in BASELINES[1:]:
            yield Cell(f"{name}, n = {n:,}", process, n, EARLY_DEPENDENT)


def explained() -> Iterator[Cell]:
    """Features that follow covariates."""
    for name, process, covariates in (
        ("follows a random walk, unexplained", follows("normal"), 0),
        ("follows a random walk, explained by it", follows("normal"), 1),
        ("follows a random walk, t₃, explained by it", follows("t₃"), 1),
        ("follows a random walk, AR(1) ρ = 0.9 beside, explained by it", follows("normal", rho=0.9), 1),
        ("follows nothing, explained by a random walk", follows("normal", slope=0.0), 1),
        ("follows one of two covariates that go together", follows_two, 2),
    ):
        for n in BASELINES[1:]:
            yield Cell(
                f"{name}, n = {n:,}",
                process,
                n,
                EARLY if covariates else EARLY_DEPENDENT,
                covariates=covariates,
            )


def first_alarm(cell: Cell, limit: float, length: int, seeds: tuple[int, ...]) -> int | None:
    """Of one stream with a baseline of its own; 0 = none, None = it may not arm."""
    rng = np.random.default_rng(seeds)
    n = cell.baseline
    series = np.ascontiguousarray(cell.process(rng, n, length).reshape(n + length, -1))
    series = series[:, : 1 + cell.covariates].copy()
    series[n:, 0] += cell.step
    names = ("x", *(f"covariate {k}" for k in range(1, 1 + cell.covariates)))
    offline = Offline(
        names, series[:n], limit, seed=int(rng.integers(1, 2**31)), bias=cell.bias, covariates=names[1:]
    )
    return None if offline.faults else offline.first_alarm(series[n:])


def told(name: str, runs: Runs, early: float, *, is_held: bool) -> Iterator[Row]:
    """The run length, or that it refuses; and the early alarms of what is armed."""
    title = f"{name}: run length, lower bound"
    is_refused = runs.refused >= REFUSES
    of, share, unit = len(runs.firsts), runs.early_share, "of runs"
    if is_refused:
        yield Row(title, runs.refused, "refused", REFUSES if is_held else None, AT_LEAST, runs.told())
        # of the few that arm no share could be told: of all that were tried
        of, share, unit = runs.streams, runs.early / runs.streams, "of streams"
    else:
        yield Row(title, runs.arl_low, "× A", 1.0 if is_held else None, AT_LEAST, runs.told())
    low, high = clopper_pearson(runs.early, of)
    beside = f"{runs.early} of {len(runs.firsts)} armed; 95 %: {low:.2g} to {high:.2g}"
    yield Row(f"{name}: alarms before A/10", share, unit, early if is_held else None, peer=beside)


def budgets(*, is_quick: bool) -> Iterator[Row]:
    for place, cell in enumerate([*cells(), *explained()]):
        for limit in LIMITS:
            length = int(LENGTH * limit)
            firsts = [
                first_alarm(cell, limit, length, (SEED, place, int(limit), stream))
                for stream in range(QUICK_STREAMS if is_quick else STREAMS[cell.baseline])
            ]
            name = f"{cell.name}, A = {limit:,.0f}"
            yield from told(name, gathered(limit, length, firsts), cell.early, is_held=not is_quick)


def steps(*, is_quick: bool) -> Iterator[Row]:
    """What is still found while a covariate wanders: a step of 1 σ of what it doesn't explain."""
    limit, length = 1e4, 2000
    for place, cell in enumerate(each._replace(step=1.0) for each in explained() if each.covariates):
        runs = [
            first_alarm(cell, limit, length, (SEED, 1000 + place, stream))
            for stream in range(QUICK_STREAMS if is_quick else STEP_STREAMS)
        ]
        armed = [each for each in runs if each is not None]
        found = [each for each in armed if each]
        yield Row(
            f"{cell.name}, A = 10,000: a step of 1 σ found within {length:,} records", len(found) / max(len(armed), 1),
            "of runs", peer=f"mean delay {np.mean(found) if found else np.inf:.3g}; {len(runs) - len(armed)} refused",
        )  # fmt: skip


def far(limit: float, label: str) -> Iterator[Row]:
    """Normal records and 10 000 of them in the baseline, at a budget that plants want."""
    length = int(FAR_SHARE * limit)
    cell = Cell("", independent("normal"), BASELINES[-1], EARLY)
    firsts = [first_alarm(cell, limit, length, (SEED, int(limit), stream)) for stream in range(FAR_STREAMS)]
    runs = gathered(limit, length, firsts)
    title = f"A = {label}, {FAR_STREAMS} streams of A/10 records: alarms"
    yield Row(title, runs.alarms, "alarms", FAR_ALARMS, peer=runs.told())


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows."""
    print(f"stream s of cell c at A draws from the seed ({SEED}, c, A, s)")
    yield from budgets(is_quick=is_quick)
    yield from steps(is_quick=is_quick)
    yield from far(1e6, "10⁶")


def measure_long(_is_quick: bool) -> Iterator[Row]:
    yield from far(2.3e8, "2.3 × 10⁸")


if __name__ == "__main__":
    bench(__doc__ or "", measure, ("long", "the budget of 90 days too, about 20 minutes", measure_long))
