"""Makes the bundle models/arm-policy: clones the arm's own program into a small network, exports, measures, writes.

Run from anywhere with the `tools` extra installed: `python tools/models/arm_policy.py`. numpy trains it, one thread.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# before numpy is imported: for matrices this small a second thread makes it slower, and sums differ with their order
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import onnxruntime as ort  # noqa: E402
from jidoka.arm.body import Joints  # noqa: E402
from jidoka.arm.knobs import COMMISSIONED, Knobs  # noqa: E402
from jidoka.arm.motion import CYCLE_STEPS, ENTRIES, cycles, observation  # noqa: E402
from jidoka.arm.plant import PERIOD_S, Plant, distance_rad  # noqa: E402
from jidoka.arm.program import computed_torque  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "arm-policy"
COMMAND = "python tools/models/arm_policy.py"
TRAIN_SEED, TEST_SEED, LIMITS_SEED = 20_260_301, 20_260_302, 20_260_303
ARMS, CYCLES_A_ROUND, ROUNDS = 256, 4, 8
HIDDEN = 64
BATCH, STEPS_A_ROUND = 1024, 2_500
OPSET, IR_VERSION = 17, 8  # old enough for the onnxruntime builds of JetPack 5 and 6
GOAL = 1.15  # closed-loop error of the policy, as a multiple of the expert's
PUSH_RAD_S = 0.4  # standard deviation of a push, one in PUSH_EVERY steps
PUSH_EVERY = 10

Floats = NDArray[np.float32]
Policy = Callable[[Floats], Floats]


class Network:
    """(N, 10) observations to (N, 2) torques in Nm: two layers of tanh beside a linear way, all standardised."""

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int) -> None:
        def layer(size_in: int, size_out: int) -> Floats:
            drawn = rng.standard_normal((size_in, size_out)) / np.sqrt(size_in)
            return np.asarray(drawn, np.float32)

        self.centre, self.scale = np.zeros(inputs, np.float32), np.ones(inputs, np.float32)
        self.middle, self.spread = np.zeros(outputs, np.float32), np.ones(outputs, np.float32)
        self.weights = {
            "w1": layer(inputs, HIDDEN), "b1": np.zeros(HIDDEN, np.float32),
            "w2": layer(HIDDEN, HIDDEN), "b2": np.zeros(HIDDEN, np.float32),
            "w3": 0.1 * layer(HIDDEN, outputs), "b3": np.zeros(outputs, np.float32),
            "skip": np.zeros((inputs, outputs), np.float32),
        }  # fmt: skip
        self._first = {name: np.zeros_like(each) for name, each in self.weights.items()}
        self._second = {name: np.zeros_like(each) for name, each in self.weights.items()}
        self._taken = 0

    def standardise(self, x: Floats, y: Floats) -> None:
        """Fix the scales of inputs and outputs from data."""
        self.centre, self.scale = x.mean(0), x.std(0)
        self.middle, self.spread = y.mean(0), y.std(0)

    def __call__(self, x: Floats) -> Floats:
        return self._forward((x - self.centre) / self.scale)[0] * self.spread + self.middle

    def _forward(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        w = self.weights
        h1 = np.tanh(x @ w["w1"] + w["b1"])
        h2 = np.tanh(h1 @ w["w2"] + w["b2"])
        return h2 @ w["w3"] + w["b3"] + x @ w["skip"], h1, h2

    def learn(self, x: Floats, y: Floats, rate: float) -> float:
        """One step of Adam (Kingma and Ba 2015) on the mean squared error of a batch; returns that error."""
        x = (x - self.centre) / self.scale
        y = (y - self.middle) / self.spread
        out, h1, h2 = self._forward(x)
        w, slope = self.weights, (2.0 / out.size) * (out - y)
        back2 = (slope @ w["w3"].T) * (1 - h2 * h2)
        back1 = (back2 @ w["w2"].T) * (1 - h1 * h1)
        gradients = {
            "w3": h2.T @ slope, "b3": slope.sum(0), "skip": x.T @ slope,
            "w2": h1.T @ back2, "b2": back2.sum(0), "w1": x.T @ back1, "b1": back1.sum(0),
        }  # fmt: skip
        self._taken += 1
        step = rate * np.sqrt(1 - 0.999**self._taken) / (1 - 0.9**self._taken)
        for name, gradient in gradients.items():
            self._first[name] += 0.1 * (gradient - self._first[name])
            self._second[name] += 0.001 * (gradient * gradient - self._second[name])
            w[name] -= np.float32(step) * self._first[name] / (np.sqrt(self._second[name]) + 1e-8)
        return float(np.square(out - y).mean())


def rollout(
    rng: np.random.Generator, policy: Policy | None, arms: int, rounds: int, *, is_pushed: bool, knobs: Knobs = COMMISSIONED
) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
    """`rounds` cycles of `arms` arms that a policy moves (None: their own program).

    Returns observations and the expert's answers to them, (T, arms, 10) and (T, arms, 2), the commands that moved
    the arms, (T, arms, 2), and how far the true pose was from its reference in rad, (T, arms).
    """
    plant = Plant(rng, arms, knobs)
    seen, wanted, moved, errors = [], [], [], []
    for _ in range(rounds):
        for reference in cycles(rng, arms):
            measured = plant.measured()
            x = observation(measured, reference)
            expert = np.stack(computed_torque(measured, reference), 1).astype(np.float32)
            command = expert if policy is None else policy(x)
            seen.append(x)
            wanted.append(expert)
            moved.append(command)
            errors.append(distance_rad(plant.q, reference.q))
            plant.move(Joints(*command.T.astype(np.float64)))
            if is_pushed:
                push = PUSH_RAD_S * rng.standard_normal((2, arms)) * (rng.random((2, arms)) < 1 / PUSH_EVERY)
                plant.dq = Joints(plant.dq.shoulder + push[0], plant.dq.elbow + push[1])
    return np.array(seen), np.array(wanted), np.array(moved), np.array(errors, np.float32)


def train(seed: int, arms: int, rounds: int, steps: int) -> Network:
    """Imitate the expert where the expert goes, then where the policy goes (DAgger: Ross, Gordon and Bagnell 2011)."""
    rng = np.random.default_rng(seed)
    network = Network(rng, len(ENTRIES), 2)
    x = np.zeros((0, len(ENTRIES)), np.float32)
    y = np.zeros((0, 2), np.float32)
    for number in range(rounds):
        policy = None if number == 0 else network
        seen, wanted, _, errors = rollout(rng, policy, arms, CYCLES_A_ROUND, is_pushed=number % 2 == 0)
        x = np.concatenate([x, seen.reshape(-1, x.shape[1])])
        y = np.concatenate([y, wanted.reshape(-1, 2)])
        if number == 0:
            network.standardise(x, y)
        loss = 0.0
        for step in range(steps):
            share = (number * steps + step) / (rounds * steps)
            pick = rng.integers(0, len(x), BATCH)
            loss += network.learn(x[pick], y[pick], 3e-3 * (0.5 + 0.5 * np.cos(np.pi * share)) + 1e-6)
        print(
            f"round {number + 1} of {rounds}: {len(x):,} steps, loss {loss / steps:.2e}, "
            f"{'expert' if policy is None else 'policy'} was {1e3 * errors.mean():.1f} mrad off", flush=True,
        )  # fmt: skip
    return network


def export(network: Network, path: Path) -> None:
    """Write the ONNX file: obs [batch, 10] to command [batch, 2], weights inside, no traces of this machine."""
    import onnx  # noqa: PLC0415 - training and measuring need none of it
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    w = network.weights
    tensors = {
        "centre": network.centre, "scale": network.scale, "middle": network.middle, "spread": network.spread, **w,
    }  # fmt: skip
    nodes = [
        helper.make_node("Sub", ["obs", "centre"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["x"]),
        helper.make_node("Gemm", ["x", "w1", "b1"], ["a1"]),
        helper.make_node("Tanh", ["a1"], ["h1"]),
        helper.make_node("Gemm", ["h1", "w2", "b2"], ["a2"]),
        helper.make_node("Tanh", ["a2"], ["h2"]),
        helper.make_node("Gemm", ["h2", "w3", "b3"], ["bent"]),
        helper.make_node("MatMul", ["x", "skip"], ["straight"]),
        helper.make_node("Add", ["bent", "straight"], ["y"]),
        helper.make_node("Mul", ["y", "spread"], ["spread_out"]),
        helper.make_node("Add", ["spread_out", "middle"], ["command"]),
    ]
    graph = helper.make_graph(
        nodes, "arm-policy",
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, ["batch", len(ENTRIES)])],
        [helper.make_tensor_value_info("command", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(np.ascontiguousarray(each, np.float32), name) for name, each in tensors.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="jidoka")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def policy_of(path: Path) -> Policy:
    """The exported file as a policy."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def policy(x: Floats) -> Floats:
        (command,) = session.run(["command"], {"obs": x})
        return np.asarray(command, np.float32)

    return policy


@dataclass(frozen=True)
class Limits:
    """Of each of the two channels: the most that clean runs did. low, high in Nm; rate in Nm/s; jerk in Nm/s²."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    rate: tuple[float, ...]
    jerk: tuple[float, ...]
    residual_rad: float


LIMITS_ARMS, LIMITS_CYCLES = 250, 8
RANGE_MARGIN, RATE_MARGIN, JERK_MARGIN, RESIDUAL_MARGIN = 1.5, 1.5, 1.5, 6.0


def measure_limits(policy: Policy) -> Limits:
    """The extremes of the policy's commands over clean cycles that it, and that the arm's own program, moves."""
    found = []
    residual = 0.0
    for seed, mover in ((LIMITS_SEED, policy), (LIMITS_SEED + 1, None)):
        seen, _, moved, _ = rollout(
            np.random.default_rng(seed), mover, LIMITS_ARMS, LIMITS_CYCLES, is_pushed=False
        )
        command = moved if mover else policy(seen.reshape(-1, seen.shape[2])).reshape(moved.shape)
        rate = np.diff(command, axis=0) / PERIOD_S
        jerk = np.diff(rate, axis=0) / PERIOD_S
        found.append(
            (command.min((0, 1)), command.max((0, 1)), np.abs(rate).max((0, 1)), np.abs(jerk).max((0, 1)))
        )
        residual = max(residual, float(np.abs(seen[:, :, 4:6] - seen[:, :, 0:2]).max()))
    low, high = np.min([each[0] for each in found], 0), np.max([each[1] for each in found], 0)
    rate, jerk = (np.max([each[k] for each in found], 0) for k in (2, 3))
    extremes = [tuple(float(value) for value in each) for each in (low, high, rate, jerk)]
    return Limits(extremes[0], extremes[1], extremes[2], extremes[3], residual)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


CONDITIONS: dict[str, Knobs] = {
    "as commissioned": COMMISSIONED,
    "payload 0.2 kg": Knobs(payload_kg=0.2),
    "payload 0.5 kg": Knobs(payload_kg=0.5),
    "motor gain 0.95": Knobs(motor_gain=0.95),
    "dry friction 0.5 Nm": Knobs(coulomb_nm=0.5),
    "shoulder's encoder 0.05 rad off": Knobs(shoulder_bias_rad=0.05),
    "elbow's encoder 0.05 rad off": Knobs(elbow_bias_rad=0.05),
    "encoder noise 1 mrad": Knobs(encoder_noise_rad=0.001),
    "encoder noise 2 mrad": Knobs(encoder_noise_rad=0.002),
}
TEST_ARMS, TEST_CYCLES = 200, 5


def closed_loop_mrad(policy: Policy | None, knobs: Knobs, seed: int = TEST_SEED) -> tuple[float, float]:
    """Mean and 99.9 % quantile of how far the true pose is from its reference, in mrad."""
    errors = rollout(
        np.random.default_rng(seed), policy, TEST_ARMS, TEST_CYCLES, is_pushed=False, knobs=knobs
    )[3]
    return 1e3 * float(errors.mean()), 1e3 * float(np.quantile(errors, 0.999))


def measure(policy: Policy) -> tuple[dict[str, tuple[float, float]], str]:
    """Mean error of (policy, expert) by condition in mrad, and the card's figures as Markdown."""
    found: dict[str, tuple[float, float]] = {}
    rows: list[tuple[str, ...]] = []
    for name, knobs in CONDITIONS.items():
        (ours, our_worst), (theirs, their_worst) = (closed_loop_mrad(each, knobs) for each in (policy, None))
        found[name] = (ours, theirs)
        rows.append((name, f"{ours:.2f}", f"{our_worst:.1f}", f"{theirs:.2f}", f"{their_worst:.1f}"))
    ours, theirs = found["as commissioned"]
    steps = TEST_ARMS * TEST_CYCLES * CYCLE_STEPS
    text = (
        f"{TEST_ARMS * TEST_CYCLES:,} cycles, {steps:,} steps (seed {TEST_SEED}), the arm as commissioned: "
        f"**{ours:.2f} mrad** mean distance from the reference under the policy, {theirs:.2f} mrad under the arm's own "
        "program that it was cloned from. With one thing changed at a time (mean and 99.9 % quantile, mrad):\n\n"
    )
    text += table(("arm", "policy", "99.9 %", "own program", "99.9 %"), rows)
    return found, text


MANIFEST = """\
# What this model is, what it may be used for, and what goes in and comes out. Written by its maker:
# {command}
format: 1
id: arm-policy
version: 1.0.0
file: arm-policy.onnx
sha256: {sha256}
maker: Jidoka project
licence: Apache-2.0
intended_use: Moves the two-joint arm in software that comes with Jidoka, to show and test the monitoring of control models.
not_for:
  - Any real arm; it was never near one.
  - Any motion that a person's safety depends on.
  - Loads at the tip, targets outside its reach, or another control period; it was never shown one.
task: control
period: 20 ms
inputs:
  - name: obs
    dtype: float32
    shape: [batch, 10]
    role: state
    monitored: true
    channels: [{entries}]
outputs:
  - name: command
    dtype: float32
    shape: [batch, 2]
    unit: Nm
    role: command
    # the extremes of {limit_steps:,} clean steps (seeds {limits_seed} and {limits_seed_2}), of the policy and in its shadow:
    # range × {range_margin:g} about its middle, rate × {rate_margin:g}, jerk × {jerk_margin:g}
    channels:
{channels}
limits:
  saturation: {{at: 0.98, share: 0.1, records: {window}}}
  chatter: {{share: {chatter}, records: {window}}}
  # {residual_margin:g} times the largest distance of those steps
  tracking: {{state: {{input: obs, entries: [0, 1]}}, target: {{input: obs, entries: [4, 5]}}, limit: {residual}}}
refusals: {{in_a_row: 5, of_last: [20, 100]}}
figures: {{policy_mrad: {policy_mrad:.2f}, expert_mrad: {expert_mrad:.2f}, test_cycles: {test_cycles}, seed: {seed}, command: "{command}"}}
"""
CHATTER = 0.95  # a noisy encoder turns a command round in many steps; one that swings, in every one
#: short beside a cycle: what a window reaches back into the cycle before makes their means depend on each other
WINDOW = CYCLE_STEPS // 2


def rounded(value: float) -> float:
    """Two digits: a limit isn't known more closely."""
    return float(f"{value:.2g}")


def channel_lines(limits: Limits) -> str:
    lines = []
    for c, name in enumerate(("shoulder", "elbow")):
        middle, half = (limits.high[c] + limits.low[c]) / 2, (limits.high[c] - limits.low[c]) / 2
        low, high = (rounded(middle + side * RANGE_MARGIN * half) for side in (-1, 1))
        rate, jerk = rounded(RATE_MARGIN * limits.rate[c]), rounded(JERK_MARGIN * limits.jerk[c])
        lines.append(
            f"      - {{name: {name}, unit: Nm, low: {low:g}, high: {high:g}, rate: {rate:g}, jerk: {jerk:.0f}}}"
        )
    return "\n".join(lines)


def write_bundle(folder: Path, found: dict[str, tuple[float, float]], figures: str, limits: Limits) -> None:
    """Write the manifest, and the card's figures between its two marks."""
    ours, theirs = found["as commissioned"]
    text = MANIFEST.format(
        command=COMMAND,
        sha256=hashlib.sha256((folder / "arm-policy.onnx").read_bytes()).hexdigest(),
        entries=", ".join(ENTRIES),
        channels=channel_lines(limits),
        limit_steps=2 * LIMITS_ARMS * LIMITS_CYCLES * CYCLE_STEPS,
        limits_seed=LIMITS_SEED,
        limits_seed_2=LIMITS_SEED + 1,
        range_margin=RANGE_MARGIN,
        rate_margin=RATE_MARGIN,
        jerk_margin=JERK_MARGIN,
        residual_margin=RESIDUAL_MARGIN,
        residual=rounded(RESIDUAL_MARGIN * limits.residual_rad),
        chatter=CHATTER,
        window=WINDOW,
        policy_mrad=ours,
        expert_mrad=theirs,
        test_cycles=TEST_ARMS * TEST_CYCLES,
        seed=TEST_SEED,
    )
    (folder / "manifest.yaml").write_text(text, encoding="utf-8")
    start, end = "<!-- figures: written by the maker -->", "<!-- end of figures -->"
    before, _, rest = (BUNDLE / "CARD.md").read_text(encoding="utf-8").partition(start)
    after = rest.partition(end)[2]
    (folder / "CARD.md").write_text(f"{before}{start}\n\n{figures}\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--arms", type=int, default=ARMS, help="arms that are moved at once")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of imitation")
    parser.add_argument("--steps", type=int, default=STEPS_A_ROUND, help="steps of training a round")
    parser.add_argument("--out", type=Path, default=BUNDLE, help="folder that gets the bundle")
    parser.add_argument("--measure-only", action="store_true", help="measure the model that is there already")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "arm-policy.onnx"
    begun_s = time.perf_counter()
    if not arguments.measure_only:
        print(f"seeds: training {TRAIN_SEED}, test {TEST_SEED}, limits {LIMITS_SEED}", flush=True)
        network = train(TRAIN_SEED, arguments.arms, arguments.rounds, arguments.steps)
        export(network, path)
        x = rollout(np.random.default_rng(1), None, 50, 1, is_pushed=True)[0].reshape(-1, len(ENTRIES))
        gap = float(np.abs(policy_of(path)(x) - network(x)).max())
        print(
            f"{path.name}: {path.stat().st_size:,} bytes; onnxruntime and numpy differ by at most {gap:.1e} Nm"
        )
        if gap > 1e-3:
            raise SystemExit("the exported model does not compute what was trained; nothing written")
    policy = policy_of(path)
    found, figures = measure(policy)
    print(figures)
    ours, theirs = found["as commissioned"]
    if ours > GOAL * theirs:
        raise SystemExit(f"{ours:.2f} mrad is more than {GOAL} × the expert's {theirs:.2f}; nothing written")
    write_bundle(arguments.out, found, figures, measure_limits(policy))
    print(f"wrote {arguments.out} in {time.perf_counter() - begun_s:.0f} s")


if __name__ == "__main__":
    main()
