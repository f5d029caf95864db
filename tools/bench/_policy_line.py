"""A policy in its loop before a gate: the monitor's core in this process, or the real monitor behind `watch`."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from jidoka.config.compile import compile_text
from jidoka.monitor.core import Monitor
from jidoka.monitor.verdicts import Verdict
from jidoka_bridge import plan as plans
from jidoka_bridge.plan import Plan
from jidoka_tap import Rejected, watch, wire
from numpy.typing import NDArray

from tools.bench._peers import ROOT
from tools.bench._policy_bodies import Policy

Floats = NDArray[np.float64]
#: verdict of one command: true, and the machine gets it. observation: (1, entries) float32, action: (1, C) float32
Gate = Callable[[NDArray[np.float32], NDArray[np.float32]], bool]

FAULTS = (
    "",
    "NaN in the observation",
    "one wild entry",
    "all entries huge",
    "all at ±1",
    "far beyond the range",
)
CLEAN, NAN, WILD, HUGE, ENDS, FAR = range(len(FAULTS))
#: of these a command is bad whatever the policy makes of its observation
SURELY_BAD = (NAN, ENDS, FAR)
#: what a session can be made to say by its observation: nothing far beyond its tanh
OBSERVED = (NAN, WILD, HUGE)
#: share of steps with a fault; each is drawn for itself, so some come in a row
FAULTY = 0.08
DEADLINE_S = 5.0
READY_S = (
    600.0  # a monitor compiles its kernels where nobody has before; on a busy machine that takes minutes
)

CONFIGURATION = """\
site: bench
line: policies
device: here
run_dir: {folder}/run
state_dir: {folder}/state
models:
  - {{id: {model}, bundle: {bundle}, mode: none, records_per_s: 10000}}
risks:
  - {{id: R-1, risk: bad commands, model: {model}, when: implausible command, response: advise, owner: engineer}}
  - {{id: R-2, risk: bad commands, model: {model}, when: repeated refusals, response: advise, owner: engineer}}
"""


def open_policy(policy: Policy) -> ort.InferenceSession:
    """Its session, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(policy.path), options, providers=["CPUExecutionProvider"])


def plan_for(policy: Policy, bundle: Path, folder: Path) -> Plan:
    """A line of this one policy, its outputs alone, without a PLC."""
    return compile_text(CONFIGURATION.format(folder=folder, model=policy.name, bundle=bundle), folder)


class Run(NamedTuple):
    """T steps: (T, C) commands as the gate saw them, (T,) whether it let them through, (T,) the row of FAULTS."""

    commands: Floats
    passed: NDArray[np.bool_]
    faults: NDArray[np.int8]


def everything(observation: NDArray[np.float32], action: NDArray[np.float32]) -> bool:
    """No gate."""
    del observation, action
    return True


class Core:
    """The monitor's own core in this process, in simulated time; each command is a record as the tap packs it."""

    def __init__(self, plan: Plan, policy: Policy) -> None:
        self.monitor = Monitor(plan, {}, 1, 0)
        hello = {
            "model": policy.name,
            "pid": 1,
            "boot": "00",
            "inputs": ["obs"],
            "outputs": ["continuous_actions"],
        }
        self.monitor.tap_connected(policy.name, hello, 0)
        self._name, self._period_ns = policy.name, int(policy.period_s * 1e9)
        self._number = 0

    def __call__(self, observation: NDArray[np.float32], action: NDArray[np.float32]) -> bool:
        del observation  # outputs alone
        self._number += 1
        now_ns = self._number * self._period_ns
        pieces, _ = wire.pack_record(self._number, 0, now_ns, 100_000, [(wire.OUTPUT, 0, action)])
        record = wire.unpack_record(memoryview(b"".join(pieces)))
        verdict = self.monitor.record(self._name, record, now_ns).verdict
        self.monitor.take_rows(now_ns, now_ns)
        return verdict != Verdict.REJECT


class Faults:
    """What goes wrong at known steps."""

    def __init__(
        self, seed: int, share: float, kinds: tuple[int, ...] = (NAN, WILD, HUGE, ENDS, FAR)
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._share, self._kinds = share, kinds

    def next(self) -> int:
        return int(self._rng.choice(self._kinds)) if self._rng.random() < self._share else CLEAN

    def observe(self, kind: int, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """NaN: one entry is NaN or ±infinity; wild: one entry is ±1 to ±10⁴; huge: all are about 10⁶."""
        rng, seen = self._rng, np.array(observation)
        entry = int(rng.integers(seen.shape[1]))
        if kind == NAN:
            seen[0, entry] = rng.choice([np.nan, np.nan, np.inf, -np.inf])
        elif kind == WILD:
            seen[0, entry] = rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(0.0, 4.0)
        elif kind == HUGE:
            seen[0] = 1e6 * rng.standard_normal(seen.shape[1])
        return seen

    def act(self, kind: int, action: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ends: each channel at the end of the tanh that is nearer; far: 10 to 1000 times as much, as without a tanh."""
        changed: NDArray[np.float32] = action
        if kind == ENDS:
            changed = np.copysign(np.float32(1.0), action)
        elif kind == FAR:
            changed = np.float32(10.0 ** self._rng.uniform(1.0, 3.0)) * action
        return changed


def drive(policy: Policy, seed: int, steps: int, gate: Gate, faults: Faults | None = None) -> Run:
    """The closed loop: what the gate refuses doesn't reach the body, the last action stays in force."""
    session = open_policy(policy)
    body = policy.body(np.random.default_rng(seed))
    commands = np.empty((steps, len(policy.joints)))
    passed, kinds = np.empty(steps, bool), np.zeros(steps, np.int8)
    force = np.zeros(len(policy.joints))
    for step in range(steps):
        seen = body.observation()[None].astype(np.float32)
        if faults is not None:
            kinds[step] = kind = faults.next()
            seen = faults.observe(kind, seen)
        (action,) = session.run(None, {"obs": seen})
        if faults is not None:
            action = faults.act(kind, action)
        commands[step] = action[0]
        passed[step] = gate(seen, action)
        if passed[step]:
            force = commands[step]
        body.move(force)
    return Run(commands, passed, kinds)


class SilentError(AssertionError):
    """The monitor's process gave no verdict, so this run shows nothing."""


@contextlib.contextmanager
def monitored(plan: Plan, policy: Policy, folder: Path) -> Iterator[Gate]:
    """The real monitor in its own process, and the policy's real session watched as a gate."""
    plan_file = folder / "plan.json"
    plan_file.write_bytes(plans.dump(plan))
    with subprocess.Popen(
        [sys.executable, "-m", "jidoka.monitor", "--plan", str(plan_file)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
    ) as process:  # fmt: skip
        try:
            deadline_s = time.monotonic() + READY_S
            while not plan.tap_socket.exists():
                assert process.poll() is None, "the monitor ended"
                assert time.monotonic() < deadline_s, "the monitor isn't ready"
                time.sleep(0.05)
            session: Any = watch(
                open_policy(policy), policy.name, str(plan.tap_socket), gate=True, deadline_s=DEADLINE_S
            )
            assert session.tap.wait_until_connected(60.0)

            def gate(observation: NDArray[np.float32], action: NDArray[np.float32]) -> bool:
                try:
                    (given,) = session.run(None, {"obs": observation})
                except Rejected as refused:
                    if refused.verdict.is_silent:
                        raise SilentError(policy.name) from refused
                    return False
                assert given.tobytes() == action.tobytes(), "the watched session gave something else"
                return True

            yield gate
        finally:
            process.kill()
