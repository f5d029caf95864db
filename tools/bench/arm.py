"""The arm: what the monitor finds of it and how soon, what it doesn't, and what the envelope lets through.

python tools/bench/arm.py [--quick] [--json FILE]

In simulated time, through the real learner and the real core: `drift(command)` on cycles, 1 false alarm in 90 days.
"""

from __future__ import annotations

import math
import os
import statistics
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
from jidoka.arm.knobs import COMMISSIONED, Knobs  # noqa: E402
from jidoka.arm.motion import CYCLE_STEPS  # noqa: E402
from jidoka.config.manifest import load_bundle  # noqa: E402
from jidoka.monitor.baseline import Baseline  # noqa: E402
from jidoka_bridge.messages import Judgement  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from tools.bench._arm_line import MODEL, Line, Run, learn, run, session  # noqa: E402
from tools.bench._rows import AT_LEAST, Row, bench  # noqa: E402

DRIFT = "drift(command)"
LEAD_CYCLES, MOST_CYCLES = 40, 300
BASELINE_CYCLES = 2000

#: must be found in every run
FAULTS = {
    "payload 0.2 kg": Knobs(payload_kg=0.2),
    "payload 0.5 kg": Knobs(payload_kg=0.5),
    "motor gain 0.95": Knobs(motor_gain=0.95),
    "dry friction 0.5 Nm": Knobs(coulomb_nm=0.5),
    "dry friction 0.2 Nm": Knobs(coulomb_nm=0.2),
    "shoulder's encoder 0.05 rad off": Knobs(shoulder_bias_rad=0.05),
    "elbow's encoder 0.05 rad off": Knobs(elbow_bias_rad=0.05),
}
SHADOWED = ("payload 0.2 kg", "motor gain 0.95")
#: found, and harmless
NOISE = {
    "encoder noise 1 mrad": Knobs(encoder_noise_rad=0.001),
    "encoder noise 2 mrad": Knobs(encoder_noise_rad=0.002),
}
#: shown for information: where the sight ends
SMALL = {
    "payload 0.05 kg": Knobs(payload_kg=0.05),
    "payload 0.02 kg": Knobs(payload_kg=0.02),
    "motor gain 0.98": Knobs(motor_gain=0.98),
    "motor gain 0.99": Knobs(motor_gain=0.99),
    "dry friction 0.1 Nm": Knobs(coulomb_nm=0.1),
    "shoulder's encoder 0.02 rad off": Knobs(shoulder_bias_rad=0.02),
    "elbow's encoder 0.02 rad off": Knobs(elbow_bias_rad=0.02),
    "encoder noise 0.6 mrad": Knobs(encoder_noise_rad=0.0006),
}


class Found(NamedTuple):
    """One run. steps: from the fault to the alarm, None = never; feature: that spoke loudest; residual: the largest log
    evidence of a tracking residual, as a share of the limit's log; refused: commands that the envelope refused by then."""

    steps: int | None
    feature: str
    residual: float
    refused: int


def find(baseline: Baseline, seed: int, knobs: Knobs, *, is_shadow: bool = False) -> Found:
    """LEAD_CYCLES clean cycles, then the fault until the alarm or MOST_CYCLES are over; is_shadow: as in a proving run."""
    line = Line(baseline, seed)
    for _ in line.take(run(1000 + seed, LEAD_CYCLES // 4, 4, is_shadow=is_shadow)):
        pass
    if line.is_on(DRIFT):
        raise SystemExit(f"an alarm on clean cycles (seed {seed})")
    refused = 0
    for step, decision in enumerate(
        line.take(run(2000 + seed, MOST_CYCLES // 4, 4, knobs, is_shadow=is_shadow)), 1
    ):
        refused += decision.verdict == 2
        if line.is_on(DRIFT):
            condition = line.condition(DRIFT)
            shares = condition.evidence["shares"]
            residual = max(share for name, share in shares.items() if name.startswith("residual."))
            return Found(step, condition.evidence["feature"], residual / math.log(condition.limit), refused)
    return Found(None, "", 0.0, refused)


def delays(name: str, found: list[Found], reach: float | None) -> Iterator[Row]:
    """How often it was found, and after how many steps and cycles. reach: share of runs in which it must be found."""
    share = sum(each.steps is not None for each in found) / len(found)
    sense = AT_LEAST if reach is not None else "at most"
    yield Row(f"{name}: found within {MOST_CYCLES} cycles", share, "of runs", reach, sense)
    steps = [each.steps for each in found if each.steps is not None]
    if steps:
        loudest = statistics.mode(each.feature for each in found if each.feature)
        median = statistics.median(steps)
        yield Row(f"{name}: median delay", median, "steps", peer=f"loudest: {loudest}")
        yield Row(f"{name}: median delay", median / CYCLE_STEPS, "cycles", peer=f"of {CYCLE_STEPS} steps")


def in_the_shadow(baseline: Baseline, seeds: range) -> Iterator[Row]:
    """A proving run: the arm's own program moves it. Clean ones must be judged good, faults be seen as soon as ever."""
    for name in SHADOWED:
        own, shadow = (
            statistics.median(
                each.steps or math.inf
                for each in (find(baseline, seed, FAULTS[name], is_shadow=s) for seed in seeds)
            )
            for s in (False, True)
        )
        yield Row(
            f"{name}: delay in the shadow, to under the policy",
            shadow / own,
            "×",
            1.25,
            peer=f"{own:g} steps",
        )
    runs = 10 * len(seeds)
    good = 0
    # those that the test takes, one more to end the last, and those for which a feature with a past has no score yet
    cycles = Line(baseline, 0).condition(DRIFT).needed_n + 1 + int(baseline.reference.orders.max())
    for seed in range(runs):
        line = Line(baseline, seed)
        for _ in line.take(run(3000 + seed, cycles, 1, is_shadow=True)):
            pass
        condition = line.condition(DRIFT)
        good += condition.judgement is Judgement.OFF
    yield Row(
        f"clean proving runs judged good, of {runs}",
        good / runs,
        "of runs",
        0.97,
        AT_LEAST,
        "0.99 by the test",
    )


def error_mrad(of: Run) -> NDArray[np.float64]:
    """Mean true distance from the reference in each cycle, mrad."""
    steps, arms = of.errors_rad.shape
    cycles: NDArray[np.float64] = of.errors_rad.reshape(steps // CYCLE_STEPS, CYCLE_STEPS, arms).mean(1)
    return 1e3 * cycles.ravel()


def harmless(name: str, knobs: Knobs, found: list[Found]) -> Iterator[Row]:
    """Drift without damage: the arm goes where it should, and the evidence says so."""
    clean, noisy = error_mrad(run(7, 100, 5)), error_mrad(run(7, 100, 5, knobs))  # the same targets
    yield Row(
        f"{name}: true error, to clean", float(noisy.mean() / clean.mean()), "×", 1.05, peer="clean cycles"
    )
    low, high = np.quantile(clean, (0.005, 0.995))
    inside = float(((noisy >= low) & (noisy <= high)).mean())
    yield Row(
        f"{name}: cycles within the clean 99 % range", inside, "of all", 0.97, AT_LEAST, "0.99 by definition"
    )
    residual = max(each.residual for each in found)
    yield Row(
        f"{name}: evidence in the residuals, to the limit", residual, "log/log", 0.5, peer="the alarm's: ≥ 1"
    )


def envelope(baseline: Baseline, steps: int) -> Iterator[Row]:
    """What passes the gate's verdict and shouldn't, and what is refused and shouldn't."""
    arms = max(1, steps // (4 * CYCLE_STEPS))
    clean = run(31, arms, 4)
    refused = sum(decision.verdict == 2 for decision in Line(baseline).take(clean))
    yield Row(f"clean commands refused, of {clean.errors_rad.size:,}", refused, "commands", 0)
    bundle = load_bundle(MODEL)
    channels = next(each for each in bundle.outputs if each.role == "command").channels
    rng = np.random.default_rng(32)
    lost = clean.observations.copy()
    np.put_along_axis(lost, rng.integers(0, lost.shape[2], (*lost.shape[:2], 1)), np.nan, axis=2)
    wild = clean.observations * np.exp(rng.normal(0.0, 2.0, (*lost.shape[:2], 1))).astype(np.float32)
    for name, x in (("one entry NaN", lost), ("observations scaled by e^N(0, 2)", wild)):
        (command,) = session().run(["command"], {"obs": x.reshape(-1, x.shape[2])})
        command = command.reshape(*x.shape[:2], 2)
        bad = ~np.isfinite(command).all(axis=2)
        for c, channel in enumerate(channels):
            assert channel.low is not None
            assert channel.high is not None
            bad |= (command[:, :, c] < channel.low) | (command[:, :, c] > channel.high)
        verdicts = [d.verdict for d in Line(baseline).take(Run(x, command, clean.errors_rad))]
        passed = sum(verdict != 2 for verdict, is_bad in zip(verdicts, bad.T.ravel(), strict=True) if is_bad)
        yield Row(f"bad commands passed, {name}, of {int(bad.sum()):,}", int(passed), "commands", 0)


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows."""
    seeds = range(2) if is_quick else range(20)
    ours, theirs = (float(error_mrad(run(5, 100, 5, is_shadow=shadow)).mean()) for shadow in (False, True))
    yield Row("closed-loop error of the policy", ours, "mrad", peer=f"its expert: {theirs:.2f} mrad")
    yield Row("closed-loop error, policy to expert", ours / theirs, "×", 1.05, peer="computed torque")
    baseline = learn(BASELINE_CYCLES)
    for name, knobs in FAULTS.items():
        yield from delays(name, [find(baseline, seed, knobs) for seed in seeds], 1.0)
    for name, knobs in NOISE.items():
        found = [find(baseline, seed, knobs) for seed in seeds]
        yield from delays(name, found, 1.0)
        yield from harmless(name, knobs, found)
    yield from in_the_shadow(baseline, seeds)
    if not is_quick:
        for name, knobs in SMALL.items():
            yield from delays(name, [find(baseline, seed, knobs) for seed in seeds], None)
        quiet = [find(baseline, 500 + seed, COMMISSIONED) for seed in seeds]
        alarms = sum(each.steps is not None for each in quiet)
        yield Row(f"alarms in {len(quiet) * MOST_CYCLES:,} clean cycles", alarms, "alarms", 0)
    yield from envelope(baseline, 20_000 if is_quick else 100_000)


if __name__ == "__main__":
    bench(__doc__ or "", measure)
