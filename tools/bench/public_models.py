"""Public control policies before the gate, on their outputs alone: what it refuses of clean commands, what it lets by of bad ones.

python tools/bench/public_models.py [--quick] [--json FILE]

Three runs of each policy. Clean: a smooth stream of plausible observations, nothing injected (`_policy_bodies.py`: there
is no simulator for them here). The first run gives the limits, times a margin (`_policy_limits.py`); in the second, of
another seed, every refusal is a false one; in the third, faults come at known steps. A command is bad if it isn't
finite, lies beyond its range, rate or jerk, or has more channels at their limits than declared: `_policy_truth.py` says
which in plain numpy, never the envelope. After a wild observation the command may lie within all limits: from the
outputs nobody can tell it from a good one, so it isn't called bad, is counted, and passes.
The policies aren't part of the project: JIDOKA_DATA names the folder that holds policies/.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

# one thread a library, as on the machines this is for; before numpy is imported
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
from jidoka_bridge.plan import Plan  # noqa: E402

from tools.bench import _policy_line as line  # noqa: E402
from tools.bench._policy_bodies import POLICIES, Policy  # noqa: E402
from tools.bench._policy_limits import END, MARGIN, RANGE_MARGIN, Limits, derive, write_bundle  # noqa: E402
from tools.bench._policy_truth import bad  # noqa: E402
from tools.bench._rows import AT_LEAST, Row, bench  # noqa: E402


class Steps(NamedTuple):
    """How long each run is."""

    limits: int
    clean: int
    faults: int
    chain: int


FULL, QUICK = Steps(100_000, 100_000, 100_000, 4_000), Steps(12_000, 4_000, 4_000, 300)
#: of each run's body, and of its faults
LIMITS_SEED, CLEAN_SEED, FAULTS_SEED, CHAIN_SEED = 21, 22, 23, 24


def limiting(limits: Limits, period_s: float) -> tuple[int, int]:
    """How many channels' range ends before the tanh does, and how many rates stop the widest possible step."""
    ranges = (limits.low > -END) & (limits.high < END)
    rates = limits.rate * period_s < limits.high - limits.low
    return int(ranges.sum()), int(rates.sum())


def judged(policy: Policy, run: line.Run, limits: Limits) -> Iterator[Row]:
    """What passed of a run with faults, and what was refused of it without need."""
    why = bad(run.commands, run.passed, limits, policy.period_s)
    is_bad = np.any(list(why.values()), axis=0)
    name = policy.name
    for kind, fault in enumerate(line.FAULTS):
        of = run.faults == kind
        bad_n, passed = int((of & is_bad).sum()), int((of & is_bad & run.passed).sum())
        if kind == line.CLEAN:
            peer = "no fault at this step, but too far from the command in force"
            what = f"{name}, after a fault: bad commands passed, of {bad_n:,}"
            yield Row(what, passed, "commands", 0, peer=peer)
            refused = int((of & ~is_bad & ~run.passed).sum())
            peer = f"{int(of.sum()):,} steps without a fault"
            yield Row(f"{name}, after a fault: good commands refused", refused, "commands", 0, peer=peer)
            continue
        peer = f"{int(of.sum()):,} such steps"
        yield Row(f"{name}, {fault}: bad commands passed, of {bad_n:,}", passed, "commands", 0, peer=peer)
        share = bad_n / max(1, int(of.sum()))
        if kind in line.SURELY_BAD:
            yield Row(f"{name}, {fault}: command is bad", share, "of steps", 1.0, AT_LEAST)
        else:
            peer = "within all limits: no bad command, and it passes"
            yield Row(f"{name}, {fault}: command like a good one", 1.0 - share, "of steps", peer=peer)
    peer = ", ".join(f"{reason} {int(mask.sum()):,}" for reason, mask in why.items())
    passed = int((is_bad & run.passed).sum())
    yield Row(
        f"{name}: bad commands passed in all, of {int(is_bad.sum()):,}", passed, "commands", 0, peer=peer
    )


def learned(policy: Policy, steps: int) -> tuple[Limits, list[Row]]:
    """Limits from a clean run, and what they can stop at all."""
    clean = line.drive(policy, LIMITS_SEED, steps, line.everything)
    limits = derive(clean.commands, policy.period_s)
    ranges, rates = limiting(limits, policy.period_s)
    name, of = policy.name, f"of {len(policy.joints)} channels"
    return limits, [
        Row(f"{name}: ranges narrower than the policy's own ±1", ranges, "channels", peer=of),
        Row(f"{name}: rates that a step within the range can break", rates, "channels", peer=of),
        Row(f"{name}: channels that may be at their limits at once", limits.saturated, "of all"),
    ]


def in_the_core(policy: Policy, plan: Plan, limits: Limits, steps: Steps) -> Iterator[Row]:
    """Clean commands, then faults, before the monitor's core."""
    run = line.drive(policy, CLEAN_SEED, steps.clean, line.Core(plan, policy))
    peer = f"no rate is configured; limits: {RANGE_MARGIN:g} × range, {MARGIN:g} × rate and jerk of {steps.limits:,} others"
    refused = int((~run.passed).sum())
    yield Row(f"{policy.name}: clean commands refused, of {steps.clean:,}", refused, "commands", 0, peer=peer)
    faults = line.Faults(FAULTS_SEED, line.FAULTY)
    run = line.drive(policy, FAULTS_SEED, steps.faults, line.Core(plan, policy), faults)
    yield from judged(policy, run, limits)


def in_the_chain(policy: Policy, plan: Plan, limits: Limits, steps: int, place: Path) -> Iterator[Row]:
    """The session watched, the monitor in its own process; then the core again over the same steps."""
    with line.monitored(plan, policy, place) as gate:
        chain, core = (
            line.drive(policy, CHAIN_SEED, steps, each, line.Faults(CHAIN_SEED, line.FAULTY, line.OBSERVED))
            for each in (gate, line.Core(plan, policy))
        )
    is_bad = np.any(list(bad(chain.commands, chain.passed, limits, policy.period_s).values()), axis=0)
    name, passed = f"{policy.name}, whole chain", int((is_bad & chain.passed).sum())
    peer = "watch(gate=True) on its session, the monitor in its own process"
    yield Row(f"{name}: bad commands passed, of {int(is_bad.sum()):,}", passed, "commands", 0, peer=peer)
    differ = int((chain.passed != core.passed).sum())
    yield Row(
        f"{name}: verdicts that differ", differ, "commands", 0, peer=f"the core over the same {steps:,} steps"
    )


def whole(policy: Policy, steps: Steps) -> list[Row]:
    """All rows of one policy."""
    # that nothing stops the machine here is known
    logging.getLogger("jidoka_tap").setLevel(logging.ERROR)
    limits, rows = learned(policy, steps.limits)
    with tempfile.TemporaryDirectory(prefix="jidoka-bench-") as folder:
        place = Path(folder)
        plan = line.plan_for(policy, write_bundle(policy, limits, steps.limits, place), place)
        rows.extend(in_the_core(policy, plan, limits, steps))
        rows.extend(in_the_chain(policy, plan, limits, steps.chain, place))
    return rows


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows, one policy after the other; nothing here is timed, so they are measured side by side."""
    for policy in POLICIES:
        if not policy.path.is_file():
            raise SystemExit(f"{policy.path} isn't there; set JIDOKA_DATA to the folder that holds policies/")
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(POLICIES), mp_context=fresh) as pool:
        for rows in pool.map(whole, POLICIES, [QUICK if is_quick else FULL] * len(POLICIES)):
            yield from rows


if __name__ == "__main__":
    bench(__doc__ or "", measure)
