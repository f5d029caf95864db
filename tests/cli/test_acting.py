"""`jidoka guard init`, `ack`, `hold` and `unlock` against the real steward and guard."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jidoka_bridge import plan as plans
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import MAP_DIGEST

from tests.bridge.guard.guard_rig import plan
from tests.processes import Program, programs, wait_until

pytestmark = pytest.mark.process
SECTIONS = {
    "models": {}, "detectors": {}, "integrity": {}, "steward": {"broker": None, "metrics": None}, "host": None,
    "risks": [],
}  # fmt: skip


class Device:
    """A plan, a steward and a guard without a PLC."""

    def __init__(self, folder: Path, start: Callable[..., Program]) -> None:
        self.start = start
        self.file = folder / "plan.json"
        made = plan(
            run_dir=str(folder / "run"), state_dir=str(folder / "state"), link=Link(port=str(folder / "nowhere")),
            map_digest=MAP_DIGEST.hex(), sections=SECTIONS,
        )  # fmt: skip
        self.file.write_bytes(plans.dump(made))

    def jidoka(self, *arguments: str) -> tuple[int, str]:
        command = self.start(sys.executable, "-m", "jidoka.cli", *arguments)
        code = command.wait()
        assert "Traceback" not in command.text
        return code, command.text

    def act(self, *arguments: str) -> tuple[int, str]:
        return self.jidoka(*arguments, "--plan", str(self.file))


def test_a_hold_is_listed_acknowledged_and_an_unlock_without_lockout_refused(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        device = Device(tmp_path, start)
        assert device.jidoka("guard", "init", str(device.file))[0] == 0
        code, text = device.jidoka("guard", "init", str(device.file))
        assert (code, "exists already" in text) == (3, True)
        start(sys.executable, "-m", "jidoka.steward", "--plan", str(device.file))
        start(sys.executable, "-m", "jidoka_bridge", "--plan", str(device.file))
        wait_until(
            lambda: device.act("hold", "--reason", "somebody is in the cell")[0] == 0, "a hold is taken"
        )
        code, text = device.act("ack")
        assert code == 0
        assert "local hold  revision 1" in text
        assert "3  cause removed" in text
        wrong = device.act("ack", "local hold", "--revision", "1", "--reason", "3", "--role", "viewer")
        assert wrong[0] == 10
        assert "may not acknowledge" in wrong[1]
        assert device.act("ack", "local hold", "--revision", "1", "--reason", "cause removed")[0] == 0
        wait_until(lambda: json.loads(device.act("ack", "--json")[1])["waiting"] == [], "nothing waits")
        code, text = device.act("unlock", "--role", "engineer", "--reason", "repaired")
        assert (code, "there is no lockout" in text) == (10, True)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("ack",), 11, "no steward listens"),
        (("hold", "--reason", "x"), 11, "no steward listens"),
        (("ack", "R-1"), 2, "--revision and --reason are needed"),
        (("ack", "R-1", "--revision", "1", "--reason", "because"), 2, "1 seen, will look"),
        (("unlock",), 2, "--reason"),
    ],
)
def test_mistakes_end_in_a_plain_sentence(
    tmp_path: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    with programs(tmp_path) as start:
        found, said = Device(tmp_path, start).act(*arguments)
        assert (found, text in said) == (code, True), said
