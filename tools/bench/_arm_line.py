"""Arms in simulated time before the monitor's real core: no processes, no clock, every step a record as the tap makes it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from jidoka.arm.body import Joints
from jidoka.arm.knobs import COMMISSIONED, Knobs
from jidoka.arm.motion import CYCLE_STEPS, cycles, observation
from jidoka.arm.plant import PERIOD_S, Plant, distance_rad
from jidoka.arm.program import computed_torque
from jidoka.config.compile import compile_text
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.core import Monitor
from jidoka.monitor.learning import Learner
from jidoka_bridge.messages import Decision, Judgement
from jidoka_bridge.plan import Plan
from jidoka_tap import wire
from numpy.typing import NDArray

MODEL = "arm-policy"
CONDITIONS = ("drift(command)", "drift(all)", "implausible command", "repeated refusals")
PERIOD_NS = int(PERIOD_S * 1e9)
BUNDLE = Path(__file__).resolve().parents[2] / "models" / "arm-policy" / "arm-policy.onnx"

CONFIGURATION = """\
site: bench
line: arms
device: arm
run_dir: /tmp/jidoka-bench/run
state_dir: /tmp/jidoka-bench/state
models:
  - {id: arm-policy, bundle: arm-policy, mode: none, judged: per part, records_per_part: 40}
risks:
  - {id: R-1, risk: drift, model: arm-policy, when: drift(command), false_alarms: 1 per 90 days, response: advise, owner: quality}
  - {id: R-2, risk: drift, model: arm-policy, when: drift(all), false_alarms: 1 per 90 days, response: advise, owner: quality}
  - {id: R-3, risk: refusals, model: arm-policy, when: implausible command, response: advise, owner: engineer}
  - {id: R-4, risk: refusals, model: arm-policy, when: repeated refusals, response: advise, owner: engineer}
"""


@lru_cache(maxsize=1)
def plan() -> Plan:
    """A line of one arm without a PLC, cycles judged as parts, at its own 1.25 cycles a second."""
    return compile_text(CONFIGURATION, Path("/tmp"))  # nothing is written there


@lru_cache(maxsize=1)
def session() -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(BUNDLE), options, providers=["CPUExecutionProvider"])


class Run(NamedTuple):
    """Cycles of many arms: (T, arms, 10) observations, (T, arms, 2) commands of the policy, (T, arms) how far the true
    pose was from its reference in rad."""

    observations: NDArray[np.float32]
    commands: NDArray[np.float32]
    errors_rad: NDArray[np.float64]


def run(seed: int, arms: int, rounds: int, knobs: Knobs = COMMISSIONED, *, is_shadow: bool = False) -> Run:
    """`rounds` cycles of each of `arms` arms under the policy; is_shadow: their own program moves them, the policy watches."""
    rng = np.random.default_rng(seed)
    plant = Plant(rng, arms, knobs)
    seen, commands, errors = [], [], []
    for _ in range(rounds):
        for reference in cycles(rng, arms):
            measured = plant.measured()
            x = observation(measured, reference)
            if knobs.lost_entry >= 0:
                x[:, knobs.lost_entry] = np.nan
            (command,) = session().run(["command"], {"obs": x})
            seen.append(x)
            commands.append(command)
            errors.append(distance_rad(plant.q, reference.q))
            if is_shadow:
                plant.move(computed_torque(measured, reference))
            else:
                plant.move(Joints(*command.T.astype(np.float64)))
    return Run(np.array(seen), np.array(commands), np.array(errors))


def records(of: Run, number: int = 1, part: int = 1, paused_ns: int = 0) -> Iterator[wire.Record]:
    """The steps of a run as the tap sends them, one arm after the other; a cycle is a part. paused_ns: before them."""
    steps, arms, _ = of.observations.shape
    for arm in range(arms):
        for step in range(steps):
            pieces, _ = wire.pack_record(
                number, part + step // CYCLE_STEPS, number * PERIOD_NS + paused_ns, 100_000,
                [(wire.OUTPUT, 0, of.commands[step, arm][None]), (wire.INPUT, 0, of.observations[step, arm][None])],
            )  # fmt: skip
            yield wire.unpack_record(memoryview(b"".join(pieces)))
            number += 1
        part += steps // CYCLE_STEPS


HELLO: dict[str, Any] = {"model": MODEL, "pid": 1, "boot": "00", "inputs": ["obs"], "outputs": ["command"]}


def learn(cycles_wanted: int, seed: int = 1) -> Baseline:
    """A baseline of so many clean cycles: every other arm is moved by the policy, the others by their own program."""
    learner = Learner(plan(), MODEL, cycles_wanted)
    learner.tap_connected(MODEL, HELLO, 0)
    arms = cycles_wanted // 8 + 1
    number = part = 1
    for s, is_shadow in ((seed, False), (seed + 1, True)):
        of = run(s, arms, 4, is_shadow=is_shadow)
        for record in records(of, number, part):
            learner.record(MODEL, record, record.start_ns)
        number += of.errors_rad.size
        part += of.errors_rad.size // CYCLE_STEPS
    (baseline,) = learner.baselines("2026-01-01T00:00:00Z")
    return baseline


class Line:
    """A monitor that watches one arm; numbers and parts go on over everything that it takes."""

    def __init__(self, baseline: Baseline, seed: int = 1) -> None:
        self.monitor = Monitor(plan(), {MODEL: {(0, 0): baseline}}, seed, 0)
        self.monitor.tap_connected(MODEL, HELLO, 0)
        self.number = self.part = 1
        self._paused_ns = 0

    def take(self, of: Run) -> Iterator[Decision]:
        """Feed a run; each decision as it falls."""
        for record in records(of, self.number, self.part, self._paused_ns):
            self.number, self.part = record.number + 1, record.part
            yield self.monitor.record(MODEL, record, record.start_ns)
        self.part += 1

    def pause(self, steps: int) -> None:
        """Time goes on for so many control periods, and no record comes."""
        self._paused_ns += steps * PERIOD_NS

    def condition(self, name: str) -> Any:
        return next(each for each in self.monitor.conditions if each.id == f"{MODEL}:{name}")

    def is_on(self, name: str) -> bool:
        return bool(self.condition(name).judgement is Judgement.ON)
