"""Gates, estimates, labels and slices: do they keep what they promise, and how soon do they see what is there?

python tools/bench/estimates.py [--quick] [--json FILE]

Simulated, a fresh baseline in every run. CBPE and calibration error are held against what NannyML and MAPIE gave for
fixed inputs (tests/monitor/estimates/peers.py).
"""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# one thread a library, as on the machines this is for; before numpy is imported
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
from jidoka.monitor.baseline import Baseline  # noqa: E402
from jidoka.monitor.estimates import (  # noqa: E402
    ErrorRate,
    RunningEstimate,
    calibration_error,
    estimate_accuracy,
    fit_temperature,
)
from jidoka.monitor.estimates.error_rate import bounds_of  # noqa: E402
from jidoka.monitor.gates import Gate, ModelGates  # noqa: E402
from jidoka.monitor.slices.disparity import ALPHA, half_width  # noqa: E402
from jidoka.steward.labels import Label, Labels, Words  # noqa: E402
from jidoka_bridge.messages import Decision  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from tests.monitor.estimates.peers import inputs  # noqa: E402
from tools.bench._rows import AT_LEAST, Row, bench  # noqa: E402
from tools.bench._slice_runs import first_seen, wald_seen  # noqa: E402

PEERS = Path(__file__).resolve().parents[2] / "tests/monitor/estimates/peer_figures.json"
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
LAWS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "t3": lambda rng, n: rng.standard_t(3, n),
    "Beta(18,2)": lambda rng, n: rng.beta(18, 2, n),
    "tied": lambda rng, n: np.round(rng.beta(18, 2, n), 1),
}
RATE = 0.005


def ar1(rng: np.random.Generator, n: int, rho: float) -> NDArray[np.float64]:
    """Normal, variance 1, neighbours correlated by rho."""
    noise = rng.standard_normal(n) * math.sqrt(1 - rho * rho)
    values = np.empty(n)
    last = float(rng.standard_normal())
    for i in range(n):
        values[i] = last = rho * last + float(noise[i])
    return values


def gates(quick: bool) -> Iterator[Row]:
    """The share of good records that is rejected at 0.5 %, and what a drift can do to the level."""
    runs, records = (60, 3000) if quick else (400, 10_000)
    for law, draw in LAWS.items():
        for n in (500, 2000):
            rng = np.random.default_rng([1, n, len(law)])
            shares = [_share(Gate(draw(rng, n).tolist(), RATE), draw(rng, records)) for _ in range(runs)]
            error = statistics.stdev(shares) / math.sqrt(runs)
            yield Row(
                f"gate at 0.5 %, {law}, n = {n}: good records rejected", 100 * statistics.fmean(shares), "%",
                100 * (RATE + 2 * error), peer="reach: the rate and two standard errors",
            )  # fmt: skip
    rng = np.random.default_rng(2)
    for adapts, word in ((False, "fixed"), (True, "adaptive")):
        shares = [
            _share(
                Gate(rng.standard_normal(2000).tolist(), RATE, adapts=adapts), rng.standard_normal(records)
            )
            for _ in range(runs)
        ]
        yield Row(
            f"gate at 0.5 %, n = 2000, {word}: the unluckiest of 20 baselines rejects",
            100 * float(np.quantile(shares, 0.95)),
            "%",
            100 * (RATE + 16 / records) if adapts else None,
            peer="reach: the rate and 16 records" if adapts else "",
        )
    for rho, n in ((0.5, 2000), (0.9, 10_000)):
        yield from _dependent(rng, rho, n, runs // 4, records)
    refused = [not _gates(ar1(rng, 2000, 0.9)).gates for _ in range(runs // 4)]
    name = "gate at 0.5 %, AR(1) ρ = 0.9, n = 2000: refused"
    yield Row(
        name, 100 * statistics.fmean(refused), "%", 99.0, AT_LEAST, "remembers 19 records: 7 581 are needed"
    )
    gate = Gate(rng.standard_normal(2000).tolist(), RATE)
    drifted = [gate.judge(value) for value in (rng.standard_normal(20_000) + 8.0).tolist()]
    yield Row(
        "gate after 20 000 records that drifted by 8 σ: level",
        gate.level.now / RATE,
        "of rate",
        0.25,
        AT_LEAST,
    )
    yield Row("the last 10 000 of these: rejected", 100 * sum(drifted[10_000:]) / 10_000, "%", 99.0, AT_LEAST)


def _dependent(rng: np.random.Generator, rho: float, n: int, runs: int, records: int) -> Iterator[Row]:
    """Records that resemble their neighbours, with what the baseline itself tells of that."""
    shares, refused = [], 0
    for _ in range(runs):
        gates = _gates(ar1(rng, n, rho))
        refused += not gates.gates
        shares += [_share(gate, ar1(rng, records, rho)) for gate in gates.gates.values()]
    error = statistics.stdev(shares) / math.sqrt(len(shares))
    yield Row(
        f"gate at 0.5 %, AR(1) ρ = {rho}, n = {n}: good records rejected",
        100 * statistics.fmean(shares),
        "%",
        100 * (RATE + 2 * error),
        peer=f"on the average, no proof; {refused} of {runs} refused",
    )


def _gates(column: NDArray[np.float64]) -> ModelGates:
    setting = {"feature": "x", "reject_at_most": RATE, "side": "both", "adapts": True}
    baseline = Baseline("m", "", 0, 0, ("x",), column[:, None], 10.0, "")
    return ModelGates({"gate": setting}, ("x",), {(0, 0): baseline})


def _share(gate: Gate, values: NDArray[np.float64]) -> float:
    return sum(gate.judge(value) for value in values.tolist()) / len(values)


def slices(quick: bool) -> Iterator[Row]:
    """Any-time false alarms without a gap; parts until one is seen."""
    rng = np.random.default_rng(3)
    runs = 200
    told = sum(first_seen(rng, [0.03] * 12, 40_000, ALPHA / 12) > 0 for _ in range(runs))
    wald = sum(wald_seen(rng, [0.03] * 12, 40_000, 200) for _ in range(10 if quick else 100)) / (
        10 if quick else 100
    )
    yield Row(
        "no gap, 12 slices × 40 000 parts: ever told a gap", 100 * told / runs, "%", 5.0,
        peer=f"{runs} seeds; a 95 % interval every 200 parts: {wald:.0%}",
    )  # fmt: skip
    long = 3 if quick else 120
    told = sum(first_seen(rng, [0.03] * 12, 1_000_000, ALPHA / 12) > 0 for _ in range(long))
    name = "no gap, 12 slices × 1 000 000 parts: ever told a gap"
    yield Row(name, 100 * told / long, "%", 5.0, peer=f"{long} seeds")
    told = sum(first_seen(rng, [0.003] * 12, 40_000, ALPHA / 12) > 0 for _ in range(runs // 2))
    yield Row("no gap, 12 slices of 0.3 %, 40 000 parts: ever told a gap", 200 * told / runs, "%", 5.0)
    runs = 60 if quick else 400
    told = sum(first_seen(rng, [0.03] * 2, 40_000, ALPHA) > 0 for _ in range(runs))
    yield Row("no gap, 2 slices × 40 000 parts: ever told a gap", 100 * told / runs, "%", 5.0)
    seen = [first_seen(rng, [0.03, 0.045], 60_000, ALPHA) or 60_001 for _ in range(runs)]
    yield Row("3 % v 4.5 %, 2 slices: seen after, median", statistics.median(seen), "parts", 6000.0)
    late = sum(each > 12_000 for each in seen)
    yield Row("3 % v 4.5 %, 2 slices: unseen after 12 000 parts", 100 * late / runs, "%", None)
    seen = [
        first_seen(rng, [0.03] * 11 + [0.045], 120_000, ALPHA / 12) or 120_001
        for _ in range(10 if quick else 60)
    ]
    yield Row("4.5 % in one of 12 slices, 3 % in 11: seen after, median", statistics.median(seen), "parts")
    for parts in (10_000, 40_000, 1_000_000):
        for m in (2, 12):
            alpha = ALPHA if m == 2 else ALPHA / 12
            width = float(half_width(0.03 * parts, parts, parts / m, alpha))
            name = f"smallest gap visible, {m} slices of 3 %, after {parts:,} parts"
            yield Row(name, 100 * width, "points")


def labels(quick: bool) -> Iterator[Row]:
    """Joined accuracy beside a recomputation; the error rate against its limit."""
    rng = np.random.default_rng(4)
    words = Words(("ok", "scratch", "pit"), frozenset({"ok"}))
    joined, naive, parts = Labels({"m": words}), [], 3000 if quick else 20_000
    for part in range(1, parts + 1):
        views = rng.integers(0, 3, 2).tolist()
        rows = [
            Decision(2 * part + i, part, 0, part * 10**9, 0, each, 0, 0, i, 0, 0.9, 0.0, 0.0)
            for i, each in enumerate(views)
        ]
        joined.rows("m", rows)
        was = words.classes[int(rng.integers(3))]
        joined.join("m", Label("part", part, was), (part + 5) * 10**9)
        bad = {words.classes[each] for each in views} - {"ok"}
        naive.append(was in (bad or {"ok"}))
    gap = abs(joined.counts["m"]["right"] / joined.counts["m"]["labels"] - sum(naive) / parts)
    yield Row("joined accuracy beside a recomputation", gap, "", 1e-12)
    runs, n = (100, 2000) if quick else (400, 20_000)
    told = sum(_broken(rng, 0.02, 0.02, n) > 0 for _ in range(runs))
    yield Row(
        "error rate at its limit of 2 %: ever said to break it",
        100 * told / runs,
        "%",
        5.0 + 200 * math.sqrt(0.0475 / runs),
        peer=f"{n:,} labels; reach: 5 % and two standard errors",
    )
    seen = [_broken(rng, 0.02, 0.04, 20_000) or 20_001 for _ in range(runs // 2)]
    yield Row("error rate of 4 %, limit 2 %: seen after, median", statistics.median(seen), "labels")
    missed = 0
    for _ in range(runs):
        errors = (rng.random(2000) < 0.02).cumsum()
        looks = np.unique(np.geomspace(1, 2000, 50).astype(int))
        missed += any(not (b := bounds_of(int(errors[i - 1]), int(i))).low <= 0.02 <= b.high for i in looks)
    yield Row("bounds of an error rate of 2 %: ever miss it", 100 * missed / runs, "%", 5.0)


def _broken(rng: np.random.Generator, limit: float, rate: float, labels: int) -> int:
    """1-based label at which the limit is said to be broken; 0 = never."""
    told = ErrorRate(limit)
    for i, is_wrong in enumerate((rng.random(labels) < rate).tolist(), 1):
        told.add(not is_wrong)
        if told.is_broken:
            return i
    return 0


def confidence(quick: bool) -> Iterator[Row]:
    """Estimates without labels, beside peers and beside the truth."""
    peers = json.loads(PEERS.read_text())
    cbpe = ece = 0.0
    for peer in peers["figures"]:
        each = inputs(int(peer["seed"]))
        p, said, truth = each["p"], each["said"], each["truth"]
        cbpe = max(cbpe, abs(estimate_accuracy(p, said).accuracy - peer["cbpe_accuracy"]))
        ece = max(ece, abs(calibration_error(p.max(axis=1), said == truth) - peer["calibration_error"]))
    yield Row("CBPE accuracy: largest difference", cbpe, "", 1e-6, peer=f"NannyML {peers['nannyml']}")
    yield Row("expected calibration error: largest difference", ece, "", 1e-9, peer=f"MAPIE {peers['mapie']}")
    rng = np.random.default_rng(5)
    n = 4000 if quick else 40_000
    scores = 2.0 * rng.standard_normal((2 * n, 4))
    truth = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    logits = 2.5 * scores  # a model that is too sure
    fitted = fit_temperature(logits[:n], truth[:n])
    yield Row(
        "temperature of a model 2.5 × too sure", fitted.value, "", peer=f"± {fitted.standard_error:.1%}"
    )
    for name, temperature in (("before", 1.0), ("after", fitted.value)):
        p, is_right = _said(logits[n:] / temperature, truth[n:])
        yield Row(f"calibration error {name} the temperature", calibration_error(p, is_right), "", 0.05 if name == "after" else None)  # fmt: skip
        off = abs(_estimate(p) - float(is_right.mean()))
        yield Row(
            f"estimate without labels, {name}: off by", 100 * off, "points", 2.0 if name == "after" else None
        )
    blurred = logits[n:] / fitted.value + 1.5 * rng.standard_normal(logits[n:].shape)
    p, is_right = _said(blurred, truth[n:])
    yield Row("the same on inputs that mislead the model: off by", 100 * (_estimate(p) - float(is_right.mean())), "points", peer="an estimate can't see confident mistakes")  # fmt: skip


def _said(z: NDArray[np.float64], truth: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return np.minimum(p.max(axis=1), 1.0), p.argmax(axis=1) == truth


def _estimate(p: NDArray[np.float64]) -> float:
    running = RunningEstimate()
    for each in p.tolist():
        running.add(each)
    return running.estimate.accuracy


def measure(quick: bool) -> Iterator[Row]:
    """Every row; quick: fewer runs."""
    yield from gates(quick)
    yield from slices(quick)
    yield from labels(quick)
    yield from confidence(quick)


if __name__ == "__main__":
    bench(__doc__.splitlines()[0], measure)
