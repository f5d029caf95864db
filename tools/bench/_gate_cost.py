"""What a gate costs: from the record to its verdict through the real monitor, beside a bare echo of the same bytes."""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jidoka.config.compile import compile_text
from jidoka.config.manifest import Bundle, load_bundle
from jidoka.host.model import open_session
from jidoka_bridge import plan as plans
from jidoka_tap import open_tap

from tools.bench._peers import ROOT, listening, same_datagram
from tools.bench._rows import Row

REACH = 3.0
DEADLINE_S = 2.0
#: before each call an application waits for its next part, then runs its model: both peers meet cold caches
PAUSE_S = 0.002
WARM_UP = 50
BASELINE_RECORDS = 400

CONFIGURATION = """\
site: bench
line: gate
device: here
run_dir: {folder}/run
state_dir: {folder}/state
models:
  - id: {model}
    bundle: {model}
    mode: none
risks:
  - {{id: R-01, risk: drift, model: {model}, when: drift(all), false_alarms: 1 per 90 days, response: advise, owner: quality}}
  - {{id: R-02, risk: bad answers, model: {model}, when: {integrity}, response: advise, owner: quality}}
"""


class Case(NamedTuple):
    """One kind of record. has_input: the model's input goes with it; integrity: what else is watched."""

    name: str
    model: str
    has_input: bool
    integrity: str


CASES = (
    Case("a classifier's outputs", "surface-inspection", False, "invalid output"),
    Case("a classifier's outputs and its picture, 96 × 96", "surface-inspection", True, "invalid output"),
    Case("a control model's command, envelope included", "arm-policy", False, "implausible command"),
)


@contextlib.contextmanager
def _monitor(plan_file: Path, socket_path: Path) -> Iterator[None]:
    """The real monitor, from when it listens."""
    command = [sys.executable, "-m", "jidoka.monitor", "--plan", str(plan_file)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
    ) as process:
        try:
            deadline_s = time.monotonic() + 120
            while not socket_path.exists():
                assert process.poll() is None, "the monitor ended"
                assert time.monotonic() < deadline_s, "the monitor isn't ready"
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def _samples(bundle: Bundle) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Endless (outputs, inputs) of the model, each as good records of it look."""
    session = open_session(bundle)
    names = [each.name for each in bundle.outputs]
    rng = np.random.default_rng(1)
    picture = rng.integers(90, 110, (1, 1, 96, 96)).astype(np.uint8)
    while True:
        feed = {}
        for each in bundle.inputs:
            shape = [size if isinstance(size, int) else 1 for size in each.shape]
            is_picture = each.layout is not None
            feed[each.name] = (
                picture + rng.integers(0, 3, picture.shape, np.uint8)
                if is_picture
                else (0.005 * rng.standard_normal(shape)).astype(each.dtype)  # at rest, near its target
            )
        yield dict(zip(names, session.run(names, feed), strict=True)), feed


def _learn(plan: plans.Plan, configuration: Path, case: Case, samples: Any) -> None:
    """A baseline from the same samples, through the same tap."""
    socket_path = plan.tap_socket
    command = [sys.executable, "-m", "jidoka.cli", "baseline", "learn", str(configuration), "--records",
               str(BASELINE_RECORDS)]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
    ) as learner:
        deadline_s = time.monotonic() + 120
        while not socket_path.exists() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        bundle = load_bundle(case.model)
        with open_tap(
            case.model, [o.name for o in bundle.outputs], [i.name for i in bundle.inputs], str(socket_path)
        ) as tap:
            tap.tap.wait_until_connected(60.0)
            while learner.poll() is None and time.monotonic() < deadline_s:
                outputs, inputs = next(samples)
                tap.record_outputs(outputs, inputs if case.has_input else None)
                time.sleep(0.001)
        assert learner.wait(30) == 0, "no baseline was learned"


def round_trips(case: Case, rounds: int) -> tuple[list[float], list[float], int]:
    """(gate, bare echo) round trips in µs, taking turns, and the bytes of one record."""
    bundle = load_bundle(case.model)
    samples = _samples(bundle)
    gated: list[float] = []
    echoed: list[float] = []
    with tempfile.TemporaryDirectory(prefix="jidoka-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        configuration, plan_file = folder / "gate.yaml", folder / "plan.json"
        configuration.write_text(
            CONFIGURATION.format(folder=folder, model=case.model, integrity=case.integrity)
        )
        plan = compile_text(configuration.read_text(), folder)
        plan_file.write_bytes(plans.dump(plan))
        _learn(plan, configuration, case, samples)
        plan.tap_socket.unlink(missing_ok=True)
        stack.enter_context(_monitor(plan_file, plan.tap_socket))
        stack.enter_context(listening("_echo", folder / "echo.sock"))
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.connect(str(folder / "echo.sock"))
        gate = open_tap(
            case.model, [o.name for o in bundle.outputs], [i.name for i in bundle.inputs],
            str(plan.tap_socket), gate=True, deadline_s=DEADLINE_S, when_silent="reject",
        )  # fmt: skip
        stack.callback(peer.close)
        stack.callback(gate.close)
        assert gate.tap.wait_until_connected(60.0)
        outputs, inputs = next(samples)
        payload = same_datagram(outputs.values(), inputs.values() if case.has_input else ())

        def ask(outputs: dict[str, Any], inputs: dict[str, Any]) -> None:
            verdict = gate.record_outputs(outputs, inputs if case.has_input else None, part=1)
            assert verdict is not None
            assert not verdict.is_silent, verdict

        def bare(outputs: dict[str, Any], inputs: dict[str, Any]) -> None:
            del outputs, inputs
            peer.send(payload)
            peer.recv(len(payload))

        for turn in range(WARM_UP + rounds):
            for call, times in ((ask, gated), (bare, echoed))[:: 1 if turn % 2 else -1]:
                time.sleep(PAUSE_S)
                answer = next(samples)
                start_ns = time.perf_counter_ns()
                call(*answer)
                if turn >= WARM_UP:
                    times.append((time.perf_counter_ns() - start_ns) / 1000)
    return gated, echoed, len(payload)


def rows(is_quick: bool) -> Iterator[Row]:
    """Median and p99 for each of CASES."""
    for case in CASES:
        gated, echoed, size_bytes = round_trips(case, 400 if is_quick else 4000)
        for name, pick in (("median", statistics.median), ("p99", _p99)):
            ours_us, bare_us = pick(gated), pick(echoed)
            peer = f"a bare echo of the same {size_bytes} bytes between two processes, {bare_us:.0f} µs"
            yield Row(
                f"gate, {case.name}: round trip {name} / echo", ours_us / bare_us, "ratio", REACH, peer=peer
            )
            yield Row(f"gate, {case.name}: round trip {name}", ours_us, "µs")


def _p99(times: list[float]) -> float:
    return float(np.quantile(times, 0.99))
