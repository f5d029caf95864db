"""Real data: what is found and how soon, what isn't, false alarms, and which streams are refused; beside river.

python tools/bench/real_data.py [--quick] [--json FILE]

The budget is one false alarm in 1 000 records, for all streams of a data set together. Where records are known to be
clean, "at most" is what a detector that keeps it exceeds 1 time in 40. river's ADWIN and Page–Hinkley watch each stream,
in units of the baseline's standard deviation, tuned on independent normal records to the same budget split over the
streams. AI4I, electricity, the concept streams and the robot were never looked at when rules were made. The data lie
outside the project (JIDOKA_DATA). Full: about 3 minutes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

# one thread a library, as on the machines this is for; before numpy is imported
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
from jidoka.monitor.detectors.material import arm_shares, run_share_alarms  # noqa: E402
from jidoka.monitor.detectors.offline import Offline  # noqa: E402
from jidoka.monitor.detectors.reference import freeze  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from scipy import stats  # noqa: E402

from tools.bench import _stat_data as data  # noqa: E402
from tools.bench._rows import AT_LEAST, Row, bench  # noqa: E402
from tools.bench._stat_data import Trial  # noqa: E402
from tools.bench._stat_peers import Detector, adwin_at, bisect, page_hinkley_at  # noqa: E402
from tools.bench._stat_runs import arl_lower  # noqa: E402

SEED = 20261127
LIMIT = 1e3
#: chance that a detector which keeps its budget alarms more often than is allowed
CHANCE = 0.025
#: an alarm later than this after an onset isn't told from a false one
LONGEST = 500
PAGE_HINKLEY_SHARE = 0.25
#: share of records that may come beyond the range, where material drift is looked for
TOLERANCE = 0.1
#: fault of Tennessee Eastman -> records within which it must be found
WITHIN = {"fault 1": 12, "fault 4": 12, "fault 5": 12, "fault 8": 25, "fault 13": 60}


#: what explains the other streams of SKAB's loop of water: how warm it is
LOOP = ("Temperature", "Thermocouple")


class Judged(NamedTuple):
    """One trial. alarms: rows of the stream, counted from 0; is_armed: False = refused as a whole; refused: stream ->
    why."""

    trial: Trial
    alarms: NDArray[np.int64]
    is_armed: bool
    refused: dict[str, str]

    @property
    def false(self) -> int:
        """Alarms on records that are known to be clean."""
        return int(self.trial.clean[self.alarms].sum())

    @property
    def clean(self) -> int:
        return int(self.trial.clean.sum())

    def delay(self, onset: int) -> int | None:
        """Records from an onset to the first alarm at or after it, the alarm's included; None: not within LONGEST."""
        later = self.alarms[(self.alarms >= onset) & (self.alarms < onset + LONGEST)]
        return int(later[0]) - onset + 1 if later.size else None


def ours(trial: Trial, covariates: tuple[str, ...] = ()) -> Judged:
    """covariates: streams that explain the others, and aren't watched themselves."""
    offline = Offline(trial.names, trial.baseline, LIMIT, seed=SEED, covariates=covariates)
    alarms = offline.alarms(trial.stream) - 1 if not offline.faults else np.zeros(0, np.int64)
    return Judged(trial, alarms, not offline.faults, offline.refused)


def tolerant(trial: Trial) -> Judged:
    """As `ours`, but of material drift: as many records as TOLERANCE may come beyond the baseline's range."""
    rows = tuple(range(len(trial.names)))
    shares = arm_shares(freeze(trial.names, trial.baseline), trial.baseline, rows, LIMIT, TOLERANCE)
    alarms = run_share_alarms(shares, trial.stream[:, shares.members], LIMIT) - 1
    return Judged(trial, alarms, bool(shares.members.size), shares.refused)


def material(name: str, trials: list[Trial], reach: float | None = None) -> Iterator[Row]:
    """False alarms and onsets found with a tolerance."""
    judged = [tolerant(trial) for trial in trials]
    for row in quiet(f"{name}, tolerance {TOLERANCE:.0%}", judged, [], reach):
        if "refused" not in row.name:
            yield row
    if any(each.trial.onsets for each in judged):
        yield from found_row(f"{name}, tolerance {TOLERANCE:.0%}", judged, [])


def explained(name: str, trials: list[Trial], covariates: tuple[str, ...]) -> Iterator[Row]:
    """As `quiet` and `found_row`, with what an engineer would name as covariates."""
    judged = [ours(trial, covariates) for trial in trials]
    title = f"{name}, explained by {' and '.join(covariates)}"
    yield from quiet(title, judged, [])
    if any(each.trial.onsets for each in judged):
        yield from found_row(title, judged, [])


class Peers:
    """river's detectors by how many streams share the budget; tuned once for each number."""

    def __init__(self, records: int) -> None:
        self._clean = np.random.default_rng(SEED).standard_normal(records)
        self._tuned: dict[int, dict[str, Detector]] = {}

    def of(self, streams: int) -> dict[str, Detector]:
        if streams not in self._tuned:
            limit = LIMIT * streams
            clean = self._clean

            def hinkley(threshold: float) -> Detector:
                return page_hinkley_at(PAGE_HINKLEY_SHARE, threshold)

            def adwin(nats: float) -> Detector:
                return adwin_at(float(np.exp(-nats)))

            some = clean[: 10_000 + min(clean.size - 10_000, int(40 * limit))]
            self._tuned[streams] = {
                "ADWIN": adwin(bisect(adwin, -3.0, 20.0, some, limit, rounds=7)[0]),
                "Page–Hinkley": hinkley(bisect(hinkley, 0.0, 200.0, clean, limit, rounds=16)[0]),
            }
        return self._tuned[streams]

    def judged(self, trial: Trial) -> dict[str, Judged]:
        """Every stream watched by itself, an alarm of any counts."""
        centre, size = trial.baseline.mean(axis=0), trial.baseline.std(axis=0)
        found = {}
        for name, detector in self.of(len(trial.names)).items():
            rows: set[int] = set()
            for f in np.flatnonzero(size > 0.0):
                before, after = ((x[:, f] - centre[f]) / size[f] for x in (trial.baseline, trial.stream))
                rows.update((detector(before, after, after.size) - 1).tolist())
            found[name] = Judged(trial, np.array(sorted(rows), np.int64), True, {})
        return found


def refusals(judged: Iterable[Judged]) -> str:
    """Counts of refused streams and the reason that most of them have."""
    every = list(judged)
    streams = sum(len(each.trial.names) for each in every)
    reasons = [why for each in every for why in each.refused.values()]
    return f"{len(reasons)} of {streams} streams refused" + (f", e.g. {reasons[0]}" if reasons else "")


def allowed(expected: float) -> float:
    return float(stats.poisson.ppf(1.0 - CHANCE, expected)) if expected > 0.0 else 0.0


def quiet(
    name: str, judged: list[Judged], theirs: list[dict[str, Judged]], reach: float | None = None
) -> Iterator[Row]:
    """False alarms where nothing is known to be wrong, of what is armed; the peers watch everything."""
    armed = [each for each in judged if each.is_armed]
    clean = sum(each.clean for each in armed)
    held = allowed(clean / LIMIT) if reach is None else reach
    yield Row(
        f"{name}: false alarms in {sum(each.clean for each in judged):,} clean records",
        sum(each.false for each in armed), "alarms", held,
        peer=f"{clean:,} records watched, {clean / LIMIT:.2g} expected at most; {refusals(judged)}",
    )  # fmt: skip
    yield Row(
        f"{name}: streams refused",
        sum(len(each.refused) for each in judged) / sum(len(each.trial.names) for each in judged), "of all",
    )  # fmt: skip
    for peer in theirs[0] if theirs else ():
        yield Row(f"{name}: false alarms, {peer}", sum(each[peer].false for each in theirs), "alarms")


def told(found: list[int | None]) -> str:
    seen = [each for each in found if each is not None]
    median = f", median delay {np.median(seen):g}" if seen else ""
    return f"{len(seen)} of {len(found)}{median}"


def found_row(
    name: str, judged: list[Judged], theirs: list[dict[str, Judged]], within: float | None = None
) -> Iterator[Row]:
    """The share of onsets that is found, or with `within` the delay of the only one; peers beside."""
    delays = [each.delay(onset) for each in judged for onset in each.trial.onsets]
    beside = [
        f"{peer}: {told([each[peer].delay(onset) for each in theirs for onset in each[peer].trial.onsets])}, "
        f"{sum(each[peer].false for each in theirs)} false"
        for peer in (theirs[0] if theirs else ())
    ]
    if within is not None:
        delay = delays[0] if delays[0] is not None else np.inf
        yield Row(f"{name}: delay", min(float(delay), 1e6), "records", within, peer="; ".join(beside))
    else:
        share = sum(each is not None for each in delays) / len(delays)
        yield Row(
            f"{name}: found within {LONGEST} records",
            share,
            "of onsets",
            peer=f"{told(delays)}; " + "; ".join(beside),
        )


def process_data(peers: Peers) -> Iterator[Row]:
    trials = data.tennessee_eastman()
    judged = [ours(trial) for trial in trials]
    theirs = [peers.judged(trial) for trial in trials]
    yield from quiet("Tennessee Eastman", judged[:1], theirs[:1], 2)
    for each, beside in zip(judged[1:], theirs[1:], strict=True):
        name = each.trial.name
        yield from found_row(f"Tennessee Eastman, {name}", [each], [beside], WITHIN[name])
    before = sum(each.false for each in judged[1:])
    yield Row(
        "Tennessee Eastman, before the faults: false alarms", before, "alarms",
        allowed(sum(each.clean for each in judged[1:]) / LIMIT),
        peer="; ".join(f"{peer}: {sum(each[peer].false for each in theirs[1:])}" for peer in theirs[0]),
    )  # fmt: skip
    yield from material("Tennessee Eastman", trials)
    yield from water_loop(peers)
    valves = data.valve(300)
    judged, theirs = [ours(trial) for trial in valves], [peers.judged(trial) for trial in valves]
    yield from quiet("SKAB valve1, n = 300", judged, theirs)
    yield from found_row("SKAB valve1, n = 300", judged, theirs)
    yield from material("SKAB valve1, n = 300", valves)
    yield from explained("SKAB valve1, n = 300", valves, LOOP)
    for n in (300, 2000):
        (machine,) = data.machine_temperature(n)
        judged, theirs = [ours(machine)], [peers.judged(machine)]
        yield from quiet(f"NAB machine temperature, n = {n:,}", judged, theirs)
        yield from found_row(f"NAB machine temperature, n = {n:,}", judged, theirs)


def water_loop(peers: Peers) -> Iterator[Row]:
    """SKAB's records without anomalies: the first ones as the baseline, then every stretch of them in turn."""
    for n in (1000, 2000, 4000):
        trials = data.water_loop(n)
        name = f"SKAB without anomalies, n = {n:,}"
        yield from quiet(name, [ours(trials[0])], [peers.judged(trials[0])])
        yield from material(f"{name}, every stretch as the baseline", trials)
        yield from explained(f"{name}, every stretch as the baseline", trials, LOOP)
        for how, judged in (
            ("first", [ours(trials[0])]),
            ("every stretch", [ours(trial) for trial in trials]),
        ):
            armed = [each for each in judged if each.is_armed]
            alarms, exposure = sum(each.false for each in armed), sum(each.clean for each in armed)
            title = f"{name}, {how} as the baseline: run length, lower bound"
            beside = f"{alarms} alarms in {exposure:,} records; {refusals(judged)}"
            if armed:
                yield Row(title, arl_lower(alarms, exposure), "records", LIMIT, AT_LEAST, beside)
            else:
                yield Row(title, 1.0, "refused", 1.0, AT_LEAST, beside)


def pictures(peers: Peers, splits: int) -> Iterator[Row]:
    by_name: dict[str, list[Judged]] = {}
    beside: dict[str, list[dict[str, Judged]]] = {}
    for split in range(splits):
        for trial in data.magnetic_tiles(SEED + split):
            by_name.setdefault(trial.name, []).append(ours(trial))
            beside.setdefault(trial.name, []).append(peers.judged(trial))
    yield from quiet("Magnetic tiles at exposures 3 and 4", by_name.pop("clean"), beside.pop("clean"), 0)
    for name, judged in by_name.items():
        delays = [each.delay(0) for each in judged]
        others = "; ".join(
            f"{peer}: {told([each[peer].delay(0) for each in beside[name]])}" for peer in beside[name][0]
        )
        yield Row(
            f"Magnetic tiles, {name}: found", sum(each is not None for each in delays) / len(delays), "of splits", 1.0,
            AT_LEAST, f"{told(delays)} photographs; {others}",
        )  # fmt: skip
    (patches,) = data.tile_patches(300)
    yield from quiet("Tile patches, n = 300", [ours(patches)], [peers.judged(patches)])
    yield from material("Tile patches, n = 300", [patches])


def other_data(peers: Peers) -> Iterator[Row]:
    """Sets that no rule was made on."""
    for name, trials, covariates in (
        ("AI4I milling, n = 1,000", data.milling(1000), ("Air temperature [K]",)),
        ("Electricity, n = 2,000", data.electricity(2000), ("nsw_demand",)),
    ):
        yield from quiet(name, [ours(trial) for trial in trials], [peers.judged(trial) for trial in trials])
        yield from material(name, trials)
        yield from explained(name, trials, covariates)
    streams = data.concepts(2000)
    judged, theirs = [ours(trial) for trial in streams], [peers.judged(trial) for trial in streams]
    yield from quiet("Concept streams, n = 2,000", judged, theirs)
    for each, beside in zip(judged, theirs, strict=True):
        yield from found_row(f"Concept streams, inputs of {each.trial.name}", [each], [beside])
    robots = data.robot_failures()
    judged, theirs = [ours(trial) for trial in robots], [peers.judged(trial) for trial in robots]
    of = sum(len(trial.names) for trial in robots)
    yield Row(
        "Robot failures: streams refused", sum(len(each.refused) for each in judged) / of, "of all",
        peer=refusals(judged),
    )  # fmt: skip
    yield from found_row("Robot failures", judged, theirs)


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows."""
    print(f"seed {SEED}")
    peers = Peers(60_000 if is_quick else 600_000)
    yield from process_data(peers)
    yield from pictures(peers, 1 if is_quick else 5)
    yield from other_data(peers)


if __name__ == "__main__":
    bench(__doc__ or "", measure)
