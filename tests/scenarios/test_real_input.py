"""Real photographs: a lighting ladder of magnetic tiles through host, tap and monitor.

The model was never shown a tile: its verdicts mean nothing here, its input features do. The baseline is learned on
exposures 3 and 4 of half the tiles; the other half must be quiet at these, and a condition at every other exposure.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import Program, programs, wait_for_listener, wait_until
from tests.tiles import EXPOSURES, complete_tiles

pytestmark = pytest.mark.process

CONDITION = "surface-inspection:drift(input)"
LEARNED = (3, 4)
CONFIGURATION = """\
site: test
line: tiles
device: bench
run_dir: {folder}/run
state_dir: {folder}/state
models:
  - id: surface-inspection
    bundle: surface-inspection
    mode: none
risks:
  - id: R-01
    risk: pictures unlike those of commissioning
    model: surface-inspection
    when: drift(input)
    false_alarms: 1 per 10000 records
    response: advise
    owner: quality
    controls: [A.6.2.6]
    text: The pictures have changed.
    remedy: Check lamp, lens and camera.
"""


def jidoka(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jidoka.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def gather(folder: Path, photographs: list[Path], seed: int) -> Path:
    """A folder of links in a seeded order, as parts of mixed kinds would come."""
    folder.mkdir()
    random.Random(seed).shuffle(photographs)
    for place, photograph in enumerate(photographs):
        (folder / f"{place:04}.jpg").symlink_to(photograph)
    return folder


def judgement(plan: Path) -> str:
    status = json.loads(jidoka("status", "--plan", str(plan), "--json").stdout)
    return str(status["models"].get("surface-inspection", {}).get("conditions", {}).get(CONDITION, "unknown"))


def show(start: Callable[..., Program], plan: Path, folder: Path) -> str:
    """Run the host over a folder; returns what it printed."""
    host = start(sys.executable, "-m", "jidoka.host", "surface-inspection", "--source", str(folder),
                 "--socket", str(plan.parent / "run" / "tap" / "tap.sock"), "--rate", "100")  # fmt: skip
    assert host.wait(60) == 0, host.text
    return host.text


def test_tiles_are_quiet_at_the_learned_exposures_and_a_condition_at_each_other(tmp_path: Path) -> None:
    tiles = complete_tiles()
    random.Random(20260202).shuffle(tiles)
    half = len(tiles) // 2
    learn = gather(tmp_path / "learn", [tile[e] for tile in tiles[:half] for e in LEARNED], seed=1)
    quiet = gather(tmp_path / "quiet", [tile[e] for tile in tiles[half:] for e in LEARNED], seed=2)
    other = {
        e: gather(tmp_path / f"exposure-{e}", [tile[e] for tile in tiles[half:]], seed=e)
        for e in EXPOSURES
        if e not in LEARNED
    }
    configuration, plan = tmp_path / "tiles.yaml", tmp_path / "plan.json"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path))
    done = jidoka("plan", str(configuration), "-o", str(plan))
    assert done.returncode == 0, done.stderr
    done = jidoka("baseline", "learn", str(configuration), "--source", str(learn), "--records", str(2 * half))
    assert done.returncode == 0, done.stderr + done.stdout

    with programs(tmp_path) as start:
        steward = start(sys.executable, "-m", "jidoka.steward", "--plan", str(plan))
        wait_until(
            lambda: jidoka("status", "--plan", str(plan), "--json").returncode == 0, "the steward answers"
        )
        monitor = start(sys.executable, "-m", "jidoka.monitor", "--plan", str(plan))
        wait_for_listener(tmp_path / "run" / "tap" / "tap.sock", 60.0)
        assert "mean nothing" in show(start, plan, quiet)
        for exposure, folder in other.items():
            wait_until(lambda: judgement(plan) == "off", f"quiet before exposure {exposure}")
            show(start, plan, folder)
            wait_until(lambda: judgement(plan) == "on", f"drift at exposure {exposure}")
            show(start, plan, quiet)
        wait_until(lambda: judgement(plan) == "off", "quiet at the end")
        del steward, monitor
