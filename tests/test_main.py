"""`python -m jidoka` is the command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.processes import programs


@pytest.mark.process
def test_the_package_itself_is_the_command(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        told = []
        for module in ("jidoka", "jidoka.cli"):
            program = start(sys.executable, "-m", module, "status", "--plan", "none.json")
            assert program.wait() == 3
            told.append(program.text)
    assert told[0] == told[1]
    assert "none.json: can't read the plan" in told[0]
