"""How soon is a change found? Mean delay against an oracle, and beside peers that cry wolf as rarely.

python tools/bench/delay.py [--quick] [--json FILE]

One default setting of ours for everything; every run draws its own baseline, and the change is in it from the first
record on. The oracle is a CUSUM that knows the law before and after, tuned to an average run length of A on the same
law. Of an autoregression it knows the coefficient and how far the innovations move for good, δ (1 − ρ) s_x/s_e; a
second one also knows the jump of the first innovation, δ s_x/s_e, which alone decides where that is many standard
deviations, and is shown for information: ranks can't tell more than about log n of one record. Peers are tuned to it
as well, by simulation on 300 000 clean records of the very law (no plant has them), see the baseline first, and each
is shown at that of its settings which finds this very change soonest. A change that isn't found counts with all that
it was watched for. With --quick the figures of a few runs are shown without being held against anything. Full: about
10 minutes.
"""

from __future__ import annotations

import math
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
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
from tools.bench._stat_laws import Floats, Process, Rng, ar, column, independent  # noqa: E402
from tools.bench._stat_onset import stated  # noqa: E402
from tools.bench._stat_oracle import Change, confidence, innovations_of, level, spread  # noqa: E402
from tools.bench._stat_peers import ABOUT, Tuned, fastest, off, peers  # noqa: E402
from tools.bench._stat_runs import Delays  # noqa: E402

SEED = 20261126
BASELINE = 10_000
NEAR, FAR = 1e4, 2.3e8
#: a change is watched for so many records
LONGEST = 20_000
RAMP = 1000
#: clean parts before a change whose onset is to be told, at most, and how long it is watched for then
LEAD, WATCHED = 300, 4000
#: families of independent records, and what bets on the location alone must reach there, × the oracle
INDEPENDENT = ("normal", "Beta(18, 2)")
LOCATION_REACH = 1.5


class Case(NamedTuple):
    """A law, what happens to it, and the oracle that knows both. rho: of its autoregression; family: cases with one
    law before the change, for which peers are tuned once; reach: × the oracle at NEAR; far: × log A / KL at FAR."""

    name: str
    family: str
    process: Process
    happens: Callable[[Rng, Floats], Floats]
    oracle: Change | None
    rho: float = 0.0
    reach: float | None = None
    far: float | None = None


def moved(shift: float) -> Callable[[Rng, Floats], Floats]:
    return lambda _rng, x: x + shift


def grown(factor: float) -> Callable[[Rng, Floats], Floats]:
    return lambda _rng, x: x * math.sqrt(factor)


def ramped(top: float) -> Callable[[Rng, Floats], Floats]:
    return lambda _rng, x: x + top * np.minimum(np.arange(1, x.size + 1) / RAMP, 1.0)


def less_sure(rng: Rng, x: Floats) -> Floats:
    return rng.beta(12.0, 3.0, x.size)


def cases() -> Iterator[Case]:
    normal, heavy = independent("normal"), independent("t₃")
    for shift in (0.5, 1.0, 2.0):
        yield Case(f"normal, {shift:g} σ", "normal", normal, moved(shift), level(shift), 0.0, 1.6, 1.4)
    beta = independent("Beta(18, 2)")
    yield Case("Beta(18, 2) → (12, 3)", "Beta(18, 2)", beta, less_sure, confidence(), 0.0, 1.6)
    reaches = {
        (0.5, 0.5): 1.7,
        (0.5, 1.0): 1.7,
        (0.5, 2.0): 1.7,
        (0.9, 1.0): 1.8,
        (0.9, 2.0): 1.8,
        (0.99, 2.0): 2.7,
    }
    for rho in (0.5, 0.9, 0.99):
        for shift in (0.5, 1.0, 2.0):
            yield Case(
                f"AR(1) ρ = {rho:g}, {shift:g} σ", f"AR(1) ρ = {rho:g}", ar((rho,)), moved(shift),
                level(shift, rho), rho, reaches.get((rho, shift)),
            )  # fmt: skip
    for factor in (1.5, 2.0):
        yield Case(f"normal, variance × {factor:g}", "normal", normal, grown(factor), spread(factor))
    for shift in (0.5, 1.0, 2.0):
        yield Case(f"t₃, {shift:g} σ", "t₃", heavy, moved(shift), level(shift, law="t₃"))
    for top in (1.0, 2.0):
        yield Case(f"normal, ramp to {top:g} σ over {RAMP:,} records", "normal", normal, ramped(top), None)


#: last clean records that an autoregression's stream has seen before the change, as many as a model looks back on at most
KNOWN = 10


class Sample(NamedTuple):
    """One run. before: the baseline; records: of it and of what follows, the change in all that follows."""

    before: Floats
    after: Floats
    seed: int


def sample(case: Case, run: int, n: int = BASELINE) -> Sample:
    rng = np.random.default_rng((SEED, zlib.crc32(case.name.encode()), n, run))
    series = case.process(rng, n, LONGEST)
    return Sample(series[:n], case.happens(rng, series[n:]), int(rng.integers(1, 2**31)))


def ours(case: Case, limit: float, runs: int, n: int = BASELINE, stakes: str = "full") -> tuple[Delays, int]:
    """Delays of the runs that may arm, and how many may not. stakes: "full", or "location" alone."""
    found = []
    refused = 0
    for run in range(runs):
        each = sample(case, run, n)
        offline = Offline(("x",), column(each.before), limit, seed=each.seed, stakes=stakes)
        if offline.faults:
            refused += 1
        else:
            # a stream that runs knows what came before the change, and so does the oracle
            lead = KNOWN if case.rho else 0
            first = offline.first_alarm(
                column(np.concatenate([each.before[len(each.before) - lead :], each.after]))
            )
            found.append(max(first - lead, 1) if first else 0)
    return Delays(tuple(found), LONGEST), refused


def oracles(case: Case, oracle: Change, runs: int, records: int) -> Delays:
    """On the same runs as ours."""
    threshold = oracle.threshold(np.random.default_rng(SEED), NEAR, records)
    found = []
    for run in range(runs):
        each = sample(case, run)
        z = each.after
        if case.rho:  # the first innovation rests on the last clean record, and so moves by the whole shift
            z = innovations_of(np.concatenate([each.before[-1:], z]), case.rho)
        found.append(oracle.delay(z, threshold))
    return Delays(tuple(found), LONGEST)


def theirs(case: Case, tuned: list[Tuned], runs: int) -> tuple[Tuned, float]:
    """The best setting of one peer and its mean delay."""

    def mean(peer: Tuned) -> float:
        found = []
        for run in range(runs):
            each = sample(case, run)
            alarms = peer.run(each.before, each.after, 1)
            found.append(int(alarms[0]) if alarms.size else 0)
        return Delays(tuple(found), LONGEST).mean

    return fastest([(each, mean(each)) for each in tuned])


def tuned_for(cases_of: list[Case], records: int) -> dict[str, dict[str, list[Tuned]]]:
    """Peers by family of cases, tuned on clean records of its law."""
    found = {}
    for case in cases_of:
        if case.family not in found:
            rng = np.random.default_rng((SEED, zlib.crc32(case.family.encode())))
            clean = case.process(rng, BASELINE, records)
            found[case.family] = peers(clean, float(clean[:BASELINE].std()), NEAR)
    return found


def beside(delays: Delays, refused: int, runs: int) -> str:
    missed = f", {delays.missed:.0%} missed" if delays.missed else ""
    kept_out = f", {refused} of {runs} refused" if refused else ""
    return f"± {delays.error:.2g} records{missed}{kept_out}"


def near(case: Case, runs: int, records: int, tuned: dict[str, list[Tuned]]) -> Iterator[Row]:
    """At A = 10⁴: in records, to the oracle, and the peers."""
    delays, refused = ours(case, NEAR, runs)
    title = f"{case.name}, A = 10⁴"
    yield Row(f"{title}: mean delay", delays.mean, "records", peer=beside(delays, refused, runs))
    unit, ruler = "records", 1.0
    if case.oracle:
        oracle = oracles(case, case.oracle.lasting, runs, records)
        unit, ruler = "× oracle", oracle.mean
        yield Row(
            f"{title}: to the oracle",
            delays.mean / ruler,
            unit,
            case.reach,
            peer=f"oracle: {ruler:.4g} records",
        )
        if case.rho:
            jump = oracles(case, case.oracle, runs, records)
            yield Row(
                f"{title}: to the oracle that knows the jump too", delays.mean / jump.mean, unit,
                peer=f"oracle: {jump.mean:.4g} records",
            )  # fmt: skip
        if case.family in INDEPENDENT and case.reach is not None:
            alone, _ = ours(case, NEAR, runs, stakes="location")
            beside_it = f"{alone.mean:.4g} records"
            yield Row(
                f"{title}: location bets alone", alone.mean / ruler, unit, LOCATION_REACH, peer=beside_it
            )
    for name, settings in tuned.items():
        if len(settings) == 1 and off(settings[0].arl, NEAR) > ABOUT:
            longest = f"{settings[0].name}: no setting alarms as rarely as once in {NEAR:,.0f} records"
            yield Row(f"{title}: {name}", settings[0].arl, "records to a false alarm", peer=longest)
            continue
        best, mean = theirs(case, settings, max(5, runs // 4))
        yield Row(f"{title}: {name}", mean / ruler, unit, peer=f"{best.name}, run length {best.arl:,.0f}")


def far(case: Case, runs: int) -> Iterator[Row]:
    """At the budget of 90 days at 30 records a second, against Lorden's limit."""
    assert case.oracle is not None
    bound = math.log(FAR) / case.oracle.nats
    for n in (BASELINE, 1000):
        delays, refused = ours(case, FAR, runs, n)
        yield Row(
            f"{case.name}, A = 2.3 × 10⁸, n = {n:,}: to log A / KL", delays.mean / bound, "× bound",
            case.far if n == BASELINE else None,
            peer=f"{delays.mean:.4g} {beside(delays, refused, runs)}; bound {bound:.4g}",
        )  # fmt: skip


def sorted_again(case: Case, runs: int) -> Iterator[Row]:
    """How often the interval that an alarm states holds the true onset, after up to LEAD clean parts, and how long it is.

    A run that alarms before the change doesn't count: that alarm is a false one.
    """
    told = []
    missed = 0
    for run in range(runs):
        rng = np.random.default_rng((SEED, zlib.crc32(case.name.encode()), 1, run))
        lead = int(rng.integers(0, LEAD))
        series = case.process(rng, BASELINE, lead + WATCHED)
        stream = series[BASELINE:]
        stream[lead:] = case.happens(rng, stream[lead:])
        each = stated(series[:BASELINE], stream, NEAR, run)
        if each is None:
            missed += 1
        elif each.at > lead:
            told.append((each, lead + 1))
    holds = sum(each.holds(onset) for each, onset in told) / len(told) if told else float("nan")
    length = float(np.median([each.length for each, _ in told])) if told else float("nan")
    counts = f"{len(told)} alarms, {missed} of {runs} runs without one"
    title = f"{case.name}, A = 10⁴, parts to sort again"
    yield Row(f"{title}: true onset within the interval", holds, "of alarms", 0.95, AT_LEAST, counts)
    yield Row(f"{title}: median length of the interval", length, "parts")


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows."""
    runs, records, clean = (8, 400_000, 40_000) if is_quick else (200, 4_000_000, 310_000)
    print(
        f"run r of a case with n records in the baseline draws from the seed ({SEED}, crc32 of its name, n, r)"
    )
    every = list(cases())
    tuned = tuned_for(every, clean)
    for case in every:
        yield from shown(near(case, runs, records, tuned[case.family]), is_quick=is_quick)
    for case in every:
        if case.oracle and (not case.rho or case.reach):
            yield from shown(sorted_again(case, runs), is_quick=is_quick)
        if case.far is not None:
            yield from shown(far(case, runs), is_quick=is_quick)


def shown(rows: Iterator[Row], *, is_quick: bool) -> Iterator[Row]:
    """Eight runs tell too little to be held against anything."""
    for row in rows:
        yield replace(row, reach=None) if is_quick else row


if __name__ == "__main__":
    bench(__doc__ or "", measure)
