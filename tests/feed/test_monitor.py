"""A program that only writes a log, judged by the real monitor: its answers are seen, and one that is none is a condition."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.feed.bundles import LOG, fed_bundle
from tests.processes import programs, wait_for_listener, wait_until

pytestmark = pytest.mark.process

CONDITION = "surface-inspection:invalid output"
CONFIGURATION = """\
site: test
line: log
device: bench
run_dir: {folder}/run
state_dir: {folder}/state
models:
  - {{id: surface-inspection, bundle: {folder}/bundle, mode: none}}
risks:
  - id: R-01
    risk: an answer that is none
    model: surface-inspection
    when: invalid output
    response: advise
    owner: quality
    controls: [A.6.2.6]
    text: The program gave no answer.
    remedy: See the program's log.
"""


def jidoka(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jidoka.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_log_line_without_a_confidence_is_an_invalid_output_to_the_monitor(tmp_path: Path) -> None:
    fed_bundle(tmp_path / "bundle", LOG)
    configuration, plan, log = tmp_path / "c.yaml", tmp_path / "plan.json", tmp_path / "app.log"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path))
    made = jidoka("plan", configuration, "-o", plan)
    assert made.returncode == 0, made.stderr
    log.touch()

    def judgement() -> str:
        told = jidoka("status", "--plan", plan, "--json")
        if told.returncode:
            return "no steward"
        model = json.loads(told.stdout)["models"].get("surface-inspection", {})
        return str(model.get("conditions", {}).get(CONDITION, "unknown"))

    def write(confidence: str) -> None:
        with log.open("a") as file:
            file.writelines(f"12:00 part={n} class=ok p={confidence}\n" for n in range(1, 41))

    with programs(tmp_path) as start:
        start(sys.executable, "-m", "jidoka.steward", "--plan", str(plan))
        start(sys.executable, "-m", "jidoka.monitor", "--plan", str(plan))
        wait_for_listener(tmp_path / "run" / "tap" / "tap.sock", 60.0)
        feed = start(sys.executable, "-m", "jidoka.feed", "--plan", str(plan), "--follow", str(log), "--json")
        feed.wait_for_text("outputs only")
        write("0.98")
        wait_until(lambda: judgement() == "off", "good answers")
        write("nan")
        wait_until(lambda: judgement() == "on", "answers that are none")
        feed.signal(15)
        assert feed.wait() == 0
    told = json.loads(feed.text.splitlines()[-1])
    assert told["tap"] == {**told["tap"], "sent": 80, "dropped": 0}
