"""The arm's host as a program: alone, behind a gate that nobody answers, ended by a signal, and told what is wrong."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
from jidoka.arm.motion import CYCLE_STEPS
from jidoka.arm.options import from_plan
from jidoka.config.compile import compile_text
from jidoka_bridge import plan as plans

from tests.processes import programs

ARM = (sys.executable, "-m", "jidoka.arm")


@pytest.mark.process
def test_without_a_monitor_the_arm_moves_and_tells_each_cycle(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        arm = start(*ARM, "--fast", "--count", "4", "--results", "--socket", str(tmp_path / "none"))
        assert arm.wait() == 0
    lines = [json.loads(line) for line in arm.text.splitlines() if line.startswith("{")]
    done = [line for line in lines if "part" in line]
    assert [line["part"] for line in done] == [1, 2, 3, 4]
    assert [line["mover"] for line in done] == ["policy", "program"] * 2
    assert all(line["is_whole"] and line["steps"] == CYCLE_STEPS and line["error_mrad"] < 20 for line in done)
    assert all(len(line["pose"]) == len(line["reference"]) == 2 for line in lines if "pose" in line)


@pytest.mark.process
def test_a_gate_that_nobody_answers_lets_no_command_through(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        arm = start(*ARM, "--fast", "--count", "1", "--gate", "--results", "--socket", str(tmp_path / "none"))
        assert arm.wait() == 0
    (done,) = [json.loads(line) for line in arm.text.splitlines() if '"part"' in line]
    assert (done["refused"], done["command"]) == (CYCLE_STEPS, None)
    assert "no monitor is connected" in done["why"]


@pytest.mark.process
def test_a_signal_ends_it_in_order_and_the_host_starts_it_as_a_source(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        arm = start(
            sys.executable, "-m", "jidoka.host", "arm-policy", "--source", "arm", "--socket", str(tmp_path / "none")
        )  # fmt: skip
        arm.wait_for_text("commands refused  monitor away")
        arm.signal(signal.SIGTERM)
        assert arm.wait() == 0


@pytest.mark.process
@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("surface-inspection",), 4, "isn't a policy for this arm"),
        (("--knobs", "{folder}/arm.json"), 3, "'payload' is no knob of the arm. Did you mean 'payload_kg'?"),
        (("--pace", "0"), 2, "--pace is 0.01 to 1000"),
        (("arm-policy", "--plan", "x"), 2, "not both"),
    ],
)
def test_what_cannot_be_is_told_in_plain_words(
    options: tuple[str, ...], code: int, says: str, tmp_path: Path
) -> None:
    (tmp_path / "arm.json").write_text('{"payload": 1}')
    with programs(tmp_path) as start:
        arm = start(*ARM, "--count", "1", *(each.format(folder=tmp_path) for each in options))
        assert arm.wait() == code
    assert says in " ".join(arm.text.split())
    assert "Traceback" not in arm.text


CONFIGURATION = """\
site: s
line: l
device: d
run_dir: run
state_dir: state
models:
  - {{id: arm-policy, bundle: arm-policy, mode: {mode}, in_shadow: true, longest_interval: 1 s}}
{plc}host: {{source: arm, trigger: panel, camera: arm.json, seed: 5}}
risks:
  - {{id: R-1, risk: r, model: arm-policy, when: repeated refusals, response: hold, owner: engineer}}
  - {{id: R-2, risk: r, model: arm-policy, when: drift(command), false_alarms: 1 per 90 days, response: hold, owner: engineer}}
"""


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_a_plan_gates_the_policy_where_it_is_enforced(mode: str, tmp_path: Path) -> None:
    text = CONFIGURATION.format(mode=mode, plc="plc: {port: /dev/null, baud: 19200}\n")
    path = tmp_path / "plan.json"
    path.write_bytes(plans.dump(compile_text(text, tmp_path)))
    options = from_plan(path)
    assert options.is_gated is (mode == "enforce")
    assert (options.panel, options.knobs, options.seed) == (tmp_path / "panel", tmp_path / "arm.json", 5)
    assert options.pace == 1.0
